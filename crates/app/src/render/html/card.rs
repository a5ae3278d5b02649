//! The card that answers.

use bartizan_incident::Incident;
use bartizan_model::Severity;
use maud::{Markup, html};

use super::command::command;
use super::escape::text;
use super::word::word;
use crate::render::watch::first_line;
use crate::render::words::minute;
use crate::watch_result::WatchResult;

/// The card that answers: is somebody in, since when, who, how bad, what to do.
pub(crate) fn card(watched: &WatchResult) -> Markup {
    let worst = watched.incidents.first();
    let class = match worst.map(|i| i.severity) {
        Some(Severity::Critical) => "card critical",
        Some(_) => "card high",
        None => "card good",
    };
    html! {
        header class=(class) {
            h1 { (text(&first_line(watched))) }
            @if let Some(incident) = worst {
                p { (text(&incident.headline)) }
                (answers(incident))
            } @else {
                p {
                    "No intrusion found in the data read. What was not read is listed below, and \
                    is no all-clear."
                }
            }
            p class="dim" {
                "As of " (minute(&watched.as_of)) " UTC"
                @for s in &watched.snapshot {
                    " · account " (text(&s.account)) ", " (s.facts) " facts, " (s.calls_read) " of "
                    (s.calls) " calls read"
                }
                " · " (watched.coverage.events) " events in " (watched.coverage.objects) " objects"
            }
        }
    }
}

/// How bad, since when, who, what is still there, what to do first.
pub(crate) fn answers(incident: &Incident) -> Markup {
    html! {
    dl {
        dt { "how bad" }
        dd { (word(incident.severity)) " · score " (incident.score) " of 100" }
        dt { "since" }
        dd {
            (minute(&incident.first_time)) " UTC, last seen "
            (minute(&incident.last_time)) " UTC"
        }
        dt { "who" }
        dd {
            @for suspect in &incident.actor {
                (text(&suspect.name))
                @if !suspect.addresses.is_empty() {
                    " from " (text(&suspect.addresses.join(", ")))
                }
                br;
            }
        }
        dt { "still there" }
        dd {
            @if incident.standing.is_empty() {
                @if incident.standing_known {
                    "nothing, in the latest snapshot"
                } @else {
                    "unknown: no configuration snapshot after it"
                    @if !incident.left.is_empty() {
                        br; "not removed in this trail: "
                        @for made in &incident.left { (text(&made.what)) br; }
                    }
                }
            }
            @for s in &incident.standing { (text(&s.what)) br; }
        }
    }
    @if !incident.todo.is_empty() {
        h3 { "To do first" }
        p class="dim" { "For you to read and run. Bartizan never changes an account." }
        @for advice in &incident.todo {
            p { (text(&advice.why)) }
            pre { (text(&advice.command)) }
        }
    }
    }
}

/// Commands for the reader to run, each with why.
pub(crate) fn todo(title: &str, incident: &Incident) -> Markup {
    html! {
        @if !incident.todo.is_empty() {
            h3 { (title) }
            p class="dim" { "For you to read and run. Bartizan never changes an account." }
            @for advice in &incident.todo {
                p { (text(&advice.why)) }
                (command(&advice.command))
            }
        }
    }
}
