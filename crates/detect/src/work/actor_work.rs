//! Activity report of an actor.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::tally::{CallSpan, ThingCall, WorkIndex};
use super::things::{ThingEffect, ThingName};
use bartizan_model::limits::{CALLS_OF_ACTOR_MAX, MADE_OF_ACTOR_MAX, SAME_NAME_MAX};
use bartizan_model::time_text;

/// Activity of one actor, as far as the trail shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorWork {
    /// Stable key, e.g. `arn:aws:iam::111122223333:user/bob`.
    pub key: String,
    /// Short name, e.g. `user bob`.
    pub name: String,
    /// Identity type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Account of the identity.
    pub account: Option<String>,
    /// Number of events.
    pub events: u64,
    /// Number of denied and otherwise failed events.
    pub refused: u64,
    /// Time of the first event, RFC 3339.
    pub first_time: String,
    /// Time of the last event, RFC 3339.
    pub last_time: String,
    /// Long-term access keys used.
    pub access_keys: Vec<AccessKeyUse>,
    /// API calls, mutating ones first.
    pub calls: Vec<CallWork>,
    /// Number of API calls not listed.
    pub calls_left_out: usize,
    /// Things created, opened or removed, by time.
    pub made: Vec<MadeThing>,
    /// Number of things not listed.
    pub made_left_out: usize,
    /// Activity that this trail cannot show.
    pub not_visible: Vec<String>,
}

/// Use of an access key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKeyUse {
    /// `AKIA…`.
    pub access_key_id: String,
    /// Number of events.
    pub count: u64,
    /// Time of the first use, RFC 3339.
    pub first_time: String,
    /// Time of the last use, RFC 3339.
    pub last_time: String,
}

fn key_use(key: &str, span: &CallSpan) -> AccessKeyUse {
    AccessKeyUse {
        access_key_id: key.to_owned(),
        count: span.count,
        first_time: time_text(span.first_s),
        last_time: time_text(span.last_s),
    }
}

/// API call with its number of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallWork {
    /// `service:Call`, e.g. `iam:CreateUser`.
    pub call: String,
    /// Number of events.
    pub count: u64,
    /// Number of failed events.
    pub refused: u64,
    /// Number of events by error code.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<String, u64>,
    /// Time of the first event, RFC 3339.
    pub first_time: String,
    /// Time of the last event, RFC 3339.
    pub last_time: String,
    pub regions: Vec<String>,
    /// Resources of some of the events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
}

/// Thing that an actor created, opened or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeThing {
    /// Description, e.g. `access key AKIA… of user bob`.
    pub what: String,
    pub sign: ThingEffect,
    /// `service:Call`, e.g. `iam:CreateAccessKey`.
    pub call: String,
    /// Event id.
    pub event: String,
    /// Time of the event, RFC 3339.
    pub time: String,
    /// Number of repetitions.
    pub count: u64,
    pub account: Option<String>,
    pub region: Option<String>,
    /// Source address.
    pub source_ip: Option<String>,
    /// Access key of the call.
    pub access_key_id: Option<String>,
    /// Call that reverted it; `None`: still in place, as far as this trail shows.
    pub gone: Option<ThingEnd>,
    /// Command that reverts it. Never run by Bartizan.
    pub undo: Option<String>,
}

/// Call that removed or restored a thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThingEnd {
    /// RFC 3339.
    pub time: String,
    /// `service:Call`, e.g. `iam:DeleteAccessKey`.
    pub call: String,
    /// Actor.
    pub by: String,
    /// Event id.
    pub event: String,
}

impl CallWork {
    /// Whether the call only reads.
    #[must_use]
    pub fn is_read(&self) -> bool {
        is_read(&self.call)
    }
}

impl MadeThing {
    /// Whether nobody reverted it.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.gone.is_none()
    }
}

