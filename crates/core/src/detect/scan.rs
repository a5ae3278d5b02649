//! Holding events against rules: what a thread does with one object.
//!
//! Most rules with memory ask only for things that are the same for thousands of events: who calls, which call, from which
//! sort of address. What they want to know is worked out once for each such combination ([`Combo`]). Of its events only
//! the earliest is noted for first-seen rules, and for rules that count distinct values the first and the last of each value
//! in a bucket of time, which is all they need.
//!
//! Nothing is judged here. A thread writes down which events matched what, in the order of the object; the
//! [`super::Judge`] takes these notes in the order of the objects, so that threads cannot change what is found.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash, Hasher};
use std::io::Read;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use foldhash::quality::RandomState;
use rsigma_eval::Event as _;
use siphasher::sip::SipHasher13;

use super::condition::Answers;
use super::derive::{api, cut, resources};
use super::first_seen::{ByHash, Memory, Met, SCOPE_END};
use super::load::Rules;
use super::networks::Networks;
use super::route::{Depends, ROUTE_FIELDS, Route, matches};
use super::rule::{Attempts, Detection, FirstSeen, Kind, Test};
use super::view::View;
use super::window::{DAY_SECONDS, pack};
use crate::finding::{Call, Severity, Sighting, Source, Who};
use crate::join::{CallMap, Witness};
use crate::limits::{EVIDENCE_MAX, RESOURCES_MAX, SCAN_CACHE_MAX};
use crate::trail::{Actor, Apart, Event, EventId, Field, Item, Problem, ReadBytes, Reader};

/// What all threads share.
pub struct Plan {
    /// The rules.
    pub rules: Rules,
    /// What is known about addresses.
    pub networks: Networks,
    /// First-seen memory of the runs before; only its secret is used here.
    pub memory: Memory,
    /// Count events by actor, call and so on.
    pub tally: bool,
    /// Keep what the join needs, by this map.
    pub calls: Option<CallMap>,
}

/// What was found in one object.
#[derive(Default)]
pub struct Notes {
    /// Every event, in order.
    pub(super) ids: Vec<EventId>,
    /// First and last event time.
    pub(super) times: Option<(i64, i64)>,
    /// Matches of rules on single events.
    pub(super) matches: Vec<(Slot, Matches)>,
    /// Events that rules with windows asked for.
    pub(super) notes: Vec<Note>,
    pub(super) met: Vec<Met>,
    pub(super) texts: Vec<Arc<str>>,
    /// Bytes read.
    pub bytes: ReadBytes,
    /// Digests and the like.
    pub apart: BTreeMap<Apart, u64>,
    /// Problems with the first place of each, and how many.
    pub problems: BTreeMap<Problem, (u64, u64)>,
    pub(super) tally: Tally,
    pub(super) witness: Witness,
    /// When keys that were met before were seen last.
    pub(super) last: Vec<Last>,
}

/// A first-seen key and when it was seen last.
pub(super) struct Last {
    pub(super) scope: u64,
    pub(super) key: u64,
    pub(super) last_s: i64,
}

/// First-seen keys of which a thread knows what it told.
const TOLD_MAX: usize = 50_000;

impl Notes {
    /// Of an object that could not even be opened.
    pub fn unreadable() -> Self {
        Self { problems: BTreeMap::from([(Problem::Unreadable, (0, 1))]), ..Self::default() }
    }
}

/// Events by what people ask for.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    /// By the actor's short name and account.
    pub actors: BTreeMap<String, u64>,
    /// By service.
    pub sources: BTreeMap<String, u64>,
    /// By region.
    pub regions: BTreeMap<String, u64>,
    /// By error code.
    pub errors: BTreeMap<String, u64>,
}

/// What makes matches of one object one finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Slot {
    pub(super) rule: u32,
    /// Entity: index in the texts.
    pub(super) text: u32,
    pub(super) attempt: bool,
    pub(super) day: i64,
}

/// Events of one finding in one object.
#[derive(Default)]
pub(super) struct Matches {
    /// Number and time of each.
    pub(super) events: Vec<(u32, i64)>,
    /// The earliest, in their order: those that a finding may name.
    pub(super) earliest: Vec<(u32, Sighting)>,
}

