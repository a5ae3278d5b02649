//! Changes and the calls that made them; calls that left nothing behind.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::origin::{Origin, origin};
use bartizan_detect::attribution::{AttributionIndex, MutatingCall, leaf};
use bartizan_detect::attribution::{CallMap, FactEffect, TouchedFact, short_name};
use bartizan_detect::attribution::{TrailGap, TrailHealth};
use bartizan_inventory::diff::{
    AccessVerdict, Change, ChangeVerdict, PolicyAccess, SnapshotVersion,
};
use bartizan_inventory::fact::{FactKinds, Hash, absent_code, unescape};
use bartizan_model::limits::CALLS_OF_CHANGE_MAX;
use bartizan_trail::EventId;

/// How sure it is that a call made a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attribution {
    /// Resource and content agree.
    Exact,
    /// The resource and the time agree.
    Likely,
    /// A call on record was about it and brought something else than what is there: another call,
    /// or none, came after it.
    Mismatch,
    /// The trail would have shown the call, and has none.
    WithoutCall,
    /// No call is on record, and the trail may not have been recording.
    Unknown,
    /// The trail has not come far enough yet to tell.
    TooEarly,
    /// No call makes such changes: they follow from others, or no call is known.
    NoCallExpected,
}

/// A change with what is known of who made it.
#[derive(Debug, Clone)]
pub struct AttributedChange {
    /// Which change, by its place in the difference.
    pub change: usize,
    /// How sure.
    pub matched: Attribution,
    /// The calls, that which counts first.
    pub mutations: Vec<(i64, EventId)>,
    /// Who stands behind it.
    pub origin: Option<Origin>,
    /// Why the verdict is what it is.
    pub because: Vec<String>,
    /// Between when and when it happened, seconds since 1970.
    pub between_s: (i64, i64),
}

/// Outcome of a call that should show in a snapshot and does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevertedKind {
    /// A later call took it back.
    Undone,
    /// It is not there, and no call on record took it away.
    Vanished,
}

/// A call that left nothing in the later snapshot.
#[derive(Debug, Clone)]
pub struct RevertedCall {
    /// Kind of the fact.
    pub kind: String,
    /// Its id, as the call names it.
    pub id: String,
    pub what: RevertedKind,
    /// The call that made it.
    pub made: (i64, EventId),
    /// The call that took it back.
    pub undone: Option<(i64, EventId)>,
    /// The policy that stood there for a while.
    pub content: Option<String>,
}

/// Attributions of all changes between two snapshots.
#[derive(Debug, Default)]
pub struct Attributions {
    /// One for each change, in their order.
    pub changes: Vec<AttributedChange>,
    /// By time.
    pub undone: Vec<RevertedCall>,
    /// When the trail was silent.
    pub gaps: Vec<TrailGap>,
}

/// Seconds by which the clocks of AWS's services may differ.
const CLOCK_S: i64 = 120;
/// Seconds after the later snapshot until a record counts as missing: CloudTrail delivers within 15
/// minutes as a rule.
const GRACE_S: i64 = 3600;
/// Explains the changes between two snapshots.
#[must_use]
pub fn explain(
    map: &CallMap,
    kinds: &FactKinds,
    changes: &[Change],
    (before, after): (&SnapshotVersion<'_>, &SnapshotVersion<'_>),
    attribution: &AttributionIndex,
) -> Attributions {
    let index = CallsByFact::new(attribution);
    let work = AttributionRun {
        map,
        kinds,
        attribution,
        index,
        gaps: attribution.gaps(),
        before,
        after,
    };
    let explained: Vec<AttributedChange> = changes
        .iter()
        .enumerate()
        .map(|(n, change)| work.change(n, change))
        .collect();
    let undone = work.undone(changes);
    Attributions {
        changes: explained,
        undone,
        gaps: work.gaps,
    }
}

