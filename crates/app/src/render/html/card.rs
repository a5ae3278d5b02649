//! The card that answers.

use bartizan_incident::Incident;
use bartizan_model::Severity;
use maud::{Markup, html};

use super::command::command;
use super::escape::{brief, text};
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

/// Commands that a card has.
pub(super) const TODO_SHOWN: usize = 100;
/// People and things that a card names.
const NAMED_SHOWN: usize = 40;

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
                @for suspect in incident.actor.iter().take(NAMED_SHOWN) {
                    (brief(&suspect.name))
                    @if !suspect.addresses.is_empty() {
                        " from " (brief(&suspect.addresses.join(", ")))
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
                            @for made in incident.left.iter().take(NAMED_SHOWN) {
                                (brief(&made.what)) br;
                            }
                        }
                    }
                }
                @for s in incident.standing.iter().take(NAMED_SHOWN) { (brief(&s.what)) br; }
                @if incident.standing.len() > NAMED_SHOWN {
                    "and " (incident.standing.len() - NAMED_SHOWN) " more"
                }
            }
        }
        (todo("To do first", incident, TODO_SHOWN))
    }
}

/// The first commands for the reader to run, each with why.
pub(crate) fn todo(title: &str, incident: &Incident, most: usize) -> Markup {
    html! {
        @if !incident.todo.is_empty() {
            h3 { (title) }
            p class="dim" { "For you to read and run. Bartizan never changes an account." }
            @for advice in incident.todo.iter().take(most) {
                p { (text(&advice.why)) }
                (command(&advice.command))
            }
        }
    }
}
