//! What sources bring, and how they hand it over: who brings more than can be taken waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, SyncSender, TrySendError};
use std::time::{Duration, Instant};

use crate::trail::TrailObject;

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
    /// Message that is dropped: nothing that it says can be read.
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

/// Where a source puts what it found.
#[derive(Clone)]
pub(super) struct ArrivalSender {
    pub(super) channel: SyncSender<Arrival>,
    pub(super) problems: Sender<String>,
    pub(super) stop: Arc<AtomicBool>,
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
