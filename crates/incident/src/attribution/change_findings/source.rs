//! Callers and calls behind a change, as findings show them.

use std::collections::BTreeMap;

use crate::attribution::origin::{Origin, origin};
use bartizan_detect::attribution::{AttributionIndex, MutatingCall};
use bartizan_model::{Actor, CallCount, Evidence, Finding, time_text};
use bartizan_trail::{CallerIdentity, CallerType};

/// Origin of a finding's actor: the person or machine that its chain of sessions starts with.
#[must_use]
pub fn origin_of(index: &AttributionIndex, actor: &Actor) -> Origin {
    let session = actor
        .arn
        .as_deref()
        .filter(|_| actor.kind == "AssumedRole")
        .and_then(|a| a.rsplit_once('/'))
        .map(|(_, s)| s.to_owned());
    origin(
        index,
        &CallerIdentity {
            kind: actor.kind.clone(),
            key: actor.key.clone(),
            name: actor.name.clone(),
            arn: actor.arn.clone(),
            account: actor.account.clone(),
            access_key_id: actor.access_key_id.clone(),
            session,
            through: actor.session_issuer.clone(),
            source_identity: actor.source_identity.clone(),
            invoked_by: None,
            mfa: None,
            caller: CallerType::Principal,
        },
    )
}

/// Sets the origin of each finding's actor.
pub fn name_origins(attribution: &AttributionIndex, findings: &mut [Finding]) {
    for actor in findings.iter_mut().filter_map(|f| f.actor.as_mut()) {
        let origin = origin_of(attribution, actor);
        actor.origin = origin_words(&origin);
    }
}

/// Origin and chain as a finding keeps them: the start first.
#[must_use]
pub(crate) fn origin_words(origin: &Origin) -> Vec<String> {
    let start = match &origin.access_key_id {
        Some(key) => format!("{} (key {key})", origin.name),
        None => origin.name.clone(),
    };
    std::iter::once(start)
        .chain(origin.chain.iter().cloned())
        .collect()
}

/// The calls behind a finding, each with how often.
pub(super) fn calls<'d>(mutations: impl Iterator<Item = &'d MutatingCall>) -> Vec<CallCount> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    mutations.for_each(|d| *counts.entry(&d.call.name).or_default() += 1);
    let one = |(call, count): (&str, u64)| CallCount {
        call: call.to_owned(),
        count,
        refused: 0,
        resources: Vec::new(),
    };
    counts.into_iter().map(one).collect()
}

pub(super) fn event(mutation: &MutatingCall) -> Evidence {
    Evidence::Event {
        id: mutation.event.to_string(),
        time: time_text(mutation.time_s),
        call: mutation.call.name.to_string(),
        error: None,
    }
}

/// How long something stood.
pub(super) fn stood(seconds: i64) -> String {
    match seconds {
        s if s < 120 => format!("{s} s"),
        s if s < 7200 => format!("{} min", s / 60),
        s if s < 172_800 => format!("{} h", s / 3600),
        s => format!("{} days", s / 86_400),
    }
}
