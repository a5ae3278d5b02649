//! Health of a running watch, as the loop reports it: kept in memory for the server and the
//! heartbeat, in the store for `bartizan status`, and reported to systemd.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Result;
use bartizan_detect::attribution::PlaceRhythm;
use bartizan_model::Finding;
use jiff::Timestamp;

use super::super::config::Config;
use super::blind_findings::{canary_overdue, queue_changed, region_silent};
use super::canary::seen;
use super::canary_sender::CanarySender;
use super::gauges::Gauges;
use super::heartbeat::Heartbeat;
use super::server::{HealthCell, HealthServer};
use super::systemd::{Systemd, SystemdState};
use crate::watch_health::{QueueChange, SnapshotHealth, WatchHealth};
use crate::watch_result::WatchResult;

/// Longest time between two ticks of a loop that is not stuck: the first evaluation of a large
/// trail takes minutes.
const TICK_MAX_S: i64 = 300;
/// Time between two writings to the store while nothing changes.
const SAVE_EVERY: Duration = Duration::from_secs(5);
/// Intervals of snapshots that may be missed.
const SNAPSHOTS_MISSED: i64 = 2;

/// Seconds for which a change of a queue is a finding.
const CHANGE_S: i64 = 30 * 86_400;

/// Health of a running watch.
pub(crate) struct WatchKeeper {
    cell: HealthCell,
    store: String,
    systemd: Systemd,
    server: Option<HealthServer>,
    heartbeat: Option<Heartbeat>,
    canaries: Option<CanarySender>,
    gauges: Option<Gauges>,
    saved: Option<Instant>,
    is_ready: bool,
}

impl WatchKeeper {
    /// Starts the server and the heartbeat of the configuration. The alarm is on after the first
    /// tick.
    pub(crate) fn start(store: &str, config: &Config) -> Result<Self> {
        // Canaries that are still out; a file of another version only loses them.
        let before = WatchHealth::load(store).ok().flatten().unwrap_or_default();
        let mut keeper = Self {
            cell: HealthCell::default(),
            store: store.to_owned(),
            systemd: Systemd::from_environment(),
            server: None,
            heartbeat: None,
            canaries: None,
            gauges: None,
            saved: None,
            is_ready: false,
        };
        *keeper.cell.lock() = WatchHealth {
            started_s: Timestamp::now().as_second(),
            tick_max_s: TICK_MAX_S,
            canaries: before.canaries,
            queues: before.queues,
            queue_changes: before.queue_changes,
            canary_account: before.canary_account,
            ..WatchHealth::default()
        };
        keeper.use_config(config)?;
        Ok(keeper)
    }

    /// Starts server, heartbeat and canaries anew, as a configuration says that was read again.
    pub(crate) fn use_config(&mut self, config: &Config) -> Result<()> {
        let clocks = &config.watch;
        (self.server, self.heartbeat) = (None, None);
        (self.canaries, self.gauges) = (None, None);
        self.cell.lock().heartbeat = None;
        if let Some(listen) = clocks.health {
            self.server = Some(HealthServer::start(listen, self.cell.clone())?);
        }
        if let Some(url) = &clocks.heartbeat {
            let every = Duration::from_secs(u64::from(clocks.heartbeat_seconds.max(1)));
            let method = clocks.heartbeat_method;
            self.heartbeat = Some(Heartbeat::start(
                url.clone(),
                method,
                every,
                self.cell.clone(),
            )?);
        }
        {
            let mut health = self.cell.lock();
            let snapshot_s = 60 * i64::from(clocks.snapshot_minutes);
            health.snapshot_max_s = (1 + SNAPSHOTS_MISSED) * snapshot_s;
            health.canary_max_s = 60 * i64::from(clocks.canary_delay_minutes);
            if clocks.canary_minutes == 0 {
                health.canaries.clear();
            }
        }
        self.canaries = CanarySender::start(config, self.cell.clone())?;
        self.gauges = Gauges::start(config, &self.store, self.cell.clone())?;
        Ok(())
    }

    /// Health, to note what a source or a sink does.
    pub(crate) fn cell(&self) -> HealthCell {
        self.cell.clone()
    }

