//! What people did about an incident, from the evidence log.

use bartizan_evidence::{IncidentNote, NoteAct};
use bartizan_model::AlertSilence;
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
    silences: Vec<SilenceRow<'s>>,
}

/// A silence, with its entry in the log.
#[derive(Debug, Serialize)]
struct SilenceRow<'s> {
    entry: u64,
    author: &'s str,
    reason: &'s str,
    /// RFC 3339.
    until: &'s str,
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
    let about = |s: &&(u64, AlertSilence)| {
        let subject = s.1.subject.as_deref();
        subject.is_some_and(|subject| names.contains(&subject))
    };
    let silence = |(entry, s): &'s (u64, AlertSilence)| SilenceRow {
        entry: *entry,
        author: &s.author,
        reason: &s.reason,
        until: &s.until,
    };
    let silences: Vec<SilenceRow<'_>> = seen.silences.iter().filter(about).map(silence).collect();
    let last = |act: NoteAct| notes.iter().rfind(|n| n.note.act == act).map(|n| n.note);
    FollowUp {
        acknowledged_by: last(NoteAct::Acknowledge).map(|n| n.by.as_str()),
        assignee: last(NoteAct::Assign).and_then(|n| n.assignee.as_deref()),
        silenced_until: silences.last().map(|s| s.until),
        notes,
        silences,
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
                @for row in self.silences.iter().rev().take(20).rev() {
                    li {
                        span class="dim" { "entry " (row.entry) " · " }
                        strong { (brief(row.author)) } " silenced until " (minute(row.until)) " UTC"
                        ": " (brief(row.reason))
                    }
                }
            }
        }
    }
}
