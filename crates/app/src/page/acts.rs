//! What a responder does: acknowledge, assign, note, accept, silence. Each is an entry of the
//! evidence log, signed, with who did it.

use anyhow::{Context, Result, bail, ensure};
use bartizan_evidence::{EntryKind, GrantRef, IncidentNote, Justification, NoteAct};
use bartizan_incident::Incident;
use bartizan_model::AlertSilence;
use bartizan_model::limits::{NOTE_NAME_MAX, NOTE_TEXT_MAX};
use jiff::Timestamp;
use serde::Deserialize;

use super::access::Visitor;
use super::live::LiveStore;
use crate::cli::time;
use crate::store::{self, Outbox};

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
    Silence,
}

impl Act {
    /// By the last part of the address of its form.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "acknowledge" => Self::Note(NoteAct::Acknowledge),
            "assign" => Self::Note(NoteAct::Assign),
            "note" => Self::Note(NoteAct::Note),
            "silence" => Self::Silence,
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
        text.chars().count() <= NOTE_TEXT_MAX,
        "the text is longer than {NOTE_TEXT_MAX} characters"
    );
    ensure!(
        assignee.chars().count() <= NOTE_NAME_MAX,
        "a name has at most {NOTE_NAME_MAX} characters"
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
        Act::Silence => {
            ensure!(!text.is_empty(), "say why");
            let until = until.context("say until when")?;
            silence(live, incident, text, until, visitor, now)?;
        }
        Act::Note(kind) => {
            match kind {
                NoteAct::Assign if assignee.is_empty() => bail!("say to whom"),
                NoteAct::Note if text.is_empty() => bail!("the note is empty"),
                _ => {}
            }
            let note = IncidentNote {
                incident: incident.id.clone(),
                act: kind,
                by: visitor.name.clone(),
                text: text.to_owned(),
                assignee: (kind == NoteAct::Assign).then(|| assignee.to_owned()),
                until: None,
            };
            let storage = store::open(live.global())?;
            store::note(live.global(), storage.as_ref(), note, now)?;
        }
    }
    live.read();
    Ok(())
}

/// Silences the alerts of an incident, as `bartizan alerts silence` does.
fn silence(
    live: &LiveStore,
    incident: &Incident,
    reason: &str,
    until: Timestamp,
    visitor: &Visitor,
    now: Timestamp,
) -> Result<()> {
    let silence = AlertSilence {
        subject: Some(incident.id.clone()),
        rule: None,
        account: None,
        stage: None,
        author: visitor.name.clone(),
        reason: reason.to_owned(),
        until: until.to_string(),
    };
    let storage = store::open(live.global())?;
    let what = EntryKind::Silence(silence.clone());
    let index = store::silence(live.global(), storage.as_ref(), what, now)?;
    // The outbox of a running watch takes it at once; another reads it from the log.
    if let Ok(outbox) = Outbox::open(&live.global().store) {
        outbox.silence(index, &silence)?;
    }
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
