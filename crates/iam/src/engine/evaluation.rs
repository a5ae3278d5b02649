//! One evaluation: a request with what statements ask of it.

use crate::actions::{Action, Actions};
use crate::request::{CallerKind, ContextLookup, ContextValue, Request};

/// One evaluation: a request, with its parts as statements compare them.
pub(crate) struct Evaluation<'a> {
    pub(super) request: &'a Request,
    pub(super) bit: u32,
    /// The name of an action that the table does not know, in lower case.
    pub(super) unlisted: Option<(String, String)>,
    pub(super) kind: CallerKind,
    pub(super) account: &'a str,
    pub(super) role: Option<&'a str>,
    /// Its unique id, where the request tells it.
    pub(super) id: Option<&'a str>,
    pub(super) bounded: bool,
}

impl<'a> Evaluation<'a> {
    pub(crate) fn new(request: &'a Request, bounded: bool, actions: &Actions) -> Self {
        Self::of(request, bounded, actions.find(&request.action), actions)
    }

    pub(super) fn of(
        request: &'a Request,
        bounded: bool,
        known: Option<Action>,
        actions: &Actions,
    ) -> Self {
        let caller = &request.caller;
        Self {
            request,
            bit: known.map_or_else(|| actions.bit(&request.action), |a| a.0),
            unlisted: match known {
                Some(_) => None,
                None => {
                    let lower = request.action.to_ascii_lowercase();
                    Some(
                        lower
                            .split_once(':')
                            .map_or((String::new(), lower.clone()), |(s, n)| {
                                (s.to_owned(), n.to_owned())
                            }),
                    )
                }
            },
            kind: caller.kind(),
            account: caller.account().unwrap_or_default(),
            role: caller.role(),
            id: match request.context.get("aws:userid") {
                ContextLookup::Is(ContextValue::One(id) | ContextValue::StartsWith(id)) => {
                    id.split(':').next()
                }
                _ => None,
            },
            bounded,
        }
    }
}
