//! Reader of files and messages of other systems: each part is recognized by its content.

use std::collections::HashSet;

use bartizan_model::limits::{SENSOR_FINDING_BYTES_MAX, SENSOR_FINDINGS_MAX, UNWRAP_DEPTH_MAX};
use bartizan_model::{Evidence, shell_word};
use serde_json::Value;

use crate::fields::{at, text, time_s};
use crate::report::{ReportBuilder, SensorProblemKind, SensorReport};
use crate::sensor_finding::{Draft, SensorFinding};
use crate::{access_analyzer, asff, cost_anomaly, guardduty, inspector, macie, ocsf};
use crate::{suricata, zeek};

/// Account and region of findings that do not say theirs, as those of network sensors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SensorPlace {
    pub account: Option<String>,
    pub region: Option<String>,
}

/// Reads findings of other systems. The order of files and messages does not matter.
#[derive(Debug, Default)]
pub struct SensorReader {
    builder: ReportBuilder,
    /// Single events that were counted: log files overlap, and messages come twice.
    counted: HashSet<String>,
}

/// Where a value came from, and what its envelope said.
#[derive(Clone, Copy)]
struct SensorPart<'a> {
    place: &'a str,
    line: u64,
    defaults: &'a SensorPlace,
    envelope: Option<&'a Value>,
    depth: usize,
}

/// Names of lists of findings in answers of the AWS CLI and in events.
const LISTS: [&str; 4] = ["findings", "Findings", "Anomalies", "anomalies"];

impl SensorReader {
    /// Reader that adds to findings that were read before.
    #[must_use]
    pub fn resuming(known: Vec<SensorFinding>) -> Self {
        Self {
            builder: ReportBuilder::resuming(known),
            counted: HashSet::new(),
        }
    }

    /// Notes a file that cannot be read.
    pub fn unread(&mut self, place: &str) {
        self.builder.problem(place, 0, SensorProblemKind::Unread);
    }

    /// Notes a file of which only the beginning is read.
    pub fn too_large(&mut self, place: &str) {
        self.builder.problem(place, 0, SensorProblemKind::TooLarge);
    }

    /// Reads a file or message: JSON, one JSON a line, or a table of Zeek.
    pub fn add(&mut self, place: &str, bytes: &[u8], defaults: &SensorPlace) {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_start_matches('\u{feff}');
        let source = |line| SensorPart {
            place,
            line,
            defaults,
            envelope: None,
            depth: 0,
        };
        if zeek::is_table(text) {
            for (row, line) in zeek::rows(text).zip(1..) {
                match row {
                    Some(row) => self.value(&row, source(line)),
                    None => self.builder.problem(place, line, SensorProblemKind::NoRow),
                }
            }
            return;
        }
        if let Ok(value) = serde_json::from_str::<Value>(text) {
            return self.value(&value, source(0));
        }
        for (line, number) in text.lines().zip(1..) {
            if line.trim().is_empty() {
                continue;
            }
            if line.len() > SENSOR_FINDING_BYTES_MAX {
                self.builder
                    .problem(place, number, SensorProblemKind::TooLarge);
                continue;
            }
            match serde_json::from_str::<Value>(line) {
                Ok(value) => self.value(&value, source(number)),
                Err(_) => self
                    .builder
                    .problem(place, number, SensorProblemKind::NotJson),
            }
        }
    }

    /// Everything that was read.
    #[must_use]
    pub fn finish(self) -> SensorReport {
        self.builder.finish()
    }

