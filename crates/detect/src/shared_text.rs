//! Interned texts and groups that many events share.

use super::first_seen::ByHash;
use bartizan_model::limits::SCAN_CACHE_MAX;
use foldhash::quality::RandomState;
use std::cell::Cell;
use std::hash::BuildHasher;
use std::rc::Rc;
use std::sync::Arc;

/// Text shared by many events.
pub(super) struct SharedText {
    pub(super) text: Arc<str>,
    /// Object number, and the index in [`super::ScanOutput::texts`] of that object.
    pub(super) number: Cell<(u64, u32)>,
}

/// Group of a window rule.
pub(super) struct WindowGroupRef {
    pub(super) rule: u32,
    pub(super) text: Arc<str>,
    /// Object number, and the index in [`super::ScanOutput::groups`] of that object.
    pub(super) number: Cell<(u64, u32)>,
}

/// Recorded events of a value in the current time bucket.
#[derive(Clone, Copy, Default)]
pub(super) struct NotedSightings {
    /// Object number.
    pub(super) object: u64,
    /// Start of the bucket, seconds since 1970.
    pub(super) from_s: i64,
    /// Index of the first event's note.
    pub(super) first: u32,
    /// Index of the last event's note; equal to `first` while there is one event.
    pub(super) last: u32,
}

/// Interned texts and groups. Any entry may be evicted at any time.
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

/// Value with this hash, created if missing.
fn one<V: Clone>(all: &mut ByHash<V>, hash: u64, new: impl FnOnce() -> V) -> V {
    if all.len() >= SCAN_CACHE_MAX && !all.contains_key(&hash) {
        all.clear();
    }
    all.entry(hash).or_insert_with(new).clone()
}
