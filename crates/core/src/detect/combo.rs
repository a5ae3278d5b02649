//! What is worked out once for many events: for those of one route and one identity, and for those that repeat another in
//! all but time, ids and address.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};
use std::rc::Rc;
use std::sync::Arc;

use foldhash::quality::RandomState;
use siphasher::sip::SipHasher13;

use super::derive::{api, cut};
use super::first_seen::ByHash;
use super::route::{Depends, Route};
use super::rule::Kind;
use super::scan::{FIELD_MARK, NETWORK, Plan, feed, first_seen_text, group_text, keys, value};
use super::view::View;
use crate::finding::{Call, Deed, Who};
use crate::limits::SCAN_CACHE_MAX;
use crate::trail::{EventId, Field, Fields, Lasting};

/// What is to be done for events of one route and one identity.
///
/// Thousands of these are in use at once, and each event needs another one: what every event asks for stands first and
/// close together, for memory that is far away is what costs most here.
#[repr(C)]
pub(super) struct Combo {
    /// Rules that count values which are the same for all events.
    pub(super) counted: Box<[Rc<Counted>]>,
    /// Uses that look at the network of each event, and at nothing else.
    pub(super) networks: Box<[Rc<OfNetwork>]>,
    /// First-seen keys that are the same for all events.
    pub(super) first_seen: Box<[Rc<FirstSeenKey>]>,
    /// Detections that match and have uses which look at more of the event.
    pub(super) sure: Box<[Sure]>,
    /// Detections that may match.
    pub(super) maybe: Box<[u32]>,
    /// Time of the earliest event that was told of the first-seen keys, and time of the last event.
    pub(super) told: Cell<(i64, i64)>,
    /// The event that was told of them.
    pub(super) told_id: Cell<EventId>,
    /// The actor's key.
    pub(super) actor: Rc<Text>,
    /// Who does what, without what it is done to.
    pub(super) deed: Arc<Deed>,
}

/// A text that many events have.
pub(super) struct Text {
    pub(super) text: Arc<str>,
    /// What it is in the texts of an object: number of the object, number of the text.
    pub(super) number: Cell<(u64, u32)>,
}

/// A group of a rule with a window.
pub(super) struct Group {
    pub(super) rule: u32,
    pub(super) text: Arc<str>,
    /// What it is in the groups of an object: number of the object, number of the group.
    pub(super) number: Cell<(u64, u32)>,
}

/// A detection that matches all events of a combo.
pub(super) struct Sure {
    pub(super) detection: u32,
    /// Rule and part of the uses that look at more of the event.
    pub(super) uses: Vec<(usize, usize)>,
}

/// Nothing was told yet.
pub(super) const UNTOLD: (i64, i64) = (i64::MAX, i64::MIN);

/// A first-seen key that is the same for all events of a combo, for all combos that have it.
pub(super) struct FirstSeenKey {
    pub(super) rule: u32,
    pub(super) scope: u64,
    pub(super) key: u64,
    pub(super) text: Arc<str>,
    /// The earliest event that was told of it.
    pub(super) first: Cell<Option<(i64, EventId)>>,
}

/// A value that a rule counts, for all combos that have it. Only its first and its last event in a bucket of time are
/// noted, which is all that the rule needs.
pub(super) struct Counted {
    pub(super) noted: Cell<Noted>,
    pub(super) bucket_s: i64,
    pub(super) value: u64,
    pub(super) part: u32,
    pub(super) group: Rc<Group>,
}

/// The notes of a value in the bucket of time at hand.
#[derive(Clone, Copy, Default)]
pub(super) struct Noted {
    /// Number of the object.
    pub(super) object: u64,
    /// Begin of the bucket.
    pub(super) from_s: i64,
    /// Number of the first event's note.
    pub(super) first: u32,
    /// Number of the last event's note: the same while there is one event.
    pub(super) last: u32,
}

