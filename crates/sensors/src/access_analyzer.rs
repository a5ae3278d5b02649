//! Findings of IAM Access Analyzer
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-eventbridge.html>).

use bartizan_model::Severity;
use serde_json::Value;

use crate::fields::{at, text, time_s};
use crate::sensor_finding::{Draft, SensorKind};
use crate::stages::{ACCESS_ANALYZER, purpose};

/// Severities by type, and of what is public: the service has none.
const SEVERITIES: [(&str, Severity, Severity); 3] = [
    ("ExternalAccess", Severity::Medium, Severity::High),
    ("InternalAccess", Severity::Low, Severity::Low),
    ("Unused", Severity::Low, Severity::Low),
];

pub(crate) fn read(value: &Value) -> Draft {
    // Findings of the first form, which has no type, are about external access.
    let kind = text(value, "findingType").unwrap_or_else(|| "ExternalAccess".to_owned());
    let id = text(value, "id").unwrap_or_default();
    let mut draft = Draft::new(SensorKind::AccessAnalyzer, &kind, &id);
    let is_public = at(value, "isPublic").as_bool().unwrap_or(false);
    let row = SEVERITIES
        .iter()
        .find(|(begin, ..)| kind.starts_with(begin));
    draft.severity = match row {
        Some((_, _, public)) if is_public => *public,
        Some((_, severity, _)) => *severity,
        None => Severity::Info,
    };
    draft.purpose = purpose(ACCESS_ANALYZER, &kind);
    let resource = text(value, "resource").unwrap_or_default();
    let sort = text(value, "resourceType").unwrap_or_default();
    draft.title = format!("Access Analyzer: {kind} to {sort}");
    let who = at(value, "principal").to_string();
    draft.summary = crate::fields::clipped(&match (is_public, at(value, "principal").is_null()) {
        (true, _) => format!("{resource} is open to everybody"),
        (false, true) => format!("{kind}: {resource}"),
        (false, false) => format!("{resource} is open to {who}"),
    });
    draft.account = text(value, "accountId")
        .or_else(|| text(value, "resourceOwnerAccount"))
        .or_else(|| resource.split(':').nth(4).map(str::to_owned))
        .filter(|a| !a.is_empty());
    draft.region = text(value, "region")
        .or_else(|| resource.split(':').nth(3).map(str::to_owned))
        .filter(|r| !r.is_empty());
    draft.first_s = time_s(value, "createdAt");
    draft.last_s = time_s(value, "updatedAt").or_else(|| time_s(value, "analyzedAt"));
    draft.is_closed = text(value, "status").is_some_and(|s| s != "ACTIVE")
        || at(value, "isDeleted").as_bool().unwrap_or(false);
    if resource.contains(":user/") || resource.contains(":role/") {
        draft.subject.principals.insert(resource.clone());
    }
    draft
        .resources
        .extend(Some(resource).filter(|r| !r.is_empty()));
    draft
}
