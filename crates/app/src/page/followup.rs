//! What people did about an incident, from the evidence log.

use bartizan_evidence::{IncidentNote, NoteAct};
use maud::{Markup, html};
use serde::Serialize;

use super::live::Seen;
use crate::render::html::brief;
use crate::render::minute;

/// Notes of one incident.
#[derive(Debug, Serialize)]
pub(super) struct FollowUp<'s> {
    acknowledged_by: Option<&'s str>,
    assignee: Option<&'s str>,
    /// End of the last silence, RFC 3339.
    silenced_until: Option<&'s str>,
    notes: Vec<NoteRow<'s>>,
}

/// A note, with its entry in the log.
#[derive(Debug, Serialize)]
struct NoteRow<'s> {
    entry: u64,
    time: &'s str,
    #[serde(flatten)]
    note: &'s IncidentNote,
}

/// What was done about an incident, or about those that it was merged from.
pub(super) fn follow_up<'s>(seen: &'s Seen, incident: &str) -> FollowUp<'s> {
    let merged = seen.watched.iter().flat_map(|w| &w.merged);
    let names: Vec<&str> = merged
        .filter(|(_, into)| into == incident)
        .map(|(from, _)| from.as_str())
        .chain([incident])
        .collect();
    let own = seen
        .notes
        .iter()
        .filter(|(_, _, n)| names.contains(&n.incident.as_str()));
    let notes: Vec<NoteRow<'_>> = own
        .map(|(entry, time, note)| NoteRow {
            entry: *entry,
            time,
            note,
        })
        .collect();
    let last = |act: NoteAct| notes.iter().rfind(|n| n.note.act == act).map(|n| n.note);
    FollowUp {
        acknowledged_by: last(NoteAct::Acknowledge).map(|n| n.by.as_str()),
        assignee: last(NoteAct::Assign).and_then(|n| n.assignee.as_deref()),
        silenced_until: last(NoteAct::Silence).and_then(|n| n.until.as_deref()),
        notes,
    }
}

impl FollowUp<'_> {
    /// `acknowledged by alice · assigned to bob`.
    pub(super) fn line(&self) -> Markup {
        html! {
            p class="dim" {
                @match self.acknowledged_by {
                    Some(by) => { "acknowledged by " (brief(by)) }
                    None => { "not acknowledged" }
                }
                @if let Some(to) = self.assignee { " · assigned to " (brief(to)) }
                @if let Some(until) = self.silenced_until {
                    " · silenced until " (minute(until)) " UTC"
                }
            }
        }
    }

    /// All of it, oldest first.
    pub(super) fn list(&self) -> Markup {
        html! {
            ul class="notes" {
                @for row in self.notes.iter().rev().take(100).rev() {
                    li {
                        span class="dim" { (minute(row.time)) " UTC · entry " (row.entry) " · " }
                        strong { (brief(&row.note.by)) } " " (row.note.act.word())
                        @if let Some(to) = &row.note.assignee { " to " (brief(to)) }
                        @if let Some(until) = &row.note.until {
                            " until " (minute(until)) " UTC"
                        }
                        @if !row.note.text.is_empty() { ": " (brief(&row.note.text)) }
                    }
                }
            }
        }
    }
}
