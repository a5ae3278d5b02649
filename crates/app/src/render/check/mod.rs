//! Results of posture checks.

mod asff;
mod human;
mod ocsf;
mod row;
mod sarif;
mod standards;

use anyhow::Result;
use bartizan_posture::{CHECKS, Check};
use serde_json::{Value, json};

pub(crate) use row::{CheckList, check_reasons, missing};
use row::{ResultRow, fix, source, time};

use super::findings::cells;
use super::{Out, note};
use crate::cli::{Format, Global};
use crate::posture::{JudgedAccount, result_id};

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

fn value(row: &ResultRow<'_>) -> Value {
    let result = row.result;
    let mut value = json!({
        "id": result_id(result),
        "check": result.check,
        "title": row.check.title,
        "severity": result.severity,
        "verdict": result.verdict,
        "resource": result.resource,
        "account": result.account,
        "region": result.region,
        "because": check_reasons(result),
        "fix": fix(row),
    });
    if let Some(j) = row.accepted {
        value["accepted"] = json!({"reason": j.reason, "until": j.until});
    }
    value
}

fn csv(out: &mut Out, list: &CheckList<'_>) -> Result<()> {
    out.line("id,check,title,severity,verdict,resource,account,region,because,fix,accepted")?;
    list.rows().try_for_each(|row| {
        let result = row.result;
        out.line(&cells(&[
            result_id(result),
            result.check.to_owned(),
            row.check.title.to_owned(),
            result.severity.to_string(),
            result.verdict.to_string(),
            result.resource.clone(),
            result.account.clone(),
            result.region.clone(),
            check_reasons(result).join("; "),
            fix(&row),
            row.accepted.map(|j| j.reason.clone()).unwrap_or_default(),
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
