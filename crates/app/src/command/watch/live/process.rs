//! What of a watch lives as long as the process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bartizan_evidence::Storage;
use bartizan_incident::Incident;
use bartizan_model::{Finding, Severity};

use super::super::config::Config;
use super::super::health::WatchKeeper;
use super::signals::Signals;
use crate::alerting::{Delivery, Sink};
use crate::cli::{Global, WatchArgs};
use crate::render;
use crate::store::{self, KeptScans, StoreState};
use crate::watch_result::WatchResult;

/// Time that deliveries have to end.
const STOP: Duration = Duration::from_secs(5);

/// Store, signals, health and deliveries.
pub(super) struct LiveWatch<'a> {
    pub(super) global: &'a Global,
    pub(super) args: &'a WatchArgs,
    pub(super) storage: Arc<dyn Storage>,
    pub(super) state: StoreState,
    pub(super) scans: KeptScans,
    pub(super) signals: Signals,
    pub(super) keeper: WatchKeeper,
    /// Where there are sinks.
    pub(super) delivery: Option<Delivery>,
    /// Severity with which each incident and finding was printed, by id; empty before the first
    /// judgement, which prints nothing that an earlier process found.
    printed: BTreeMap<String, Severity>,
}

impl<'a> LiveWatch<'a> {
    /// Opens the store, and starts what a configuration asks for beside the sources.
    pub(super) fn start(global: &'a Global, args: &'a WatchArgs, config: &Config) -> Result<Self> {
        // Before any thread starts: threads inherit which signals are blocked.
        let signals = Signals::listen()?;
        let state = StoreState::watch(&global.store)?;
        let before = WatchResult::last(&state)?;
        Ok(Self {
            printed: before.iter().flat_map(severities).collect(),
            global,
            args,
            state,
            scans: KeptScans::open(&global.store)?,
            storage: Arc::from(store::open(global)?),
            signals,
            keeper: WatchKeeper::start(&global.store, config)?,
            delivery: deliveries(global, config)?,
        })
    }

    /// Prints incidents and findings that are new or worse than they were.
    pub(super) fn print(&mut self, watched: &WatchResult) -> Result<()> {
        let worse = |id: &str, severity| self.printed.get(id).is_none_or(|was| *was < severity);
        let incidents = watched.incidents.iter();
        let incidents: Vec<&Incident> = incidents.filter(|i| worse(&i.id, i.severity)).collect();
        let findings = watched.findings.iter();
        let findings: Vec<&Finding> = findings
            .filter(|f| f.severity > Severity::Info && worse(&f.id, f.severity))
            .collect();
        render::live_news(self.global.format, &incidents, &findings)?;
        self.printed = severities(watched).collect();
        Ok(())
    }

    /// Uses a configuration that was read again.
    pub(super) fn use_config(&mut self, config: &Config) -> Result<()> {
        self.keeper.reloading();
        self.stop_deliveries();
        self.delivery = deliveries(self.global, config)?;
        self.keeper.use_config(config)
    }

    /// Ends deliveries and says so: what is left waits in the outbox.
    pub(super) fn stop(&mut self) {
        self.stop_deliveries();
        self.keeper.stopped();
    }

    fn stop_deliveries(&mut self) {
        if let Some(delivery) = self.delivery.take() {
            delivery.stop(STOP);
        }
    }

    /// Configuration as it is now.
    pub(super) fn reloaded(&self) -> Result<Config> {
        let config = Config::find(self.args.dir.as_deref(), self.args.config.as_deref());
        let config = config.context("on SIGHUP")?;
        Sink::all(&config.sink).context("on SIGHUP")?;
        Ok(config)
    }
}

/// Severity of each incident and finding, by id.
fn severities(watched: &WatchResult) -> impl Iterator<Item = (String, Severity)> {
    let incidents = watched.incidents.iter();
    let incidents = incidents.map(|i| (i.id.clone(), i.severity));
    let findings = watched.findings.iter();
    incidents.chain(findings.map(|f| (f.id.clone(), f.severity)))
}

/// Deliveries to the sinks of a configuration.
fn deliveries(global: &Global, config: &Config) -> Result<Option<Delivery>> {
    if config.sink.is_empty() {
        return Ok(None);
    }
    Delivery::start(&global.store, Sink::all(&config.sink)?).map(Some)
}