/// One event that a rule with a window asked for.
pub(super) struct Note {
    pub(super) event: u32,
    pub(super) rule: u32,
    pub(super) part: u32,
    /// Group: index in the texts.
    pub(super) text: u32,
    pub(super) value: u64,
    pub(super) sighting: Sighting,
}

/// One thread's buffers and caches.
pub struct Scanner<'p> {
    plan: &'p Plan,
    reader: Reader,
    caches: Caches,
}

/// Things that are worked out once for many events. All of them may be forgotten at any time.
#[derive(Default)]
struct Caches {
    hasher: RandomState,
    /// Actors by the hash of `userIdentity`. All hashes here have a random seed, so that nobody can make two of them meet.
    actors: ByHash<Arc<Actor>>,
    /// What is left to decide for calls of a name, by its hash.
    apis: ByHash<Rc<Route>>,
    /// By the hash of [`ROUTE_FIELDS`] and the sort of the address.
    routes: ByHash<Rc<Route>>,
    /// By the hashes of route and identity.
    combos: ByHash<Rc<Combo>>,
    /// When first-seen keys of forgotten combos were seen last.
    last: Vec<Last>,
    nothing: Option<Arc<[String]>>,
    /// First-seen keys that were told already.
    told: ByHash<Told>,
    /// Number of the object that is being read.
    object: u64,
    /// What the event at hand answered.
    answers: Answers,
}

/// What is to be done for events of one route and one identity.
struct Combo {
    who: Arc<Who>,
    call: Arc<Call>,
    /// First-seen keys that are the same for all events.
    first_seen: Vec<FirstSeenKey>,
    /// The actor's key as a text of an object: number of the object, number of the text.
    actor_text: Cell<(u64, u32)>,
    /// What was told of those keys: earliest event, time of the last one.
    told: Cell<Option<((i64, EventId), i64)>>,
    /// Detections that match, with the uses that look at more of the event.
    sure: Vec<(u32, Vec<(usize, usize)>)>,
    /// Detections that may match.
    maybe: Vec<u32>,
    /// Other uses that look at nothing else, or at nothing else but the network.
    fixed: Vec<Fixed>,
}

/// The one field besides route and identity that rules with memory ask of every event.
const NETWORK: &str = "bartizan.network";

/// What a rule with memory wants to know of every event of a combo.
struct Fixed {
    rule: u32,
    part: u32,
    text: Arc<str>,
    /// Where the last event of this combo was counted: number of the object, bucket, crowd.
    counted: Cell<(u64, i64, usize)>,
    what: FixedWhat,
}

enum FixedWhat {
    FirstSeen(FirstSeenKey),
    /// The key ends with the network of the event: a hasher that has seen all before it.
    FirstSeenNetwork {
        scope: u64,
        hasher: SipHasher13,
    },
    /// A rule that counts distinct values. No value: it is the network.
    Distinct {
        value: Option<u64>,
        values_max: usize,
        bucket_s: i64,
    },
}

struct FirstSeenKey {
    rule: u32,
    scope: u64,
    key: u64,
    text: Arc<str>,
}

/// First and last event of each value that a group had in a bucket of time, by value.
struct Crowd {
    rule: u32,
    part: u32,
    text: u32,
    bucket: i64,
    values: BTreeMap<u64, (Sighted, Option<Sighted>)>,
    /// The greatest value, once there are as many as the rule needs.
    most: u64,
}

/// An event in a crowd. What finding it needs is put together only for those that stay.
#[derive(Clone)]
struct Sighted {
    at: At,
    source: Source,
    combo: Rc<Combo>,
}