impl ActorWork {
    /// Things created or opened and not reverted.
    pub fn standing(&self) -> impl Iterator<Item = &MadeThing> {
        self.made
            .iter()
            .filter(|m| m.stands() && m.sign != ThingEffect::TookAway)
    }

    /// Things removed and not restored.
    pub fn taken_away(&self) -> impl Iterator<Item = &MadeThing> {
        self.made
            .iter()
            .filter(|m| m.stands() && m.sign == ThingEffect::TookAway)
    }

    /// Number of things created and later removed.
    #[must_use]
    pub fn undone(&self) -> usize {
        self.made.iter().filter(|m| !m.stands()).count()
    }
}

/// Effect of an actor's call on a thing.
struct ThingEvent<'a> {
    act: &'a ThingCall,
    thing: usize,
    gone: Option<&'a ThingCall>,
    count: u64,
    /// Index of the parent thing, if the same actor created it.
    part_of: Option<usize>,
}

/// Calls of one actor with their spans, by API call.
type SpannedCalls<'w> = BTreeMap<&'w str, (CallWork, CallSpan)>;

/// Calls of one actor in the order of a report, and the time of the first and of the last one.
fn sorted(calls: SpannedCalls<'_>) -> (Vec<CallWork>, i64, i64) {
    let mut calls: Vec<(CallWork, CallSpan)> = calls.into_values().collect();
    let (first_s, last_s) = calls.iter().fold((i64::MAX, i64::MIN), |(f, l), (_, c)| {
        (f.min(c.first_s), l.max(c.last_s))
    });
    calls.sort_by(|(a, x), (b, y)| {
        (is_read(&a.call), x.first_s, &a.call).cmp(&(is_read(&b.call), y.first_s, &b.call))
    });
    let calls: Vec<CallWork> = calls
        .into_iter()
        .map(|(call, sum)| CallWork {
            first_time: time_text(sum.first_s),
            last_time: time_text(sum.last_s),
            regions: sum.regions.into_iter().collect(),
            ..call
        })
        .collect();
    (calls, first_s, last_s)
}

/// Things created, opened and removed so far.
#[derive(Default)]
struct ThingTimeline<'w> {
    entries: Vec<ThingEvent<'w>>,
    /// Indices of the entries that created a thing, by each step of its names.
    alive: CalledRegions,
    /// Indices of the entries that removed a thing of others, by its full name.
    away: CalledRegions,
}

impl<'w> ThingTimeline<'w> {
    /// Adds a thing that a call created or opened.
    fn add(&mut self, act: &'w ThingCall, thing: usize, names: &[ThingName]) {
        for full in names.iter().filter_map(|n| n.last()) {
            self.away
                .remove(full)
                .into_iter()
                .flatten()
                .for_each(|n| _ = self.entries[n].gone.get_or_insert(act));
        }
        if !repeats(&mut self.entries, &self.alive, act, names) {
            let above = names.iter().flat_map(|n| n.iter().take(n.len() - 1));
            let mine = |n: &usize| {
                let one = &self.entries[*n];
                one.gone.is_none() && one.act.context.who.actor.key == act.context.who.actor.key
            };
            let part_of = above
                .filter_map(|step| {
                    self.alive.get(step)?.iter().take(SAME_NAME_MAX).find(|n| {
                        mine(n)
                            && self.entries[**n]
                                .act
                                .acted
                                .is_at(self.entries[**n].thing, *step)
                    })
                })
                .next()
                .copied();
            for step in names.iter().flat_map(|n| n.iter()) {
                self.alive
                    .entry(*step)
                    .or_default()
                    .push(self.entries.len());
            }
            self.entries.push(ThingEvent {
                act,
                thing,
                gone: None,
                count: 1,
                part_of,
            });
        }
    }