/// What a rule wants to know of the network of every event, for all combos that ask the same.
pub(super) enum OfNetwork {
    /// The key ends with the network: a hasher that has seen all before it.
    FirstSeen {
        rule: u32,
        scope: u64,
        /// The scope for people.
        text: Arc<str>,
        hasher: SipHasher13,
    },
    /// It is a value that is counted.
    Distinct { values_max: usize, bucket_s: i64, part: u32, group: Rc<Group>, crowd: RefCell<Crowd> },
}

/// The values with the smallest hashes that a group had in a bucket of time, of many that it may have.
#[derive(Default)]
pub(super) struct Crowd {
    /// Number of the object.
    pub(super) object: u64,
    /// Begin of the bucket.
    pub(super) from_s: i64,
    /// The greatest value that is still of interest.
    pub(super) most: u64,
    /// The notes of each value.
    pub(super) values: BTreeMap<u64, Noted>,
}

/// Texts, groups and values that combos share. All of them may be forgotten at any time.
#[derive(Default)]
pub(super) struct Shared {
    hasher: RandomState,
    texts: ByHash<Rc<Text>>,
    groups: ByHash<Rc<Group>>,
    first_seen: ByHash<Rc<FirstSeenKey>>,
    counted: ByHash<Rc<Counted>>,
    networks: ByHash<Rc<OfNetwork>>,
}

impl Shared {
    pub(super) fn text(&mut self, text: &str) -> Rc<Text> {
        let new = || Rc::new(Text { text: text.into(), number: Cell::default() });
        one(&mut self.texts, self.hasher.hash_one(text), new)
    }

    pub(super) fn group(&mut self, rule: u32, text: &str) -> Rc<Group> {
        let new = || Rc::new(Group { rule, text: text.into(), number: Cell::default() });
        one(&mut self.groups, self.hasher.hash_one((rule, text)), new)
    }

    fn counted(&mut self, group: Rc<Group>, part: u32, value: u64, bucket_s: i64) -> Rc<Counted> {
        let hash = self.hasher.hash_one((group.rule, &group.text, part, value));
        one(&mut self.counted, hash, || Rc::new(Counted { noted: Cell::default(), bucket_s, value, part, group }))
    }
}

/// What there is by this hash, or something new.
fn one<V: Clone>(all: &mut ByHash<V>, hash: u64, new: impl FnOnce() -> V) -> V {
    if all.len() >= SCAN_CACHE_MAX && !all.contains_key(&hash) {
        all.clear();
    }
    all.entry(hash).or_insert_with(new).clone()
}

impl Combo {
    /// Takes out of a route what can be worked out now for all events of this identity.
    pub(super) fn of(plan: &Plan, route: Route, view: &View<'_>, shared: &mut Shared) -> Self {
        let text = |field| view.event.text(field).map(|t| cut(&t));
        let who = Arc::new(Who { actor: view.actor.clone(), user_agent: text(Field::UserAgent) });
        let call = Arc::new(Call {
            name: api(view.event),
            account: text(Field::RecipientAccountId),
            region: text(Field::AwsRegion),
            error: text(Field::ErrorCode),
        });
        let mut settled = Settled { shared, networks: Vec::new(), first_seen: Vec::new(), counted: Vec::new() };
        let mut sure = Vec::new();
        for detection in route.sure {
            let uses = &plan.rules.detections[detection as usize].uses;
            let rest: Vec<_> = uses.iter().copied().filter(|(rule, part)| !settled.take(plan, *rule, *part, view)).collect();
            if !rest.is_empty() {
                sure.push(Sure { detection, uses: rest });
            }
        }
        Self {
            counted: settled.counted.into(),
            networks: settled.networks.into(),
            first_seen: settled.first_seen.into(),
            sure: sure.into(),
            maybe: route.maybe.into(),
            told: Cell::new(UNTOLD),
            told_id: Cell::new(EventId::from(0)),
            actor: shared.text(&view.actor.key),
            deed: Arc::new(Deed { who, call, resources: Box::default() }),
        }
    }

    /// Whether anything looks at more of its events than who calls what from where.
    pub(super) fn asks(&self) -> bool {
        !self.sure.is_empty() || !self.maybe.is_empty()
    }
}

