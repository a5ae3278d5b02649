//! Classification of JSON objects in a trail by their fields, never by file name.

use std::borrow::Cow;

use super::content::ForeignFile;
use super::event::{Event, Field, FieldOffsets};
use super::json::JsonKind;

/// Item found in a trail.
#[derive(Debug)]
pub enum TrailItem<'a> {
    /// Record of a call.
    Event(Event<'a>),
    /// Other CloudTrail or AWS data that is not a record of a call.
    Apart(NonEvent),
    /// Unreadable part.
    Problem {
        /// Offset in the decompressed object, in bytes.
        offset: u64,
        problem: ReadProblem,
    },
}

/// Data that is recognized and counted, but not scanned for attacks.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum NonEvent {
    /// Digest file: hashes of log files, for `bartizan verify`.
    Digest,
    /// CloudTrail Insights event: an unusual rate of calls.
    Insight,
    /// Message that names log files (SNS, SQS, S3 notification) without their content.
    Notification,
    /// EventBridge event of another source than CloudTrail.
    OtherEvent,
    /// Health check that CloudWatch Logs sends to each new destination.
    ControlMessage,
}

impl NonEvent {
    /// Singular or plural noun for `count` items.
    pub fn word(self, count: u64) -> &'static str {
        match (self, count) {
            (Self::Digest, 1) => "digest",
            (Self::Digest, _) => "digests",
            (Self::Insight, 1) => "Insight",
            (Self::Insight, _) => "Insights",
            (Self::Notification, 1) => "notification",
            (Self::Notification, _) => "notifications",
            (Self::OtherEvent, 1) => "EventBridge event of something else",
            (Self::OtherEvent, _) => "EventBridge events of something else",
            (Self::ControlMessage, 1) => "control message of CloudWatch Logs",
            (Self::ControlMessage, _) => "control messages of CloudWatch Logs",
        }
    }
}

/// Problem in an object.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum ReadProblem {
    /// `null` in place of a record.
    Null,
    /// JSON that is not a CloudTrail record.
    NotAnEvent,
    /// Truncated object.
    Cut,
    /// Invalid JSON.
    Damaged,
    /// Record above [`bartizan_model::limits::RECORD_BYTES_MAX`].
    TooLarge,
    /// Nesting above [`bartizan_model::limits::NESTING_MAX`].
    TooDeep,
    /// Invalid compressed data.
    Inflate,
    /// Decompressed size above [`bartizan_model::limits::INFLATED_BYTES_MAX`] or
    /// [`bartizan_model::limits::INFLATE_RATIO_MAX`].
    Bomb,
    /// I/O error.
    Unreadable,
    /// Record without a usable `eventTime`, which has no place in a window.
    NoTime,
    /// Record that does not name the called service.
    NoSource,
    /// Record with a structure as text that cannot be parsed.
    Unread,
    /// One page of a response, with a token for the next.
    Paged,
    /// Table without callers and requests.
    Condensed,
    /// Damaged archive.
    Archive,
    /// Archive above [`bartizan_model::limits::ZIP_BYTES_MAX`] or
    /// [`bartizan_model::limits::ARCHIVE_FILES_MAX`].
    ArchiveTooLarge,
    /// Password-protected file in an archive.
    Locked,
    /// Another file format.
    Foreign(ForeignFile),
}

impl ReadProblem {
    /// Whether events may be missing because of it.
    pub fn loses_events(self) -> bool {
        match self {
            Self::Foreign(foreign) => foreign.may_hold_events(),
            Self::Null => false,
            _ => !self.is_unjudged(),
        }
    }

    /// Whether records were read but not evaluated, or by some rules only. A few of those among
    /// many events make a note; in bulk ([`bartizan_model::limits::UNJUDGED_ONE_IN`]) having no
    /// findings is no all-clear.
    pub fn is_unjudged(self) -> bool {
        matches!(
            self,
            Self::NotAnEvent | Self::NoTime | Self::NoSource | Self::Unread
        )
    }

