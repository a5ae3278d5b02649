//! Holding events against rules: what a thread does with one object.
//!
//! Most rules with memory ask only for things that are the same for thousands of events: who calls, which call, from which
//! sort of address. What they want to know is worked out once for each such combination ([`Combo`]). Of its events only
//! the earliest is noted for first-seen rules, and for rules that count distinct values the first and the last of each value
//! in a bucket of time, which is all they need. An event that repeats another in all but time, ids and address is not
//! even asked what it matches: that is known ([`Repeat`]).
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

use super::combo::{AboutNetwork, Combo, Counted, Crowd, Repeat, Sighted, Span, Sure, Text, UNTOLD};
use super::condition::Answers;
use super::derive::{cut, resources};
use super::first_seen::{ByHash, Memory, Met, SCOPE_END};
use super::load::Rules;
use super::networks::{AddressKind, Networks};
use super::route::{ROUTE_FIELDS, Route, matches};
use super::rule::{Attempts, Detection, FirstSeen, Kind, Test};
use super::view::View;
use super::window::{DAY_SECONDS, pack};
use crate::finding::{Severity, Sighting, Source};
use crate::join::{CallMap, Witness};
use crate::limits::{EVIDENCE_MAX, RESOURCES_MAX, SCAN_CACHE_MAX};
use crate::trail::{Actor, Apart, Event, EventId, Field, Fields, Item, Problem, ReadBytes, Reader};

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
    scratch: Scratch,
    spare: Notes,
}

/// Room that is used again from object to object. Empty in between.
#[derive(Default)]
struct Scratch {
    met: ByHash<Met>,
    texts: HashMap<Arc<str>, u32, RandomState>,
    /// Where in the notes the matches of a finding stand.
    slots: HashMap<Slot, usize, RandomState>,
    crowds: Vec<Crowd>,
    /// Where in them, by rule, part, group and bucket.
    crowd_places: HashMap<(u32, u32, u32, i64), usize, RandomState>,
    /// Combos whose span is not counted yet.
    open: Vec<Rc<Combo>>,
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
    /// By [`Event::lasting_hash`] and the sort of the address.
    repeats: ByHash<(Rc<Combo>, Rc<Repeat>)>,
    /// Hashes of events that came once. What comes again is worth a [`Repeat`].
    once: Vec<u64>,
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

/// What a thread told of a key: the second of its earliest event, and that of the last one, which it tells in the end.
/// Small, because there are many and each event asks for one.
struct Told {
    scope: u64,
    key: u64,
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
        Self { plan, reader: Reader::new(), caches: Caches::default(), scratch: Scratch::default(), spare: Notes::default() }
    }

    /// Reads one object to its end.
    pub fn scan(&mut self, source: &mut dyn Read) -> Notes {
        self.caches.object += 1;
        let mut scan =
            Scan { plan: self.plan, caches: &mut self.caches, notes: std::mem::take(&mut self.spare), scratch: &mut self.scratch };
        let bytes = self.reader.read(source, &mut |item| scan.item(item));
        scan.finish(bytes)
    }

    /// Takes empty notes, as [`super::Judge::take`] leaves them, for the next object.
    pub fn reuse(&mut self, spare: Notes) {
        self.spare = spare;
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
    scratch: &'a mut Scratch,
}

impl Scan<'_, '_> {
    fn finish(mut self, bytes: ReadBytes) -> Notes {
        self.tell_crowds();
        let mut notes = self.notes;
        notes.last.append(&mut self.caches.last);
        notes.bytes = bytes;
        notes.met.extend(self.scratch.met.drain().map(|(_, met)| met));
        notes.met.sort_unstable_by_key(|m| m.key);
        self.scratch.texts.clear();
        self.scratch.slots.clear();
        self.scratch.crowd_places.clear();
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
        let (combo, lasting) = self.caches.combo(plan, event, address);
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
        if combo.bucket_s > 0 {
            self.note_span(&combo, at, &view);
        }
        if !combo.networks.is_empty() {
            self.note_network(&combo, at, &view);
        }
        if combo.sure.is_empty() && combo.maybe.is_empty() {
            return;
        }
        let repeat = lasting.and_then(|lasting| Some(self.caches.repeats.get(&lasting)?.1.clone()));
        let repeat = repeat.as_deref();
        for Sure { detection, uses } in &combo.sure {
            self.matched(&plan.rules.detections[*detection as usize], uses, at, &view, &combo, repeat);
        }
        for (n, &number) in combo.maybe.iter().enumerate() {
            let detection = &plan.rules.detections[number as usize];
            let known = repeat.filter(|_| !detection.reads.meets(Fields::PER_EVENT)).map(|repeat| &repeat.matched[n]);
            let matched = known.and_then(Cell::get).unwrap_or_else(|| {
                let matched = matches(&plan.rules, number, &view, &self.caches.answers);
                if let Some(known) = known {
                    known.set(Some(matched));
                }
                matched
            });
            if matched {
                self.matched(detection, &detection.uses, at, &view, &combo, repeat);
            }
        }
    }

