//! Things that a message may say.

use serde::{Deserialize, Serialize};

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

/// Object of S3 that was written or deleted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectNotice {
    pub bucket: String,
    /// Decoded: `AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/10/….json.gz`.
    pub key: String,
    pub change: ObjectChange,
    /// In a bucket with versions.
    pub version: Option<String>,
    /// Without quotes.
    pub entity_tag: Option<String>,
    pub bytes: Option<u64>,
    /// Hexadecimal number that orders the writes of one key, the longer of two padded alike.
    pub sequencer: Option<String>,
    /// Time of the write, RFC 3339.
    pub time: Option<String>,
}

/// Change of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectChange {
    Written,
    Deleted,
}
