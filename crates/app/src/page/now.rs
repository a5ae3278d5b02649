//! Now: is somebody in, what is open, what is not seen.

use bartizan_model::{Finding, Severity};
use maud::{Markup, html};
use serde::Serialize;

use super::followup::{FollowUp, follow_up};
use super::live::Seen;
use crate::coverage_strip::CoverageStrip;
use crate::render::html::{brief, coverage, finding_table, text, todo, word};
use crate::render::{first_line, is_blind, minute, picture};
use crate::store::ListedEntry;
use crate::watch_result::{CoverageReport, SnapshotSummary};

/// Findings beside the incidents; the rest is found by search.
const FINDINGS_SHOWN: usize = 25;
/// Commands that the first card has.
const TODO_SHOWN: usize = 3;
/// Incidents; the rest is counted.
const INCIDENTS_SHOWN: usize = 50;

/// Content of the page.
#[derive(Serialize)]
pub(super) struct Now<'s> {
    version: u64,
    /// `INTRUDER  1 incident, still inside: …`.
    answer: String,
    as_of: &'s str,
    incidents: Vec<IncidentRow<'s>>,
    incidents_left_out: usize,
    /// Findings that belong to no incident, worst first.
    findings: Vec<&'s Finding>,
    findings_left_out: usize,
    snapshots: &'s [SnapshotSummary],
    coverage: &'s CoverageReport,
    /// Newest first.
    alerts: &'s [ListedEntry],
    strip: &'s CoverageStrip,
}

#[derive(Serialize)]
struct IncidentRow<'s> {
    id: &'s str,
    headline: &'s str,
    severity: Severity,
    score: u32,
    first_time: &'s str,
    last_time: &'s str,
    stages: Vec<String>,
    still_there: Vec<&'s str>,
    follow_up: FollowUp<'s>,
}

impl<'s> Now<'s> {
    /// None where nobody has watched yet.
    pub(super) fn of(seen: &'s Seen) -> Option<Self> {
        let watched = seen.watched.as_ref()?;
        let row = |i: &'s bartizan_incident::Incident| IncidentRow {
            id: &i.id,
            headline: &i.headline,
            severity: i.severity,
            score: i.score,
            first_time: &i.first_time,
            last_time: &i.last_time,
            stages: i.stages.iter().map(ToString::to_string).collect(),
            still_there: i.standing.iter().map(|s| s.what.as_str()).collect(),
            follow_up: follow_up(seen, &i.id),
        };
        let told: std::collections::HashSet<&str> = watched
            .incidents
            .iter()
            .flat_map(|i| i.findings.iter().map(String::as_str))
            .collect();
        let others = || {
            watched
                .findings
                .iter()
                .filter(|f| !told.contains(f.id.as_str()))
        };
        let all = others().count();
        Some(Self {
            version: seen.version,
            answer: first_line(watched),
            as_of: &watched.as_of,
            incidents: watched
                .incidents
                .iter()
                .take(INCIDENTS_SHOWN)
                .map(row)
                .collect(),
            incidents_left_out: watched.incidents.len().saturating_sub(INCIDENTS_SHOWN),
            findings: others().take(FINDINGS_SHOWN).collect(),
            findings_left_out: all.saturating_sub(FINDINGS_SHOWN),
            snapshots: &watched.snapshot,
            coverage: &watched.coverage,
            alerts: &seen.alerts,
            strip: &seen.strip,
        })
    }
}

/// The page.
pub(super) fn now(seen: &Seen) -> Markup {
    let (Some(now), Some(watched)) = (Now::of(seen), seen.watched.as_ref()) else {
        return html! {
            h1 { "CANNOT TELL  nobody has watched yet" }
            p { "Start it beside this page; what it finds appears here." }
            pre class="command" { "bartizan watch --once DIR" }
        };
    };
    let worst = watched.incidents.first();
    let class = match worst.map(|i| i.severity) {
        Some(Severity::Critical) => "card critical",
        Some(_) => "card high",
        None if is_blind(watched) => "card",
        None => "card good",
    };
    html! {
        div class=(class) {
            h1 { (text(&now.answer)) }
            @if let Some(incident) = worst { (todo("To do first", incident, TODO_SHOWN))
                @if incident.todo.len() > TODO_SHOWN {
                    p {
                        a href=(format!("/incident/{}", incident.id)) {
                            "all " (incident.todo.len()) " of them, and the whole story"
                        }
                    }
                } }
            @else {
                p {
                    "No intrusion found in the data read. What was not read is listed below, and \
                    is no all-clear."
                }
            }
        }
        section aria-labelledby="h-incidents" {
            h2 id="h-incidents" { "Incidents, worst first" }
            @if now.incidents.is_empty() { p { "None." } }
            @for row in &now.incidents { (incident_row(row)) }
            @if now.incidents_left_out > 0 { p { "and " (now.incidents_left_out) " more" } }
        }
        section aria-labelledby="h-sight" {
            h2 id="h-sight" { "What is seen, and what is not" }
            (picture::strip(now.strip))
        }
        (coverage(watched))
        (alerts(now.alerts))
        section aria-labelledby="h-others" {
            h2 id="h-others" { "Other findings" }
            @if now.findings.is_empty() { p { "None." } } @else {
                div id="filters" hidden {}
                (finding_table(now.findings.iter().copied()))
                @if now.findings_left_out > 0 {
                    p { "and " (now.findings_left_out) " more: search for them" }
                }
            }
        }
    }
}

fn alerts(list: &[ListedEntry]) -> Markup {
    html! {
        section aria-labelledby="h-alerts" {
            h2 id="h-alerts" { "Alerts" }
            @if list.is_empty() { p { "None: no sink is configured, or nothing was to be sent." } }
            ul { @for a in list { li {
                span class="dim" { (minute(&a.created)) " UTC · " (brief(&a.sink)) " · " }
                strong { (brief(&a.state)) } " " (brief(&a.title))
                @if let Some(sent) = &a.sent { span class="dim" { " · sent " (minute(sent)) } }
                @if let Some(note) = &a.note { span class="dim" { " · " (brief(note)) } }
            } } }
        }
    }
}

fn incident_row(row: &IncidentRow<'_>) -> Markup {
    html! {
        article class=(format!("card {}", row.severity)) id=(format!("i-{}", brief(row.id))) {
            h3 {
                (word(row.severity)) " "
                a href=(format!("/incident/{}", row.id)) { (text(row.headline)) }
            }
            p class="dim" {
                (minute(row.first_time)) " → " (minute(row.last_time)) " UTC · "
                (row.stages.join(" ▸ ")) " · score " (row.score) " of 100"
            }
            @if !row.still_there.is_empty() {
                p { "still there: " (brief(&row.still_there.join("; "))) }
            }
            (row.follow_up.line())
        }
    }
}
