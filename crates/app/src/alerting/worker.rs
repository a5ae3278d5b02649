//! Worker of one sink: takes what is due, sends it in order, and writes down how it ended.

use std::collections::BTreeSet;

use anyhow::Result;
use bartizan_alert::{SinkCircuit, backoff_ms};
use jiff::Timestamp;

use super::outcome::SendOutcome;
use super::sink::Sink;
use crate::store::Outbox;

/// Entries read at a time.
const BATCH: u32 = 16;
/// Attempts at a message that the receiver refuses.
const REFUSALS_MAX: u32 = 5;
/// Milliseconds between looks for subjects that are to be told again.
const REPEAT_LOOK_MS: i64 = 60_000;
/// Longest sleep in milliseconds: another process may add entries.
const SLEEP_MS: i64 = 5_000;

/// Worker with its own connection to the outbox.
pub(super) struct SinkWorker {
    outbox: Outbox,
    sink: Sink,
    circuit: SinkCircuit,
    /// State of the jitter.
    random: u64,
    next_look_ms: i64,
    last_error: Option<String>,
}

/// Result of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Round {
    /// Entries that were tried.
    pub(super) tried: usize,
    /// When to go on, in milliseconds since 1970.
    pub(super) next_ms: i64,
    /// Whether nothing is due.
    pub(super) is_settled: bool,
}

impl SinkWorker {
    pub(super) fn new(outbox: Outbox, sink: Sink, seed: u64) -> Self {
        Self {
            outbox,
            sink,
            circuit: SinkCircuit::default(),
            random: seed,
            next_look_ms: 0,
            last_error: None,
        }
    }

    pub(super) fn is_down(&self) -> bool {
        self.circuit.is_down()
    }

    pub(super) fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    /// One batch at a time `now_ms`.
    pub(super) async fn round(&mut self, now_ms: i64) -> Result<Round> {
        let name = self.sink.name().to_owned();
        if now_ms >= self.next_look_ms {
            self.next_look_ms = now_ms + REPEAT_LOOK_MS;
            self.outbox.expire(&name, now_ms - self.sink.max_age_ms)?;
            let now = Timestamp::from_millisecond(now_ms)?;
            self.outbox.repeat(&self.sink.route, now)?;
        }
        if !self.circuit.lets_through(now_ms) {
            return Ok(pause(0, self.circuit.closed_until_ms, now_ms));
        }
        // While it is down one message is enough to see whether it is back.
        let limit = if self.circuit.failures > 0 { 1 } else { BATCH };
        let due = self.outbox.due(&name, now_ms, limit)?;
        let mut tried = 0;
        // Subjects of which a message waits: the next ones of theirs must not overtake it.
        let mut held = BTreeSet::new();
        for entry in due {
            if held.contains(&entry.alert.subject) {
                continue;
            }
            tried += 1;
            match self.sink.send(&entry.alert, now_ms.div_euclid(1000)).await {
                SendOutcome::Delivered => {
                    self.outbox.sent(entry.seq, now_ms)?;
                    self.circuit.delivered();
                    self.last_error = None;
                }
                SendOutcome::SinkFailed { why, retry_after_s } => {
                    self.outbox.failed(entry.seq, now_ms, &why)?;
                    self.last_error = Some(why);
                    let random = self.random();
                    self.circuit.failed(retry_after_s, now_ms, random);
                    return Ok(pause(tried, self.circuit.closed_until_ms, now_ms));
                }
                SendOutcome::Refused { why } => {
                    let attempts = entry.attempts + 1;
                    if attempts >= REFUSALS_MAX {
                        self.outbox.dead(entry.seq, &why)?;
                    } else {
                        let wait = backoff_ms(attempts, self.random());
                        self.outbox.failed(entry.seq, now_ms + wait, &why)?;
                        held.insert(entry.alert.subject.clone());
                    }
                    self.last_error = Some(why);
                }
            }
        }
        if tried > 0 {
            return Ok(Round {
                tried,
                next_ms: now_ms,
                is_settled: false,
            });
        }
        let next = self.outbox.next_due_ms(&name)?;
        Ok(Round {
            is_settled: true,
            ..pause(0, next.unwrap_or(i64::MAX), now_ms)
        })
    }

    /// Next number from 0 to 1 (SplitMix64).
    fn random(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        f64::from(u32::try_from(z >> 32).unwrap_or(0)) / f64::from(u32::MAX)
    }
}

fn pause(tried: usize, until_ms: i64, now_ms: i64) -> Round {
    Round {
        tried,
        next_ms: until_ms.clamp(now_ms + 1, now_ms + SLEEP_MS),
        is_settled: false,
    }
}
