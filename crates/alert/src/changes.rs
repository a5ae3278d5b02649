//! Alerts of a watch: what it found, against what the watch before it found.

use std::collections::{BTreeMap, BTreeSet};

use bartizan_incident::Incident;
use bartizan_model::{Finding, Severity};
use jiff::Timestamp;

use crate::alert::{Alert, AlertKind, EndReason};
use crate::brief::IncidentBrief;
use crate::open::closed;

/// Findings and incidents of one watch.
#[derive(Debug, Clone, Copy, Default)]
pub struct WatchedState<'a> {
    pub findings: &'a [Finding],
    pub incidents: &'a [Incident],
    /// Incidents that turned out to be one: from, into.
    pub merged: &'a [(String, String)],
    /// Time of the last event or snapshot that was read, RFC 3339; empty if none was.
    pub as_of: &'a str,
    /// Start of the lookback, RFC 3339; empty if everything was read.
    pub since: &'a str,
}

/// Alerts for what `after` has and `before` has not, in the order in which they are told. The same
/// input gives the same alerts with the same keys.
///
/// Findings of an incident are told with it: a new incident, a worse one, or one with more findings
/// is one alert each. What was accepted (severity info) raises none.
#[must_use]
pub fn alerts_of(
    before: &WatchedState<'_>,
    after: &WatchedState<'_>,
    now: Timestamp,
) -> Vec<Alert> {
    let time = format!("{now:.3}");
    let comparison = WatchComparison {
        told: before
            .findings
            .iter()
            .map(|f| (f.id.as_str(), f.severity))
            .collect(),
        now: after.findings.iter().map(|f| (f.id.as_str(), f)).collect(),
        member_before: members(before.incidents),
        member_now: members(after.incidents),
        before,
        after,
        time: &time,
    };
    let mut alerts = Vec::new();
    comparison.ended_incidents(&mut alerts);
    comparison.incidents(&mut alerts);
    comparison.findings(&mut alerts);
    comparison.ended_findings(&mut alerts);
    alerts
}

/// Ids of findings of incidents, each with the incident.
fn members(incidents: &[Incident]) -> BTreeMap<&str, &str> {
    incidents
        .iter()
        .flat_map(|i| i.findings.iter().map(|f| (f.as_str(), i.id.as_str())))
        .collect()
}

struct WatchComparison<'a> {
    /// Severity with which each finding was told.
    told: BTreeMap<&'a str, Severity>,
    now: BTreeMap<&'a str, &'a Finding>,
    member_before: BTreeMap<&'a str, &'a str>,
    member_now: BTreeMap<&'a str, &'a str>,
    before: &'a WatchedState<'a>,
    after: &'a WatchedState<'a>,
    time: &'a str,
}

