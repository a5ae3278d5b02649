//! What one thread works out once for many events, within bounds.

use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use foldhash::quality::RandomState;

use super::combo::{Combo, Repeat, Shared, UNTOLD};
use super::condition::Answers;
use super::first_seen::ByHash;
use super::load::Rules;
use super::networks::AddressKind;
use super::notes::Last;
use super::route::{ROUTE_FIELDS, Route};
use super::scan::Plan;
use super::view::View;
use crate::limits::SCAN_CACHE_MAX;
use crate::trail::{Actor, Event, Field};

/// First-seen keys of which a thread knows what it told.
const TOLD_MAX: usize = 50_000;

/// Things that are worked out once for many events. All of them may be forgotten at any time.
#[derive(Default)]
pub(super) struct Caches {
    pub(super) hasher: RandomState,
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
    /// What combos share.
    pub(super) shared: Shared,
    /// Hashes of events that came once. What comes again is worth a [`Repeat`].
    once: Vec<u64>,
    /// When first-seen keys of forgotten combos were seen last.
    pub(super) last: Vec<Last>,
    /// First-seen keys that were told already.
    told: ByHash<Told>,
    /// Number of the object that is being read.
    pub(super) object: u64,
    /// What the event at hand answered.
    pub(super) answers: Answers,
}

/// What a thread told of a key: the second of its earliest event, and that of the last one, which it tells in the end.
/// Small, because there are many and each event asks for one.
pub(super) struct Told {
    scope: u64,
    key: u64,
    first_s: u32,
    last_s: u32,
}

impl Told {
    pub(super) fn new(scope: u64, key: u64, time_s: i64) -> Self {
        Self { scope, key, first_s: short(time_s), last_s: short(time_s) }
    }
}

/// Seconds since 1970 as [`Told`] keeps them; those that it cannot keep are never earlier or later than others.
fn short(time_s: i64) -> u32 {
    time_s.clamp(0, i64::from(u32::MAX)) as u32
}

impl Caches {
    /// Whether an event adds nothing to what was told of a key; then its time is only remembered.
    pub(super) fn is_told(&mut self, quick: u64, time_s: i64) -> bool {
        let Some(told) = self.told.get_mut(&quick) else { return false };
        let time_s = short(time_s);
        told.last_s = told.last_s.max(time_s);
        time_s > told.first_s
    }

    pub(super) fn tell(&mut self, told: Told, quick: u64, last: &mut Vec<Last>) {
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

    /// What is left to say when there are no more objects.
    pub(super) fn finish(&mut self) -> Vec<Last> {
        self.forget_combos();
        let mut last = std::mem::take(&mut self.last);
        self.flush(&mut last);
        last
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

    /// The combo of an event, and what was worked out for the events that it repeats.
    pub(super) fn combo(&mut self, plan: &Plan, event: &Event<'_>, address: Option<IpAddr>) -> (Rc<Combo>, Option<Rc<Repeat>>) {
        let kind = plan.networks.kind_of(address);
        let Some(lasting) = event.lasting_hash(&self.hasher).map(|hash| hash ^ kind as u64) else {
            return (self.combo_of(plan, event, address, kind), None);
        };
        if let Some((combo, repeat)) = self.repeats.get(&lasting) {
            return (combo.clone(), Some(repeat.clone()));
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
        let repeat = Rc::new(Repeat::of(&combo));
        self.repeats.insert(lasting, (combo.clone(), repeat.clone()));
        (combo, Some(repeat))
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
        let combo = Rc::new(Combo::of(plan, refined, &view, &mut self.shared));
        self.combos.insert(key, combo.clone());
        combo
    }

    fn actor(&mut self, event: &Event<'_>, hash: u64) -> Arc<Actor> {
        if self.actors.len() >= SCAN_CACHE_MAX {
            self.actors.clear();
        }
        self.actors.entry(hash).or_insert_with(|| Arc::new(Actor::of(event.field(Field::UserIdentity)))).clone()
    }

    pub(super) fn route(&mut self, rules: &Rules, view: &View<'_>, hash: u64) -> Rc<Route> {
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
}
