//! What the last watch left, read again when another process wrote.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use anyhow::Result;
use bartizan_evidence::{EvidenceLog, IncidentNote, Justification};
use bartizan_model::AlertSilence;
use tokio::sync::watch;

use crate::cli::Global;
use crate::coverage_strip::CoverageStrip;
use crate::store::{self, EntryFilter, ListedEntry, Outbox, StoreState};
use crate::watch_result::WatchResult;

/// Alerts that are listed.
const ALERTS_SHOWN: u32 = 20;

/// How often it looks.
const POLL: Duration = Duration::from_millis(500);

/// Everything that the pages show of one moment.
#[derive(Default)]
pub(crate) struct Seen {
    /// Rises with every change.
    pub(crate) version: u64,
    /// None where nobody has watched yet.
    pub(crate) watched: Option<WatchResult>,
    pub(crate) strip: CoverageStrip,
    /// Index and time of the entry beside each.
    pub(crate) notes: Vec<(u64, String, IncidentNote)>,
    pub(crate) accepted: Vec<(u64, String, Justification)>,
    /// Index of the entry beside each.
    pub(crate) silences: Vec<(u64, AlertSilence)>,
    /// Alerts of the outbox, newest first.
    pub(crate) alerts: Vec<ListedEntry>,
    /// Why it could not be read, where it could not: what is shown is then older.
    pub(crate) problem: Option<String>,
    facts: OnceLock<Vec<FactsText>>,
}

/// Lines of the last snapshot of an account.
pub(crate) struct FactsText {
    pub(crate) snapshot: u64,
    pub(crate) text: String,
}

impl Seen {
    /// Facts of the last snapshot of each account, read when somebody first searches.
    pub(crate) fn facts(&self, global: &Global) -> &[FactsText] {
        self.facts
            .get_or_init(|| last_facts(global).unwrap_or_default())
    }
}

fn last_facts(global: &Global) -> Result<Vec<FactsText>> {
    let loaded = crate::named_snapshots::named(global, None)?;
    let text = |l: store::Loaded| FactsText {
        snapshot: l.id.unwrap_or_default(),
        text: l.text,
    };
    Ok(loaded.into_iter().map(text).collect())
}

/// Last alerts of the outbox; none where there is no outbox yet.
fn alerts(global: &Global) -> Vec<ListedEntry> {
    let filter = EntryFilter {
        limit: ALERTS_SHOWN,
        ..EntryFilter::default()
    };
    let listed = Outbox::open(&global.store).and_then(|outbox| outbox.list(&filter));
    listed.unwrap_or_default()
}

/// The last of it, and who waits for the next.
pub(crate) struct LiveStore {
    global: Global,
    seen: RwLock<Arc<Seen>>,
    version: watch::Sender<u64>,
}

impl LiveStore {
    /// Reads the store once.
    pub(crate) fn open(global: Global) -> Self {
        let live = Self {
            global,
            seen: RwLock::default(),
            version: watch::Sender::new(0),
        };
        live.read();
        live
    }

    pub(crate) fn global(&self) -> &Global {
        &self.global
    }

    pub(crate) fn seen(&self) -> Arc<Seen> {
        Arc::clone(&self.seen.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells the version of every change.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Looks twice a second whether another process wrote, for ever.
    pub(crate) fn follow(&self) {
        let mut state = None;
        let mut before = None;
        loop {
            if state.is_none() {
                state = StoreState::read(&self.global.store).ok().flatten();
            }
            let version = state.as_ref().map(StoreState::data_version);
            let now = match version {
                Some(Ok(version)) => Some((Some(version), self.head())),
                None => Some((None, self.head())),
                // The file was taken away or replaced.
                Some(Err(_)) => {
                    state = None;
                    None
                }
            };
            if before.is_some() && now.is_some() && now != before {
                self.read();
            }
            before = now.or(before);
            std::thread::sleep(POLL);
        }
    }

    /// When the evidence log was last written.
    fn head(&self) -> Option<SystemTime> {
        let head = std::path::Path::new(&self.global.store).join("checkpoint");
        head.metadata().and_then(|m| m.modified()).ok()
    }

    /// Reads everything again, and tells those who wait.
    pub(crate) fn read(&self) {
        let version = self.seen().version + 1;
        let seen = match self.read_all() {
            Ok(seen) => Seen { version, ..seen },
            Err(e) => {
                let old = self.seen();
                Seen {
                    version,
                    watched: old.watched.clone(),
                    strip: old.strip.clone(),
                    notes: old.notes.clone(),
                    accepted: old.accepted.clone(),
                    silences: old.silences.clone(),
                    alerts: Vec::new(),
                    problem: Some(format!("{e:#}")),
                    facts: OnceLock::new(),
                }
            }
        };
        *self.seen.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(seen);
        self.version.send_replace(version);
    }

    fn read_all(&self) -> Result<Seen> {
        let state = StoreState::read(&self.global.store)?;
        let watched = state.map(|s| WatchResult::last(&s)).transpose()?.flatten();
        let storage = store::open(&self.global)?;
        let (notes, accepted) = match EvidenceLog::open(storage.as_ref()) {
            Ok(log) => (
                bartizan_evidence::incident_notes(&log)?,
                bartizan_evidence::justifications(&log)?,
            ),
            Err(bartizan_evidence::LogError::NoLog(_)) => (Vec::new(), Vec::new()),
            Err(e) => return Err(e.into()),
        };
        let strip = watched
            .as_ref()
            .map(|w| CoverageStrip::of(&self.global, w))
            .transpose()?
            .unwrap_or_default();
        Ok(Seen {
            watched,
            strip,
            notes,
            accepted,
            silences: store::silences(storage.as_ref())?,
            alerts: alerts(&self.global),
            ..Seen::default()
        })
    }
}
