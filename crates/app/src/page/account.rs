//! An account in a snapshot that can be chosen: who can become administrator, who comes in from
//! outside, credentials, changes, posture, spend.

use std::sync::Arc;

use bartizan_evidence::LoggedSnapshot;
use bartizan_incident::short_arn;
use maud::{Markup, html};
use serde::Serialize;

use super::analysis::{Analysis, Kept};
use super::live::Seen;
use crate::render::html::{brief, change_row, months, text, word};
use crate::render::{counted, minute, picture};
use crate::watch_result::ChangeSummary;

/// Rows of each list.
const ROWS_SHOWN: usize = 40;
/// Snapshots that can be chosen from the lists; any other by its address.
const SNAPSHOTS_SHOWN: usize = 60;

/// Content of the page.
#[derive(Serialize)]
pub(super) struct AccountPage<'s> {
    account: String,
    accounts: Vec<String>,
    snapshot: Option<u64>,
    /// Newest first.
    snapshots: Vec<SnapshotChoice>,
    /// None while it is worked out.
    analysis: Option<&'s Analysis>,
    problem: Option<&'s str>,
    /// Changes of the last watch in this account.
    changes: Vec<&'s ChangeSummary>,
}

/// Snapshot of the account that can be looked at.
#[derive(Serialize)]
struct SnapshotChoice {
    snapshot: u64,
    taken: String,
    facts: u64,
    calls_read: u64,
    calls: u64,
}

/// Account and snapshot that are asked for, or the first account's last.
pub(super) fn chosen(
    history: &[LoggedSnapshot],
    account: Option<&str>,
    snapshot: Option<u64>,
) -> Option<(String, u64)> {
    let of_id = |k: &&LoggedSnapshot| Some(k.index) == snapshot;
    let of_account = |k: &&LoggedSnapshot| account.is_none_or(|a| k.snapshot.account == a);
    let kept = match snapshot {
        Some(_) => history.iter().find(of_id)?,
        None => history.iter().rfind(of_account)?,
    };
    Some((kept.snapshot.account.clone(), kept.index))
}

impl<'s> AccountPage<'s> {
    pub(super) fn of(
        seen: &'s Seen,
        history: &[LoggedSnapshot],
        (account, snapshot): (String, u64),
        analysis: Option<&'s Arc<Kept>>,
    ) -> Self {
        let mut accounts: Vec<String> =
            history.iter().map(|k| k.snapshot.account.clone()).collect();
        accounts.sort_unstable();
        accounts.dedup();
        let own = history
            .iter()
            .rev()
            .filter(|k| k.snapshot.account == account);
        let choice = |k: &LoggedSnapshot| SnapshotChoice {
            snapshot: k.index,
            taken: k.snapshot.taken.0.clone(),
            facts: k.snapshot.count,
            calls_read: k.snapshot.coverage.0,
            calls: k.snapshot.coverage.1,
        };
        let changes = seen.watched.iter().flat_map(|w| &w.changes);
        Self {
            snapshots: own.map(choice).collect(),
            changes: changes.filter(|c| c.account == account).collect(),
            analysis: analysis.and_then(|a| a.as_ref().as_ref().ok()),
            problem: analysis
                .and_then(|a| a.as_ref().as_ref().err())
                .map(String::as_str),
            accounts,
            snapshot: Some(snapshot),
            account,
        }
    }

    /// The page.
    pub(super) fn markup(&self, seen: &Seen) -> Markup {
        html! {
            h1 { "Account " (brief(&self.account)) }
            (self.choices())
            @match (self.analysis, self.problem) {
                (Some(analysis), _) => (analyzed(analysis)),
                (None, Some(problem)) => p class="problem" { (text(problem)) },
                (None, None) => p role="status" {
                    "Being worked out; it appears here when it is done. Without script: reload."
                },
            }
            section aria-labelledby="h-changes" {
                h2 id="h-changes" { "Changes, and who made them" }
                @if self.changes.is_empty() { p { "None between the last snapshots." } }
                @for change in self.changes.iter().take(ROWS_SHOWN) { (change_row(change)) }
                (more(self.changes.len()))
            }
            @if let Some(bill) = seen.watched.as_ref().and_then(|w| w.bill.as_ref()) {
                (months(bill))
            }
        }
    }

    /// Forms that choose an account, a snapshot, or two to compare. They work without script.
    fn choices(&self) -> Markup {
        let option = |s: &SnapshotChoice, is_chosen: bool| {
            html! {
                option value=(s.snapshot) selected[is_chosen] {
                    "snapshot " (s.snapshot) ", " (minute(&s.taken)) " UTC, " (s.facts) " facts"
                }
            }
        };
        let shown = || self.snapshots.iter().take(SNAPSHOTS_SHOWN);
        html! {
            @if self.accounts.len() > 1 {
                nav aria-label="accounts" {
                    @for account in self.accounts.iter().take(200) {
                        a href=(format!("/account?account={account}"))
                          aria-current=[(*account == self.account).then_some("true")] {
                            (brief(account))
                        }
                    }
                }
            }
            div class="picks" {
                form method="get" action="/account" class="picks" {
                    label { "Look at " select name="snapshot" {
                        @for s in shown() { (option(s, Some(s.snapshot) == self.snapshot)) }
                    } }
                    button { "Show" }
                }
                @if self.snapshots.len() > 1 {
                    form method="get" action="/compare" class="picks" {
                        label { "Compare " select name="before" {
                            @for (n, s) in shown().enumerate() { (option(s, n == 1)) }
                        } }
                        label { "with " select name="after" {
                            @for (n, s) in shown().enumerate() { (option(s, n == 0)) }
                        } }
                        button { "Compare" }
                    }
                }
            }
        }
    }
}

