//! Time of a chain that no believed digest covers.

use super::check::CheckReason;
use super::log::TrailSwitch;
use super::name::SeriesName;
use bartizan_model::limits::DELIVERY_SECONDS_MAX;

/// Span that a believed digest covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Covered {
    /// Position of the digest.
    pub(super) digest: usize,
    pub(super) start_s: i64,
    pub(super) end_s: i64,
    /// Whether a chain begins with it.
    pub(super) is_first: bool,
}

/// Span that nothing covers, before a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hole {
    pub(super) from_s: i64,
    pub(super) to_s: i64,
    /// Position of the digest after it.
    pub(super) before: usize,
    /// Whether that digest begins a chain.
    pub(super) is_restart: bool,
    /// Start of the digest that ends where the whole hole begins.
    pub(super) last_start_s: i64,
}

/// Holes between spans that are sorted by their start. `accounted` has the end times of digests
/// that are missing or not believed, each of which stands for as much time as its neighbors.
pub(super) fn holes(spans: &[Covered], accounted: &[i64]) -> Vec<Hole> {
    let mut found = Vec::new();
    let Some(mut last) = spans.first().copied() else {
        return found;
    };
    for next in &spans[1..] {
        if next.start_s > last.end_s {
            let period = (next.end_s - next.start_s).max(last.end_s - last.start_s);
            let hole = |from_s, to_s, is_restart| Hole {
                from_s,
                to_s,
                before: next.digest,
                is_restart,
                last_start_s: last.start_s,
            };
            let mut at = last.end_s;
            let inside = accounted
                .iter()
                .filter(|end| **end > last.end_s && **end <= next.start_s);
            for end in inside {
                if end - period > at {
                    found.push(hole(at, end - period, false));
                }
                at = at.max(*end);
            }
            if next.start_s > at {
                found.push(hole(at, next.start_s, next.is_first));
            }
        }
        if next.end_s > last.end_s {
            last = *next;
        }
    }
    found
}

/// Splits a hole where a trail was switched off by a recorded call: what that call explains, with
/// the call, and what is left.
pub(super) fn explained<'s>(
    hole: &Hole,
    series: &SeriesName,
    switches: &[&'s TrailSwitch],
) -> Vec<((i64, i64), Option<&'s TrailSwitch>)> {
    let own = || switches.iter().filter(|s| is_of(s, series));
    let off = own()
        .filter(|s| {
            s.is_off
                && s.time_s >= hole.last_start_s - DELIVERY_SECONDS_MAX
                && s.time_s <= hole.from_s + DELIVERY_SECONDS_MAX
        })
        .max_by_key(|s| s.time_s);
    let Some(off) = off.filter(|_| hole.is_restart) else {
        return vec![((hole.from_s, hole.to_s), None)];
    };
    let on_s = own()
        .filter(|s| !s.is_off && s.time_s > off.time_s && s.time_s < hole.to_s)
        .map(|s| s.time_s)
        .min()
        .unwrap_or(hole.to_s);
    if on_s <= hole.from_s {
        return vec![((hole.from_s, hole.to_s), None)];
    }
    // The first digest of a chain begins within the hour.
    if hole.to_s - on_s <= DELIVERY_SECONDS_MAX {
        return vec![((hole.from_s, hole.to_s), Some(off))];
    }
    vec![((hole.from_s, on_s), Some(off)), ((on_s, hole.to_s), None)]
}

fn is_of(switch: &TrailSwitch, series: &SeriesName) -> bool {
    switch.trail == series.trail
        && switch.home == series.home
        && (switch.account == series.account || series.organization.is_some())
}

impl Hole {
    pub(super) fn because(&self) -> CheckReason {
        if self.is_restart {
            CheckReason::Restarted
        } else {
            CheckReason::NoDigest
        }
    }
}

/// Spans merged where they touch, sorted.
pub(super) fn merged(mut spans: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    spans.sort_unstable();
    let mut out: Vec<(i64, i64)> = Vec::new();
    for (from, to) in spans {
        match out.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => out.push((from, to)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(digest: usize, start_s: i64, end_s: i64, is_first: bool) -> Covered {
        Covered {
            digest,
            start_s,
            end_s,
            is_first,
        }
    }

    #[test]
    fn every_hour_is_covered_or_a_hole() {
        let spans = [
            span(0, 0, 3600, true),
            span(1, 3600, 7200, false),
            span(2, 21_600, 25_200, false),
            span(3, 30_000, 33_600, true),
        ];
        let between = |accounted: &[i64]| -> Vec<(i64, i64, bool)> {
            holes(&spans, accounted)
                .iter()
                .map(|h| (h.from_s, h.to_s, h.is_restart))
                .collect()
        };
        assert_eq!(
            between(&[]),
            [(7200, 21_600, false), (25_200, 30_000, true)]
        );
        assert_eq!(
            between(&[21_600]),
            [(7200, 18_000, false), (25_200, 30_000, true)]
        );
        assert_eq!(
            between(&[10_800, 14_400, 18_000, 21_600]),
            [(25_200, 30_000, true)]
        );
        assert_eq!(merged(vec![(5, 6), (1, 3), (3, 4)]), [(1, 4), (5, 6)]);
    }
}
