//! Health of a watch that goes on: what it sees, what it does not see, and since when. Written to
//! the store at each tick, so that another process can read it. Times are seconds since 1970.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use bartizan_cloud::queue::QueueAttributes;
use bartizan_model::limits::HEALTH_PLACES_MAX;
use serde::{Deserialize, Serialize};

/// Name of the file in the store.
const FILE: &str = "health.json";
/// Seconds after which the oldest message of a queue that waits is a backlog.
const BACKLOG_S: i64 = 900;
/// Seconds after which an alert that waits means that its sink is down.
const OUTBOX_S: i64 = 900;
/// Seconds after which the newest verified digest is too old: they come hourly, and are verified
/// hourly.
const DIGEST_S: i64 = 3 * 3600;

/// Health of a watch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct WatchHealth {
    pub(crate) started_s: i64,
    /// Last tick that was done whole, and kept.
    pub(crate) ticked_s: i64,
    /// Longest time between two ticks of a loop that is not stuck.
    pub(crate) tick_max_s: i64,
    /// Since when nothing can be kept: the disk is full or read-only.
    pub(crate) unkept_since_s: Option<i64>,
    /// Why nothing can be kept.
    pub(crate) unkept_why: String,
    /// The watch ended by itself.
    pub(crate) stopped_s: Option<i64>,
    pub(crate) places: Vec<PlaceHealth>,
    /// Accounts and regions beyond the bound, which are not listed.
    pub(crate) places_left_out: u64,
    pub(crate) queues: Vec<QueueHealth>,
    /// Changes of attributes of queues, oldest first.
    pub(crate) queue_changes: Vec<QueueChange>,
    pub(crate) counts: WatchCounts,
    pub(crate) sinks: Vec<SinkHealth>,
    pub(crate) snapshots: Vec<SnapshotHealth>,
    /// Longest age of a snapshot; 0: no account is read live.
    pub(crate) snapshot_max_s: i64,
    pub(crate) digests: Vec<DigestHealth>,
    pub(crate) canaries: Vec<CanaryHealth>,
    /// Account that makes the calls of canaries.
    pub(crate) canary_account: String,
    /// Longest time that the record of a canary may take.
    pub(crate) canary_max_s: i64,
    pub(crate) heartbeat: Option<HeartbeatHealth>,
}

/// Events of one account and region.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlaceHealth {
    pub(crate) account: String,
    pub(crate) region: String,
    /// Time of the newest event.
    pub(crate) newest_s: i64,
    /// Longest silence that is usual there; none where too little is known.
    pub(crate) usual_silence_s: Option<i64>,
}

/// One queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct QueueHealth {
    pub(crate) url: String,
    pub(crate) waiting_count: u64,
    pub(crate) in_flight_count: u64,
    /// Time at which the oldest message was sent that is not acknowledged.
    pub(crate) oldest_s: Option<i64>,
    /// Messages in the list of those that nobody could read.
    pub(crate) poison_count: u64,
    /// Since when it cannot be read, and why.
    pub(crate) failing_since_s: Option<i64>,
    pub(crate) why: String,
    /// Attributes when it was last looked at.
    pub(crate) about: Option<QueueLook>,
    pub(crate) looked_s: Option<i64>,
}

/// Attributes of a queue that only its owner changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QueueLook {
    pub(crate) arn: String,
    pub(crate) policy: Option<String>,
    pub(crate) redrive: Option<String>,
    pub(crate) retention_s: u64,
}

/// Attributes of a queue that are other than before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QueueChange {
    pub(crate) url: String,
    /// By name, with values before and after.
    pub(crate) changes: BTreeMap<String, [String; 2]>,
    pub(crate) before_s: i64,
    pub(crate) after_s: i64,
}

impl From<QueueAttributes> for QueueLook {
    fn from(about: QueueAttributes) -> Self {
        Self {
            arn: about.arn,
            policy: about.policy,
            redrive: about.redrive,
            retention_s: about.retention_s,
        }
    }
}

impl From<QueueLook> for QueueAttributes {
    fn from(look: QueueLook) -> Self {
        Self {
            arn: look.arn,
            policy: look.policy,
            redrive: look.redrive,
            retention_s: look.retention_s,
            ..Self::default()
        }
    }
}

