//! Rule answers computed once per caller plan, i.e. per route and identity, and reused for all of
//! its events.
//!
//! This and [`super::steps`] are two levels of one decision, which rules an event concerns and what
//! to record of it. A caller plan holds what caller, call and network decide; the steps of a record
//! hold what the other fields decide, for all records that repeat it. Neither replaces the other
//! (CPU on 500 MB of records): with steps alone, `detect` takes 2.0 times as long, because rules on
//! networks would be evaluated for each event; without steps kept per record, 3.1 times, because
//! requests would be read for each event. Both write through the same functions of [`super::scan`]
//! (`noted`, `meet`, `single`).

use crate::shared_text::NotedSightings;
use crate::shared_text::SharedText;
use crate::shared_text::SharedTexts;
use crate::shared_text::WindowGroupRef;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};
use std::rc::Rc;
use std::sync::Arc;

use siphasher::sip::SipHasher13;

use super::dependency::Dependency;
use super::derive::text::{api, cut};
use super::first_seen::ByHash;
use super::first_seen::LastSeen;
use super::keys::{FIELD_MARK, NETWORK, feed, first_seen_text, group_text, keys, value};
use super::route::Route;
use super::rule::{FirstSeenRule, RuleKind, WindowRule};
use super::scan_plan::ScanPlan;
use super::steps::is_attempt;
use super::view::EventView;
use crate::call::{ActorContext, ApiCall, CallContext};
use crate::work::ThingTable;
use bartizan_model::limits::SCAN_CACHE_MAX;
use bartizan_trail::{EventId, Field};

/// Part of a [`CallerPlan`] that every event reads. Thousands are in use at once, and each event
/// needs a different one, so they are small and contiguous: cache misses dominate the cost.
#[derive(Clone, Copy)]
pub(super) struct PlanHead {
    /// Time of the earliest event recorded for the first-seen keys.
    pub(super) first_s: i64,
    /// Time of the last event.
    pub(super) last_s: i64,
    /// Range of [`CallerPlans::lists`] with indices into [`CallerPlans::counted`].
    pub(super) counted: ListRange,
    /// Range of [`CallerPlans::lists`] with indices into [`CallerPlans::crowds`].
    pub(super) crowds: ListRange,
    /// Range of [`CallerPlans::scopes`] for rules that ask whether the network is new.
    pub(super) scopes: ListRange,
    /// Whether the plan has first-seen keys that are constant over its events.
    pub(super) first_seen: bool,
    /// Whether any rule depends on more than route, identity and network.
    pub(super) asks: bool,
    /// Number of an object, and the index of this plan's tally in its [`super::ScanOutput`].
    pub(super) caller: (u32, u32),
}

/// Range of elements in a list.
#[derive(Clone, Copy)]
pub(super) struct ListRange {
    from: u32,
    to: u32,
}

impl ListRange {
    /// Appends elements to a list and returns their range.
    fn of<T>(list: &mut Vec<T>, new: Vec<T>) -> Self {
        let from = list.len() as u32;
        list.extend(new);
        Self {
            from,
            to: list.len() as u32,
        }
    }

    pub(super) fn range(self) -> std::ops::Range<usize> {
        self.from as usize..self.to as usize
    }
}

/// Rule answers for events of one route and one identity, beyond those in [`PlanHead`].
pub(super) struct CallerPlan {
    /// First-seen keys that are constant over the events.
    pub(super) first_seen: Box<[Rc<FirstSeenKey>]>,
    /// Detections that match every event and have uses that depend on more of the event.
    pub(super) sure: Box<[DecidedMatch]>,
    /// Indices of detections that may match.
    pub(super) maybe: Box<[u32]>,
    /// Id of the earliest event recorded for the first-seen keys.
    pub(super) told_id: Cell<EventId>,
    /// Key of the actor.
    pub(super) actor: Rc<SharedText>,
    /// API call, e.g. `iam:CreateUser`.
    pub(super) call: Rc<SharedText>,
    /// Caller and call, without resources.
    pub(super) context: Arc<CallContext>,
    /// Whether the call creates or removes things, see [`ThingTable`].
    pub(super) acts: bool,
}

