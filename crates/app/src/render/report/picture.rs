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
const PATHS_MAX: usize = 24;

/// One lane for each stage, findings as numbered marks, gaps of the trail hatched.
pub(super) fn time(incident: &Incident, moments: &[&TimelineEntry]) -> Markup {
    let second = |text: &str| text.parse::<Timestamp>().map_or(0, Timestamp::as_second);
    let (first, last) = (second(&incident.first_time), second(&incident.last_time));
    let margin = ((last - first) / 30).max(60);
    let (from, to) = (first - margin, last + margin);
    let x = |s: i64| LEFT + (s.clamp(from, to) - from) * (WIDTH - LEFT - 20) / (to - from).max(1);
    let height = LANE * LANES.len() as i64 + 40;
    let step = [300, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400, 604_800]
        .into_iter()
        .find(|s| (to - from) / s <= 10)
        .unwrap_or(2_592_000);
    let ticks: Vec<i64> = (from.div_euclid(step) + 1..=to.div_euclid(step))
        .map(|n| n * step)
        .take(40)
        .collect();
    let long = to - from > 86_400;
    let label = |s: i64| {
        let when = minute(
            &Timestamp::from_second(s)
                .map(|t| t.to_string())
                .unwrap_or_default(),
        );
        if long {
            when.get(5..).unwrap_or_default().to_owned()
        } else {
            when.get(11..).unwrap_or_default().to_owned()
        }
    };
    // Marks of one lane that would cover one another stand in steps.
    let mut placed: Vec<(i64, i64, i64)> = Vec::new();
    let marks: Vec<(usize, &TimelineEntry, i64, i64)> = moments
        .iter()
        .enumerate()
        .filter_map(|(n, m)| {
            let lane = LANES.iter().position(|s| *s == m.stage)? as i64;
            let at = x(second(&m.time));
            let crowd = placed
                .iter()
                .filter(|(l, p, _)| *l == lane && (p - at).abs() < 18)
                .count() as i64;
            placed.push((lane, at, crowd));
            Some((
                n,
                *m,
                at,
                14 + lane * LANE + LANE / 2 + [0, -13, 13][crowd as usize % 3] + crowd / 3 * 3,
            ))
        })
        .collect();
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label="timeline of the \
        incident, one lane for each stage" {
            defs { pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" { path class="hatch" d="M0 8 L8 0" {} } }
            @for m in moments.iter().filter(|m| m.rule == "trail-gap") {
                rect class="gap" x=(x(second(&m.time))) y="10" width=((x(second(&m.until)) - x(second(&m.time))).max(3)) height=(height - 44) {
                    title { (text(&m.summary)) }
                }
            }
            @for (n, stage) in LANES.iter().enumerate() {
                line class="lane" x1=(LEFT - 10) x2=(WIDTH - 10) y1=(14 + n as i64 * LANE + LANE / 2) y2=(14 + n as i64 * LANE + LANE / 2) {}
                text x="10" y=(18 + n as i64 * LANE + LANE / 2) { (stage) }
            }
            @for s in &ticks {
                line class="lane" x1=(x(*s)) x2=(x(*s)) y1=(height - 30) y2=(height - 24) {}
                text class="dim" x=(x(*s)) y=(height - 10) text-anchor="middle" { (label(*s)) }
            }
            @for (n, m, at, y) in &marks {
                circle class=(format!("mark {}", m.severity)) cx=(at) cy=(y) r="9" { title { (text(&m.line())) } }
                text class="n" x=(at) y=(y + 4) { (n + 1) }
            }
        }
    }
}

/// Who on the left, what they reach on the right, through what on the line between; new ways only.
pub(super) fn power(paths: &[AccessPath]) -> Markup {
    let shown = &paths[..paths.len().min(PATHS_MAX)];
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
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label="new ways: who, \
        through what, to what" {
            @for p in shown {
                @let (a, b) = (y(&left, &p.from), y(&right, &p.to));
                path class=(if p.after == PathVerdict::Must { "edge" } else { "edge may" }) d=(format!("M{} {a} C {} {a} {} {b} {} {b}", 10 + box_width, WIDTH / 2, WIDTH / 2, WIDTH - 10 - box_width)) { title { (text(&p.through)) } }
                text class="dim" x=(WIDTH / 2) y=((a + b) / 2 - 6) text-anchor="middle" { (cut(&p.through, 44)) }
            }
            @for (list, x) in [(&left, 10), (&right, WIDTH - 10 - box_width)] {
                @for name in list.iter() {
                    rect class="box" x=(x) y=(y(list, name) - 15) width=(box_width) height="30" rx="5" { title { (text(name)) } }
                    text x=(x + box_width / 2) y=(y(list, name) + 4) text-anchor="middle" { (cut(name, 36)) }
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