fn more(count: usize) -> Markup {
    html! {
        @if count > ROWS_SHOWN { p { "and " (count - ROWS_SHOWN) " more: see the JSON" } }
    }
}

fn analyzed(analysis: &Analysis) -> Markup {
    html! {
        section aria-labelledby="h-admin" {
            h2 id="h-admin" { "Who can become administrator, and how" }
            p {
                (counted(analysis.principals as u64, "user or role", "users and roles")) ", "
                (counted(analysis.administrators as u64, "administrator", "administrators")) ", "
                (analysis.escalations.len()) " more can become one, or perhaps can"
            }
            (picture::graph(&analysis.graph, "ways to administrator: who, through what, to what"))
            ul {
                @for row in analysis.escalations.iter().take(ROWS_SHOWN) {
                    li {
                        strong { (row.verdict) } " " (brief(&row.principal)) " · " (row.sentence)
                        @for step in &row.steps { br; span class="dim" { (brief(step)) } }
                    }
                }
            }
            (more(analysis.escalations.len()))
        }
        (outside(analysis))
        (credentials(analysis))
        (posture(analysis))
    }
}

fn outside(analysis: &Analysis) -> Markup {
    html! {
        section aria-labelledby="h-outside" {
            h2 id="h-outside" { "Ways in from outside" }
            @if analysis.outside.is_empty() {
                p {
                    @if analysis.unread_count == 0 { "None." }
                    @else { "UNKNOWN: none in what was read, but not everything was read." }
                }
            } @else {
                div class="scroll" tabindex="0" role="group" aria-label="ways in" {
                table class="spread" {
                    thead { tr {
                        th scope="col" { "sure" } th scope="col" { "resource" }
                        th scope="col" { "for" } th scope="col" { "actions" }
                    } }
                    tbody { @for row in analysis.outside.iter().take(ROWS_SHOWN) {
                        tr {
                            td { (row.verdict) } td { code { (brief(&row.resource)) } }
                            td { (brief(&row.to)) br; span class="dim" { (row.class) } }
                            td {
                                (brief(&row.actions.join(", ")))
                                @if !row.conditions.is_empty() {
                                    br; span class="dim" {
                                        "if " (brief(&row.conditions.join(" and ")))
                                    }
                                }
                            }
                        }
                    } }
                } }
                (more(analysis.outside_count))
            }
            @if analysis.unread_count > 0 {
                details class="words" id="d-unread" {
                    summary { (analysis.unread_count) " things could not be read" }
                    ul {
                        @for line in analysis.unread.iter().take(ROWS_SHOWN) {
                            li { (brief(line)) }
                        }
                    }
                    (more(analysis.unread_count))
                }
            }
        }
    }
}

fn credentials(analysis: &Analysis) -> Markup {
    let kind = |c: &bartizan_posture::Credential| {
        let word = serde_json::to_value(c.kind).unwrap_or_default();
        word.as_str().unwrap_or_default().replace('-', " ")
    };
    html! {
        section aria-labelledby="h-credentials" {
            h2 id="h-credentials" { "Credentials by kind and age" }
            (picture::key_ages(&analysis.key_ages))
            div class="scroll" tabindex="0" role="group" aria-label="credentials" {
                table class="spread" {
                thead { tr {
                    th scope="col" { "kind" } th scope="col" { "of" } th scope="col" { "id" }
                    th scope="col" { "age, days" } th scope="col" { "unused, days" }
                    th scope="col" { "active" } th scope="col" class="more" { "made by" }
                } }
                tbody { @for c in analysis.credentials.iter().take(ROWS_SHOWN) {
                    tr {
                        td { (kind(c)) } td { (brief(short_arn(&c.owner))) }
                        td { code { (brief(&c.id)) } }
                        td { (days(c.age_days)) } td { (days(c.unused_days)) }
                        td { (is_active(c.active)) }
                        td class="more" {
                            @if let Some(made) = &c.made_by {
                                (brief(&made.who)) " at " (minute(&made.time))
                            }
                        }
                    }
                } }
            } }
            (more(analysis.credentials_count))
        }
    }
}

fn is_active(active: Option<bool>) -> &'static str {
    match active {
        Some(true) => "yes",
        Some(false) => "no",
        None => "?",
    }
}

fn days(days: Option<i64>) -> String {
    days.map_or_else(|| "?".to_owned(), |d| d.to_string())
}

fn posture(analysis: &Analysis) -> Markup {
    let counts = &analysis.posture;
    html! {
        section aria-labelledby="h-posture" {
            h2 id="h-posture" { "Posture" }
            p {
                (counts.fail) " fail, " (counts.unknown) " unknown, " (counts.pass) " pass; "
                (counts.accepted) " accepted"
            }
            @if !analysis.failing.is_empty() {
                div class="scroll" tabindex="0" role="group" aria-label="failing checks" {
                table class="spread" {
                    thead { tr {
                        th scope="col" { "severity" } th scope="col" { "check" }
                        th scope="col" { "resource" } th scope="col" { "why" }
                    } }
                    tbody { @for row in analysis.failing.iter().take(ROWS_SHOWN) {
                        tr {
                            td { (word(row.severity)) }
                            td { code { (row.check) } " " (row.title) }
                            td {
                                (brief(&row.resource)) " "
                                span class="dim" { (brief(&row.region)) }
                            }
                            td { (brief(&row.because.join("; "))) }
                        }
                    } }
                } }
                (more(counts.fail))
            }
        }
    }
}
