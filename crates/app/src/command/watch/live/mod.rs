//! `bartizan watch` for ever: sources bring objects, snapshots and bills as they come, each tick
//! joins what is new with what is kept, and only then is a source told that it may forget.

mod arrivals;
mod clocks;
mod folders;
mod prefix_source;
mod queue_source;
mod round;
mod signals;
mod snapshot_taker;
mod tick;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bartizan_evidence::Storage;

use self::round::RoundEnd;
use self::signals::Signals;
use super::config::Config;
use super::health::WatchKeeper;
use crate::alerting::{Delivery, Sink};
use crate::cli::{Global, WatchArgs};
use crate::outcome::Outcome;
use crate::render;
use crate::store::{self, KeptScans, StoreState};

/// Time that deliveries have to end.
const STOP: Duration = Duration::from_secs(5);

/// What lives as long as the process.
struct LiveWatch<'a> {
    global: &'a Global,
    args: &'a WatchArgs,
    storage: Arc<dyn Storage>,
    state: StoreState,
    scans: KeptScans,
    signals: Signals,
    keeper: WatchKeeper,
    /// Where there are sinks.
    delivery: Option<Delivery>,
}

/// Watches until a signal ends it.
pub(super) fn run(global: &Global, args: &WatchArgs, config: Config) -> Result<Outcome> {
    // Before any thread starts: threads inherit which signals are blocked.
    let signals = Signals::listen()?;
    let mut watch = LiveWatch {
        global,
        args,
        state: StoreState::watch(&global.store)?,
        scans: KeptScans::open(&global.store)?,
        storage: Arc::from(store::open(global)?),
        signals,
        keeper: WatchKeeper::start(&global.store, &config)?,
        delivery: None,
    };
    let mut config = Arc::new(config);
    watch.delivery = watch.deliveries(&config)?;
    loop {
        match watch.round(&config)? {
            RoundEnd::Stop => {
                if let Some(delivery) = watch.delivery.take() {
                    // What is left waits in the outbox.
                    delivery.stop(STOP);
                }
                watch.keeper.stopped();
                render::talk(global, "stopped: everything that came is kept");
                return Ok(Outcome::Done);
            }
            RoundEnd::Reload(new) => {
                render::talk(global, "the configuration was read again");
                watch.keeper.reloading();
                watch.keeper.use_config(&new)?;
                if let Some(delivery) = watch.delivery.take() {
                    delivery.stop(STOP);
                }
                watch.delivery = watch.deliveries(&new)?;
                config = new;
            }
            RoundEnd::Anew => {}
        }
    }
}

impl LiveWatch<'_> {
    /// Deliveries to the sinks of a configuration.
    fn deliveries(&self, config: &Config) -> Result<Option<Delivery>> {
        if config.sink.is_empty() {
            return Ok(None);
        }
        Delivery::start(&self.global.store, Sink::all(&config.sink)?).map(Some)
    }

    /// Configuration as it is now; the old one stays where it cannot be used.
    fn reloaded(&self) -> Result<Config> {
        Config::find(self.args.dir.as_deref(), self.args.config.as_deref()).context("on SIGHUP")
    }
}
