//! Snapshots in a log: appending them, and reading them and their documents.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::log::create_same;
use super::note::IncidentNote;
use super::{
    EntryKind, EvidenceLog, FileRef, Justification, LogEntry, LogError, LogKey, PackFrame,
    SnapshotRef, Storage, documents, find, write_packs,
};
use bartizan_inventory::fact::Hash;
use bartizan_inventory::snapshot::{CallStatus, RecordedSnapshot, Snapshot, fact_root};
use bartizan_model::AlertSilence;
use bartizan_model::limits::{DOCUMENTS_BYTES_MAX, HISTORY_BUNDLES_MAX};

/// Snapshot in a log.
#[derive(Debug, Clone)]
pub struct LoggedSnapshot {
    /// Index of its entry, shown to users as its id.
    pub index: u64,
    /// Entry, byte for byte.
    pub entry: String,
    /// Content of the entry.
    pub snapshot: SnapshotRef,
}

/// All snapshots of the log, oldest first.
///
/// # Errors
/// If the log cannot be read.
pub fn snapshots(log: &EvidenceLog<'_>) -> Result<Vec<LoggedSnapshot>, LogError> {
    let mut kept = Vec::new();
    for (index, text) in log.entries(0)? {
        if let Ok(LogEntry {
            what: EntryKind::Snapshot(snapshot),
            ..
        }) = serde_json::from_str(&text)
        {
            kept.push(LoggedSnapshot {
                index,
                entry: text,
                snapshot,
            });
        }
    }
    Ok(kept)
}

/// Reads the `.facts` file of a snapshot and checks it against its entry.
///
/// # Errors
/// If it is missing, or differs from the signed one.
pub fn facts(storage: &dyn Storage, kept: &LoggedSnapshot) -> Result<String, LogError> {
    let file = &kept.snapshot.facts;
    let bytes = storage.read(&file.name)?;
    if Hash::of(&bytes).to_string() != file.sha256 {
        return Err(LogError::Broken {
            file: file.name.clone(),
            problem: "not the file that was signed".into(),
        });
    }
    String::from_utf8(bytes).map_err(|e| LogError::Broken {
        file: file.name.clone(),
        problem: e.to_string(),
    })
}

/// Appends snapshots and gaps as one commit. Returns the ids of the snapshots.
///
/// Documents that are in the account's last snapshot are not stored again.
///
/// # Errors
/// If the storage fails; the log is then unchanged.
pub fn append(
    storage: &dyn Storage,
    log: &mut EvidenceLog<'_>,
    key: &LogKey,
    snapshots_new: &[RecordedSnapshot],
    gaps: &[(Option<String>, String)],
    (tool, now): (&str, Timestamp),
) -> Result<Vec<u64>, LogError> {
    let accounts: BTreeSet<String> = snapshots_new
        .iter()
        .filter_map(|r| Some(r.snapshot().ok()?.header.account))
        .collect();
    let last = last_of(log, accounts)?;
    let entry = |what| LogEntry {
        time: format!("{now:.3}"),
        tool: tool.to_owned(),
        log_size: 0,
        what,
    };
    let mut entries = Vec::new();
    for recorded in snapshots_new {
        entries.push(entry(EntryKind::Snapshot(stored(
            storage, recorded, &last,
        )?)));
    }
    for (account, reason) in gaps {
        entries.push(entry(EntryKind::Gap {
            account: account.clone(),
            reason: reason.clone(),
        }));
    }
    let wanted = entries.len() as u64;
    log.append(key, entries)?;
    let first = log.size() - wanted;
    Ok((first..first + snapshots_new.len() as u64).collect())
}

