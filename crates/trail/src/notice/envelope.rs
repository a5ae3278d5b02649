//! Envelopes of messages: SNS, EventBridge, `Records`, or none.

use std::collections::BTreeMap;

use bartizan_model::limits::{NOTICE_BYTES_MAX, NOTICES_MAX, UNWRAP_DEPTH_MAX};
use serde_json::Value;
use serde_json::value::RawValue;

use super::kinds::{Notice, ObjectChange, UnknownNotice};
use super::object::{of_detail, of_record, of_trail, short};

/// Source and beginning of the detail type of EventBridge events that are findings.
pub const FINDING_DETAILS: [(&str, &str); 9] = [
    ("aws.guardduty", "GuardDuty Finding"),
    ("aws.securityhub", "Security Hub Findings"),
    ("aws.securityhub", "Findings Imported"),
    ("aws.macie", "Macie Finding"),
    ("aws.inspector", "Inspector"),
    ("aws.inspector2", "Inspector2"),
    ("aws.access-analyzer", "Access Analyzer Finding"),
    ("aws.access-analyzer", "Internal Access Finding"),
    ("aws.ce", "Anomaly Detected"),
];

/// Keys of bare findings, all of which are there: ASFF, OCSF, GuardDuty, Suricata, Zeek.
const BARE_FINDINGS: [&[&str]; 5] = [
    &["SchemaVersion", "ProductArn", "AwsAccountId"],
    &["class_uid", "finding_info"],
    &["schemaVersion", "service", "severity", "type"],
    &["event_type", "alert"],
    &["note", "ts"],
];

/// End of the detail types whose detail is a record: `AWS API Call via CloudTrail`, `AWS Console
/// Sign In via CloudTrail`
/// (<https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-cloudtrail.html>).
const RECORD_DETAIL_END: &str = " via CloudTrail";

/// Members of an object, as they stand in the text. Of members of one name the last counts.
type Members<'a> = BTreeMap<String, &'a RawValue>;

/// Everything that the body of a message says, in its order. Never empty.
#[must_use]
pub fn notices(body: &str) -> Vec<Notice> {
    if body.len() > NOTICE_BYTES_MAX {
        let bytes = body.len();
        return vec![Notice::Unknown(UnknownNotice::TooLarge { bytes })];
    }
    read(body.trim_start_matches('\u{feff}'), 0)
}

fn read(text: &str, depth: usize) -> Vec<Notice> {
    let unknown = |why| vec![Notice::Unknown(why)];
    if depth > UNWRAP_DEPTH_MAX {
        return unknown(UnknownNotice::TooDeep);
    }
    let Ok(members) = serde_json::from_str::<Members<'_>>(text) else {
        return unknown(UnknownNotice::NotJson);
    };
    let word = |name: &str| string(&members, name);
    let has = |names: &[&str]| names.iter().all(|name| members.contains_key(*name));
    if let Some(detail) = members.get("detail").filter(|_| has(&["detail-type"])) {
        let (source, kind) = (word("source"), word("detail-type"));
        let kind = kind.unwrap_or_default();
        return vec![of_event(
            text,
            (&source.unwrap_or_default(), &kind, detail),
            word("time").as_deref(),
        )];
    }
    if word("Type").is_some_and(|t| t == "SubscriptionConfirmation") {
        return unknown(UnknownNotice::OtherShape);
    }
    if let Some(message) = word("Message").filter(|_| has(&["TopicArn"])) {
        return read(&message, depth + 1);
    }
    if word("Event").is_some_and(|event| event == "s3:TestEvent") {
        return vec![Notice::Test];
    }
    if let Some(records) = members.get("Records") {
        let Ok(records) = serde_json::from_str::<Vec<&RawValue>>(records.get()) else {
            return unknown(UnknownNotice::OtherShape);
        };
        let read = |record: &&RawValue| of_entry(record.get(), depth);
        return bounded(&records, read);
    }
    if has(&["s3Bucket", "s3ObjectKey"]) {
        let keys = members.get("s3ObjectKey").map_or("", |raw| raw.get());
        let bucket = word("s3Bucket").unwrap_or_default();
        return match serde_json::from_str::<Value>(keys) {
            _ if bucket.is_empty() => unknown(UnknownNotice::NoObject),
            Ok(Value::Array(keys)) => bounded(&keys, |key| vec![of_trail(&bucket, key)]),
            Ok(key) => vec![of_trail(&bucket, &key)],
            Err(_) => unknown(UnknownNotice::OtherShape),
        };
    }
    if is_record(&members) {
        return vec![Notice::Record(text.trim().to_owned())];
    }
    if BARE_FINDINGS.iter().any(|names| has(names)) {
        return vec![Notice::Finding(text.trim().to_owned())];
    }
    unknown(UnknownNotice::OtherShape)
}

