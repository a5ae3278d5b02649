//! What a check needed and did not have.

use bartizan_inventory::snapshot::{CallStatus, Coverage};

/// Something that would decide a verdict and was not read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MissingFact {
    /// `s3:bucketpolicy`; empty where it is no fact.
    pub kind: String,
    /// A region, or `global`.
    pub region: Box<str>,
    /// Id of the fact; empty for all of the kind.
    pub id: String,
    /// Call that failed, e.g. `s3:GetBucketPolicy`; empty where none was made.
    pub call: Box<str>,
    pub why: MissingReason,
}

/// Reason why something is missing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum MissingReason {
    /// No call asked for facts of its kind.
    NotAsked,
    /// The dump has no file with the answer.
    NotInDump,
    /// The call failed, or was answered in part.
    Call(CallStatus),
    /// Its document is not in the store.
    NoDocument,
    /// Its policy cannot be parsed, for this reason.
    NotUnderstood(String),
    /// The fact is there, and does not say this: `CreateDate`.
    Field(String),
    /// A policy that is attached, and not in the list of policies.
    NotListed,
    /// The bucket is another account's.
    OtherAccount,
    /// There is no snapshot before.
    NoSnapshotBefore,
    /// No trail was read.
    NoTrail,
    /// The trail does not tell who made the change.
    NoOrigin,
}

impl MissingFact {
    /// A fact that a row of coverage leaves open.
    pub(crate) fn of_row(kind: &str, region: &str, id: &str, row: &Coverage) -> Self {
        Self {
            kind: kind.to_owned(),
            region: region.into(),
            id: id.to_owned(),
            call: row.call.as_str().into(),
            why: if row.is_not_in_dump() {
                MissingReason::NotInDump
            } else {
                MissingReason::Call(row.status)
            },
        }
    }

    /// A fact that is missing for a reason of its own.
    pub(crate) fn new(kind: &str, region: &str, id: &str, why: MissingReason) -> Self {
        Self {
            kind: kind.to_owned(),
            region: region.into(),
            id: id.to_owned(),
            call: Box::default(),
            why,
        }
    }
}

/// Region of what is the same everywhere.
pub(crate) const GLOBAL: &str = "global";

/// One way for a resource to fail: the reason if it does, nothing if it does not, and what was not
/// read where that decides it.
pub type Fault = Result<Option<String>, MissingFact>;
