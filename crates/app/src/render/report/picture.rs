//! Pictures of an incident: of time, one lane a stage; of power, who gained which way.

use bartizan_incident::{Incident, TimelineEntry};
use bartizan_model::Stage;
use jiff::Timestamp;
use maud::{Markup, html};

use super::escape::text;
use crate::render::words::minute;
use crate::watch_result::{AccessPath, PathVerdict};

const WIDTH: i64 = 960;
const LEFT: i64 = 90;
const LANE: i64 = 46;
const LANES: [Stage; 4] = [Stage::Gain, Stage::Maintain, Stage::Blind, Stage::Steal];
/// Ways that the picture of power draws; the list below it has all.
const PATHS_SHOWN: usize = 24;

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

/// One lane for each stage, findings as numbered marks, gaps of the trail hatched.
pub(super) fn time(incident: &Incident, moments: &[&TimelineEntry]) -> Markup {
    let axis = TimeAxis::of(incident);
    let height = LANE * LANES.len() as i64 + 40;
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label="timeline of the \
        incident, one lane for each stage" {
            defs {
                pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" {
                    path class="hatch" d="M0 8 L8 0" {}
                }
            }
            @for m in moments.iter().filter(|m| m.rule == "trail-gap") {
                @let (from, to) = (axis.x(second(&m.time)), axis.x(second(&m.until)));
                rect class="gap" x=(from) y="10" width=((to - from).max(3)) height=(height - 44) {
                    title { (text(&m.summary)) }
                }
            }
            @for (n, stage) in LANES.iter().enumerate() {
                @let y = 14 + n as i64 * LANE + LANE / 2;
                line class="lane" x1=(LEFT - 10) x2=(WIDTH - 10) y1=(y) y2=(y) {}
                text x="10" y=(y + 4) { (stage) }
            }
            @for s in axis.ticks() {
                @let x = axis.x(s);
                line class="lane" x1=(x) x2=(x) y1=(height - 30) y2=(height - 24) {}
                text class="dim" x=(x) y=(height - 10) text-anchor="middle" { (axis.label(s)) }
            }
            @for mark in marks(&axis, moments) {
                circle class=(format!("mark {}", mark.moment.severity)) cx=(mark.x) cy=(mark.y)
                       r="9" {
                    title { (text(&mark.moment.line())) }
                }
                text class="n" x=(mark.x) y=(mark.y + 4) { (mark.number) }
            }
        }
    }
}

/// Who on the left, what they reach on the right, through what on the line between; new ways only.
pub(super) fn power(paths: &[AccessPath]) -> Markup {
    let shown = &paths[..paths.len().min(PATHS_SHOWN)];
    let names = |pick: fn(&AccessPath) -> &String| -> Vec<&String> {
        let mut list: Vec<&String> = Vec::new();
        shown.iter().map(pick).for_each(|name| {
            if !list.contains(&name) {
                list.push(name);
            }
        });
        list
    };
    let (left, right) = (names(|p| &p.from), names(|p| &p.to));
    let rows = shown.len().max(left.len()).max(right.len()) as i64;
    let (height, box_width) = (rows * 44 + 20, 250);
    let y = |list: &[&String], name: &String| {
        let n = list.iter().position(|l| *l == name).unwrap_or(0) as i64;
        10 + (2 * n + 1) * (height - 20) / (2 * list.len().max(1) as i64)
    };
    let (start, middle, end) = (10 + box_width, WIDTH / 2, WIDTH - 10 - box_width);
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label="new ways: who, \
        through what, to what" {
            @for p in shown {
                @let (a, b) = (y(&left, &p.from), y(&right, &p.to));
                path class=(if p.after == PathVerdict::Must { "edge" } else { "edge may" })
                     d=(format!("M{start} {a} C {middle} {a} {middle} {b} {end} {b}")) {
                    title { (text(&p.through)) }
                }
                text class="dim" x=(WIDTH / 2) y=((a + b) / 2 - 6) text-anchor="middle" {
                    (cut(&p.through, 44))
                }
            }
            @for (list, x) in [(&left, 10), (&right, WIDTH - 10 - box_width)] {
                @for name in list.iter() {
                    rect class="box" x=(x) y=(y(list, name) - 15) width=(box_width) height="30"
                         rx="5" {
                        title { (text(name)) }
                    }
                    text x=(x + box_width / 2) y=(y(list, name) + 4) text-anchor="middle" {
                        (cut(name, 36))
                    }
                }
            }
        }
    }
}

fn cut(name: &str, characters: usize) -> String {
    let name = text(name);
    if name.chars().count() <= characters {
        name
    } else {
        format!("{}…", name.chars().take(characters - 1).collect::<String>())
    }
}
