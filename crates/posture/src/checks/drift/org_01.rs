//! ORG-01: a guard of the organization was taken away.

use bartizan_model::Severity;

use super::before;
use crate::check::{Check, Source};
use crate::missing::{Fault, GLOBAL};
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "ORG-01",
    title: "A guard of the organization was taken away",
    severity: Severity::High,
    why: "An account that leaves, a detached policy or a new delegated administrator takes the brakes off.",
    judged: "Against the snapshot before: a policy detached, a delegated administrator added, the organization left, the security contact changed.",
    fix: "bartizan diff",
    sources: &[Source::Fsbp("Account.1")],
    needs: &[
        "organizations:organization",
        "organizations:policytarget",
        "organizations:delegatedadministrator",
        "account:securitycontact",
    ],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let faults = [
        left(view),
        // Gone from the one list, or new in the other.
        gone(view, "organizations:policytarget", "policy detached"),
        new(
            view,
            "organizations:delegatedadministrator",
            "delegated administrator added",
        ),
        contact(view),
    ];
    verdicts.judge(view.id, GLOBAL, faults);
}

fn left(view: &AccountView<'_>) -> Fault {
    const KIND: &str = "organizations:organization";
    let before = before(view, KIND)?.fact(KIND, GLOBAL, "organization")?;
    let now = view.fact(KIND, GLOBAL, "organization")?;
    let id =
        |f: Option<&crate::reading::FactView<'_>>| f.and_then(|f| f.text("/Id").map(str::to_owned));
    Ok(match (id(before), id(now)) {
        (Some(old), None) => Some(format!("left organization {old}")),
        (Some(old), Some(new)) if old != new => Some(format!("moved from {old} to {new}")),
        _ => None,
    })
}

/// A thing of the snapshot before that is not there any more.
fn gone(view: &AccountView<'_>, kind: &str, what: &str) -> Fault {
    added(before(view, kind)?, view, kind, what)
}

/// A thing that the snapshot before did not have.
fn new(view: &AccountView<'_>, kind: &str, what: &str) -> Fault {
    added(view, before(view, kind)?, kind, what)
}

/// The first fact of a kind that `one` has and `other` has not.
fn added(one: &AccountView<'_>, other: &AccountView<'_>, kind: &str, what: &str) -> Fault {
    // Only the management account and delegated administrators can list these.
    let (Ok(has), Ok(had)) = (one.all(kind, GLOBAL), other.all(kind, GLOBAL)) else {
        let organization = one.fact("organizations:organization", GLOBAL, "organization")?;
        let is_member = organization.is_none_or(|o| o.text("/MasterAccountId") != Some(one.id));
        return if is_member {
            Ok(None)
        } else {
            one.all(kind, GLOBAL)
                .and(other.all(kind, GLOBAL))
                .map(|_| None)
        };
    };
    let fresh = has.iter().find(|f| !had.iter().any(|h| h.id == f.id));
    Ok(fresh.map(|f| format!("{what}: {}", f.id)))
}

fn contact(view: &AccountView<'_>) -> Fault {
    const KIND: &str = "account:securitycontact";
    let before = before(view, KIND)?
        .fact(KIND, GLOBAL, "account")?
        .map(|f| f.canonical);
    let now = view.fact(KIND, GLOBAL, "account")?.map(|f| f.canonical);
    let changed = before.is_some() && before != now;
    Ok(changed.then(|| "the security contact was changed".to_owned()))
}