impl WatchComparison<'_> {
    /// Incidents that are gone.
    fn ended_incidents(&self, alerts: &mut Vec<Alert>) {
        let now: BTreeSet<&str> = self.after.incidents.iter().map(|i| i.id.as_str()).collect();
        for incident in by_id(self.before.incidents) {
            if now.contains(incident.id.as_str()) || closed(incident, self.before.as_of).is_some() {
                continue;
            }
            let merged = self
                .after
                .merged
                .iter()
                .find(|(from, _)| *from == incident.id);
            let joined = merged.map(|(_, into)| into.as_str()).or_else(|| {
                let of = |f: &String| self.member_now.get(f.as_str()).copied();
                incident.findings.iter().find_map(of)
            });
            let reason = match joined {
                Some(into) => EndReason::Joined(into.to_owned()),
                None if self.left_lookback(Some(&incident.last_time)) => EndReason::LeftLookback,
                None => EndReason::Cleared,
            };
            alerts.push(self.incident_ended(incident, reason));
        }
    }

    /// Incidents that are new, changed or over.
    fn incidents(&self, alerts: &mut Vec<Alert>) {
        for incident in by_id(self.after.incidents) {
            let was = self.before.incidents.iter().find(|i| i.id == incident.id);
            let over = closed(incident, self.after.as_of);
            let was_over = was.and_then(|w| closed(w, self.before.as_of));
            let new = self.new_of(incident, was);
            if incident.severity > Severity::Info {
                alerts.extend(self.incident_news(incident, was, (&was_over, &over), new));
            }
            if let (Some(was), None, Some(reason)) = (was, was_over, over) {
                // Those who heard of it hear of its end, whatever it is called now.
                let ended = Incident {
                    severity: was.severity,
                    ..incident.clone()
                };
                alerts.push(self.incident_ended(&ended, reason));
            }
        }
    }

    fn incident_news(
        &self,
        incident: &Incident,
        was: Option<&Incident>,
        (was_over, over): (&Option<EndReason>, &Option<EndReason>),
        new: Vec<String>,
    ) -> Option<Alert> {
        let brief = IncidentBrief::of(incident);
        let alert = |kind, sequence: &str, new| {
            Alert::of_incident(kind, brief.clone(), sequence, (new, None), self.time)
        };
        let Some(was) = was else {
            return Some(alert(AlertKind::IncidentOpened, "", new));
        };
        let stages = |i: &Incident| i.stages.iter().copied().collect::<BTreeSet<_>>();
        if incident.severity > was.severity || !stages(incident).is_subset(&stages(was)) {
            let step = format!("{} {:?}", incident.severity, stages(incident));
            return Some(alert(AlertKind::IncidentEscalated, &step, new));
        }
        if was_over.is_some() && over.is_none() {
            let again = format!("again {}", incident.last_time);
            return Some(alert(AlertKind::IncidentOpened, &again, new));
        }
        if new.is_empty() {
            return None;
        }
        let of = |id: &String| {
            let severity = self.now.get(id.as_str()).map(|f| f.severity);
            format!("{id} {}", severity.unwrap_or_default())
        };
        let sequence: Vec<String> = new.iter().map(of).collect();
        Some(alert(AlertKind::IncidentUpdated, &sequence.join(" "), new))
    }

    /// Findings of an incident that were not told with this severity, sorted.
    fn new_of(&self, incident: &Incident, was: Option<&Incident>) -> Vec<String> {
        let before: BTreeSet<&String> = was.iter().flat_map(|w| &w.findings).collect();
        let is_new = |id: &&String| {
            let Some(finding) = self.now.get(id.as_str()) else {
                return !before.contains(id);
            };
            let told = self.told.get(id.as_str()).copied();
            finding.severity > Severity::Info
                && (!before.contains(id) || told.is_none_or(|t| t < finding.severity))
        };
        let mut new: Vec<String> = incident.findings.iter().filter(is_new).cloned().collect();
        new.sort();
        new
    }

    fn incident_ended(&self, incident: &Incident, reason: EndReason) -> Alert {
        let sequence = format!("{reason:?} {}", incident.last_time);
        Alert::of_incident(
            AlertKind::IncidentEnded,
            IncidentBrief::of(incident),
            &sequence,
            (Vec::new(), Some(reason)),
            self.time,
        )
    }

    /// Findings of no incident that are new, or worse than they were.
    fn findings(&self, alerts: &mut Vec<Alert>) {
        for (id, finding) in &self.now {
            let told = self.told.get(id).copied();
            if finding.severity > Severity::Info
                && !self.member_now.contains_key(id)
                && told.is_none_or(|t| t < finding.severity)
            {
                alerts.push(Alert::of_finding(finding, None, self.time));
            }
        }
    }

    /// Findings that had an alert of their own and are gone, accepted, or part of an incident.
    fn ended_findings(&self, alerts: &mut Vec<Alert>) {
        let mut before: Vec<&Finding> = self.before.findings.iter().collect();
        before.sort_by(|a, b| a.id.cmp(&b.id));
        for finding in before {
            let id = finding.id.as_str();
            if finding.severity == Severity::Info || self.member_before.contains_key(id) {
                continue;
            }
            let reason = match (self.now.get(id), self.member_now.get(id)) {
                (_, Some(into)) => EndReason::Joined((*into).to_owned()),
                (Some(now), None) if now.severity == Severity::Info => EndReason::Accepted,
                (Some(_), None) => continue,
                (None, None) if self.left_lookback(finding.last_time.as_ref()) => {
                    EndReason::LeftLookback
                }
                (None, None) => EndReason::Cleared,
            };
            alerts.push(Alert::of_finding(finding, Some(reason), self.time));
        }
    }

    fn left_lookback(&self, last_time: Option<&String>) -> bool {
        let time = |text: &str| text.parse::<Timestamp>().ok();
        match (last_time.and_then(|t| time(t)), time(self.after.since)) {
            (Some(last), Some(since)) => last < since,
            _ => false,
        }
    }
}

fn by_id(incidents: &[Incident]) -> Vec<&Incident> {
    let mut sorted: Vec<&Incident> = incidents.iter().collect();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    sorted
}
