//! What a responder does: acknowledge, assign, note, accept, silence. Each is an entry of the
//! evidence log, signed, with who did it.

use anyhow::{Result, bail, ensure};
use bartizan_evidence::{GrantRef, IncidentNote, Justification, NoteAct};
use bartizan_incident::Incident;
use jiff::Timestamp;
use serde::Deserialize;

use super::access::Visitor;
use super::live::LiveStore;
use crate::cli::time;
use crate::store;

/// Characters of a reason or a note.
const TEXT_MAX: usize = 4000;
/// Characters of a name.
const NAME_MAX: usize = 200;

/// Fields of the forms.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ActForm {
    #[serde(default)]
    pub(super) form_token: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    assignee: String,
    /// Date, or RFC 3339.
    #[serde(default)]
    until: String,
}

/// Act of a responder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Note(NoteAct),
    Accept,
}

impl Act {
    /// By the last part of the address of its form.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "acknowledge" => Self::Note(NoteAct::Acknowledge),
            "assign" => Self::Note(NoteAct::Assign),
            "note" => Self::Note(NoteAct::Note),
            "silence" => Self::Note(NoteAct::Silence),
            "accept" => Self::Accept,
            _ => return None,
        })
    }
}

/// Does it: appends to the log, and reads the store again.
pub(super) fn act(
    live: &LiveStore,
    incident: &Incident,
    act: Act,
    form: &ActForm,
    visitor: &Visitor,
    now: Timestamp,
) -> Result<()> {
    let text = form.text.trim();
    let assignee = form.assignee.trim();
    ensure!(
        text.chars().count() <= TEXT_MAX,
        "the text is longer than {TEXT_MAX} characters"
    );
    ensure!(
        assignee.chars().count() <= NAME_MAX,
        "a name has at most {NAME_MAX} characters"
    );
    let until = match form.until.trim() {
        "" => None,
        until => Some(time(until).map_err(anyhow::Error::msg)?),
    };
    ensure!(
        until.is_none_or(|until| until > now),
        "the date is over already"
    );
    match act {
        Act::Accept => {
            ensure!(!text.is_empty(), "say why, for whoever reads it in a year");
            accept(live, incident, text, until, visitor, now)?;
        }
        Act::Note(kind) => {
            match kind {
                NoteAct::Assign if assignee.is_empty() => bail!("say to whom"),
                NoteAct::Note if text.is_empty() => bail!("the note is empty"),
                NoteAct::Silence if text.is_empty() => bail!("say why"),
                NoteAct::Silence if until.is_none() => bail!("say until when"),
                _ => {}
            }
            let note = IncidentNote {
                incident: incident.id.clone(),
                act: kind,
                by: visitor.name.clone(),
                text: text.to_owned(),
                assignee: (kind == NoteAct::Assign).then(|| assignee.to_owned()),
                until: until
                    .filter(|_| kind == NoteAct::Silence)
                    .map(|t| t.to_string()),
            };
            let storage = store::open(live.global())?;
            store::note(live.global(), storage.as_ref(), note, now)?;
        }
    }
    live.read();
    Ok(())
}

/// Accepts every finding of an incident, as `bartizan accept` does.
fn accept(
    live: &LiveStore,
    incident: &Incident,
    reason: &str,
    until: Option<Timestamp>,
    visitor: &Visitor,
    now: Timestamp,
) -> Result<()> {
    let seen = live.seen();
    let findings = seen.watched.iter().flat_map(|w| &w.findings);
    let storage = store::open(live.global())?;
    for finding in findings.filter(|f| incident.findings.contains(&f.id)) {
        let justification = Justification {
            finding: finding.id.clone(),
            title: finding.title.clone(),
            grant: GrantRef::of(finding),
            reason: reason.to_owned(),
            by: Some(visitor.name.clone()),
            until: until.map(|t| t.to_string()),
        };
        store::justify(live.global(), storage.as_ref(), justification, now)?;
    }
    Ok(())
}
