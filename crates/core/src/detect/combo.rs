//! What is worked out once for many events: for those of one route and one identity, and for those that repeat another in
//! all but time, ids and address.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::hash::Hasher;
use std::rc::Rc;
use std::sync::Arc;

use siphasher::sip::SipHasher13;

use super::derive::{api, cut};
use super::route::{Depends, Route};
use super::rule::Kind;
use super::scan::{At, FIELD_MARK, NETWORK, Plan, feed, first_seen_text, group_text, keys, value};
use super::view::View;
use crate::finding::{Call, Source, Who};
use crate::trail::{EventId, Field, Fields};

/// What is to be done for events of one route and one identity.
///
/// Thousands of these are in use at once, and each event needs another one: what every event asks for stands first and
/// close together, for memory that is far away is what costs most here.
#[repr(C)]
pub(super) struct Combo {
    /// Detections that match and have uses which look at more of the event.
    pub(super) sure: Box<[Sure]>,
    /// Detections that may match.
    pub(super) maybe: Box<[u32]>,
    /// Uses that look at the network of each event, and at nothing else.
    pub(super) networks: Box<[OfNetwork]>,
    /// First-seen keys that are the same for all events.
    pub(super) first_seen: Box<[FirstSeenKey]>,
    /// Time of the earliest event that was told of those keys, and time of the last event.
    pub(super) told: Cell<(i64, i64)>,
    /// Events in the bucket of time at hand, while they are not counted.
    pub(super) span: RefCell<Option<Span>>,
    /// Seconds of such a bucket; 0 where nothing counts.
    pub(super) bucket_s: i64,
    /// Rules that count values which are the same for all events. A bucket lies within one of each.
    pub(super) counted: Box<[CountedValue]>,
    /// The event that was told of the first-seen keys.
    pub(super) told_id: Cell<EventId>,
    /// The actor's key.
    pub(super) actor: Text,
    pub(super) who: Arc<Who>,
    pub(super) call: Arc<Call>,
}

/// A text that many events have.
pub(super) struct Text {
    pub(super) text: Arc<str>,
    /// What it is in the texts of an object: number of the object, number of the text.
    pub(super) number: Cell<(u64, u32)>,
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self { text: text.into(), number: Cell::new((0, 0)) }
    }
}

/// A detection that matches all events of a combo.
pub(super) struct Sure {
    pub(super) detection: u32,
    /// Rule and part of the uses that look at more of the event.
    pub(super) uses: Vec<(usize, usize)>,
}

/// Nothing was told yet.
pub(super) const UNTOLD: (i64, i64) = (i64::MAX, i64::MIN);

/// A first-seen key that is the same for all events.
pub(super) struct FirstSeenKey {
    pub(super) rule: u32,
    pub(super) scope: u64,
    pub(super) key: u64,
    pub(super) text: Arc<str>,
}

/// A value that a rule counts.
pub(super) struct CountedValue {
    pub(super) rule: u32,
    pub(super) part: u32,
    /// The group.
    pub(super) text: Text,
    pub(super) value: u64,
    pub(super) values_max: usize,
    pub(super) bucket_s: i64,
}

/// First and last event of a combo in a bucket of time.
pub(super) struct Span {
    pub(super) from_s: i64,
    to_s: i64,
    pub(super) first: (At, Source),
    pub(super) last: Option<(At, Source)>,
}

/// What a rule wants to know of the network of every event.
#[repr(C)]
pub(super) struct OfNetwork {
    pub(super) what: AboutNetwork,
    pub(super) counted: Cell<Counted>,
    pub(super) rule: u32,
    pub(super) part: u32,
    /// The group, or the scope.
    pub(super) text: Text,
}

pub(super) enum AboutNetwork {
    /// The key ends with the network: a hasher that has seen all before it.
    FirstSeen { scope: u64, hasher: Box<SipHasher13> },
    /// It is a value that is counted.
    Distinct { values_max: usize, bucket_s: i64 },
}

/// Where the last event of a combo was counted.
#[derive(Clone, Copy, Default)]
pub(super) struct Counted {
    /// Number of the object.
    pub(super) object: u64,
    /// Begin of the bucket.
    pub(super) from_s: i64,
    /// The crowd.
    pub(super) crowd: usize,
    /// [`Crowd::most`] as it was then.
    pub(super) most: u64,
}

