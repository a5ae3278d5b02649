//! What sources bring, through one bounded channel: who brings more than can be taken waits.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{
    self, Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError, sync_channel,
};
use std::time::{Duration, Instant};

use anyhow::Result;
use jiff::Timestamp;

use super::super::config::Config;
use super::folders::FolderSource;
use super::prefix_source::PrefixSource;
use super::queue_source::QueueSource;
use crate::trail::TrailObject;

/// Arrivals that wait to be taken.
const WAITING_MAX: usize = 512;

/// Arrivals that one tick takes.
const BATCH_MAX: usize = 256;

/// Time in which further arrivals join a tick, from the first one on.
const GATHER: Duration = Duration::from_millis(100);

/// One thing that came, and who waits to hear that it is kept.
pub(super) struct Arrival {
    pub(super) brought: Brought,
    /// None where nobody waits: a file stays where it is.
    pub(super) receipt: Option<Receipt>,
}

/// What a source brings.
pub(super) enum Brought {
    /// Object of a trail.
    Object(TrailObject),
    /// Finding of another system.
    Finding { queue: String, body: String },
    /// Object that was deleted from the bucket of the trail: `s3://bucket/key`.
    Deleted { name: String },
    /// Message that is given up: nothing that it says can be read.
    Unread {
        queue: String,
        message: String,
        body: String,
        why: String,
    },
    /// Message that says nothing, as `s3:TestEvent`.
    Nothing,
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
    problems: Receiver<String>,
    /// By number of the queue.
    kept: Vec<Sender<String>>,
    stop: Arc<AtomicBool>,
}

/// Where a source puts what it found.
#[derive(Clone)]
pub(super) struct ArrivalSender {
    channel: SyncSender<Arrival>,
    problems: Sender<String>,
    stop: Arc<AtomicBool>,
}

/// Where sources begin.
pub(super) struct SourcesStart<'a> {
    pub(super) config: &'a Config,
    /// Folder of the store.
    pub(super) store: &'a str,
    /// Version by name of the objects that were taken already.
    pub(super) known: HashMap<String, Option<String>>,
    /// Time from which objects of a prefix are wanted.
    pub(super) since: Timestamp,
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

    /// Says why a source brings nothing. Returns false if nobody listens.
    pub(super) fn problem(&self, why: &str) -> bool {
        self.problems.send(why.to_owned()).is_ok()
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
    /// Starts the sources of a configuration.
    pub(super) fn start(start: SourcesStart<'_>) -> Result<Self> {
        let SourcesStart {
            config,
            store,
            known,
            since,
        } = start;
        let (channel, arrivals) = sync_channel(WAITING_MAX);
        let (told, problems) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let sender = ArrivalSender {
            channel,
            problems: told,
            stop: stop.clone(),
        };
        let run = |name: &str, work: Box<dyn FnOnce(&ArrivalSender) + Send>| {
            let sender = sender.clone();
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || work(&sender))
        };
        let profile = &config.trail.profile;
        for url in config
            .trail
            .sources
            .iter()
            .filter(|s| s.starts_with("s3://"))
        {
            let source = PrefixSource {
                url: url.clone(),
                profile: profile.clone(),
                since,
                known: known.clone(),
            };
            run("prefix", Box::new(move |sender| source.run(sender)))?;
        }
        let mut kept = Vec::new();
        for (number, url) in config.trail.queues.iter().enumerate() {
            let (told, receipts) = mpsc::channel();
            kept.push(told);
            let source = QueueSource {
                number,
                url: url.clone(),
                profile: profile.clone(),
                store: store.to_owned(),
                kept: receipts,
            };
            run("queue", Box::new(move |sender| source.run(sender)))?;
        }
        if let Some(folders) = FolderSource::of(config, known) {
            run("folders", Box::new(move |sender| folders.run(sender)))?;
        }
        Ok(Self {
            channel: arrivals,
            problems,
            kept,
            stop,
        })
    }

    /// Why sources brought nothing, since the last question.
    pub(super) fn problems(&self) -> impl Iterator<Item = String> {
        self.problems.try_iter()
    }

    /// Tells the sources that what they brought is on the disk.
    pub(super) fn acknowledge(&self, receipts: Vec<Receipt>) {
        for receipt in receipts {
            if let Some(queue) = self.kept.get(receipt.queue) {
                // Where the source is gone the message comes again, and is known then.
                drop(queue.send(receipt.handle));
            }
        }
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
