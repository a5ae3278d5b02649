//! The store of `--store`: where it is, who signs it, and what this machine remembers of it.

mod folder;
mod inbox;
mod keys;
mod outbox;
mod scans;
mod schema;
mod state;
mod state_questions;
mod trail_ledger;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use bartizan_cloud::bucket::S3Folder;
use bartizan_cloud::live::Identity;
use bartizan_cloud::model::Model;
use bartizan_evidence::{
    Documents, EntryKind, EvidenceLog, IncidentNote, Justification, LogError, LogKey,
    LoggedSnapshot, Storage,
};
use bartizan_inventory::fact::{FactKinds, Hash};
use bartizan_inventory::snapshot::RecordedSnapshot;
use bartizan_model::AlertSilence;
use jiff::Timestamp;

use crate::cli::Global;

pub(crate) use folder::{Folder, delivery_lock, is_delivering};
pub(crate) use inbox::{add_to_inbox, inbox, remove_from_inbox};
pub(crate) use keys::{remember, remembered};
pub(crate) use outbox::{EntryFilter, ListedEntry, NewAlerts, Outbox, SinkBacklog};
pub(crate) use scans::{KeptScan, KeptScans};
pub(crate) use state::{RunState, StoreState};
pub(crate) use state_questions::RuleCount;
pub(crate) use trail_ledger::{TrailLedger, record_trail, trail_ledger};

/// Name and version of this program in what it signs.
pub(crate) const TOOL: &str = concat!("bartizan ", env!("CARGO_PKG_VERSION"));

/// Opens the place of the store. A folder need not exist yet.
pub(crate) fn open(global: &Global) -> Result<Box<dyn Storage>> {
    if global.store.starts_with("s3://") {
        let model = Arc::new(Model::builtin());
        return Ok(Box::new(S3Folder::open(
            &model,
            &global.store,
            &Identity::default(),
        )?));
    }
    Ok(Box::new(Folder::new(Path::new(&global.store))))
}

/// Number of entries of the log; 0 where there is none yet.
pub(crate) fn log_size(storage: &dyn Storage) -> Result<u64> {
    match EvidenceLog::open(storage) {
        Ok(log) => Ok(log.size()),
        Err(LogError::NoLog(_)) => Ok(0),
        Err(e) => Err(e.into()),
    }
}

/// Opens the log of the store, or says how to begin one.
pub(crate) fn log(storage: &dyn Storage) -> Result<EvidenceLog<'_>> {
    match EvidenceLog::open(storage) {
        Err(LogError::NoLog(place)) => {
            bail!(
                "no snapshot in {place} yet: take one with bartizan snapshot, or name another \
                --store"
            )
        }
        other => Ok(other?),
    }
}

/// The kinds of facts, with the key that values which may be secret are hidden with in the store:
/// for what will be kept there. Begins the log if there is none.
pub(crate) fn kinds_to_keep(global: &Global) -> Result<FactKinds> {
    let storage = open(global)?;
    let _lock = folder::lock(global, storage.as_ref())?;
    let (key, _) = begin(global, storage.as_ref())?;
    Ok(FactKinds::builtin().keyed(key.secrets()))
}

/// The kinds of facts for what is compared and not kept: with the key of the store where both are
/// at hand.
pub(crate) fn kinds_to_compare(global: &Global) -> FactKinds {
    let key = || {
        let storage = open(global).ok()?;
        let public = EvidenceLog::open(storage.as_ref())
            .ok()?
            .public()
            .to_owned();
        keys::key(global, Some(&public)).ok()
    };
    key().map_or_else(FactKinds::builtin, |key| {
        FactKinds::builtin().keyed(key.secrets())
    })
}

/// The log of the store and its key; begins the log if there is none.
fn begin<'s>(global: &Global, storage: &'s dyn Storage) -> Result<(LogKey, EvidenceLog<'s>)> {
    let existing = match EvidenceLog::open(storage) {
        Ok(log) => Some(log.public().to_owned()),
        Err(LogError::NoLog(_)) => None,
        Err(e) => return Err(e.into()),
    };
    let key = keys::key(
        global,
        existing.as_deref().or(interrupted(storage).as_deref()),
    )?;
    let log = EvidenceLog::create(storage, &key)?;
    Ok((key, log))
}

/// Appends snapshots and gaps, beginning the log if there is none. Gives the ids of the snapshots.
pub(crate) fn append(
    global: &Global,
    storage: &dyn Storage,
    recorded: &[RecordedSnapshot],
    gaps: &[(Option<String>, String)],
    now: Timestamp,
) -> Result<Vec<u64>> {
    let _lock = folder::lock(global, storage)?;
    let (key, mut log) = begin(global, storage)?;
    keys::check_head(&log)?;
    let ids = append_to(storage, &mut log, &key, recorded, gaps, now)?;
    remember(log.public(), log.head());
    Ok(ids)
}

/// Replaces a file that is no evidence, while no other run writes.
pub(crate) fn replace(
    global: &Global,
    storage: &dyn Storage,
    name: &str,
    bytes: &[u8],
) -> Result<()> {
    let _lock = folder::lock(global, storage)?;
    Ok(storage.replace(name, bytes)?)
}

/// Appends why a finding is no cause for alarm. Gives the number of the entry.
pub(crate) fn justify(
    global: &Global,
    storage: &dyn Storage,
    justification: Justification,
    now: Timestamp,
) -> Result<u64> {
    signed(global, storage, |log, key| {
        bartizan_evidence::justify(log, key, justification, (TOOL, now))
    })
}

