//! `bartizan spend` and `bartizan spend ladder`.

use anyhow::{Result, bail};
use bartizan_detect::Rules;
use bartizan_model::Finding;
use bartizan_spend::{JudgeOptions, alarm_proposals, judge, spend_summary};

use super::ladder_check;
use crate::bill::{BillParts, BillSource, read_bill};
use crate::cli::{Format, Global, LadderArgs, SpendArgs, SpendCommand};
use crate::outcome::Outcome;
use crate::render::{self, Out, SpendAbout, SpendDocument};

pub(super) fn run(global: &Global, args: &SpendArgs) -> Result<Outcome> {
    if let Some(SpendCommand::Ladder(args)) = &args.command {
        return ladder(global, args);
    }
    let as_of = args.as_of.unwrap_or_else(jiff::Timestamp::now);
    let source = BillSource {
        paths: &args.paths,
        profile: args.profile.as_deref(),
        live: args.live,
        cost_explorer: args.cost_explorer,
    };
    let parts = BillParts::find(global, &source, as_of)?;
    let (ledger, superseded) = read_bill(global, &parts);
    let mut out = Out::new();
    if args.summary {
        let last_day = bartizan_spend::today(as_of.as_second());
        let Some(summary) = spend_summary(&ledger, last_day) else {
            bail!("no charge was read: is this a bill?");
        };
        match global.format {
            Format::Human => render::spend_summary(&mut out, &summary)?,
            _ => out.document(&summary)?,
        }
        return Ok(Outcome::Done);
    }
    let options = JudgeOptions {
        as_of_s: as_of.as_second(),
        scored_hours: i64::from(args.scored_after),
        learning_days: i32::from(args.learning_days),
        early_days: i32::from(args.early_days),
        announced: args.announced.clone(),
        ..JudgeOptions::default()
    }
    .with_false_alarms(args.false_alarms);
    let found = judge(&ledger, &options);
    let about = SpendAbout {
        superseded,
        false_alarms: args.false_alarms,
        as_of_day: bartizan_spend::today(as_of.as_second()),
    };
    let document = SpendDocument::new(&ledger, &about, &found);
    print(&mut out, global, args, &document)?;
    let worst = found.iter().map(|f| f.finding.severity).max();
    if args
        .fail_on
        .is_some_and(|limit| worst.is_some_and(|w| w >= limit))
    {
        return Ok(Outcome::Findings);
    }
    let incomplete = ledger.problems.count > 0 || !ledger.unread.is_empty();
    Ok(match () {
        () if args.require_complete && incomplete => Outcome::Incomplete,
        () if ledger.rows() == 0 => Outcome::Bad,
        () => Outcome::Done,
    })
}

fn print(
    out: &mut Out,
    global: &Global,
    args: &SpendArgs,
    document: &SpendDocument<'_>,
) -> Result<()> {
    let findings = || document.findings.iter().map(|f| &f.finding);
    match global.format {
        Format::Human => render::spend(out, document, args.all)?,
        Format::Json => out.document(document)?,
        Format::Ndjson => {
            let rows: Result<Vec<_>, _> = findings().map(serde_json::to_value).collect();
            out.json(Format::Ndjson, rows?)?;
        }
        Format::Ocsf => {
            let rules = Rules::load(&[]);
            let rows = findings().map(|f| render::ocsf(f, &rules)).collect();
            out.json(Format::Ndjson, rows)?;
        }
        Format::Csv | Format::Asff | Format::Sarif => {
            let rows: Vec<Finding> = findings().cloned().collect();
            render::csv(out, &rows)?;
        }
    }
    if !matches!(global.format, Format::Human | Format::Json) {
        render::talk(global, &render::spend_headline(document));
    }
    Ok(())
}

fn ladder(global: &Global, args: &LadderArgs) -> Result<Outcome> {
    let source = BillSource {
        paths: &args.paths,
        profile: args.profile.as_deref(),
        live: false,
        cost_explorer: 0,
    };
    let parts = BillParts::find(global, &source, jiff::Timestamp::now())?;
    let (ledger, _) = read_bill(global, &parts);
    let proposals = alarm_proposals(&ledger, i32::MAX);
    if proposals.is_empty() {
        bail!("no whole month of charges was read: a ladder needs one");
    }
    if args.check {
        return ladder_check::run(global, args, &proposals);
    }
    let mut out = Out::new();
    match global.format {
        Format::Human => render::ladder(&mut out, &proposals, &args.topic, args.form)?,
        _ => out.document(&proposals)?,
    }
    Ok(Outcome::Done)
}
