//! Holding events against rules: what a thread does with one object.
//!
//! Nothing is judged here. A thread writes down which events matched what, in the order of the object; the
//! [`super::Judge`] takes these notes in the order of the objects, so that threads cannot change what is found.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash, Hasher};
use std::io::Read;
use std::sync::Arc;

use foldhash::fast::RandomState;
use rsigma_eval::Event as _;

use super::derive::{api, cut, resources};
use super::first_seen::{ByHash, Memory, Met};
use super::load::Rules;
use super::networks::Networks;
use super::route::{Route, matches};
use super::rule::{Attempts, Detection, Kind, Test};
use super::view::View;
use super::window::pack;
use crate::finding::{Call, Severity, Sighting, Who};
use crate::limits::{RESOURCES_MAX, SCAN_CACHE_MAX};
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
}

/// What was found in one object.
#[derive(Default)]
pub struct Notes {
    /// Every event, in order.
    pub(super) ids: Vec<EventId>,
    /// First and last event time.
    pub(super) times: Option<(i64, i64)>,
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
}

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

/// One event that some rule asked for.
pub(super) struct Note {
    pub(super) event: u32,
    pub(super) rule: u32,
    pub(super) part: u32,
    pub(super) attempt: bool,
    /// Entity or group: index in the texts.
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
    /// Actors by the bytes of `userIdentity`.
    actors: HashMap<u64, (Box<[u8]>, Arc<Actor>)>,
    /// Routes by the bytes of the fields in [`super::route::KNOWN`].
    routes: HashMap<u64, (Box<[u8]>, Arc<Route>)>,
    whos: HashMap<u64, Arc<Who>>,
    calls: HashMap<u64, Arc<Call>>,
    nothing: Option<Arc<[String]>>,
    /// Bytes of the key that is looked up.
    key: Vec<u8>,
}

impl<'p> Scanner<'p> {
    /// A scanner with empty caches.
    pub fn new(plan: &'p Plan) -> Self {
        Self { plan, reader: Reader::new(), caches: Caches::default() }
    }

    /// Reads one object to its end.
    pub fn scan(&mut self, source: &mut dyn Read) -> Notes {
        let mut scan = Scan { plan: self.plan, caches: &mut self.caches, notes: Notes::default(), met: ByHash::default(), texts: HashMap::new() };
        let bytes = self.reader.read(source, &mut |item| scan.item(item));
        let mut notes = scan.notes;
        notes.bytes = bytes;
        // In the order of the keys, so that the same object always gives the same notes.
        let mut met: Vec<_> = scan.met.into_values().collect();
        met.sort_unstable_by_key(|m| m.key);
        notes.met = met;
        notes
    }
}

struct Scan<'a, 'p> {
    plan: &'p Plan,
    caches: &'a mut Caches,
    notes: Notes,
    met: ByHash<Met>,
    texts: HashMap<Arc<str>, u32>,
}

impl Scan<'_, '_> {
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
        let actor = self.caches.actor(event);
        let plan = self.plan;
        let view = View::new(event, &actor, &plan.networks);
        if plan.tally {
            self.tally(event, &actor);
        }
        let route = self.caches.route(&plan.rules, &view);
        let rules = &plan.rules;
        for &detection in &route.sure {
            self.matched(&rules.detections[detection as usize], number, time_s, id, &view, &actor);
        }
        for &detection in &route.maybe {
            let detection = &rules.detections[detection as usize];
            if matches(&detection.compiled, &view) {
                self.matched(detection, number, time_s, id, &view, &actor);
            }
        }
    }

    fn matched(&mut self, detection: &Detection, event: u32, time_s: i64, id: EventId, view: &View<'_>, actor: &Arc<Actor>) {
        let rules = &self.plan.rules;
        let record = view.event;
        for &(rule, part) in &detection.uses {
            match &rules.rules[rule].kind {
                Kind::Part => {}
                Kind::Single => {
                    let text = self.text(&actor.key);
                    let attempt = detection.attempts == Attempts::Lower && record.field(Field::ErrorCode).is_some_and(|v| !v.is_null());
                    let sighting = self.sighting(time_s, id, record, actor, true);
                    self.notes.notes.push(Note { event, rule: rule as u32, part: 0, attempt, text, value: 0, sighting });
                }
                Kind::Window(window) => {
                    let Some(value) = value(&window.test, view) else { continue };
                    let group = group_text(&window.group_by[part], view);
                    let text = self.text(&group);
                    let telling = rules.rules[rule].severity >= Severity::Medium;
                    let sighting = self.sighting(time_s, id, record, actor, telling);
                    self.notes.notes.push(Note { event, rule: rule as u32, part: part as u32, attempt: false, text, value, sighting });
                }
                Kind::FirstSeen(first_seen) => {
                    let mut hasher = self.plan.memory.hasher();
                    hasher.write(rules.rules[rule].id.as_bytes());
                    for field in &first_seen.scope {
                        feed(&mut hasher, field, view);
                    }
                    let scope = hasher.finish();
                    for field in &first_seen.key {
                        feed(&mut hasher, field, view);
                    }
                    hasher.write(b"key");
                    let key = hasher.finish();
                    match self.met.get_mut(&key) {
                        Some(met) => {
                            met.last_s = met.last_s.max(time_s);
                            if (time_s, id) < (met.first.time_s, met.first.id) {
                                let first = self.sighting(time_s, id, record, actor, false);
                                if let Some(met) = self.met.get_mut(&key) {
                                    met.first = first;
                                }
                            }
                        }
                        None => {
                            let text = group_text(&[first_seen.scope.as_slice(), first_seen.key.as_slice()].concat(), view);
                            let first = self.sighting(time_s, id, record, actor, false);
                            self.met.insert(key, Met { rule: rule as u32, key, scope, text: text.into(), first, last_s: time_s });
                        }
                    }
                }
            }
        }
    }

    fn sighting(&mut self, time_s: i64, id: EventId, event: &Event<'_>, actor: &Arc<Actor>, telling: bool) -> Sighting {
        let who = self.caches.who(event, actor);
        let call = self.caches.call(event);
        let resources = if telling {
            let mut found = resources(event);
            found.truncate(RESOURCES_MAX);
            found.into()
        } else {
            self.caches.nothing.get_or_insert_with(|| Arc::from([])).clone()
        };
        Sighting { time_s, id, who, call, resources }
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
        for (map, field) in [(&mut tally.sources, Field::EventSource), (&mut tally.regions, Field::AwsRegion), (&mut tally.errors, Field::ErrorCode)] {
            if let Some(text) = event.text(field) {
                count(map, cut(&text));
            }
        }
    }
}

