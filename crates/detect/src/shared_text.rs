//! Texts and groups that many events have in common.

use super::first_seen::ByHash;
use bartizan_model::limits::SCAN_CACHE_MAX;
use foldhash::quality::RandomState;
use std::cell::Cell;
use std::hash::BuildHasher;
use std::rc::Rc;
use std::sync::Arc;

/// A text that many events have.
pub(super) struct SharedText {
    pub(super) text: Arc<str>,
    /// What it is in the texts of an object: number of the object, number of the text.
    pub(super) number: Cell<(u64, u32)>,
}

/// A group of a rule with a window.
pub(super) struct WindowGroupRef {
    pub(super) rule: u32,
    pub(super) text: Arc<str>,
    /// What it is in the groups of an object: number of the object, number of the group.
    pub(super) number: Cell<(u64, u32)>,
}

/// The notes of a value in the bucket of time at hand.
#[derive(Clone, Copy, Default)]
pub(super) struct NotedSightings {
    /// Number of the object.
    pub(super) object: u64,
    /// Begin of the bucket.
    pub(super) from_s: i64,
    /// Number of the first event's note.
    pub(super) first: u32,
    /// Number of the last event's note: the same while there is one event.
    pub(super) last: u32,
}

/// Texts and groups that events share. All of them may be forgotten at any time.
#[derive(Default)]
pub(super) struct SharedTexts {
    pub(crate) hasher: RandomState,
    texts: ByHash<Rc<SharedText>>,
    groups: ByHash<Rc<WindowGroupRef>>,
}

impl SharedTexts {
    pub(super) fn text(&mut self, text: &str) -> Rc<SharedText> {
        let new = || {
            Rc::new(SharedText {
                text: text.into(),
                number: Cell::default(),
            })
        };
        one(&mut self.texts, self.hasher.hash_one(text), new)
    }

    pub(super) fn group(&mut self, rule: u32, text: &str) -> Rc<WindowGroupRef> {
        let new = || {
            Rc::new(WindowGroupRef {
                rule,
                text: text.into(),
                number: Cell::default(),
            })
        };
        one(&mut self.groups, self.hasher.hash_one((rule, text)), new)
    }
}

/// What there is by this hash, or something new.
fn one<V: Clone>(all: &mut ByHash<V>, hash: u64, new: impl FnOnce() -> V) -> V {
    if all.len() >= SCAN_CACHE_MAX && !all.contains_key(&hash) {
        all.clear();
    }
    all.entry(hash).or_insert_with(new).clone()
}
