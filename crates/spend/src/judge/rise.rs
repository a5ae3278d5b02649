//! Rises of one series: days above what was expected, joined to runs.

use super::baseline::{Baseline, Expected};
use super::options::JudgeOptions;

/// Days without excess that end a run.
const GAP_DAYS: usize = 3;

/// Run of days that cost more than expected.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// Position of the first day.
    pub(super) start: usize,
    /// Days of the run with an excess.
    pub(super) days: Vec<RunDay>,
    /// Whether the series had no charge before.
    pub(super) is_new: bool,
    /// Position of the day from which the new level was the normal one.
    pub(super) learned: Option<usize>,
}

/// Day of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunDay {
    pub(super) at: usize,
    pub(super) value: f64,
    pub(super) expected: f64,
}

impl Run {
    pub(super) fn excess(&self) -> f64 {
        self.days.iter().map(|d| d.value - d.expected).sum()
    }
}

/// Runs of a series. `known` is the number of days that the bill has had before the series could be
/// judged; a charge on a day before `learned_at` is never new.
pub(super) fn runs(value: &[f64], learned_at: usize, options: &JudgeOptions) -> Vec<Run> {
    let mut found = Vec::new();
    let mut baseline = Baseline::default();
    let mut run: Option<Run> = None;
    for (at, value) in value.iter().copied().enumerate() {
        let expected = baseline.expected(at);
        let excess = at >= learned_at && is_excess(value, &expected, &baseline, options);
        match (&mut run, excess) {
            (Some(run), true) => {
                run.days.push(RunDay {
                    at,
                    value,
                    expected: expected.value,
                });
            }
            (None, true) => {
                run = Some(Run {
                    start: at,
                    days: vec![RunDay {
                        at,
                        value,
                        expected: expected.value,
                    }],
                    is_new: !baseline.is_used(),
                    learned: None,
                });
            }
            (_, false) => {
                baseline.learn(at, value);
            }
        }
        let ended = run.as_ref().is_some_and(|run| {
            let last = run.days.last().map_or(at, |d| d.at);
            at - last >= GAP_DAYS
        });
        let is_level = run
            .as_ref()
            .is_some_and(|run| run.days.len() >= usize::try_from(options.level_days).unwrap_or(14));
        if is_level && let Some(run) = &mut run {
            run.learned = Some(at);
            baseline.relearn(run.days.iter().map(|d| (d.at, d.value)).collect());
        }
        if (ended || is_level)
            && let Some(run) = run.take()
        {
            found.push(run);
        }
    }
    found.extend(run);
    found
}

fn is_excess(value: f64, expected: &Expected, baseline: &Baseline, options: &JudgeOptions) -> bool {
    if value <= 0.0 || baseline.len() == 0 {
        return false;
    }
    value > expected.high(options.deviations)
}