    /// Notes an event for first-seen keys that all events of the combo share: only the earliest is told at once.
    fn note_first_seen(&mut self, combo: &Rc<Combo>, at: At, view: &View<'_>) {
        let (first_s, last_s) = combo.told.get();
        if at.place() >= (first_s, combo.told_id.get()) {
            return combo.told.set((first_s, last_s.max(at.time_s)));
        }
        let sighting = self.caches.sighting(at, view, combo, None);
        for one in &combo.first_seen {
            self.meet(one.rule, one.scope, one.key, &sighting, at.time_s, |_| one.text.clone());
        }
        combo.told.set((at.time_s, last_s.max(at.time_s)));
        combo.told_id.set(at.id);
    }

    /// Notes an event for rules that count values which are the same for all events of its combo: only its first and last
    /// event in a bucket of time are counted, when that is over.
    fn note_span(&mut self, combo: &Rc<Combo>, at: At, view: &View<'_>) {
        let over = match &mut *combo.span.borrow_mut() {
            Some(span) if span.has(at.time_s) => return span.note(at, || source(view)),
            span => {
                if span.is_none() {
                    self.scratch.open.push(combo.clone());
                }
                span.replace(Span::new(combo.bucket_s, at, source(view)))
            }
        };
        if let Some(span) = over {
            self.count(combo, &span);
        }
    }

    /// Counts what a combo did in a bucket of time.
    fn count(&mut self, combo: &Rc<Combo>, span: &Span) {
        for counted in &combo.counted {
            let from_s = span.from_s.div_euclid(counted.bucket_s) * counted.bucket_s;
            let crowd = self.crowd(counted.rule, counted.part, &counted.text, from_s);
            for (at, source) in std::iter::once(&span.first).chain(&span.last) {
                self.scratch.crowds[crowd].count(counted.value, counted.values_max, *at, combo, || source.clone());
            }
        }
    }

    /// Notes an event for rules that look at no more than its route, its identity and its network.
    fn note_network(&mut self, combo: &Rc<Combo>, at: At, view: &View<'_>) {
        let network = Networks::network_number(view.address, view.event.raw_text(Field::SourceIpAddress));
        for about in &combo.networks {
            match &about.what {
                AboutNetwork::FirstSeen { scope, hasher } => {
                    let quick = (scope ^ network).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32) ^ scope;
                    if self.caches.is_told(quick, at) {
                        continue;
                    }
                    let mut hasher = **hasher;
                    hasher.write_u64(network);
                    hasher.write(b"key");
                    let key = hasher.finish();
                    let first = self.caches.sighting(at, view, combo, None);
                    let text = || {
                        format!(
                            "{}{SCOPE_END}{}",
                            about.text.text,
                            Networks::network(&view.event.text(Field::SourceIpAddress).unwrap_or_default())
                        )
                    };
                    self.meet(about.rule, *scope, key, &first, at.time_s, |_| text().into());
                    let told = Told { scope: *scope, key, first_s: short(at.time_s), last_s: short(at.time_s) };
                    self.caches.tell(told, quick, &mut self.notes.last);
                }
                AboutNetwork::Distinct { values_max, bucket_s } => {
                    let here = |c: &Counted| c.object == self.caches.object && (c.from_s..c.from_s + bucket_s).contains(&at.time_s);
                    let mut counted = about.counted.get();
                    if !here(&counted) {
                        let from_s = at.time_s.div_euclid(*bucket_s) * bucket_s;
                        let crowd = self.crowd(about.rule, about.part, &about.text, from_s);
                        counted = Counted { object: self.caches.object, from_s, crowd, most: self.scratch.crowds[crowd].most };
                        about.counted.set(counted);
                    }
                    // The greatest value that counts only ever falls: what was beyond it is beyond it now.
                    if network > counted.most {
                        continue;
                    }
                    let crowd = &mut self.scratch.crowds[counted.crowd];
                    crowd.count(network, *values_max, at, combo, || source(view));
                    about.counted.set(Counted { most: crowd.most, ..counted });
                }
            }
        }
    }

    /// The crowd of a group in the bucket that begins at this time.
    fn crowd(&mut self, rule: u32, part: u32, text: &Text, from_s: i64) -> usize {
        let text = self.number(text);
        *self.scratch.crowd_places.entry((rule, part, text, from_s)).or_insert_with(|| {
            self.scratch.crowds.push(Crowd { rule, part, text, from_s, values: BTreeMap::new(), most: u64::MAX });
            self.scratch.crowds.len() - 1
        })
    }

