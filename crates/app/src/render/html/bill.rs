//! The bill: days of the findings of an incident, and the month to date with its ladder. Everything
//! that a picture shows stands beside it as text.

use bartizan_incident::Incident;
use bartizan_spend::{ChartDimension, MonthChart, day_text, month_text};
use maud::{Markup, html};

use super::escape::text;
use crate::bill_report::{BillChart, BillReport};
use crate::render::picture;

/// Charts under one incident.
const CHARTS_SHOWN: usize = 4;

/// Charts of the findings of an incident.
pub(super) fn charts<'b>(incident: &Incident, bill: Option<&'b BillReport>) -> Vec<&'b BillChart> {
    bill.into_iter()
        .flat_map(|b| &b.charts)
        .filter(|c| incident.findings.contains(&c.finding))
        .take(CHARTS_SHOWN)
        .collect()
}

/// Days of the findings of an incident, a bar each.
pub(crate) fn of_incident(incident: &Incident, bill: Option<&BillReport>) -> Markup {
    let charts = charts(incident, bill);
    html! {
        @if !incident.bill.is_empty() || !charts.is_empty() {
            h3 { "The bill" }
            ul { @for line in &incident.bill { li { (text(line)) } } }
            @for chart in charts {
                div class="wide" tabindex="0" role="group" aria-label="cost of each day" {
                    (picture::days(chart))
                }
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

/// The month to date of the total, services and regions, with the ladder.
pub(crate) fn months(bill: &BillReport) -> Markup {
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
            h3 { (what) ", " (month_text(chart.month)) " " (picture::ladder_word(chart.verdict)) }
            (picture::month(chart))
            p class="dim" { (text(&so_far(chart))) }
            @if !chart.steps.is_empty() { (ladder(chart)) }
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
                th scope="col" { "crosses, " (text(&chart.currency)) }
                th scope="col" { "used to on day" }
                th scope="col" { "this month" }
                td {}
            } }
            tbody { @for (n, step) in chart.steps.iter().enumerate() {
                tr {
                    td { (format!("{:.2}", step.threshold)) }
                    td { (day(step.usual_day)) }
                    td { (day(step.crossed_day)) }
                    td { (picture::ladder_word(picture::step_verdict(chart, n))) }
                }
            } }
        }
    }
}