/// All caller plans and the values they share; evicted together.
#[derive(Default)]
pub(super) struct CallerPlans {
    /// Plan numbers by the hash of route and identity.
    numbers: ByHash<u32>,
    pub(super) heads: Vec<PlanHead>,
    pub(super) all: Vec<Rc<CallerPlan>>,
    pub(super) lists: Vec<u32>,
    /// Hash of a scope, and the index of its [`NetworkKeys`].
    pub(super) scopes: Vec<(u64, u32)>,
    pub(super) counted: Vec<CountedValue>,
    pub(super) crowds: Vec<DistinctNetworks>,
    pub(super) network_keys: Vec<NetworkKeys>,
    counted_numbers: ByHash<u32>,
    crowd_numbers: ByHash<u32>,
    network_numbers: ByHash<u32>,
    first_seen: ByHash<Rc<FirstSeenKey>>,
}

/// Detection that matches all events of a caller plan.
pub(super) struct DecidedMatch {
    pub(super) detection: u32,
    /// Rule and part of each use that depends on more of the event.
    pub(super) uses: Vec<(usize, usize)>,
}

/// First-seen key that is constant over a caller plan, shared by all plans with that key.
pub(super) struct FirstSeenKey {
    pub(super) rule: u32,
    pub(super) scope: u64,
    pub(super) key: u64,
    pub(super) text: Arc<str>,
    /// Time and id of the earliest event recorded.
    pub(super) first: Cell<Option<(i64, EventId)>>,
}

/// Value counted by a rule, shared by all caller plans with that value. Only its first and last
/// event per time bucket are recorded, which is all the rule needs.
#[repr(align(64))]
pub(super) struct CountedValue {
    pub(super) noted: NotedSightings,
    pub(super) bucket_s: i64,
    pub(super) value: u64,
    pub(super) part: u32,
    /// [`super::window_event::WindowEvent::tried`].
    pub(super) tried: bool,
    pub(super) group: Rc<WindowGroupRef>,
}

/// Rule that asks whether the network of an event is new in a scope.
pub(super) struct NetworkKeys {
    pub(super) rule: u32,
    pub(super) scope: u64,
    /// Scope as shown to users.
    pub(super) text: Arc<str>,
    /// State after all key parts that come before the network.
    pub(super) hasher: SipHasher13,
}

/// Networks with the smallest hashes of one group in one time bucket, up to `values_max`.
pub(super) struct DistinctNetworks {
    /// Number of the object.
    pub(super) object: u64,
    /// Start of the bucket, seconds since 1970.
    pub(super) from_s: i64,
    pub(super) bucket_s: i64,
    /// Greatest value that is still kept.
    pub(super) most: u64,
    /// Recorded events of each value.
    pub(super) values: BTreeMap<u64, NotedSightings>,
    pub(super) values_max: usize,
    pub(super) part: u32,
    /// [`super::window_event::WindowEvent::tried`].
    pub(super) tried: bool,
    pub(super) group: Rc<WindowGroupRef>,
}

/// Index of the item with this hash; a new item is appended.
fn number<V>(
    numbers: &mut ByHash<u32>,
    all: &mut Vec<V>,
    hash: u64,
    new: impl FnOnce() -> V,
) -> u32 {
    *numbers.entry(hash).or_insert_with(|| {
        all.push(new());
        all.len() as u32 - 1
    })
}

impl CallerPlans {
    /// Whether the caches should be evicted.
    pub(super) fn is_full(&self) -> bool {
        let most = self
            .all
            .len()
            .max(self.counted.len())
            .max(self.crowds.len())
            .max(self.network_keys.len());
        most.max(self.first_seen.len()) >= SCAN_CACHE_MAX
    }

    /// Number of the plan with this hash.
    pub(super) fn number(&self, hash: u64) -> Option<u32> {
        self.numbers.get(&hash).copied()
    }

