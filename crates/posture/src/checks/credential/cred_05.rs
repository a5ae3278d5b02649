//! CRED-05: a credential was made since the snapshot before, by nobody approved.

use bartizan_model::Severity;

use crate::check::{Check, Source};
use crate::drift::DriftOrigin;
use crate::missing::{Fault, GLOBAL, MissingFact, MissingReason};
use crate::reading::FactView;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "CRED-05",
    title: "A credential was made by somebody who is not approved for it",
    severity: Severity::High,
    why: "A new key or password is the first thing an intruder makes to stay.",
    judged: "Credentials that the snapshot before did not have: who made each, by the trail. Passes for approved principals and for their infrastructure as code.",
    fix: "bartizan diff, and delete the credential if nobody knows it",
    sources: &[Source::Talk],
    needs: CREDENTIALS,
    judge,
};

/// Kinds of long-term credentials.
const CREDENTIALS: &[&str] = &[
    "iam:accesskey",
    "iam:loginprofile",
    "iam:signingcertificate",
    "iam:sshpublickey",
    "iam:servicespecificcredential",
];

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    for kind in CREDENTIALS {
        let list = view.list(kind);
        verdicts.list_read(&list);
        for fact in list.facts {
            let owner = view.user_arn(fact.owner());
            let resource = match fact.id.split_once('/') {
                Some((_, id)) => format!("{owner}/{id}"),
                None => owner,
            };
            let fault = fault_of_new(view, fact, |origin| match origin {
                DriftOrigin::Approved => None,
                DriftOrigin::Made(by) => Some(format!("made by {by}, who is not approved")),
                DriftOrigin::NoCall => Some("made, and no call on record made it".to_owned()),
            });
            verdicts.judge(&resource, GLOBAL, [fault]);
        }
    }
}

/// The fault of a fact that the snapshot before did not have, by its origin. A fact that was there
/// has none.
fn fault_of_new(
    view: &AccountView<'_>,
    fact: &FactView<'_>,
    fault: impl Fn(&DriftOrigin) -> Option<String>,
) -> Fault {
    let before = view
        .before()
        .ok_or_else(|| missing(fact, MissingReason::NoSnapshotBefore))?;
    if before.fact(fact.kind, fact.region, &fact.id)?.is_some() {
        return Ok(None);
    }
    let drift = view
        .drift()
        .ok_or_else(|| missing(fact, MissingReason::NoTrail))?;
    let change = drift.changes.iter().find(|c| {
        (c.kind.as_str(), c.region.as_str(), &c.id) == (fact.kind, fact.region, &fact.id)
    });
    let origin = change.and_then(|c| c.origin.as_ref());
    origin
        .map(fault)
        .ok_or_else(|| missing(fact, MissingReason::NoOrigin))
}

fn missing(fact: &FactView<'_>, why: MissingReason) -> MissingFact {
    MissingFact::new(fact.kind, fact.region, &fact.id, why)
}
