//! Rules that ours is held against: the talk's, a z-score by weekday, and one like AWS Cost Anomaly
//! Detection. Each gets the sum of all usage by day and gives the days on which it alarms.

use bartizan_spend::{LadderVerdict, Ledger, ladder};
use rust_decimal::prelude::ToPrimitive;

/// Sum of usage by day, and its first day.
pub(crate) fn daily(ledger: &Ledger) -> (i32, Vec<f64>) {
    let usage = || {
        ledger
            .costs()
            .filter(|(l, _)| l.kind.is_usage())
            .map(|(_, d)| d)
    };
    let first = usage().map(|d| d.day).min().unwrap_or(0);
    let last = usage().map(|d| d.day).max().unwrap_or(0);
    let mut days = vec![0.0; (last - first + 1) as usize];
    for day in usage() {
        days[(day.day - first) as usize] += day.cost.to_f64().unwrap_or(0.0);
    }
    (first, days)
}

/// Name, and days on which the rule alarms.
pub(crate) fn alarms(ledger: &Ledger) -> Vec<(&'static str, Vec<i32>)> {
    let (first, days) = daily(ledger);
    let of = |rule: &dyn Fn(usize) -> bool| -> Vec<i32> {
        (0..days.len())
            .filter(|at| rule(*at))
            .map(|at| first + at as i32)
            .collect()
    };
    let talk = |at: usize| {
        let day = first + at as i32;
        let on = |day: i32| ladder(first, &days, day, 2).map_or(LadderVerdict::Ok, |l| l.verdict);
        // A day alarms if the month became worse on it.
        on(day) > LadderVerdict::Ok && on(day) != on(day - 1)
    };
    vec![
        ("talk's rule (2 days early)", of(&talk)),
        ("z by weekday (4.5)", of(&|at| weekday_z(&days, at))),
        (
            "like Cost Anomaly Detection",
            of(&|at| like_anomaly_detection(&days, at)),
        ),
    ]
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Robust z of a day to the eight same weekdays before it, with a floor of 7 %.
fn weekday_z(days: &[f64], at: usize) -> bool {
    let same: Vec<f64> = (1..=8)
        .filter_map(|week| days.get(at.checked_sub(7 * week)?))
        .copied()
        .collect();
    if same.len() < 2 {
        return false;
    }
    let center = median(same.clone());
    let off = median(same.iter().map(|v| (v - center).abs()).collect());
    (days[at] - center) / (1.4826 * off).max(0.07 * center) > 4.5
}

/// Ten days of history, then a net rise of more than three standard deviations and a tenth.
fn like_anomaly_detection(days: &[f64], at: usize) -> bool {
    let before = &days[at.saturating_sub(60)..at];
    if before.len() < 10 {
        return false;
    }
    let mean = before.iter().sum::<f64>() / before.len() as f64;
    let spread = before.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / before.len() as f64;
    days[at] > mean + 3.0 * spread.sqrt() && days[at] > 1.1 * mean
}
