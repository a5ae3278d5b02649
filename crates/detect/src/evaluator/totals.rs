//! Totals of a run: amounts read, and everything that was not read or not evaluated.

use std::collections::BTreeMap;

use bartizan_model::limits::UNJUDGED_ONE_IN;
use bartizan_trail::{NonEvent, ReadProblem};

/// Totals of a run: amounts read, and everything that was not read or not evaluated.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Totals {
    /// Number of distinct events.
    pub events: u64,
    /// Number of duplicate events.
    pub duplicates: u64,
    pub objects: u64,
    /// Bytes as stored.
    pub bytes_stored: u64,
    /// Bytes after decompression.
    pub bytes_inflated: u64,
    /// Time of the first event, seconds since 1970.
    pub first_s: Option<i64>,
    /// Time of the last event, seconds since 1970.
    pub last_s: Option<i64>,
    /// Number of events outside of the requested time range.
    pub outside: u64,
    /// Number of records read and not evaluated, or by some rules only
    /// ([`ReadProblem::is_unjudged`]).
    pub unjudged: u64,
    /// Number of objects with nothing but such records.
    pub unjudged_objects: u64,
    /// No rule was enabled.
    pub no_rule: bool,
    /// Number of digests and other non-events.
    pub apart: BTreeMap<NonEvent, u64>,
    /// Per problem: object, offset of the first occurrence, number of occurrences.
    pub problems: BTreeMap<ReadProblem, Vec<(String, u64, u64)>>,
    /// Number of objects with problems beyond `PROBLEMS_NAMED_MAX`.
    pub problems_unnamed: u64,
    /// Number of evicted event ids; a duplicate of such an event is counted again.
    pub ids_evicted: u64,
    /// Number of events that window rules evicted before the end of their window.
    pub window_evicted: u64,
    /// Number of events that came after window rules had evicted others of their time.
    pub window_late: u64,
    /// Number of cases that the log ends too early to decide.
    pub pending: u64,
    /// Number of keys evicted from first-seen memory, and of new keys dropped, at its bound.
    pub first_seen_evicted: u64,
    /// Number of sightings dropped at the bound on findings.
    pub findings_dropped: u64,
}

impl Totals {
    /// Whether nothing was evaluated, so that having no findings means nothing.
    pub fn judged_nothing(&self) -> bool {
        self.events == 0 || self.no_rule
    }

    /// Whether so much was not evaluated that having no findings is no all-clear.
    pub fn unjudged_in_bulk(&self) -> bool {
        self.unjudged_objects > 0
            || self.unjudged * UNJUDGED_ONE_IN >= self.events.max(1) && self.unjudged > 0
    }

    /// Whether events or findings may be missing.
    pub fn is_incomplete(&self) -> bool {
        self.judged_nothing()
            || self.unjudged_in_bulk()
            || self.problems.keys().any(|p| p.loses_events())
    }
}
