//! What an account is like in one snapshot: who can become administrator, who comes in from
//! outside, credentials, posture. Worked out once for a snapshot, and kept.

use bartizan_model::limits::ANALYSES_MAX;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use bartizan_iam::{
    Account, Actions, Estate, KnownAccounts, TECHNIQUES, Tri, estate_escalations, external_access,
};
use bartizan_incident::short_arn;
use bartizan_model::Severity;
use bartizan_posture::{CHECKS, Check, CheckVerdict, Credential, CredentialKind, check};
use serde::Serialize;

use super::live::LiveStore;
use crate::access::accounts;
use crate::access_graph::AccessGraph;
use crate::cli::{CheckArgs, Global};
use crate::posture::{credentials, posture};
use crate::render::picture::KeyAges;
use crate::render::{check_reasons, word};
use crate::watch_result::{AccessPath, PathVerdict};

/// Rows of each list that are kept; all are counted.
const ROWS_SHOWN: usize = 500;

/// An account in one snapshot.
#[derive(Serialize)]
pub(super) struct Analysis {
    pub(super) snapshot: u64,
    pub(super) account: String,
    pub(super) principals: usize,
    /// Surest and shortest first.
    pub(super) escalations: Vec<EscalationRow>,
    pub(super) administrators: usize,
    pub(super) graph: AccessGraph,
    pub(super) outside: Vec<OutsideRow>,
    pub(super) outside_count: usize,
    /// Things that could not be read, a line each.
    pub(super) unread: Vec<String>,
    pub(super) unread_count: usize,
    /// Oldest first.
    pub(super) credentials: Vec<Credential>,
    pub(super) credentials_count: usize,
    pub(super) key_ages: KeyAges,
    pub(super) posture: PostureCounts,
    /// Failures, worst first.
    pub(super) failing: Vec<CheckRow>,
}

/// Way of a principal to administrator.
#[derive(Debug, Serialize)]
pub(super) struct EscalationRow {
    pub(super) principal: String,
    /// must or may.
    pub(super) verdict: &'static str,
    pub(super) rung: char,
    pub(super) sentence: &'static str,
    /// `iam:PassRole + ec2:RunInstances → role/build`.
    pub(super) steps: Vec<String>,
}

/// Way in from outside.
#[derive(Debug, Serialize)]
pub(super) struct OutsideRow {
    pub(super) resource: String,
    pub(super) to: String,
    pub(super) class: &'static str,
    pub(super) verdict: &'static str,
    pub(super) actions: Vec<String>,
    pub(super) conditions: Vec<String>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct PostureCounts {
    pub(super) fail: usize,
    pub(super) unknown: usize,
    pub(super) pass: usize,
    pub(super) accepted: usize,
}

/// Failure of a check.
#[derive(Debug, Serialize)]
pub(super) struct CheckRow {
    pub(super) check: &'static str,
    pub(super) title: &'static str,
    pub(super) severity: Severity,
    pub(super) resource: String,
    pub(super) region: String,
    pub(super) because: Vec<String>,
}

/// Analyses that were made, and those that are being made.
#[derive(Default)]
pub(super) struct Analyses {
    kept: Mutex<HashMap<u64, Arc<Kept>>>,
    running: Mutex<HashSet<u64>>,
}

/// An analysis, or why there is none.
pub(super) type Kept = Result<Analysis, String>;

impl Analyses {
    /// The analysis of a snapshot, if it was made.
    pub(super) fn of(&self, snapshot: u64) -> Option<Arc<Kept>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&snapshot).cloned()
    }

    /// Makes it, unless somebody else does.
    pub(super) fn make(&self, live: &LiveStore, snapshot: u64) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if !running.insert(snapshot) {
            return;
        }
        drop(running);
        let made = analyzed(live.global(), snapshot).map_err(|e| format!("{e:#}"));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= ANALYSES_MAX {
            let oldest = kept.keys().min().copied();
            oldest.and_then(|o| kept.remove(&o));
        }
        kept.insert(snapshot, Arc::new(made));
        drop(kept);
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.remove(&snapshot);
        drop(running);
        live.read();
    }
}