/// Uses that look at no more than route, identity and network.
struct Settled<'s> {
    shared: &'s mut Shared,
    networks: Vec<Rc<OfNetwork>>,
    first_seen: Vec<Rc<FirstSeenKey>>,
    counted: Vec<Rc<Counted>>,
}

impl Settled<'_> {
    /// Takes in what a rule wants of all events. False: it looks at more.
    fn take(&mut self, plan: &Plan, rule: usize, part: usize, view: &View<'_>) -> bool {
        let settled = |fields: &[String]| fields.iter().all(|f| Depends::of(f, plan.networks.has_places()) <= Depends::Identity);
        let about = &plan.rules.rules[rule];
        let rule = rule as u32;
        match &about.kind {
            Kind::FirstSeen(first_seen) if settled(&first_seen.key) && settled(&first_seen.scope) => {
                let (scope, key) = keys(&plan.memory, &about.id, first_seen, view);
                let new = || {
                    let text = first_seen_text(first_seen, view);
                    Rc::new(FirstSeenKey { rule, scope, key, text, first: Cell::default() })
                };
                self.first_seen.push(one(&mut self.shared.first_seen, key, new));
            }
            Kind::FirstSeen(first_seen) if first_seen.key == [NETWORK] && settled(&first_seen.scope) => {
                let mut hasher = plan.memory.hasher();
                hasher.write(about.id.as_bytes());
                first_seen.scope.iter().for_each(|field| feed(&mut hasher, field, view));
                let scope = hasher.finish();
                hasher.write_u8(FIELD_MARK);
                let new = || {
                    let text = group_text(&first_seen.scope, view).into();
                    Rc::new(OfNetwork::FirstSeen { rule, scope, text, hasher })
                };
                self.networks.push(one(&mut self.shared.networks, scope, new));
            }
            Kind::Window(window) => {
                let Some(bucket_s) = window.bucket_s() else { return false };
                let fields = window.counted().unwrap_or_default();
                if !settled(&window.group_by[part]) || fields != [NETWORK] && !settled(fields) {
                    return false;
                }
                let group = self.shared.group(rule, &group_text(&window.group_by[part], view));
                let part = part as u32;
                if fields == [NETWORK] {
                    let hash = self.shared.hasher.hash_one((rule, &group.text, part));
                    let values_max = window.values_max();
                    let new = || Rc::new(OfNetwork::Distinct { values_max, bucket_s, part, group, crowd: RefCell::default() });
                    self.networks.push(one(&mut self.shared.networks, hash, new));
                } else if let Some(value) = value(&window.test, view) {
                    self.counted.push(self.shared.counted(group, part, value, bucket_s));
                }
            }
            _ => return false,
        }
        true
    }
}

/// What was worked out for an event, for all that repeat it in everything but [`Fields::PER_EVENT`].
pub(super) struct Repeat {
    /// What each of [`Combo::maybe`] came to, where that hangs on nothing else.
    pub(super) matched: Box<[Cell<Option<bool>>]>,
    /// Who did what to what, where that was asked.
    pub(super) deed: OnceCell<Arc<Deed>>,
    /// Where everything stands in them.
    pub(super) lasting: Lasting,
    /// What rules with memory asked, by rule and part.
    asked: RefCell<Vec<((usize, usize), Asked)>>,
}

#[derive(Clone)]
enum Asked {
    /// Value and group, if it has them.
    Window(Option<(u64, Rc<Group>)>),
    /// Hashes of scope and key.
    Keys(u64, u64),
    /// It hangs on what differs.
    Varies,
}

impl Repeat {
    pub(super) fn of(combo: &Combo, lasting: Lasting) -> Self {
        let matched = vec![Cell::new(None); combo.maybe.len()].into();
        Self { matched, deed: OnceCell::new(), lasting, asked: RefCell::default() }
    }

    /// Value and group for a rule with a window, if the event has them.
    pub(super) fn window(
        &self,
        rule: usize,
        part: usize,
        reads: impl FnOnce() -> Fields,
        mut ask: impl FnMut() -> Option<(u64, Rc<Group>)>,
    ) -> Option<(u64, Rc<Group>)> {
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
