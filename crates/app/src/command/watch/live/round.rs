//! A round: what is kept is evaluated once, then ticks add to it until it has to be evaluated anew.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use bartizan_evidence::Storage;
use jiff::Timestamp;

use super::super::config::Config;
use super::super::inputs::{WatchInputs, accepted, history, trail_objects};
use super::super::judge_cache::CacheAges;
use super::super::kept_trail::{learned_memory, scan_plan};
use super::super::run::parted;
use super::super::write_outputs;
use super::LiveWatch;
use super::arrivals::{Arrivals, SourcesStart};
use super::signals::Signal;
use super::snapshot_taker::SnapshotTaker;
use super::tick::LiveTrail;
use crate::bill::BillParts;
use crate::cli::{Global, WatchArgs};
use crate::render;
use crate::store;
use crate::trail::TrailObject;

/// Longest wait for something new before signals and clocks are looked at.
const WAIT_MAX: Duration = Duration::from_millis(250);

/// Wait after a failure, before what came is kept again.
const RETRY: Duration = Duration::from_secs(2);

/// Why a round ended.
pub(super) enum RoundEnd {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP, with a configuration that can be used.
    Reload(Arc<Config>),
    /// Something that was taken changed or left the lookback.
    Anew,
}

impl LiveWatch<'_> {
    /// Evaluates what is kept, then ticks until something asks for a new evaluation.
    pub(super) fn round(&mut self, config: &Arc<Config>) -> Result<RoundEnd> {
        let storage = self.storage.clone();
        let objects = trail_objects(self.global, config, &self.state, &self.scans, false)?;
        let mut inputs = inputs((self.global, self.args), &storage, config, objects)?;
        let known = self.state.objects()?;
        let (leaving, _) = parted(&inputs.objects, inputs.since());
        let memory = learned_memory(&inputs, &self.state, &leaving, &known, &self.scans)?;
        let plan = scan_plan(&inputs, memory.memory)?;
        let ages = CacheAges {
            integrity: Duration::from_secs(60 * u64::from(config.watch.integrity_minutes)),
            bill: Duration::from_secs(3600 * u64::from(config.watch.bill_hours)),
        };
        let mut trail = LiveTrail::open(&plan, &inputs, &known, &self.scans, ages)?;
        trail.keep_next(memory.kept);
        let arrivals = Arrivals::start(SourcesStart {
            config,
            store: &self.global.store,
            known: trail.taken(),
            since: inputs.since(),
        })?;
        let snapshots = SnapshotTaker::start(self.global, config)?;
        let mut failing: Option<Instant> = None;
        // Files of the inbox that are only in the memory from now on.
        let mut left = names_of_left(&inputs);
        loop {
            match self.signals.next() {
                Some(Signal::Stop) => return Ok(RoundEnd::Stop),
                Some(Signal::Reload) => match self.reloaded() {
                    Ok(new) => return Ok(RoundEnd::Reload(Arc::new(new))),
                    Err(e) => render::note(
                        self.global,
                        &format!("this configuration is not used, the old one stays: {e:#}"),
                    ),
                },
                None => {}
            }
            let batch = match failing {
                // Nobody is told that anything is kept, and nothing more is taken.
                Some(_) => {
                    std::thread::sleep(RETRY);
                    Vec::new()
                }
                None => arrivals.wait(WAIT_MAX),
            };
            inputs.now = Timestamp::now();
            for problem in snapshots.problems() {
                render::note(self.global, &format!("a snapshot was not taken: {problem}"));
            }
            trail.set_blind(self.keeper.blind_findings());
            for problem in arrivals.problems() {
                render::note(self.global, &problem);
            }
            let done = self
                .log_changed(&mut inputs, &mut trail)
                .and_then(|()| trail.take(&mut inputs, (&self.state, &self.scans), batch))
                .and_then(|()| self.tick(&inputs, &mut trail))
                .and_then(|()| self.keeper.ticked());
            match done {
                Ok(()) if failing.is_some() => {
                    failing = None;
                    render::note(self.global, "what came is kept again");
                }
                Ok(()) => {}
                Err(e) => {
                    self.keeper.failed(&format!("{e:#}"));
                    if failing.is_none() {
                        render::note(
                            self.global,
                            &format!("nothing is kept, and nothing more is taken: {e:#}"),
                        );
                    }
                    failing.get_or_insert_with(Instant::now);
                    continue;
                }
            }
            arrivals.acknowledge(trail.receipts());
            if !left.is_empty() {
                let names = left.iter().map(String::as_str);
                store::remove_from_inbox(&self.global.store, names)?;
                left.clear();
            }
            if trail.is_outdated() {
                return Ok(RoundEnd::Anew);
            }
        }
    }

    fn tick(&mut self, inputs: &WatchInputs<'_>, trail: &mut LiveTrail<'_>) -> Result<()> {
        if let Some(watched) = trail.tick(inputs, &mut self.state, &self.scans)? {
            write_outputs(self.global, inputs.config, &watched)?;
            if let Some(delivery) = &self.delivery {
                delivery.nudge();
            }
            let is_live = inputs.config.account.iter().any(|a| a.from.is_none());
            self.keeper.judged(&watched, is_live);
            let (rhythms, nonces) = trail.heard();
            self.keeper.heard(rhythms, nonces);
        }
        Ok(())
    }

    /// Reads the evidence log again if somebody wrote to it.
    fn log_changed(&self, inputs: &mut WatchInputs<'_>, trail: &mut LiveTrail<'_>) -> Result<()> {
        let size = store::log_size(self.storage.as_ref())?;
        if size != inputs.log_size {
            inputs.log_size = size;
            inputs.history = history(self.storage.as_ref())?;
            inputs.accepted = accepted(self.storage.as_ref(), inputs.config)?;
            trail.reopen();
        }
        Ok(())
    }
}

fn names_of_left(inputs: &WatchInputs<'_>) -> Vec<String> {
    let (left, _) = parted(&inputs.objects, inputs.since());
    left.iter().map(|o| o.name.clone()).collect()
}

fn inputs<'i>(
    (global, args): (&'i Global, &'i WatchArgs),
    storage: &'i Arc<dyn Storage>,
    config: &'i Config,
    objects: Vec<TrailObject>,
) -> Result<WatchInputs<'i>> {
    let now = Timestamp::now();
    Ok(WatchInputs {
        global,
        args,
        config,
        storage,
        log_size: store::log_size(storage.as_ref())?,
        history: history(storage.as_ref())?,
        objects,
        bill: bill(global, config, now)?,
        accepted: accepted(storage.as_ref(), config)?,
        now,
    })
}

fn bill(global: &Global, config: &Config, now: Timestamp) -> Result<Option<BillParts>> {
    let source = config.spend.source();
    source.map(|s| BillParts::find(global, &s, now)).transpose()
}