/// Mutating calls by the facts that they changed.
struct CallsByFact<'a> {
    by_fact: HashMap<(u16, String), Vec<CallOfFact<'a>>, foldhash::fast::RandomState>,
    /// Ids that end with a star, by kind.
    open: HashMap<u16, Vec<CallOfFact<'a>>, foldhash::fast::RandomState>,
}

/// A mutating call and one of the facts that it changed.
#[derive(Clone, Copy)]
struct CallOfFact<'a> {
    mutation: &'a MutatingCall,
    touched: usize,
}

impl<'a> CallOfFact<'a> {
    fn fact(&self) -> &'a TouchedFact {
        &self.mutation.touched[self.touched]
    }

    fn at(&self) -> (i64, EventId) {
        (self.mutation.time_s, self.mutation.event)
    }
}

impl<'a> CallsByFact<'a> {
    fn new(attribution: &'a AttributionIndex) -> Self {
        let mut index = Self {
            by_fact: HashMap::default(),
            open: HashMap::default(),
        };
        for mutation in attribution.mutations.values() {
            for (touched, fact) in mutation.touched.iter().enumerate() {
                let place = CallOfFact { mutation, touched };
                if fact.id.ends_with('*') {
                    index.open.entry(fact.kind).or_default().push(place);
                    continue;
                }
                index
                    .by_fact
                    .entry((fact.kind, fact.id.clone()))
                    .or_default()
                    .push(place);
                if let Some(name) = short_name(&fact.id) {
                    index
                        .by_fact
                        .entry((fact.kind, name.to_owned()))
                        .or_default()
                        .push(place);
                }
            }
        }
        index
    }

    /// Calls that changed a fact, by time. A name and an ARN may be the same thing; two ARNs that
    /// differ are not.
    fn on(&self, kind: u16, id: &str) -> Vec<CallOfFact<'a>> {
        let get = |id: &str| {
            self.by_fact
                .get(&(kind, id.to_owned()))
                .map(Vec::as_slice)
                .unwrap_or_default()
        };
        let mut found: Vec<CallOfFact<'a>> = get(id).to_vec();
        if let Some(name) = short_name(id) {
            found.extend(
                get(name)
                    .iter()
                    .filter(|p| !p.fact().id.starts_with("arn:")),
            );
        }
        let open = self.open.get(&kind).map(Vec::as_slice).unwrap_or_default();
        found.extend(
            open.iter()
                .filter(|p| id.starts_with(p.fact().id.trim_end_matches('*'))),
        );
        found.sort_unstable_by_key(CallOfFact::at);
        found.dedup_by_key(|p| (p.at(), p.touched));
        found
    }
}

struct AttributionRun<'a> {
    map: &'a CallMap,
    kinds: &'a FactKinds,
    attribution: &'a AttributionIndex,
    index: CallsByFact<'a>,
    gaps: Vec<TrailGap>,
    before: &'a SnapshotVersion<'a>,
    after: &'a SnapshotVersion<'a>,
}

/// Calls that made a change, the decisive one first, with their certainty and the reasons.
type ChosenCalls<'a> = (Attribution, Vec<CallOfFact<'a>>, Vec<String>);

/// One call that surely made a change, with the calls that fit and the reason.
fn exact<'a>(fits: &[CallOfFact<'a>], place: CallOfFact<'a>, why: &str) -> Option<ChosenCalls<'a>> {
    Some((
        Attribution::Exact,
        first_of(place, fits),
        vec![why.to_owned()],
    ))
}

