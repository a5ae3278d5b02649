//! Evaluation of window rules, i.e. rules over several events. Windows follow event time, not
//! arrival order: events are sorted before they are evaluated, so late, duplicate and shuffled
//! events give the same findings.
//!
//! All events are kept until the end of a run or until the memory bound is reached. Then only
//! events older than the window plus the lateness allowance are evaluated and evicted; evictions
//! beyond that are counted.

use crate::window_event::DAY_SECONDS;
use crate::window_event::WindowEvent;
use crate::window_event::span_text;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;
use rsigma_eval::CompiledCondition;
use rsigma_parser::{ConditionExpr, ConditionOperator, CorrelationType, WindowMode};

use super::networks::distance_km;
use super::rate::{self, Rate};
use super::rule::{Rule, RuleKind, WindowRule, WindowTest};
use super::window_event::WindowNote;
use crate::merge::{FindingKey, Merger};
use bartizan_model::limits::LATE_SECONDS;
use bartizan_trail::EventId;

/// Size of one [`WindowEvent`] in bytes, with its share of the maps.
const SEEN_BYTES: usize = size_of::<WindowEvent>() + 8;

/// Events of one rule and one group.
struct WindowGroup {
    rule: u32,
    /// Values of the group-by fields, as shown to users.
    name: Arc<str>,
    seen: Vec<WindowEvent>,
    /// In place of single events, for rules that compare rates: time spans by number.
    spans: BTreeMap<i64, rate::RateSpan>,
    /// Day, part, value and failed-call flag of events that are in a finding already.
    told: HashSet<(i64, u32, u64, bool), RandomState>,
    /// Time of the first event of the group.
    born_s: Option<i64>,
    /// Everything before this time was evaluated.
    judged_s: Option<i64>,
}

/// State of all window rules.
pub(super) struct Windows {
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
    pub(super) evicted: u64,
    /// Number of events that came after others of their time were evicted: they are evaluated
    /// without those.
    pub(super) late: u64,
    /// Number of cases that the log ends too early to decide.
    pub(super) pending: u64,
}