/// Stores the documents and the text of a snapshot; gives what its entry says of them.
fn stored(
    storage: &dyn Storage,
    recorded: &RecordedSnapshot,
    last: &BTreeMap<String, LoggedSnapshot>,
) -> Result<SnapshotRef, LogError> {
    let broken = |e: &dyn std::fmt::Display| LogError::Broken {
        file: "snapshot".into(),
        problem: e.to_string(),
    };
    let snapshot = recorded.snapshot().map_err(|e| broken(&e))?;
    let header = &snapshot.header;
    let mut known = HashSet::new();
    if let Some(last) = last.get(&header.account) {
        let text = facts(storage, last)?;
        let before = Snapshot::parse(&text).map_err(|e| broken(&e))?;
        known.extend(before.facts.iter().map(|f| f.raw));
    }
    let new = recorded
        .documents
        .iter()
        .filter(|(hash, _)| !known.contains(hash));
    let mut packs = Vec::new();
    for pack in write_packs(new).map_err(|e| broken(&e))? {
        let sha256 = Hash::of(&pack).to_string();
        let file = FileRef {
            name: format!("blobs/{sha256}.pack"),
            sha256,
            bytes: pack.len() as u64,
        };
        create_same(storage, &file.name, &pack)?;
        packs.push(file);
    }
    let sha256 = Hash::of(recorded.text.as_bytes()).to_string();
    let time = |ms| format!("{:.3}", Timestamp::from_millisecond(ms).unwrap_or_default());
    let stamp = time(header.time_ms.0).replace(['-', ':'], "");
    let folder = file_name(&header.account);
    let name = format!("snapshots/{folder}/{stamp}-{}.facts", &sha256[..8]);
    create_same(storage, &name, recorded.text.as_bytes())?;
    let (root, count) = fact_root(&recorded.text);
    let calls = || header.coverage.iter().filter(|c| !c.is_region_off());
    let ok = calls().filter(|c| c.status == CallStatus::Ok).count() as u64;
    Ok(SnapshotRef {
        account: header.account.clone(),
        taken: (time(header.time_ms.0), time(header.time_ms.1)),
        facts: FileRef {
            name,
            sha256,
            bytes: recorded.text.len() as u64,
        },
        root: root.to_string(),
        count,
        packs,
        coverage: (ok, calls().count() as u64),
    })
}

/// Last snapshot of each of these accounts, searched from the end of the log.
///
/// Accounts that are not in the last [`HISTORY_BUNDLES_MAX`] bundles of entries are omitted: their
/// documents are stored again, which costs only space.
fn last_of(
    log: &EvidenceLog<'_>,
    mut accounts: BTreeSet<String>,
) -> Result<BTreeMap<String, LoggedSnapshot>, LogError> {
    let mut last = BTreeMap::new();
    for bundle in log.bundles_from_last().take(HISTORY_BUNDLES_MAX) {
        for (index, text) in bundle?.into_iter().rev() {
            if accounts.is_empty() {
                return Ok(last);
            }
            if let Ok(LogEntry {
                what: EntryKind::Snapshot(snapshot),
                ..
            }) = serde_json::from_str(&text)
                && accounts.remove(&snapshot.account)
            {
                last.insert(
                    snapshot.account.clone(),
                    LoggedSnapshot {
                        index,
                        entry: text,
                        snapshot,
                    },
                );
            }
        }
    }
    Ok(last)
}

/// Appends the acceptance of a finding.
///
/// # Errors
/// If the storage fails; the log is then unchanged.
pub fn justify(
    log: &mut EvidenceLog<'_>,
    key: &LogKey,
    justification: Justification,
    (tool, now): (&str, Timestamp),
) -> Result<u64, LogError> {
    let what = EntryKind::Justification(justification);
    log.append(
        key,
        vec![LogEntry {
            time: format!("{now:.3}"),
            tool: tool.to_owned(),
            log_size: 0,
            what,
        }],
    )?;
    Ok(log.size() - 1)
}

/// All acceptances, oldest first, with time and index of their entries.
///
/// # Errors
/// If the log cannot be read.
pub fn justifications(
    log: &EvidenceLog<'_>,
) -> Result<Vec<(u64, String, Justification)>, LogError> {
    let entries = log.entries(0)?.into_iter();
    Ok(entries
        .filter_map(|(index, text)| match serde_json::from_str(&text) {
            Ok(LogEntry {
                what: EntryKind::Justification(justification),
                time,
                ..
            }) => Some((index, time, justification)),
            _ => None,
        })
        .collect())
}

