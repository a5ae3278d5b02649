//! Results of scanning one object, which [`super::Evaluator`] takes in the order of the objects.

use crate::first_seen::LastSeen;
use crate::window_event::WindowNote;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::first_seen::FirstSeenHit;
use crate::attribution::{MutatingCall, TrailCollector};
use crate::call::{CallContext, Sighting};
use crate::work::{CallTally, ThingCall};
use bartizan_trail::{EventId, NonEvent, ReadBytes, ReadProblem};

/// Results of scanning one object.
#[derive(Default)]
pub struct ScanOutput {
    /// Ids of all events, in order.
    pub(super) ids: Vec<EventId>,
    /// Index into `callers` for each event.
    pub(super) caller_of: Vec<u32>,
    /// Number of calls by caller and API call.
    pub(super) callers: Vec<CallTally>,
    /// Calls that created or removed things, with their event numbers.
    pub(super) acts: Vec<(u32, ThingCall)>,
    /// Times of the first and last event.
    pub(super) times: Option<(i64, i64)>,
    /// Matches of single-event rules.
    pub(super) matches: Vec<(MatchKey, Matches)>,
    /// Events recorded for window rules.
    pub(super) notes: Vec<WindowNote>,
    /// Rule and group name that notes refer to.
    pub(super) groups: Vec<(u32, Arc<str>)>,
    pub(super) met: Vec<FirstSeenHit>,
    pub(super) texts: Vec<Arc<str>>,
    pub bytes: ReadBytes,
    /// Number of digests and other non-events.
    pub apart: BTreeMap<NonEvent, u64>,
    /// Per problem: offset of the first occurrence, number of occurrences.
    pub problems: BTreeMap<ReadProblem, (u64, u64)>,
    /// Event number and call context of every event, if a tally is requested.
    pub(super) tallied: Vec<(u32, Arc<CallContext>)>,
    pub(super) collector: TrailCollector,
    /// Last-seen times of keys known from before.
    pub(super) last: Vec<LastSeen>,
    /// Number of events outside of the requested time range.
    pub(super) outside: u64,
}

/// Delivery time of an object and the requested time range.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Delivery time from the object's name; used for records without a time.
    pub delivered_s: Option<i64>,
    /// Skip events before this second.
    pub since_s: Option<i64>,
    /// Skip events after this second.
    pub until_s: Option<i64>,
}

impl ObjectInfo {
    /// Whether the time is in the requested range.
    pub(super) fn asks_for(&self, time_s: i64) -> bool {
        time_s >= self.since_s.unwrap_or(i64::MIN) && time_s <= self.until_s.unwrap_or(i64::MAX)
    }
}

/// Placeholder for an unknown time, on a day that no record can have.
pub(super) const NO_TIME: i64 = i64::MIN;

/// Day of [`NO_TIME`].
pub(super) const NO_DAY: i64 = NO_TIME.div_euclid(super::window_event::DAY_SECONDS);

impl ScanOutput {
    /// Output of an object that could not be opened.
    pub fn unreadable() -> Self {
        Self {
            problems: BTreeMap::from([(ReadProblem::Unreadable, (0, 1))]),
            ..Self::default()
        }
    }

    /// Calls that may have changed facts.
    pub fn mutations(&self) -> &[MutatingCall] {
        &self.collector.mutations
    }

    /// Empty output with the large buffers of this one, whose lists were drained.
    pub(super) fn emptied(mut self) -> Self {
        self.ids.clear();
        self.caller_of.clear();
        self.texts.clear();
        self.groups.clear();
        // Large buffers are kept with their capacity; the rest is new.
        let ScanOutput {
            ids,
            caller_of,
            callers,
            acts,
            matches,
            notes,
            groups,
            met,
            texts,
            last,
            ..
        } = self;
        ScanOutput {
            ids,
            caller_of,
            callers,
            acts,
            matches,
            notes,
            groups,
            met,
            texts,
            last,
            ..ScanOutput::default()
        }
    }
}

/// Number of events by actor, service, region and error code.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    /// By short name and account of the actor.
    pub actors: BTreeMap<String, u64>,
    pub sources: BTreeMap<String, u64>,
    pub regions: BTreeMap<String, u64>,
    pub errors: BTreeMap<String, u64>,
}

/// Key by which matches of one object become one finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct MatchKey {
    pub(super) rule: u32,
    /// Actor, as an index into [`ScanOutput::texts`].
    pub(super) text: u32,
    pub(super) attempt: bool,
    pub(super) day: i64,
    /// API call, as an index into [`ScanOutput::texts`].
    pub(super) call: u32,
    /// The call failed.
    pub(super) refused: bool,
}

/// Events of one finding in one object.
#[derive(Default)]
pub(super) struct Matches {
    /// Number and time of each event.
    pub(super) events: Vec<(u32, i64)>,
    /// Earliest events, in order, with the details that a finding shows.
    pub(super) earliest: Vec<(u32, Sighting)>,
    /// The records have no usable time.
    pub(super) untimed: bool,
}

/// Number, id and time of an event.
#[derive(Clone, Copy)]
pub(super) struct EventPosition {
    pub(super) number: u32,
    pub(super) id: EventId,
    pub(super) time_s: i64,
}

impl EventPosition {
    /// Sort key of events.
    pub(super) fn place(&self) -> (i64, EventId) {
        (self.time_s, self.id)
    }
}