    /// Adds a plan: resolves all parts of a route that are constant for this identity. Returns its
    /// number.
    pub(super) fn add(
        &mut self,
        hash: u64,
        plan: &ScanPlan,
        route: Route,
        view: &EventView<'_>,
        shared: &mut SharedTexts,
    ) -> u32 {
        let text = |field| view.event.text(field).map(|t| cut(&t));
        let who = Arc::new(ActorContext {
            actor: view.actor.clone(),
            user_agent: text(Field::UserAgent),
        });
        let call = Arc::new(ApiCall {
            name: api(view.event).into(),
            source: text(Field::EventSource),
            account: text(Field::RecipientAccountId),
            region: text(Field::AwsRegion),
            error: view.event.error().map(|t| cut(&t)),
        });
        let mut settled = PlanBuilder {
            caller_plans: self,
            shared,
            counted: vec![],
            crowds: vec![],
            scopes: vec![],
            first_seen: vec![],
        };
        let mut sure = Vec::new();
        for detection in route.sure {
            let about = &plan.rules.detections[detection as usize];
            let tried = is_attempt(about, view);
            let uses = about.uses.iter().copied();
            let rest: Vec<_> = uses
                .filter(|(rule, part)| !settled.take(plan, *rule, *part, tried, view))
                .collect();
            if !rest.is_empty() {
                sure.push(DecidedMatch {
                    detection,
                    uses: rest,
                });
            }
        }
        let PlanBuilder {
            counted,
            crowds,
            scopes,
            first_seen,
            ..
        } = settled;
        let acts = call.error.is_none() && ThingTable::builtin().concerns(view.event);
        self.heads.push(PlanHead {
            first_s: i64::MAX,
            last_s: i64::MIN,
            counted: ListRange::of(&mut self.lists, counted),
            crowds: ListRange::of(&mut self.lists, crowds),
            scopes: ListRange::of(&mut self.scopes, scopes),
            first_seen: !first_seen.is_empty(),
            asks: acts || !sure.is_empty() || !route.maybe.is_empty(),
            caller: (0, 0),
        });
        self.all.push(Rc::new(CallerPlan {
            first_seen: first_seen.into(),
            sure: sure.into(),
            maybe: route.maybe.into(),
            told_id: Cell::new(EventId::from(0)),
            actor: shared.text(&view.actor.key),
            call: shared.text(&call.name),
            context: Arc::new(CallContext {
                who,
                call,
                resources: Box::default(),
                counterparty: Box::default(),
            }),
            acts,
        }));
        let number = self.all.len() as u32 - 1;
        self.numbers.insert(hash, number);
        number
    }

    /// Moves the last-seen times of the keys of the plans that an object used to `last`, and
    /// forgets that these keys were recorded.
    pub(super) fn forget_told(&mut self, object: u32, last: &mut Vec<LastSeen>) {
        for (head, caller_plan) in self.heads.iter_mut().zip(&self.all) {
            if head.caller.0 != object || !head.first_seen {
                continue;
            }
            for one in &caller_plan.first_seen {
                one.first.set(None);
                last.push(LastSeen {
                    scope: one.scope,
                    key: one.key,
                    last_s: head.last_s,
                });
            }
            (head.first_s, head.last_s) = (i64::MAX, i64::MIN);
        }
    }

    /// Last-seen times of first-seen keys that were recorded.
    pub(super) fn last(&self) -> impl Iterator<Item = LastSeen> {
        let told = self
            .heads
            .iter()
            .zip(&self.all)
            .filter(|(head, _)| head.first_s <= head.last_s);
        told.flat_map(|(head, caller_plan)| {
            caller_plan.first_seen.iter().map(|one| LastSeen {
                scope: one.scope,
                key: one.key,
                last_s: head.last_s,
            })
        })
    }
}

/// Uses that depend only on route, identity and network, collected for one plan.
struct PlanBuilder<'s> {
    caller_plans: &'s mut CallerPlans,
    shared: &'s mut SharedTexts,
    counted: Vec<u32>,
    crowds: Vec<u32>,
    scopes: Vec<(u64, u32)>,
    first_seen: Vec<Rc<FirstSeenKey>>,
}

