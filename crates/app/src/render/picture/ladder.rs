//! Month to date with its ladder.

use bartizan_spend::{LadderStep, LadderVerdict, MonthChart};
use maud::{Markup, html};

use super::svg::{drawing, scaled};

/// Width and height.
const MONTH: (i64, i64) = (460, 240);

/// The talk's words.
pub(crate) fn ladder_word(verdict: Option<LadderVerdict>) -> Markup {
    html! {
        @match verdict {
            Some(LadderVerdict::Ok) => { span class="word good" { "OK" } }
            Some(LadderVerdict::Hmm) => { span class="word medium" { "Hmm" } }
            Some(LadderVerdict::UhOh) => { span class="word critical" { "Uh-Oh" } }
            None => {}
        }
    }
}

/// A step that was crossed in time is OK; the first that was early Hmm, further ones Uh-Oh.
pub(crate) fn step_verdict(chart: &MonthChart, number: usize) -> Option<LadderVerdict> {
    let is_early = |s: &LadderStep| s.early() >= chart.early_days;
    let step = chart.steps.get(number)?;
    step.crossed_day?;
    let before = chart
        .steps
        .iter()
        .take(number)
        .filter(|s| is_early(s))
        .count();
    Some(match (is_early(step), before) {
        (false, _) => LadderVerdict::Ok,
        (true, 0) => LadderVerdict::Hmm,
        (true, _) => LadderVerdict::UhOh,
    })
}

/// The month to date over the month before, with the steps of the ladder.
pub(crate) fn month(chart: &MonthChart) -> Markup {
    let (width, height) = MONTH;
    let all = chart.this_month.iter().chain(&chart.last_month);
    let most = all
        .copied()
        .chain(chart.steps.iter().map(|s| s.threshold))
        .fold(0.0, f64::max);
    let x = |day: usize| 60 + day as i64 * (width - 80) / 31;
    let y = |value: f64| height - 30 - scaled(value, most, height - 50);
    let line = |sums: &[f64]| -> String {
        let points = sums.iter().enumerate().map(|(n, sum)| (n + 1, *sum));
        let points = std::iter::once((0, 0.0)).chain(points);
        points
            .enumerate()
            .map(|(n, (day, sum))| {
                format!("{}{} {}", if n == 0 { "M" } else { " L" }, x(day), y(sum))
            })
            .collect()
    };
    let marks = chart.steps.iter().enumerate().filter_map(|(n, step)| {
        let class = match step_verdict(chart, n)? {
            LadderVerdict::Ok => "good",
            LadderVerdict::Hmm => "medium",
            LadderVerdict::UhOh => "critical",
        };
        let day = usize::try_from(step.crossed_day?).ok()?;
        Some((class, x(day), y(step.threshold), step.threshold))
    });
    let content = html! {
            @for step in &chart.steps {
                line class="lane" x1="60" x2=(width - 20) y1=(y(step.threshold))
                     y2=(y(step.threshold)) {}
            }
            path class="before" d=(line(&chart.last_month)) {}
            path class="now" d=(line(&chart.this_month)) {}
            @for (class, x, y, threshold) in marks {
                circle class=(format!("mark {class}")) cx=(x) cy=(y) r="5" {
                    title { (format!("{threshold:.2}")) }
                }
            }
            text class="dim" x="6" y=(y(most) + 4) { (format!("{most:.0}")) }
            text class="dim" x="6" y=(y(0.0)) { "0" }
            @for day in [1, 8, 15, 22, 29] {
                text class="dim" x=(x(day)) y=(height - 8) text-anchor="middle" { (day) }
            }
    };
    drawing(
        MONTH,
        "month to date and the month before, with the steps of the ladder",
        "the steps are in the table below",
        &content,
    )
}