impl Windows {
    pub(super) fn new(bytes_max: usize) -> Self {
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
    pub(super) fn reach(&mut self, time_s: i64) {
        self.first_s = Some(self.first_s.map_or(time_s, |t| t.min(time_s)));
        self.last_s = Some(self.last_s.map_or(time_s, |t| t.max(time_s)));
    }

    /// Adds the window notes of one object, without duplicate events; groups are referred to by
    /// index.
    pub(super) fn add(
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
    pub(super) fn relieve(&mut self, rules: &[Rule], merger: &mut Merger) {
        if self.bytes <= self.bytes_max {
            return;
        }
        let settled = self.last_s.unwrap_or(i64::MIN).saturating_sub(LATE_SECONDS);
        self.settled_s = self.settled_s.max(Some(settled));
        for group in &mut self.groups {
            let RuleKind::Window(window) = &rules[group.rule as usize].kind else {
                continue;
            };
            group.seen.sort_unstable_by_key(place);
            let until = window.settled(&group.seen, settled);
            let rest = group
                .seen
                .split_off(group.seen.partition_point(|s| s.sighting.time_s < until));
            let horizon = (self.first_s, Some(until.saturating_sub(1)));
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
        self.count();
        if self.bytes > self.bytes_max / 2 {
            // Evict the half with the older events.
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
            self.count();
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
    pub(super) fn finish(&mut self, rules: &[Rule], merger: &mut Merger) {
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

impl WindowGroup {
    fn new(rule: u32, name: Arc<str>) -> Self {
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
fn place(seen: &WindowEvent) -> (i64, EventId, u32) {
    (seen.sighting.time_s, seen.sighting.id, seen.part)
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

struct WindowEvaluator<'a> {
    rule: u32,
    /// Values of the group-by fields, as shown to users.
    name: Arc<str>,
    window: &'a WindowRule,
    merger: &'a mut Merger,
    /// First and last time of the log.
    horizon: (Option<i64>, Option<i64>),
    /// No more events will come.
    is_last: bool,
    pending: &'a mut u64,
}

impl WindowEvaluator<'_> {
    /// Evaluates the sorted events of a group.
    fn group(&mut self, group: &mut WindowGroup) {
        // Excluded events, and the events that exclude them, are kept for later windows.
        let (except, apart) = self
            .window
            .unless_part
            .map(|part| set_apart(&mut group.seen, part as u32))
            .unwrap_or_default();
        thin(&mut group.seen, self.window);
        match &self.window.test {
            WindowTest::Sigma {
                kind: CorrelationType::TemporalOrdered,
                expression: None,
                at_least,
                ..
            } => {
                self.ordered(&mut group.seen, at_least);
            }
            WindowTest::Sigma {
                kind,
                condition,
                expression,
                parts,
                mode,
                gap_s,
                ..
            } => {
                let ranges = ranges(&group.seen, self.window.span_s, *mode, *gap_s);
                let test = Threshold {
                    kind: *kind,
                    condition,
                    expression: expression.as_ref(),
                    parts,
                };
                self.fire(group, &ranges, &test);
            }
            WindowTest::Absence { before } => self.absence(group, *before),
            WindowTest::Rate(rate) => self.rate(group, rate),
            WindowTest::Travel { speed_kmh } => self.travel(&mut group.seen, *speed_kmh),
        }
        if !except.is_empty() || !apart.is_empty() {
            group.seen.extend(except.into_iter().chain(apart));
            group.seen.sort_unstable_by_key(place);
        }
    }

    /// Adds an event to a finding. `attempt`: the successful calls alone would not have been
    /// enough.
    fn tell(&mut self, seen: &mut WindowEvent, start_s: i64, attempt: bool, because: &str) {
        if std::mem::replace(&mut seen.told, true) {
            return;
        }
        let key = FindingKey {
            rule: self.rule,
            entity: self.name.clone(),
            attempt,
            window: start_s.div_euclid(DAY_SECONDS),
        };
        let time_s = seen.sighting.time_s;
        self.merger.add(key, seen.sighting.clone(), || {
            (time_s == start_s).then(|| because.to_owned())
        });
    }

    /// Reports every event in a window in which the threshold holds.
    ///
    /// An event belongs to the finding of its own day, and its details do not depend on the other
    /// events, so the findings are the same whether a group is evaluated at once or in pieces.
    fn fire(&mut self, group: &mut WindowGroup, ranges: &[(usize, usize)], test: &Threshold<'_>) {
        let WindowGroup {
            seen,
            told,
            judged_s,
            ..
        } = group;
        let because = test.sentence(self.window.span_s);
        let mut states = [DistinctCounts::default(), DistinctCounts::default()];
        let any_tried = seen.iter().any(|s| s.tried);
        let mut next = 0;
        for &(from, to) in ranges {
            // Events evaluated before are kept only for later windows: their own window is no
            // longer complete.
            let before = judged_s.is_some_and(|judged| seen[to].sighting.time_s < judged);
            if before {
                continue;
            }
            // Successful calls must be enough, or else all calls with the failed ones.
            let enough = |of: &[WindowEvent], tried: bool, state: &mut DistinctCounts| {
                test.holds(of, (from, to), tried, state)
            };
            let done = enough(seen, false, &mut states[0]);
            let tried = !done && any_tried && enough(seen, true, &mut states[1]);
            if !done && !tried {
                continue;
            }
            for s in &mut seen[from.max(next)..=to] {
                // A rule that counts distinct values reports each value once a day.
                let day = s.sighting.time_s.div_euclid(DAY_SECONDS);
                if self.window.bucket_s().is_none() || told.insert((day, s.part, s.value, s.tried))
                {
                    self.tell(s, s.sighting.time_s, !done, &because);
                }
            }
            next = to + 1;
        }
    }

    /// Enough events of every part, the parts in order, within the span. Events of the same second
    /// have no order, so any order fits.
    fn ordered(&mut self, seen: &mut [WindowEvent], at_least: &[usize]) {
        // Indices of the events of each part, sorted by time: successful calls, and all calls.
        let mut by_part: [Vec<Vec<usize>>; 2] = [
            vec![Vec::new(); at_least.len()],
            vec![Vec::new(); at_least.len()],
        ];
        for (n, s) in seen.iter().enumerate() {
            by_part[1][s.part as usize].push(n);
            if !s.tried {
                by_part[0][s.part as usize].push(n);
            }
        }
        let steps = at_least.len();
        let because = format!(
            "{steps} steps in this order within {}",
            span_text(self.window.span_s)
        );
        for &first in &by_part[1][0] {
            let start = seen[first].sighting.time_s;
            let until = start.saturating_add(self.window.span_s);
            let done = if seen[first].tried {
                None
            } else {
                chain(seen, &by_part[0], first, at_least, until)
            };
            // While more events may come, later successful calls may still complete the steps.
            let is_over = self.is_last || self.horizon.1.is_some_and(|last| until <= last);
            let attempt = done.is_none();
            let tried = || {
                if is_over {
                    chain(seen, &by_part[1], first, at_least, until)
                } else {
                    None
                }
            };
            for n in done.or_else(tried).into_iter().flatten() {
                self.tell(&mut seen[n], start, attempt, &because);
            }
        }
    }

    fn absence(&mut self, group: &mut WindowGroup, before: bool) {
        let WindowGroup { seen, judged_s, .. } = group;
        let span = self.window.span_s;
        let wanted: Vec<i64> = seen
            .iter()
            .filter(|s| s.part == 1)
            .map(|s| s.sighting.time_s)
            .collect();
        let (first, last) = (
            self.horizon.0.unwrap_or(i64::MAX),
            self.horizon.1.unwrap_or(i64::MIN),
        );
        for one in seen.iter_mut().filter(|s| s.part == 0) {
            let (from, to) = if before {
                (one.sighting.time_s - span, one.sighting.time_s)
            } else {
                (
                    one.sighting.time_s,
                    one.sighting.time_s.saturating_add(span),
                )
            };
            if judged_s.is_some_and(|judged| to < judged) {
                continue;
            }
            let next = wanted.partition_point(|t| *t < from);
            if wanted.get(next).is_some_and(|t| *t <= to) {
                continue;
            }
            if if before { from < first } else { to > last } {
                *self.pending += u64::from(!one.told);
                continue;
            }
            let side = if before { "before" } else { "after" };
            let (start, tried) = (one.sighting.time_s, one.tried);
            self.tell(
                one,
                start,
                tried,
                &format!(
                    "what should come within {} {side} it did not come",
                    span_text(span)
                ),
            );
        }
    }

    fn rate(&mut self, group: &WindowGroup, rate: &Rate) {
        let span_s = self.window.span_s;
        let WindowGroup {
            spans,
            born_s: Some(born_s),
            judged_s,
            ..
        } = group
        else {
            return;
        };
        let from = judged_s.map_or(i64::MIN, |judged_s| judged_s.div_euclid(span_s));
        // In `relieve` the horizon is the end of the settled time.
        let until = self
            .horizon
            .1
            .map_or(i64::MAX, |last_s| last_s.div_euclid(span_s));
        for exceeded in rate::exceeded(
            spans,
            rate,
            born_s.div_euclid(span_s),
            from,
            &span_text(span_s),
        ) {
            let key = |start_s: i64| FindingKey {
                rule: self.rule,
                entity: self.name.clone(),
                attempt: exceeded.attempt,
                window: start_s.div_euclid(DAY_SECONDS),
            };
            if exceeded.at <= until {
                rate::tell(self.merger, &spans[&exceeded.at], &exceeded.because, key);
            }
        }
    }

    fn travel(&mut self, seen: &mut [WindowEvent], speed_kmh: f64) {
        for n in 1..seen.len() {
            let (a, b) = (unpack(seen[n - 1].value), unpack(seen[n].value));
            let (km, hours) = (
                distance_km(a, b),
                (seen[n].sighting.time_s - seen[n - 1].sighting.time_s) as f64 / 3600.0,
            );
            // Geolocation databases are off by a city, or give the center of a country.
            if km < TRAVEL_KM_MIN || km <= speed_kmh * hours {
                continue;
            }
            let start = seen[n - 1].sighting.time_s;
            let because = format!(
                "{km:.0} km apart within {}",
                span_text(seen[n].sighting.time_s - start)
            );
            let attempt = seen[n - 1].tried && seen[n].tried;
            self.tell(&mut seen[n - 1], start, attempt, &because);
            self.tell(&mut seen[n], start, attempt, &because);
        }
    }
}

/// Removes the events of a part, and events with a value that the part had within a day before.
/// Returns both lists. Events must be sorted.
fn set_apart(seen: &mut Vec<WindowEvent>, part: u32) -> (Vec<WindowEvent>, Vec<WindowEvent>) {
    let (except, rest): (Vec<_>, Vec<_>) = std::mem::take(seen)
        .into_iter()
        .partition(|s| s.part == part);
    let mut times: HashMap<u64, Vec<i64>, RandomState> = HashMap::default();
    except
        .iter()
        .for_each(|s| times.entry(s.value).or_default().push(s.sighting.time_s));
    let is_own = |s: &WindowEvent| {
        let last = times
            .get(&s.value)
            .and_then(|all| all[..all.partition_point(|t| *t <= s.sighting.time_s)].last());
        last.is_some_and(|t| s.sighting.time_s - t <= DAY_SECONDS)
    };
    let (apart, rest) = rest.into_iter().partition(is_own);
    *seen = rest;
    (except, apart)
}

/// Events that match the steps of a rule in order, starting with this one; `None` if a step is
/// missing.
fn chain(
    seen: &[WindowEvent],
    by_part: &[Vec<usize>],
    first: usize,
    at_least: &[usize],
    until_s: i64,
) -> Option<Vec<usize>> {
    let from = by_part[0].partition_point(|n| *n < first);
    let mut chain: Vec<usize> = by_part[0][from..]
        .iter()
        .copied()
        .take(at_least[0])
        .collect();
    if chain.len() < at_least[0] {
        return None;
    }
    for part in 1..at_least.len() {
        let after = seen[*chain.last()?].sighting.time_s;
        let from = by_part[part].partition_point(|n| seen[*n].sighting.time_s < after);
        let is_new = |n: &usize| {
            chain
                .iter()
                .all(|c| seen[*c].sighting.id != seen[*n].sighting.id)
        };
        let next: Vec<usize> = by_part[part][from..]
            .iter()
            .copied()
            .filter(is_new)
            .take(at_least[part])
            .collect();
        if next.len() < at_least[part] {
            return None;
        }
        chain.extend(next);
    }
    (seen[*chain.last()?].sighting.time_s <= until_s).then_some(chain)
}

/// Keeps only the first and last event of each value in each bucket, and no more values per bucket
/// than the rule needs. The result depends only on the events, not on their order of arrival.
fn thin(seen: &mut Vec<WindowEvent>, window: &WindowRule) {
    let Some(bucket_s) = window.bucket_s() else {
        return;
    };
    let mut keep = vec![false; seen.len()];
    let mut order: Vec<(u64, u32, usize)> = Vec::new();
    let mut at = 0;
    for bucket in seen.chunk_by(|a, b| {
        a.sighting.time_s.div_euclid(bucket_s) == b.sighting.time_s.div_euclid(bucket_s)
    }) {
        for tried in [false, true] {
            order.clear();
            let some = bucket.iter().enumerate().filter(|(_, s)| s.tried == tried);
            order.extend(some.map(|(n, s)| (s.value, s.part, at + n)));
            order.sort_unstable();
            for value in order
                .chunk_by(|a, b| (a.0, a.1) == (b.0, b.1))
                .take(window.values_max())
            {
                keep[value[0].2] = true;
                keep[value[value.len() - 1].2] = true;
            }
        }
        at += bucket.len();
    }
    let mut keep = keep.into_iter();
    seen.retain(|_| keep.next() == Some(true));
}

const TRAVEL_KM_MIN: f64 = 800.0;

/// Position packed into 64 bits, to 0.01° (about 1 km).
pub(super) fn pack((lat, lon): (f64, f64)) -> u64 {
    let half = |degrees: f64| u64::from((degrees * 100.0) as i32 as u32);
    half(lat) << 32 | half(lon)
}

fn unpack(value: u64) -> (f64, f64) {
    let half = |bits: u64| f64::from(bits as u32 as i32) / 100.0;
    (half(value >> 32), half(value))
}

/// Indices of the first and last event (inclusive) of every window, in order. A sliding window ends
/// at each event and includes all events of its second.
fn ranges(seen: &[WindowEvent], span_s: i64, mode: WindowMode, gap_s: i64) -> Vec<(usize, usize)> {
    let mut ranges = Vec::new();
    let mut from = 0;
    for to in 0..seen.len() {
        let (time, next) = (
            seen[to].sighting.time_s,
            seen.get(to + 1).map(|s| s.sighting.time_s),
        );
        match mode {
            WindowMode::Sliding => {
                while seen[from].sighting.time_s < time.saturating_sub(span_s) {
                    from += 1;
                }
                if next != Some(time) {
                    ranges.push((from, to));
                }
            }
            WindowMode::Tumbling => {
                let bucket = |t: i64| t.div_euclid(span_s.max(1));
                if next.is_none_or(|n| bucket(n) != bucket(time)) {
                    ranges.push((from, to));
                    from = to + 1;
                }
            }
            WindowMode::Session => {
                if next.is_none_or(|n| n - time > gap_s || n - seen[from].sighting.time_s > span_s)
                {
                    ranges.push((from, to));
                    from = to + 1;
                }
            }
        }
    }
    ranges
}

struct Threshold<'a> {
    kind: CorrelationType,
    condition: &'a CompiledCondition,
    expression: Option<&'a ConditionExpr>,
    parts: &'a [String],
}

/// Distinct values of the last window, updated from window to window.
#[derive(Default)]
struct DistinctCounts {
    from: usize,
    to: usize,
    values: HashMap<u64, u32, RandomState>,
}

impl Threshold<'_> {
    /// Whether the threshold holds in a window.
    fn holds(
        &self,
        seen: &[WindowEvent],
        (from, to): (usize, usize),
        with_tried: bool,
        counts: &mut DistinctCounts,
    ) -> bool {
        let window = || seen[from..=to].iter().filter(|s| with_tried || !s.tried);
        let numbers = || window().map(|s| f64::from_bits(s.value));
        let value = match self.kind {
            CorrelationType::EventCount => counts.events(seen, from, to, with_tried) as f64,
            // There are at most as many values as events.
            CorrelationType::ValueCount
                if self
                    .condition
                    .predicates
                    .iter()
                    .any(|p| fewer(p, to + 1 - from)) =>
            {
                return false;
            }
            CorrelationType::ValueCount => {
                counts.distinct(seen, from, to, with_tried, |s| s.value) as f64
            }
            CorrelationType::Temporal | CorrelationType::TemporalOrdered => {
                if let Some(expression) = self.expression {
                    let present: HashSet<&str> = window()
                        .map(|s| self.parts[s.part as usize].as_str())
                        .collect();
                    return expression_holds(expression, &present);
                }
                counts.distinct(seen, from, to, with_tried, |s| u64::from(s.part)) as f64
            }
            CorrelationType::ValueSum => numbers().sum(),
            CorrelationType::ValueAvg => numbers().sum::<f64>() / window().count().max(1) as f64,
            CorrelationType::ValuePercentile | CorrelationType::ValueMedian
                if window().next().is_none() =>
            {
                return false;
            }
            CorrelationType::ValuePercentile | CorrelationType::ValueMedian => {
                let rank = if self.kind == CorrelationType::ValueMedian {
                    50
                } else {
                    self.condition.percentile.unwrap_or(50)
                };
                percentile(numbers().collect(), rank as f64)
            }
        };
        self.condition.check(value)
    }

    fn sentence(&self, span_s: i64) -> String {
        let span = span_text(span_s);
        let field = self
            .condition
            .field
            .as_ref()
            .map(|f| f.join(", "))
            .unwrap_or_default();
        let bound = |(operator, n): &(ConditionOperator, f64)| match operator {
            ConditionOperator::Gte => format!("{n} or more"),
            ConditionOperator::Gt => format!("more than {n}"),
            ConditionOperator::Lte => format!("{n} or fewer"),
            ConditionOperator::Lt => format!("fewer than {n}"),
            ConditionOperator::Eq => format!("exactly {n}"),
            ConditionOperator::Neq => format!("not {n}"),
        };
        let bounds = self
            .condition
            .predicates
            .iter()
            .map(bound)
            .collect::<Vec<_>>()
            .join(" and ");
        match (self.kind, self.expression) {
            (_, Some(expression)) => format!("{expression} within {span}"),
            (CorrelationType::EventCount, _) => format!("{bounds} events within {span}"),
            (CorrelationType::ValueCount, _) => format!("{bounds} different {field} within {span}"),
            (CorrelationType::Temporal | CorrelationType::TemporalOrdered, _) => {
                format!("{bounds} different steps within {span}")
            }
            (kind, _) => format!(
                "{} of {field} {bounds} within {span}",
                kind.as_str().trim_start_matches("value_")
            ),
        }
    }
}

/// Whether the count is below the lower bound of the condition.
fn fewer((operator, bound): &(ConditionOperator, f64), count: usize) -> bool {
    matches!(operator, ConditionOperator::Gte | ConditionOperator::Gt) && (count as f64) < *bound
}

impl DistinctCounts {
    /// Number of events in `from..=to`, updated in the same way.
    fn events(&mut self, seen: &[WindowEvent], from: usize, to: usize, with_tried: bool) -> usize {
        if with_tried {
            return to + 1 - from;
        }
        self.distinct(seen, from, to, false, |_| 0);
        self.values.get(&0).map_or(0, |n| *n as usize)
    }

    /// Number of distinct values in `from..=to`. Windows must come in order, so that each event is
    /// added and removed once.
    fn distinct(
        &mut self,
        seen: &[WindowEvent],
        from: usize,
        to: usize,
        with_tried: bool,
        value: impl Fn(&WindowEvent) -> u64,
    ) -> usize {
        if self.to < from {
            self.values.clear();
            (self.from, self.to) = (from, from);
        }
        let counts = |s: &WindowEvent| with_tried || !s.tried;
        while self.to <= to {
            if counts(&seen[self.to]) {
                *self.values.entry(value(&seen[self.to])).or_default() += 1;
            }
            self.to += 1;
        }
        while self.from < from {
            if !counts(&seen[self.from]) {
                self.from += 1;
                continue;
            }
            let old = value(&seen[self.from]);
            if let Some(count) = self.values.get_mut(&old) {
                *count -= 1;
                if *count == 0 {
                    self.values.remove(&old);
                }
            }
            self.from += 1;
        }
        self.values.len()
    }
}

fn expression_holds(expression: &ConditionExpr, present: &HashSet<&str>) -> bool {
    match expression {
        ConditionExpr::Identifier(name) => present.contains(name.as_str()),
        ConditionExpr::And(inner) => inner.iter().all(|e| expression_holds(e, present)),
        ConditionExpr::Or(inner) => inner.iter().any(|e| expression_holds(e, present)),
        ConditionExpr::Not(inner) => !expression_holds(inner, present),
        ConditionExpr::Selector { .. } => false,
    }
}

/// Percentile by linear interpolation between the two nearest ranks.
fn percentile(mut values: Vec<f64>, rank: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = rank / 100.0 * (values.len() - 1) as f64;
    let (low, high) = (
        values[at.floor() as usize],
        values[(at.ceil() as usize).min(values.len() - 1)],
    );
    low + (high - low) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{CallContext, Sighting, SourceAddress};

    fn at(times: &[i64]) -> Vec<WindowEvent> {
        let context = CallContext::sample();
        let event = |time_s: &i64| WindowEvent {
            part: 0,
            value: 0,
            told: false,
            tried: false,
            sighting: Sighting {
                time_s: *time_s,
                id: EventId::from(*time_s as u128),
                source: SourceAddress::None,
                context: context.clone(),
            },
        };
        times.iter().map(event).collect()
    }

    #[test]
    fn a_sliding_window_ends_at_each_second_with_events() {
        let seen = at(&[0, 5, 5, 12, 30]);
        assert_eq!(
            ranges(&seen, 10, WindowMode::Sliding, 0),
            [(0, 0), (0, 2), (1, 3), (4, 4)]
        );
    }

    #[test]
    fn tumbling_windows_have_fixed_edges_and_sessions_end_at_a_pause() {
        let seen = at(&[0, 9, 10, 25]);
        assert_eq!(
            ranges(&seen, 10, WindowMode::Tumbling, 0),
            [(0, 1), (2, 2), (3, 3)]
        );
        assert_eq!(
            ranges(&seen, 3600, WindowMode::Session, 10),
            [(0, 2), (3, 3)]
        );
    }

    #[test]
    fn a_percentile_lies_between_its_nearest_ranks() {
        assert_eq!(percentile(vec![4.0, 1.0, 3.0, 2.0], 50.0), 2.5);
        assert_eq!(percentile(vec![7.0], 99.0), 7.0);
    }
}
