//! Findings of changes, attributed or not.

use super::consequence::Consequence;
use super::source::{calls, event, origin_words};
use super::weight::{techniques, weigh};
use crate::attribution::attribute::{AttributedChange, Attribution};
use bartizan_detect::attribution::{AttributionIndex, MutatingCall};
use bartizan_detect::call::actor_of;
use bartizan_inventory::diff::{Change, ChangeSide, ChangeVerdict};
use bartizan_model::{
    Confidence, Evidence, Finding, Severity, Stage, Verdict, finding_id, time_text,
};

pub(super) fn change_finding(
    change: &Change,
    explained: &AttributedChange,
    attribution: &AttributionIndex,
    given: &[&Consequence],
    show: String,
) -> Finding {
    let mutations: Vec<&MutatingCall> = explained
        .mutations
        .iter()
        .filter_map(|at| attribution.mutations.get(at))
        .collect();
    let (mut severity, mut stage, mut because) = weigh(change, &mutations, given);
    let (rule, title, least) = rule_and_title(change, explained, attribution);
    severity = severity.max(least);
    if explained.matched == Attribution::WithoutCall {
        stage = Stage::Blind;
    }
    because.extend(change.because.iter().cloned());
    because.extend(explained.because.iter().cloned());
    let mut actor = mutations.first().map(|d| actor_of(&d.who, &d.source));
    if let (Some(actor), Some(origin)) = (&mut actor, &explained.origin) {
        actor.origin = origin_words(origin);
    }
    let gained = given
        .iter()
        .max_by_key(|c| c.severity)
        .map(|c| format!(": {}", c.text))
        .unwrap_or_default();
    let time = mutations
        .first()
        .map_or(explained.between_s.1, |d| d.time_s);
    let first = mutations
        .first()
        .map_or(explained.between_s.0, |d| d.time_s);
    Finding {
        id: finding_id("change", &entity(change), false, 0),
        rule: rule.to_owned(),
        title,
        summary: format!(
            "{} {} {} {}{gained}",
            change.kind,
            change.id,
            verb(change.verdict),
            by(explained, mutations.first().copied())
        ),
        severity,
        confidence: if explained.matched == Attribution::Exact
            || explained.matched == Attribution::WithoutCall
        {
            Confidence::High
        } else {
            Confidence::Medium
        },
        stage,
        attack: techniques(change, stage),
        account: Some(change.account.clone()),
        region: Some(change.region.clone()),
        first_time: Some(time_text(first)),
        last_time: Some(time_text(time)),
        count: 1,
        refused: 0,
        calls: calls(mutations.iter().copied()),
        actor,
        resources: vec![change.id.clone()],
        counterparty: Vec::new(),
        evidence: evidence(change, &mutations),
        verdict: verdict(explained, given),
        because,
        show,
    }
}

/// Certainty of a change's finding.
fn verdict(explained: &AttributedChange, given: &[&Consequence]) -> Verdict {
    let attributed = match explained.matched {
        Attribution::Exact | Attribution::NoCallExpected | Attribution::WithoutCall => {
            Verdict::Must
        }
        Attribution::Likely | Attribution::Mismatch => Verdict::May,
        Attribution::Unknown | Attribution::TooEarly => Verdict::Unknown,
    };
    // What a change gave is as sure as the analysis is, whoever made it; that nobody did is sure by
    // itself.
    if let Some(worst) = given.iter().max_by_key(|c| c.severity)
        && explained.matched != Attribution::WithoutCall
    {
        return worst.verdict;
    }
    attributed
}

/// Rule and title of a change's finding, and its least severity.
fn rule_and_title(
    change: &Change,
    explained: &AttributedChange,
    attribution: &AttributionIndex,
) -> (&'static str, String, Severity) {
    let title = format!("{} {}", change.title, verb(change.verdict));
    match explained.matched {
        Attribution::WithoutCall => (
            "changed-without-call",
            format!("{title} with no matching CloudTrail event"),
            Severity::High,
        ),
        // Without any trail, that is said once and not for every change.
        Attribution::Unknown if attribution.presence.is_empty() => {
            ("changed-unseen", title, Severity::Info)
        }
        Attribution::Unknown => (
            "changed-unseen",
            format!("{title} while the trail may not have been recording"),
            Severity::Medium,
        ),
        Attribution::Mismatch => (
            "changed-mismatch",
            format!("{title}, and not as the call on record says"),
            Severity::Medium,
        ),
        _ => ("changed", title, Severity::Info),
    }
}

/// Author of a change, e.g. `by user bob from 203.0.113.9, iam:CreateUser`.
fn by(explained: &AttributedChange, first: Option<&MutatingCall>) -> String {
    match (&explained.origin, first) {
        (Some(origin), Some(mutation)) => {
            let from = mutation.source.to_string();
            let from = if from.is_empty() {
                String::new()
            } else {
                format!(" from {from}")
            };
            format!("by {}{from}, {}", origin.name, mutation.call.name)
        }
        _ => match explained.matched {
            Attribution::WithoutCall => "with no matching CloudTrail event".to_owned(),
            Attribution::NoCallExpected => "as a result of something else".to_owned(),
            _ => "by an unknown principal".to_owned(),
        },
    }
}

/// Both hashes of a change, and its calls.
fn evidence(change: &Change, mutations: &[&MutatingCall]) -> Vec<Evidence> {
    let mut evidence = vec![Evidence::Change {
        fact: change.kind.clone(),
        id: change.id.clone(),
        region: change.region.clone(),
        before_sha256: change.before.as_ref().map(|s| s.canonical_sha256.clone()),
        after_sha256: change.after.as_ref().map(|s| s.canonical_sha256.clone()),
    }];
    evidence.extend(mutations.iter().map(|d| event(d)));
    evidence
}

/// Identity of a change, for the id of its finding. The caller is no part of it: it may be learned
/// later.
fn entity(change: &Change) -> String {
    let hash = |side: &Option<ChangeSide>| {
        side.as_ref()
            .map(|s| s.canonical_sha256.clone())
            .unwrap_or_default()
    };
    let (old, new) = (hash(&change.before), hash(&change.after));
    [
        &change.kind,
        &change.account,
        &change.region,
        &change.id,
        &old,
        &new,
    ]
    .map(String::as_str)
    .join("\u{1f}")
}

fn verb(verdict: ChangeVerdict) -> &'static str {
    match verdict {
        ChangeVerdict::Added => "added",
        ChangeVerdict::Removed => "removed",
        ChangeVerdict::Replaced => "replaced",
        ChangeVerdict::Changed | ChangeVerdict::Cosmetic => "changed",
    }
}