/// Appends a silence, or the end of one. Gives the number of the entry.
pub(crate) fn silence(
    global: &Global,
    storage: &dyn Storage,
    silence: EntryKind,
    now: Timestamp,
) -> Result<u64> {
    signed(global, storage, |log, key| {
        bartizan_evidence::append_silence(log, key, silence, (TOOL, now))
    })
}

/// Appends what somebody did about an incident. Gives the number of the entry.
pub(crate) fn note(
    global: &Global,
    storage: &dyn Storage,
    note: IncidentNote,
    now: Timestamp,
) -> Result<u64> {
    signed(global, storage, |log, key| {
        bartizan_evidence::append_note(log, key, note, (TOOL, now))
    })
}

/// Appends an entry that a person made to a log that exists. Gives its number.
fn signed(
    global: &Global,
    storage: &dyn Storage,
    append: impl FnOnce(&mut EvidenceLog<'_>, &LogKey) -> Result<u64, LogError>,
) -> Result<u64> {
    let _lock = folder::lock(global, storage)?;
    let public = self::log(storage)?.public().to_owned();
    let key = keys::key(global, Some(&public))?;
    let mut log = EvidenceLog::create(storage, &key)?;
    keys::check_head(&log)?;
    let index = append(&mut log, &key)?;
    remember(log.public(), log.head());
    Ok(index)
}

/// Silences of the evidence log that were not ended early, with their entries; none where there is
/// no log.
pub(crate) fn silences(storage: &dyn Storage) -> Result<Vec<(u64, AlertSilence)>> {
    match EvidenceLog::open(storage) {
        Ok(log) => Ok(bartizan_evidence::silences(&log)?),
        Err(LogError::NoLog(_)) => Ok(Vec::new()),
        Err(e) => Err(e.into()),
    }
}

/// The verifier key of a log whose first run was cut short before its first head.
fn interrupted(storage: &dyn Storage) -> Option<String> {
    String::from_utf8(storage.read("log.pub").ok()?)
        .ok()
        .map(|t| t.trim_end().to_owned())
}

fn append_to(
    storage: &dyn Storage,
    log: &mut EvidenceLog<'_>,
    key: &LogKey,
    recorded: &[RecordedSnapshot],
    gaps: &[(Option<String>, String)],
    now: Timestamp,
) -> Result<Vec<u64>> {
    bartizan_evidence::append(storage, log, key, recorded, gaps, (TOOL, now)).with_context(|| {
        format!(
            "could not write to {}; what was there before is untouched",
            storage.place()
        )
    })
}

/// A document by its hash.
type DocumentsOf = Box<dyn Fn(&Hash) -> Option<Vec<u8>>>;

/// A snapshot with all that is needed to look into it, wherever it came from.
pub(crate) struct Loaded {
    /// Its id in the store, where it is of one.
    pub(crate) id: Option<u64>,
    /// Name in messages: an id, or a path.
    pub(crate) name: String,
    /// The `.facts` file.
    pub(crate) text: String,
    /// The side lines; empty if they are not at hand.
    pub(crate) side: String,
    /// A document by its hash.
    pub(crate) documents: DocumentsOf,
}

impl Loaded {
    /// From the log.
    pub(crate) fn kept(
        storage: &Arc<dyn Storage>,
        history: &Arc<Vec<LoggedSnapshot>>,
        kept: &LoggedSnapshot,
    ) -> Result<Self> {
        let text = bartizan_evidence::facts(storage.as_ref(), kept)?;
        // Documents of a snapshot are in its own packs or in earlier ones.
        let until: Vec<LoggedSnapshot> = history
            .iter()
            .filter(|k| k.index <= kept.index)
            .cloned()
            .collect();
        let documents = Documents::of(Arc::clone(storage), &until);
        let documents = move |hash: &Hash| documents.get(hash);
        let loaded = Self::with_side(kept.index.to_string(), text, Box::new(documents));
        Ok(Self {
            id: Some(kept.index),
            ..loaded
        })
    }

    /// From a collection that was never stored.
    pub(crate) fn recorded(name: String, recorded: RecordedSnapshot) -> Self {
        let documents = recorded.documents;
        Self {
            id: None,
            name,
            text: recorded.text,
            side: recorded.side,
            documents: Box::new(move |hash| documents.get(hash).cloned()),
        }
    }

    /// From a `.facts` file. Its documents are in the store that it lies in, if it does.
    pub(crate) fn facts_file(path: &Path) -> Result<Self> {
        let text = crate::files::read_text(path)?;
        let folder = path
            .ancestors()
            .find(|a| a.join("checkpoint").is_file() && a.join("blobs").is_dir());
        let name = path.display().to_string();
        if let Some(folder) = folder {
            let storage: Arc<dyn Storage> = Arc::new(Folder::new(folder));
            let history = bartizan_evidence::snapshots(&EvidenceLog::open(storage.as_ref())?)?;
            let documents = Documents::of(storage, &history);
            let documents = move |hash: &Hash| documents.get(hash);
            return Ok(Self::with_side(name, text, Box::new(documents)));
        }
        Ok(Self {
            id: None,
            name,
            text,
            side: String::new(),
            documents: Box::new(|_| None),
        })
    }

    fn with_side(name: String, text: String, documents: DocumentsOf) -> Self {
        let hash = text
            .lines()
            .find_map(|l| l.strip_prefix("# side\t"))
            .and_then(Hash::parse);
        let side = hash
            .and_then(|h| documents(&h))
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .unwrap_or_default();
        Self {
            id: None,
            name,
            text,
            side,
            documents,
        }
    }
}
