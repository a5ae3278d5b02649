//! State of all window rules: events wait here by rule and group until the end of the run, or until
//! the memory bound is reached.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use rsigma_parser::WindowMode;

use super::evaluate::WindowEvaluator;
use super::group::{WindowGroup, place};
use crate::merge::Merger;
use crate::rate;
use crate::rule::{Rule, RuleKind, WindowRule, WindowTest};
use crate::window_event::{DAY_SECONDS, WindowEvent, WindowNote};
use bartizan_model::limits::LATE_SECONDS;

/// Size of one [`WindowEvent`] in bytes, with its share of the maps.
const SEEN_BYTES: usize = size_of::<WindowEvent>() + 8;

/// State of all window rules.
#[derive(Clone)]
pub(crate) struct Windows {
    /// Memory bound in bytes, at which finished windows are evaluated and evicted.
    bytes_max: usize,
    groups: Vec<WindowGroup>,
    /// Index of each group, by rule and name.
    places: HashMap<(u32, Arc<str>), usize, RandomState>,
    bytes: usize,
    first_s: Option<i64>,
    last_s: Option<i64>,
    /// Everything before this time was evaluated and evicted.
    settled_s: Option<i64>,
    /// Number of events evicted before their window ended.
    pub(crate) evicted: u64,
    /// Number of events that came after others of their time were evicted: they are evaluated
    /// without those.
    pub(crate) late: u64,
    /// Number of cases that the log ends too early to decide.
    pub(crate) pending: u64,
}

impl Windows {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            groups: Vec::new(),
            places: HashMap::default(),
            bytes: 0,
            first_s: None,
            last_s: None,
            settled_s: None,
            evicted: 0,
            late: 0,
            pending: 0,
        }
    }

    /// Extends the time range of the log.
    pub(crate) fn reach(&mut self, time_s: i64) {
        self.first_s = Some(self.first_s.map_or(time_s, |t| t.min(time_s)));
        self.last_s = Some(self.last_s.map_or(time_s, |t| t.max(time_s)));
    }

    /// Adds the window notes of one object, without duplicate events; groups are referred to by
    /// index.
    pub(crate) fn add(
        &mut self,
        rules: &[Rule],
        groups: &[(u32, Arc<str>)],
        notes: &mut Vec<WindowNote>,
        counts: impl Fn(u32) -> bool,
    ) {
        let place = |(rule, name): &(u32, Arc<str>)| {
            *self.places.entry((*rule, name.clone())).or_insert_with(|| {
                self.groups.push(WindowGroup::new(*rule, name.clone()));
                self.groups.len() - 1
            })
        };
        let places: Vec<usize> = groups.iter().map(place).collect();
        for note in notes.drain(..) {
            if !counts(note.event) {
                continue;
            }
            let (group, time_s) = (
                &mut self.groups[places[note.group as usize]],
                note.seen.sighting.time_s,
            );
            group.born_s = Some(group.born_s.map_or(time_s, |born_s| born_s.min(time_s)));
            self.late += u64::from(self.settled_s.is_some_and(|settled_s| time_s < settled_s));
            if let RuleKind::Window(WindowRule {
                test: WindowTest::Rate(rate),
                span_s,
                ..
            }) = &rules[group.rule as usize].kind
            {
                let spans = group.spans.len();
                self.bytes += group
                    .spans
                    .entry(time_s.div_euclid(*span_s))
                    .or_default()
                    .take(&rate.measure, note.seen);
                self.bytes += (group.spans.len() - spans) * rate::SPAN_BYTES;
            } else {
                self.bytes += SEEN_BYTES;
                group.seen.push(note.seen);
            }
        }
    }

    /// Evaluates and evicts finished windows if the memory bound is reached.
    pub(crate) fn relieve(&mut self, rules: &[Rule], merger: &mut Merger) {
        if self.bytes <= self.bytes_max {
            return;
        }
        let settled = self.last_s.unwrap_or(i64::MIN).saturating_sub(LATE_SECONDS);
        self.settled_s = self.settled_s.max(Some(settled));
        for group in &mut self.groups {
            if let RuleKind::Window(window) = &rules[group.rule as usize].kind {
                settle(group, window, settled, self.first_s, merger);
            }
        }
        self.count();
        if self.bytes > self.bytes_max / 2 {
            self.evict_older_half(rules);
            self.count();
        }
    }

    /// Evicts the half of all events and spans that is older, evaluated or not.
    fn evict_older_half(&mut self, rules: &[Rule]) {
        let span_s = |rule: u32| match &rules[rule as usize].kind {
            RuleKind::Window(window) => window.span_s.max(1),
            _ => 1,
        };
        let mut times: Vec<i64> = self
            .groups
            .iter()
            .flat_map(|g| &g.seen)
            .map(|s| s.sighting.time_s)
            .collect();
        times.extend(self.groups.iter().flat_map(|g| {
            g.spans
                .keys()
                .map(|at| (at + 1).saturating_mul(span_s(g.rule)) - 1)
        }));
        let middle = times.len() / 2;
        let (_, half, _) = times.select_nth_unstable(middle);
        let half = *half;
        for WindowGroup {
            rule, seen, spans, ..
        } in &mut self.groups
        {
            let before = seen.len();
            seen.retain(|s| s.sighting.time_s > half);
            self.evicted += (before - seen.len()) as u64;
            let kept = spans.split_off(&half.saturating_add(1).div_euclid(span_s(*rule)));
            self.evicted += std::mem::replace(spans, kept)
                .values()
                .map(rate::RateSpan::events)
                .sum::<u64>();
        }
    }

    fn count(&mut self) {
        // Nothing may be reported twice on the same day.
        self.groups.retain(|group| {
            !group.seen.is_empty() || !group.told.is_empty() || !group.spans.is_empty()
        });
        self.places = self
            .groups
            .iter()
            .enumerate()
            .map(|(n, g)| ((g.rule, g.name.clone()), n))
            .collect();
        let bytes = |g: &WindowGroup| {
            g.seen.len() * SEEN_BYTES + g.spans.values().map(rate::RateSpan::bytes).sum::<usize>()
        };
        self.bytes = self.groups.iter().map(bytes).sum();
    }

    /// Evaluates everything that is left.
    pub(crate) fn finish(&mut self, rules: &[Rule], merger: &mut Merger) {
        let horizon = (self.first_s, self.last_s);
        for group in &mut self.groups {
            let RuleKind::Window(window) = &rules[group.rule as usize].kind else {
                continue;
            };
            group.seen.sort_unstable_by_key(place);
            let (rule, name) = (group.rule, group.name.clone());
            WindowEvaluator {
                rule,
                name,
                window,
                merger,
                horizon,
                is_last: true,
                pending: &mut self.pending,
            }
            .group(group);
        }
        self.groups = Vec::new();
    }
}