impl Caches {
    fn actor(&mut self, event: &Event<'_>) -> Arc<Actor> {
        let identity = event.field(Field::UserIdentity);
        let raw = identity.map(|v| v.raw()).unwrap_or_default();
        let hash = self.hasher.hash_one(raw);
        if let Some((known, actor)) = self.actors.get(&hash)
            && **known == *raw
        {
            return actor.clone();
        }
        if self.actors.len() >= SCAN_CACHE_MAX {
            self.actors.clear();
        }
        let actor = Arc::new(Actor::of(identity));
        self.actors.insert(hash, (raw.into(), actor.clone()));
        actor
    }

    fn route(&mut self, rules: &Rules, view: &View<'_>) -> Arc<Route> {
        let key = &mut self.key;
        key.clear();
        for field in [Field::EventSource, Field::EventName, Field::UserAgent, Field::ErrorCode] {
            let value = view.event.field(field);
            // Strings without their quotes, other values as they are: a number is not the text of that number.
            match value.map(|v| v.raw_string().unwrap_or_else(|| v.raw())) {
                Some(raw) => key.extend_from_slice(raw),
                None => key.push(1),
            }
            key.push(0);
        }
        key.extend_from_slice(view.actor.kind.as_bytes());
        key.push(view.actor.caller as u8);
        let hash = self.hasher.hash_one(&key[..]);
        if let Some((known, route)) = self.routes.get(&hash)
            && **known == *key
        {
            return route.clone();
        }
        if self.routes.len() >= SCAN_CACHE_MAX {
            self.routes.clear();
        }
        let route = Arc::new(Route::of(rules, view));
        self.routes.insert(hash, (key.as_slice().into(), route.clone()));
        route
    }

    fn who(&mut self, event: &Event<'_>, actor: &Arc<Actor>) -> Arc<Who> {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_usize(Arc::as_ptr(actor) as usize);
        event.raw_text(Field::SourceIpAddress).hash(&mut hasher);
        event.raw_text(Field::UserAgent).hash(&mut hasher);
        let hash = hasher.finish();
        if let Some(who) = self.whos.get(&hash)
            && Arc::ptr_eq(&who.actor, actor)
        {
            return who.clone();
        }
        if self.whos.len() >= SCAN_CACHE_MAX {
            self.whos.clear();
        }
        let text = |field| event.text(field).map(|t| cut(&t));
        let who = Arc::new(Who { actor: actor.clone(), source_ip: text(Field::SourceIpAddress), user_agent: text(Field::UserAgent) });
        self.whos.insert(hash, who.clone());
        who
    }

    fn call(&mut self, event: &Event<'_>) -> Arc<Call> {
        let mut hasher = self.hasher.build_hasher();
        for field in [Field::EventSource, Field::EventName, Field::AwsRegion, Field::RecipientAccountId, Field::ErrorCode] {
            event.raw_text(field).hash(&mut hasher);
        }
        let hash = hasher.finish();
        if let Some(call) = self.calls.get(&hash) {
            return call.clone();
        }
        if self.calls.len() >= SCAN_CACHE_MAX {
            self.calls.clear();
        }
        let text = |field| event.text(field).map(|t| cut(&t));
        let call = Arc::new(Call {
            name: api(event),
            account: text(Field::RecipientAccountId),
            region: text(Field::AwsRegion),
            error: text(Field::ErrorCode),
        });
        self.calls.insert(hash, call.clone());
        call
    }
}

/// What a window counts of an event; none when the event has no such value.
fn value(test: &Test, view: &View<'_>) -> Option<u64> {
    match test {
        Test::Sigma { condition, kind, .. } => match (&condition.field, kind) {
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

/// Puts the text of a field into a hash, without making a string where that can be had.
fn feed(hasher: &mut impl Hasher, field: &str, view: &View<'_>) {
    hasher.write_u8(0x1f);
    if field == "bartizan.actor" {
        return hasher.write(view.actor.key.as_bytes());
    }
    match Field::named(field.as_bytes()).map(|f| view.event.raw_text(f)) {
        Some(raw) if !raw.is_empty() => hasher.write(raw),
        _ => hasher.write(view.key_text(field).unwrap_or_default().as_bytes()),
    }
}
