//! `bartizan detect`.

use std::path::Path;

use anyhow::{Context, Result};
use bartizan_detect::work::ActorWork;
use bartizan_detect::{DetectionResult, Evaluator, Rules, ScanPlan};
use bartizan_evidence::Storage;
use bartizan_model::{Finding, Severity};
use serde::Serialize;

use crate::cli::{DetectArgs, Format, Global};
use crate::detection::{MEMORY, networks, remembered, rule_files, scan, thread_count, work_of};
use crate::outcome::Outcome;
use crate::render::{self, Bytes, Out, shell};
use crate::store;
use crate::trail::{TrailObject, WantedObjects, objects};
use crate::trail_records::each_record;

pub(super) fn run(global: &Global, args: &DetectArgs) -> Result<Outcome> {
    if let (Some(since), Some(until)) = (args.since, args.until)
        && since > until
    {
        render::error(
            &anyhow::anyhow!(
                "--since {since} is later than --until {until}: no event can be in between"
            ),
            false,
        );
        return Ok(Outcome::WrongUsage);
    }
    let wanted = WantedObjects {
        paths: &args.paths,
        list: args.list.as_deref(),
        since: args.since,
        until: args.until,
        profile: args.profile.as_deref(),
    };
    let (objects, left_out) = objects(&wanted)?;
    if !args.event.is_empty() {
        return show_events(&objects, &args.event);
    }
    let storage = store::open(global)?;
    let plan = ScanPlan {
        rules: Rules::load(&rule_files(&args.rules, !args.no_builtin_rules)?),
        networks: networks(&args.geo, args.ip_ranges.as_deref())?,
        memory: remembered(storage.as_ref())?,
        tally: args.summary,
        calls: None,
    };
    let mut judge = Evaluator::new(&plan);
    let total: Option<u64> = objects.iter().map(|o| o.bytes).sum();
    let bar = Bytes::new(global, total);
    scan(
        &objects.iter().collect::<Vec<_>>(),
        (&plan, thread_count(args.threads)),
        |bytes| bar.add(bytes),
        &mut judge,
    );
    bar.clear();

    let sources = sources(args);
    let mut verdicts = judge.finish(args.learn, &|id| {
        format!("bartizan detect {sources} --event {id}")
    });
    remember(global, args, storage.as_ref(), &verdicts)?;
    let actors = work_of(&mut verdicts.work, &verdicts.findings);
    print(global, args, &plan, &verdicts, &actors, left_out)?;
    let worst = verdicts.findings.iter().map(|f| f.severity).max();
    if args
        .fail_on
        .is_some_and(|limit| worst.is_some_and(|w| w >= limit))
    {
        return Ok(Outcome::Findings);
    }
    let outcome = match &verdicts.totals {
        totals
            if args.require_complete
                && (totals.is_incomplete() || !plan.rules.problems.is_empty()) =>
        {
            Outcome::Incomplete
        }
        totals if totals.judged_nothing() => Outcome::Bad,
        _ => Outcome::Done,
    };
    Ok(outcome)
}

/// Prints the records with these ids, as they stand in the log.
fn show_events(objects: &[TrailObject], ids: &[String]) -> Result<Outcome> {
    let mut out = Out::new();
    let mut found = 0;
    let unread = each_record(objects, ids, &mut |record| {
        out.json(Format::Json, vec![record])?;
        found += 1;
        Ok(true)
    })?;
    if found == 0 {
        let unread = if unread > 0 {
            format!(", of which {unread} could not be read")
        } else {
            String::new()
        };
        anyhow::bail!(
            "no record with that event id in {} objects{unread}",
            objects.len()
        );
    }
    Ok(Outcome::Done)
}

/// Keeps the memory where there is a store, or where one was asked for; never makes one beside
/// somebody's logs unasked.
fn remember(
    global: &Global,
    args: &DetectArgs,
    storage: &dyn Storage,
    verdicts: &DetectionResult,
) -> Result<()> {
    let asked = args.learn || global.store != "bartizan-store";
    if !asked && !Path::new(&global.store).exists() {
        return Ok(());
    }
    if let Err(e) = store::replace(global, storage, MEMORY, &verdicts.memory.to_bytes()) {
        if args.learn {
            return Err(e).context("cannot write the first-seen memory");
        }
        render::note(
            global,
            &format!("what was seen could not be remembered: {e}"),
        );
    }
    Ok(())
}

/// The sources as typed, for a command that reads them again.
fn sources(args: &DetectArgs) -> String {
    let mut words: Vec<String> = args.paths.iter().map(|p| shell(p)).collect();
    if let Some(list) = &args.list {
        words.extend(["--list".to_owned(), shell(list)]);
    }
    words.join(" ")
}

/// Actors whose work is shown unasked.
fn shown(actors: &[ActorWork], findings: &[Finding]) -> Vec<ActorWork> {
    let worst = |key: &str| {
        findings
            .iter()
            .filter(|f| f.actor.as_ref().is_some_and(|a| a.key == key))
            .map(|f| f.severity)
            .max()
            .unwrap_or_default()
    };
    actors
        .iter()
        .filter(|w| render::is_shown_unasked(worst(&w.key)))
        .cloned()
        .collect()
}

/// Document of `--format json`.
#[derive(Serialize)]
struct DetectDocument<'v> {
    #[serde(flatten)]
    totals: serde_json::Value,
    findings: &'v [Finding],
    actors: &'v [ActorWork],
}

fn print(
    global: &Global,
    args: &DetectArgs,
    plan: &ScanPlan,
    verdicts: &DetectionResult,
    actors: &[ActorWork],
    left_out: usize,
) -> Result<()> {
    let mut out = Out::new();
    match global.format {
        Format::Human if args.learn => {
            let text = format!(
                "learned from {} events: {} keys remembered",
                verdicts.totals.events,
                verdicts.memory.len()
            );
            out.line(&text)?;
        }
        Format::Human if args.summary => render::summary(&mut out, verdicts)?,
        Format::Human => {
            render::timeline(&mut out, verdicts, &sources(args), left_out, args.all)?;
            render::work(&mut out, &shown(actors, &verdicts.findings))?;
            out.flush()?;
        }
        Format::Json => {
            out.document(&DetectDocument {
                totals: render::totals_json(verdicts, left_out),
                findings: &verdicts.findings,
                actors,
            })?;
        }
        Format::Ndjson => {
            let findings = verdicts
                .findings
                .iter()
                .map(serde_json::to_value)
                .collect::<Result<Vec<_>, _>>()?;
            out.json(Format::Ndjson, findings)?;
        }
        Format::Ocsf => out.json(
            Format::Ndjson,
            verdicts
                .findings
                .iter()
                .map(|f| render::ocsf(f, &plan.rules))
                .collect(),
        )?,
        // The formats of other commands are refused before.
        Format::Csv | Format::Asff | Format::Sarif => render::csv(&mut out, &verdicts.findings)?,
    }
    if !matches!(global.format, Format::Human | Format::Json) {
        let high = verdicts
            .findings
            .iter()
            .filter(|f| f.severity >= Severity::High)
            .count();
        render::talk(
            global,
            &format!(
                "{} events · {} findings, {high} high or critical",
                verdicts.totals.events,
                verdicts.findings.len()
            ),
        );
    }
    Ok(())
}
