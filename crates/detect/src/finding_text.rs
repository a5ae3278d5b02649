//! Summary sentence of a finding: calls with counts and resources, failures, and principals that
//! were let in.
//!
//! `user mal tried ec2:GetPasswordData ×29 on i-1 and 4 more from 203.0.113.9 and was refused every
//! time`

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::call::Sighting;
use crate::merge::{CallDraft, FindingDraft};
use bartizan_model::limits::{COUNTERPARTIES_MAX, RESOURCES_MAX, SIGHTINGS_OF_CALL_MAX};
use bartizan_model::{Actor, CallCount, Counterparty};

/// Details of a finding's sentence.
pub(super) struct FindingText {
    pub(super) calls: Vec<CallCount>,
    pub(super) resources: Vec<String>,
    pub(super) counterparty: Vec<Counterparty>,
    pub(super) summary: String,
}

/// Number of calls in a sentence.
const CALLS_SHOWN: usize = 4;
/// Number of counterparties, and of resources per call, in a sentence.
const NAMED_SHOWN: usize = 2;

impl FindingText {
    /// Details of a draft's events, with the first of them and its actor.
    pub(super) fn of(
        draft: &FindingDraft,
        first: Option<&Sighting>,
        actor: Option<&Actor>,
    ) -> Self {
        // Successful calls come before failed ones, mutating calls before reads.
        let count = |(name, call): (&Arc<str>, &CallDraft)| {
            let named = call
                .sightings
                .iter()
                .flat_map(|s| s.values())
                .flat_map(|s| s.context.resources.iter());
            let resources = distinct(named.cloned(), RESOURCES_MAX);
            CallCount {
                call: name.to_string(),
                count: call.count,
                refused: call.refused,
                resources,
            }
        };
        let mut calls: Vec<CallCount> = draft.calls.iter().map(count).collect();
        calls.sort_by_key(|c| {
            (
                c.refused == c.count,
                looks(&c.call),
                std::cmp::Reverse(c.count),
                c.call.clone(),
            )
        });
        let named = calls.iter().flat_map(|c| c.resources.iter().cloned());
        let resources = distinct(named, RESOURCES_MAX);
        let done = draft.calls.values().flat_map(|c| c.sightings[0].values());
        let counterparty = distinct(
            done.flat_map(|s| s.context.counterparty.iter().cloned()),
            COUNTERPARTIES_MAX,
        );
        let summary = summary(draft, first, actor, &calls, &counterparty);
        Self {
            calls,
            resources,
            counterparty,
            summary,
        }
    }
}

/// Whether a call only lists resources or their settings.
fn looks(call: &str) -> bool {
    let name = call.rsplit(':').next().unwrap_or(call);
    ["List", "Describe", "Head", "Search", "Lookup"]
        .iter()
        .any(|verb| name.starts_with(verb))
}

fn distinct<T: Clone + Ord>(all: impl Iterator<Item = T>, max: usize) -> Vec<T> {
    let mut met = BTreeSet::new();
    all.filter(|one| met.insert(one.clone()))
        .take(max)
        .collect()
}

fn summary(
    draft: &FindingDraft,
    first: Option<&Sighting>,
    actor: Option<&Actor>,
    calls: &[CallCount],
    counterparty: &[Counterparty],
) -> String {
    let name = actor.map_or("somebody", |a| a.name.as_str());
    let by = first
        .and_then(|s| s.context.who.actor.invoked_by.as_deref())
        .filter(|by| *by != name);
    let from = actor
        .and_then(|a| a.source_ip.as_deref())
        .filter(|ip| Some(*ip) != by && *ip != name);
    let means = by
        .map(|by| format!(" by means of {by}"))
        .unwrap_or_default();
    let from = from.map(|ip| format!(" from {ip}")).unwrap_or_default();
    let nothing_worked = draft.refused == draft.count;
    let many = calls.len() > 1;
    let one = |call: &CallCount| {
        let times = if call.count > 1 {
            format!(" ×{}", call.count)
        } else {
            String::new()
        };
        let on = some(
            call.resources.iter().map(String::as_str).collect(),
            call.count,
        );
        let on = if on.is_empty() {
            String::new()
        } else {
            format!(" on {on}")
        };
        let refused = match call.refused {
            0 => String::new(),
            _ if nothing_worked => String::new(),
            n if n == call.count && n == 1 => " (refused)".to_owned(),
            n if n == call.count => " (all refused)".to_owned(),
            n => format!(" ({n} of them refused)"),
        };
        format!("{}{times}{on}{refused}", call.call)
    };
    let mut did: Vec<String> = calls.iter().take(CALLS_SHOWN).map(one).collect();
    let rest = calls.len().saturating_sub(CALLS_SHOWN);
    if rest > 0 {
        did.push(format!(
            "{rest} more {}",
            if rest == 1 { "call" } else { "calls" }
        ));
    }
    let did = match did.as_slice() {
        [] => first.map_or("?", |s| &s.context.call.name).to_owned(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    };
    let total = if many {
        format!(", {} events", draft.count)
    } else {
        String::new()
    };
    let verb = if nothing_worked { "tried" } else { "called" };
    let error = first
        .and_then(|s| s.context.call.error.as_deref())
        .unwrap_or_default();
    let end = match (nothing_worked, draft.count) {
        (true, 1) => format!(" and was refused ({error})"),
        (true, n) => format!(" and was refused every time, {n} times ({error})"),
        (false, _) => parties(counterparty),
    };
    format!("{name} {verb} {did}{means}{from}{total}{end}")
}

/// `: let in account 999988887777, made access key AKIA…`.
fn parties(counterparty: &[Counterparty]) -> String {
    if counterparty.is_empty() {
        return String::new();
    }
    let shown: Vec<String> = counterparty
        .iter()
        .take(NAMED_SHOWN + 1)
        .map(|one| format!("{} {one}", one.relation.word()))
        .collect();
    let rest = counterparty.len().saturating_sub(NAMED_SHOWN + 1);
    let more = if rest > 0 {
        format!(" and {rest} more")
    } else {
        String::new()
    };
    format!(": {}{more}", shown.join(", "))
}

/// `a, b and 3 more`; `a, b and others` if not all events that may name one were kept.
fn some(all: Vec<&str>, events: u64) -> String {
    let rest = all.len().saturating_sub(NAMED_SHOWN);
    let shown = all[..all.len() - rest].join(", ");
    match rest {
        0 => shown,
        _ if events > SIGHTINGS_OF_CALL_MAX as u64 => format!("{shown} and others"),
        n => format!("{shown} and {n} more"),
    }
}