impl<'a> AttributionRun<'a> {
    fn change(&self, number: usize, change: &Change) -> AttributedChange {
        let read = |side: &Option<bartizan_inventory::diff::ChangeSide>, other: i64| {
            side.as_ref().map_or(other, |s| s.read_ms).div_euclid(1000)
        };
        let (header_before, header_after) = (
            self.before.snapshot.header.time_ms,
            self.after.snapshot.header.time_ms,
        );
        let between_s = (
            read(&change.before, header_before.0) - CLOCK_S,
            read(&change.after, header_after.1) + CLOCK_S,
        );
        let mut explained = AttributedChange {
            change: number,
            matched: Attribution::NoCallExpected,
            mutations: Vec::new(),
            origin: None,
            because: Vec::new(),
            between_s,
        };
        let Some(kind) = self.map.number(&change.kind) else {
            explained.because.extend(
                self.map
                    .unattributable(&change.kind)
                    .map(|r| format!("no call is on record for it: {r}")),
            );
            return explained;
        };
        let candidates: Vec<CallOfFact<'a>> = self
            .index
            .on(kind, &change.id)
            .into_iter()
            .filter(|p| {
                (between_s.0..=between_s.1).contains(&p.mutation.time_s)
                    && self.is_here(p.mutation, change)
            })
            .collect();
        let fits: Vec<CallOfFact<'a>> = candidates
            .iter()
            .copied()
            .filter(|p| fits(change.verdict, p.fact().effect))
            .collect();
        if let Some((matched, places, because)) = self.choose(change, &fits) {
            explained.matched = matched;
            explained.because = because;
            explained.origin = places
                .first()
                .map(|p| origin(self.attribution, &p.mutation.who.actor));
            explained.mutations = places
                .iter()
                .take(CALLS_OF_CHANGE_MAX)
                .map(CallOfFact::at)
                .collect();
            return explained;
        }
        self.without_call(change, &mut explained);
        explained
    }

    /// Whether a call was made in the account and region of the fact.
    fn is_here(&self, mutation: &MutatingCall, change: &Change) -> bool {
        let account = mutation
            .call
            .account
            .as_ref()
            .is_none_or(|a| *a == change.account);
        let global = change.region == "global" || is_global(&change.kind);
        account
            && (global
                || mutation
                    .call
                    .region
                    .as_ref()
                    .is_none_or(|r| *r == change.region))
    }

    /// The call that made the change, of those that fit, with its certainty and the reasons.
    fn choose(&self, change: &Change, fits: &[CallOfFact<'a>]) -> Option<ChosenCalls<'a>> {
        let last = *fits.last()?;
        let newest_first = || fits.iter().rev().copied();
        match change.verdict {
            ChangeVerdict::Removed
                if last.fact().effect == FactEffect::Remove
                    && !last.fact().id.ends_with('*')
                    && !last.mutation.cut =>
            {
                return exact(fits, last, "the call took it away, and it is gone");
            }
            _ => {}
        }
        // A policy: its text is in the call.
        let wanted = change.after.as_ref().map(|s| s.canonical_sha256.as_str());
        if let Some(wanted) = wanted
            && fits.iter().any(|p| p.fact().content.is_some())
        {
            return self.by_policy(change, fits, last, wanted);
        }
        if fits.iter().any(|p| p.mutation.cut) {
            return omitted(fits);
        }
        let added = newest_first()
            .find(|p| p.fact().effect == FactEffect::Add && !p.fact().id.ends_with('*'));
        if change.verdict == ChangeVerdict::Added
            && let Some(place) = added
        {
            return exact(
                fits,
                place,
                "the call made a thing of this name, and it is there",
            );
        }
        if let Some(chosen) = self.by_values(change, fits, last) {
            return Some(chosen);
        }
        Some((
            Attribution::Likely,
            first_of(last, fits),
            vec![
                "the call was about this thing at this time; its content cannot be compared"
                    .to_owned(),
            ],
        ))
    }

    /// The call that brought the policy which is there: its text is in the call.
    fn by_policy(
        &self,
        change: &Change,
        fits: &[CallOfFact<'a>],
        last: CallOfFact<'a>,
        wanted: &str,
    ) -> Option<ChosenCalls<'a>> {
        let says = |p: &CallOfFact<'a>| {
            p.fact().content.as_ref().is_some_and(|text| {
                self.kinds.canonical_policy(&change.kind, text).to_string() == wanted
            })
        };
        let bringing = fits
            .iter()
            .rev()
            .copied()
            .find(|p| p.fact().content.is_some());
        if let Some(place) = bringing.filter(says) {
            return exact(
                fits,
                place,
                "the policy in the call is the policy that is there",
            );
        }
        // Services rewrite policies: what gives the same is the same.
        let gives = |p: &CallOfFact<'a>| {
            let text = p
                .fact()
                .content
                .as_ref()
                .and_then(|text| serde_json::from_str(text).ok());
            let access =
                PolicyAccess::between(&change.kind, text.as_ref(), change.content.after.as_ref());
            text.is_some() && access.is_some_and(|a| a.verdict == AccessVerdict::Same)
        };
        if let Some(place) = bringing.filter(gives) {
            return exact(
                fits,
                place,
                "the policy in the call gives the same as the policy that is there",
            );
        }
        if fits.iter().any(|p| p.mutation.cut) {
            return omitted(fits);
        }
        // Calls that change a policy without bringing it whole (AddPermission) say less.
        let composed = last.fact().content.is_none();
        let matched = if composed {
            Attribution::Likely
        } else {
            Attribution::Mismatch
        };
        let why = "the policy in the call is not the one that is there: another call, or \
        none, came after it";
        let why = if composed {
            "the last call changed a part of the policy; its effect cannot be compared"
        } else {
            why
        };
        Some((matched, first_of(last, fits), vec![why.to_owned()]))
    }

