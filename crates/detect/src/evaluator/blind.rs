//! Findings of stage blind: what was not seen or not evaluated.

use super::totals::Totals;
use crate::load::RuleProblem;
use bartizan_model::limits::RESOURCES_MAX;
use bartizan_model::{Confidence, Evidence, Finding, Severity, Stage, Verdict, finding_id};
use bartizan_trail::ReadProblem;

/// Findings of stage blind: lost events, requested rules that do not run, and evicted state.
pub(super) fn unseen(totals: &Totals, problems: &[RuleProblem]) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(no_rule(totals));
    findings.extend(not_judged(totals));
    findings.extend(no_event(totals));
    let losses = totals.problems.iter().filter(|(p, _)| p.loses_events());
    findings.extend(losses.map(|(problem, places)| lost(*problem, places)));
    findings.extend(out_of_room(totals));
    findings.extend(problems.iter().map(not_running));
    findings
}

/// No rule is enabled.
fn no_rule(totals: &Totals) -> Option<Finding> {
    if !totals.no_rule {
        return None;
    }
    let summary = "nothing was judged: no rule is there".to_owned();
    Some(blind(
        "no-rule",
        "",
        "no rule was there to judge",
        summary,
        1,
        Vec::new(),
    ))
}

/// Many records were read and not evaluated.
fn not_judged(totals: &Totals) -> Option<Finding> {
    if !totals.unjudged_in_bulk() {
        return None;
    }
    let unjudged = || totals.problems.iter().filter(|(p, _)| p.is_unjudged());
    let named = unjudged().flat_map(|(p, places)| {
        places
            .iter()
            .map(move |(object, _, n)| (object.clone(), format!("{n} × {}", p.text())))
    });
    let what: Vec<&str> = unjudged().map(|(p, _)| p.text()).collect();
    let summary = format!(
        "{} of {} records were read and not judged: {}",
        totals.unjudged,
        totals.events + totals.unjudged,
        what.join("; ")
    );
    Some(blind(
        "events-not-judged",
        &what.join(" "),
        "part of the trail was read and not judged",
        summary,
        totals.unjudged,
        named.take(RESOURCES_MAX).collect(),
    ))
}

/// No event was read.
fn no_event(totals: &Totals) -> Option<Finding> {
    if !(totals.events == 0
        && totals.objects > 0
        && totals.problems.keys().all(|p| !p.loses_events()))
    {
        return None;
    }
    let asked = if totals.outside > 0 {
        format!(": all {} are outside of the time asked for", totals.outside)
    } else {
        String::new()
    };
    let plural = if totals.objects == 1 { "" } else { "s" };
    let summary = format!(
        "no event was judged in {} object{plural}{asked}",
        totals.objects
    );
    Some(blind(
        "no-event",
        "",
        "no event was judged",
        summary,
        totals.objects,
        Vec::new(),
    ))
}

/// Events may be missing because of a problem in these places.
fn lost(problem: ReadProblem, places: &[(String, u64, u64)]) -> Finding {
    let count: u64 = places.iter().map(|(_, _, n)| n).sum();
    let evidence = places
        .iter()
        .take(RESOURCES_MAX)
        .map(|(object, offset, _)| {
            (
                object.clone(),
                format!("{} at byte {offset}", problem.text()),
            )
        });
    let summary = format!(
        "events may be missing: {} in {}{}",
        problem.text(),
        places[0].0,
        others(places.len())
    );
    blind(
        "events-lost",
        problem.text(),
        "part of the trail could not be read",
        summary,
        count,
        evidence.collect(),
    )
}

/// State and findings that were evicted at their bounds.
fn out_of_room(totals: &Totals) -> Vec<Finding> {
    let evicted = [
        (
            totals.window_evicted,
            "window-evicted",
            "events that rules with windows gave up for want of room",
        ),
        (
            totals.window_late,
            "window-late",
            "events that came after the window of their time was evaluated and its events were \
            evicted",
        ),
        (
            totals.first_seen_evicted,
            "first-seen-evicted",
            "first-seen keys that were given up for want of room",
        ),
        (
            totals.findings_dropped,
            "findings-dropped",
            "matches that found no room among the findings",
        ),
        (
            totals.problems_unnamed,
            "problems-unnamed",
            "objects with a problem beyond those that are named",
        ),
    ];
    let of = |(count, rule, what): (u64, &str, &str)| {
        blind(
            rule,
            "",
            "the alarm ran out of room",
            format!("{count} {what}"),
            count,
            vec![(what.to_owned(), count.to_string())],
        )
    };
    let some = evicted.into_iter().filter(|(count, ..)| *count > 0);
    some.map(of).collect()
}

/// A requested rule does not run.
fn not_running(problem: &RuleProblem) -> Finding {
    let name = problem
        .rule
        .as_deref()
        .map(|r| format!(" ({r})"))
        .unwrap_or_default();
    let summary = format!("{}{name} does not run: {}", problem.file, problem.text);
    let place = format!("{}{name}", problem.file);
    let entity = format!("{place} {}", problem.text);
    blind(
        "rule-not-running",
        &entity,
        "a rule that was asked for does not run",
        summary,
        1,
        vec![(place, problem.text.clone())],
    )
}

fn others(places: usize) -> String {
    if places > 1 {
        format!(" and {} more", places - 1)
    } else {
        String::new()
    }
}

fn blind(
    rule: &str,
    entity: &str,
    title: &str,
    summary: String,
    count: u64,
    evidence: Vec<(String, String)>,
) -> Finding {
    Finding {
        id: finding_id(rule, entity, false, 0),
        rule: rule.to_owned(),
        title: title.to_owned(),
        summary,
        severity: Severity::Medium,
        confidence: Confidence::High,
        stage: Stage::Blind,
        attack: Vec::new(),
        account: None,
        region: None,
        first_time: None,
        last_time: None,
        count,
        refused: 0,
        calls: Vec::new(),
        actor: None,
        resources: Vec::new(),
        counterparty: Vec::new(),
        evidence: evidence
            .into_iter()
            .map(|(place, what)| Evidence::Coverage { place, what })
            .collect(),
        verdict: Verdict::Unknown,
        because: vec![
            "what could not be read may hold anything: silence about it is no all-clear".to_owned(),
        ],
        show: String::new(),
    }
}
