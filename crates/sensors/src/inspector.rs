//! Findings of Inspector
//! (<https://docs.aws.amazon.com/inspector/latest/user/eventbridge-integration.html>).

use bartizan_model::Severity;
use serde_json::Value;

use crate::fields::{list, text, time_s};
use crate::sensor_finding::{Draft, SensorKind};
use crate::stages::{INSPECTOR, purpose};

/// Severities; `INFORMATIONAL` and `UNTRIAGED` are for the record.
const SEVERITIES: [(&str, Severity); 4] = [
    ("CRITICAL", Severity::Critical),
    ("HIGH", Severity::High),
    ("MEDIUM", Severity::Medium),
    ("LOW", Severity::Low),
];

pub(crate) fn read(value: &Value) -> Draft {
    let kind = text(value, "type").unwrap_or_default();
    let id = text(value, "findingArn").unwrap_or_default();
    let mut draft = Draft::new(SensorKind::Inspector, &kind, &id);
    let level = text(value, "severity");
    let row = SEVERITIES
        .iter()
        .find(|(l, _)| Some(*l) == level.as_deref());
    draft.severity = row.map_or(Severity::Info, |(_, severity)| *severity);
    draft.purpose = purpose(INSPECTOR, &kind);
    draft.title = text(value, "title").unwrap_or(kind);
    draft.summary = text(value, "description").unwrap_or_default();
    draft.account = text(value, "awsAccountId");
    draft.region = list(value, "resources").find_map(|r| text(r, "region"));
    draft.first_s = time_s(value, "firstObservedAt");
    draft.last_s = time_s(value, "lastObservedAt");
    let status = text(value, "status");
    draft.is_closed = status.as_deref().is_some_and(|s| s != "ACTIVE");
    draft
        .because
        .extend(text(value, "remediation.recommendation.text"));
    for resource in list(value, "resources") {
        let Some(id) = text(resource, "id") else {
            continue;
        };
        let instance = id.rsplit('/').next().unwrap_or(&id);
        if instance.starts_with("i-") {
            draft.subject.instances.insert(instance.to_owned());
        }
        draft.resources.push(id);
    }
    draft
}
