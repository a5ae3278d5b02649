//! Commands to copy.

use bartizan_model::limits::SHOWN_COMMAND_MAX;
use maud::{Markup, html};

use crate::render::clean;

/// A command, whole: a part of one would do something else.
pub(crate) fn command(text: &str) -> Markup {
    html! {
        @if text.chars().nth(SHOWN_COMMAND_MAX).is_none() {
            pre class="command" { (clean(text)) }
        } @else {
            p class="dim" {
                "the command is longer than a page can show: bartizan watch --once --format json \
                has it"
            }
        }
    }
}
