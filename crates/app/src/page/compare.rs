//! Two snapshots compared: what changed, and what access it added.

use anyhow::{Context, Result, ensure};
use bartizan_iam::Actions;
use bartizan_inventory::diff::Change;
use bartizan_model::Severity;
use maud::{Markup, html};
use serde::Serialize;

use crate::access::{self, StatePair};
use crate::access_graph::AccessGraph;
use crate::cli::Global;
use crate::named_snapshots::pairs;
use crate::render::html::{brief, word};
use crate::render::{counted, lines_of, picture};
use crate::snapshot_diff::between;
use crate::watch_result::{AccessPath, ChangeLine};

/// Changes that are kept; all are counted.
const CHANGES_LISTED_SHOWN: usize = 400;
/// Changes that the page lists, and lines of each.
const CHANGES_SHOWN: usize = 60;
const LINES_SHOWN: usize = 30;

/// Content of the page.
#[derive(Serialize)]
pub(super) struct ComparePage {
    before: u64,
    after: u64,
    account: String,
    /// Worst first.
    changes: Vec<ComparedChange>,
    changes_count: usize,
    /// Facts of which nothing can be said.
    unknown: usize,
    /// Ways that are new.
    paths: Vec<AccessPath>,
    graph: AccessGraph,
}

/// One fact that changed.
#[derive(Serialize)]
struct ComparedChange {
    sign: char,
    severity: Severity,
    kind: String,
    id: String,
    region: String,
    lines: Vec<ChangeLine>,
    because: Vec<String>,
}

impl ComparePage {
    /// Compares two snapshots of one account by their ids.
    pub(super) fn of(global: &Global, before: u64, after: u64) -> Result<Self> {
        ensure!(
            before != after,
            "a snapshot does not differ from itself: choose two"
        );
        let (old, new) = (before.to_string(), after.to_string());
        let paired = pairs(global, Some(&old), Some(&new))?;
        let organizations = (
            access::organizations(paired.before())?,
            access::organizations(paired.after())?,
        );
        let (old, new) = paired
            .pairs
            .first()
            .context("the two are of different accounts")?;
        let difference = between(old, new)?;
        let states = StatePair {
            before: old,
            after: new,
            organizations: (&organizations.0, &organizations.1),
        };
        let grants = difference.changes.iter().any(|c| access::wanted(&c.kind));
        let paths = match grants || states.is_otherwise_bound() {
            true => access::changed(&states, Actions::builtin(), states.neighbours())?.paths(),
            false => Vec::new(),
        };
        let change = |c: &Change| ComparedChange {
            sign: c.verdict.sign(),
            severity: c.severity,
            kind: c.kind.clone(),
            id: c.id.clone(),
            region: c.region.clone(),
            lines: lines_of(c, false),
            because: c.because.clone(),
        };
        let account = difference.changes.first().map(|c| c.account.clone());
        Ok(Self {
            before,
            after,
            account: account.unwrap_or_default(),
            changes: difference
                .changes
                .iter()
                .take(CHANGES_LISTED_SHOWN)
                .map(change)
                .collect(),
            changes_count: difference.changes.len(),
            unknown: difference.unknown.len(),
            graph: AccessGraph::of_paths(&paths),
            paths,
        })
    }

    /// The page.
    pub(super) fn markup(&self) -> Markup {
        html! {
            h1 { "Snapshot " (self.before) " and snapshot " (self.after) }
            p {
                (counted(self.changes_count as u64, "change", "changes"))
                @if self.unknown > 0 { ", " (self.unknown) " unknown" }
                " · " a href=(format!("/account?snapshot={}", self.after)) { "the account" }
            }
            h2 { "Access that was gained" }
            @if self.paths.is_empty() {
                p { "No new way to administrator, and nothing new is open to other accounts." }
            } @else {
                (picture::graph(&self.graph, "new ways: who, through what, to what"))
            }
            h2 { "Changes, worst first" }
            @for (n, change) in self.changes.iter().enumerate().take(CHANGES_SHOWN) {
                details open[change.severity >= Severity::High] id=(format!("c-{n}")) {
                    summary {
                        (word(change.severity)) " " (change.sign) " "
                        code { (brief(&change.kind)) " " (brief(&change.id)) }
                        @if change.region != "global" {
                            span class="dim" { " · " (brief(&change.region)) }
                        }
                    }
                    pre { @for line in change.lines.iter().take(LINES_SHOWN) {
                        span class=(class(line)) { (brief(&line.to_string())) } "\n"
                    } }
                    ul { @for why in change.because.iter().take(6) { li { (brief(why)) } } }
                }
            }
            @if self.changes_count > CHANGES_SHOWN {
                p { "and " (self.changes_count - CHANGES_SHOWN) " more: see the JSON" }
            }
        }
    }
}

fn class(line: &ChangeLine) -> &'static str {
    match line {
        ChangeLine::Removed(_) => "minus",
        ChangeLine::Added(_) => "plus",
    }
}