    /// Writes down what was counted.
    fn tell_crowds(&mut self) {
        for combo in std::mem::take(&mut self.scratch.open) {
            if let Some(span) = combo.span.take() {
                self.count(&combo, &span);
            }
        }
        let mut crowds = std::mem::take(&mut self.scratch.crowds);
        crowds.sort_unstable_by_key(|c| (c.rule, c.part, c.text, c.from_s));
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
        match self.scratch.met.get_mut(&key) {
            Some(met) => {
                met.last_s = met.last_s.max(last_s);
                if (first.time_s, first.id) < (met.first.time_s, met.first.id) {
                    met.first = first.clone();
                }
            }
            None => {
                let text = text(self);
                self.scratch.met.insert(key, Met { rule, key, scope, text, first: first.clone(), last_s });
            }
        }
    }

    fn matched(
        &mut self,
        detection: &Detection,
        uses: &[(usize, usize)],
        at: At,
        view: &View<'_>,
        combo: &Rc<Combo>,
        repeat: Option<&Repeat>,
    ) {
        let rules = &self.plan.rules;
        for &(rule, part) in uses {
            let about = &rules.rules[rule];
            match &about.kind {
                Kind::Part => {}
                Kind::Single => {
                    let text = self.number(&combo.actor);
                    let attempt =
                        detection.attempts == Attempts::Lower && view.event.field(Field::ErrorCode).is_some_and(|v| !v.is_null());
                    let slot = Slot { rule: rule as u32, text, attempt, day: at.time_s.div_euclid(DAY_SECONDS) };
                    self.single(slot, at, view, combo, repeat);
                }
                Kind::Window(window) => {
                    let asked = || Some((value(&window.test, view)?, group_text(&window.group_by[part], view).into()));
                    let asked = match repeat {
                        Some(repeat) => repeat.window(rule, part, || window.reads(part), asked),
                        None => asked(),
                    };
                    let Some((value, group)) = asked else { continue };
                    let text = self.text(&group);
                    let telling = about.severity >= Severity::Medium;
                    let sighting = self.caches.sighting(at, view, combo, telling.then_some(repeat));
                    self.notes.notes.push(Note { event: at.number, rule: rule as u32, part: part as u32, text, value, sighting });
                }
                Kind::FirstSeen(first_seen) => {
                    let asked = || keys(&self.plan.memory, &about.id, first_seen, view);
                    let (scope, key) = match repeat {
                        Some(repeat) => repeat.keys(rule, || first_seen.reads(), asked),
                        None => asked(),
                    };
                    // Most keys were met before in this object, and later in it.
                    if let Some(met) = self.scratch.met.get_mut(&key)
                        && (at.time_s, at.id) > (met.first.time_s, met.first.id)
                    {
                        met.last_s = met.last_s.max(at.time_s);
                        continue;
                    }
                    let first = self.caches.sighting(at, view, combo, None);
                    self.meet(rule as u32, scope, key, &first, at.time_s, |_| first_seen_text(first_seen, view));
                }
            }
        }
    }

