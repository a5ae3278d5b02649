//! Ids of the events seen so far, by which duplicates are recognized.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};

use foldhash::quality::RandomState;

use crate::first_seen::IdentityHasher;
use bartizan_model::limits::EVENT_IDS_MAX;
use bartizan_trail::EventId;

/// Numbers of the events of an object that came before.
pub(super) type DuplicateEvents = HashSet<u32, foldhash::fast::RandomState>;

/// Event ids in two generations, so that memory is bounded and all recent ids are known. Ids are
/// stored as randomly seeded hashes, so that nobody can craft an id that passes for another. Both
/// generations share one table, because a lookup costs one cache miss per table.
pub(super) struct SeenEventIds {
    hasher: RandomState,
    known: HashSet<SeenEventId, BuildHasherDefault<IdentityHasher>>,
    /// Number of ids in the young and the old generation.
    young: usize,
    old: usize,
    /// Lowest bit of the hashes in the young generation.
    generation: u64,
    /// Number of evicted ids.
    pub(super) evicted: u64,
}

/// Hash of an event id, with the generation in the lowest bit.
#[derive(Clone, Copy)]
struct SeenEventId(u64);

impl PartialEq for SeenEventId {
    fn eq(&self, other: &Self) -> bool {
        self.0 >> 1 == other.0 >> 1
    }
}

impl Eq for SeenEventId {}

impl Hash for SeenEventId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0 >> 1);
    }
}

impl Default for SeenEventIds {
    fn default() -> Self {
        // Full capacity from the start: unused pages are never touched, and growing would write the
        // table twice.
        let known =
            HashSet::with_capacity_and_hasher(2 * EVENT_IDS_MAX, BuildHasherDefault::default());
        Self {
            hasher: RandomState::default(),
            known,
            young: 0,
            old: 0,
            generation: 0,
            evicted: 0,
        }
    }
}

impl SeenEventIds {
    /// Adds the ids of an object, in order, and returns the numbers of those that were there
    /// already.
    pub(super) fn add(&mut self, ids: &[EventId]) -> DuplicateEvents {
        let mut duplicates = HashSet::default();
        for (number, id) in (0..).zip(ids) {
            if !self.insert(self.known(*id)) {
                duplicates.insert(number);
            }
        }
        duplicates
    }

    /// Hash of an event id.
    fn known(&self, id: EventId) -> SeenEventId {
        SeenEventId(self.hasher.hash_one(id.bits()) & !1)
    }

    /// Adds an id; returns false if it was there already.
    fn insert(&mut self, id: SeenEventId) -> bool {
        if !self.known.insert(SeenEventId(id.0 | self.generation)) {
            return false;
        }
        self.young += 1;
        if self.young >= EVENT_IDS_MAX {
            self.evicted += self.old as u64;
            self.known.retain(|known| known.0 & 1 == self.generation);
            (self.old, self.young) = (self.young, 0);
            self.generation ^= 1;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recent_ids_are_known_and_old_ones_are_counted() {
        let mut ids = SeenEventIds::default();
        let max = EVENT_IDS_MAX as u128;
        assert!((0..max * 5 / 2).all(|n| ids.insert(ids.known(EventId::from(n)))));
        // One generation was evicted; everything after it is known.
        assert_eq!(ids.evicted, EVENT_IDS_MAX as u64);
        assert!((max..max * 5 / 2).all(|n| !ids.insert(ids.known(EventId::from(n)))));
        assert!(ids.insert(ids.known(EventId::from(0))));
        assert_eq!(ids.old + ids.young, ids.known.len());
    }
}
