//! Findings of rules.

use std::collections::BTreeMap;

use crate::call::{Sighting, actor_of};
use crate::finding_text::FindingText;
use crate::merge::{FindingDraft, FindingKey};
use crate::rule::{AttemptPolicy, Rule};
use crate::scan_output::NO_TIME;
use bartizan_model::limits::EVIDENCE_MAX;
use bartizan_model::{Actor, Evidence, Finding, Severity, Verdict, finding_id, time_text};

/// Finding of a rule, from the merged sightings of its key.
pub(super) fn finding(
    rule: &Rule,
    key: &FindingKey,
    draft: FindingDraft,
    show: &dyn Fn(&str) -> String,
) -> Finding {
    let first = draft.sightings.values().next();
    let call = first.map(|s| &s.context.call);
    // Without a successful call nothing was done: the finding is an attempt, whatever its rule.
    let attempt =
        key.attempt || rule.attempts == AttemptPolicy::Lower && draft.refused == draft.count;
    let actor = first.map(actor);
    let told = FindingText::of(&draft, first, actor.as_ref());
    let event = |s: &Sighting| Evidence::Event {
        id: s.id.to_string(),
        time: known_time(s.time_s).unwrap_or_else(|| "unknown".to_owned()),
        call: s.context.call.name.to_string(),
        error: s.context.call.error.clone(),
    };
    let evidence = evidence(&draft).into_iter().map(event).collect();
    let mut because: Vec<String> = draft.because.into_values().collect();
    because.dedup();
    if draft.untimed > 0 {
        let instead = match known_time(draft.first_s) {
            Some(_) => "the time of their file or of their neighbours stands in for it",
            None => "nothing tells when it was",
        };
        because.push(format!(
            "{} of {} records have no usable time: {instead}",
            draft.untimed, draft.count
        ));
    }
    because.extend(
        [rule.why.clone(), rule.advice.clone()]
            .into_iter()
            .filter(|t| !t.is_empty()),
    );
    Finding {
        id: finding_id(&rule.id, &key.entity, key.attempt, key.window),
        rule: rule.id.clone(),
        title: if attempt {
            format!("Attempt: {}", rule.title)
        } else {
            rule.title.clone()
        },
        summary: told.summary,
        severity: if attempt {
            lower(rule.severity)
        } else {
            rule.severity
        },
        confidence: rule.confidence,
        stage: rule.stage,
        attack: rule.attack.clone(),
        account: call.and_then(|c| c.account.clone()),
        region: call.and_then(|c| c.region.clone()),
        first_time: known_time(draft.first_s),
        last_time: known_time(draft.last_s),
        count: draft.count,
        refused: draft.refused,
        calls: told.calls,
        actor,
        resources: told.resources,
        counterparty: told.counterparty,
        show: first.map(|s| show(&s.id.to_string())).unwrap_or_default(),
        evidence,
        verdict: Verdict::Must,
        because,
    }
}

/// Earliest events, with one successful and one failed event of each API call; the latest others
/// make room for those.
fn evidence(draft: &FindingDraft) -> Vec<&Sighting> {
    let firsts = draft
        .calls
        .values()
        .flat_map(|c| c.sightings.iter().filter_map(|s| s.values().next()));
    let mut firsts: Vec<&Sighting> = firsts.collect();
    firsts.sort_by_key(|s| s.place());
    firsts.truncate(EVIDENCE_MAX);
    let mut all: BTreeMap<_, &Sighting> = firsts.into_iter().map(|s| (s.place(), s)).collect();
    for (place, sighting) in &draft.sightings {
        if all.len() >= EVIDENCE_MAX {
            break;
        }
        all.insert(*place, sighting);
    }
    all.into_values().collect()
}

fn actor(sighting: &Sighting) -> Actor {
    actor_of(&sighting.context.who, &sighting.source)
}

/// Severity one step lower, never below low; info stays info.
fn lower(severity: Severity) -> Severity {
    match severity {
        Severity::Critical => Severity::High,
        Severity::High => Severity::Medium,
        Severity::Medium | Severity::Low => Severity::Low,
        Severity::Info => Severity::Info,
    }
}

/// Time as text; `None` if unknown.
fn known_time(time_s: i64) -> Option<String> {
    (time_s != NO_TIME).then(|| time_text(time_s))
}