    /// A tick was done whole, and everything that came is kept.
    pub(crate) fn ticked(&mut self) -> Result<()> {
        let now_s = Timestamp::now().as_second();
        let was_failing = {
            let mut health = self.cell.lock();
            health.ticked_s = now_s;
            health.unkept_why.clear();
            health.unkept_since_s.take().is_some()
        };
        if !self.is_ready {
            self.is_ready = true;
            self.systemd.tell(SystemdState::Ready);
        }
        self.systemd.alive();
        let is_due = self.saved.is_none_or(|saved| saved.elapsed() >= SAVE_EVERY);
        match is_due || was_failing {
            true => self.save(),
            false => Ok(()),
        }
    }

    /// Findings were judged anew. `is_live`: accounts that are read live, whose snapshots age.
    pub(crate) fn judged(&mut self, watched: &WatchResult, is_live: bool) {
        let mut health = self.cell.lock();
        health.counts.findings = watched.findings.len() as u64;
        health.counts.incidents = watched.incidents.len() as u64;
        health.counts.evaluated = watched.coverage.events;
        health.counts.problems = watched.coverage.holes.len() as u64;
        if !is_live {
            health.snapshot_max_s = 0;
        }
        let snapshots = watched.snapshot.iter().map(|s| SnapshotHealth {
            account: s.account.clone(),
            taken_s: s.taken.parse::<Timestamp>().map_or(0, Timestamp::as_second),
            calls: s.calls,
            calls_read: s.calls_read,
        });
        health.snapshots = snapshots.collect();
    }

    /// Findings of what went blind while this process watched, by id.
    pub(crate) fn blind_findings(&self) -> Vec<Finding> {
        let now_s = Timestamp::now().as_second();
        let health = self.cell.lock();
        let overdue = health.canaries.iter().filter_map(|c| {
            let sent_s = c.overdue_since_s(health.canary_max_s, now_s)?;
            let times = (sent_s, health.canary_max_s);
            let account = &health.canary_account;
            Some(canary_overdue(account, &c.region, times, now_s))
        });
        // A trail that ended before is an old one: it did not fall silent.
        let silent = health.places.iter().filter_map(|p| {
            let usual_s = p.usual_silence_s?;
            let is_new = p.newest_s >= health.started_s && now_s - p.newest_s > usual_s;
            let times = (p.newest_s, usual_s);
            is_new.then(|| region_silent(&p.account, &p.region, times, now_s))
        });
        let young = |c: &&QueueChange| now_s - c.after_s < CHANGE_S;
        let changed = health.queue_changes.iter().filter(young);
        let changed =
            changed.filter_map(|c| queue_changed(&c.url, &c.changes, (c.before_s, c.after_s)));
        let mut found: Vec<Finding> = overdue.chain(silent).chain(changed).collect();
        found.sort_by(|a, b| a.id.cmp(&b.id));
        found
    }

    /// Newest events, what silence is usual, and nonces of canaries in the trail.
    pub(crate) fn heard(&mut self, rhythms: &[PlaceRhythm], nonces: &BTreeSet<String>) {
        let now_s = Timestamp::now().as_second();
        let mut health = self.cell.lock();
        for nonce in nonces {
            seen(&mut health, nonce, now_s);
        }
        health.places_left_out = 0;
        for place in rhythms {
            health.heard(
                (&place.account, &place.region),
                place.newest_s,
                place.usual_silence_s,
            );
        }
    }

    /// A tick failed: nothing is kept. That may be true of the health as well.
    pub(crate) fn failed(&mut self, why: &str) {
        let now_s = Timestamp::now().as_second();
        {
            let mut health = self.cell.lock();
            health.unkept_since_s.get_or_insert(now_s);
            why.clone_into(&mut health.unkept_why);
        }
        // The loop is alive, only the disk is not: systemd need not start us again.
        self.systemd.alive();
        let _ = self.save();
    }

    /// The configuration is read again.
    pub(crate) fn reloading(&mut self) {
        self.is_ready = false;
        self.systemd.tell(SystemdState::Reloading);
    }

    /// The watch ends.
    pub(crate) fn stopped(&mut self) {
        self.systemd.tell(SystemdState::Stopping);
        self.cell.lock().stopped_s = Some(Timestamp::now().as_second());
        (self.server, self.heartbeat) = (None, None);
        (self.canaries, self.gauges) = (None, None);
        let _ = self.save();
    }

    fn save(&mut self) -> Result<()> {
        self.saved = Some(Instant::now());
        let health = self.cell.lock().clone();
        health.save(&self.store)
    }
}
