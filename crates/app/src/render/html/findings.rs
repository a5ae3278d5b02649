//! Findings as a table.

use bartizan_model::{Counterparty, Finding};
use maud::{Markup, html};

use super::escape::brief;
use super::word::word;
use crate::render::words::{counted, minute};

/// Findings that the table has at most; the rest is in the store.
const FINDINGS_SHOWN: usize = 2000;

pub(crate) fn findings(findings: &[Finding]) -> Markup {
    html! {
        section id="findings" {
            h2 { (counted(findings.len() as u64, "finding", "findings")) }
            div id="filters" hidden {}
            table class="findings" {
                thead {
                    tr {
                        th scope="col" { "severity" }
                        th scope="col" { "stage" }
                        th scope="col" { "when, UTC" }
                        th scope="col" { "what" }
                        th scope="col" class="more" { "evidence" }
                    }
                }
                tbody {
                    @for f in findings.iter().take(FINDINGS_SHOWN) { (finding_row(f)) }
                }
            }
            @if findings.len() > FINDINGS_SHOWN {
                p { "and " (findings.len() - FINDINGS_SHOWN) " more in the store" }
            }
        }
    }
}

/// `let in account 999988887777; made user eve`.
pub(crate) fn counterparties(finding: &Finding) -> String {
    let one = |c: &Counterparty| format!("{} {c}", c.relation.word());
    let all: Vec<String> = finding.counterparty.iter().map(one).collect();
    all.join("; ")
}

/// A finding as a row: severity, stage, time, words, and the command that shows its evidence.
fn finding_row(f: &Finding) -> Markup {
    html! {
        tr data-severity=(f.severity.to_string()) data-stage=(f.stage.to_string()) {
            td { (word(f.severity)) } td { (f.stage) }
            td { (f.first_time.as_deref().map(minute).unwrap_or_default()) }
            td {
                strong { (brief(&f.title)) }
                br; (brief(&f.summary))
                @if !f.counterparty.is_empty() {
                    br;
                    (brief(&counterparties(f)))
                }
                @for why in f.because.iter().take(2) {
                    br;
                    span class="dim" { (brief(why)) }
                }
            }
            td class="more" {
                code { (brief(&f.show)) }
                br;
                span class="dim" {
                    (f.id)
                    @if !f.attack.is_empty() { " · " (brief(&f.attack.join(" "))) }
                }
            }
        }
    }
}

/// Findings as a table of a page, with the filters of the script.
pub(crate) fn finding_table<'f>(findings: impl Iterator<Item = &'f Finding>) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="group" aria-label="findings" {
            table class="findings" {
                thead { tr {
                    th scope="col" { "severity" }
                    th scope="col" { "stage" }
                    th scope="col" { "when, UTC" }
                    th scope="col" { "what" }
                    th scope="col" class="more" { "evidence" }
                } }
                tbody { @for f in findings { (finding_row(f)) } }
            }
        }
    }
}
