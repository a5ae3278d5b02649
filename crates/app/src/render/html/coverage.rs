//! What was not seen, and how to verify what was.

use maud::{Markup, html};

use super::escape::{brief, text};
use crate::watch_result::{CoverageReport, WatchResult};

/// Lines of a list; the counts are whole.
const LINES_SHOWN: usize = 200;

pub(crate) fn coverage(watched: &WatchResult) -> Markup {
    let coverage = &watched.coverage;
    let [volatile, derived, vendor, cosmetic] = coverage.folded;
    html! {
        section id="coverage" {
            h2 { "What was not seen, and what was left out" }
            @if coverage.holes.is_empty() && coverage.unknown.is_empty() {
                p { "Everything that was there to be read was read." }
            }
            ul {
                @for hole in coverage.holes.iter().take(LINES_SHOWN) { li { (brief(hole)) } }
                @for unknown in coverage.unknown.iter().take(LINES_SHOWN) {
                    li { "unknown: " (brief(unknown)) }
                }
                @for s in watched.snapshot.iter().filter(|s| s.calls_read < s.calls) {
                    li {
                        "account " (text(&s.account)) ": " (s.calls - s.calls_read) " of " (s.calls)
                        " calls were not read"
                    }
                }
            }
            @if coverage.holes.len().max(coverage.unknown.len()) > LINES_SHOWN {
                p {
                    "Not all are listed: " (coverage.holes.len()) " and "
                    (coverage.unknown.len()) " unknown."
                }
            }
            p {
                "Folded: " (volatile) " volatile, " (derived) " derived, " (vendor)
                " by AWS itself, " (cosmetic) " reordered; " (coverage.undone_folded)
                " made and undone without effect; " (coverage.accepted) " accepted."
            }
            @if !coverage.attributed.is_empty() {
                p {
                    "Who made the changes: "
                    (attributed(coverage))
                    "."
                }
            }
        }
    }
}

/// `3 exact, 1 unknown`.
fn attributed(coverage: &CoverageReport) -> String {
    let one = |(word, n): (&String, &usize)| format!("{n} {word}");
    let all: Vec<String> = coverage.attributed.iter().map(one).collect();
    all.join(", ")
}

pub(crate) fn verify(watched: &WatchResult) -> Markup {
    let e = &watched.evidence;
    html! {
        section id="verify" {
            h2 { "How to verify the evidence" }
            p {
                "The snapshots behind this report are in an append-only log, signed. This is its \
                head when the report was written:"
            }
            pre {
                "store  " (text(&e.store)) "\nsize   " (e.log_size) "\nroot   " (text(&e.head))
                "\nkey    " (text(&e.key))
            }
            pre { "bartizan verify evidence" }
        }
    }
}
