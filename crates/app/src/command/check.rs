//! `bartizan check`.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use bartizan_model::Severity;
use bartizan_posture::{CHECKS, Check, CheckResult, CheckVerdict, check};

use crate::access::actions;
use crate::cli::{CheckArgs, Global};
use crate::outcome::Outcome;
use crate::posture::{JudgedAccount, posture, result_id};
use crate::render::{self, CheckList, Out};

pub(super) fn run(global: &Global, args: &CheckArgs) -> Result<Outcome> {
    let mut out = Out::new();
    if args.list {
        render::listed(&mut out, global.format)?;
        return Ok(Outcome::Done);
    }
    if let Some(id) = &args.explain {
        render::explained(&mut out, global.format, named(id)?)?;
        return Ok(Outcome::Done);
    }
    let checks = chosen(args)?;
    let actions = actions(&args.table)?;
    let mut judged = posture(global, args, &actions, &checks)?;
    let worst = judged.iter().filter_map(worst).max();
    let mut results = judged.iter().flat_map(|j| &j.results);
    let is_incomplete = results.any(|r| r.verdict == CheckVerdict::Unknown);
    let all = judged.iter().map(|j| j.results.len()).sum::<usize>();
    judged.iter_mut().for_each(|j| narrow(j, args));
    let shown = judged.iter().map(|j| j.results.len()).sum::<usize>();
    let list = CheckList {
        judged: &judged,
        compliance: args.compliance,
        is_new: args.new,
        hidden: all - shown,
    };
    render::checked(&mut out, global, &list)?;
    out.flush()?;
    let is_bad = |limit| worst.is_some_and(|w| w >= limit);
    Ok(if args.fail_on.is_some_and(is_bad) {
        Outcome::Findings
    } else if args.require_complete && is_incomplete {
        Outcome::Incomplete
    } else {
        Outcome::Done
    })
}

/// The worst severity of what fails and was not accepted.
fn worst(judged: &JudgedAccount) -> Option<Severity> {
    let is_open = |r: &&CheckResult| {
        r.verdict == CheckVerdict::Fail
            && (judged.accepted.is_empty() || !judged.accepted.contains_key(&result_id(r)))
    };
    let open = judged.results.iter().filter(is_open);
    open.map(|r| r.severity).max()
}

/// The checks that the arguments name.
fn chosen(args: &CheckArgs) -> Result<Vec<&'static Check>> {
    let ids = |list: &[String]| -> Result<BTreeSet<&'static str>> {
        list.iter().map(|id| Ok(named(id)?.id)).collect()
    };
    let (only, not) = (ids(&args.checks)?, ids(&args.skip)?);
    let wanted = |c: &&Check| (only.is_empty() || only.contains(c.id)) && !not.contains(c.id);
    let chosen: Vec<&'static Check> = CHECKS.iter().filter(wanted).collect();
    if chosen.is_empty() {
        bail!("no check is left: --skip takes away all that --check names");
    }
    Ok(chosen)
}

fn named(id: &str) -> Result<&'static Check> {
    match check(id) {
        Some(check) => Ok(check),
        None => bail!("there is no check {id}: bartizan check --list has them all"),
    }
}

/// Leaves the results that are asked for: of a severity, and new.
fn narrow(judged: &mut JudgedAccount, args: &CheckArgs) {
    let before: Option<BTreeSet<(&str, &str, &str)>> = judged.before.as_ref().map(|before| {
        let failing = before.iter().filter(|r| r.verdict == CheckVerdict::Fail);
        failing.map(key).collect()
    });
    let is_new = |result: &CheckResult| {
        let before = before.as_ref();
        result.verdict == CheckVerdict::Fail && before.is_none_or(|b| !b.contains(&key(result)))
    };
    judged.results.retain(|result| {
        args.severity.is_none_or(|least| result.severity >= least) && (!args.new || is_new(result))
    });
}

fn key(result: &CheckResult) -> (&str, &str, &str) {
    (result.check, &result.region, &result.resource)
}
