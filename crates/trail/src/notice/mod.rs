//! Messages of a queue that feeds the trail: objects of S3 that were written or deleted, single
//! records from EventBridge rules, and findings of other systems. A message is told by its content.

mod envelope;
mod object;

use serde::Serialize;

pub use envelope::{FINDING_DETAILS, notices};
pub use object::{ObjectChange, ObjectNotice};

/// One thing that a message says. A message may say several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Object of S3 that was written or deleted.
    Object(ObjectNotice),
    /// CloudTrail record, as it stands in the message.
    Record(String),
    /// Finding of another system: the EventBridge event with its envelope, or the bare finding.
    Finding(String),
    /// `s3:TestEvent`, which S3 sends once when notifications are configured.
    Test,
    /// Message, or a part of one, that says nothing known.
    Unknown(UnknownNotice),
}

/// Reason for which a message says nothing known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum UnknownNotice {
    /// Larger than [`NOTICE_BYTES_MAX`](bartizan_model::limits::NOTICE_BYTES_MAX).
    TooLarge { bytes: usize },
    /// Not a JSON object.
    NotJson,
    /// Envelopes in envelopes, deeper than `UNWRAP_DEPTH_MAX`.
    TooDeep,
    /// More entries than `NOTICES_MAX`; `left_out` of them were not read.
    TooMany { left_out: usize },
    /// Event of EventBridge of another kind, e.g. `EC2 Instance State-change Notification`.
    OtherEvent { source: String, detail_type: String },
    /// Event of S3 of another kind, e.g. `ObjectTagging:Put`.
    OtherChange { event: String },
    /// Entry without a bucket or key, or with a key that is not UTF-8.
    NoObject,
    /// JSON of another shape.
    OtherShape,
}

#[cfg(test)]
mod tests;