    fn value(&mut self, value: &Value, source: SensorPart<'_>) {
        let deeper = SensorPart {
            depth: source.depth + 1,
            ..source
        };
        if source.depth > UNWRAP_DEPTH_MAX {
            return self.problem(source, SensorProblemKind::UnknownShape);
        }
        if let Some(list) = value.as_array() {
            return list.iter().for_each(|v| self.value(v, deeper));
        }
        let has = |names: &[&str]| names.iter().all(|n| !at(value, n).is_null());
        if has(&["detail", "detail-type"]) {
            let inside = SensorPart {
                envelope: Some(value),
                ..deeper
            };
            return self.value(&value["detail"], inside);
        }
        if let (Some(message), true) = (value["Message"].as_str(), has(&["TopicArn"])) {
            return match serde_json::from_str::<Value>(message) {
                Ok(inner) => self.value(&inner, deeper),
                Err(_) => self.problem(source, SensorProblemKind::NotJson),
            };
        }
        let lists = LISTS.iter().filter_map(|name| value.get(name)?.as_array());
        if let Some(list) = lists.into_iter().next() {
            return list.iter().for_each(|v| self.value(v, deeper));
        }
        if has(&["ProductArn", "SchemaVersion"]) {
            self.take(asff::read(value), source);
        } else if has(&["class_uid", "finding_info"]) {
            self.take(ocsf::read(value), source);
        } else if has(&["findingArn", "awsAccountId"]) {
            self.take(inspector::read(value), source);
        } else if has(&["resourcesAffected", "category"]) {
            self.take(macie::read(value), source);
        } else if has(&["anomalyId", "impact"]) {
            self.take(cost_anomaly::read(value), source);
        } else if has(&["resourceType", "analyzedAt", "id"]) {
            self.take(access_analyzer::read(value), source);
        } else if has(&["service", "severity", "type", "resource"]) {
            self.take(guardduty::read(value), source);
        } else if has(&["event_type", "timestamp"]) {
            match value["event_type"].as_str() {
                Some("alert") => self.event(suricata::read(value), source),
                _ => self.builder.other(),
            }
        } else if has(&["note", "ts"]) {
            self.event(zeek::read(value), source);
        } else {
            self.problem(source, SensorProblemKind::UnknownShape);
        }
    }

    fn problem(&mut self, source: SensorPart<'_>, kind: SensorProblemKind) {
        self.builder.problem(source.place, source.line, kind);
    }

    /// A single event, which counts once.
    fn event(&mut self, (draft, uid): (Draft, String), source: SensorPart<'_>) {
        let uid = format!("{} {uid}", draft.id);
        if self.counted.len() >= SENSOR_FINDINGS_MAX || self.counted.insert(uid) {
            self.keep(draft, source, true);
        }
    }

    fn take(&mut self, draft: Draft, source: SensorPart<'_>) {
        self.keep(draft, source, false);
    }

    fn keep(&mut self, mut draft: Draft, source: SensorPart<'_>, adds: bool) {
        let null = Value::Null;
        let envelope = source.envelope.unwrap_or(&null);
        draft.account = draft
            .account
            .or_else(|| text(envelope, "account"))
            .or_else(|| source.defaults.account.clone());
        draft.region = draft
            .region
            .or_else(|| text(envelope, "region"))
            .or_else(|| source.defaults.region.clone());
        if draft.first_s.is_none() && draft.last_s.is_none() {
            draft.last_s = time_s(envelope, "time");
            if draft.last_s.is_none() {
                self.problem(source, SensorProblemKind::NoTime);
            }
        }
        let unknown = draft.purpose.is_none();
        let name = format!("{} {}", draft.sensor.id(), draft.kind);
        match draft.finish() {
            Some(mut found) => {
                found.finding.show = show(&found, source.place, adds);
                self.builder.add(found, adds);
                if unknown {
                    self.builder.unknown_type(name);
                }
            }
            None => self.problem(source, SensorProblemKind::NoId),
        }
    }
}

/// Command that shows the finding in its file; of what came by a queue the report.
fn show(found: &SensorFinding, place: &str, is_event: bool) -> String {
    let id = found.finding.evidence.iter().find_map(|e| match e {
        Evidence::Report { id, .. } => Some(id.as_str()),
        _ => None,
    });
    let words = match is_event {
        true => found.finding.title.as_str(),
        false => id.unwrap_or_default(),
    };
    match place.contains("://") {
        true => "bartizan report -o report.html".to_owned(),
        false => format!("grep -F -- {} {}", shell_word(words), shell_word(place)),
    }
}