    /// The calls that hold every new value of the fact.
    fn by_values(
        &self,
        change: &Change,
        fits: &[CallOfFact<'a>],
        last: CallOfFact<'a>,
    ) -> Option<ChosenCalls<'a>> {
        let values = new_values(change);
        let has = |p: &CallOfFact<'a>, v: &u64| p.mutation.leaves.binary_search(v).is_ok();
        if !values.is_empty() {
            if let Some(place) = fits
                .iter()
                .rev()
                .copied()
                .find(|p| values.iter().all(|v| has(p, v)))
            {
                return exact(fits, place, "the new values stand in the call");
            }
            if values.iter().all(|v| fits.iter().any(|p| has(p, v))) {
                let origins: BTreeSet<String> = fits
                    .iter()
                    .map(|p| origin(self.attribution, &p.mutation.who.actor).key)
                    .collect();
                let why = format!("the new values stand in {} calls together", fits.len());
                let matched = if origins.len() == 1 {
                    Attribution::Exact
                } else {
                    Attribution::Likely
                };
                return Some((matched, first_of(last, fits), vec![why]));
            }
        }
        None
    }

    /// No call fits: would there be one on record?
    fn without_call(&self, change: &Change, explained: &mut AttributedChange) {
        if let Some(reason) = self.map.by_aws(&change.kind, &change.id) {
            explained.because.push(reason.to_owned());
            return;
        }
        let region = if change.region == "global" || is_global(&change.kind) {
            self.attribution.home(&change.account)
        } else {
            change.region.as_str()
        };
        // A thing often says itself when it was made.
        if let Some(made_s) = made_s(change)
            && (explained.between_s.0..=explained.between_s.1).contains(&made_s)
        {
            explained.between_s = (made_s - CLOCK_S, made_s + CLOCK_S);
        }
        let progress = self.attribution.progress_s(&change.account, region);
        if progress.is_some_and(|p| p < explained.between_s.1 + GRACE_S)
            && explained.between_s.1 - explained.between_s.0 > 2 * CLOCK_S
            || progress.is_some_and(|p| p < explained.between_s.1)
        {
            explained.matched = Attribution::TooEarly;
            explained.because.push(format!(
                "no call is on record; the trail of {region} has not come far \
                enough to say that there was none"
            ));
            return;
        }
        let health =
            self.attribution
                .health(&self.gaps, &change.account, region, explained.between_s);
        (explained.matched, explained.because) = match health {
            TrailHealth::Healthy(why) => (
                Attribution::WithoutCall,
                vec![format!("no call on record made it, and {why}")],
            ),
            TrailHealth::Unhealthy(why) => (
                Attribution::Unknown,
                vec![format!(
                    "no call on record made it, but the trail may not have seen it: {why}"
                )],
            ),
        };
    }

