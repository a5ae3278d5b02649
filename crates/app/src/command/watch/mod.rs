//! `bartizan watch`, once or for ever: snapshots, differences, trail, bill, attribution, incidents,
//! store.

mod bill;
mod compare;
mod config;
mod credentials;
mod health;
mod hygiene;
mod inputs;
mod integrity;
mod judge_cache;
mod kept_trail;
mod live;
mod organizations;
mod outputs;
mod queue_losses;
mod result;
mod run;
mod sensors;
mod snapshots;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bartizan_evidence::Storage;
use jiff::Timestamp;
use serde_json::{Value, json};

use self::bill::reported_before;
use self::config::Config;
use self::inputs::{WatchInputs, accepted, fingerprint, history, trail_objects};
use self::outputs::write_outputs;
use self::run::INPUT;
use self::snapshots::take_snapshots;
use super::report;
use crate::alerting::{Delivery, Sink, SinkConfig};
use crate::bill::BillParts;
use crate::cli::{Format, Global, WatchArgs};
use crate::files::write_whole;
use crate::outcome::Outcome;
use crate::render::{self, Out};
use crate::store::{self, KeptScans, StoreState};
use crate::watch_result::WatchResult;

/// Longest time that one watch spends on its alerts; the rest waits for the next.
const DELIVERY: Duration = Duration::from_secs(60);

pub(super) fn run(global: &Global, args: &WatchArgs) -> Result<Outcome> {
    let config = Config::find(args.dir.as_deref(), args.config.as_deref())?;
    if !args.once {
        return live::run(global, args, config);
    }
    let mut state = StoreState::watch(&global.store)?;
    let storage: Arc<dyn Storage> = Arc::from(store::open(global)?);
    take_snapshots(global, &config, storage.as_ref())?;
    let history = history(storage.as_ref())?;
    let scans = KeptScans::open(&global.store)?;
    let all = trail_objects(global, &config, &state, &scans, true)?;
    let accepted = accepted(storage.as_ref(), &config)?;
    let now = Timestamp::now();
    let source = config.spend.source();
    let bill = source
        .map(|s| BillParts::find(global, &s, now))
        .transpose()?;

    let input = fingerprint(&config, &history, (&all, bill.as_ref()), &accepted, now);
    let is_scored = reported_before(&state)?.is_scored(config.spend.options(now).scored_day());
    let watched = match (state.get(INPUT)?, WatchResult::last(&state)?) {
        (Some(before), Some(watched)) if before == input.as_bytes() && is_scored => WatchResult {
            new: false,
            ..watched
        },
        _ => {
            let inputs = WatchInputs {
                global,
                args,
                config: &config,
                storage: &storage,
                log_size: 0,
                history,
                objects: all,
                bill,
                accepted,
                now,
            };
            let watched = run::run(&inputs, &mut state, &scans, &input)?;
            write_outputs(global, &config, &watched)?;
            watched
        }
    };
    if let Some(file) = &args.report {
        write_whole(file, &report::document(global, &watched)?)?;
    }
    print(global, &watched)?;
    deliver(global, &config)?;
    let worst = watched.findings.iter().map(|f| f.severity).max();
    if args
        .fail_on
        .is_some_and(|limit| worst.is_some_and(|w| w >= limit))
    {
        return Ok(Outcome::Findings);
    }
    let incomplete = !watched.coverage.holes.is_empty()
        || watched.snapshot.iter().any(|s| s.calls_read < s.calls);
    Ok(if args.require_complete && incomplete {
        Outcome::Incomplete
    } else {
        Outcome::Done
    })
}

/// Sinks of a configuration file, or of `./bartizan.toml`.
pub(super) fn configured_sinks(file: Option<&Path>) -> Result<Vec<SinkConfig>> {
    Ok(Config::find(None, file)?.sink)
}

/// Sends what waits in the outbox, and says what still waits.
fn deliver(global: &Global, config: &Config) -> Result<()> {
    if config.sink.is_empty() {
        return Ok(());
    }
    let sinks = Sink::all(&config.sink)?;
    let states = Delivery::once(&global.store, sinks, DELIVERY)?;
    render::undelivered(global, &states);
    Ok(())
}

fn print(global: &Global, watched: &WatchResult) -> Result<()> {
    let mut out = Out::new();
    match global.format {
        Format::Human => render::watched(&mut out, watched, &global.store)?,
        Format::Ndjson => {
            let rows = watched.incidents.iter().map(|i| json!({"incident": i}));
            let rows = rows.chain(watched.actors.iter().map(|a| json!({"actor": a})));
            let rows = rows.chain(watched.findings.iter().map(|f| json!({"finding": f})));
            let mut rows: Vec<Value> = rows.collect();
            rows.push(json!({
                "bill": watched.bill,
                "coverage": watched.coverage,
                "snapshot": watched.snapshot,
                "evidence": watched.evidence,
            }));
            out.json(Format::Ndjson, rows)?;
        }
        _ => out.json(Format::Json, vec![serde_json::to_value(watched)?])?,
    }
    out.flush()
}
