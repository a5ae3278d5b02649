//! Events of one window rule and one group, kept until their windows are evaluated.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::rate;
use crate::window_event::WindowEvent;
use bartizan_trail::EventId;

/// Events of one rule and one group.
#[derive(Clone)]
pub(super) struct WindowGroup {
    pub(super) rule: u32,
    /// Values of the group-by fields, as shown to users.
    pub(super) name: Arc<str>,
    pub(super) seen: Vec<WindowEvent>,
    /// In place of single events, for rules that compare rates: time spans by number.
    pub(super) spans: BTreeMap<i64, rate::RateSpan>,
    /// Day, part, value and failed-call flag of events that are in a finding already.
    pub(super) told: HashSet<(i64, u32, u64, bool), RandomState>,
    /// Time of the first event of the group.
    pub(super) born_s: Option<i64>,
    /// Everything before this time was evaluated.
    pub(super) judged_s: Option<i64>,
}

impl WindowGroup {
    pub(super) fn new(rule: u32, name: Arc<str>) -> Self {
        Self {
            rule,
            name,
            seen: Vec::new(),
            spans: BTreeMap::new(),
            told: HashSet::default(),
            born_s: None,
            judged_s: None,
        }
    }
}

/// Sort key of events in a group.
pub(super) fn place(seen: &WindowEvent) -> (i64, EventId, u32) {
    (seen.sighting.time_s, seen.sighting.id, seen.part)
}
