//! Results of posture checks.

mod asff;
mod human;
mod ocsf;
mod sarif;
mod standards;

use anyhow::Result;
use bartizan_model::{finding_id, shell_word};
use bartizan_posture::{
    CHECKS, Check, CheckResult, MissingFact, MissingReason, Reason, Source, check,
};
use serde_json::{Value, json};

use super::findings::cells;
use super::{Out, note};
use crate::cli::{Format, Global, Standard};
use crate::posture::JudgedAccount;

/// Results as they are shown.
pub(crate) struct CheckList<'a> {
    pub(crate) judged: &'a [JudgedAccount],
    pub(crate) compliance: Option<Standard>,
    /// Whether only what fails now and did not before is in it.
    pub(crate) is_new: bool,
    /// Results that `--severity` or `--new` left out.
    pub(crate) hidden: usize,
}

/// One result with the check that gave it.
struct Row<'a> {
    check: &'static Check,
    result: &'a CheckResult,
    /// Time of the snapshot, milliseconds since 1970.
    time_ms: i64,
}

impl CheckList<'_> {
    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.judged.iter().flat_map(|judged| {
            judged.results.iter().filter_map(|result| {
                let (check, time_ms) = (check(result.check)?, judged.time_ms);
                Some(Row {
                    check,
                    result,
                    time_ms,
                })
            })
        })
    }
}

/// Prints results in the format that is asked for.
pub(crate) fn checked(out: &mut Out, global: &Global, list: &CheckList<'_>) -> Result<()> {
    if list.is_new {
        let without = list.judged.iter().filter(|j| j.before.is_none());
        for judged in without {
            let account = &judged.account;
            note(
                global,
                &format!("account {account} has no snapshot before: all failures are new"),
            );
        }
    }
    match (global.format, list.compliance) {
        (Format::Human, None) => human::results(out, list),
        (Format::Human, Some(standard)) => standards::table(out, list, standard),
        (Format::Json | Format::Ndjson, Some(standard)) => {
            out.rows(global.format, &standards::values(list, standard))
        }
        (Format::Json, None) => out.document(&json!({
            "accounts": list.judged.iter().map(account).collect::<Vec<_>>(),
            "hidden": list.hidden,
            "results": list.rows().map(|row| value(&row)).collect::<Vec<_>>(),
        })),
        (Format::Ndjson, None) => list.rows().try_for_each(|row| out.row(&value(&row))),
        (Format::Ocsf, _) => list
            .rows()
            .try_for_each(|row| out.row(&ocsf::finding(&row))),
        (Format::Asff, _) => list
            .rows()
            .try_for_each(|row| out.row(&asff::finding(&row))),
        (Format::Sarif, _) => out.document(&sarif::log(list)),
        (Format::Csv, _) => csv(out, list),
    }
}

fn account(judged: &JudgedAccount) -> Value {
    json!({"account": judged.account, "time": time(judged.time_ms)})
}

/// RFC 3339, whole seconds.
fn time(ms: i64) -> String {
    bartizan_model::time_text(ms.div_euclid(1000))
}

fn value(row: &Row<'_>) -> Value {
    let result = row.result;
    json!({
        "id": id(result),
        "check": result.check,
        "title": row.check.title,
        "severity": result.severity,
        "verdict": result.verdict,
        "resource": result.resource,
        "account": result.account,
        "region": result.region,
        "because": because(result),
        "fix": fix(row),
    })
}

/// Stable id of a result: the same in every snapshot.
pub(crate) fn id(result: &CheckResult) -> String {
    let entity = format!(
        "{}\u{1f}{}\u{1f}{}",
        result.account, result.region, result.resource
    );
    finding_id(result.check, &entity, false, 0)
}

/// Reasons of a verdict as text.
fn because(result: &CheckResult) -> Vec<String> {
    let text = |reason: &Reason| match reason {
        Reason::Read(text) => text.clone(),
        Reason::Unread(fact) => missing(fact),
    };
    result.because.iter().map(text).collect()
}

