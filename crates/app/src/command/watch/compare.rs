//! Comparing each two snapshots of an account that follow one another, and attributing the changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Result;
use bartizan_detect::DetectionResult;
use bartizan_detect::attribution::CallMap;
use bartizan_evidence::LoggedSnapshot;
use bartizan_iam::{Actions, KnownAccounts};
use bartizan_incident::attribution::{
    AttributedChange, Attribution, Attributions, ChangeFindings, GrantedAccess, ShowCommands,
    explain, tell,
};
use bartizan_incident::{PersistentChange, standing};
use bartizan_inventory::diff::{Change, SnapshotDiff, SnapshotVersion, diff};
use bartizan_inventory::fact::FactKinds;
use bartizan_inventory::snapshot::{Snapshot, side_lines};
use bartizan_model::limits::DIFF_LINES_MAX;
use bartizan_model::{Actor, Evidence, Finding};
use jiff::Timestamp;

use super::inputs::WatchInputs;
use super::organizations::KeptOrganizations;
use crate::access::{self, StatePair};
use crate::render::{lines_of, shell, store_option};
use crate::store::Loaded;
use crate::watch_result::{AccessPath, ChangeSummary, CoverageReport, SnapshotSummary};

/// Result of comparing all pairs of snapshots.
#[derive(Default)]
pub(super) struct ComparedSnapshots {
    pub(super) findings: Vec<Finding>,
    pub(super) changes: Vec<ChangeSummary>,
    pub(super) standing: BTreeMap<String, PersistentChange>,
    pub(super) power: BTreeMap<String, String>,
    pub(super) gives: BTreeMap<String, Vec<GrantedAccess>>,
    /// Accounts with two snapshots, and when the latest was taken.
    pub(super) taken_s: BTreeMap<String, i64>,
    pub(super) paths: Vec<AccessPath>,
    pub(super) snapshot: Vec<SnapshotSummary>,
    /// By account and time.
    pub(super) pairs: Vec<ExplainedPair>,
    pub(super) coverage: CoverageReport,
}

/// Two snapshots of an account that follow one another, and who made each change between them.
pub(super) struct ExplainedPair {
    pub(super) account: String,
    /// Ids of the snapshots.
    pub(super) before: u64,
    pub(super) after: u64,
    /// By kind, region and id of the fact.
    pub(super) changes: BTreeMap<(String, String, String), ExplainedFact>,
}

/// Attribution of a changed fact.
pub(super) struct ExplainedFact {
    pub(super) matched: Attribution,
    /// Lasting key of who began it: ARN of a user, `instance i-0a1b`.
    pub(super) origin: Option<String>,
    /// Caller and records of the change, where it is a finding.
    pub(super) actor: Option<Actor>,
    pub(super) events: Vec<Evidence>,
}

/// Compares each two snapshots of an account that follow one another.
pub(super) fn compare(
    inputs: &WatchInputs<'_>,
    map: &CallMap,
    verdicts: &DetectionResult,
    since: Timestamp,
) -> Result<ComparedSnapshots> {
    let mut compared = ComparedSnapshots::default();
    let history = Arc::new(inputs.history.clone());
    let accounts: BTreeSet<&str> = inputs
        .history
        .iter()
        .map(|k| k.snapshot.account.as_str())
        .collect();
    let neighbours = inputs.neighbours()?;
    let mut organizations = KeptOrganizations::new(inputs.storage, &history);
    for account in accounts {
        let own: Vec<&LoggedSnapshot> = inputs
            .history
            .iter()
            .filter(|k| k.snapshot.account == account)
            .collect();
        let Some(newest) = own.last() else { continue };
        let latest = Loaded::kept(inputs.storage, &history, newest)?;
        compared.snapshot.push(SnapshotSummary {
            id: newest.index,
            account: account.to_owned(),
            taken: newest.snapshot.taken.1.clone(),
            facts: newest.snapshot.count,
            calls_read: newest.snapshot.coverage.0,
            calls: newest.snapshot.coverage.1,
        });
        if let (true, Ok(taken)) = (own.len() > 1, newest.snapshot.taken.1.parse::<Timestamp>()) {
            compared
                .taken_s
                .insert(account.to_owned(), taken.as_second());
        }
        compared.power.extend(access::power(
            &latest,
            &organizations.at(newest.index)?,
            Actions::builtin(),
        )?);
        for pair in own.windows(2) {
            let recent = pair[1]
                .snapshot
                .taken
                .1
                .parse::<Timestamp>()
                .is_ok_and(|t| t >= since);
            if recent {
                let (before, after) = (
                    Loaded::kept(inputs.storage, &history, pair[0])?,
                    Loaded::kept(inputs.storage, &history, pair[1])?,
                );
                let bound = (
                    organizations.at(pair[0].index)?,
                    organizations.at(pair[1].index)?,
                );
                let states = StatePair {
                    before: &before,
                    after: &after,
                    organizations: (&bound.0, &bound.1),
                };
                compare_pair(
                    inputs,
                    map,
                    verdicts,
                    (&states, &latest),
                    &neighbours,
                    &mut compared,
                )?;
            }
        }
    }
    compared
        .changes
        .sort_by(|a, b| (b.severity, &a.kind, &a.id).cmp(&(a.severity, &b.kind, &b.id)));
    Ok(compared)
}