/// Evaluates the windows of a group that end before `settled`, and evicts the events that no later
/// window needs. `first_s`: time of the first event of the log.
fn settle(
    group: &mut WindowGroup,
    window: &WindowRule,
    settled: i64,
    first_s: Option<i64>,
    merger: &mut Merger,
) {
    group.seen.sort_unstable_by_key(place);
    let until = window.settled(&group.seen, settled);
    let rest = group
        .seen
        .split_off(group.seen.partition_point(|s| s.sighting.time_s < until));
    let horizon = (first_s, Some(until.saturating_sub(1)));
    let (rule, name) = (group.rule, group.name.clone());
    WindowEvaluator {
        rule,
        name,
        window,
        merger,
        horizon,
        is_last: false,
        pending: &mut 0,
    }
    .group(group);
    group.judged_s = group.judged_s.max(Some(until));
    let from = until.saturating_sub(window.keep_s());
    group
        .spans
        .retain(|at, _| *at >= from.div_euclid(window.span_s.max(1)));
    group
        .spans
        .range_mut(..until.div_euclid(window.span_s.max(1)))
        .for_each(|(_, span)| span.settle());
    group
        .told
        .retain(|(day, ..)| *day >= from.div_euclid(DAY_SECONDS));
    let last = group.seen.pop();
    group.seen.retain(|s| s.sighting.time_s >= from);
    // Travel is measured from the previous place, however long ago.
    let travels = matches!(window.test, WindowTest::Travel { .. });
    group
        .seen
        .extend(last.filter(|s| travels || s.sighting.time_s >= from));
    group.seen.extend(rest);
}

impl WindowRule {
    /// Time up to which a group can be evaluated, given all events before `settled`, so that
    /// evaluating in pieces gives the same findings as evaluating at once. Events must be sorted.
    fn settled(&self, seen: &[WindowEvent], settled: i64) -> i64 {
        let floor = |time: i64, step: i64| time.div_euclid(step.max(1)) * step.max(1);
        match &self.test {
            WindowTest::Sigma {
                mode: WindowMode::Tumbling,
                ..
            }
            | WindowTest::Rate(_) => floor(settled, self.span_s),
            // Up to the last pause that ends a session.
            WindowTest::Sigma {
                mode: WindowMode::Session,
                gap_s,
                ..
            } => {
                let times = || seen.iter().map(|s| s.sighting.time_s);
                let next = times().skip(1).chain([i64::MAX]);
                let ends = times().zip(next).filter(|(a, b)| {
                    b.saturating_sub(*a) > *gap_s && a.saturating_add(*gap_s) < settled
                });
                ends.last().map_or(i64::MIN, |(a, _)| a + 1)
            }
            // Buckets are thinned as a whole.
            WindowTest::Sigma { .. } => self
                .bucket_s()
                .map_or(settled, |bucket| floor(settled, bucket)),
            WindowTest::Absence { .. } | WindowTest::Travel { .. } => settled,
        }
    }

    /// Seconds for which evaluated events are kept for the windows of later events.
    fn keep_s(&self) -> i64 {
        match self.test {
            WindowTest::Rate(ref rate) => self.span_s.saturating_mul(rate.baseline_spans()),
            WindowTest::Absence { .. } => self.span_s.saturating_mul(2),
            WindowTest::Travel { .. }
            | WindowTest::Sigma {
                mode: WindowMode::Tumbling | WindowMode::Session,
                ..
            } => 0,
            WindowTest::Sigma { .. } if self.unless_part.is_some() => self.span_s.max(DAY_SECONDS),
            WindowTest::Sigma { .. } => self.span_s,
        }
    }
}
