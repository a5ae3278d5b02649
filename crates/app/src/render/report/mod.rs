//! The report: one HTML file that needs nothing else. Three depths: a card that answers, pictures
//! of time and of power, lists.
//!
//! Every name comes from an account or a log. maud escapes for HTML, the components of `html` make
//! control and bidirectional characters visible, and a Content-Security-Policy that names our one script and
//! one style by their hashes lets nothing else run.

use bartizan_inventory::fact::Hash;
use base64::Engine;
use maud::{DOCTYPE, PreEscaped, html};

use super::html::{
    SCRIPT, STYLE, access, card, changes, coverage, findings, months, one, text, verify,
};
use super::picture;
use super::watch::first_line;
use crate::coverage_strip::CoverageStrip;
use crate::watch_result::WatchResult;

/// The whole file.
pub(crate) fn report(watched: &WatchResult, sight: &CoverageStrip) -> String {
    let hash = |text: &str| {
        format!(
            "'sha256-{}'",
            base64::engine::general_purpose::STANDARD.encode(Hash::of(text.as_bytes()).0)
        )
    };
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { "Bartizan: " (text(&first_line(watched))) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                (card(watched))
                nav {
                    @for (n, _) in watched.incidents.iter().enumerate() {
                        a href=(format!("#incident-{n}")) { "incident " (n + 1) }
                    }
                    a href="#access" { "access gained" }
                    a href="#changes" { "changes" }
                    a href="#findings" { "findings" }
                    @if watched.bill.is_some() { a href="#bill" { "the bill" } }
                    a href="#coverage" { "what was not seen" } a href="#verify" { "how to verify" }
                }
                @for (n, incident) in watched.incidents.iter().enumerate() {
                    (one(n, incident, watched))
                }
                (access(watched))
                (changes(&watched.changes))
                (findings(&watched.findings))
                @if let Some(bill) = &watched.bill { (months(bill)) }
                (coverage(watched))
                (picture::strip(sight))
                (verify(watched))
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
    .into_string()
}