fn compare_pair(
    inputs: &WatchInputs<'_>,
    map: &CallMap,
    verdicts: &DetectionResult,
    (states, latest): (&StatePair<'_>, &Loaded),
    neighbours: &KnownAccounts,
    compared: &mut ComparedSnapshots,
) -> Result<()> {
    let (before, after) = (states.before, states.after);
    let (old, new, last) = (parsed(before)?, parsed(after)?, parsed(latest)?);
    let kinds = FactKinds::builtin();
    let versions = (
        SnapshotVersion {
            snapshot: &old,
            side: side_lines(&before.side).collect(),
            documents: &before.documents,
        },
        SnapshotVersion {
            snapshot: &new,
            side: side_lines(&after.side).collect(),
            documents: &after.documents,
        },
    );
    let difference = diff(&kinds, &versions.0, &versions.1);
    let explained = explain(
        map,
        &kinds,
        &difference.changes,
        (&versions.0, &versions.1),
        &verdicts.attribution,
    );
    let grants = difference.changes.iter().any(|c| access::wanted(&c.kind));
    let consequences = if grants || states.is_otherwise_bound() {
        let changed = access::reached(states, Actions::builtin(), neighbours.clone())?;
        compared.paths.extend(changed.paths());
        changed.consequences()
    } else {
        Vec::new()
    };
    let show = |c: &Change| {
        let store = store_option(inputs.global);
        format!(
            "bartizan diff {} {}{store} --fact {}",
            before.name,
            after.name,
            shell(&format!("{} {}", c.kind, c.id))
        )
    };
    let told = tell(
        &difference.changes,
        &explained,
        &verdicts.attribution,
        &consequences,
        &ShowCommands {
            change: &show,
            event: &|id| inputs.show_event(id),
        },
    );
    compared
        .standing
        .extend(standing(&difference.changes, &told, &last));
    compared
        .changes
        .extend(change_summaries(&difference.changes, &explained, &told));
    if let (Some(before), Some(after)) = (before.id, after.id) {
        compared.pairs.push(ExplainedPair {
            account: new.header.account.clone(),
            before,
            after,
            changes: explained_facts(&difference.changes, &explained, &told),
        });
    }
    count(&mut compared.coverage, &difference, &explained, told.folded);
    compared.gives.extend(told.gives);
    compared.findings.extend(told.findings);
    Ok(())
}

/// Who changed each fact, with the caller and the records that its finding names.
fn explained_facts(
    changes: &[Change],
    explained: &Attributions,
    told: &ChangeFindings,
) -> BTreeMap<(String, String, String), ExplainedFact> {
    let findings: BTreeMap<usize, &Finding> = told
        .findings
        .iter()
        .filter_map(|f| told.changes.get(&f.id).map(|n| (*n, f)))
        .collect();
    let fact = |one: &AttributedChange| {
        let change = &changes[one.change];
        let finding = findings.get(&one.change);
        let evidence = finding.map_or(&[][..], |f| f.evidence.as_slice());
        let events = evidence
            .iter()
            .filter(|e| matches!(e, Evidence::Event { .. }));
        let fact = ExplainedFact {
            matched: one.matched,
            origin: one.origin.as_ref().map(|o| o.key.clone()),
            actor: finding.and_then(|f| f.actor.clone()),
            events: events.cloned().collect(),
        };
        let key = (
            change.kind.clone(),
            change.region.clone(),
            change.id.clone(),
        );
        (key, fact)
    };
    explained.changes.iter().map(fact).collect()
}

/// Adds the counts of one comparison to the coverage.
fn count(
    coverage: &mut CoverageReport,
    difference: &SnapshotDiff,
    explained: &Attributions,
    undone_folded: usize,
) {
    let folded = &difference.folded;
    for (sum, n) in coverage.folded.iter_mut().zip([
        folded.volatile,
        folded.derived,
        folded.vendor,
        folded.cosmetic,
    ]) {
        *sum += n;
    }
    coverage.undone_folded += undone_folded;
    if folded.not_comparable > 0 {
        let n = folded.not_comparable;
        coverage.unknown.push(format!(
            "{n} facts hold values that another key hid before: whether those \
            changed cannot be told"
        ));
    }
    coverage.unknown.extend(difference.unknown.iter().map(|u| {
        let ids: Vec<&str> = u.ids.iter().take(3).map(String::as_str).collect();
        let more = if u.ids.len() > 3 { ", …" } else { "" };
        format!(
            "{} {} in {}: {}, {}: {}{more}",
            u.ids.len(),
            u.kind,
            u.region,
            u.unseen_in,
            u.reason,
            ids.join(", ")
        )
    }));
    for one in &explained.changes {
        *coverage
            .attributed
            .entry(matched_word(one.matched).to_owned())
            .or_default() += 1;
    }
}

fn parsed(loaded: &Loaded) -> Result<Snapshot<'_>> {
    Snapshot::parse(&loaded.text).map_err(|e| anyhow::anyhow!("{}: {e}", loaded.name))
}

