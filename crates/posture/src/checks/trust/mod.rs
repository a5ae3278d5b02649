//! Checks of who may assume roles, and of confused deputies.

pub(crate) mod trust_01;
pub(crate) mod trust_02;
pub(crate) mod trust_03;
pub(crate) mod trust_04;
pub(crate) mod trust_05;

use std::rc::Rc;

use crate::missing::{Fault, GLOBAL, MissingFact, MissingReason};
use bartizan_iam::{ExternalAccess, Policy};

use crate::verdicts::Verdicts;
use crate::view::AccountView;

/// ARN and trust policy of each role.
pub(super) fn trusts(view: &AccountView<'_>) -> Vec<(String, Result<Rc<Policy>, MissingFact>)> {
    let role = |role: &&crate::reading::FactView<'_>| {
        let arn = role.text("/Arn").unwrap_or(&role.id).to_owned();
        (arn, trust(view, &role.id))
    };
    view.list("iam:role").facts.iter().map(role).collect()
}

/// Trust policy of a role, by its name.
pub(crate) fn trust(view: &AccountView<'_>, role: &str) -> Result<Rc<Policy>, MissingFact> {
    const KIND: &str = "iam:assumerolepolicy";
    match view.fact(KIND, GLOBAL, role)? {
        Some(fact) => fact.policy(),
        None => Err(MissingFact::new(
            KIND,
            GLOBAL,
            role,
            MissingReason::NotListed,
        )),
    }
}

/// One verdict for each role, by the external access that its trust policy gives.
fn judge_roles(
    view: &AccountView<'_>,
    verdicts: &mut Verdicts<'_>,
    fault: impl Fn(&ExternalAccess) -> Option<String>,
) {
    verdicts.list_read(&view.list("iam:role"));
    for (role, trust) in trusts(view) {
        if let Err(unread) = trust {
            verdicts.judge(&role, GLOBAL, [Err(unread)]);
            continue;
        }
        let own = view.external_by("iam:assumerolepolicy", &role);
        let faults = own
            .filter_map(&fault)
            .map(|reason| -> Fault { Ok(Some(reason)) });
        verdicts.judge(&role, GLOBAL, faults);
    }
}
