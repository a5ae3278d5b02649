//! Changes with who made them.

use bartizan_model::Severity;
use maud::{Markup, html};

use super::command::command;
use super::escape::{brief, text};
use super::evidence::class;
use crate::render::words::{counted, minute};
use crate::watch_result::ChangeSummary;

pub(crate) fn changes(changes: &[ChangeSummary]) -> Markup {
    html! {
        section id="changes" {
            h2 { (counted(changes.len() as u64, "change", "changes")) }
            @for change in changes { (change_row(change)) }
        }
    }
}

/// Lines of one change.
const LINES_SHOWN: usize = 80;

/// A change, closed unless it is bad.
pub(crate) fn change_row(change: &ChangeSummary) -> Markup {
    html! {
        details open[change.severity >= Severity::High] {
            summary {
                span class=(format!("word {}", change.severity)) { (change.severity) }
                " " (change.sign) " "
                code { (text(&change.kind)) " " (brief(&change.id)) }
                span class="dim" {
                    @if change.region != "global" { " · " (text(&change.region)) }
                    " · " (text(&change.attributed))
                    @if let Some(first) = change.by.first() { ": " (brief(first)) }
                    @if let (Some(call), Some(time)) = (&change.call, &change.time) {
                        ", " (text(call)) " at " (minute(time))
                    }
                }
            }
            @if let Some(access) = &change.access {
                p { (text(access)) }
                ul {
                    @for g in &change.gained {
                        li { span class="plus" { "gained " } (brief(g)) }
                    }
                    @for l in &change.lost {
                        li { span class="minus" { "lost " } (brief(l)) }
                    }
                }
            }
            @if !change.lines.is_empty() {
                pre {
                    @for line in change.lines.iter().take(LINES_SHOWN) {
                        span class=(class(line)) {
                            (brief(&line.to_string()))
                        }
                        "\n"
                    }
                }
            }
            @if change.by.len() > 1 { p { "through " (text(&change.by.join(" ▸ "))) } }
            ul { @for why in &change.because { li { (brief(why)) } } }
            (command(&change.show))
        }
    }
}