impl Crowd {
    #[inline]
    fn count(&mut self, value: u64, values_max: usize, at: At, view: &View<'_>, combo: &Rc<Combo>) {
        if value > self.most {
            return;
        }
        let sighted = || Sighted { at, source: source(view), combo: combo.clone() };
        if let Some((first, last)) = self.values.get_mut(&value) {
            let place = (at.time_s, at.id);
            if place < first.place() {
                let before = std::mem::replace(first, sighted());
                last.get_or_insert(before);
            } else if place > last.as_ref().unwrap_or(first).place() {
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

impl Sighted {
    fn place(&self) -> (i64, EventId) {
        (self.at.time_s, self.at.id)
    }
}

/// What a thread told of a key: the second of its earliest event, and that of the last one, which it tells in the end.
/// Small, because there are many and each event asks for one.
struct Told {
    scope: u64,
    first_s: u32,
    last_s: u32,
}

/// Seconds since 1970 as [`Told`] keeps them; those that it cannot keep are never earlier or later than others.
fn short(time_s: i64) -> u32 {
    time_s.clamp(0, i64::from(u32::MAX)) as u32
}

impl<'p> Scanner<'p> {
    /// A scanner with empty caches.
    pub fn new(plan: &'p Plan) -> Self {
        Self { plan, reader: Reader::new(), caches: Caches::default() }
    }

    /// Reads one object to its end.
    pub fn scan(&mut self, source: &mut dyn Read) -> Notes {
        self.caches.object += 1;
        let mut scan = Scan {
            plan: self.plan,
            caches: &mut self.caches,
            notes: Notes::default(),
            met: ByHash::default(),
            texts: HashMap::default(),
            slots: HashMap::default(),
            crowds: Vec::new(),
            crowd_places: HashMap::default(),
        };
        let bytes = self.reader.read(source, &mut |item| scan.item(item));
        scan.finish(bytes)
    }

    /// What is left to say when there are no more objects.
    pub fn finish(mut self) -> Notes {
        let mut notes = Notes::default();
        self.caches.forget_combos();
        self.caches.flush(&mut notes.last);
        notes.last.append(&mut self.caches.last);
        notes
    }
}

/// For each event of an object, the numbers of the detections that match it: what the routes come to.
pub fn matching(plan: &Plan, source: &mut dyn Read) -> Vec<(EventId, Vec<usize>)> {
    let mut found = Vec::new();
    let mut caches = Caches::default();
    Reader::new().read(source, &mut |item| {
        if let Item::Event(event) = item {
            let actor = Arc::new(Actor::of(event.field(Field::UserIdentity)));
            let view = View::new(&event, &actor, &plan.networks);
            let mut key = Vec::new();
            ROUTE_FIELDS.iter().for_each(|field| key.extend([event.raw_scalar(*field), &[0]].concat()));
            key.push(plan.networks.kind_of(view.address) as u8);
            let hash = caches.hasher.hash_one(&key[..]);
            caches.answers.next(&plan.rules.items);
            let route = caches.route(&plan.rules, &view, hash).refine(&plan.rules, &view, &caches.answers);
            let tried = route.maybe.iter().filter(|n| matches(&plan.rules, **n, &view, &caches.answers));
            let mut numbers: Vec<usize> = route.sure.iter().chain(tried).map(|n| *n as usize).collect();
            numbers.sort_unstable();
            found.push((event.id(), numbers));
        }
    });
    found
}

struct Scan<'a, 'p> {
    plan: &'p Plan,
    caches: &'a mut Caches,
    notes: Notes,
    met: ByHash<Met>,
    texts: HashMap<Arc<str>, u32, RandomState>,
    /// Where in the notes the matches of a finding stand.
    slots: HashMap<Slot, usize, RandomState>,
    crowds: Vec<Crowd>,
    /// Where in them, by rule, part, group and bucket.
    crowd_places: HashMap<(u32, u32, u32, i64), usize, RandomState>,
}

impl Scan<'_, '_> {
    fn finish(mut self, bytes: ReadBytes) -> Notes {
        self.tell_crowds();
        let mut notes = self.notes;
        notes.last.append(&mut self.caches.last);
        notes.bytes = bytes;
        let mut met: Vec<_> = self.met.into_values().collect();
        met.sort_unstable_by_key(|m| m.key);
        notes.met = met;
        notes
    }

    fn item(&mut self, item: Item<'_>) {
        match item {
            Item::Event(event) => self.event(&event),
            Item::Apart(apart) => *self.notes.apart.entry(apart).or_default() += 1,
            Item::Problem { offset, problem } => self.problem(offset, problem),
        }
    }

    fn problem(&mut self, offset: u64, problem: Problem) {
        self.notes.problems.entry(problem).or_insert((offset, 0)).1 += 1;
    }

    fn event(&mut self, event: &Event<'_>) {
        let number = self.notes.ids.len() as u32;
        let id = event.id();
        self.notes.ids.push(id);
        let Some(time_s) = event.time_s() else {
            return self.problem(0, Problem::NoTime);
        };
        let (first, last) = self.notes.times.unwrap_or((time_s, time_s));
        self.notes.times = Some((first.min(time_s), last.max(time_s)));
        let plan = self.plan;
        let address = View::address_of(event.raw_text(Field::SourceIpAddress));
        self.caches.answers.next(&plan.rules.items);
        let combo = self.caches.combo(plan, event, address);
        let view = View::with_address(event, &combo.who.actor, &plan.networks, address);
        if plan.tally {
            self.tally(event, &combo.who.actor);
        }
        if let Some(calls) = &plan.calls {
            self.notes.witness.see(calls, event, (id, time_s), &combo.who, &combo.call, source(&view));
        }
        let at = At { number, id, time_s };
        if !combo.first_seen.is_empty() {
            self.note_first_seen(&combo, at, &view);
        }
        if !combo.fixed.is_empty() {
            self.note_fixed(&combo, at, &view);
        }
        for (detection, uses) in &combo.sure {
            self.matched(&plan.rules.detections[*detection as usize], uses, at, &view, &combo);
        }
        for &number in &combo.maybe {
            let detection = &plan.rules.detections[number as usize];
            if matches(&plan.rules, number, &view, &self.caches.answers) {
                self.matched(detection, &detection.uses, at, &view, &combo);
            }
        }
    }

    /// Notes an event for first-seen keys that all events of the combo share: only the earliest is told at once.
    fn note_first_seen(&mut self, combo: &Rc<Combo>, at: At, view: &View<'_>) {
        let place = (at.time_s, at.id);
        let (first, last_s) = match combo.told.get() {
            Some((first, last_s)) if place >= first => (first, last_s.max(at.time_s)),
            told => {
                let sighting = self.caches.sighting(at, view, combo, false);
                for one in &combo.first_seen {
                    self.meet(one.rule, one.scope, one.key, &sighting, at.time_s, |_| one.text.clone());
                }
                (place, told.map_or(at.time_s, |(_, last_s)| last_s.max(at.time_s)))
            }
        };
        combo.told.set(Some((first, last_s)));
    }

    /// Notes an event for rules that look at no more than its route, its identity and its network.
    fn note_fixed(&mut self, combo: &Rc<Combo>, at: At, view: &View<'_>) {
        let network = Networks::network_number(view.address, view.event.raw_text(Field::SourceIpAddress));
        for fixed in &combo.fixed {
            match &fixed.what {
                FixedWhat::FirstSeen(_) => {}
                FixedWhat::FirstSeenNetwork { scope, hasher } => {
                    let mut hasher = *hasher;
                    hasher.write_u64(network);
                    hasher.write(b"key");
                    let key = hasher.finish();
                    if !self.caches.is_told(key, at) {
                        let first = self.caches.sighting(at, view, combo, false);
                        let text = || {
                            format!(
                                "{}{SCOPE_END}{}",
                                fixed.text,
                                Networks::network(&view.event.text(Field::SourceIpAddress).unwrap_or_default())
                            )
                        };
                        self.meet(fixed.rule, *scope, key, &first, at.time_s, |_| text().into());
                        self.caches.tell(
                            Told { scope: *scope, first_s: short(at.time_s), last_s: short(at.time_s) },
                            key,
                            &mut self.notes.last,
                        );
                    }
                }
                FixedWhat::Distinct { value, values_max, bucket_s } => {
                    let bucket = at.time_s.div_euclid(*bucket_s);
                    let crowd = match fixed.counted.get() {
                        (object, last, crowd) if (object, last) == (self.caches.object, bucket) => crowd,
                        _ => self.crowd(fixed, bucket),
                    };
                    self.crowds[crowd].count(value.unwrap_or(network), *values_max, at, view, combo);
                }
            }
        }
    }

    /// The crowd of a group in a bucket.
    fn crowd(&mut self, fixed: &Fixed, bucket: i64) -> usize {
        let text = self.text(&fixed.text);
        let crowd = *self.crowd_places.entry((fixed.rule, fixed.part, text, bucket)).or_insert_with(|| {
            self.crowds.push(Crowd { rule: fixed.rule, part: fixed.part, text, bucket, values: BTreeMap::new(), most: u64::MAX });
            self.crowds.len() - 1
        });
        fixed.counted.set((self.caches.object, bucket, crowd));
        crowd
    }

    /// Writes down what [`Self::note_fixed`] gathered.
    fn tell_crowds(&mut self) {
        let mut crowds = std::mem::take(&mut self.crowds);
        crowds.sort_unstable_by_key(|c| (c.rule, c.part, c.text, c.bucket));
        let nothing = self.caches.nothing();
        for Crowd { rule, part, text, values, .. } in crowds {
            for (value, (first, last)) in values {
                for sighted in std::iter::once(first).chain(last) {
                    let Sighted { at, source, combo } = sighted;
                    let (who, call) = (combo.who.clone(), combo.call.clone());
                    let sighting = Sighting { time_s: at.time_s, id: at.id, who, source, call, resources: nothing.clone() };
                    self.notes.notes.push(Note { event: at.number, rule, part, text, value, sighting });
                }
            }
        }
    }

    fn meet(&mut self, rule: u32, scope: u64, key: u64, first: &Sighting, last_s: i64, text: impl FnOnce(&Self) -> Arc<str>) {
        match self.met.get_mut(&key) {
            Some(met) => {
                met.last_s = met.last_s.max(last_s);
                if (first.time_s, first.id) < (met.first.time_s, met.first.id) {
                    met.first = first.clone();
                }
            }
            None => {
                let text = text(self);
                self.met.insert(key, Met { rule, key, scope, text, first: first.clone(), last_s });
            }
        }
    }

    fn matched(&mut self, detection: &Detection, uses: &[(usize, usize)], at: At, view: &View<'_>, combo: &Rc<Combo>) {
        let rules = &self.plan.rules;
        for &(rule, part) in uses {
            match &rules.rules[rule].kind {
                Kind::Part => {}
                Kind::Single => {
                    let text = self.actor_text(combo);
                    let attempt =
                        detection.attempts == Attempts::Lower && view.event.field(Field::ErrorCode).is_some_and(|v| !v.is_null());
                    self.single(Slot { rule: rule as u32, text, attempt, day: at.time_s.div_euclid(DAY_SECONDS) }, at, view, combo);
                }
                Kind::Window(window) => {
                    let Some(value) = value(&window.test, view) else { continue };
                    let group = group_text(&window.group_by[part], view);
                    let text = self.text(&group);
                    let telling = rules.rules[rule].severity >= Severity::Medium;
                    let sighting = self.caches.sighting(at, view, combo, telling);
                    self.notes.notes.push(Note { event: at.number, rule: rule as u32, part: part as u32, text, value, sighting });
                }
                Kind::FirstSeen(first_seen) => {
                    let (scope, key) = keys(&self.plan.memory, &rules.rules[rule].id, first_seen, view);
                    // Most keys were met before in this object, and later in it.
                    if let Some(met) = self.met.get_mut(&key)
                        && (at.time_s, at.id) > (met.first.time_s, met.first.id)
                    {
                        met.last_s = met.last_s.max(at.time_s);
                        continue;
                    }
                    let first = self.caches.sighting(at, view, combo, false);
                    self.meet(rule as u32, scope, key, &first, at.time_s, |_| first_seen_text(first_seen, view));
                }
            }
        }
    }

    /// Counts an event to a finding, and keeps what is to be told of it while it is among the earliest.
    fn single(&mut self, slot: Slot, at: At, view: &View<'_>, combo: &Combo) {
        let place = *self.slots.entry(slot).or_insert_with(|| {
            self.notes.matches.push((slot, Matches::default()));
            self.notes.matches.len() - 1
        });
        let matches = &mut self.notes.matches[place].1;
        matches.events.push((at.number, at.time_s));
        let earliest = &mut matches.earliest;
        let order = (at.time_s, at.id);
        if earliest.len() >= EVIDENCE_MAX && earliest.last().is_some_and(|(_, last)| order >= (last.time_s, last.id)) {
            return;
        }
        let n = earliest.partition_point(|(_, s)| (s.time_s, s.id) < order);
        // The same event again in the same object.
        if earliest.get(n).is_some_and(|(_, s)| (s.time_s, s.id) == order) {
            return;
        }
        earliest.truncate(EVIDENCE_MAX - 1);
        earliest.insert(n.min(earliest.len()), (at.number, self.caches.sighting(at, view, combo, true)));
    }

    /// The key of the actor as a text.
    fn actor_text(&mut self, combo: &Combo) -> u32 {
        let (object, text) = combo.actor_text.get();
        if object == self.caches.object {
            return text;
        }
        let text = self.text(&combo.who.actor.key);
        combo.actor_text.set((self.caches.object, text));
        text
    }

    fn text(&mut self, text: &str) -> u32 {
        if let Some(number) = self.texts.get(text) {
            return *number;
        }
        let number = self.notes.texts.len() as u32;
        let text: Arc<str> = text.into();
        self.notes.texts.push(text.clone());
        self.texts.insert(text, number);
        number
    }

    fn tally(&mut self, event: &Event<'_>, actor: &Actor) {
        let tally = &mut self.notes.tally;
        let count = |map: &mut BTreeMap<String, u64>, text: String| {
            if map.len() < SCAN_CACHE_MAX || map.contains_key(&text) {
                *map.entry(text).or_default() += 1;
            }
        };
        count(&mut tally.actors, format!("{} {}", actor.account.as_deref().unwrap_or("-"), actor.name));
        for (map, field) in [
            (&mut tally.sources, Field::EventSource),
            (&mut tally.regions, Field::AwsRegion),
            (&mut tally.errors, Field::ErrorCode),
        ] {
            if let Some(text) = event.text(field) {
                count(map, cut(&text));
            }
        }
    }
}

/// Which event it is.
#[derive(Clone, Copy)]
struct At {
    number: u32,
    id: EventId,
    time_s: i64,
}

impl Caches {
    /// Whether an event adds nothing to what was told of a key; then its time is only remembered.
    fn is_told(&mut self, key: u64, at: At) -> bool {
        let Some(told) = self.told.get_mut(&key) else { return false };
        let time_s = short(at.time_s);
        told.last_s = told.last_s.max(time_s);
        time_s > told.first_s
    }

    fn tell(&mut self, told: Told, key: u64, last: &mut Vec<Last>) {
        if self.told.len() >= TOLD_MAX {
            self.flush(last);
        }
        let last_s = told.last_s;
        let first_s = told.first_s;
        let entry = self.told.entry(key).or_insert(told);
        entry.first_s = entry.first_s.min(first_s);
        entry.last_s = entry.last_s.max(last_s);
    }

    /// Gives the last times of all keys, and forgets them.
    fn flush(&mut self, last: &mut Vec<Last>) {
        last.extend(self.told.drain().map(|(key, t)| Last { scope: t.scope, key, last_s: i64::from(t.last_s) }));
    }

    fn forget_combos(&mut self) {
        for (_, combo) in self.combos.drain() {
            if let Some((_, last_s)) = combo.told.get() {
                self.last.extend(combo.first_seen.iter().map(|one| Last { scope: one.scope, key: one.key, last_s }));
            }
        }
    }

    fn combo(&mut self, plan: &Plan, event: &Event<'_>, address: Option<IpAddr>) -> Rc<Combo> {
        let mut hasher = self.hasher.build_hasher();
        for field in ROUTE_FIELDS {
            let raw = event.raw_scalar(field);
            hasher.write(raw);
            hasher.write_u32(raw.len() as u32);
        }
        hasher.write_u8(plan.networks.kind_of(address) as u8);
        let (route, identity) = (hasher.finish(), self.hasher.hash_one(event.identity()));
        let key = route ^ identity.rotate_left(32);
        if let Some(combo) = self.combos.get(&key) {
            return combo.clone();
        }
        if self.combos.len() >= SCAN_CACHE_MAX {
            self.forget_combos();
        }
        let actor = self.actor(event, identity);
        let view = View::with_address(event, &actor, &plan.networks, address);
        let refined = self.route(&plan.rules, &view, route).refine(&plan.rules, &view, &self.answers);
        let combo = Rc::new(Combo::of(plan, refined, &view));
        self.combos.insert(key, combo.clone());
        combo
    }

    fn actor(&mut self, event: &Event<'_>, hash: u64) -> Arc<Actor> {
        if self.actors.len() >= SCAN_CACHE_MAX {
            self.actors.clear();
        }
        self.actors.entry(hash).or_insert_with(|| Arc::new(Actor::of(event.field(Field::UserIdentity)))).clone()
    }

    fn route(&mut self, rules: &Rules, view: &View<'_>, hash: u64) -> Rc<Route> {
        if let Some(route) = self.routes.get(&hash) {
            return route.clone();
        }
        if self.routes.len() >= SCAN_CACHE_MAX || self.apis.len() >= SCAN_CACHE_MAX {
            self.routes.clear();
            self.apis.clear();
        }
        // Most rules are about some calls only: what those leave open is little.
        let api = self.hasher.hash_one((view.event.raw_scalar(Field::EventSource), view.event.raw_scalar(Field::EventName)));
        let left = self.apis.entry(api).or_insert_with(|| Rc::new(Route::of_api(rules, view, &self.answers)));
        let route = Rc::new(left.of_route(rules, view, &self.answers));
        self.routes.insert(hash, route.clone());
        route
    }

    fn sighting(&mut self, at: At, view: &View<'_>, combo: &Combo, telling: bool) -> Sighting {
        let resources = if telling { view.resources.get_or_init(|| self.resources(view)).clone() } else { self.nothing() };
        Sighting { time_s: at.time_s, id: at.id, who: combo.who.clone(), source: source(view), call: combo.call.clone(), resources }
    }

    fn resources(&mut self, view: &View<'_>) -> Arc<[String]> {
        let mut found = resources(view.event);
        found.truncate(RESOURCES_MAX);
        if found.is_empty() { self.nothing() } else { found.into() }
    }

    fn nothing(&mut self) -> Arc<[String]> {
        self.nothing.get_or_insert_with(|| Arc::from([])).clone()
    }
}

fn source(view: &View<'_>) -> Source {
    match view.address {
        Some(address) => Source::Address(address),
        None => view.event.text(Field::SourceIpAddress).map_or(Source::None, |text| Source::Text(cut(&text).into())),
    }
}

impl Combo {
    /// Takes out of a route what can be worked out now for all events of this identity.
    fn of(plan: &Plan, route: Route, view: &View<'_>) -> Self {
        let (mut sure, mut fixed, mut first_seen) = (Vec::new(), Vec::new(), Vec::new());
        for detection in route.sure {
            let mut rest = Vec::new();
            for &(rule, part) in &plan.rules.detections[detection as usize].uses {
                match Fixed::of(plan, rule, part, view) {
                    Some(Some(Fixed { what: FixedWhat::FirstSeen(key), .. })) => first_seen.push(key),
                    Some(Some(one)) => fixed.push(one),
                    Some(None) => {}
                    None => rest.push((rule, part)),
                }
            }
            if !rest.is_empty() {
                sure.push((detection, rest));
            }
        }
        let text = |field| view.event.text(field).map(|t| cut(&t));
        let who = Arc::new(Who { actor: view.actor.clone(), user_agent: text(Field::UserAgent) });
        let call = Arc::new(Call {
            name: api(view.event),
            account: text(Field::RecipientAccountId),
            region: text(Field::AwsRegion),
            error: text(Field::ErrorCode),
        });
        Self { who, call, first_seen, actor_text: Cell::new((0, 0)), told: Cell::new(None), sure, maybe: route.maybe, fixed }
    }
}

impl Fixed {
    /// None: the rule looks at more than route and identity. `Some(None)`: it wants nothing of these events.
    fn of(plan: &Plan, rule: usize, part: usize, view: &View<'_>) -> Option<Option<Self>> {
        let settled = |fields: &[String]| fields.iter().all(|f| Depends::of(f, plan.networks.has_places()) <= Depends::Identity);
        let about = &plan.rules.rules[rule];
        let (text, what): (Arc<str>, _) = match &about.kind {
            Kind::FirstSeen(first_seen) if settled(&first_seen.key) && settled(&first_seen.scope) => {
                let (scope, key) = keys(&plan.memory, &about.id, first_seen, view);
                let text = first_seen_text(first_seen, view);
                (text.clone(), FixedWhat::FirstSeen(FirstSeenKey { rule: rule as u32, scope, key, text }))
            }
            Kind::FirstSeen(first_seen) if first_seen.key == [NETWORK] && settled(&first_seen.scope) => {
                let mut hasher = plan.memory.hasher();
                hasher.write(about.id.as_bytes());
                first_seen.scope.iter().for_each(|field| feed(&mut hasher, field, view));
                let scope = hasher.finish();
                hasher.write_u8(FIELD_MARK);
                (group_text(&first_seen.scope, view).into(), FixedWhat::FirstSeenNetwork { scope, hasher })
            }
            Kind::Window(window) => {
                let bucket_s = window.bucket_s()?;
                let fields = window.counted().unwrap_or_default();
                let of_network = fields == [NETWORK];
                if !settled(&window.group_by[part]) || !(of_network || settled(fields)) {
                    return None;
                }
                let value = if of_network { None } else { value(&window.test, view) };
                if value.is_none() && !of_network {
                    return Some(None);
                }
                let what = FixedWhat::Distinct { value, values_max: window.values_max(), bucket_s };
                (group_text(&window.group_by[part], view).into(), what)
            }
            _ => return None,
        };
        Some(Some(Self { rule: rule as u32, part: part as u32, text, counted: Cell::new((0, 0, 0)), what }))
    }
}

/// Hashes of the scope and of the key of a first-seen rule.
fn keys(memory: &Memory, rule: &str, first_seen: &FirstSeen, view: &View<'_>) -> (u64, u64) {
    let mut hasher = memory.hasher();
    hasher.write(rule.as_bytes());
    for field in &first_seen.scope {
        feed(&mut hasher, field, view);
    }
    let scope = hasher.finish();
    for field in &first_seen.key {
        feed(&mut hasher, field, view);
    }
    hasher.write(b"key");
    (scope, hasher.finish())
}

/// Scope and key for people, with [`SCOPE_END`] between them.
fn first_seen_text(first_seen: &FirstSeen, view: &View<'_>) -> Arc<str> {
    let scope = if first_seen.scope.is_empty() { String::new() } else { group_text(&first_seen.scope, view) };
    format!("{scope}{SCOPE_END}{}", group_text(&first_seen.key, view)).into()
}

/// What a window counts of an event; none when the event has no such value.
fn value(test: &Test, view: &View<'_>) -> Option<u64> {
    match test {
        Test::Sigma { condition, kind, .. } => match (&condition.field, kind) {
            (Some(fields), rsigma_parser::CorrelationType::ValueCount) if fields.as_slice() == [NETWORK] => {
                Some(Networks::network_number(view.address, view.event.raw_text(Field::SourceIpAddress)))
            }
            (Some(fields), rsigma_parser::CorrelationType::ValueCount) => {
                let mut hasher = foldhash::quality::FixedState::with_seed(1).build_hasher();
                for field in fields {
                    view.key_text(field)?.hash(&mut hasher);
                }
                Some(hasher.finish())
            }
            (Some(fields), kind) if !matches!(kind, rsigma_parser::CorrelationType::EventCount) => {
                let number = view.get_field(fields.first()?)?.as_f64().filter(|n| n.is_finite())?;
                Some(number.to_bits())
            }
            _ => Some(0),
        },
        Test::Travel { .. } => {
            let source = view.event.text(Field::SourceIpAddress)?;
            view.networks.place(&source).position.map(pack)
        }
        Test::Absence { .. } | Test::Rate { .. } => Some(0),
    }
}

fn group_text(fields: &[String], view: &View<'_>) -> String {
    if let [field] = fields {
        if field == "bartizan.actor" {
            return view.actor.key.clone();
        }
        return view.key_text(field).unwrap_or_else(|| "-".to_owned());
    }
    let texts: Vec<_> = fields.iter().map(|f| view.key_text(f).unwrap_or_else(|| "-".to_owned())).collect();
    texts.join(" · ")
}

/// Stands before each field in a hash.
const FIELD_MARK: u8 = 0x1f;

/// Puts the text of a field into a hash, without making a string where that can be had.
fn feed(hasher: &mut impl Hasher, field: &str, view: &View<'_>) {
    hasher.write_u8(FIELD_MARK);
    if field == "bartizan.actor" {
        return hasher.write(view.actor.key.as_bytes());
    }
    if field == NETWORK {
        return hasher.write_u64(Networks::network_number(view.address, view.event.raw_text(Field::SourceIpAddress)));
    }
    match Field::named(field.as_bytes()).map(|f| view.event.raw_text(f)) {
        Some(raw) if !raw.is_empty() => hasher.write(raw),
        _ => hasher.write(view.key_text(field).unwrap_or_default().as_bytes()),
    }
}
