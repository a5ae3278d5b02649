//! Sources that run, each in a thread of its own, and the bounded channel through which they bring
//! what came.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Result;
use jiff::Timestamp;

use super::super::config::Config;
use super::arrivals::{Arrival, ArrivalSender, Receipt};
use super::folders::FolderSource;
use super::prefix_source::PrefixSource;
use super::queue_source::QueueSource;

/// Arrivals that wait to be taken.
const WAITING_MAX: usize = 512;

/// Arrivals that one tick takes.
const BATCH_MAX: usize = 256;

/// Time in which further arrivals join a tick, from the first one on.
const GATHER: Duration = Duration::from_millis(100);

/// Sources that run, each in a thread of its own.
pub(super) struct RunningSources {
    channel: Receiver<Arrival>,
    problems: Receiver<String>,
    /// By number of the queue.
    kept: Vec<Sender<String>>,
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

impl RunningSources {
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

impl Drop for RunningSources {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
