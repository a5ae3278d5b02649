//! What sources bring, through one bounded channel: who brings more than can be taken waits.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::super::config::Config;
use super::folders::FolderSource;
use crate::trail::TrailObject;

/// Arrivals that wait to be taken.
const WAITING_MAX: usize = 512;

/// Arrivals that one tick takes.
const BATCH_MAX: usize = 256;

/// Time in which further arrivals join a tick, from the first one on.
const GATHER: Duration = Duration::from_millis(100);

/// Object that came, and who waits to hear that it is kept.
pub(super) struct Arrival {
    pub(super) object: TrailObject,
    /// None where nobody waits: a file stays where it is.
    pub(super) receipt: Option<Receipt>,
}

/// Message of a queue that is deleted when what it brought is on the disk.
#[derive(Debug)]
pub(super) struct Receipt {
    /// Number of the queue in the configuration.
    pub(super) queue: usize,
    /// Receipt handle.
    pub(super) handle: String,
}

/// Sources that run, each in a thread of its own.
pub(super) struct Arrivals {
    channel: Receiver<Arrival>,
    stop: Arc<AtomicBool>,
}

/// Where a source puts what it found.
#[derive(Clone)]
pub(super) struct ArrivalSender {
    channel: SyncSender<Arrival>,
    stop: Arc<AtomicBool>,
}

impl ArrivalSender {
    /// Hands over an arrival, waiting while there is no room. Returns false if nobody wants more.
    pub(super) fn send(&self, mut arrival: Arrival) -> bool {
        loop {
            match self.channel.try_send(arrival) {
                Ok(()) => return true,
                Err(TrySendError::Disconnected(_)) => return false,
                Err(TrySendError::Full(back)) => arrival = back,
            }
            if !self.pause(Duration::from_millis(20)) {
                return false;
            }
        }
    }

    /// Waits, in short steps. Returns false if the source should end.
    pub(super) fn pause(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return false;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(Duration::from_millis(100)));
        }
    }
}

impl Arrivals {
    /// Starts the sources of a configuration. `known`: version by name of the objects that were
    /// taken already.
    pub(super) fn start(config: &Config, known: HashMap<String, Option<String>>) -> Result<Self> {
        let (sender, channel) = sync_channel(WAITING_MAX);
        let stop = Arc::new(AtomicBool::new(false));
        let sender = ArrivalSender {
            channel: sender,
            stop: stop.clone(),
        };
        if let Some(folders) = FolderSource::of(config, known) {
            std::thread::Builder::new()
                .name("folders".to_owned())
                .spawn(move || folders.run(&sender))?;
        }
        Ok(Self { channel, stop })
    }

    /// Tells the sources that what they brought is on the disk.
    pub(super) fn acknowledge(&self, receipts: Vec<Receipt>) {
        drop(receipts);
    }

    /// What came, after at most this time; what comes shortly after the first joins it.
    pub(super) fn wait(&self, longest: Duration) -> Vec<Arrival> {
        let mut batch = Vec::new();
        let end = match self.channel.recv_timeout(longest) {
            Ok(first) => {
                batch.push(first);
                Instant::now() + GATHER
            }
            Err(RecvTimeoutError::Timeout) => return batch,
            // No source runs: only clocks do.
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(longest);
                return batch;
            }
        };
        while batch.len() < BATCH_MAX {
            let left = end.saturating_duration_since(Instant::now());
            match self.channel.recv_timeout(left) {
                Ok(next) => batch.push(next),
                Err(_) => break,
            }
        }
        batch
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