/// Counts since the watch began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct WatchCounts {
    pub(crate) evaluated: u64,
    pub(crate) matched: u64,
    /// State of windows or memory that was let go at a bound.
    pub(crate) evicted: u64,
    /// Records, objects and messages that were not read.
    pub(crate) problems: u64,
    pub(crate) findings: u64,
    pub(crate) incidents: u64,
}

/// Outbox of one sink.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SinkHealth {
    pub(crate) name: String,
    pub(crate) waiting_count: u64,
    /// When the oldest alert was made that waits.
    pub(crate) oldest_s: Option<i64>,
    pub(crate) dead_count: u64,
    pub(crate) failing_since_s: Option<i64>,
    pub(crate) why: String,
}

/// Last snapshot of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotHealth {
    pub(crate) account: String,
    pub(crate) taken_s: i64,
    pub(crate) calls: u64,
    pub(crate) calls_read: u64,
}

/// Last verified digest of one account and region.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DigestHealth {
    pub(crate) account: String,
    pub(crate) region: String,
    /// End of the last hour that is verified.
    pub(crate) through_s: i64,
}

/// Canaries of one region.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CanaryHealth {
    pub(crate) region: String,
    /// Nonces whose records did not arrive yet, by when they were sent.
    pub(crate) open: BTreeMap<String, i64>,
    pub(crate) sent_s: i64,
    /// When the last record arrived.
    pub(crate) seen_s: Option<i64>,
    /// Seconds from that call to the arrival of its record.
    pub(crate) delay_s: Option<i64>,
    /// Why the last call was not made.
    pub(crate) why: String,
}

/// Heartbeat to an outside URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeartbeatHealth {
    pub(crate) sent_s: Option<i64>,
    pub(crate) failing_since_s: Option<i64>,
    pub(crate) why: String,
}

/// Whether the alarm is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AlarmState {
    /// It sees everything that it should.
    On,
    /// It runs, and does not see everything.
    Partly,
    /// It does not run, is stuck, or cannot keep anything.
    Off,
}

/// Something that the watch does not see or cannot do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum BlindSpot {
    Stopped {
        since_s: i64,
    },
    Stuck {
        since_s: i64,
    },
    Unkept {
        since_s: i64,
        why: String,
    },
    Silent {
        account: String,
        region: String,
        since_s: i64,
        usual_s: i64,
    },
    QueueUnread {
        queue: String,
        since_s: i64,
        why: String,
    },
    QueueBehind {
        queue: String,
        since_s: i64,
        waiting_count: u64,
    },
    SinkDown {
        sink: String,
        since_s: i64,
        waiting_count: u64,
        why: String,
    },
    DeadLetters {
        sink: String,
        count: u64,
    },
    SnapshotOld {
        account: String,
        since_s: i64,
    },
    CallsUnread {
        account: String,
        since_s: i64,
        unread_count: u64,
    },
    DigestOld {
        account: String,
        region: String,
        since_s: i64,
    },
    CanaryOverdue {
        region: String,
        since_s: i64,
    },
    CanaryUnsent {
        region: String,
        since_s: i64,
        why: String,
    },
    Heartbeat {
        since_s: i64,
        why: String,
    },
}

impl WatchHealth {
    /// Whether the alarm is on.
    pub(crate) fn state(&self, now_s: i64) -> AlarmState {
        let spots = self.blind_spots(now_s);
        match spots.iter().any(BlindSpot::is_off) {
            true => AlarmState::Off,
            false if spots.is_empty() => AlarmState::On,
            false => AlarmState::Partly,
        }
    }

    /// Everything that is not seen, worst first, with since when.
    pub(crate) fn blind_spots(&self, now_s: i64) -> Vec<BlindSpot> {
        let mut spots = Vec::new();
        if let Some(since_s) = self.stopped_s {
            spots.push(BlindSpot::Stopped { since_s });
        } else if now_s - self.ticked_s > self.tick_max_s.max(1) {
            let since_s = self.ticked_s;
            spots.push(BlindSpot::Stuck { since_s });
        }
        if let Some(since_s) = self.unkept_since_s {
            let why = self.unkept_why.clone();
            spots.push(BlindSpot::Unkept { since_s, why });
        }
        for canary in &self.canaries {
            spots.extend(canary.spot(self.canary_max_s, now_s));
        }
        spots.extend(self.places.iter().filter_map(|p| p.spot(now_s)));
        spots.extend(self.queues.iter().filter_map(|q| q.spot(now_s)));
        spots.extend(
            self.snapshots
                .iter()
                .filter_map(|s| s.spot(self.snapshot_max_s, now_s)),
        );
        let old = |d: &&DigestHealth| now_s - d.through_s > DIGEST_S;
        spots.extend(
            self.digests
                .iter()
                .filter(old)
                .map(|d| BlindSpot::DigestOld {
                    account: d.account.clone(),
                    region: d.region.clone(),
                    since_s: d.through_s,
                }),
        );
        spots.extend(self.sinks.iter().flat_map(|s| s.spots(now_s)));
        if let Some(beat) = &self.heartbeat
            && let Some(since_s) = beat.failing_since_s
        {
            let why = beat.why.clone();
            spots.push(BlindSpot::Heartbeat { since_s, why });
        }
        spots
    }

