//! Results for people: the answer first, then what fails, worst first.

use std::collections::BTreeMap;

use anyhow::Result;
use bartizan_model::Severity;
use bartizan_posture::{Check, CheckVerdict};

use super::super::style::{painted, severity_style};
use super::super::words::counted;
use super::super::{Out, clean};
use super::row::{CheckList, ResultRow, check_reasons, fix};

/// Resources of one check that are shown one by one.
const RESOURCES_SHOWN: usize = 5;

/// Results of one check.
struct Group<'a> {
    check: &'static Check,
    severity: Severity,
    fails: Vec<ResultRow<'a>>,
    /// Failures that somebody accepted.
    accepted: Vec<ResultRow<'a>>,
    unknown: Vec<ResultRow<'a>>,
    passes: usize,
}

pub(super) fn results(out: &mut Out, list: &CheckList<'_>) -> Result<()> {
    let groups = groups(list);
    out.line(&headline(list, &groups))?;
    for group in groups.iter().filter(|g| !g.fails.is_empty()) {
        failing(out, group)?;
    }
    accepted(out, &groups)?;
    unknown(out, &groups)?;
    let passing = groups
        .iter()
        .filter(|g| g.fails.is_empty() && g.accepted.is_empty() && g.unknown.is_empty())
        .count();
    let passes: usize = groups.iter().map(|g| g.passes).sum();
    out.line(&format!(
        "{} for every resource; {} in all",
        counted(passing as u64, "check passes", "checks pass"),
        counted(passes as u64, "pass", "passes"),
    ))?;
    if list.hidden > 0 {
        let hidden = counted(list.hidden as u64, "result", "results");
        out.line(&format!("{hidden} not shown (--severity, --new)"))?;
    }
    Ok(())
}

fn groups<'a>(list: &'a CheckList<'_>) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<&str, Group<'a>> = BTreeMap::new();
    for row in list.rows() {
        let group = groups.entry(row.check.id).or_insert_with(|| Group {
            check: row.check,
            severity: Severity::Info,
            fails: Vec::new(),
            accepted: Vec::new(),
            unknown: Vec::new(),
            passes: 0,
        });
        match row.result.verdict {
            CheckVerdict::Fail if row.accepted.is_some() => group.accepted.push(row),
            CheckVerdict::Fail => {
                group.severity = group.severity.max(row.result.severity);
                group.fails.push(row);
            }
            CheckVerdict::Unknown => group.unknown.push(row),
            CheckVerdict::Pass => group.passes += 1,
        }
    }
    let mut groups: Vec<Group<'_>> = groups.into_values().collect();
    groups.sort_by_key(|g| (std::cmp::Reverse(g.severity), g.check.id));
    groups
}

/// Whether something is open: the first line.
fn headline(list: &CheckList<'_>, groups: &[Group<'_>]) -> String {
    let failing: Vec<&Group<'_>> = groups.iter().filter(|g| !g.fails.is_empty()).collect();
    let accounts = counted(list.judged.len() as u64, "account", "accounts");
    let unknown = groups.iter().filter(|g| !g.unknown.is_empty()).count();
    let unseen = if unknown == 0 {
        String::new()
    } else {
        format!(
            "; {} could not be judged in full",
            counted(unknown as u64, "check", "checks")
        )
    };
    let accepted: usize = groups.iter().map(|g| g.accepted.len()).sum();
    let unseen = match accepted {
        0 => unseen,
        n => {
            let failures = counted(n as u64, "failure", "failures");
            format!("; {failures} accepted{unseen}")
        }
    };
    let at = |least: Severity| failing.iter().filter(|g| g.severity == least).count();
    match (failing.len(), unknown) {
        (0, 0) => format!("CLOSED  no check fails in {accounts}{unseen}"),
        (0, _) => format!("CANNOT TELL  no check fails in what was read of {accounts}{unseen}"),
        (n, _) => format!(
            "OPEN  {} in {accounts}: {} critical, {} high{unseen}",
            counted(n as u64, "check fails", "checks fail"),
            at(Severity::Critical),
            at(Severity::High),
        ),
    }
}

fn failing(out: &mut Out, group: &Group<'_>) -> Result<()> {
    let word = format!("{:8}", group.severity.to_string());
    out.styled(&format!(
        "{} {:9} {}  ({} of {})",
        painted(severity_style(group.severity), &word),
        group.check.id,
        group.check.title,
        group.fails.len(),
        group.fails.len() + group.accepted.len() + group.unknown.len() + group.passes,
    ))?;
    for row in group.fails.iter().take(RESOURCES_SHOWN) {
        let region = match row.result.region.as_str() {
            "global" => String::new(),
            region if row.result.resource.contains(region) => String::new(),
            region => format!(" ({region})"),
        };
        out.line(&format!(
            "  {}{region}: {}",
            row.result.resource,
            check_reasons(row.result).join("; ")
        ))?;
    }
    let more = group.fails.len().saturating_sub(RESOURCES_SHOWN);
    if more > 0 {
        let id = group.check.id;
        out.line(&format!(
            "  and {more} more: bartizan check --check {id} --format ndjson"
        ))?;
    }
    if let Some(first) = group.fails.first() {
        out.styled(&format!("  fix: {}", clean(&fix(first))))?;
    }
    Ok(())
}

/// Failures that somebody accepted, with why and until when.
fn accepted(out: &mut Out, groups: &[Group<'_>]) -> Result<()> {
    for row in groups.iter().flat_map(|g| &g.accepted) {
        let Some(j) = row.accepted else { continue };
        let until = j.until.as_ref().map(|until| format!(", until {until}"));
        out.line(&format!(
            "accepted  {} {}: {}{}",
            row.check.id,
            row.result.resource,
            j.reason,
            until.unwrap_or_default()
        ))?;
    }
    Ok(())
}

/// Checks that could not be judged in full, those with one reason together.
fn unknown(out: &mut Out, groups: &[Group<'_>]) -> Result<()> {
    let mut by_reason: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for group in groups.iter().filter(|g| !g.unknown.is_empty()) {
        let mut reasons: Vec<String> = group
            .unknown
            .iter()
            .flat_map(|row| check_reasons(row.result))
            .collect();
        reasons.sort();
        reasons.dedup();
        let first = reasons.first().cloned().unwrap_or_default();
        let more = reasons.len().saturating_sub(1);
        let reason = if more == 0 {
            first
        } else {
            format!("{first}, and {more} more")
        };
        let n = group.unknown.len();
        by_reason.entry(reason).or_default().push(if n == 1 {
            group.check.id.to_owned()
        } else {
            format!("{} ({n})", group.check.id)
        });
    }
    for (reason, checks) in by_reason {
        out.line(&format!("unknown  {}: {reason}", checks.join(", ")))?;
    }
    Ok(())
}