    /// Message for users.
    pub fn text(self) -> &'static str {
        match self {
            Self::Null => "null in place of a record",
            Self::NotAnEvent => "not a CloudTrail record",
            Self::Cut => "ends in the middle",
            Self::Damaged => "broken JSON",
            Self::TooLarge => "a record above 1 MiB",
            Self::TooDeep => "nested too deep",
            Self::Inflate => "broken compressed data",
            Self::Bomb => "inflates beyond all measure, given up",
            Self::Unreadable => "cannot be read",
            Self::NoTime => {
                "a record without a usable eventTime, which rules over time did not judge"
            }
            Self::NoSource => "a record without eventSource, which most rules cannot judge",
            Self::Unread => "a record with a part that cannot be read, which rules did not judge",
            Self::Paged => {
                "a page of a longer answer: it ends with NextToken, and more pages follow"
            }
            Self::Condensed => {
                "an event history as CSV, without identities and requests: most rules need them, \
                so download it as JSON"
            }
            Self::Archive => "a broken archive",
            Self::ArchiveTooLarge => "an archive that is too large: unpack it",
            Self::Locked => "a file in an archive that needs a password: unpack it",
            Self::Foreign(foreign) => foreign.text(),
        }
    }
}

/// Classification of an object.
pub(super) enum ObjectShape<'a> {
    Item(TrailItem<'a>),
    /// JSON text that may contain records.
    Envelope(Cow<'a, [u8]>),
    Unknown,
}

impl<'a> ObjectShape<'a> {
    pub(super) fn of(record: &'a [u8], places: &'a FieldOffsets) -> Self {
        let event = Event::new(record, places);
        if places.has(Field::InsightDetails) {
            return Self::Item(TrailItem::Apart(NonEvent::Insight));
        }
        // CloudTrail Lake has the whole record in one column.
        let record = |field| content(&event, field).filter(|inner| inner.contains(&b'{'));
        if let Some(inner) = record(Field::EventJson) {
            return Self::Envelope(inner);
        }
        if places.has(Field::EventName) {
            // S3 notifications have an event name, too.
            return if places.has(Field::S3) {
                Self::Item(TrailItem::Apart(NonEvent::Notification))
            } else {
                Self::Item(TrailItem::Event(event))
            };
        }
        for field in [Field::CloudTrailEvent, Field::EventData] {
            if let Some(inner) = record(field) {
                return Self::Envelope(inner);
            }
        }
        if let Some(detail) = event.field(Field::Detail) {
            let record =
                detail.get("eventName").is_some() || detail.get("insightDetails").is_some();
            return if record {
                Self::Envelope(Cow::Borrowed(detail.raw()))
            } else {
                Self::Item(TrailItem::Apart(NonEvent::OtherEvent))
            };
        }
        if places.has(Field::DigestStartTime) {
            return Self::Item(TrailItem::Apart(NonEvent::Digest));
        }
        // Queues and topics may carry whole records, from EventBridge or a subscription.
        for field in [Field::Notification, Field::Body] {
            if let Some(inner) = content(&event, field)
                .filter(|inner| memchr::memmem::find(inner, b"eventName").is_some())
            {
                return Self::Envelope(inner);
            }
        }
        if [Field::Notification, Field::Body, Field::S3Bucket, Field::S3]
            .into_iter()
            .any(|f| places.has(f))
        {
            return Self::Item(TrailItem::Apart(NonEvent::Notification));
        }
        // CloudWatch Logs event. Its message may be any text, so it must look like JSON.
        match content(&event, Field::LogMessage) {
            Some(inner) if inner.trim_ascii_start().starts_with(b"{") => Self::Envelope(inner),
            _ => Self::Unknown,
        }
    }
}

/// JSON in a field: an object, or a string that contains one.
fn content<'a>(event: &Event<'a>, field: Field) -> Option<Cow<'a, [u8]>> {
    let value = event.field(field)?;
    match value.kind() {
        JsonKind::Object => Some(Cow::Borrowed(value.raw())),
        JsonKind::String => Some(match value.string()? {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        }),
        _ => None,
    }
}
