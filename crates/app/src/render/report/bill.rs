//! Pictures of the bill: days of a finding under the time line of its incident, and the month to date
//! with its ladder. Everything that a picture shows stands beside it as text.

use bartizan_incident::Incident;
use bartizan_spend::{ChartDimension, LadderStep, LadderVerdict, MonthChart, day_text, month_text};
use maud::{Markup, html};

use super::escape::text;
use crate::bill_report::{BillChart, BillReport};

const WIDTH: i64 = 960;
const LEFT: i64 = 90;
/// Height of the days of a finding.
const BARS: i64 = 110;
/// Size of the picture of a month.
const MONTH: (i64, i64) = (460, 240);
/// Charts under one incident.
const CHARTS_SHOWN: usize = 4;

/// Days of the findings of an incident, a bar each.
pub(super) fn of_incident(incident: &Incident, bill: Option<&BillReport>) -> Markup {
    let charts: Vec<&BillChart> = bill
        .iter()
        .flat_map(|b| &b.charts)
        .filter(|c| incident.findings.contains(&c.finding))
        .take(CHARTS_SHOWN)
        .collect();
    html! {
        @if !incident.bill.is_empty() || !charts.is_empty() {
            h3 { "The bill" }
            ul { @for line in &incident.bill { li { (text(line)) } } }
            @for chart in charts {
                div class="wide" { (bars(chart)) }
                p class="dim" { (text(&in_words(chart))) }
            }
        }
    }
}

/// `2026-03-11: 612.40 USD, usually 0.00 USD a day; 612.40 USD extra so far`.
fn in_words(chart: &BillChart) -> String {
    let currency = &chart.currency;
    let usual = chart.days.last().map_or(0.0, |d| d.expected);
    let mut over: Vec<_> = chart
        .days
        .iter()
        .filter(|d| d.value > d.expected && d.value - d.expected > usual / 2.0)
        .collect();
    over.sort_by(|a, b| b.value.total_cmp(&a.value));
    over.truncate(3);
    over.sort_by_key(|d| d.day);
    let days: Vec<String> = over
        .iter()
        .map(|d| format!("{}: {:.2} {currency}", day_text(d.day), d.value))
        .collect();
    let extra = match chart.so_far > 0.0 {
        true => format!("; {:.2} {currency} extra so far", chart.so_far),
        false => String::new(),
    };
    format!(
        "{}; usually {usual:.2} {currency} a day{extra}",
        days.join(", ")
    )
}

fn bars(chart: &BillChart) -> Markup {
    let days = &chart.days;
    let most = days
        .iter()
        .map(|d| d.value.max(d.expected))
        .fold(0.0, f64::max);
    let y = |value: f64| 12 + BARS - scaled(value, most, BARS);
    let step = (WIDTH - LEFT - 20) / (days.len().max(1) as i64);
    let x = |n: usize| LEFT + n as i64 * step;
    let usual = days.last().map_or(0.0, |d| d.expected);
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {}", BARS + 40)) role="img"
            aria-label="cost of each day, with what a day usually costs" {
            text class="dim" x="10" y="20" { (format!("{most:.2}")) }
            text class="dim" x="10" y=(BARS + 12) { (text(&chart.currency)) }
            @for (n, day) in days.iter().enumerate() {
                @let over = day.value > 1.5 * day.expected && day.value > 0.0;
                rect class=(if over { "bar over" } else { "bar" }) x=(x(n)) y=(y(day.value))
                     width=((step - 2).max(1)) height=(12 + BARS - y(day.value)) {
                    title { (day_text(day.day)) (format!(": {:.2}", day.value)) }
                }
            }
            line class="lane" x1=(LEFT) x2=(WIDTH - 20) y1=(y(usual)) y2=(y(usual)) {
                title { (format!("usually {usual:.2} a day")) }
            }
            @for (n, day) in days.iter().enumerate().step_by(7) {
                text class="dim" x=(x(n)) y=(BARS + 32) { (day_text(day.day)) }
            }
        }
    }
}

fn scaled(value: f64, most: f64, height: i64) -> i64 {
    match most > 0.0 {
        true => (value.clamp(0.0, most) / most * height as f64).round() as i64,
        false => 0,
    }
}

/// The month to date of the total, services and regions, with the ladder.
pub(super) fn months(bill: &BillReport) -> Markup {
    html! {
        section id="bill" {
            h2 { "The bill" }
            p {
                (bill.charges) " charges in " (bill.files) " files"
                @if let (Some(first), Some(through)) = (&bill.first_day, &bill.scored_through) {
                    ", " (text(first)) " → " (text(through)) ", at list prices"
                }
            }
            @if bill.months.iter().all(|m| m.steps.is_empty()) && !bill.months.is_empty() {
                p class="dim" { "No whole month before this one was read, so there is no ladder." }
            }
            div class="pair" { @for month in &bill.months { (month_of(month)) } }
        }
    }
}

fn month_of(chart: &MonthChart) -> Markup {
    let what = match chart.dimension {
        ChartDimension::Total => "everything".to_owned(),
        ChartDimension::Service | ChartDimension::Region => text(&chart.name),
    };
    html! {
        div {
            h3 { (what) ", " (month_text(chart.month)) " " (verdict(chart.verdict)) }
            (picture(chart))
            p class="dim" { (text(&so_far(chart))) }
            @if !chart.steps.is_empty() { (ladder(chart)) }
        }
    }
}

/// The talk's words.
fn verdict(verdict: Option<LadderVerdict>) -> Markup {
    html! {
        @match verdict {
            Some(LadderVerdict::Ok) => { span class="word good" { "OK" } }
            Some(LadderVerdict::Hmm) => { span class="word medium" { "Hmm" } }
            Some(LadderVerdict::UhOh) => { span class="word critical" { "Uh-Oh" } }
            None => {}
        }
    }
}

fn so_far(chart: &MonthChart) -> String {
    let currency = &chart.currency;
    let now = chart.this_month.last().copied().unwrap_or(0.0);
    let days = chart.this_month.len();
    match chart
        .last_month
        .get(days.wrapping_sub(1))
        .or(chart.last_month.last())
    {
        Some(then) => format!(
            "{now:.2} {currency} in {days} days; the month before stood at {then:.2} {currency}"
        ),
        None => format!("{now:.2} {currency} in {days} days"),
    }
}

fn ladder(chart: &MonthChart) -> Markup {
    let day = |day: Option<i32>| day.map_or("–".to_owned(), |d| d.to_string());
    html! {
        table {
            thead { tr {
                th { "crosses, " (text(&chart.currency)) }
                th { "used to on day" }
                th { "this month" }
                th {}
            } }
            tbody { @for (n, step) in chart.steps.iter().enumerate() {
                tr {
                    td { (format!("{:.2}", step.threshold)) }
                    td { (day(step.usual_day)) }
                    td { (day(step.crossed_day)) }
                    td { (verdict(step_verdict(chart, n))) }
                }
            } }
        }
    }
}

/// A step that was crossed in time is OK; the first that was early Hmm, further ones Uh-Oh.
fn step_verdict(chart: &MonthChart, number: usize) -> Option<LadderVerdict> {
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

fn picture(chart: &MonthChart) -> Markup {
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
    html! {
        svg viewBox=(format!("0 0 {width} {height}")) role="img"
            aria-label="month to date and the month before, with the steps of the ladder" {
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
        }
    }
}
