//! Time line of an incident: one lane a stage, gaps of the trail hatched, spend as an area.

use bartizan_incident::{Incident, TimelineEntry};
use bartizan_model::Stage;
use jiff::Timestamp;
use maud::{Markup, html};

use super::svg::{drawing, text};
use crate::bill_report::BillChart;
use crate::render::words::minute;

const WIDTH: i64 = 960;
const LEFT: i64 = 90;
const LANE: i64 = 46;
const LANES: [Stage; 4] = [Stage::Gain, Stage::Maintain, Stage::Blind, Stage::Steal];
/// Height of the spend below the lanes.
const SPEND: i64 = 36;
/// Moments that are drawn; the list below has more.
const MARKS_SHOWN: usize = 120;

/// Time from left to right: seconds since 1970 to columns.
struct TimeAxis {
    from: i64,
    to: i64,
}

impl TimeAxis {
    fn of(incident: &Incident) -> Self {
        let (first, last) = (second(&incident.first_time), second(&incident.last_time));
        let margin = ((last - first) / 30).max(60);
        Self {
            from: first - margin,
            to: last + margin,
        }
    }

    fn x(&self, s: i64) -> i64 {
        let width = WIDTH - LEFT - 20;
        LEFT + (s.clamp(self.from, self.to) - self.from) * width / (self.to - self.from).max(1)
    }

    /// Round times, at most ten or so.
    fn ticks(&self) -> Vec<i64> {
        let step = [300, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400, 604_800]
            .into_iter()
            .find(|s| (self.to - self.from) / s <= 10)
            .unwrap_or(2_592_000);
        (self.from.div_euclid(step) + 1..=self.to.div_euclid(step))
            .map(|n| n * step)
            .take(40)
            .collect()
    }

    /// `03-11 02:00`, or `02:00` within one day.
    fn label(&self, s: i64) -> String {
        let time = Timestamp::from_second(s)
            .map(|t| t.to_string())
            .unwrap_or_default();
        let from = if self.to - self.from > 86_400 { 5 } else { 11 };
        minute(&time).get(from..).unwrap_or_default().to_owned()
    }
}

fn second(text: &str) -> i64 {
    text.parse::<Timestamp>().map_or(0, Timestamp::as_second)
}

/// A moment in the picture.
struct Mark<'m> {
    number: usize,
    moment: &'m TimelineEntry,
    x: i64,
    y: i64,
}

/// Marks of one lane that would cover one another stand in steps.
fn marks<'m>(axis: &TimeAxis, moments: &[&'m TimelineEntry]) -> Vec<Mark<'m>> {
    let mut placed: Vec<(i64, i64)> = Vec::new();
    let mut marks = Vec::new();
    for (n, moment) in moments.iter().enumerate() {
        let Some(lane) = LANES.iter().position(|s| *s == moment.stage) else {
            continue;
        };
        let (lane, x) = (lane as i64, axis.x(second(&moment.time)));
        let crowd = placed
            .iter()
            .filter(|(l, p)| *l == lane && (p - x).abs() < 18)
            .count() as i64;
        placed.push((lane, x));
        let offset = [0, -13, 13][crowd as usize % 3] + crowd / 3 * 3;
        marks.push(Mark {
            number: n + 1,
            moment,
            x,
            y: 14 + lane * LANE + LANE / 2 + offset,
        });
    }
    marks
}

/// Part of an incident that is drawn: seconds since 1970. Without one, all of it.
pub(crate) type TimeWindow = Option<(i64, i64)>;

