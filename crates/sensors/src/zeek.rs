//! Notices of Zeek, `notice.log` as JSON or as TSV
//! (<https://docs.zeek.org/en/master/logs/notice.html>).

use bartizan_model::limits::TABLE_COLUMNS_MAX;
use bartizan_model::{Severity, time_text};
use serde_json::{Map, Value};

use crate::fields::{clipped, count, outside, text, time_s};
use crate::sensor_finding::{Draft, SensorKind};
use crate::stages::{ZEEK, purpose};

/// Severities by the beginning of the notice, the first that fits: Zeek has none.
const SEVERITIES: [(&str, Severity); 14] = [
    ("CaptureLoss::", Severity::Low),
    ("FTP::Bruteforcing", Severity::Medium),
    ("HTTP::SQL_Injection", Severity::Medium),
    ("Heartbleed::SSL_Heartbeat_Attack_Success", Severity::High),
    ("Heartbleed::", Severity::Medium),
    ("Intel::Notice", Severity::High),
    ("PacketFilter::", Severity::Low),
    ("SSH::Interesting_Hostname_Login", Severity::Medium),
    ("SSH::Login_By_Password_Guesser", Severity::High),
    ("SSH::Password_Guessing", Severity::Medium),
    ("SSH::Watched_Country_Login", Severity::Medium),
    ("Scan::", Severity::Low),
    ("TeamCymruMalwareHashRegistry::Match", Severity::High),
    ("Traceroute::Detected", Severity::Low),
];

/// The notice, and the id of the connection that it is about.
pub(crate) fn read(value: &Value) -> (Draft, String) {
    let kind = text(value, "note").unwrap_or_default();
    let first = |names: [&str; 2]| names.iter().find_map(|name| flat(value, name));
    let from = first(["src", "id.orig_h"]).unwrap_or_default();
    let to = first(["dst", "id.resp_h"]).unwrap_or_default();
    let time = time_s(value, "ts");
    let day = time.map(|t| time_text(t).chars().take(10).collect::<String>());
    let id = match kind.as_str() {
        "" => String::new(),
        kind => format!("{kind} {from} {to} {}", day.unwrap_or_default()),
    };
    let mut draft = Draft::new(SensorKind::Zeek, &kind, &id);
    let row = SEVERITIES.iter().find(|(begin, _)| kind.starts_with(begin));
    draft.severity = row.map_or(Severity::Info, |(_, severity)| *severity);
    draft.purpose = purpose(ZEEK, &kind);
    draft.summary = text(value, "msg").unwrap_or_default();
    if let Some(sub) = text(value, "sub") {
        draft.because.push(clipped(&sub));
    }
    (draft.first_s, draft.last_s) = (time, time);
    draft.count = count(value, "n").filter(|n| *n > 0).unwrap_or(1);
    draft
        .subject
        .addresses
        .extend([&from, &to].into_iter().filter_map(|a| outside(a)));
    draft
        .resources
        .extend([from, to].into_iter().filter(|a| !a.is_empty()));
    let stamp = value.get("ts").map(ToString::to_string).unwrap_or_default();
    let uid = text(value, "uid").unwrap_or_default();
    (draft, format!("{stamp} {uid} {kind}"))
}

/// Text of a field whose name has a dot in it: `id.orig_h`.
fn flat(value: &Value, name: &str) -> Option<String> {
    let found = value.get(name)?.as_str()?;
    (!found.is_empty()).then(|| clipped(found))
}

/// Whether a text is a log of Zeek in TSV.
pub(crate) fn is_table(text: &str) -> bool {
    text.starts_with("#separator") || text.starts_with("#fields\t")
}

/// Rows of a log in TSV as JSON would have them; none for a line that is no row.
pub(crate) fn rows(text: &str) -> impl Iterator<Item = Option<Value>> {
    let mut names: Vec<&str> = Vec::new();
    text.lines().filter_map(move |line| {
        if let Some(fields) = line.strip_prefix("#fields\t") {
            names = fields.split('\t').take(TABLE_COLUMNS_MAX).collect();
            return None;
        }
        if line.starts_with('#') || line.trim().is_empty() {
            return None;
        }
        let cells: Vec<&str> = line.split('\t').take(TABLE_COLUMNS_MAX).collect();
        if names.is_empty() || cells.len() != names.len() {
            return Some(None);
        }
        let mut row = Map::new();
        for (name, cell) in names.iter().zip(cells) {
            if !["-", "(empty)"].contains(&cell) {
                row.insert((*name).to_owned(), Value::String(cell.to_owned()));
            }
        }
        Some(Some(Value::Object(row)))
    })
}