    /// Ends a thing that a call removed. One that the caller did not create is an entry of its own.
    fn remove(&mut self, act: &'w ThingCall, thing: usize, names: &[ThingName]) {
        let (mut own, mut others) = (false, false);
        // A child of a thing that they created is theirs, even if it existed before the
        // trail.
        for (step, is_full) in names
            .iter()
            .flat_map(|n| n.iter().enumerate().map(|(at, s)| (s, at + 1 == n.len())))
        {
            // A thing comes before its children.
            let looked_at = if is_full { usize::MAX } else { SAME_NAME_MAX };
            for &n in self.alive.get(step).into_iter().flatten().take(looked_at) {
                let mine = self.entries[n].act.context.who.actor.key == act.context.who.actor.key;
                own |= mine
                    && (is_full
                        || self.entries[n]
                            .act
                            .acted
                            .is_at(self.entries[n].thing, *step));
                if is_full && self.entries[n].gone.is_none() {
                    self.entries[n].gone = Some(act);
                    others |= !mine;
                }
            }
            if let Some(all) = self
                .alive
                .get_mut(step)
                .filter(|all| is_full && all.len() > SAME_NAME_MAX)
            {
                all.retain(|n| self.entries[*n].gone.is_none());
            }
        }
        if !own || others {
            let fulls = names.iter().filter_map(|n| n.last());
            fulls.for_each(|full| self.away.entry(*full).or_default().push(self.entries.len()));
            self.entries.push(ThingEvent {
                act,
                thing,
                gone: None,
                count: 1,
                part_of: None,
            });
        }
    }
}

impl WorkIndex {
    /// Activity of these actors, in the order of their keys. `resources` returns the known
    /// resources of an actor's API call.
    pub fn of(
        &mut self,
        actors: &BTreeSet<String>,
        resources: &dyn Fn(&str, &str) -> Vec<String>,
    ) -> Vec<ActorWork> {
        self.settle();
        let entries = self.entries();
        let mut made: BTreeMap<&str, Vec<&ThingEvent<'_>>> = BTreeMap::new();
        for entry in &entries {
            made.entry(&entry.act.context.who.actor.key)
                .or_default()
                .push(entry);
        }
        let mut calls = self.calls(actors, resources);
        let not_visible = self.not_visible();
        actors
            .iter()
            .filter_map(|actor| {
                let who = &self.names.get(actor.as_str())?.actor;
                let calls = calls.remove(actor.as_str()).unwrap_or_default();
                let (calls, first_s, last_s) = sorted(calls);
                let own: Vec<&&ThingEvent<'_>> = made
                    .get(actor.as_str())
                    .into_iter()
                    .flatten()
                    .filter(|e| !is_part(e, &entries))
                    .collect();
                Some(ActorWork {
                    key: actor.clone(),
                    name: who.name.clone(),
                    kind: who.kind.clone(),
                    account: who.account.clone(),
                    events: calls.iter().map(|c| c.count).sum(),
                    refused: calls.iter().map(|c| c.refused).sum(),
                    first_time: time_text(first_s),
                    last_time: time_text(last_s),
                    access_keys: self.keys_of(actor),
                    calls_left_out: calls.len().saturating_sub(CALLS_OF_ACTOR_MAX),
                    calls: calls.into_iter().take(CALLS_OF_ACTOR_MAX).collect(),
                    made_left_out: own.len().saturating_sub(MADE_OF_ACTOR_MAX),
                    made: own
                        .iter()
                        .take(MADE_OF_ACTOR_MAX)
                        .map(|e| e.told())
                        .collect(),
                    not_visible: not_visible.clone(),
                })
            })
            .filter(|work: &ActorWork| work.events > 0)
            .collect()
    }

