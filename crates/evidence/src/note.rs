//! Notes of people about incidents, signed like all else.

use jiff::Timestamp;

use super::{EntryKind, EvidenceLog, IncidentNote, LogEntry, LogError, LogKey};

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