/// Appends a silence or the end of one, and gives the index of the entry.
///
/// # Errors
/// If the storage fails; the log is then unchanged.
pub fn append_silence(
    log: &mut EvidenceLog<'_>,
    key: &LogKey,
    what: EntryKind,
    (tool, now): (&str, Timestamp),
) -> Result<u64, LogError> {
    log.append(
        key,
        vec![LogEntry {
            time: format!("{now:.3}"),
            tool: tool.to_owned(),
            log_size: 0,
            what,
        }],
    )?;
    Ok(log.size() - 1)
}

/// All silences that were not ended early, oldest first, with the index of their entries. Their
/// times may be over.
///
/// # Errors
/// If the log cannot be read.
pub fn silences(log: &EvidenceLog<'_>) -> Result<Vec<(u64, AlertSilence)>, LogError> {
    let mut silences = BTreeMap::new();
    for (index, text) in log.entries(0)? {
        match serde_json::from_str(&text) {
            Ok(LogEntry {
                what: EntryKind::Silence(silence),
                ..
            }) => drop(silences.insert(index, silence)),
            Ok(LogEntry {
                what: EntryKind::SilenceEnded { entry, .. },
                ..
            }) => drop(silences.remove(&entry)),
            _ => {}
        }
    }
    Ok(silences.into_iter().collect())
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

/// Documents of a store, read from its packs on demand, newest pack first.
pub struct Documents {
    storage: Arc<dyn Storage>,
    packs: Vec<FileRef>,
    read: RefCell<ReadPacks>,
}

/// Cache of packs read so far.
#[derive(Default)]
struct ReadPacks {
    packs: BTreeMap<String, Vec<u8>>,
    /// Documents of decompressed frames, by pack and frame. Requests are in random order, so the
    /// same frame is needed repeatedly.
    frames: BTreeMap<(String, PackFrame), HashMap<Hash, Vec<u8>>>,
    frames_bytes: usize,
}

impl Documents {
    /// Documents of all packs in `history`.
    #[must_use]
    pub fn of(storage: Arc<dyn Storage>, history: &[LoggedSnapshot]) -> Self {
        let packs = history
            .iter()
            .rev()
            .flat_map(|k| k.snapshot.packs.iter().cloned())
            .collect();
        Self {
            storage,
            packs,
            read: RefCell::default(),
        }
    }

    /// Document by raw hash; `None` if no pack has it or the pack is damaged, which `verify`
    /// reports.
    #[must_use]
    pub fn get(&self, hash: &Hash) -> Option<Vec<u8>> {
        let read = &mut *self.read.borrow_mut();
        for file in &self.packs {
            let pack = read
                .packs
                .entry(file.name.clone())
                .or_insert_with(|| self.storage.read(&file.name).unwrap_or_default());
            let Some(frame) = find(pack, hash).ok().flatten() else {
                continue;
            };
            let key = (file.name.clone(), frame);
            if !read.frames.contains_key(&key) {
                let documents = documents(pack, frame).unwrap_or_default();
                if read.frames_bytes > DOCUMENTS_BYTES_MAX {
                    read.frames.clear();
                    read.frames_bytes = 0;
                }
                read.frames_bytes += documents.iter().map(|(_, d)| d.len()).sum::<usize>();
                read.frames
                    .insert(key.clone(), documents.into_iter().collect());
            }
            if let Some(document) = read
                .frames
                .get(&key)
                .and_then(|documents| documents.get(hash))
            {
                return Some(document.clone());
            }
        }
        None
    }
}

/// Account id as a file name: digits stay, anything else becomes hex.
fn file_name(account: &str) -> String {
    if !account.is_empty() && account.bytes().all(|b| b.is_ascii_alphanumeric()) {
        account.to_owned()
    } else {
        format!(
            "x{}",
            account
                .bytes()
                .map(|b| format!("{b:02x}"))
                .collect::<String>()
        )
    }
}
