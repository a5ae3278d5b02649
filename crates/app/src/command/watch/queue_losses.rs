//! What queues said that could not be read, and objects of the trail that were deleted: kept in the
//! state, each a finding of stage blind until it leaves the lookback.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use bartizan_model::limits::{QUEUE_BODY_BYTES_KEPT, QUEUE_LOSSES_MAX, RESOURCES_MAX};
use bartizan_model::{Evidence, Finding, Verdict, finding_id, time_text};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::health::blind;
use crate::store::StoreState;

/// Name under which the state keeps them.
pub(super) const LOSSES: &str = "queue-losses";

/// What queues could not give.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct QueueLosses {
    /// By queue and message id, so that a message that comes again counts once.
    unread: BTreeMap<String, UnreadMessage>,
    /// By name of the object, seconds since 1970 at which it was said.
    deleted: BTreeMap<String, i64>,
    /// Beyond the bound.
    left_out: u64,
}

/// Message that was dropped: it would come again for ever.
#[derive(Debug, Serialize, Deserialize)]
struct UnreadMessage {
    queue: String,
    id: String,
    /// Beginning of it.
    body: String,
    why: String,
    seen_s: i64,
}

impl QueueLosses {
    /// Losses that the state has.
    pub(super) fn kept(state: &StoreState) -> Result<Self> {
        state.get(LOSSES)?.map_or_else(
            || Ok(Self::default()),
            |bytes| {
                serde_json::from_slice(&bytes)
                    .context("what the state holds of messages that were not read cannot be read")
            },
        )
    }

    /// Entry of the state.
    pub(super) fn entry(&self) -> Result<(&'static str, Vec<u8>)> {
        Ok((LOSSES, serde_json::to_vec(self)?))
    }

    /// Adds a message that was dropped.
    pub(super) fn unread(&mut self, queue: &str, id: &str, body: &str, why: &str, now: Timestamp) {
        let key = format!("{queue} {id}");
        if self.unread.len() >= QUEUE_LOSSES_MAX && !self.unread.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        let end = (0..=body.len().min(QUEUE_BODY_BYTES_KEPT))
            .rev()
            .find(|n| body.is_char_boundary(*n));
        self.unread.entry(key).or_insert_with(|| UnreadMessage {
            queue: queue.to_owned(),
            id: id.to_owned(),
            body: body[..end.unwrap_or(0)].to_owned(),
            why: why.to_owned(),
            seen_s: now.as_second(),
        });
    }

    /// Adds an object that was deleted.
    pub(super) fn deleted(&mut self, object: &str, now: Timestamp) {
        if self.deleted.len() >= QUEUE_LOSSES_MAX && !self.deleted.contains_key(object) {
            self.left_out += 1;
            return;
        }
        let seen = self.deleted.entry(object.to_owned());
        seen.or_insert(now.as_second());
    }

    /// Lets go of what was said before this time.
    pub(super) fn forget(&mut self, since: Timestamp) {
        self.unread.retain(|_, m| m.seen_s >= since.as_second());
        self.deleted.retain(|_, s| *s >= since.as_second());
    }

    /// One finding for each queue with messages that were dropped, and one for each bucket with
    /// deleted objects.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut queues: BTreeMap<&str, Vec<&UnreadMessage>> = BTreeMap::new();
        for message in self.unread.values() {
            queues.entry(&message.queue).or_default().push(message);
        }
        let mut buckets: BTreeMap<&str, Vec<(&str, i64)>> = BTreeMap::new();
        for (object, seen_s) in &self.deleted {
            let bucket = object.strip_prefix("s3://").unwrap_or(object);
            let bucket = bucket.split('/').next().unwrap_or(bucket);
            buckets.entry(bucket).or_default().push((object, *seen_s));
        }
        let of_queue = |(queue, messages): (&str, Vec<&UnreadMessage>)| {
            let evidence = messages.iter().map(|m| Evidence::Coverage {
                place: format!("{queue} message {}", m.id),
                what: m.why.clone(),
            });
            Finding {
                evidence: evidence.take(RESOURCES_MAX).collect(),
                count: messages.len() as u64,
                ..loss(
                    ("queue-message-unread", queue),
                    messages.iter().map(|m| m.seen_s),
                    "messages of a queue were dropped",
                    format!(
                        "{} messages of {queue} could not be read and were dropped: what they \
                        were about was not judged",
                        messages.len()
                    ),
                )
            }
        };
        let of_bucket = |(bucket, objects): (&str, Vec<(&str, i64)>)| Finding {
            resources: objects
                .iter()
                .map(|(object, _)| (*object).to_owned())
                .take(RESOURCES_MAX)
                .collect(),
            count: objects.len() as u64,
            attack: vec!["T1070".to_owned()],
            ..loss(
                ("trail-object-deleted", bucket),
                objects.iter().map(|(_, seen_s)| *seen_s),
                "logs were deleted from the bucket of the trail",
                format!(
                    "{} young objects of the trail were deleted from bucket {bucket}",
                    objects.len()
                ),
            )
        };
        let queues = queues.into_iter().map(of_queue);
        queues.chain(buckets.into_iter().map(of_bucket)).collect()
    }

    /// What is not listed any more.
    pub(super) fn holes(&self) -> Option<String> {
        let n = self.left_out;
        (n > 0).then(|| format!("{n} messages or deleted objects beyond those that are listed"))
    }
}

fn loss(
    (rule, entity): (&str, &str),
    seen_s: impl Iterator<Item = i64> + Clone,
    title: &str,
    summary: String,
) -> Finding {
    let first_s = seen_s.clone().min().unwrap_or(0);
    Finding {
        id: finding_id(rule, entity, false, 0),
        last_time: seen_s.max().map(time_text),
        verdict: Verdict::Unknown,
        because: vec!["what could not be read may hold anything".to_owned()],
        ..blind(rule, entity, first_s, title, summary)
    }
}

#[cfg(test)]
mod tests {
    use bartizan_model::Stage;

    use super::*;

    #[test]
    fn a_message_that_comes_again_counts_once_and_leaves_with_the_lookback() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let mut losses = QueueLosses::default();
        let body = "ü".repeat(QUEUE_BODY_BYTES_KEPT);
        for _ in 0..3 {
            losses.unread("https://sqs/1/q", "m1", &body, "not-json", now);
            losses.deleted("s3://logs/a.json.gz", now);
        }
        let findings = losses.findings();
        let counts: Vec<u64> = findings.iter().map(|f| f.count).collect();
        assert_eq!(counts, [1, 1]);
        assert!(findings.iter().all(|f| f.stage == Stage::Blind));
        losses.forget(Timestamp::from_second(1_000_001).unwrap());
        assert!(losses.findings().is_empty());
    }
}