/// Something that was not read, with why, e.g. `s3:bucketpolicy of site was not read:
/// s3:GetBucketPolicy denied`.
pub(crate) fn missing(fact: &MissingFact) -> String {
    let of = if fact.id.is_empty() {
        String::new()
    } else {
        format!(" of {}", fact.id)
    };
    let kind = &fact.kind;
    let region = match fact.region.as_str() {
        "global" => String::new(),
        region => format!(" in {region}"),
    };
    let unread = |why: &str| format!("{kind}{of}{region} was not read: {why}");
    match &fact.why {
        MissingReason::NotAsked => unread("not asked"),
        MissingReason::NotInDump => unread("not in the dump"),
        MissingReason::Call(status) => unread(&format!("{} {status}", fact.call)),
        MissingReason::NoDocument => unread("its document is not in the store"),
        MissingReason::NotUnderstood(why) => unread(why),
        MissingReason::Field(field) => format!("{kind}{of}{region} does not say {field}"),
        MissingReason::NotListed => format!("{kind}{of}{region} is not in the list"),
        MissingReason::OtherAccount => format!("{kind}{of} belongs to another account"),
        MissingReason::NoSnapshotBefore => "there is no snapshot before".to_owned(),
        MissingReason::NoTrail => "no trail was read: bartizan watch reads it".to_owned(),
        MissingReason::NoOrigin => "who made the change is not on record".to_owned(),
    }
}

/// The command that mends a failure, with names filled in.
fn fix(row: &Row<'_>) -> String {
    let result = row.result;
    let resource = result.resource.as_str();
    let last = resource.rsplit(['/', ':']).next().unwrap_or(resource);
    // The owner of `…:user/alice/AKIAEXAMPLE`.
    let owner = resource.rsplit('/').nth(1).unwrap_or(last);
    let filled = [
        ("{resource}", resource),
        ("{name}", last),
        ("{owner}", owner),
        ("{account}", &result.account),
        ("{region}", &result.region),
    ];
    filled
        .into_iter()
        .fold(row.check.fix.to_owned(), |text, (name, value)| {
            text.replace(name, &shell_word(value))
        })
}

fn csv(out: &mut Out, list: &CheckList<'_>) -> Result<()> {
    out.line("id,check,title,severity,verdict,resource,account,region,because,fix")?;
    list.rows().try_for_each(|row| {
        let result = row.result;
        out.line(&cells(&[
            id(result),
            result.check.to_owned(),
            row.check.title.to_owned(),
            result.severity.to_string(),
            result.verdict.to_string(),
            result.resource.clone(),
            result.account.clone(),
            result.region.clone(),
            because(result).join("; "),
            fix(&row),
        ]))
    })
}

/// The checks, one a line.
pub(crate) fn listed(out: &mut Out, format: Format) -> Result<()> {
    if format != Format::Human {
        return out.rows(format, &CHECKS.iter().map(description).collect::<Vec<_>>());
    }
    for check in CHECKS {
        out.line(&format!(
            "{:9} {:8}  {}",
            check.id,
            check.severity.to_string(),
            check.title
        ))?;
    }
    out.line(&format!(
        "{} checks; bartizan check --explain ID says more of one",
        CHECKS.len()
    ))
}

/// Everything about one check.
pub(crate) fn explained(out: &mut Out, format: Format, check: &Check) -> Result<()> {
    if format != Format::Human {
        return out.json(format, vec![description(check)]);
    }
    out.line(&format!(
        "{}  {}  {}",
        check.id, check.severity, check.title
    ))?;
    out.line(&format!("  why      {}", check.why))?;
    out.line(&format!("  judged   {}", check.judged))?;
    out.line(&format!(
        "  unknown  where one of these was not read: {}",
        check.needs.join(", ")
    ))?;
    out.line(&format!("  fix      {}", check.fix))?;
    let sources: Vec<String> = check.sources.iter().map(|s| source(*s)).collect();
    if !sources.is_empty() {
        out.line(&format!("  sources  {}", sources.join(", ")))?;
    }
    Ok(())
}

fn description(check: &Check) -> Value {
    json!({
        "check": check.id,
        "title": check.title,
        "severity": check.severity,
        "why": check.why,
        "judged": check.judged,
        "needs": check.needs,
        "fix": check.fix,
        "sources": check.sources.iter().map(|s| source(*s)).collect::<Vec<_>>(),
    })
}

fn source(source: Source) -> String {
    match source {
        Source::Talk => "SEC402 (2013)".to_owned(),
        Source::TrustedAdvisor(id) => format!("Trusted Advisor {id}"),
        Source::Cis(number) => format!("CIS 3.0 {number}"),
        Source::Fsbp(control) => format!("FSBP {control}"),
    }
}