    /// Notes the newest event of an account and region.
    pub(crate) fn heard(
        &mut self,
        (account, region): (&str, &str),
        newest_s: i64,
        usual_silence_s: Option<i64>,
    ) {
        let key = |p: &PlaceHealth| (p.account.as_str(), p.region.as_str()).cmp(&(account, region));
        match self.places.binary_search_by(key) {
            Ok(at) => {
                let place = &mut self.places[at];
                place.newest_s = place.newest_s.max(newest_s);
                place.usual_silence_s = usual_silence_s.or(place.usual_silence_s);
            }
            Err(_) if self.places.len() >= HEALTH_PLACES_MAX => self.places_left_out += 1,
            Err(at) => self.places.insert(
                at,
                PlaceHealth {
                    account: account.to_owned(),
                    region: region.to_owned(),
                    newest_s,
                    usual_silence_s,
                },
            ),
        }
    }

    /// Writes it to the store, whole or not at all.
    pub(crate) fn save(&self, store: &str) -> Result<()> {
        let path = place(store);
        let unfinished = path.with_extension("unfinished");
        let text = serde_json::to_vec(self)?;
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&unfinished)?;
            file.write_all(&text)?;
            file.sync_all()?;
            std::fs::rename(&unfinished, &path)
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }

    /// Health of the watch of a store; none where none ever ran.
    pub(crate) fn load(store: &str) -> Result<Option<Self>> {
        let path = place(store);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => {
                return Err(e).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let health = serde_json::from_slice(&bytes);
        Ok(Some(health.with_context(|| {
            format!("{} is not of this version of Bartizan", path.display())
        })?))
    }
}

fn place(store: &str) -> PathBuf {
    Path::new(store).join(FILE)
}

impl BlindSpot {
    /// Whether the alarm is off for it.
    pub(crate) fn is_off(&self) -> bool {
        matches!(
            self,
            Self::Stopped { .. } | Self::Stuck { .. } | Self::Unkept { .. }
        )
    }

    /// `canary-overdue`.
    pub(crate) fn id(&self) -> &'static str {
        match self {
            Self::Stopped { .. } => "stopped",
            Self::Stuck { .. } => "stuck",
            Self::Unkept { .. } => "unkept",
            Self::Silent { .. } => "silent",
            Self::QueueUnread { .. } => "queue-unread",
            Self::QueueBehind { .. } => "queue-behind",
            Self::SinkDown { .. } => "sink-down",
            Self::DeadLetters { .. } => "dead-letters",
            Self::SnapshotOld { .. } => "snapshot-old",
            Self::CallsUnread { .. } => "calls-unread",
            Self::DigestOld { .. } => "digest-old",
            Self::CanaryOverdue { .. } => "canary-overdue",
            Self::CanaryUnsent { .. } => "canary-unsent",
            Self::Heartbeat { .. } => "heartbeat",
        }
    }

    /// Since when, seconds since 1970.
    pub(crate) fn since_s(&self) -> Option<i64> {
        match self {
            Self::Stopped { since_s }
            | Self::Stuck { since_s }
            | Self::Unkept { since_s, .. }
            | Self::Silent { since_s, .. }
            | Self::QueueUnread { since_s, .. }
            | Self::QueueBehind { since_s, .. }
            | Self::SinkDown { since_s, .. }
            | Self::SnapshotOld { since_s, .. }
            | Self::CallsUnread { since_s, .. }
            | Self::DigestOld { since_s, .. }
            | Self::CanaryOverdue { since_s, .. }
            | Self::CanaryUnsent { since_s, .. }
            | Self::Heartbeat { since_s, .. } => Some(*since_s),
            Self::DeadLetters { .. } => None,
        }
    }
}

