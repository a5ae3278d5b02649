//! An incident from its first moment to what to do.

use bartizan_detect::work::{ActorWork, MadeThing};
use bartizan_incident::{Incident, PersistentChange};
use maud::{Markup, html};

use super::bill;
use super::card::{TODO_SHOWN, todo};
use super::command::command;
use super::escape::{brief, text};
use super::evidence::opened;
use super::word::word;
use crate::access_graph::AccessGraph;
use crate::render::picture::{self, TimeWindow};
use crate::render::words::{counted, minute};
use crate::watch_result::WatchResult;

/// Moments that are listed; the rest is among the findings.
const MOMENTS_SHOWN: usize = 150;
/// People behind it that are shown in full.
const SUSPECTS_SHOWN: usize = 20;
/// Lines of a list of the incident.
const LINES_SHOWN: usize = 60;

/// All that is known of an incident, for the report.
pub(crate) fn one(number: usize, incident: &Incident, watched: &WatchResult) -> Markup {
    html! {
        section id=(format!("incident-{number}")) {
            h2 { "Incident " (number + 1) ": " (text(&incident.headline)) }
            (summary(incident))
            (story(incident, watched, None))
            (who(incident))
            (ways(incident, watched))
            (reach(incident, watched))
            (todo("What to do", incident, TODO_SHOWN))
        }
    }
}