fn analyzed(global: &Global, snapshot: u64) -> Result<Analysis> {
    let (actions, on) = (Actions::builtin(), snapshot.to_string());
    let accounts = accounts(global, Some(&on), actions)?;
    let account = accounts.first().context("the snapshot has no account")?;
    let (graph, escalations, administrators) = escalations(&accounts, account);
    let mut known = KnownAccounts::default();
    known.learn(account);
    let outside = external_access(account, &known);
    let outside_rows = outside.iter().take(ROWS_SHOWN).map(|o| OutsideRow {
        resource: o.arn.clone(),
        to: o.to.sentence(),
        class: o.class.word(),
        verdict: word(o.verdict),
        actions: o.actions.clone(),
        conditions: o.conditions.clone(),
    });
    let mut list = credentials(global, Some(&on), actions)?
        .into_iter()
        .flat_map(|a| a.credentials.list)
        .collect::<Vec<_>>();
    list.sort_by_key(|c| std::cmp::Reverse(c.age_days));
    let is_key = |c: &&Credential| {
        matches!(
            c.kind,
            CredentialKind::AccessKey | CredentialKind::RootAccessKey
        )
    };
    let keys = list.iter().filter(is_key);
    let key_ages = KeyAges::of(keys.map(|c| (c.age_days, c.active != Some(false))));
    let credentials_count = list.len();
    list.truncate(ROWS_SHOWN);
    let (posture, failing) = judged(global, on, actions)?;
    Ok(Analysis {
        snapshot,
        account: account.id.clone(),
        principals: account.principals.len(),
        escalations,
        administrators,
        graph,
        outside: outside_rows.collect(),
        outside_count: outside.len(),
        unread: account.unknown.iter().take(ROWS_SHOWN).cloned().collect(),
        unread_count: account.unknown.len(),
        credentials: list,
        credentials_count,
        key_ages,
        posture,
        failing,
    })
}

/// Ways to administrator, as a graph and as rows, and how many are administrators.
fn escalations(
    accounts: &[Account<'_>],
    account: &Account<'_>,
) -> (AccessGraph, Vec<EscalationRow>, usize) {
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    let all = estate_escalations(&Estate::new(accounts), threads);
    let Some(found) = all.accounts.first() else {
        return (AccessGraph::default(), Vec::new(), 0);
    };
    let name = |n: u32| {
        let principal = account.principals.get(n as usize);
        principal.map_or_else(String::new, |p| short_arn(&p.arn).to_owned())
    };
    let administrators = found
        .found
        .iter()
        .filter(|e| e.steps.is_empty() && e.verdict == Tri::Yes)
        .count();
    let mut ways: Vec<_> = found.found.iter().filter(|e| !e.steps.is_empty()).collect();
    ways.sort_by_key(|e| {
        (
            std::cmp::Reverse(e.verdict),
            e.steps.len(),
            e.rung,
            e.principal,
        )
    });
    let mut paths = Vec::new();
    let mut rows = Vec::new();
    for way in ways.iter().take(ROWS_SHOWN) {
        let mut from = name(way.principal);
        let mut steps = Vec::new();
        for step in &way.steps {
            let to = step.to.map_or_else(|| "everything".to_owned(), name);
            let technique = TECHNIQUES.iter().find(|t| t.id == step.row);
            let needs = technique.map(|t| t.needs.join(" + ")).unwrap_or_default();
            let verdict = PathVerdict::of(step.verdict);
            steps.push(format!("{needs} → {to}"));
            paths.push(AccessPath {
                from,
                to: to.clone(),
                through: needs,
                before: verdict,
                after: verdict,
            });
            from = to;
        }
        if from != "everything" {
            paths.push(AccessPath {
                from,
                to: "everything".to_owned(),
                through: "its own policies".to_owned(),
                before: PathVerdict::Must,
                after: PathVerdict::Must,
            });
        }
        rows.push(EscalationRow {
            principal: name(way.principal),
            verdict: word(way.verdict),
            rung: way.rung.letter(),
            sentence: way.rung.sentence(),
            steps,
        });
    }
    (AccessGraph::of_paths(&paths), rows, administrators)
}

fn judged(
    global: &Global,
    on: String,
    actions: &Actions,
) -> Result<(PostureCounts, Vec<CheckRow>)> {
    let args = CheckArgs {
        on: Some(on),
        ..CheckArgs::default()
    };
    let checks: Vec<&'static Check> = CHECKS.iter().collect();
    let mut counts = PostureCounts::default();
    let mut failing = Vec::new();
    for judged in posture(global, &args, actions, &checks)? {
        counts.accepted += judged.accepted.len();
        for result in &judged.results {
            match result.verdict {
                CheckVerdict::Pass => counts.pass += 1,
                CheckVerdict::Unknown => counts.unknown += 1,
                CheckVerdict::Fail => {
                    counts.fail += 1;
                    failing.push(CheckRow {
                        check: result.check,
                        title: check(result.check).map_or("", |c| c.title),
                        severity: result.severity,
                        resource: result.resource.clone(),
                        region: result.region.clone(),
                        because: check_reasons(result).into_iter().take(3).collect(),
                    });
                }
            }
        }
    }
    failing.sort_by_key(|r| std::cmp::Reverse(r.severity));
    failing.truncate(ROWS_SHOWN);
    Ok((counts, failing))
}
