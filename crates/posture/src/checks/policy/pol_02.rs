//! POL-02: a user or role can become administrator.

use bartizan_iam::{Tri, escalations};
use bartizan_model::Severity;

use crate::check::{Check, Source};
use crate::missing::{Fault, GLOBAL, MissingFact, MissingReason};
use crate::policies::{HOLDER_KINDS, is_everything};
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "POL-02",
    title: "A user or role that holds no administrator policy can become administrator",
    severity: Severity::Critical,
    why: "It looks harmless in every list, and is as good as root for whoever takes it over.",
    judged: "As bartizan access escalate: proved or possible paths of those who do not fail POL-01.",
    fix: "bartizan access escalate {resource}",
    sources: &[Source::Talk],
    needs: &HOLDER_KINDS,
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    for kind in ["iam:user", "iam:role"] {
        verdicts.list_read(&view.list(kind));
    }
    // A way can lead through anybody, so that each list has a say in every verdict.
    let kinds = HOLDER_KINDS.into_iter().chain(["iam:useringroup"]);
    let unread = kinds.flat_map(|kind| view.list(kind).unread).next();
    let found = escalations(view.iam, 1);
    for (number, principal) in view.iam.principals.iter().enumerate() {
        // Its own policy, or one of its groups, says everything.
        let mut documents = principal
            .policies
            .iter()
            .map(|d| &view.iam.documents[*d as usize]);
        let holds = documents.any(|d| d.policy.statements.iter().any(is_everything));
        let fault: Fault = match found.of(number as u32).filter(|_| !holds) {
            Some(escalation) => {
                let sure = escalation.verdict == Tri::Yes;
                let ways: Vec<&str> = escalation.ways.keys().copied().collect();
                let how = if ways.is_empty() {
                    "by its own policies".to_owned()
                } else {
                    format!("by {}", ways.join(", "))
                };
                Ok(Some(format!("{} {how}", if sure { "must" } else { "may" })))
            }
            None if holds => Ok(None),
            None if principal.unread.is_empty() => unread.clone().map_or(Ok(None), Err),
            None => {
                let why = MissingReason::NotListed;
                Err(MissingFact::new(
                    "iam:managedpolicy",
                    GLOBAL,
                    &principal.arn,
                    why,
                ))
            }
        };
        verdicts.judge(&principal.arn, GLOBAL, [fault]);
    }
}
