//! Results by the requirements of a standard.

use std::collections::BTreeMap;

use anyhow::Result;
use bartizan_posture::{AdvisorDifference, AdvisorResult, Check, CheckVerdict, Compliance};
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
    /// The line of Trusted Advisor that it is.
    advisor: Option<&'static AdvisorLine>,
}

/// A requirement that a check belongs to.
struct Requirement {
    /// `1.5`, `IAM.9`, `advisor NET-01`.
    name: String,
    title: &'static str,
    advisor: Option<&'static AdvisorLine>,
}

/// A line of Trusted Advisor on the talk's slide.
struct AdvisorLine {
    title: &'static str,
    /// Id of its check, e.g. `HCP4007jGY`.
    id: &'static str,
    /// Our check of the same.
    check: &'static str,
}

const fn line(title: &'static str, id: &'static str, check: &'static str) -> AdvisorLine {
    AdvisorLine { title, id, check }
}

const ADVISOR: [AdvisorLine; 5] = [
    line(
        "Security Groups - Specific Ports Unrestricted",
        "HCP4007jGY",
        "NET-01",
    ),
    line("IAM Use", "zXCkfM1nI3", "IAMUSE-01"),
    line("Amazon S3 Bucket Permissions", "Pfx0RwqBli", "PUB-01"),
    line("MFA on Root Account", "7DAFEmoDos", "ROOT-01"),
    line("IAM Password Policy", "Yw2K9puPzl", "PWD-01"),
];

/// Resources of one side alone that are named in a line.
const DIFFERENT_SHOWN: usize = 5;

/// Answer of Trusted Advisor to a line, beside what fails here.
struct AdvisorView {
    account: String,
    result: AdvisorResult,
    difference: AdvisorDifference,
}

/// Answers of Trusted Advisor to one of its lines.
fn advisor_views(list: &CheckList<'_>, line: Option<&AdvisorLine>) -> Vec<AdvisorView> {
    let Some(line) = line else {
        return Vec::new();
    };
    let mut views = Vec::new();
    for judged in list.judged {
        let fails = judged.results.iter();
        let fails = fails.filter(|r| r.check == line.check && r.verdict == CheckVerdict::Fail);
        let fails: Vec<&str> = fails.map(|r| r.resource.as_str()).collect();
        let results = judged.advisor.iter().filter(|r| r.id == line.id);
        views.extend(results.map(|result| AdvisorView {
            account: judged.account.clone(),
            difference: result.compared(&fails),
            result: result.clone(),
        }));
    }
    views
}

fn advisor_text(view: &AdvisorView) -> String {
    let AdvisorView {
        account,
        result,
        difference,
    } = view;
    let (flagged, processed, status) = (result.flagged, result.processed, &result.status);
    let mut text = format!("{account}: {flagged} of {processed}, {status}");
    // What is about the account has one line, and no resource to name.
    let sides = [
        ("only Trusted Advisor", &difference.advisor_only),
        ("only Bartizan", &difference.ours_only),
    ];
    for (whose, list) in sides.iter().filter(|(_, list)| !list.is_empty()) {
        let shown = list[..list.len().min(DIFFERENT_SHOWN)].join(", ");
        let more = match list.len().saturating_sub(DIFFERENT_SHOWN) {
            0 => String::new(),
            n => format!(", and {n} more"),
        };
        text.push_str(&format!("; {whose}: {shown}{more}"));
    }
    text
}

fn advisor_value(view: &AdvisorView) -> Value {
    json!({
        "account": view.account,
        "check": view.result.id,
        "status": view.result.status,
        "flagged": view.result.flagged,
        "processed": view.result.processed,
        "only_advisor": view.difference.advisor_only,
        "only_ours": view.difference.ours_only,
    })
}

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
        for view in advisor_views(list, counts.advisor) {
            let text = advisor_text(&view);
            out.line(&format!("{:21} Trusted Advisor, account {text}", ""))?;
        }
    }
    Ok(())
}

pub(super) fn values(list: &CheckList<'_>, standard: Standard) -> Vec<Value> {
    let value = |(requirement, counts): (String, Counts)| {
        let advisor = advisor_views(list, counts.advisor);
        json!({
            "advisor": advisor.iter().map(advisor_value).collect::<Vec<_>>(),
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
        for requirement in of_check(row.check, standard, set) {
            let order = parts(&requirement.name);
            let (_, counts) = by_requirement
                .entry(order)
                .or_insert_with(|| (requirement.name.clone(), Counts::default()));
            counts.advisor = requirement.advisor;
            count(counts, &row, requirement.title);
        }
    }
    by_requirement.into_values().collect()
}

/// Requirements that a check belongs to.
fn of_check(check: &'static Check, standard: Standard, set: Compliance) -> Vec<Requirement> {
    let own = |name: &str| Requirement {
        name: name.to_owned(),
        title: check.title,
        advisor: None,
    };
    if standard == Standard::Talk {
        let advisor = ADVISOR.iter().filter(|line| line.check == check.id);
        let lines = advisor.map(|line| Requirement {
            name: format!("advisor {}", check.id),
            title: line.title,
            advisor: Some(line),
        });
        let of_talk = set.requirements(check);
        return lines.chain(of_talk.iter().map(|_| own(check.id))).collect();
    }
    set.requirements(check).into_iter().map(own).collect()
}

fn count(counts: &mut Counts, row: &ResultRow<'_>, title: &str) {
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
        counts.title.push_str(title);
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
