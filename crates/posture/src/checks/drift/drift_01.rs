//! DRIFT-01: something changed, and no call on record changed it.

use crate::missing::{Fault, GLOBAL, MissingFact, MissingReason};
use bartizan_model::Severity;

use crate::check::{Check, Source};
use crate::drift::DriftOrigin;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "DRIFT-01",
    title: "The configuration changed, and no call on record changed it",
    severity: Severity::Critical,
    why: "Either the trail is not whole, or somebody works where it does not look.",
    judged: "Changes since the snapshot before: each needs its call in the trail. Unknown where the trail was not read whole.",
    fix: "bartizan diff",
    sources: &[Source::Talk],
    needs: &[],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let missing = |why| Err(MissingFact::new("", GLOBAL, "", why));
    if view.before().is_none() {
        return verdicts.judge(view.id, GLOBAL, [missing(MissingReason::NoSnapshotBefore)]);
    }
    let Some(drift) = view.drift() else {
        return verdicts.judge(view.id, GLOBAL, [missing(MissingReason::NoTrail)]);
    };
    for change in &drift.changes {
        let fault: Fault = match &change.origin {
            Some(DriftOrigin::NoCall) => Ok(Some(format!("{} {}", change.kind, change.id))),
            Some(DriftOrigin::Approved | DriftOrigin::Made(_)) => Ok(None),
            None => missing(MissingReason::NoOrigin),
        };
        verdicts.judge(&change.resource, &change.region, [fault]);
    }
}
