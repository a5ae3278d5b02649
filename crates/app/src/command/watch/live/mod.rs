//! `bartizan watch` for ever: sources bring objects, snapshots and bills as they come, each tick
//! joins what is new with what is kept, and only then is a source told that it may forget.

mod arrivals;
mod clocks;
mod folders;
mod prefix_source;
mod process;
mod queue_source;
mod round;
mod signals;
mod snapshot_taker;
mod sources;
mod tick;
mod touched_parts;

use std::sync::Arc;

use anyhow::Result;

use self::process::LiveWatch;
use self::round::{RoundEnd, watch_round};
use super::config::Config;
use crate::cli::{Global, WatchArgs};
use crate::outcome::Outcome;
use crate::render;

/// Watches until a signal ends it.
pub(super) fn run(global: &Global, args: &WatchArgs, config: Config) -> Result<Outcome> {
    let mut watch = LiveWatch::start(global, args, &config)?;
    let mut config = Arc::new(config);
    loop {
        match watch_round(&mut watch, &config)? {
            RoundEnd::Stop => {
                watch.stop();
                render::talk(global, "stopped: everything that came is kept");
                return Ok(Outcome::Done);
            }
            RoundEnd::Reload(new) => {
                render::talk(global, "the configuration was read again");
                watch.use_config(&new)?;
                config = new;
            }
            RoundEnd::Anew => {}
        }
    }
}
