//! An incident as an alert carries it: bounded, and with what a person needs first.

use std::collections::BTreeSet;

use bartizan_incident::Incident;
use bartizan_model::{Severity, Stage};
use serde::{Deserialize, Serialize};

/// Moments of an incident in an alert; the latest are kept.
const MOMENTS_SHOWN: usize = 12;
/// Suspects, standing changes and commands in an alert, of each.
const LINES_SHOWN: usize = 8;
/// Rules in an alert.
const RULES_MAX: usize = 64;

/// Summary of an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentBrief {
    pub id: String,
    pub headline: String,
    pub severity: Severity,
    /// 0 to 100.
    pub score: u32,
    pub stages: Vec<Stage>,
    /// RFC 3339.
    pub first_time: String,
    /// RFC 3339.
    pub last_time: String,
    pub accounts: Vec<String>,
    /// Names of the suspects, worst first.
    pub suspects: Vec<String>,
    /// Addresses that they called from.
    pub addresses: Vec<String>,
    pub rules: Vec<String>,
    /// Latest moments: time, severity and line.
    pub moments: Vec<(String, Severity, String)>,
    /// Changes that still stand, e.g. `role support-readonly trusts 999988887777`.
    pub standing: Vec<String>,
    /// Number of changes that still stand.
    pub standing_count: usize,
    /// Whether a later snapshot tells what stands.
    pub standing_known: bool,
    /// Recommended commands, for the reader to run: reason and command.
    pub todo: Vec<(String, String)>,
    /// Number of its findings.
    pub findings: usize,
}

impl IncidentBrief {
    pub(crate) fn of(incident: &Incident) -> Self {
        let moments = incident.moments();
        let latest = moments.len().saturating_sub(MOMENTS_SHOWN);
        let rules: BTreeSet<&str> = incident.timeline.iter().map(|m| m.rule.as_str()).collect();
        let addresses: BTreeSet<&String> =
            incident.actor.iter().flat_map(|s| &s.addresses).collect();
        Self {
            id: incident.id.clone(),
            headline: incident.headline.clone(),
            severity: incident.severity,
            score: incident.score,
            stages: incident.stages.clone(),
            first_time: incident.first_time.clone(),
            last_time: incident.last_time.clone(),
            accounts: incident.accounts.clone(),
            suspects: shown(incident.actor.iter().map(|s| s.name.clone())),
            addresses: shown(addresses.into_iter().cloned()),
            rules: rules
                .into_iter()
                .take(RULES_MAX)
                .map(str::to_owned)
                .collect(),
            moments: moments[latest..]
                .iter()
                .map(|m| (m.time.clone(), m.severity, m.line()))
                .collect(),
            standing: shown(incident.standing.iter().map(|s| s.what.clone())),
            standing_count: incident.standing.len(),
            standing_known: incident.standing_known,
            todo: incident
                .todo
                .iter()
                .take(LINES_SHOWN)
                .map(|t| (t.why.clone(), t.command.clone()))
                .collect(),
            findings: incident.findings.len(),
        }
    }
}

fn shown(lines: impl Iterator<Item = String>) -> Vec<String> {
    lines.take(LINES_SHOWN).collect()
}