    /// Calls of these actors with their spans, by actor and API call.
    fn calls<'w>(
        &'w self,
        actors: &BTreeSet<String>,
        resources: &dyn Fn(&str, &str) -> Vec<String>,
    ) -> BTreeMap<&'w str, SpannedCalls<'w>> {
        let mut calls: BTreeMap<&str, SpannedCalls<'w>> = BTreeMap::new();
        for ((actor, call, error), count) in self
            .counts()
            .filter(|((actor, ..), _)| actors.contains(actor))
        {
            let (told, sum) = calls
                .entry(actor)
                .or_default()
                .entry(call)
                .or_insert_with(|| {
                    let told = CallWork {
                        call: call.to_string(),
                        count: 0,
                        refused: 0,
                        errors: BTreeMap::new(),
                        first_time: String::new(),
                        last_time: String::new(),
                        regions: Vec::new(),
                        resources: resources(actor, call),
                    };
                    (told, count.clone())
                });
            told.count += count.count;
            if let Some(error) = error {
                told.refused += count.count;
                *told.errors.entry(error.clone()).or_default() += count.count;
            }
            (sum.first_s, sum.last_s) =
                (sum.first_s.min(count.first_s), sum.last_s.max(count.last_s));
            sum.regions.extend(count.regions.iter().cloned());
        }
        calls
    }

    fn keys_of(&self, actor: &str) -> Vec<AccessKeyUse> {
        let from = (actor.to_owned(), String::new());
        let own = self
            .keys
            .range(from..)
            .take_while(|((of, _), _)| of == actor);
        own.map(|((_, key), span)| key_use(key, span)).collect()
    }

    /// Use of all long-term access keys, by actor and key.
    pub fn access_keys(&self) -> impl Iterator<Item = AccessKeyUse> {
        self.keys.iter().map(|((_, key), span)| key_use(key, span))
    }

    /// Things created, opened and removed, by time, with their end. Within a second, creations come
    /// before removals.
    fn entries(&self) -> Vec<ThingEvent<'_>> {
        let acts = self.acts();
        let mut timeline = ThingTimeline::default();
        for second in acts.chunk_by(|a, b| a.time_s == b.time_s) {
            for act in second {
                for (thing, names) in act
                    .acted
                    .things()
                    .filter(|(n, _)| act.acted.sign(*n) != ThingEffect::TookAway)
                {
                    timeline.add(act, thing, names);
                }
            }
            // Children come before their parent.
            let mut taken: Vec<(usize, &ThingCall, usize, &[ThingName])> = Vec::new();
            for act in second {
                let away = act
                    .acted
                    .things()
                    .filter(|(n, _)| act.acted.sign(*n) == ThingEffect::TookAway);
                taken.extend(away.map(|(n, names)| {
                    (
                        names.iter().map(|n| n.len()).max().unwrap_or_default(),
                        act,
                        n,
                        names,
                    )
                }));
            }
            taken.sort_by_key(|(depth, ..)| std::cmp::Reverse(*depth));
            for (_, act, thing, names) in taken {
                timeline.remove(act, thing, names);
            }
        }
        timeline.entries
    }

    /// Activity that this trail cannot show for any actor.
    fn not_visible(&self) -> Vec<String> {
        let mut regions: BTreeSet<&str> = BTreeSet::new();
        let mut data: BTreeSet<&str> = BTreeSet::new();
        for ((_, call, _), count) in self.counts() {
            regions.extend(count.regions.iter().map(String::as_str));
            let (service, name) = call.split_once(':').unwrap_or_default();
            let recorded = |(s, calls, _): &&(&str, &[&str], &str)| {
                *s == service && calls.iter().any(|c| name.starts_with(c))
            };
            data.extend(
                DATA_EVENTS
                    .iter()
                    .filter(recorded)
                    .map(|(service, ..)| *service),
            );
        }
        let mut list = Vec::new();
        for (service, _, what) in DATA_EVENTS {
            list.push(match data.contains(service) {
                false => format!(
                    "{what}: no data events of {service} in this trail, so reads and \
                writes do not show"
                ),
                true => format!(
                    "{what}: only those that a trail selects; others have no data \
                events and do not show"
                ),
            });
        }
        let named = regions.into_iter().collect::<Vec<_>>().join(", ");
        list.push(format!(
            "regions: records from {named} only; what was done elsewhere does not show"
        ));
        list
    }
}

