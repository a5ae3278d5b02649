//! What people did about incidents: acknowledged, assigned, noted, silenced; signed like all else.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{EntryKind, EvidenceLog, LogEntry, LogError, LogKey};

/// Something that somebody did about an incident:
/// `{"incident":"3f2a91c0","act":"assign","by":"alice","assignee":"bob"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentNote {
    /// Id of the incident.
    pub incident: String,
    pub act: NoteAct,
    /// User of the page who did it.
    pub by: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Who is to look after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// End of a silence, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// Kind of act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoteAct {
    /// Somebody looks at it.
    Acknowledge,
    Assign,
    Note,
    /// No alerts about it until a time.
    Silence,
}

impl NoteAct {
    /// `acknowledged`, `silenced`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledged",
            Self::Assign => "assigned",
            Self::Note => "noted",
            Self::Silence => "silenced",
        }
    }
}

/// Appends a note. Gives the index of its entry.
///
/// # Errors
/// If the storage fails; the log is then unchanged.
pub fn append_note(
    log: &mut EvidenceLog<'_>,
    key: &LogKey,
    note: IncidentNote,
    (tool, now): (&str, Timestamp),
) -> Result<u64, LogError> {
    log.append(
        key,
        vec![LogEntry {
            time: format!("{now:.3}"),
            tool: tool.to_owned(),
            log_size: 0,
            what: EntryKind::Note(note),
        }],
    )?;
    Ok(log.size() - 1)
}

/// All notes, oldest first, with index and time of their entries.
///
/// # Errors
/// If the log cannot be read.
pub fn incident_notes(log: &EvidenceLog<'_>) -> Result<Vec<(u64, String, IncidentNote)>, LogError> {
    let note = |(index, text): (u64, String)| match serde_json::from_str(&text) {
        Ok(LogEntry {
            what: EntryKind::Note(note),
            time,
            ..
        }) => Some((index, time, note)),
        _ => None,
    };
    Ok(log.entries(0)?.into_iter().filter_map(note).collect())
}