impl PlanBuilder<'_> {
    /// Adds a use by a rule part; returns false if it depends on more of the event.
    fn take(
        &mut self,
        plan: &ScanPlan,
        rule: usize,
        part: usize,
        tried: bool,
        view: &EventView<'_>,
    ) -> bool {
        let settled = |fields: &[String]| {
            fields
                .iter()
                .all(|f| Dependency::of(f, plan.networks.has_places()) <= Dependency::Identity)
        };
        match &plan.rules.rules[rule].kind {
            RuleKind::FirstSeen(first_seen)
                if settled(&first_seen.key) && settled(&first_seen.scope) =>
            {
                self.first_seen_key(plan, rule, part, first_seen, view);
            }
            RuleKind::FirstSeen(first_seen)
                if first_seen.key == [NETWORK] && settled(&first_seen.scope) =>
            {
                self.new_network(plan, rule, first_seen, view);
            }
            RuleKind::Window(window) => {
                let Some(bucket_s) = window.bucket_s() else {
                    return false;
                };
                let fields = window.counted().unwrap_or_default();
                if !settled(&window.group_by[part]) || fields != [NETWORK] && !settled(fields) {
                    return false;
                }
                self.window(window, (rule as u32, part, bucket_s, tried), view);
            }
            _ => return false,
        }
        true
    }

    /// Adds a first-seen key that is constant over the plan.
    fn first_seen_key(
        &mut self,
        plan: &ScanPlan,
        rule: usize,
        part: usize,
        first_seen: &FirstSeenRule,
        view: &EventView<'_>,
    ) {
        let (scope, key) = keys(
            &plan.memory,
            &plan.rules.rules[rule].id,
            part,
            first_seen,
            view,
        );
        let new = || {
            let text = first_seen_text(first_seen, view);
            Rc::new(FirstSeenKey {
                rule: rule as u32,
                scope,
                key,
                text,
                first: Cell::default(),
            })
        };
        self.first_seen.push(
            self.caller_plans
                .first_seen
                .entry(key)
                .or_insert_with(new)
                .clone(),
        );
    }

    /// Adds a rule that asks whether the network is new in a scope.
    fn new_network(
        &mut self,
        plan: &ScanPlan,
        rule: usize,
        first_seen: &FirstSeenRule,
        view: &EventView<'_>,
    ) {
        let mut hasher = plan.memory.hasher();
        hasher.write(plan.rules.rules[rule].id.as_bytes());
        first_seen
            .scope
            .iter()
            .for_each(|field| feed(&mut hasher, field, view));
        let scope = hasher.finish();
        hasher.write_u8(FIELD_MARK);
        let new = || NetworkKeys {
            rule: rule as u32,
            scope,
            text: group_text(&first_seen.scope, view).into(),
            hasher,
        };
        let CallerPlans {
            network_numbers,
            network_keys,
            ..
        } = &mut *self.caller_plans;
        self.scopes
            .push((scope, number(network_numbers, network_keys, scope, new)));
    }

    /// Adds a counted value, or counted networks, of a window rule.
    fn window(
        &mut self,
        window: &WindowRule,
        (rule, part, bucket_s, tried): (u32, usize, i64, bool),
        view: &EventView<'_>,
    ) {
        let group = self
            .shared
            .group(rule, &group_text(&window.group_by[part], view));
        let fields = window.counted().unwrap_or_default();
        let part = part as u32;
        if fields == [NETWORK] {
            let hash = self
                .shared
                .hasher
                .hash_one((rule, &group.text, part, tried));
            let new = || DistinctNetworks {
                object: 0,
                from_s: 0,
                bucket_s,
                most: 0,
                values: BTreeMap::new(),
                values_max: window.values_max(),
                part,
                tried,
                group,
            };
            let CallerPlans {
                crowd_numbers,
                crowds,
                ..
            } = &mut *self.caller_plans;
            self.crowds.push(number(crowd_numbers, crowds, hash, new));
        } else if let Some(value) = value(&window.test, view) {
            let hash = self
                .shared
                .hasher
                .hash_one((rule, &group.text, part, value, tried));
            let new = || CountedValue {
                noted: NotedSightings::default(),
                bucket_s,
                value,
                part,
                tried,
                group,
            };
            let CallerPlans {
                counted_numbers,
                counted,
                ..
            } = &mut *self.caller_plans;
            self.counted
                .push(number(counted_numbers, counted, hash, new));
        }
    }
}