/// Notices of entries up to the bound; the others are counted.
fn bounded<T>(entries: &[T], read: impl Fn(&T) -> Vec<Notice>) -> Vec<Notice> {
    let mut found: Vec<Notice> = entries.iter().take(NOTICES_MAX).flat_map(read).collect();
    if let Some(left_out) = entries.len().checked_sub(NOTICES_MAX).filter(|n| *n > 0) {
        found.push(Notice::Unknown(UnknownNotice::TooMany { left_out }));
    }
    if found.is_empty() {
        found.push(Notice::Unknown(UnknownNotice::OtherShape));
    }
    found
}

/// One of `Records`: of S3, of SNS as Lambda gets it, or of CloudTrail.
fn of_entry(text: &str, depth: usize) -> Vec<Notice> {
    let Ok(members) = serde_json::from_str::<Members<'_>>(text) else {
        return vec![Notice::Unknown(UnknownNotice::NotJson)];
    };
    if members.contains_key("s3") {
        let record = serde_json::from_str(text).unwrap_or_default();
        return vec![of_record(&record)];
    }
    let inner = members
        .get("Sns")
        .and_then(|sns| serde_json::from_str::<Members<'_>>(sns.get()).ok())
        .and_then(|sns| string(&sns, "Message"));
    if let Some(message) = inner {
        return read(&message, depth + 1);
    }
    if is_record(&members) {
        return vec![Notice::Record(text.to_owned())];
    }
    vec![Notice::Unknown(UnknownNotice::OtherShape)]
}

/// Event of EventBridge.
fn of_event(
    text: &str,
    (source, kind, detail): (&str, &str, &RawValue),
    time: Option<&str>,
) -> Notice {
    if kind.ends_with(RECORD_DETAIL_END) {
        let members = serde_json::from_str::<Members<'_>>(detail.get());
        return match members {
            Ok(members) if is_record(&members) => Notice::Record(detail.get().to_owned()),
            _ => Notice::Unknown(UnknownNotice::OtherShape),
        };
    }
    let change = match (source, kind) {
        ("aws.s3", "Object Created") => Some(ObjectChange::Written),
        ("aws.s3", "Object Deleted") => Some(ObjectChange::Deleted),
        _ => None,
    };
    if let Some(change) = change {
        let detail = serde_json::from_str(detail.get()).unwrap_or_default();
        return of_detail(&detail, change, time);
    }
    let is_finding = |(from, begin): &(&str, &str)| source == *from && kind.starts_with(begin);
    if FINDING_DETAILS.iter().any(is_finding) {
        return Notice::Finding(text.trim().to_owned());
    }
    Notice::Unknown(UnknownNotice::OtherEvent {
        source: short(source),
        detail_type: short(kind),
    })
}

/// Whether an object is a CloudTrail record: any event has these, Insights too.
fn is_record(members: &Members<'_>) -> bool {
    let all = ["eventVersion", "eventTime", "eventID"];
    all.iter().all(|name| members.contains_key(*name))
}

fn string(members: &Members<'_>, name: &str) -> Option<String> {
    serde_json::from_str(members.get(name)?.get()).ok()
}
