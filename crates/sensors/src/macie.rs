//! Findings of Macie
//! (<https://docs.aws.amazon.com/macie/latest/user/findings-publish-event-schemas.html>).

use bartizan_model::Severity;
use serde_json::Value;

use crate::fields::{at, count, list, outside, text, time_s};
use crate::sensor_finding::{Draft, SensorKind};
use crate::stages::{MACIE, purpose};

const SEVERITIES: [(&str, Severity); 3] = [
    ("High", Severity::High),
    ("Medium", Severity::Medium),
    ("Low", Severity::Low),
];

pub(crate) fn read(value: &Value) -> Draft {
    let kind = text(value, "type").unwrap_or_default();
    let id = text(value, "id").unwrap_or_default();
    let mut draft = Draft::new(SensorKind::Macie, &kind, &id);
    let level = text(value, "severity.description");
    let row = SEVERITIES
        .iter()
        .find(|(l, _)| Some(*l) == level.as_deref());
    draft.severity = row.map_or(Severity::Info, |(_, severity)| *severity);
    draft.purpose = purpose(MACIE, &kind);
    draft.title = text(value, "title").unwrap_or(kind);
    draft.summary = text(value, "description").unwrap_or_default();
    draft.account = text(value, "accountId");
    draft.region = text(value, "region");
    draft.first_s = time_s(value, "createdAt");
    draft.last_s = time_s(value, "updatedAt");
    draft.count = count(value, "count").unwrap_or(1);
    draft.is_closed = at(value, "archived").as_bool().unwrap_or(false);
    let bucket = at(value, "resourcesAffected.s3Bucket");
    draft
        .resources
        .extend(text(bucket, "arn").or_else(|| text(bucket, "name")));
    draft
        .resources
        .extend(text(value, "resourcesAffected.s3Object.path"));
    let actor = at(value, "policyDetails.actor");
    let identity = at(actor, "userIdentity");
    for sort in ["iamUser", "assumedRole", "federatedUser", "root"] {
        let who = at(identity, sort);
        draft.subject.principals.extend(text(who, "arn"));
        draft.subject.access_keys.extend(text(who, "accessKeyId"));
    }
    let address = text(actor, "ipAddressDetails.ipAddressV4");
    draft
        .subject
        .addresses
        .extend(address.and_then(|ip| outside(&ip)));
    for detection in list(value, "classificationDetails.result.sensitiveData") {
        draft.because.extend(text(detection, "category"));
    }
    draft
}