    /// Counts an event to a finding, and keeps what is to be told of it while it is among the earliest.
    fn single(&mut self, slot: Slot, at: At, view: &View<'_>, combo: &Combo, repeat: Option<&Repeat>) {
        let place = *self.scratch.slots.entry(slot).or_insert_with(|| {
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
        earliest.insert(n.min(earliest.len()), (at.number, self.caches.sighting(at, view, combo, Some(repeat))));
    }

    /// The number of a text that many events have.
    fn number(&mut self, text: &Text) -> u32 {
        let (object, number) = text.number.get();
        if object == self.caches.object {
            return number;
        }
        let number = self.text(&text.text);
        text.number.set((self.caches.object, number));
        number
    }

    fn text(&mut self, text: &str) -> u32 {
        if let Some(number) = self.scratch.texts.get(text) {
            return *number;
        }
        let number = self.notes.texts.len() as u32;
        let text: Arc<str> = text.into();
        self.notes.texts.push(text.clone());
        self.scratch.texts.insert(text, number);
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
pub(super) struct At {
    pub(super) number: u32,
    pub(super) id: EventId,
    pub(super) time_s: i64,
}

impl Caches {
    /// Whether an event adds nothing to what was told of a key; then its time is only remembered.
    fn is_told(&mut self, quick: u64, at: At) -> bool {
        let Some(told) = self.told.get_mut(&quick) else { return false };
        let time_s = short(at.time_s);
        told.last_s = told.last_s.max(time_s);
        time_s > told.first_s
    }

    fn tell(&mut self, told: Told, quick: u64, last: &mut Vec<Last>) {
        if self.told.len() >= TOLD_MAX {
            self.flush(last);
        }
        let last_s = told.last_s;
        let first_s = told.first_s;
        let entry = self.told.entry(quick).or_insert(told);
        entry.first_s = entry.first_s.min(first_s);
        entry.last_s = entry.last_s.max(last_s);
    }

    /// Gives the last times of all keys, and forgets them.
    fn flush(&mut self, last: &mut Vec<Last>) {
        last.extend(self.told.drain().map(|(_, t)| Last { scope: t.scope, key: t.key, last_s: i64::from(t.last_s) }));
    }

    fn forget_combos(&mut self) {
        // Repeats would go on with combos whose last times nobody asks for any more.
        self.repeats.clear();
        for (_, combo) in self.combos.drain() {
            let (_, last_s) = combo.told.get();
            if combo.told.get() != UNTOLD {
                self.last.extend(combo.first_seen.iter().map(|one| Last { scope: one.scope, key: one.key, last_s }));
            }
        }
    }

    /// The combo of an event, and by what to look up what was worked out for the events that it repeats.
    fn combo(&mut self, plan: &Plan, event: &Event<'_>, address: Option<IpAddr>) -> (Rc<Combo>, Option<u64>) {
        let kind = plan.networks.kind_of(address);
        let Some(lasting) = event.lasting_hash(&self.hasher).map(|hash| hash ^ kind as u64) else {
            return (self.combo_of(plan, event, address, kind), None);
        };
        if let Some((combo, _)) = self.repeats.get(&lasting) {
            return (combo.clone(), Some(lasting));
        }
        let combo = self.combo_of(plan, event, address, kind);
        self.once.resize(SCAN_CACHE_MAX, 0);
        let once = &mut self.once[lasting as usize % SCAN_CACHE_MAX];
        if std::mem::replace(once, lasting) != lasting {
            return (combo, None);
        }
        if self.repeats.len() >= SCAN_CACHE_MAX {
            self.repeats.clear();
        }
        self.repeats.insert(lasting, (combo.clone(), Rc::new(Repeat::of(&combo))));
        (combo, Some(lasting))
    }

    fn combo_of(&mut self, plan: &Plan, event: &Event<'_>, address: Option<IpAddr>, kind: AddressKind) -> Rc<Combo> {
        let mut hasher = self.hasher.build_hasher();
        for field in ROUTE_FIELDS {
            let raw = event.raw_scalar(field);
            hasher.write(raw);
            hasher.write_u32(raw.len() as u32);
        }
        hasher.write_u8(kind as u8);
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

    /// `telling`: with what the call was about, which may be known from the event that this one repeats.
    fn sighting(&mut self, at: At, view: &View<'_>, combo: &Combo, telling: Option<Option<&Repeat>>) -> Sighting {
        let resources = match telling {
            None => self.nothing(),
            Some(repeat) => repeat.map_or(&view.resources, |r| &r.resources).get_or_init(|| self.resources(view)).clone(),
        };
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

pub(super) fn source(view: &View<'_>) -> Source {
    match view.address {
        Some(address) => Source::Address(address),
        None => view.event.text(Field::SourceIpAddress).map_or(Source::None, |text| Source::Text(cut(&text).into())),
    }
}

/// Hashes of the scope and of the key of a first-seen rule.
pub(super) fn keys(memory: &Memory, rule: &str, first_seen: &FirstSeen, view: &View<'_>) -> (u64, u64) {
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
pub(super) fn first_seen_text(first_seen: &FirstSeen, view: &View<'_>) -> Arc<str> {
    let scope = if first_seen.scope.is_empty() { String::new() } else { group_text(&first_seen.scope, view) };
    format!("{scope}{SCOPE_END}{}", group_text(&first_seen.key, view)).into()
}

/// What a window counts of an event; none when the event has no such value.
pub(super) fn value(test: &Test, view: &View<'_>) -> Option<u64> {
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

pub(super) fn group_text(fields: &[String], view: &View<'_>) -> String {
    if let [field] = fields {
        if field == "bartizan.actor" {
            return view.actor.key.clone();
        }
        return view.key_text(field).unwrap_or_else(|| "-".to_owned());
    }
    let texts: Vec<_> = fields.iter().map(|f| view.key_text(f).unwrap_or_else(|| "-".to_owned())).collect();
    texts.join(" · ")
}

/// The one field besides route and identity that rules with memory ask of every event.
pub(super) const NETWORK: &str = "bartizan.network";

/// Stands before each field in a hash.
pub(super) const FIELD_MARK: u8 = 0x1f;

/// Puts the text of a field into a hash, without making a string where that can be had.
pub(super) fn feed(hasher: &mut impl Hasher, field: &str, view: &View<'_>) {
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