    /// Calls that should show in the later snapshot and do not.
    fn undone(&self, changes: &[Change]) -> Vec<RevertedCall> {
        let changed: BTreeSet<(&str, &str)> = changes
            .iter()
            .map(|c| (c.kind.as_str(), c.id.as_str()))
            .collect();
        let (old, new) = (
            FactsByValue::new(self.before),
            FactsByValue::new(self.after),
        );
        let window = (
            self.before.snapshot.header.time_ms.1.div_euclid(1000) + CLOCK_S,
            self.after.snapshot.header.time_ms.0.div_euclid(1000) - CLOCK_S,
        );
        let mut by_fact: BTreeMap<(&str, &str), Vec<CallOfFact<'a>>> = BTreeMap::new();
        for mutation in self
            .attribution
            .mutations
            .values()
            .filter(|d| d.time_s > window.0 && d.time_s < window.1)
        {
            if mutation
                .call
                .account
                .as_ref()
                .is_some_and(|a| *a != self.after.snapshot.header.account)
            {
                continue;
            }
            for (touched, fact) in mutation
                .touched
                .iter()
                .enumerate()
                .filter(|(_, f)| !f.id.ends_with('*'))
            {
                by_fact
                    .entry((self.map.kind(fact.kind), fact.id.as_str()))
                    .or_default()
                    .push(CallOfFact { mutation, touched });
            }
        }
        let mut found = Vec::new();
        for ((kind, id), places) in by_fact {
            // What shows as a change was explained above, but more may have been done; a name may
            // stand for an ARN.
            let shown = changed.contains(&(kind, id))
                || changes.iter().any(|c| {
                    c.kind == kind
                        && (short_name(&c.id) == Some(id) || short_name(id) == Some(c.id.as_str()))
                });
            found.extend(if shown {
                opened_and_shut(kind, id, &places)
            } else {
                self.left_nothing(kind, id, &places, &old, &new)
            });
        }
        found.sort_by_key(|u| (u.made, u.kind.clone()));
        found
    }

    fn left_nothing(
        &self,
        kind: &str,
        id: &str,
        places: &[CallOfFact<'a>],
        old: &FactsByValue<'_>,
        new: &FactsByValue<'_>,
    ) -> Option<RevertedCall> {
        let (was, is) = (old.canonical(kind, id), new.canonical(kind, id));
        let undone = |made: CallOfFact<'a>, by: Option<CallOfFact<'a>>, what| RevertedCall {
            kind: kind.to_owned(),
            id: id.to_owned(),
            what,
            made: made.at(),
            undone: by.map(|p| p.at()),
            content: made.fact().content.clone(),
        };
        for (n, made) in places.iter().enumerate() {
            let fact = made.fact();
            let says = fact
                .content
                .as_ref()
                .map(|text| self.kinds.canonical_policy(kind, text));
            if says.is_some() && says == is {
                continue; // it says what was said before
            }
            let later = &places[n + 1..];
            let back = later.iter().rev().find(|p| takes_back(made, p));
            match (fact.effect, back) {
                (_, Some(back)) if was == is => {
                    return Some(undone(*made, Some(*back), RevertedKind::Undone));
                }
                (FactEffect::Add, None)
                    if was.is_none() && is.is_none() && self.was_read(kind, id, made.mutation) =>
                {
                    return Some(undone(*made, None, RevertedKind::Vanished));
                }
                (FactEffect::Set, None)
                    if says.is_some()
                        && later.is_empty()
                        && was == is
                        && self.was_read(kind, id, made.mutation) =>
                {
                    return Some(undone(*made, None, RevertedKind::Vanished));
                }
                _ => {}
            }
        }
        None
    }

    /// Whether both snapshots would show the fact if it were there.
    fn was_read(&self, kind: &str, id: &str, mutation: &MutatingCall) -> bool {
        let region = mutation.call.region.as_deref().unwrap_or("global");
        let read = |version: &SnapshotVersion<'_>| {
            ["global", region]
                .into_iter()
                .any(|r| version.snapshot.open_about(kind, r, id).is_none())
        };
        read(self.before) && read(self.after)
    }
}

