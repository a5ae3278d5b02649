//! Results by the requirements of a standard.

use std::collections::BTreeMap;

use anyhow::Result;
use bartizan_posture::{Check, CheckVerdict, Compliance};
use serde_json::{Value, json};

use super::super::Out;
use super::row::{CheckList, ResultRow};
use crate::cli::Standard;

/// Counts of one requirement.
#[derive(Default)]
struct Counts {
    fails: usize,
    /// Failures that somebody accepted.
    accepted: usize,
    unknown: usize,
    passes: usize,
    checks: Vec<&'static str>,
    title: String,
}

/// The lines of Trusted Advisor on the talk's slide, and the checks behind each.
const ADVISOR: [(&str, &[&str]); 5] = [
    ("Security Groups - Specific Ports Unrestricted", &["NET-01"]),
    ("IAM Use", &["IAMUSE-01"]),
    ("Amazon S3 Bucket Permissions", &["PUB-01"]),
    ("MFA on Root Account", &["ROOT-01"]),
    ("IAM Password Policy", &["PWD-01"]),
];

pub(super) fn table(out: &mut Out, list: &CheckList<'_>, standard: Standard) -> Result<()> {
    for (requirement, counts) in requirements(list, standard) {
        let total = counts.fails + counts.accepted + counts.unknown + counts.passes;
        let verdict = match (counts.fails, counts.unknown, counts.accepted) {
            (0, 0, 0) => "pass",
            (0, 0, _) => "accepted",
            (0, _, _) => "unknown",
            _ => "FAIL",
        };
        let accepted = match counts.accepted {
            0 => String::new(),
            n => format!(", {n} accepted"),
        };
        let unknown = match counts.unknown {
            0 => String::new(),
            n => format!(", {n} unknown"),
        };
        out.line(&format!(
            "{verdict:8} {requirement:12} {} of {total}{accepted}{unknown}  {} ({})",
            counts.fails,
            counts.title,
            counts.checks.join(", "),
        ))?;
    }
    Ok(())
}

pub(super) fn values(list: &CheckList<'_>, standard: Standard) -> Vec<Value> {
    let value = |(requirement, counts): (String, Counts)| {
        json!({
            "requirement": requirement,
            "title": counts.title,
            "checks": counts.checks,
            "fail": counts.fails,
            "accepted": counts.accepted,
            "unknown": counts.unknown,
            "pass": counts.passes,
        })
    };
    requirements(list, standard)
        .into_iter()
        .map(value)
        .collect()
}

fn requirements(list: &CheckList<'_>, standard: Standard) -> Vec<(String, Counts)> {
    let set = match standard {
        Standard::Cis3 => Compliance::Cis3,
        Standard::Fsbp => Compliance::Fsbp,
        Standard::Talk => Compliance::Talk,
    };
    let mut by_requirement: BTreeMap<Vec<Part>, (String, Counts)> = BTreeMap::new();
    for row in list.rows() {
        for (requirement, title) in of_check(row.check, standard, set) {
            let order = parts(&requirement);
            let entry = by_requirement
                .entry(order)
                .or_insert_with(|| (requirement, Counts::default()));
            count(&mut entry.1, &row, title);
        }
    }
    by_requirement.into_values().collect()
}

/// Requirements that a check belongs to, with their titles.
fn of_check(check: &Check, standard: Standard, set: Compliance) -> Vec<(String, String)> {
    if standard == Standard::Talk {
        let advisor = ADVISOR
            .iter()
            .filter(|(_, checks)| checks.contains(&check.id));
        let lines =
            advisor.map(|(line, _)| ("advisor".to_owned() + " " + check.id, (*line).to_owned()));
        let own = set
            .requirements(check)
            .into_iter()
            .map(|_| (check.id.to_owned(), check.title.to_owned()));
        return lines.chain(own).collect();
    }
    let requirement = |id: &'static str| (id.to_owned(), check.title.to_owned());
    set.requirements(check)
        .into_iter()
        .map(requirement)
        .collect()
}

fn count(counts: &mut Counts, row: &ResultRow<'_>, title: String) {
    match row.result.verdict {
        CheckVerdict::Fail if row.accepted.is_some() => counts.accepted += 1,
        CheckVerdict::Fail => counts.fails += 1,
        CheckVerdict::Unknown => counts.unknown += 1,
        CheckVerdict::Pass => counts.passes += 1,
    }
    if !counts.checks.contains(&row.check.id) {
        counts.checks.push(row.check.id);
        if !counts.title.is_empty() {
            counts.title.push_str("; ");
        }
        counts.title.push_str(&title);
    }
}

/// A part of a requirement's name: numbers sort as numbers.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Word(String),
    Number(u32),
}

fn parts(requirement: &str) -> Vec<Part> {
    let part = |p: &str| {
        p.parse()
            .map_or_else(|_| Part::Word(p.to_owned()), Part::Number)
    };
    requirement.split(['.', '-', ' ']).map(part).collect()
}
