//! Changes since the snapshot before, with who made each.

use serde::{Deserialize, Serialize};

/// Changes between the snapshot before and this one, attributed to calls of the trail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    pub changes: Vec<DriftedFact>,
}

/// A changed fact and its origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", content = "who", rename_all = "kebab-case")]
pub enum DriftOrigin {
    /// Somebody who is approved for such changes.
    Approved,
    /// ARN of the person, pipeline or machine.
    Made(String),
    /// The trail was read whole, and no call in it made the change.
    NoCall,
}