/// Calls of opposite names that bring and take the same values, of a fact that changed otherwise.
fn opened_and_shut(kind: &str, id: &str, places: &[CallOfFact<'_>]) -> Option<RevertedCall> {
    let plain =
        |p: &&CallOfFact<'_>| p.fact().effect == FactEffect::Set && p.fact().content.is_none();
    for (n, made) in places.iter().enumerate().filter(|(_, p)| plain(p)) {
        if let Some(back) = places[n + 1..]
            .iter()
            .filter(plain)
            .find(|p| takes_back(made, p))
        {
            return Some(RevertedCall {
                kind: kind.to_owned(),
                id: id.to_owned(),
                what: RevertedKind::Undone,
                made: made.at(),
                undone: Some(back.at()),
                content: None,
            });
        }
    }
    None
}

/// Facts of a snapshot by kind and id, with the hash of what they say.
struct FactsByValue<'a> {
    by_id: HashMap<(&'a str, String), Hash, foldhash::fast::RandomState>,
}

impl<'a> FactsByValue<'a> {
    fn new(version: &'a SnapshotVersion<'a>) -> Self {
        let mut by_id = HashMap::default();
        for fact in &version.snapshot.facts {
            // What is absent is a fact of its own, with one hash for all.
            if fact.canonical == Hash::of(b"absent")
                && (version.documents)(&fact.raw)
                    .as_deref()
                    .and_then(absent_code)
                    .is_some()
            {
                continue;
            }
            let id = unescape(fact.id).into_owned();
            if let Some(name) = short_name(&id) {
                by_id
                    .entry((fact.kind, name.to_owned()))
                    .or_insert(fact.canonical);
            }
            by_id.insert((fact.kind, id), fact.canonical);
        }
        Self { by_id }
    }

    fn canonical(&self, kind: &'a str, id: &str) -> Option<Hash> {
        let get = |id: &str| self.by_id.get(&(kind, id.to_owned())).copied();
        get(id).or_else(|| get(short_name(id)?))
    }
}

/// Whether a call of this effect can have made a change of that verdict.
fn fits(verdict: ChangeVerdict, effect: FactEffect) -> bool {
    match verdict {
        ChangeVerdict::Removed => effect != FactEffect::Add,
        ChangeVerdict::Added | ChangeVerdict::Replaced => effect != FactEffect::Remove,
        ChangeVerdict::Changed | ChangeVerdict::Cosmetic => true,
    }
}

/// A call that may have made the change, and of which the content is not on record.
fn omitted<'a>(fits: &[CallOfFact<'a>]) -> Option<(Attribution, Vec<CallOfFact<'a>>, Vec<String>)> {
    let last = fits.iter().rev().copied().find(|p| p.mutation.cut)?;
    let why = "the call is on record, its content is not: CloudTrail left out its parameters";
    Some((
        Attribution::Likely,
        first_of(last, fits),
        vec![why.to_owned()],
    ))
}

