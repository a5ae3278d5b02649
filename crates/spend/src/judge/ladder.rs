//! The ladder: amounts that a month's bill crosses, and the days on which it used to.

use serde::{Deserialize, Serialize};

use crate::day::{month_end, month_start};

/// Steps of a ladder: as many alarms as AWS gives for nothing.
pub const LADDER_STEPS: usize = 10;

/// How a month stands to its ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LadderVerdict {
    Ok,
    /// One step was crossed early.
    Hmm,
    /// More than one step was crossed early.
    UhOh,
}

/// Step of a ladder. Days of the month count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LadderStep {
    pub threshold: f64,
    /// Earliest day of the month on which a past month crossed it.
    pub usual_day: Option<i32>,
    /// Day on which this month crossed it.
    pub crossed_day: Option<i32>,
}

/// Ladder of one month.
#[derive(Clone, Debug, PartialEq)]
pub struct Ladder {
    /// First day of the month, in days since 1970.
    pub month: i32,
    pub steps: Vec<LadderStep>,
    pub verdict: LadderVerdict,
}

impl LadderStep {
    /// Days by which it was crossed early.
    #[must_use]
    pub fn early(&self) -> i32 {
        self.usual_day
            .zip(self.crossed_day)
            .map_or(0, |(usual, crossed)| usual - crossed)
    }
}

/// Ladder of the month of `day`: tenths of the last whole month's sum, held against up to three
/// whole months before. `None` without a whole month.
#[must_use]
pub fn ladder(first: i32, costs: &[f64], day: i32, early_days: i32) -> Option<Ladder> {
    let month = month_start(day);
    let mut past = Vec::new();
    let mut start = month;
    while past.len() < 3 {
        start = month_start(start - 1);
        if start < first {
            break;
        }
        past.push(month_sums(first, costs, start, month_end(start) - 1));
    }
    let whole = past.first()?.last().copied().filter(|sum| *sum > 0.0)?;
    let now = month_sums(first, costs, month, day);
    let crossing = |sums: &[f64], threshold: f64| {
        let at = sums.iter().position(|sum| *sum >= threshold)?;
        i32::try_from(at + 1).ok()
    };
    let steps: Vec<LadderStep> = (1..=LADDER_STEPS)
        .map(|step| {
            let threshold = whole * step as f64 / LADDER_STEPS as f64;
            // A sum is a little below itself in floating point.
            let usual = past
                .iter()
                .filter_map(|p| crossing(p, threshold * 0.999_999))
                .min();
            LadderStep {
                threshold,
                usual_day: usual,
                crossed_day: crossing(&now, threshold),
            }
        })
        .collect();
    let early = steps.iter().filter(|s| s.early() >= early_days).count();
    let verdict = match early {
        0 => LadderVerdict::Ok,
        1 => LadderVerdict::Hmm,
        _ => LadderVerdict::UhOh,
    };
    Some(Ladder {
        month,
        steps,
        verdict,
    })
}

/// Sums from the first of a month to each of its days.
pub(super) fn month_sums(first: i32, costs: &[f64], start: i32, end: i32) -> Vec<f64> {
    let cost = |day: i32| {
        usize::try_from(day - first)
            .ok()
            .and_then(|at| costs.get(at))
            .copied()
            .unwrap_or(0.0)
    };
    (start..=end)
        .scan(0.0, |sum, day| {
            *sum += cost(day);
            Some(*sum)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{LadderVerdict, ladder};
    use crate::day::time;

    #[test]
    fn a_month_that_costs_more_is_early() {
        let day = |text: &[u8]| time(text).unwrap_or_default().0;
        let (first, last) = (day(b"2026-01-01"), day(b"2026-03-31"));
        let costs = |factor: f64| -> Vec<f64> {
            let from = day(b"2026-03-05");
            (first..=last)
                .map(|d| if d < from { 10.0 } else { 10.0 * factor })
                .collect()
        };
        let on = |factor, at: &[u8]| ladder(first, &costs(factor), day(at), 2).map(|l| l.verdict);
        assert_eq!(on(1.0, b"2026-03-31"), Some(LadderVerdict::Ok));
        assert_eq!(on(2.0, b"2026-03-06"), Some(LadderVerdict::Ok));
        assert_eq!(on(2.0, b"2026-03-07"), Some(LadderVerdict::Hmm));
        assert_eq!(on(2.0, b"2026-03-12"), Some(LadderVerdict::UhOh));
        assert_eq!(on(2.0, b"2026-01-31"), None);
    }
}
