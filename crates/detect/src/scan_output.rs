//! What a thread writes down about one object, for the [`super::Judge`] to take in the order of the
//! objects.

use crate::first_seen::LastSeen;
use crate::window_event::WindowNote;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::first_seen::FirstSeenHit;
use crate::attribution::TrailCollector;
use crate::call::{CallContext, Sighting};
use crate::work::{CallTally, ThingCall};
use bartizan_trail::{EventId, NonEvent, ReadBytes, ReadProblem};

/// What was found in one object.
#[derive(Default)]
pub struct ScanOutput {
    /// Every event, in order.
    pub(super) ids: Vec<EventId>,
    /// For each event, which of the callers it is counted with.
    pub(super) caller_of: Vec<u32>,
    /// Who did what, and how often.
    pub(super) callers: Vec<CallTally>,
    /// Calls that made something or took it away, with the numbers of their events.
    pub(super) acts: Vec<(u32, ThingCall)>,
    /// First and last event time.
    pub(super) times: Option<(i64, i64)>,
    /// Matches of rules on single events.
    pub(super) matches: Vec<(MatchKey, Matches)>,
    /// Events that rules with windows asked for.
    pub(super) notes: Vec<WindowNote>,
    /// Rules and groups that notes are of.
    pub(super) groups: Vec<(u32, Arc<str>)>,
    pub(super) met: Vec<FirstSeenHit>,
    pub(super) texts: Vec<Arc<str>>,
    /// Bytes read.
    pub bytes: ReadBytes,
    /// Digests and the like.
    pub apart: BTreeMap<NonEvent, u64>,
    /// Problems with the first place of each, and how many.
    pub problems: BTreeMap<ReadProblem, (u64, u64)>,
    /// Number and deed of every event, if they are to be counted by what people ask for.
    pub(super) tallied: Vec<(u32, Arc<CallContext>)>,
    pub(super) collector: TrailCollector,
    /// When keys that were met before were seen last.
    pub(super) last: Vec<LastSeen>,
    /// Events outside of the time that was asked for.
    pub(super) outside: u64,
}

/// What is known of an object before it is read, and what of it is asked for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct ObjectInfo {
    /// When it was delivered, by its name: stands in where a record has no time.
    pub delivered_s: Option<i64>,
    /// Only events from this second on.
    pub since_s: Option<i64>,
    /// Only events up to this second.
    pub until_s: Option<i64>,
}

impl ObjectInfo {
    /// Whether events of this time are asked for.
    pub(super) fn asks_for(&self, time_s: i64) -> bool {
        time_s >= self.since_s.unwrap_or(i64::MIN) && time_s <= self.until_s.unwrap_or(i64::MAX)
    }
}

/// Stands in place of a time that is not known. It is on no day that a record can be of.
pub(super) const NO_TIME: i64 = i64::MIN;

/// The day of [`NO_TIME`].
pub(super) const NO_DAY: i64 = NO_TIME.div_euclid(super::window_event::DAY_SECONDS);

impl ScanOutput {
    /// Of an object that could not even be opened.
    pub fn unreadable() -> Self {
        Self {
            problems: BTreeMap::from([(ReadProblem::Unreadable, (0, 1))]),
            ..Self::default()
        }
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
pub(super) struct MatchKey {
    pub(super) rule: u32,
    /// Entity: index in the texts.
    pub(super) text: u32,
    pub(super) attempt: bool,
    pub(super) day: i64,
    /// `service:Call`: index in the texts.
    pub(super) call: u32,
    /// Whether the call failed.
    pub(super) refused: bool,
}

/// Events of one finding in one object.
#[derive(Default)]
pub(super) struct Matches {
    /// Number and time of each.
    pub(super) events: Vec<(u32, i64)>,
    /// The earliest, in their order: those that a finding may name.
    pub(super) earliest: Vec<(u32, Sighting)>,
    /// Their records have no usable time.
    pub(super) untimed: bool,
}

/// Which event it is.
#[derive(Clone, Copy)]
pub(super) struct EventPosition {
    pub(super) number: u32,
    pub(super) id: EventId,
    pub(super) time_s: i64,
}

impl EventPosition {
    /// What events are ordered by.
    pub(super) fn place(&self) -> (i64, EventId) {
        (self.time_s, self.id)
    }
}
