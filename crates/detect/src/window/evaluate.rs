//! Evaluation of a group: which of its events, sorted by time, are reported.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use rsigma_parser::{CorrelationType, WindowMode};

use super::group::{WindowGroup, place};
use super::position::unpack;
use super::threshold::{DistinctCounts, Threshold};
use crate::merge::{FindingKey, Merger};
use crate::networks::distance_km;
use crate::rate::{self, Rate};
use crate::rule::{WindowRule, WindowTest};
use crate::window_event::{DAY_SECONDS, WindowEvent, span_text};

/// Evaluation of the groups of one window rule.
pub(super) struct WindowEvaluator<'a> {
    pub(super) rule: u32,
    /// Values of the group-by fields, as shown to users.
    pub(super) name: Arc<str>,
    pub(super) window: &'a WindowRule,
    pub(super) merger: &'a mut Merger,
    /// First and last time of the log.
    pub(super) horizon: (Option<i64>, Option<i64>),
    /// No more events will come.
    pub(super) is_last: bool,
    pub(super) pending: &'a mut u64,
}

impl WindowEvaluator<'_> {
    /// Evaluates the sorted events of a group.
    pub(super) fn group(&mut self, group: &mut WindowGroup) {
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

/// Shortest distance between two places that counts as travel.
const TRAVEL_KM_MIN: f64 = 800.0;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{CallContext, Sighting, SourceAddress};
    use bartizan_trail::EventId;

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
}
