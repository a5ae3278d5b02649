//! What of a watch lives as long as the process.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bartizan_evidence::Storage;

use super::super::config::Config;
use super::super::health::WatchKeeper;
use super::signals::Signals;
use crate::alerting::{Delivery, Sink};
use crate::cli::{Global, WatchArgs};
use crate::store::{self, KeptScans, StoreState};

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
}

impl<'a> LiveWatch<'a> {
    /// Opens the store, and starts what a configuration asks for beside the sources.
    pub(super) fn start(global: &'a Global, args: &'a WatchArgs, config: &Config) -> Result<Self> {
        // Before any thread starts: threads inherit which signals are blocked.
        let signals = Signals::listen()?;
        Ok(Self {
            global,
            args,
            state: StoreState::watch(&global.store)?,
            scans: KeptScans::open(&global.store)?,
            storage: Arc::from(store::open(global)?),
            signals,
            keeper: WatchKeeper::start(&global.store, config)?,
            delivery: deliveries(global, config)?,
        })
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

/// Deliveries to the sinks of a configuration.
fn deliveries(global: &Global, config: &Config) -> Result<Option<Delivery>> {
    if config.sink.is_empty() {
        return Ok(None);
    }
    Delivery::start(&global.store, Sink::all(&config.sink)?).map(Some)
}