/// One lane for each stage, findings as numbered marks, gaps of the trail hatched, spend below.
pub(crate) fn time(
    incident: &Incident,
    moments: &[&TimelineEntry],
    charts: &[&BillChart],
    window: TimeWindow,
) -> Markup {
    let mut axis = TimeAxis::of(incident);
    if let Some((from, to)) = window.filter(|(from, to)| from < to) {
        axis = TimeAxis { from, to };
    }
    let lanes = LANE * LANES.len() as i64;
    let spend = spend_area(&axis, charts, lanes + 16);
    let height = lanes + 40 + if spend.is_some() { SPEND + 6 } else { 0 };
    let inside = |m: &&TimelineEntry| second(&m.until) >= axis.from && second(&m.time) <= axis.to;
    let gaps: Vec<&TimelineEntry> = moments
        .iter()
        .copied()
        .filter(|m| m.rule == "trail-gap" && inside(m))
        .collect();
    let described = in_words(&axis, moments, &gaps);
    drawing(
        (WIDTH, height),
        "time line of the incident, one lane for each stage",
        &described,
        &html! {
            defs {
                pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" {
                    path class="hatch" d="M0 8 L8 0" {}
                }
            }
            @for m in &gaps {
                @let (from, to) = (axis.x(second(&m.time)), axis.x(second(&m.until)));
                rect class="gap" x=(from) y="10" width=((to - from).max(3)) height=(lanes - 4) {
                    title { (text(&m.summary)) }
                }
            }
            @for (n, stage) in LANES.iter().enumerate() {
                @let y = 14 + n as i64 * LANE + LANE / 2;
                line class="lane" x1=(LEFT - 10) x2=(WIDTH - 10) y1=(y) y2=(y) {}
                text x="10" y=(y + 4) { (stage) }
            }
            @if let Some(area) = spend { (area) }
            @for s in axis.ticks() {
                @let x = axis.x(s);
                line class="lane" x1=(x) x2=(x) y1=(height - 30) y2=(height - 24) {}
                text class="dim" x=(x) y=(height - 10) text-anchor="middle" { (axis.label(s)) }
            }
            @for mark in marks(&axis, moments).into_iter().take(MARKS_SHOWN) {
                @if inside(&mark.moment) {
                    circle class=(format!("mark {}", mark.moment.severity)) cx=(mark.x) cy=(mark.y)
                           r="9" {
                        title { (text(&mark.moment.line())) }
                    }
                    text class="n" x=(mark.x) y=(mark.y + 4) { (mark.number) }
                }
            }
        },
    )
}

/// `2026-03-11 02:14 → 06:40 UTC: 9 findings in the lanes; 1 gap of the trail`.
fn in_words(axis: &TimeAxis, moments: &[&TimelineEntry], gaps: &[&TimelineEntry]) -> String {
    let time = |s: i64| minute(&bartizan_model::time_text(s));
    let in_lane = |stage: Stage| moments.iter().filter(|m| m.stage == stage).count();
    let lanes: Vec<String> = LANES
        .iter()
        .map(|stage| format!("{} {stage}", in_lane(*stage)))
        .collect();
    let gaps: Vec<String> = gaps
        .iter()
        .map(|g| format!("; not seen {} → {}", minute(&g.time), minute(&g.until)))
        .collect();
    format!(
        "{} → {} UTC: {}{}",
        time(axis.from),
        time(axis.to),
        lanes.join(", "),
        gaps.concat()
    )
}

/// Spend of the days under the lanes, as far as the incident has a chart.
fn spend_area(axis: &TimeAxis, charts: &[&BillChart], top: i64) -> Option<Markup> {
    let chart = charts.first()?;
    let days: Vec<(i64, f64)> = chart
        .days
        .iter()
        .map(|d| (i64::from(d.day) * 86_400, d.value))
        .filter(|(day, _)| *day < axis.to && day + 86_400 > axis.from)
        .collect();
    let most = chart.days.iter().map(|d| d.value).fold(0.0, f64::max);
    if days.is_empty() || most <= 0.0 {
        return None;
    }
    let foot = top + SPEND;
    let mut path = format!("M{} {foot}", axis.x(days.first()?.0));
    for (day, value) in &days {
        let y = foot - (value / most * SPEND as f64).round() as i64;
        path.push_str(&format!(
            " L{} {y} L{} {y}",
            axis.x(*day),
            axis.x(day + 86_400)
        ));
    }
    path.push_str(&format!(" L{} {foot} Z", axis.x(days.last()?.0 + 86_400)));
    let worth = |(day, value): &(i64, f64)| {
        let day = bartizan_model::time_text(*day);
        format!(
            "{}: {value:.2} {}",
            day.get(..10).unwrap_or_default(),
            chart.currency
        )
    };
    Some(html! {
        path class="spend" d=(path) {
            title { (text(&days.iter().take(40).map(worth).collect::<Vec<_>>().join(", "))) }
        }
        text x="10" y=(foot - 8) { "spend" }
    })
}