impl PlaceHealth {
    fn spot(&self, now_s: i64) -> Option<BlindSpot> {
        let usual_s = self.usual_silence_s?;
        (now_s - self.newest_s > usual_s).then(|| BlindSpot::Silent {
            account: self.account.clone(),
            region: self.region.clone(),
            since_s: self.newest_s,
            usual_s,
        })
    }
}

impl QueueHealth {
    fn spot(&self, now_s: i64) -> Option<BlindSpot> {
        let queue = self.url.clone();
        if let Some(since_s) = self.failing_since_s {
            let why = self.why.clone();
            return Some(BlindSpot::QueueUnread {
                queue,
                since_s,
                why,
            });
        }
        let since_s = self.oldest_s.filter(|oldest| now_s - oldest > BACKLOG_S)?;
        Some(BlindSpot::QueueBehind {
            queue,
            since_s,
            waiting_count: self.waiting_count + self.in_flight_count,
        })
    }
}

impl SinkHealth {
    fn spots(&self, now_s: i64) -> Vec<BlindSpot> {
        let sink = || self.name.clone();
        let mut spots = Vec::new();
        let stale = self.oldest_s.filter(|oldest| now_s - oldest > OUTBOX_S);
        if let Some(since_s) = self.failing_since_s.or(stale) {
            spots.push(BlindSpot::SinkDown {
                sink: sink(),
                since_s,
                waiting_count: self.waiting_count,
                why: self.why.clone(),
            });
        }
        if self.dead_count > 0 {
            let count = self.dead_count;
            spots.push(BlindSpot::DeadLetters {
                sink: sink(),
                count,
            });
        }
        spots
    }
}

impl SnapshotHealth {
    fn spot(&self, age_max_s: i64, now_s: i64) -> Option<BlindSpot> {
        let (account, since_s) = (self.account.clone(), self.taken_s);
        if age_max_s > 0 && now_s - since_s > age_max_s {
            return Some(BlindSpot::SnapshotOld { account, since_s });
        }
        let unread_count = self.calls.saturating_sub(self.calls_read);
        (unread_count > 0).then_some(BlindSpot::CallsUnread {
            account,
            since_s,
            unread_count,
        })
    }
}

impl CanaryHealth {
    /// Since when a record is overdue.
    pub(crate) fn overdue_since_s(&self, age_max_s: i64, now_s: i64) -> Option<i64> {
        let oldest = self.open.values().min()?;
        (now_s - oldest > age_max_s).then_some(*oldest)
    }

    fn spot(&self, age_max_s: i64, now_s: i64) -> Option<BlindSpot> {
        let region = self.region.clone();
        if let Some(since_s) = self.overdue_since_s(age_max_s, now_s) {
            return Some(BlindSpot::CanaryOverdue { region, since_s });
        }
        (!self.why.is_empty()).then(|| BlindSpot::CanaryUnsent {
            region,
            since_s: self.sent_s,
            why: self.why.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alarm_is_on_only_if_it_sees_everything() {
        let mut health = WatchHealth {
            ticked_s: 1000,
            tick_max_s: 60,
            ..WatchHealth::default()
        };
        assert_eq!(health.state(1030), AlarmState::On);
        health.heard(("1", "eu-west-1"), 900, Some(3600));
        health.heard(("1", "ap-south-1"), 900, None);
        assert_eq!(health.state(1030), AlarmState::On);
        health.ticked_s = 4600;
        // Where nothing is usual, silence says nothing.
        let spots = health.blind_spots(4601);
        assert_eq!(spots.len(), 1, "{spots:?}");
        assert_eq!(spots[0].since_s(), Some(900));
        assert_eq!(health.state(4601), AlarmState::Partly);
        assert_eq!(health.state(4700), AlarmState::Off);
        health.ticked_s = 4700;
        health.unkept_since_s = Some(4650);
        assert_eq!(health.state(4701), AlarmState::Off);
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = std::env::temp_dir().join(format!("bartizan-health-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let store = folder.to_str().unwrap();
        assert!(WatchHealth::load(store).unwrap().is_none());
        let mut health = WatchHealth::default();
        health.heard(("1", "eu-west-1"), 900, Some(3600));
        health.save(store).unwrap();
        assert_eq!(WatchHealth::load(store).unwrap(), Some(health));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
