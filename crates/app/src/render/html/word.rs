//! A severity as a word and a color.

use bartizan_model::Severity;
use maud::{Markup, html};

pub(crate) fn word(severity: Severity) -> Markup {
    let name = severity.to_string();
    html! { span class=(format!("word {name}")) { (name) } }
}
