//! `bartizan alerts redrive`.

use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use serde_json::json;

use super::super::watch::configured_sinks;
use crate::alerting::{Delivery, Sink};
use crate::cli::{AlertsRedriveArgs, Format, Global};
use crate::outcome::Outcome;
use crate::render::{Out, undelivered};
use crate::store::{Outbox, is_delivering};

/// Longest time that is spent on sending.
const DELIVERY: Duration = Duration::from_secs(60);

pub(super) fn run(global: &Global, args: &AlertsRedriveArgs) -> Result<Outcome> {
    let outbox = Outbox::open(&global.store)?;
    let now_ms = Timestamp::now().as_millisecond();
    let count = outbox.redrive(args.sink.as_deref(), args.key.as_deref(), now_ms)?;
    let by_watch = is_delivering(&global.store)?;
    if !by_watch && count > 0 {
        let sinks = Sink::all(&configured_sinks(args.config.as_deref())?)?;
        let states = Delivery::once(&global.store, sinks, DELIVERY)?;
        undelivered(global, &states);
    }
    let mut out = Out::new();
    if global.format != Format::Human {
        out.json(
            global.format,
            vec![json!({"redriven": count, "by_running_watch": by_watch})],
        )?;
        return Ok(Outcome::Done);
    }
    let alerts = if count == 1 { "alert" } else { "alerts" };
    let who = match (count, by_watch) {
        (0, _) => ": nothing was given up",
        (_, true) => "; the running watch sends them",
        (_, false) => "",
    };
    out.line(&format!("{count} {alerts} redriven{who}"))?;
    out.flush()?;
    Ok(Outcome::Done)
}