impl Combo {
    /// Takes out of a route what can be worked out now for all events of this identity.
    pub(super) fn of(plan: &Plan, route: Route, view: &View<'_>) -> Self {
        let text = |field| view.event.text(field).map(|t| cut(&t));
        let who = Arc::new(Who { actor: view.actor.clone(), user_agent: text(Field::UserAgent) });
        let call = Arc::new(Call {
            name: api(view.event),
            account: text(Field::RecipientAccountId),
            region: text(Field::AwsRegion),
            error: text(Field::ErrorCode),
        });
        let mut settled = Settled::default();
        let mut sure = Vec::new();
        for detection in route.sure {
            let uses = &plan.rules.detections[detection as usize].uses;
            let rest: Vec<_> = uses.iter().copied().filter(|(rule, part)| !settled.take(plan, *rule, *part, view)).collect();
            if !rest.is_empty() {
                sure.push(Sure { detection, uses: rest });
            }
        }
        Self {
            sure: sure.into(),
            maybe: route.maybe.into(),
            networks: settled.networks.into(),
            first_seen: settled.first_seen.into(),
            told: Cell::new(UNTOLD),
            span: RefCell::new(None),
            bucket_s: settled.counted.iter().fold(0, |all, one| common_divisor(all, one.bucket_s)),
            counted: settled.counted.into(),
            told_id: Cell::new(EventId(0)),
            actor: view.actor.key.as_str().into(),
            who,
            call,
        }
    }
}

/// Uses that look at no more than route, identity and network.
#[derive(Default)]
struct Settled {
    networks: Vec<OfNetwork>,
    first_seen: Vec<FirstSeenKey>,
    counted: Vec<CountedValue>,
}

impl Settled {
    /// Takes in what a rule wants of all events. False: it looks at more.
    fn take(&mut self, plan: &Plan, rule: usize, part: usize, view: &View<'_>) -> bool {
        let settled = |fields: &[String]| fields.iter().all(|f| Depends::of(f, plan.networks.has_places()) <= Depends::Identity);
        let about = &plan.rules.rules[rule];
        let of_network =
            |text, what| OfNetwork { rule: rule as u32, part: part as u32, text, counted: Cell::new(Counted::default()), what };
        match &about.kind {
            Kind::FirstSeen(first_seen) if settled(&first_seen.key) && settled(&first_seen.scope) => {
                let (scope, key) = keys(&plan.memory, &about.id, first_seen, view);
                self.first_seen.push(FirstSeenKey { rule: rule as u32, scope, key, text: first_seen_text(first_seen, view) });
            }
            Kind::FirstSeen(first_seen) if first_seen.key == [NETWORK] && settled(&first_seen.scope) => {
                let mut hasher = Box::new(plan.memory.hasher());
                hasher.write(about.id.as_bytes());
                first_seen.scope.iter().for_each(|field| feed(&mut *hasher, field, view));
                let scope = hasher.finish();
                hasher.write_u8(FIELD_MARK);
                let text = group_text(&first_seen.scope, view).as_str().into();
                self.networks.push(of_network(text, AboutNetwork::FirstSeen { scope, hasher }));
            }
            Kind::Window(window) => {
                let Some(bucket_s) = window.bucket_s() else { return false };
                let fields = window.counted().unwrap_or_default();
                let values_max = window.values_max();
                if !settled(&window.group_by[part]) {
                    return false;
                }
                let text = || Text::from(group_text(&window.group_by[part], view).as_str());
                if fields == [NETWORK] {
                    self.networks.push(of_network(text(), AboutNetwork::Distinct { values_max, bucket_s }));
                } else if !settled(fields) {
                    return false;
                } else if let Some(value) = value(&window.test, view) {
                    let (rule, part) = (rule as u32, part as u32);
                    self.counted.push(CountedValue { rule, part, text: text(), value, values_max, bucket_s });
                }
            }
            _ => return false,
        }
        true
    }
}

fn common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

impl Span {
    /// A bucket with one event.
    pub(super) fn new(bucket_s: i64, at: At, source: Source) -> Self {
        let from_s = at.time_s.div_euclid(bucket_s) * bucket_s;
        Self { from_s, to_s: from_s + bucket_s, first: (at, source), last: None }
    }

    /// Whether a time is in it.
    pub(super) fn has(&self, time_s: i64) -> bool {
        (self.from_s..self.to_s).contains(&time_s)
    }

