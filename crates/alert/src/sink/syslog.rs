//! Syslog: RFC 5424 messages, framed by octet counting (RFC 6587, RFC 5425).

use bartizan_model::Severity;

use crate::alert::Alert;
use crate::escape::{cut_bytes, plain};
use crate::wording::wording;

/// Facility `security/authorization messages (private)` (10).
const FACILITY: u8 = 10;
/// Bytes of a message: receivers must take 2,048 and often take no more than 8,192.
const MESSAGE_BYTES_MAX: usize = 8_000;
/// Characters of one parameter of the structured data.
const PARAMETER_MAX: usize = 256;

/// Frame of an alert from the host `host`, e.g. `215 <82>1 2026-03-11T02:14:00Z …`.
///
/// Structured data: `[bartizan@32473 key="ba_…" severity="high" …]` (32473 is IANA's number for
/// examples; Bartizan has none of its own).
#[must_use]
pub fn frame(alert: &Alert, host: &str) -> Vec<u8> {
    let words = wording(alert);
    let priority = FACILITY * 8 + severity(alert.severity);
    let parameters = [
        ("key", alert.key.clone()),
        ("kind", alert.kind.to_string()),
        ("severity", alert.severity.to_string()),
        ("subject", alert.subject.clone()),
        ("accounts", alert.accounts.join(",")),
        ("rules", alert.rules.join(",")),
        ("findings", alert.findings.join(",")),
    ];
    let data: String = parameters
        .iter()
        .map(|(name, value)| format!(" {name}=\"{}\"", parameter(value)))
        .collect();
    let mut text = format!("{} | {}", words.title, words.answer);
    for (label, value) in words.fields.iter().filter(|(l, _)| *l != "severity") {
        text.push_str(&format!(" | {label}: {value}"));
    }
    text.push_str(&format!(" | show: {}", words.show));
    let message = format!(
        "<{priority}>1 {} {} bartizan {} {} [bartizan@32473{data}] \u{feff}{text}",
        alert.time,
        header(host, 255),
        "-",
        header(alert.kind.name(), 32),
    );
    let message = cut_bytes(&message, MESSAGE_BYTES_MAX);
    format!("{} {message}", message.len()).into_bytes()
}

/// Value of a parameter: `"`, `\` and `]` are escaped (RFC 5424, section 6.3.3).
fn parameter(value: &str) -> String {
    plain(value, PARAMETER_MAX)
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace(']', "\\]")
}

/// Printable ASCII without blanks, or `-`.
fn header(text: &str, characters: usize) -> String {
    let printable: String = text
        .chars()
        .filter(char::is_ascii_graphic)
        .take(characters)
        .collect();
    if printable.is_empty() {
        "-".to_owned()
    } else {
        printable
    }
}

fn severity(severity: Severity) -> u8 {
    match severity {
        Severity::Critical => 2,
        Severity::High => 3,
        Severity::Medium => 4,
        Severity::Low => 5,
        Severity::Info => 6,
    }
}