/// The call that counts, then the others, newest first.
fn first_of<'a>(place: CallOfFact<'a>, all: &[CallOfFact<'a>]) -> Vec<CallOfFact<'a>> {
    let others = all.iter().rev().copied().filter(|p| p.at() != place.at());
    std::iter::once(place).chain(others).collect()
}

/// Beginnings of the names of calls, and of those that undo them.
const OPPOSITES: [(&str, &str); 11] = [
    ("Create", "Delete"),
    ("Put", "Delete"),
    ("Attach", "Detach"),
    ("Add", "Remove"),
    ("Authorize", "Revoke"),
    ("Enable", "Disable"),
    ("Start", "Stop"),
    ("Associate", "Disassociate"),
    ("Register", "Deregister"),
    ("Stop", "Start"),
    ("Disable", "Enable"),
];

/// Whether a later call takes back what an earlier one did to the same thing.
fn takes_back(made: &CallOfFact<'_>, later: &CallOfFact<'_>) -> bool {
    let (a, b) = (made.fact(), later.fact());
    match (a.effect, b.effect) {
        (FactEffect::Add | FactEffect::Set, FactEffect::Remove) => return true,
        (FactEffect::Remove, FactEffect::Add) => return true,
        (FactEffect::Remove, _) | (_, FactEffect::Add) => return false,
        _ => {}
    }
    if !a.sets.is_empty() {
        return a.sets != b.sets && !b.sets.is_empty();
    }
    let name = |p: &CallOfFact<'_>| {
        p.mutation
            .call
            .name
            .rsplit(':')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let (first, second) = (name(made), name(later));
    let opposite = OPPOSITES.iter().any(|(one, other)| {
        first
            .strip_prefix(one)
            .is_some_and(|rest| second.strip_prefix(other).is_some_and(|r| r == rest))
    });
    let within = |a: &[u64], b: &[u64]| a.iter().all(|v| b.binary_search(v).is_ok());
    let same = within(&made.mutation.leaves, &later.mutation.leaves)
        || within(&later.mutation.leaves, &made.mutation.leaves);
    // A policy that was set and set back, an attribute that was given and taken.
    opposite && same
        || (first == second
            && (first.starts_with("Modify") && same
                || a.content.is_some() && b.content.is_some() && a.content != b.content))
}

/// Services whose calls are on record in one region, whatever region was called.
fn is_global(kind: &str) -> bool {
    ["iam:", "organizations:", "cloudfront:", "account:"]
        .iter()
        .any(|prefix| kind.starts_with(prefix))
}

/// When a thing says that it was made, or last changed, seconds since 1970.
fn made_s(change: &Change) -> Option<i64> {
    const MADE: [&str; 10] = [
        "CreateDate",
        "CreationDate",
        "CreationTime",
        "createdAt",
        "createdDate",
        "CreatedAt",
        "LaunchTime",
        "StartTime",
        "EnableDate",
        "UploadDate",
    ];
    let document = change.content.after.as_ref().filter(|_| {
        matches!(
            change.verdict,
            ChangeVerdict::Added | ChangeVerdict::Replaced
        )
    })?;
    MADE.iter().find_map(|name| match document.get(name)? {
        Value::String(text) => text.parse::<Timestamp>().ok().map(|t| t.as_second()),
        Value::Number(number) => number.as_f64().map(|n| n as i64),
        _ => None,
    })
}

/// Hashes of the values that a change brought or took.
fn new_values(change: &Change) -> Vec<u64> {
    fn walk(value: &Value, found: &mut Vec<u64>) {
        match value {
            Value::Object(map) => map.values().for_each(|v| walk(v, found)),
            Value::Array(list) => list.iter().for_each(|v| walk(v, found)),
            Value::Null => {}
            Value::String(text) if text.is_empty() => {}
            Value::String(text) => found.push(leaf(text)),
            other => found.push(leaf(&other.to_string())),
        }
    }
    let mut found = Vec::new();
    for field in &change.content.fields {
        walk(
            field
                .after
                .as_ref()
                .or(field.before.as_ref())
                .unwrap_or(&Value::Null),
            &mut found,
        );
    }
    found.sort_unstable();
    found.dedup();
    found
}