/// `critical · 2026-03-11 02:14 → 06:40 UTC · stages gain ▸ blind · 14 findings`.
pub(crate) fn summary(incident: &Incident) -> Markup {
    html! {
        p {
            (word(incident.severity)) " · " (minute(&incident.first_time)) " → "
            (minute(&incident.last_time)) " UTC · stages "
            (incident.stages.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ▸ "))
            " · " (counted(incident.findings.len() as u64, "finding", "findings")) " · id "
            code { (incident.id) }
            @if !incident.attack.is_empty() { " · ATT&CK " (text(&incident.attack.join(" "))) }
        }
    }
}

/// The time line as a picture and as a list, each moment with its evidence.
pub(crate) fn story(incident: &Incident, watched: &WatchResult, window: TimeWindow) -> Markup {
    let moments = incident.moments();
    let charts = bill::charts(incident, watched.bill.as_ref());
    html! {
        div class="wide" tabindex="0" role="group" aria-label="time line" {
            (picture::time(incident, &moments, &charts, window))
        }
        (bill::of_incident(incident, watched.bill.as_ref()))
        ol {
            @for (n, moment) in moments.iter().enumerate().take(MOMENTS_SHOWN) {
                li id=(format!("m-{}", brief(&moment.finding))) value=(n + 1) {
                    span class="dim" { (minute(&moment.time)) " · " (moment.stage) " · " }
                    (word(moment.severity)) " " (brief(&moment.line()))
                    @if let Some(event) = &moment.event {
                        span class="dim" { " · evt " (brief(event)) }
                    }
                    @if let Some(f) = watched.findings.iter().find(|f| f.id == moment.finding) {
                        (opened(f, watched))
                    }
                }
            }
        }
        @if moments.len() > MOMENTS_SHOWN {
            p { "and " (moments.len() - MOMENTS_SHOWN) " more among the findings" }
        }
    }
}

/// Suspects, and how they came to their calls.
pub(crate) fn who(incident: &Incident) -> Markup {
    html! {
        @for suspect in incident.actor.iter().take(SUSPECTS_SHOWN) {
            h3 { "Who: " (brief(&suspect.name)) }
            dl {
                @if let Some(key) = &suspect.access_key_id {
                    dt { "key" }
                    dd { code { (brief(key)) } }
                }
                @if !suspect.addresses.is_empty() {
                    dt { "from" }
                    dd { (text(&suspect.addresses.join(", "))) }
                }
                @if !suspect.user_agents.is_empty() {
                    dt { "user agents" }
                    dd { @for agent in &suspect.user_agents { (brief(agent)) br; } }
                }
                @for chain in &suspect.chains {
                    dt { "through" }
                    dd { (text(&chain.join(" ▸ "))) }
                }
                @if !suspect.whole {
                    dt { "unknown" }
                    dd { "the chain of sessions ends here: who is behind it is not in this trail" }
                }
            }
        }
    }
}

/// The access graph of an incident.
pub(crate) fn ways(incident: &Incident, watched: &WatchResult) -> Markup {
    let graph = AccessGraph::of_incident(incident, watched);
    html! {
        @if !graph.edges.is_empty() {
            h3 { "What they came through, and what they added" }
            (picture::graph(&graph, "access of this incident: who, through what, to what"))
            (graph_key())
        }
    }
}

fn graph_key() -> Markup {
    html! {
        p class="dim key" {
            span class="sw was" {} " was there before " span class="sw added" {} " added "
            span class="sw surer" {} " was possible, now certain "
            span class="sw may" {} " dashed: possible"
        }
    }
}

/// What stands, what was done, reached, can be done, and is not known.
pub(crate) fn reach(incident: &Incident, watched: &WatchResult) -> Markup {
    html! {
        (list("Still there", incident.standing.iter().map(still_there)))
        (did(incident, &watched.actors))
        (list("Reached", incident.reached.iter().cloned()))
        (list("Blast radius: what they can do", incident.blast_radius.iter().cloned()))
        (list("Unknown", incident.unknown.iter().cloned()))
    }
}

pub(crate) fn still_there(change: &PersistentChange) -> String {
    format!("{}, since {} UTC", change.what, minute(&change.since))
}

/// The whole activity of its actors.
fn did(incident: &Incident, actors: &[ActorWork]) -> Markup {
    let made = |title: &str, list: &[MadeThing]| {
        html! {
            @if !list.is_empty() {
                h3 { (title) }
                ul { @for m in list.iter().take(LINES_SHOWN) {
                    li {
                        (brief(&m.what))
                        span class="dim" {
                            " · " (brief(&m.call)) " at " (minute(&m.time)) " UTC · evt "
                            (brief(&m.event))
                        }
                        @if let Some(undo) = &m.undo { (command(undo)) }
                    }
                } }
            }
        }
    };
    html! {
        (made("Made or opened, and not removed in this trail", &incident.left))
        (made("Deleted or switched off", &incident.taken_away))
        @for work in actors.iter().filter(|w| incident.actors.contains(&w.key)) {
            details {
                summary {
                    "All calls of " (brief(&work.name)) ": " (work.events) ", " (work.refused)
                    " refused, " (minute(&work.first_time)) " → " (minute(&work.last_time)) " UTC"
                }
                table {
                    thead {
                        tr {
                            th { "call" }
                            th { "times" }
                            th { "refused" }
                            th { "first, UTC" }
                            th { "last, UTC" }
                            th class="more" { "on" }
                        }
                    }
                    tbody { @for c in &work.calls {
                        tr {
                            td { code { (brief(&c.call)) } }
                            td { (c.count) }
                            td { (c.refused) }
                            td { (minute(&c.first_time)) }
                            td { (minute(&c.last_time)) }
                            td class="more" { (brief(&c.resources.join(", "))) }
                        }
                    } }
                }
                @if work.calls_left_out > 0 { p { "and " (work.calls_left_out) " more calls" } }
                ul { @for line in &work.not_visible { li { "not visible: " (text(line)) } } }
            }
        }
    }
}

fn list(title: &str, items: impl Iterator<Item = String>) -> Markup {
    let items: Vec<String> = items.collect();
    html! {
        @if !items.is_empty() {
            h3 { (title) }
            ul { @for item in items.iter().take(LINES_SHOWN) { li { (brief(item)) } } }
            @if items.len() > LINES_SHOWN { p { "and " (items.len() - LINES_SHOWN) " more" } } }
    }
}
