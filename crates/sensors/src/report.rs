//! Findings of other systems that were read, and what was not.

use std::collections::BTreeMap;

use bartizan_model::limits::{SENSOR_FINDINGS_MAX, SENSOR_PROBLEMS_MAX};
use serde::Serialize;

use crate::sensor_finding::SensorFinding;

/// Everything that was read of files and messages of other systems.
#[derive(Debug, Default, PartialEq)]
pub struct SensorReport {
    /// By id, each as last reported.
    pub findings: Vec<SensorFinding>,
    /// Up to a bound.
    pub problems: Vec<SensorProblem>,
    /// All problems.
    pub problem_count: u64,
    /// Findings of types that the tables do not know, by sensor and type: kept as informational.
    pub unknown_types: BTreeMap<String, u64>,
    /// Findings beyond the bound, which were not kept.
    pub left_out_count: u64,
    /// Events beside findings, e.g. flows in EVE JSON.
    pub other_count: u64,
}

/// Part of a file or message that is no finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SensorProblem {
    pub place: String,
    /// Line of the file, from 1; 0 for the whole.
    pub line: u64,
    pub kind: SensorProblemKind,
}

/// Reason why a part is no finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SensorProblemKind {
    NotJson,
    TooLarge,
    /// Row of a table without as many cells as columns.
    NoRow,
    /// JSON of no system that is known.
    UnknownShape,
    /// Finding without an id.
    NoId,
    /// Finding without a time that can be read.
    NoTime,
    /// The file could not be opened or read.
    Unread,
}

/// Collects findings by id.
#[derive(Debug, Default)]
pub(crate) struct ReportBuilder {
    found: BTreeMap<String, SensorFinding>,
    report: SensorReport,
}

impl ReportBuilder {
    /// Begins with findings that are known already.
    pub(crate) fn resuming(known: Vec<SensorFinding>) -> Self {
        let known = known.into_iter().map(|f| (f.finding.id.clone(), f));
        Self {
            found: known.take(SENSOR_FINDINGS_MAX).collect(),
            report: SensorReport::default(),
        }
    }

    pub(crate) fn problem(&mut self, place: &str, line: u64, kind: SensorProblemKind) {
        self.report.problem_count += 1;
        if self.report.problems.len() < SENSOR_PROBLEMS_MAX {
            let place = place.to_owned();
            self.report
                .problems
                .push(SensorProblem { place, line, kind });
        }
    }

    pub(crate) fn other(&mut self) {
        self.report.other_count += 1;
    }

    pub(crate) fn unknown_type(&mut self, name: String) {
        let types = &mut self.report.unknown_types;
        if types.len() < SENSOR_PROBLEMS_MAX || types.contains_key(&name) {
            *types.entry(name).or_default() += 1;
        } else {
            *types.entry("other types".to_owned()).or_default() += 1;
        }
    }

    /// Keeps a finding. Of several with one id the last one counts; `adds`: they are single
    /// events, and are counted together.
    pub(crate) fn add(&mut self, new: SensorFinding, adds: bool) {
        let is_full = self.found.len() >= SENSOR_FINDINGS_MAX;
        match self.found.get_mut(&new.finding.id) {
            Some(old) if adds => merge(old, new),
            Some(old) if rank(&new) > rank(old) => *old = new,
            Some(_) => {}
            None if is_full => self.report.left_out_count += 1,
            None => drop(self.found.insert(new.finding.id.clone(), new)),
        }
    }

    pub(crate) fn finish(mut self) -> SensorReport {
        self.report.problems.sort();
        self.report.findings = self.found.into_values().collect();
        self.report
    }
}

/// Newest first, then what says most; the text decides between equals, so that order does not.
fn rank(found: &SensorFinding) -> (Option<&str>, u64, bool, usize, String) {
    let f = &found.finding;
    let knows = f.actor.is_some();
    let size = found.subject.addresses.len() + f.resources.len();
    (
        f.last_time.as_deref(),
        f.count,
        knows,
        size,
        format!("{f:?}"),
    )
}

fn merge(old: &mut SensorFinding, new: SensorFinding) {
    let count = old.finding.count.saturating_add(new.finding.count);
    let times = |f: &SensorFinding| (f.finding.first_time.clone(), f.finding.last_time.clone());
    let ((a_first, a_last), (b_first, b_last)) = (times(old), times(&new));
    let severity = old.finding.severity.max(new.finding.severity);
    if rank(&new) > rank(old) {
        let subject = std::mem::take(&mut old.subject);
        *old = new;
        old.subject.addresses.extend(subject.addresses);
    }
    old.finding.count = count;
    old.finding.severity = severity;
    old.finding.first_time = a_first.min(b_first);
    old.finding.last_time = a_last.max(b_last);
}
