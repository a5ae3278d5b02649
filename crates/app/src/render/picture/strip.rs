//! Heat strip of coverage: a row for each account, region and sensor, time from left to right.

use maud::{Markup, html};

use super::svg::{cut, drawing, text};
use crate::coverage_strip::{CoverageStrip, STRIP_CELLS, Sight, StripRow, StripSensor};
use crate::render::words::minute;

const WIDTH: i64 = 960;
const LEFT: i64 = 260;
const ROW: i64 = 18;

/// The strip, and its dark spans as a table.
pub(crate) fn strip(strip: &CoverageStrip) -> Markup {
    if strip.rows.is_empty() {
        return html! { p class="dim" { "No sensor has looked yet." } };
    }
    let cell = (WIDTH - LEFT - 10) / STRIP_CELLS as i64;
    let height = ROW * strip.rows.len() as i64 + 30;
    let x = |cells: usize| LEFT + cells as i64 * cell;
    let picture = html! {
        defs {
            pattern id="dark" width="6" height="6" patternUnits="userSpaceOnUse" {
                path class="hatch" d="M0 6 L6 0" {}
            }
        }
        @for (n, row) in strip.rows.iter().enumerate() {
            @let y = 6 + n as i64 * ROW;
            text x="8" y=(y + 12) { (cut(&name(row), 40)) }
            @for span in &row.spans {
                @let class = sight_class(span.sight);
                rect class=(class) x=(x(span.first_cell)) y=(y) width=(span.cells as i64 * cell - 1)
                     height=(ROW - 3) {
                    title {
                        (sight_word(span.sight)) " " (minute(&span.from)) " → " (minute(&span.to))
                    }
                }
                @if span.sight == Sight::Nothing || span.sight == Sight::Part {
                    rect class="dark" x=(x(span.first_cell)) y=(y)
                         width=(span.cells as i64 * cell - 1) height=(ROW - 3) {}
                }
            }
        }
        text class="dim" x=(LEFT) y=(height - 8) { (minute(&strip.from)) }
        text class="dim" x=(WIDTH - 10) y=(height - 8) text-anchor="end" { (minute(&strip.to)) }
    };
    html! {
        div class="wide" tabindex="0" role="group" aria-label="coverage in time" {
            (drawing((WIDTH, height), "coverage of each account, region and sensor in time",
                     &in_words(strip), &picture))
        }
        p class="dim key" {
            span class="sw seen" {} " everything read " span class="sw part" {} " a part "
            span class="sw none" {} " nothing " span class="sw unlooked" {} " nobody looked"
        }
        @if strip.folded > 0 {
            p class="dim" { "and " (strip.folded) " more rows with nothing missing" }
        }
        (dark_table(strip))
    }
}

fn dark_table(strip: &CoverageStrip) -> Markup {
    let is_dark = |s: Sight| matches!(s, Sight::Part | Sight::Nothing);
    let dark: Vec<&StripRow> = strip
        .rows
        .iter()
        .filter(|r| r.spans.iter().any(|s| is_dark(s.sight)))
        .collect();
    if dark.is_empty() {
        return html! { p { "No gap in this time." } };
    }
    html! {
        details class="words" {
            summary { "the gaps in words" }
            div class="scroll" tabindex="0" role="group" aria-label="gaps" { table {
                thead { tr {
                    th scope="col" { "sensor" } th scope="col" { "seen" }
                    th scope="col" { "from, UTC" } th scope="col" { "to, UTC" }
                    th scope="col" { "not read" }
                } }
                tbody {
                    @for row in dark {
                        @for span in row.spans.iter().filter(|s| is_dark(s.sight)).take(8) {
                            tr {
                                td { (text(&name(row))) } td { (sight_word(span.sight)) }
                                td { (minute(&span.from)) } td { (minute(&span.to)) }
                                td { (unread(row)) }
                            }
                        }
                    }
                }
            } }
        }
    }
}

/// `budgets:DescribeBudgets and 3 more`.
fn unread(row: &StripRow) -> String {
    let shown: Vec<&str> = row.unread.iter().take(6).map(String::as_str).collect();
    match row.unread.len().saturating_sub(6) {
        0 => text(&shown.join(", ")),
        more => format!("{} and {more} more", text(&shown.join(", "))),
    }
}

fn name(row: &StripRow) -> String {
    let sensor = match row.sensor {
        StripSensor::Configuration => "configuration",
        StripSensor::Trail => "trail",
        StripSensor::Bill => "bill",
    };
    match row.account.is_empty() {
        true => format!("{sensor}, all accounts"),
        false => format!("{} {} {sensor}", row.account, row.region),
    }
}

fn sight_class(sight: Sight) -> &'static str {
    match sight {
        Sight::NotLooked => "unlooked",
        Sight::All => "seen",
        Sight::Part => "part",
        Sight::Nothing => "none",
    }
}

fn sight_word(sight: Sight) -> &'static str {
    match sight {
        Sight::NotLooked => "nobody looked",
        Sight::All => "everything read",
        Sight::Part => "a part",
        Sight::Nothing => "nothing",
    }
}

fn in_words(strip: &CoverageStrip) -> String {
    let dark = |r: &&StripRow| r.spans.iter().any(|s| s.sight >= Sight::Part);
    format!(
        "{} → {} UTC: {} rows, {} with a gap",
        minute(&strip.from),
        minute(&strip.to),
        strip.rows.len() + strip.folded,
        strip.rows.iter().filter(dark).count()
    )
}
