//! Alerts of Suricata in EVE JSON
//! (<https://docs.suricata.io/en/latest/output/eve/eve-json-format.html>).

use bartizan_model::{Severity, time_text};
use serde_json::Value;

use crate::fields::{at, clipped, count, outside, text, time_s};
use crate::sensor_finding::{Draft, SensorKind};
use crate::stages::{SURICATA, purpose};

/// `alert.severity`, 1 the worst; others are for the record.
const SEVERITIES: [(u64, Severity); 3] = [
    (1, Severity::High),
    (2, Severity::Medium),
    (3, Severity::Low),
];

/// The alert, and the id of the packet or flow that it is about.
pub(crate) fn read(value: &Value) -> (Draft, String) {
    let alert = at(value, "alert");
    let number = |name: &str| count(alert, name).unwrap_or(0);
    let kind = format!("{}:{}", number("gid").max(1), number("signature_id"));
    let (from, to) = (text(value, "src_ip"), text(value, "dest_ip"));
    let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
    let time = time_s(value, "timestamp");
    // One finding a signature, pair and day (UTC).
    let day = time.map(|t| time_text(t).chars().take(10).collect::<String>());
    let day = day.unwrap_or_default();
    let id = match kind.as_str() {
        "1:0" => String::new(),
        kind => format!("{kind} {from} {to} {day}"),
    };
    let mut draft = Draft::new(SensorKind::Suricata, &kind, &id);
    let level = number("severity");
    let row = SEVERITIES.iter().find(|(n, _)| *n == level);
    draft.severity = row.map_or(Severity::Info, |(_, severity)| *severity);
    let category = text(alert, "category").unwrap_or_default();
    draft.purpose = purpose(SURICATA, &category);
    draft.title = text(alert, "signature").unwrap_or(kind);
    let port = |name: &str| {
        count(value, name)
            .map(|p| format!(":{p}"))
            .unwrap_or_default()
    };
    let proto = text(value, "proto").unwrap_or_default();
    draft.summary = clipped(&format!(
        "{proto} {from}{} to {to}{}: {}",
        port("src_port"),
        port("dest_port"),
        draft.title
    ));
    (draft.first_s, draft.last_s) = (time, time);
    draft
        .subject
        .addresses
        .extend([&from, &to].into_iter().filter_map(|a| outside(a)));
    if text(alert, "action").as_deref() == Some("blocked") {
        draft.because.push("Suricata blocked it".to_owned());
    }
    draft
        .resources
        .extend([from, to].into_iter().filter(|a| !a.is_empty()));
    let flow = count(value, "flow_id").unwrap_or(0);
    let stamp = text(value, "timestamp").unwrap_or_default();
    (draft, format!("{stamp} {flow}"))
}
