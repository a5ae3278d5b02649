//! A round: what is kept is evaluated once, then ticks add to it until it has to be evaluated anew.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bartizan_evidence::Storage;
use jiff::Timestamp;

use super::super::config::Config;
use super::super::inputs::{WatchInputs, accepted, history, trail_objects};
use super::super::judge_cache::CacheAges;
use super::super::kept_trail::{learned_memory, scan_plan};
use super::super::outputs::write_outputs;
use super::super::run::parted;
use super::process::LiveWatch;
use super::signals::Signal;
use super::snapshot_taker::SnapshotTaker;
use super::sources::{RunningSources, SourcesStart};
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

/// Evaluates what is kept, then ticks until something asks for a new evaluation.
pub(super) fn watch_round(watch: &mut LiveWatch<'_>, config: &Arc<Config>) -> Result<RoundEnd> {
    let (global, storage) = (watch.global, watch.storage.clone());
    let objects = trail_objects(global, config, &watch.state, &watch.scans, false)?;
    let mut inputs = inputs((global, watch.args), &storage, config, objects)?;
    let known = watch.state.objects()?;
    let (leaving, _) = parted(&inputs.objects, inputs.since());
    let memory = learned_memory(&inputs, &watch.state, &leaving, &known, &watch.scans)?;
    let plan = scan_plan(&inputs, memory.memory)?;
    let minutes = |n: u32| Duration::from_secs(60 * u64::from(n.max(1)));
    let ages = CacheAges {
        integrity: minutes(config.watch.integrity_minutes),
        bill: minutes(config.watch.bill_hours.saturating_mul(60)),
    };
    let mut trail = LiveTrail::open(&plan, &inputs, &known, &watch.scans, ages)?;
    trail.keep_next(memory.kept);
    let sources = RunningSources::start(SourcesStart {
        config,
        store: &global.store,
        known: trail.taken(),
        since: inputs.since(),
    })?;
    let snapshots = SnapshotTaker::start(global, config)?;
    let mut round = WatchRound {
        // Files of the inbox that are only in the memory from now on.
        left: names_of_left(&inputs),
        failing: false,
        watch,
        sources,
        snapshots,
    };
    loop {
        if let Some(end) = round.signal() {
            return Ok(end);
        }
        round.turn(&mut inputs, &mut trail)?;
        if trail.is_outdated() && !round.failing {
            return Ok(RoundEnd::Anew);
        }
    }
}

/// Sources and snapshots of a round.
struct WatchRound<'w, 'a> {
    watch: &'w mut LiveWatch<'a>,
    sources: RunningSources,
    snapshots: SnapshotTaker,
    left: Vec<String>,
    /// Nothing can be kept.
    failing: bool,
}

impl WatchRound<'_, '_> {
    /// End of the round that a signal asks for.
    fn signal(&mut self) -> Option<RoundEnd> {
        match self.watch.signals.next()? {
            Signal::Stop => Some(RoundEnd::Stop),
            Signal::Reload => match self.watch.reloaded() {
                Ok(new) => Some(RoundEnd::Reload(Arc::new(new))),
                Err(e) => {
                    self.note(&format!(
                        "this configuration is not used, the old one stays: {e:#}"
                    ));
                    None
                }
            },
        }
    }

    fn note(&self, text: &str) {
        render::note(self.watch.global, text);
    }

    /// Takes what came, judges it, keeps it, and only then lets the sources forget.
    fn turn(&mut self, inputs: &mut WatchInputs<'_>, trail: &mut LiveTrail<'_>) -> Result<()> {
        let batch = match self.failing {
            // Nobody is told that anything is kept, and nothing more is taken.
            true => {
                std::thread::sleep(RETRY);
                Vec::new()
            }
            false => self.sources.wait(WAIT_MAX),
        };
        inputs.now = Timestamp::now();
        for problem in self.snapshots.problems() {
            self.note(&format!("a snapshot was not taken: {problem}"));
        }
        for problem in self.sources.problems() {
            self.note(&problem);
        }
        if trail.bill_is_due() {
            match bill(self.watch.global, inputs.config, inputs.now) {
                Ok(bill) => inputs.bill = bill,
                Err(e) => self.note(&format!("the bill was not read again: {e:#}")),
            }
        }
        trail.add(batch);
        match self.tick(inputs, trail) {
            Ok(()) => {
                if std::mem::take(&mut self.failing) {
                    self.note("what came is kept again");
                }
            }
            Err(e) => {
                self.watch.keeper.failed(&format!("{e:#}"));
                if !std::mem::replace(&mut self.failing, true) {
                    self.note(&format!(
                        "nothing is kept, and nothing more is taken: {e:#}"
                    ));
                }
                return Ok(());
            }
        }
        self.sources.acknowledge(trail.receipts());
        self.snapshots.want(trail.touched());
        if !self.left.is_empty() {
            let names = self.left.iter().map(String::as_str);
            store::remove_from_inbox(&self.watch.global.store, names)?;
            self.left.clear();
        }
        Ok(())
    }

    fn tick(&mut self, inputs: &mut WatchInputs<'_>, trail: &mut LiveTrail<'_>) -> Result<()> {
        let watch = &mut *self.watch;
        let size = store::log_size(watch.storage.as_ref())?;
        if size != inputs.log_size {
            // Somebody wrote to the evidence log: a snapshot, an acceptance.
            inputs.history = history(watch.storage.as_ref())?;
            inputs.accepted = accepted(watch.storage.as_ref(), inputs.config)?;
            inputs.log_size = size;
            trail.reopen();
        }
        trail.set_blind(watch.keeper.blind_findings());
        trail.take(inputs, &watch.state, &watch.scans)?;
        if let Some(watched) = trail.tick(inputs, &mut watch.state, &watch.scans)? {
            write_outputs(watch.global, inputs.config, &watched)?;
            if let Some(delivery) = &watch.delivery {
                delivery.nudge();
            }
            let is_live = inputs.config.account.iter().any(|a| a.from.is_none());
            watch.keeper.judged(&watched, is_live);
            let (rhythms, nonces) = trail.heard();
            watch.keeper.heard(rhythms, nonces);
        }
        watch.keeper.ticked()
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
