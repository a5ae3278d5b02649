//! Amazon EventBridge, `PutEvents`
//! (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>: an entry has
//! 256 KB at most).

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::payload::{json_line, payload};
use crate::alert::{Alert, AlertSubject};

/// Source of the events, which rules match.
pub const SOURCE: &str = "bartizan";
/// ARNs in `Resources`.
const RESOURCES_MAX: usize = 10;

/// Parameters of `PutEvents`, with one entry. `detail.key` is the idempotency key.
#[must_use]
pub fn parameters(alert: &Alert, bus: &str) -> Map<String, Value> {
    let resources: Vec<&String> = match &alert.about {
        AlertSubject::Finding { finding, .. } => finding
            .resources
            .iter()
            .filter(|r| r.starts_with("arn:") && r.len() <= 2048)
            .filter(|r| r.bytes().all(|b| b.is_ascii_graphic()))
            .take(RESOURCES_MAX)
            .collect(),
        _ => Vec::new(),
    };
    let time_s = alert.time.parse::<Timestamp>().map(Timestamp::as_second);
    let parameters = json!({
        "Entries": [{
            "Source": SOURCE,
            "DetailType": format!("Bartizan {}", alert.kind.name()),
            "Detail": json_line(&payload(alert)),
            "Resources": resources,
            "Time": time_s.unwrap_or_default(),
            "EventBusName": bus,
        }],
    });
    parameters.as_object().cloned().unwrap_or_default()
}