    /// Takes in another event.
    pub(super) fn note(&mut self, at: At, source: impl FnOnce() -> Source) {
        if at.place() < self.first.0.place() {
            let before = std::mem::replace(&mut self.first, (at, source()));
            self.last.get_or_insert(before);
        } else if at.place() > self.last.as_ref().unwrap_or(&self.first).0.place() {
            self.last = Some((at, source()));
        }
    }
}

/// First and last event of each value that a group had in a bucket of time, by value.
pub(super) struct Crowd {
    pub(super) rule: u32,
    pub(super) part: u32,
    pub(super) text: u32,
    /// Begin of the bucket.
    pub(super) from_s: i64,
    pub(super) values: BTreeMap<u64, (Sighted, Option<Sighted>)>,
    /// The greatest value, once there are as many as the rule needs.
    pub(super) most: u64,
}

/// An event in a crowd. What finding it needs is put together only for those that stay.
pub(super) struct Sighted {
    pub(super) at: At,
    pub(super) source: Source,
    pub(super) combo: Rc<Combo>,
}

impl Crowd {
    pub(super) fn count(&mut self, value: u64, values_max: usize, at: At, combo: &Rc<Combo>, source: impl FnOnce() -> Source) {
        if value > self.most {
            return;
        }
        let sighted = || Sighted { at, source: source(), combo: combo.clone() };
        if let Some((first, last)) = self.values.get_mut(&value) {
            if at.place() < first.at.place() {
                let before = std::mem::replace(first, sighted());
                last.get_or_insert(before);
            } else if at.place() > last.as_ref().unwrap_or(first).at.place() {
                *last = Some(sighted());
            }
            return;
        }
        self.values.insert(value, (sighted(), None));
        if self.values.len() > values_max {
            self.values.pop_last();
        }
        if self.values.len() == values_max {
            self.most = self.values.last_key_value().map_or(u64::MAX, |(value, _)| *value);
        }
    }
}

/// What was worked out for an event, for all that repeat it in everything but [`Fields::PER_EVENT`].
pub(super) struct Repeat {
    /// What each of [`Combo::maybe`] came to, where that hangs on nothing else.
    pub(super) matched: Box<[Cell<Option<bool>>]>,
    /// What the call was about.
    pub(super) resources: OnceCell<Arc<[String]>>,
    /// What rules with memory asked, by rule and part.
    asked: RefCell<Vec<((usize, usize), Asked)>>,
}

#[derive(Clone)]
enum Asked {
    /// Value and group, if it has them.
    Window(Option<(u64, Arc<str>)>),
    /// Hashes of scope and key.
    Keys(u64, u64),
    /// It hangs on what differs.
    Varies,
}

impl Repeat {
    pub(super) fn of(combo: &Combo) -> Self {
        let matched = vec![Cell::new(None); combo.maybe.len()].into();
        Self { matched, resources: OnceCell::new(), asked: RefCell::default() }
    }

    /// Value and group for a rule with a window, if the event has them.
    pub(super) fn window(
        &self,
        rule: usize,
        part: usize,
        reads: impl FnOnce() -> Fields,
        ask: impl Fn() -> Option<(u64, Arc<str>)>,
    ) -> Option<(u64, Arc<str>)> {
        match self.asked(rule, part, reads, || Asked::Window(ask())) {
            Asked::Window(asked) => asked,
            Asked::Keys(..) | Asked::Varies => ask(),
        }
    }

    /// Hashes of scope and key for a first-seen rule.
    pub(super) fn keys(&self, rule: usize, reads: impl FnOnce() -> Fields, ask: impl Fn() -> (u64, u64)) -> (u64, u64) {
        let keys = || {
            let (scope, key) = ask();
            Asked::Keys(scope, key)
        };
        match self.asked(rule, 0, reads, keys) {
            Asked::Keys(scope, key) => (scope, key),
            Asked::Window(_) | Asked::Varies => ask(),
        }
    }

    fn asked(&self, rule: usize, part: usize, reads: impl FnOnce() -> Fields, ask: impl FnOnce() -> Asked) -> Asked {
        let mut all = self.asked.borrow_mut();
        if let Some((_, asked)) = all.iter().find(|(place, _)| *place == (rule, part)) {
            return asked.clone();
        }
        let asked = if reads().meets(Fields::PER_EVENT) { Asked::Varies } else { ask() };
        all.push(((rule, part), asked.clone()));
        asked
    }
}

impl At {
    /// What events are ordered by.
    pub(super) fn place(&self) -> (i64, EventId) {
        (self.time_s, self.id)
    }
}
