//! `bartizan watch --once`: snapshots, differences, trail, bill, attribution, incidents,
//! store.

mod bill;
mod compare;
mod config;
mod credentials;
mod hygiene;
mod inputs;
mod integrity;
mod organizations;
mod result;
mod run;
mod snapshots;

use std::sync::Arc;

use anyhow::{Context, Result};
use bartizan_evidence::Storage;
use jiff::Timestamp;
use serde_json::{Value, json};

use self::bill::reported_before;
use self::config::Config;
use self::inputs::{WatchInputs, accepted, fingerprint, history};
use self::run::INPUT;
use self::snapshots::take_snapshots;
use super::report;
use crate::bill::BillParts;
use crate::cli::{Format, Global, WatchArgs};
use crate::files::write_whole;
use crate::outcome::Outcome;
use crate::render::{self, Out};
use crate::store::{self, StoreState};
use crate::trail::{WantedObjects, objects};
use crate::watch_result::WatchResult;

pub(super) fn run(global: &Global, args: &WatchArgs) -> Result<Outcome> {
    let config = Config::find(args.dir.as_deref(), args.config.as_deref())?;
    let mut state = StoreState::watch(&global.store)?;
    let storage: Arc<dyn Storage> = Arc::from(store::open(global)?);
    take_snapshots(global, &config, storage.as_ref())?;
    let history = history(storage.as_ref())?;
    let wanted = WantedObjects {
        paths: &config.trail.sources,
        list: None,
        since: None,
        until: None,
        profile: config.trail.profile.as_deref(),
    };
    let (all, _) = objects(&wanted)?;
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
                history,
                objects: all,
                bill,
                accepted,
                now,
            };
            let watched = run::run(&inputs, &mut state, &input)?;
            write_outputs(global, &config, &watched)?;
            watched
        }
    };
    if let Some(file) = &args.report {
        write_whole(file, &report::document(global, &watched)?)?;
    }
    print(global, &watched)?;
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

fn write_outputs(global: &Global, config: &Config, watched: &WatchResult) -> Result<()> {
    if let Some(file) = &config.output.findings {
        let lines: Vec<String> = watched
            .findings
            .iter()
            .map(serde_json::to_string)
            .collect::<Result<_, _>>()?;
        let text: String = lines.iter().map(|l| format!("{l}\n")).collect();
        std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    if let Some(file) = &config.output.report {
        write_whole(file, &report::document(global, watched)?)?;
    }
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
