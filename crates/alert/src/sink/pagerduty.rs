//! PagerDuty Events API v2
//! (<https://developer.pagerduty.com/docs/send-alert-event>: summary 1,024 characters, dedup_key
//! 255, event 512 KB).

use bartizan_model::Severity;
use serde_json::{Value, json};

use super::HttpMessage;
use crate::alert::{Alert, AlertSubject};
use crate::escape::plain;
use crate::wording::wording;

/// Where events are sent, unless the sink has another URL.
pub const URL: &str = "https://events.pagerduty.com/v2/enqueue";
/// Characters of a summary.
const SUMMARY_MAX: usize = 1024;
/// Characters of a dedup_key and of labels.
const LABEL_MAX: usize = 255;

/// Request with the integration's routing key. All alerts of one subject have one `dedup_key`: they
/// update one alert, and its end resolves it.
#[must_use]
pub fn message(alert: &Alert, routing_key: &str) -> HttpMessage {
    let words = wording(alert);
    let action = if alert.kind.is_end() {
        "resolve"
    } else {
        "trigger"
    };
    let details: serde_json::Map<String, Value> = words
        .fields
        .iter()
        .map(|(label, text)| ((*label).to_owned(), json!(text)))
        .chain([
            ("answer".to_owned(), json!(words.answer)),
            ("moments".to_owned(), json!(words.moments)),
            (
                "commands, for the reader to run".to_owned(),
                json!(words.commands.iter().map(|(_, c)| c).collect::<Vec<_>>()),
            ),
            ("show".to_owned(), json!(words.show)),
            ("idempotency key".to_owned(), json!(alert.key)),
        ])
        .collect();
    HttpMessage::json(&json!({
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": dedup_key(alert),
        "payload": {
            "summary": plain(&words.title, SUMMARY_MAX),
            "source": plain(alert.accounts.first().map_or("bartizan", String::as_str), LABEL_MAX),
            "severity": severity(alert.severity),
            "timestamp": alert.time,
            "component": plain(&alert.subject, LABEL_MAX),
            "group": plain(&alert.accounts.join(","), LABEL_MAX),
            "class": alert.kind.name(),
            "custom_details": details,
        },
        "client": "Bartizan",
    }))
}

/// One for all alerts of a subject; a storm's digest is its own.
fn dedup_key(alert: &Alert) -> String {
    let id = match alert.about {
        AlertSubject::Digest(_) => &alert.key,
        _ => &alert.subject,
    };
    plain(&format!("bartizan/{id}"), LABEL_MAX)
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "error",
        Severity::Medium | Severity::Low => "warning",
        Severity::Info => "info",
    }
}
