//! What one thread works out once for many events, within bounds.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use foldhash::quality::RandomState;

use super::combo::{Combo, OfNetwork, Repeat, Shared, UNTOLD};
use super::condition::Answers;
use super::derive::cut;
use super::first_seen::ByHash;
use super::networks::AddressKind;
use super::notes::Last;
use super::route::ROUTE_FIELDS;
use super::scan::{Plan, Sight};
use super::view::View;
use crate::finding::Source;
use crate::limits::SCAN_CACHE_MAX;
use crate::trail::{Actor, Clock, Event, Field, Lasting};

/// First-seen keys of which a thread knows what it told.
const TOLD_MAX: usize = 50_000;

/// Things that are worked out once for many events. All of them may be forgotten at any time.
#[derive(Default)]
pub(super) struct Caches {
    pub(super) hasher: RandomState,
    /// Actors by the hash of `userIdentity`. All hashes here have a random seed, so that nobody can make two of them meet.
    actors: ByHash<Arc<Actor>>,
    /// By the hashes of route and identity.
    combos: ByHash<Rc<Combo>>,
    /// By [`Lasting::of`] and the sort of the address.
    repeats: ByHash<u32>,
    /// What was worked out for them, by their numbers.
    known: Vec<Known>,
    /// What combos share.
    pub(super) shared: Shared,
    /// Hashes of events that came once, when not every one can have a [`Repeat`]. What comes again is worth one.
    once: Vec<u64>,
    /// When first-seen keys of forgotten combos were seen last.
    pub(super) last: Vec<Last>,
    /// First-seen keys that were told already.
    told: ByHash<Told>,
    /// What stands in the place of an address, by its hash.
    sources: ByHash<Arc<str>>,
    /// Number of the object that is being read.
    pub(super) object: u64,
    pub(super) clock: Clock,
    /// What the event at hand answered.
    pub(super) answers: Answers,
}

/// An event that others may repeat.
pub(super) struct Known {
    pub(super) combo: Rc<Combo>,
    pub(super) repeat: Rc<Repeat>,
}

/// By what a thread finds what it told of a network in a scope.
pub(super) fn quick(scope: u64, network: u64) -> u64 {
    (scope ^ network).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32) ^ scope
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
    /// Empty ones, with the hasher of the rules.
    pub(super) fn new(plan: &Plan) -> Self {
        Self { hasher: plan.rules.decided.hasher.clone(), ..Self::default() }
    }

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
        self.forget_repeats();
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
        let Some((hash, holes)) = Lasting::of(event, &self.hasher) else {
            return (self.combo_of(plan, event, address, kind), None);
        };
        let lasting = hash ^ kind as u64;
        if let Some(number) = self.number(hash, kind) {
            let Known { combo, repeat } = self.known(number);
            return (combo.clone(), Some(repeat.clone()));
        }
        let combo = self.combo_of(plan, event, address, kind);
        // Where there is room anything may repeat.
        if self.repeats.len() >= SCAN_CACHE_MAX / 2 && !self.came_before(lasting) {
            return (combo, None);
        }
        if self.repeats.len() >= SCAN_CACHE_MAX {
            self.forget_repeats();
        }
        let repeat = Rc::new(Repeat::of(&combo, Lasting::keep(event, holes)));
        self.repeats.insert(lasting, self.known.len() as u32);
        self.known.push(Known { combo: combo.clone(), repeat: repeat.clone() });
        (combo, Some(repeat))
    }

    /// Whether an event came before. The latest ones are known.
    fn came_before(&mut self, lasting: u64) -> bool {
        self.once.resize(SCAN_CACHE_MAX, 0);
        std::mem::replace(&mut self.once[lasting as usize % SCAN_CACHE_MAX], lasting) == lasting
    }

    /// From where a call came: an address, or what stands in its place.
    pub(super) fn source<'t>(&mut self, address: Option<IpAddr>, text: impl FnOnce() -> Option<Cow<'t, str>>) -> Source {
        if let Some(address) = address {
            return address.into();
        }
        let Some(text) = text() else { return Source::None };
        if self.sources.len() >= SCAN_CACHE_MAX {
            self.sources.clear();
        }
        let hash = self.hasher.hash_one(text.as_bytes());
        Source::Text(self.sources.entry(hash).or_insert_with(|| cut(&text).into()).clone())
    }

    /// Number of what is known of events with this hash that come from this sort of address.
    pub(super) fn number(&self, hash: u64, kind: AddressKind) -> Option<u32> {
        self.repeats.get(&(hash ^ kind as u64)).copied()
    }

    /// What is known by this number.
    pub(super) fn known(&self, number: u32) -> &Known {
        &self.known[number as usize]
    }

    fn forget_repeats(&mut self) {
        self.repeats.clear();
        self.known.clear();
    }

    /// Looks at what events will ask for, so that it is near when they do. Memory that is far away takes longer than all
    /// that is done with it, but many places can be on their way at once: so it goes step by step, each for all events.
    pub(super) fn touch(&self, sights: &[Sight], numbers: &[u32]) {
        let combos = || numbers.iter().map(|number| &*self.known[*number as usize].combo);
        let lists = combos().map(|combo| combo.counted.len() ^ combo.networks.len());
        std::hint::black_box(lists.fold(0, |all, one| all ^ one));
        let firsts = combos().map(|combo| {
            let counted = combo.counted.first().map_or(0, |counted| Rc::as_ptr(counted).addr());
            counted ^ combo.networks.first().map_or(0, |network| Rc::as_ptr(network).addr())
        });
        std::hint::black_box(firsts.fold(0, |all, one| all ^ one));
        let values = combos().zip(sights).map(|(combo, sight)| {
            let counted = combo.counted.iter().map(|counted| counted.noted.get().object);
            let networks = combo.networks.iter().map(|of_network| match &**of_network {
                OfNetwork::FirstSeen { scope, .. } => {
                    self.told.get(&quick(*scope, sight.network)).map_or(0, |told| u64::from(told.first_s))
                }
                OfNetwork::Distinct { crowd, .. } => crowd.borrow().most,
            });
            counted.chain(networks).fold(0, |all, one| all ^ one)
        });
        std::hint::black_box(values.fold(0, |all, one| all ^ one));
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
        let refined = plan.rules.decided.route(&plan.rules, &view, route, &self.answers).refine(&plan.rules, &view, &self.answers);
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
}
