//! Days of a finding of the bill, with the band that a day is expected in.

use bartizan_spend::{ChartDay, day_text};
use maud::{Markup, html};

use super::svg::{drawing, scaled, text};
use crate::bill_report::BillChart;

const WIDTH: i64 = 960;
const LEFT: i64 = 90;
const BARS: i64 = 110;

/// Bars of the days, above the band of what a day usually costs.
pub(crate) fn days(chart: &BillChart) -> Markup {
    let days = &chart.days;
    let most = days
        .iter()
        .map(|d| d.value.max(d.expected))
        .fold(0.0, f64::max);
    let y = |value: f64| 12 + BARS - scaled(value, most, BARS);
    let step = (WIDTH - LEFT - 20) / (days.len().max(1) as i64);
    let x = |n: usize| LEFT + n as i64 * step;
    let usual = days.last().map_or(0.0, |d| d.expected);
    let content = html! {
            path class="band" d=(band(days, x, y, step)) {
                title { (format!("usually {usual:.2} a day; up to half as much again is no jump")) }
            }
            text class="dim" x="10" y="20" { (format!("{most:.2}")) }
            text class="dim" x="10" y=(BARS + 12) { (text(&chart.currency)) }
            @for (n, day) in days.iter().enumerate() {
                @let over = day.value > 1.5 * day.expected && day.value > 0.0;
                rect class=(if over { "bar over" } else { "bar" }) x=(x(n)) y=(y(day.value))
                     width=((step - 2).max(1)) height=(12 + BARS - y(day.value)) {
                    title { (day_text(day.day)) (format!(": {:.2}", day.value)) }
                }
            }
            @for (n, day) in days.iter().enumerate().step_by(7) {
                text class="dim" x=(x(n)) y=(BARS + 32) { (day_text(day.day)) }
            }
    };
    drawing(
        (WIDTH, BARS + 40),
        "cost of each day, with what a day usually costs",
        "the days that stand out are in the line below",
        &content,
    )
}

/// Half to one and a half of what each day is expected to cost.
fn band(days: &[ChartDay], x: impl Fn(usize) -> i64, y: impl Fn(f64) -> i64, step: i64) -> String {
    let edge =
        |n: usize, value: f64| format!("{} {} L{} {}", x(n), y(value), x(n) + step, y(value));
    let top = days
        .iter()
        .enumerate()
        .map(|(n, d)| edge(n, 1.5 * d.expected));
    let foot = days.iter().enumerate().rev().map(|(n, d)| {
        let low = y(0.5 * d.expected);
        format!("{} {low} L{} {low}", x(n) + step, x(n))
    });
    let points: Vec<String> = top.chain(foot).collect();
    match points.is_empty() {
        true => String::new(),
        false => format!("M{} Z", points.join(" L")),
    }
}
