//! Snapshots on their own clock, in a thread of their own: dumps that are new, accounts that are
//! read live at an interval, and parts of them at once where a call may have changed a fact.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use bartizan_evidence::Storage;

use super::super::config::{AccountSource, Config};
use super::super::snapshots::{DumpLooks, import_new, take_live, take_part};
use super::clocks::Clock;
use crate::cli::Global;
use crate::collect::PartOfAccount;
use crate::store;

/// Time between two looks for parts that are wanted.
const STEP: Duration = Duration::from_millis(250);

/// Time between two looks for new dumps.
const LOOK: Duration = Duration::from_secs(2);

/// Time in which further calls join a reading, from the first on: a deployment makes many.
const GATHER: Duration = Duration::from_secs(1);

/// Time between two readings of parts of one account.
const PAUSE: Duration = Duration::from_secs(10);

/// Thread that takes snapshots, as long as this lives.
pub(super) struct SnapshotTaker {
    stop: Arc<AtomicBool>,
    problems: Receiver<String>,
    wanted: Arc<Mutex<WantedParts>>,
}

/// Parts that should be read again, by account.
#[derive(Default)]
struct WantedParts {
    parts: BTreeMap<String, (Instant, PartOfAccount)>,
    read: BTreeMap<String, Instant>,
}

impl WantedParts {
    /// Part of which no more calls are awaited, of an account that was not read just now.
    fn next(&mut self) -> Option<PartOfAccount> {
        let Self { parts, read } = self;
        let is_due = |(account, (since, _)): &(&String, &(Instant, PartOfAccount))| {
            let rested = read.get(*account).is_none_or(|at| at.elapsed() >= PAUSE);
            since.elapsed() >= GATHER && rested
        };
        let account = parts.iter().find(is_due)?.0.clone();
        let (_, part) = parts.remove(&account)?;
        read.insert(account, Instant::now());
        Some(part)
    }
}

impl SnapshotTaker {
    /// Starts the thread, if there is an account.
    pub(super) fn start(global: &Global, config: &Arc<Config>) -> Result<Self> {
        let (stop, wanted) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let (told, problems) = channel();
        if !config.account.is_empty() {
            let minutes = u64::from(config.watch.snapshot_minutes);
            let work = TakerThread {
                global: global.clone(),
                config: config.clone(),
                stop: stop.clone(),
                wanted: Arc::clone(&wanted),
                told,
                clock: Clock::new(Duration::from_secs(60 * minutes)),
                dumps: Clock::new(LOOK),
                looks: DumpLooks::default(),
            };
            std::thread::Builder::new()
                .name("snapshots".to_owned())
                .spawn(move || work.run())?;
        }
        Ok(Self {
            stop,
            problems,
            wanted,
        })
    }

    /// Why snapshots were not taken, since the last question.
    pub(super) fn problems(&self) -> impl Iterator<Item = String> {
        self.problems.try_iter()
    }

    /// Asks for parts to be read again soon.
    pub(super) fn want(&self, parts: Vec<PartOfAccount>) {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        for part in parts {
            match wanted.parts.get_mut(&part.account) {
                Some((_, known)) => {
                    known.kinds.extend(part.kinds);
                    known.regions.extend(part.regions);
                }
                None => {
                    let account = part.account.clone();
                    wanted.parts.insert(account, (Instant::now(), part));
                }
            }
        }
    }
}

impl Drop for SnapshotTaker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// The thread with its clocks.
struct TakerThread {
    global: Global,
    config: Arc<Config>,
    stop: Arc<AtomicBool>,
    wanted: Arc<Mutex<WantedParts>>,
    told: Sender<String>,
    clock: Clock,
    dumps: Clock,
    looks: DumpLooks,
}

impl TakerThread {
    fn run(mut self) {
        while !self.stop.load(Ordering::Relaxed) {
            let (due, look) = (self.clock.rings(), self.dumps.rings());
            let config = Arc::clone(&self.config);
            for account in &config.account {
                let done = match &account.from {
                    Some(folder) if look => store::open(&self.global).and_then(|storage| {
                        let looks = &mut self.looks;
                        import_new(&self.global, account, folder, storage.as_ref(), looks)
                    }),
                    None if due => store::open(&self.global)
                        .and_then(|storage| take_live(&self.global, account, storage.as_ref())),
                    _ => Ok(()),
                };
                if !self.tell(done) {
                    return;
                }
            }
            let next = || {
                let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
                wanted.next()
            };
            while let Some(part) = next() {
                let done = self.take_part(&config.account, &part);
                if !self.tell(done) {
                    return;
                }
            }
            std::thread::sleep(STEP);
        }
    }

    /// Says why something was not done. Returns false if nobody listens.
    fn tell(&self, done: Result<()>) -> bool {
        match done {
            Ok(()) => true,
            Err(e) => self.told.send(format!("{e:#}")).is_ok(),
        }
    }

    fn take_part(&self, accounts: &[AccountSource], part: &PartOfAccount) -> Result<()> {
        let storage: Arc<dyn Storage> = Arc::from(store::open(&self.global)?);
        for source in accounts.iter().filter(|a| a.from.is_none()) {
            if take_part(&self.global, source, &storage, part)? {
                break;
            }
        }
        Ok(())
    }
}
