//! The result of a watch, as it is printed, kept, and made into a report.

use std::fmt;

use anyhow::{Context, Result};
use bartizan_detect::work::ActorWork;
use bartizan_iam::Tri;
use bartizan_incident::Incident;
use bartizan_inventory::diff::AccessVerdict;
use bartizan_model::{Finding, Severity};
use serde::{Deserialize, Serialize};

use crate::bill_report::BillReport;
use crate::store::StoreState;

/// Name under which the state keeps the result of the last watch.
pub(crate) const RESULT: &str = "result";

/// Findings, incidents, changes and coverage of one watch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WatchResult {
    /// Whether there was anything new to look at.
    pub(crate) new: bool,
    /// Time of the last event or snapshot that was read, RFC 3339.
    pub(crate) as_of: String,
    /// The last snapshot of each account.
    pub(crate) snapshot: Vec<SnapshotSummary>,
    /// Worst first.
    pub(crate) changes: Vec<ChangeSummary>,
    /// Worst first.
    pub(crate) findings: Vec<Finding>,
    /// Worst first.
    pub(crate) incidents: Vec<Incident>,
    /// The whole activity of every actor with a finding.
    #[serde(default)]
    pub(crate) actors: Vec<ActorWork>,
    /// Incidents that turned out to be one: from, into.
    pub(crate) merged: Vec<(String, String)>,
    /// Ways to power that are new.
    pub(crate) paths: Vec<AccessPath>,
    /// Where there is one.
    #[serde(default)]
    pub(crate) bill: Option<BillReport>,
    pub(crate) coverage: CoverageReport,
    /// Place and signed head of the log behind it.
    pub(crate) evidence: EvidenceSummary,
}

impl WatchResult {
    /// The result of the last watch of a store.
    pub(crate) fn last(state: &StoreState) -> Result<Option<Self>> {
        let Some(bytes) = state.get(RESULT)? else {
            return Ok(None);
        };
        Ok(Some(serde_json::from_slice(&bytes).context(
            "what the last watch kept cannot be read: watch again",
        )?))
    }
}

impl WatchResult {
    /// Adds the bill, which tells the time where nothing else was read.
    pub(crate) fn add_bill(&mut self, bill: Option<BillReport>) {
        let billed = bill.as_ref().and_then(|b| b.scored_through.clone());
        if self.as_of.is_empty() {
            self.as_of = billed.unwrap_or_default();
        }
        self.bill = bill;
    }
}

/// One way to power that was not there before: by a grant, or from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccessPath {
    /// Principal, e.g. `user/bob`, or outsider.
    pub(crate) from: String,
    /// `everything`, or a resource.
    pub(crate) to: String,
    /// Actions or steps, e.g. `iam:PassRole + ec2:RunInstances → role/build`.
    pub(crate) through: String,
    pub(crate) before: PathVerdict,
    pub(crate) after: PathVerdict,
}

/// How sure it is that a way is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PathVerdict {
    No,
    May,
    Must,
}

impl PathVerdict {
    pub(crate) fn of(verdict: Tri) -> Self {
        match verdict {
            Tri::No => Self::No,
            Tri::Maybe => Self::May,
            Tri::Yes => Self::Must,
        }
    }
}

impl fmt::Display for PathVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::No => "no",
            Self::May => "may",
            Self::Must => "must",
        })
    }
}

/// Counts of one snapshot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SnapshotSummary {
    pub(crate) id: u64,
    pub(crate) account: String,
    pub(crate) taken: String,
    pub(crate) facts: u64,
    pub(crate) calls_read: u64,
    pub(crate) calls: u64,
}

/// One line of what differs, e.g. `+ in tcp 22 from 0.0.0.0/0`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub(crate) enum ChangeLine {
    Removed(String),
    Added(String),
}

impl fmt::Display for ChangeLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed(text) => write!(f, "- {text}"),
            Self::Added(text) => write!(f, "+ {text}"),
        }
    }
}

impl From<ChangeLine> for String {
    fn from(line: ChangeLine) -> Self {
        line.to_string()
    }
}

impl From<String> for ChangeLine {
    fn from(line: String) -> Self {
        match line.strip_prefix("- ") {
            Some(removed) => Self::Removed(removed.to_owned()),
            None => Self::Added(line.strip_prefix("+ ").unwrap_or(&line).to_owned()),
        }
    }
}

/// A change with who made it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ChangeSummary {
    /// `+`, `-`, `~`, `!`.
    pub(crate) sign: char,
    pub(crate) severity: Severity,
    pub(crate) kind: String,
    pub(crate) title: String,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) id: String,
    /// ARN of the resource, where the kind has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_arn: Option<String>,
    /// Lines that were removed and added.
    pub(crate) lines: Vec<ChangeLine>,
    /// Verdict on the access that a policy gives, e.g. `access grew`.
    pub(crate) access: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) access_verdict: Option<AccessVerdict>,
    /// Access that the policy gives now and did not give before, and the reverse.
    pub(crate) gained: Vec<String>,
    pub(crate) lost: Vec<String>,
    /// exact, likely, without-call, unknown, too-early, no-call-expected.
    pub(crate) attributed: String,
    /// Origin, and the sessions from there to the call.
    pub(crate) by: Vec<String>,
    pub(crate) call: Option<String>,
    pub(crate) event: Option<String>,
    pub(crate) time: Option<String>,
    pub(crate) because: Vec<String>,
    pub(crate) finding: String,
    pub(crate) show: String,
}

/// Events, objects and calls that were read, and those that were not.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct CoverageReport {
    /// Events read.
    pub(crate) events: u64,
    pub(crate) objects: u64,
    pub(crate) first_event: Option<String>,
    pub(crate) last_event: Option<String>,
    /// Parts that could not be read or were left out, a line each.
    pub(crate) holes: Vec<String>,
    /// Changes that are not worth a line: volatile, derived, by AWS, cosmetic.
    pub(crate) folded: [usize; 4],
    /// Calls that left nothing and gave nobody anything.
    pub(crate) undone_folded: usize,
    /// Facts of which nothing can be said, a line each.
    pub(crate) unknown: Vec<String>,
    /// Changes by how sure it is who made them.
    pub(crate) attributed: std::collections::BTreeMap<String, usize>,
    /// Findings that somebody accepted.
    pub(crate) accepted: usize,
}

/// Place and signed head of the evidence log.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct EvidenceSummary {
    pub(crate) store: String,
    pub(crate) log_size: u64,
    pub(crate) head: String,
    pub(crate) key: String,
}
