//! Evidence of a finding, opened in place: records, facts before and after, rows of the bill.

use bartizan_model::{Evidence, Finding};
use maud::{Markup, html};

use super::command::command;
use super::escape::brief;
use crate::render::words::minute;
use crate::watch_result::{ChangeLine, WatchResult};

/// Pieces of evidence, and lines of a change.
const SHOWN: usize = 12;

/// A finding that opens.
pub(crate) fn opened(finding: &Finding, watched: &WatchResult) -> Markup {
    html! {
        details id=(format!("e-{}", brief(&finding.id))) {
            summary class="dim" { "evidence" }
            (evidence(finding, watched))
        }
    }
}

/// Records, facts and costs behind a finding, and the command that shows them again.
pub(crate) fn evidence(finding: &Finding, watched: &WatchResult) -> Markup {
    html! {
        ul {
            @for one in finding.evidence.iter().take(SHOWN) { li { (piece(one, watched)) } }
        }
        @if finding.evidence.len() > SHOWN {
            p class="dim" { "and " (finding.evidence.len() - SHOWN) " more" }
        }
        @for why in finding.because.iter().take(SHOWN) { p class="dim" { (brief(why)) } }
        (command(&finding.show))
    }
}

fn piece(evidence: &Evidence, watched: &WatchResult) -> Markup {
    match evidence {
        Evidence::Event {
            id,
            time,
            call,
            error,
        } => html! {
            "record " code { (brief(id)) } " · " (minute(time)) " UTC · " code { (brief(call)) }
            @if let Some(error) = error { " · " (brief(error)) }
        },
        Evidence::Change {
            fact,
            id,
            region,
            before_sha256,
            after_sha256,
        } => html! {
            "fact " code { (brief(fact)) " " (brief(id)) }
            @if region != "global" { " in " (brief(region)) }
            br;
            span class="minus" { "was " (hash(before_sha256.as_deref())) } br;
            span class="plus" { "is " (hash(after_sha256.as_deref())) }
            @let lines = lines(watched, fact, id);
            @if !lines.is_empty() {
                pre { @for line in lines {
                    span class=(class(line)) { (brief(&line.to_string())) } "\n"
                } }
            }
        },
        Evidence::Check {
            check,
            resource,
            region,
            ..
        } => html! {
            "check " code { (brief(check)) } " · " (brief(resource)) " · " (brief(region))
        },
        Evidence::Cost {
            file,
            day,
            charge,
            amount,
            expected,
        } => html! {
            (brief(day)) ": " strong { (brief(amount)) } ", usually " (brief(expected)) " · "
            (brief(charge)) span class="dim" { " · " (brief(file)) }
        },
        Evidence::Report {
            system,
            id,
            kind_of,
            time,
        } => html! {
            (brief(system)) " reported " code { (brief(kind_of)) }
            @if let Some(time) = time { " · " (minute(time)) " UTC" }
            " · " code { (brief(id)) }
        },
        Evidence::Coverage { place, what } => html! { (brief(place)) ": " (brief(what)) },
    }
}

/// What differs in a fact, from the changes of the same watch.
fn lines<'w>(watched: &'w WatchResult, kind: &str, id: &str) -> Vec<&'w ChangeLine> {
    let of = watched
        .changes
        .iter()
        .filter(|c| c.kind == kind && c.id == id);
    of.flat_map(|c| &c.lines).take(SHOWN).collect()
}

fn hash(sha256: Option<&str>) -> String {
    sha256.map_or_else(|| "not there".to_owned(), brief)
}

/// Class of a line that was removed or added.
pub(crate) fn class(line: &ChangeLine) -> &'static str {
    match line {
        ChangeLine::Removed(_) => "minus",
        ChangeLine::Added(_) => "plus",
    }
}
