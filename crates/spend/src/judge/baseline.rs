//! Expected cost of a day from the days before it.

/// Days of history that a baseline looks at.
const HISTORY_DAYS: usize = 42;
/// Same weekdays that it looks at.
const WEEKS: usize = 5;
/// Least spread, as standard deviation of the logarithm: bills move by 5 % for no reason.
const SPREAD_MIN: f64 = 0.05;
/// Fewest days from which a spread is known.
const DAYS_MIN: usize = 7;

/// Past days of one series, without those of rises that were found.
#[derive(Clone, Debug, Default)]
pub(super) struct Baseline {
    /// Position and value, oldest first.
    days: Vec<(usize, f64)>,
    /// Logarithm of each day's value to what was expected.
    residuals: Vec<f64>,
}

/// Expectation for one day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Expected {
    pub(super) value: f64,
    /// Standard deviation of the logarithm.
    pub(super) spread: f64,
}

impl Expected {
    /// Value that is too high.
    pub(super) fn high(&self, deviations: f64) -> f64 {
        self.value * (deviations * self.spread).exp()
    }
}

impl Baseline {
    /// Number of days known.
    pub(super) fn len(&self) -> usize {
        self.days.len()
    }

    /// Whether any known day had a charge.
    pub(super) fn is_used(&self) -> bool {
        self.days.iter().any(|(_, v)| *v > 0.0)
    }

    /// Expectation for the day at this position: the higher of the last two weeks' median and that
    /// of the same weekday, so that neither a weekend nor growth makes a Monday look high.
    pub(super) fn expected(&self, at: usize) -> Expected {
        let recent: Vec<f64> = self.days.iter().rev().take(14).map(|d| d.1).collect();
        let weekday = self
            .days
            .iter()
            .rev()
            .filter(|(day, _)| (at - day).is_multiple_of(7));
        let weekday: Vec<f64> = weekday.take(WEEKS).map(|d| d.1).collect();
        let level = median(&recent);
        let value = match weekday.len() {
            0..=2 => level,
            _ => level.max(median(&weekday)),
        };
        // What runs on some days only is held against those days.
        let value = match value > 0.0 {
            true => value,
            false => median(
                &self
                    .days
                    .iter()
                    .map(|d| d.1)
                    .filter(|v| *v > 0.0)
                    .collect::<Vec<_>>(),
            ),
        };
        Expected {
            value,
            spread: self.spread(),
        }
    }

    /// Adds a normal day.
    pub(super) fn learn(&mut self, at: usize, value: f64) {
        if self.days.len() >= DAYS_MIN {
            let expected = self.expected(at).value;
            if expected > 0.0 && value > 0.0 {
                self.residuals.push((value / expected).ln());
            }
        }
        self.days.push((at, value));
        if self.days.len() > HISTORY_DAYS {
            self.days.remove(0);
        }
        if self.residuals.len() > HISTORY_DAYS {
            self.residuals.remove(0);
        }
    }

    /// Takes back the days from a position on.
    pub(super) fn forget_from(&mut self, at: usize) {
        let kept = self.days.partition_point(|d| d.0 < at);
        let gone = self.days.len() - kept;
        self.days.truncate(kept);
        self.residuals
            .truncate(self.residuals.len().saturating_sub(gone));
    }

    /// Forgets what was before a position: a new level has become the normal one.
    pub(super) fn relearn(&mut self, days: Vec<(usize, f64)>) {
        self.days = days;
    }

    /// Spread: from the median absolute deviation, but no less than what the upper tail shows.
    fn spread(&self) -> f64 {
        if self.residuals.len() < DAYS_MIN {
            return 4.0 * SPREAD_MIN;
        }
        let center = median(&self.residuals);
        let off: Vec<f64> = self.residuals.iter().map(|r| (r - center).abs()).collect();
        let tail = quantile(&self.residuals, 0.9) / 1.28;
        (1.4826 * median(&off)).max(tail).max(SPREAD_MIN)
    }
}

/// Middle value; 0 of none.
pub(super) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// Value below which a share of all lie; 0 of none.
pub(super) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    if sorted.is_empty() {
        return 0.0;
    }
    let place = share * (sorted.len() - 1) as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    let part = place - place.floor();
    sorted[low] * (1.0 - part) + sorted[high] * part
}

#[cfg(test)]
mod tests {
    use super::Baseline;

    #[test]
    fn a_weekday_is_held_against_its_like() {
        let mut baseline = Baseline::default();
        let value = |at: usize| if at % 7 < 5 { 100.0 } else { 20.0 };
        (0..35).for_each(|at| baseline.learn(at, value(at)));
        let monday = baseline.expected(35);
        assert_eq!(monday.value, 100.0);
        assert!(100.0 < monday.high(4.0) && monday.high(4.0) < 150.0);
    }
}
