//! Objects of S3 in messages: event notifications, EventBridge, CloudTrail's own notifications.
//!
//! Keys are URL-encoded, with `+` for a blank, in event notifications only
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>);
//! in EventBridge and in CloudTrail's notifications they are as they are.

use bartizan_model::limits::LOG_TEXT_BYTES_MAX;
use serde_json::Value;

use super::kinds::{Notice, ObjectChange, ObjectNotice, UnknownNotice};

/// Prefixes of event names of S3, with `s3:` or without, and what they say of the object.
const EVENT_NAMES: [(&str, ObjectChange); 3] = [
    ("ObjectCreated:", ObjectChange::Written),
    ("ObjectRemoved:", ObjectChange::Deleted),
    ("LifecycleExpiration:", ObjectChange::Deleted),
];

/// One of `Records` of an event notification.
pub(super) fn of_record(record: &Value) -> Notice {
    let event = record["eventName"].as_str().unwrap_or_default();
    let plain = event.strip_prefix("s3:").unwrap_or(event);
    let change = EVENT_NAMES.iter().find(|(name, _)| plain.starts_with(name));
    let Some((_, change)) = change else {
        let event = short(event);
        return Notice::Unknown(UnknownNotice::OtherChange { event });
    };
    let object = &record["s3"]["object"];
    let bucket = record["s3"]["bucket"]["name"].as_str();
    let key = object["key"].as_str().and_then(decoded);
    let text = |name: &str| object[name].as_str().filter(|t| !t.is_empty());
    let (Some(bucket), Some(key)) = (bucket, key) else {
        return Notice::Unknown(UnknownNotice::NoObject);
    };
    Notice::Object(ObjectNotice {
        bucket: bucket.to_owned(),
        key,
        change: *change,
        version: text("versionId").map(str::to_owned),
        entity_tag: text("eTag").map(unquoted),
        bytes: object["size"].as_u64(),
        sequencer: text("sequencer").map(str::to_owned),
        time: record["eventTime"].as_str().map(str::to_owned),
    })
}

/// `detail` of an `Object Created` or `Object Deleted` of EventBridge.
pub(super) fn of_detail(detail: &Value, change: ObjectChange, time: Option<&str>) -> Notice {
    let object = &detail["object"];
    let text = |name: &str| object[name].as_str().filter(|t| !t.is_empty());
    let (Some(bucket), Some(key)) = (detail["bucket"]["name"].as_str(), text("key")) else {
        return Notice::Unknown(UnknownNotice::NoObject);
    };
    Notice::Object(ObjectNotice {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        change,
        version: text("version-id").map(str::to_owned),
        entity_tag: text("etag").map(unquoted),
        bytes: object["size"].as_u64(),
        sequencer: text("sequencer").map(str::to_owned),
        time: time.map(str::to_owned),
    })
}

/// One key of CloudTrail's notification of delivered log files.
pub(super) fn of_trail(bucket: &str, key: &Value) -> Notice {
    match key.as_str().filter(|key| !key.is_empty()) {
        Some(key) => Notice::Object(ObjectNotice {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            change: ObjectChange::Written,
            version: None,
            entity_tag: None,
            bytes: None,
            sequencer: None,
            time: None,
        }),
        None => Notice::Unknown(UnknownNotice::NoObject),
    }
}

/// Text cut to as much of it as messages may hold.
pub(super) fn short(text: &str) -> String {
    let mut end = text.len().min(LOG_TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

fn unquoted(tag: &str) -> String {
    tag.trim_matches('"').to_owned()
}

/// `a+b%2Bc` is `a b+c`; none if it is empty or not UTF-8. A `%` without two digits stays.
fn decoded(key: &str) -> Option<String> {
    let bytes = key.as_bytes();
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = (*byte == b'%').then(|| Some((digit(at + 1)?, digit(at + 2)?)));
        match (byte, escaped.flatten()) {
            (_, Some((high, low))) => {
                out.push(u8::try_from(high * 16 + low).ok()?);
                at += 3;
            }
            (b'+', None) => {
                out.push(b' ');
                at += 1;
            }
            (byte, None) => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).ok().filter(|key| !key.is_empty())
}
