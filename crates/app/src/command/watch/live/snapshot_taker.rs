//! Snapshots on their own clock, in a thread of their own: dumps that are new, and accounts that
//! are read live at an interval.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::Result;

use super::super::config::{AccountSource, Config};
use super::super::snapshots::{DumpLooks, import_new, take_live};
use super::clocks::Clock;
use crate::cli::Global;
use crate::store;

/// Time between two looks for new dumps.
const LOOK: Duration = Duration::from_secs(2);

/// Thread that takes snapshots, as long as this lives.
pub(super) struct SnapshotTaker {
    stop: Arc<AtomicBool>,
    problems: Receiver<String>,
}

impl SnapshotTaker {
    /// Starts the thread, if there is an account.
    pub(super) fn start(global: &Global, config: &Arc<Config>) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (told, problems) = channel();
        if !config.account.is_empty() {
            let (global, config, stop) = (global.clone(), config.clone(), stop.clone());
            let work = move || {
                let minutes = u64::from(config.watch.snapshot_minutes);
                let mut clock = Clock::new(Duration::from_secs(60 * minutes));
                let mut looks = DumpLooks::default();
                while !stop.load(Ordering::Relaxed) {
                    let due = clock.rings();
                    for account in &config.account {
                        if let Err(e) = take(&global, account, due, &mut looks)
                            && told.send(format!("{e:#}")).is_err()
                        {
                            return;
                        }
                    }
                    std::thread::sleep(LOOK);
                }
            };
            std::thread::Builder::new()
                .name("snapshots".to_owned())
                .spawn(work)?;
        }
        Ok(Self { stop, problems })
    }

    /// Why snapshots were not taken, since the last question.
    pub(super) fn problems(&self) -> impl Iterator<Item = String> {
        self.problems.try_iter()
    }
}

impl Drop for SnapshotTaker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn take(global: &Global, account: &AccountSource, due: bool, looks: &mut DumpLooks) -> Result<()> {
    let storage = store::open(global)?;
    match &account.from {
        Some(folder) => import_new(global, account, folder, storage.as_ref(), looks),
        None if due => take_live(global, account, storage.as_ref()),
        None => Ok(()),
    }
}