/// Calls that CloudTrail records only if a trail selects them (CloudTrail user guide, "Logging data
/// events"): name prefixes, and their subject.
const DATA_EVENTS: [(&str, &[&str], &str); 3] = [
    (
        "s3",
        &[
            "GetObject",
            "PutObject",
            "DeleteObject",
            "CopyObject",
            "HeadObject",
            "ListObjects",
            "UploadPart",
            "RestoreObject",
        ],
        "objects in buckets",
    ),
    ("lambda", &["Invoke"], "invocations of functions"),
    (
        "dynamodb",
        &[
            "GetItem",
            "BatchGetItem",
            "Query",
            "Scan",
            "PutItem",
            "UpdateItem",
            "DeleteItem",
        ],
        "items in tables",
    ),
];

type CalledRegions = HashMap<u64, Vec<usize>, foldhash::fast::RandomState>;

/// Whether a thing is only a part of another existing thing of the same actor, without a command of
/// its own: the value of a secret that it created.
fn is_part(entry: &ThingEvent<'_>, entries: &[ThingEvent<'_>]) -> bool {
    entry.part_of.is_some_and(|n| entries[n].gone.is_none())
        && entry.gone.is_none()
        && !entry.act.acted.has_undo(entry.thing)
}

/// Whether the same actor did the same to an existing thing. If another actor did, theirs is
/// replaced.
fn repeats<'a>(
    entries: &mut [ThingEvent<'a>],
    alive: &CalledRegions,
    act: &'a ThingCall,
    names: &[Box<[u64]>],
) -> bool {
    let mut again = false;
    for full in names.iter().filter_map(|n| n.last()) {
        for &n in alive.get(full).map(Vec::as_slice).unwrap_or_default() {
            let entry = &mut entries[n];
            // Children of the thing are different things.
            let (_, theirs) = entry
                .act
                .acted
                .things()
                .nth(entry.thing)
                .unwrap_or_default();
            if entry.gone.is_some() || !theirs.iter().any(|t| t.last() == Some(full)) {
                continue;
            }
            if entry.act.context.who.actor.key == act.context.who.actor.key {
                if !again {
                    entry.count += 1;
                }
                again = true;
            } else {
                entry.gone = Some(act);
            }
        }
    }
    again
}

impl ThingEvent<'_> {
    fn told(&self) -> MadeThing {
        let ThingCall { context, acted, .. } = self.act;
        let region = context.call.region.clone();
        MadeThing {
            what: acted.words(self.thing),
            sign: acted.sign(self.thing),
            call: context.call.name.to_string(),
            event: self.act.event.to_string(),
            time: time_text(self.act.time_s),
            count: self.count,
            account: context.call.account.clone(),
            undo: acted.undo(self.thing, region.as_deref()),
            region,
            source_ip: Some(self.act.source.to_string()).filter(|s| !s.is_empty()),
            access_key_id: context.who.actor.access_key_id.clone(),
            gone: self.gone.map(|by| ThingEnd {
                time: time_text(by.time_s),
                call: by.context.call.name.to_string(),
                by: by.context.who.actor.name.clone(),
                event: by.event.to_string(),
            }),
        }
    }
}

/// Whether a call only reads: by its name, following IAM's access levels "read" and "list".
fn is_read(call: &str) -> bool {
    let name = call.rsplit(':').next().unwrap_or(call);
    [
        "Get",
        "List",
        "Describe",
        "Head",
        "Lookup",
        "Search",
        "BatchGet",
        "Query",
        "Scan",
        "Select",
        "Decrypt",
        "Encrypt",
        "GenerateDataKey",
        "Verify",
        "Simulate",
        "Check",
    ]
    .iter()
    .any(|b| name.starts_with(b))
}
