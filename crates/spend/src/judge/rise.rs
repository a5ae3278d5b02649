//! Rises of one series: days above what was expected, joined to runs.

use super::baseline::Baseline;
use super::options::JudgeOptions;

/// Days in a row that are high enough together.
const ROW_DAYS: usize = 3;
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

/// Runs of a series. Before `learned_at` nothing is judged.
pub(super) fn runs(value: &[f64], learned_at: usize, options: &JudgeOptions) -> Vec<Run> {
    let mut found = Vec::new();
    let mut baseline = Baseline::default();
    let mut run: Option<Run> = None;
    // Latest days in a row that are high, though none is high enough alone.
    let mut streak: Vec<RunDay> = Vec::new();
    for (at, value) in value.iter().copied().enumerate() {
        let expected = baseline.expected(at);
        let day = RunDay {
            at,
            value,
            expected: expected.value,
        };
        let judged = at >= learned_at && value > 0.0 && baseline.len() > 0;
        let alone = judged && value > expected.high(options.deviations);
        let in_row = judged && value > expected.high(options.row_deviations);
        match in_row && !alone {
            true => streak.push(day),
            false if !alone => streak.clear(),
            false => {}
        }
        let is_row = streak.len() >= ROW_DAYS;
        match &mut run {
            Some(run) if alone || in_row => run.days.push(day),
            None if alone || is_row => {
                // Days of the row before this one were taken for normal.
                baseline.forget_from(streak.first().map_or(at, |d| d.at));
                let mut days = std::mem::take(&mut streak);
                if alone {
                    days.push(day);
                }
                run = Some(Run {
                    start: days.first().map_or(at, |d| d.at),
                    is_new: !baseline.is_used(),
                    days,
                    learned: None,
                });
            }
            _ => baseline.learn(at, value),
        }
        let level_days = usize::try_from(options.level_days).unwrap_or(14);
        let is_level = run.as_ref().is_some_and(|run| run.days.len() >= level_days);
        if is_level && let Some(run) = &mut run {
            run.learned = Some(at);
            baseline.relearn(run.days.iter().map(|d| (d.at, d.value)).collect());
        }
        let ended = run.as_ref().is_some_and(|run| {
            let last = run.days.last().map_or(at, |d| d.at);
            at - last >= GAP_DAYS
        });
        if (ended || is_level)
            && let Some(run) = run.take()
        {
            found.push(run);
        }
    }
    found.extend(run);
    found
}
