//! Prometheus Alertmanager, API v2: `POST /api/v2/alerts`
//! (<https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>).

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::HttpMessage;
use crate::alert::{Alert, AlertSubject};
use crate::escape::plain;
use crate::wording::wording;

/// Path below the URL of the sink.
pub const PATH: &str = "/api/v2/alerts";
/// Characters of a label's value.
const LABEL_MAX: usize = 256;

/// Request. The labels of a subject stay the same, so that its alerts are one in Alertmanager; it
/// is firing until `hours_open` after its last alert, or until its end. Alertmanager keeps alerts
/// in memory, so an open subject is told again every `repeat_hours`.
#[must_use]
pub fn message(alert: &Alert, hours_open: u16) -> HttpMessage {
    let words = wording(alert);
    let time = alert.time.parse::<Timestamp>().unwrap_or_default();
    let until = SignedDuration::from_hours(i64::from(hours_open));
    let ends = if alert.kind.is_end() {
        alert.time.clone()
    } else {
        time.checked_add(until).unwrap_or(time).to_string()
    };
    let name = format!("Bartizan {}", subject_kind(alert));
    let accounts = plain(&alert.accounts.join(","), LABEL_MAX);
    let mut labels = json!({
        "alertname": name,
        "subject": plain(&alert.subject, LABEL_MAX),
        "source": "bartizan",
    });
    if !accounts.is_empty() && subject_kind(alert) == "finding" {
        labels["account"] = json!(accounts);
    }
    HttpMessage::json(&json!([{
        "startsAt": started(alert),
        "endsAt": ends,
        "labels": labels,
        "annotations": {
            "severity": alert.severity.to_string(),
            "kind": alert.kind.name(),
            "key": alert.key,
            "accounts": accounts,
            "summary": words.title,
            "description": words.lines().join("\n"),
        },
    }]))
}

/// Start of the subject, which must not be after its end.
fn started(alert: &Alert) -> String {
    let first = match &alert.about {
        AlertSubject::Finding { finding, .. } => finding.first_time.as_deref(),
        AlertSubject::Incident { incident, .. } => Some(incident.first_time.as_str()),
        _ => None,
    };
    let time = |text: &str| text.parse::<Timestamp>().ok();
    match (first.and_then(time), time(&alert.time)) {
        (Some(first), Some(now)) => first.min(now).to_string(),
        _ => alert.time.clone(),
    }
}

fn subject_kind(alert: &Alert) -> &'static str {
    match &alert.about {
        AlertSubject::Finding { .. } => "finding",
        AlertSubject::Incident { .. } => "incident",
        AlertSubject::Digest(_) => "storm",
        AlertSubject::Test => "test",
    }
}