fn matched_word(matched: Attribution) -> &'static str {
    match matched {
        Attribution::Exact => "exact",
        Attribution::Likely => "likely",
        Attribution::Mismatch => "mismatch",
        Attribution::WithoutCall => "without-call",
        Attribution::Unknown => "unknown",
        Attribution::TooEarly => "too-early",
        Attribution::NoCallExpected => "no-call-expected",
    }
}

/// Changes that have a finding, with who made them.
fn change_summaries(
    changes: &[Change],
    explanations: &Attributions,
    told: &ChangeFindings,
) -> Vec<ChangeSummary> {
    let findings: BTreeMap<usize, &Finding> = told
        .findings
        .iter()
        .filter_map(|f| told.changes.get(&f.id).map(|n| (*n, f)))
        .collect();
    let mut list = Vec::new();
    for explained in &explanations.changes {
        let change = &changes[explained.change];
        let Some(finding) = findings.get(&explained.change) else {
            continue;
        };
        let call = finding.evidence.iter().find_map(|e| match e {
            Evidence::Event { id, time, call, .. } => {
                Some((id.clone(), time.clone(), call.clone()))
            }
            _ => None,
        });
        list.push(ChangeSummary {
            sign: change.verdict.sign(),
            severity: finding.severity,
            kind: change.kind.clone(),
            title: change.title.clone(),
            account: change.account.clone(),
            region: change.region.clone(),
            id: change.id.clone(),
            resource_arn: FactKinds::shared().arn(
                &change.kind,
                &change.account,
                &change.region,
                &change.id,
            ),
            lines: lines_of(change, false)
                .into_iter()
                .take(DIFF_LINES_MAX)
                .collect(),
            access: change.access.as_ref().map(|a| a.verdict.word().to_owned()),
            access_verdict: change.access.as_ref().map(|a| a.verdict),
            gained: change
                .access
                .as_ref()
                .map(|a| a.gained.clone())
                .unwrap_or_default(),
            lost: change
                .access
                .as_ref()
                .map(|a| a.lost.clone())
                .unwrap_or_default(),
            attributed: matched_word(explained.matched).to_owned(),
            by: finding
                .actor
                .as_ref()
                .map(|a| a.origin.clone())
                .unwrap_or_default(),
            call: call.as_ref().map(|c| c.2.clone()),
            event: call.as_ref().map(|c| c.0.clone()),
            time: call.map(|c| c.1),
            because: finding.because.clone(),
            finding: finding.id.clone(),
            show: finding.show.clone(),
        });
    }
    list
}
