//! Request for an action on a resource, completed with the keys that every request has.

use super::caller::{CallerKind, RequestCaller};
use super::context::Context;
use crate::actions::{Action, Actions};
use crate::arn::Arn;

/// Request for one action on one resource.
///
/// ```
/// use bartizan_iam::{Actions, RequestCaller, Context, ContextValue, ContextLookup, Request};
/// let mut request = Request {
///     action: "s3:GetObject".into(),
///     resource: "arn:aws:s3:::bucket/key".into(),
///     resource_account: Some("111122223333".into()),
///     caller: RequestCaller::Aws("arn:aws:iam::111122223333:user/alice".into()),
///     context: Context::default(),
/// };
/// // What AWS always tells of a request follows from who calls.
/// request.complete(Actions::builtin());
/// let account = ContextValue::One("111122223333".into());
/// assert_eq!(request.context.get("aws:principalaccount"), ContextLookup::Is(&account));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `s3:GetObject`.
    pub action: String,
    /// ARN, or `*` for actions that are about no resource.
    pub resource: String,
    /// Account of the resource. None: that of the ARN, or else that of the caller.
    pub resource_account: Option<String>,
    /// Principal who makes the request.
    pub caller: RequestCaller,
    /// Condition keys.
    pub context: Context,
}

impl Request {
    /// Account of the resource, as far as it is known.
    pub fn account(&self) -> Option<&str> {
        let named = || {
            Arn::parse(&self.resource)
                .map(|a| a.account)
                .filter(|a| a.len() == 12)
        };
        self.resource_account
            .as_deref()
            .or_else(named)
            .or_else(|| self.caller.account())
    }

    /// Adds the keys that every request has and that follow from it (IAM user guide, "global
    /// condition context keys"). A request for an action without resources is about `*` (service
    /// authorization reference).
    pub fn complete(&mut self, actions: &Actions) {
        self.complete_for(actions.find(&self.action), actions);
    }

    /// [`Request::complete`] where the action was looked up.
    pub(crate) fn complete_for(&mut self, action: Option<Action>, actions: &Actions) {
        if action.is_some_and(|a| actions.is_wildcard_only(a)) {
            self.resource = "*".to_owned();
        }
        let Self {
            caller, context, ..
        } = self;
        let (kind, account) = (caller.kind(), caller.account().map(str::to_owned));
        if let RequestCaller::Aws(arn) = &*caller {
            if let Some(principal) = caller.principal_arn() {
                context.default_to("aws:PrincipalArn", || principal.into_owned());
            }
            if let Some(account) = account {
                context.default_to("aws:PrincipalAccount", || account);
            }
            let word = match kind {
                CallerKind::Root => Some("Account"),
                CallerKind::User => Some("User"),
                CallerKind::Role | CallerKind::Session => Some("AssumedRole"),
                CallerKind::FederatedUser => Some("FederatedUser"),
                CallerKind::Other => None,
            };
            if let Some(word) = word {
                context.default_to("aws:PrincipalType", || word.to_owned());
            }
            if kind == CallerKind::User
                && let Some(name) = arn.rsplit('/').next()
            {
                context.default_to("aws:username", || name.to_owned());
            }
        }
        if let RequestCaller::Service(service) = &*caller {
            context.default_to("aws:PrincipalServiceName", || service.clone());
        }
        if matches!(caller, RequestCaller::Anonymous) {
            context.default_to("aws:PrincipalType", || "Anonymous".to_owned());
        }
        context.default_to("aws:PrincipalIsAWSService", || {
            matches!(caller, RequestCaller::Service(_)).to_string()
        });
        if let Some(account) = self.account().map(str::to_owned) {
            self.context.default_to("aws:ResourceAccount", || account);
        }
    }
}
