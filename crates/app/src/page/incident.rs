//! One incident: the card, the time line, the access graph, what to do, and what was done.

use bartizan_incident::Incident;
use bartizan_model::Finding;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Serialize;

use super::access::{Role, Visitor};
use super::followup::{FollowUp, follow_up};
use super::live::Seen;
use crate::access_graph::AccessGraph;
use crate::render::html::{answers, change_row, reach, story, summary, text, ways, who};
use crate::watch_result::{ChangeSummary, WatchResult};

/// Changes of an incident that are listed.
const CHANGES_SHOWN: usize = 40;

/// Content of the page.
#[derive(Serialize)]
pub(super) struct IncidentPage<'s> {
    incident: &'s Incident,
    findings: Vec<&'s Finding>,
    changes: Vec<&'s ChangeSummary>,
    graph: AccessGraph,
    follow_up: FollowUp<'s>,
}

/// The incident of an id, or the one that it was merged into.
pub(super) fn find<'s>(watched: &'s WatchResult, id: &str) -> Option<&'s Incident> {
    let into = watched.merged.iter().find(|(from, _)| from == id);
    let id = into.map_or(id, |(_, into)| into.as_str());
    watched.incidents.iter().find(|i| i.id == id)
}

impl<'s> IncidentPage<'s> {
    pub(super) fn of(seen: &'s Seen, id: &str) -> Option<Self> {
        let watched = seen.watched.as_ref()?;
        let incident = find(watched, id)?;
        let own: std::collections::HashSet<&str> =
            incident.findings.iter().map(String::as_str).collect();
        Some(Self {
            incident,
            findings: watched
                .findings
                .iter()
                .filter(|f| own.contains(f.id.as_str()))
                .collect(),
            changes: watched
                .changes
                .iter()
                .filter(|c| own.contains(c.finding.as_str()))
                .collect(),
            graph: AccessGraph::of_incident(incident, watched),
            follow_up: follow_up(seen, &incident.id),
        })
    }

    pub(super) fn title(&self) -> String {
        format!("incident {}", self.incident.id)
    }

    pub(super) fn address(&self) -> String {
        format!("/incident/{}", self.incident.id)
    }

    /// The page; `window`: the part of the time that the picture shows.
    pub(super) fn markup(
        &self,
        seen: &Seen,
        visitor: &Visitor,
        window: Option<(i64, i64)>,
    ) -> Markup {
        let (incident, Some(watched)) = (self.incident, seen.watched.as_ref()) else {
            return html! {};
        };
        html! {
            div class=(format!("card {}", incident.severity)) {
                h1 { (text(&incident.headline)) }
                (answers(incident))
                (self.follow_up.line())
            }
            (summary(incident))
            (zoom(incident, window))
            (story(incident, watched, window))
            (ways(incident, watched))
            (who(incident))
            (reach(incident, watched))
            @if !self.changes.is_empty() {
                h2 { "Changes" }
                @for change in self.changes.iter().take(CHANGES_SHOWN) { (change_row(change)) }
                @if self.changes.len() > CHANGES_SHOWN {
                    p { "and " (self.changes.len() - CHANGES_SHOWN) " more" }
                }
            }
            section aria-labelledby="h-followup" {
                h2 id="h-followup" { "What was done about it" }
                (self.follow_up.list())
                @match visitor.role {
                    Role::Responder => (forms(incident, visitor)),
                    Role::Reader => p class="dim" { "Readers change nothing." },
                }
            }
        }
    }
}

/// Links that show a part of the time: plain links, so that they work without script.
fn zoom(incident: &Incident, window: Option<(i64, i64)>) -> Markup {
    let second = |t: &str| t.parse::<Timestamp>().map_or(0, Timestamp::as_second);
    let whole = (second(&incident.first_time), second(&incident.last_time));
    let (from, to) = window.unwrap_or(whole);
    let (width, middle) = ((to - from).max(120), i64::midpoint(from, to));
    let link = |name: &str, from: i64, to: i64| {
        let address = format!("/incident/{}?from={from}&to={to}#time", incident.id);
        html! { a href=(address) { (name) } " " }
    };
    html! {
        h2 id="time" { "Time line" }
        p class="zoom" {
            (link("zoom in", middle - width / 4, middle + width / 4))
            (link("zoom out", middle - width, middle + width))
            (link("earlier", from - width / 2, to - width / 2))
            (link("later", from + width / 2, to + width / 2))
            @if window.is_some() {
                a href=(format!("/incident/{}#time", incident.id)) { "all of it" }
            }
        }
    }
}

fn forms(incident: &Incident, visitor: &Visitor) -> Markup {
    let form = |act: &str, content: Markup| {
        html! {
            form method="post" action=(format!("/incident/{}/{act}", incident.id)) class="act" {
                input type="hidden" name="form_token" value=(visitor.form_token);
                (content)
            }
        }
    };
    html! {
        p class="dim" {
            "Each is signed into the evidence log with your name. None changes an AWS account."
        }
        div class="acts" {
            (form("acknowledge", html! { button { "Acknowledge" } }))
            (form("assign", html! {
                label { "Assign to " input name="assignee" required maxlength="200"; }
                button { "Assign" }
            }))
            (form("note", html! {
                label { "Note " textarea name="text" required maxlength="4000" rows="2" {} }
                button { "Add note" }
            }))
            (form("accept", html! {
                label { "Accept because " input name="text" required maxlength="1000"; }
                label { "until " input type="date" name="until"; }
                button { "Accept all findings of it" }
            }))
            (form("silence", html! {
                label { "No alerts because " input name="text" required maxlength="1000"; }
                label { "until " input type="date" name="until" required; }
                button { "Silence" }
            }))
        }
    }
}
