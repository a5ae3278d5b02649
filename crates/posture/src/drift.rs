//! Changes since the snapshot before, with who made each.

use crate::missing::{MissingFact, MissingReason};

use crate::reading::FactView;
use crate::verdicts::Fault;
use crate::view::AccountView;

/// Changes between the snapshot before and this one, attributed to calls of the trail.
#[derive(Clone, Debug, Default)]
pub struct Drift {
    pub changes: Vec<DriftedFact>,
}

/// A changed fact and its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriftedFact {
    /// `iam:accesskey`.
    pub kind: String,
    pub region: String,
    pub id: String,
    /// ARN of what changed.
    pub resource: String,
    /// `None`: the trail does not tell, e.g. because part of it was not read.
    pub origin: Option<DriftOrigin>,
}

/// Origin of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DriftOrigin {
    /// Somebody who is approved for such changes.
    Approved,
    /// ARN of the person, pipeline or machine.
    Made(String),
    /// The trail was read whole, and no call in it made the change.
    NoCall,
}

/// The fault of a fact that the snapshot before did not have, by its origin. A fact that was there
/// has none.
pub(crate) fn fault_of_new(
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
