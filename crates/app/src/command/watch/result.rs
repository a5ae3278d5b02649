//! The result of a run, put together.

use std::collections::BTreeSet;

use anyhow::Result;
use bartizan_detect::DetectionResult;
use bartizan_detect::work::ActorWork;
use bartizan_evidence::{EvidenceLog, Storage};
use bartizan_incident::{Incident, MergedIncident};
use bartizan_model::time_text;

use super::compare::ComparedSnapshots;
use super::inputs::WatchInputs;
use crate::render::holes;
use crate::watch_result::{CoverageReport, EvidenceSummary, WatchResult};

/// Puts the result together from its parts.
pub(super) fn watch_result(
    inputs: &WatchInputs<'_>,
    compared: ComparedSnapshots,
    (incidents, merges, actors): (Vec<Incident>, &[MergedIncident], Vec<ActorWork>),
    verdicts: &DetectionResult,
) -> Result<WatchResult> {
    let coverage = coverage(inputs, compared.coverage, verdicts);
    let newest = inputs
        .history
        .iter()
        .map(|k| k.snapshot.taken.1.clone())
        .chain(coverage.last_event.clone())
        .max();
    Ok(WatchResult {
        new: true,
        as_of: newest.unwrap_or_default(),
        snapshot: compared.snapshot,
        changes: compared.changes,
        findings: compared.findings,
        incidents,
        actors,
        merged: merges
            .iter()
            .map(|m| (m.from.clone(), m.into.clone()))
            .collect(),
        paths: compared.paths,
        bill: None,
        coverage,
        evidence: evidence(inputs.storage.as_ref()),
    })
}

/// Adds what of the trail and of the accounts was not seen.
fn coverage(
    inputs: &WatchInputs<'_>,
    mut coverage: CoverageReport,
    verdicts: &DetectionResult,
) -> CoverageReport {
    let totals = &verdicts.totals;
    if verdicts.work.dropped + verdicts.work.acts_dropped > 0 {
        let (events, acts) = (verdicts.work.dropped, verdicts.work.acts_dropped);
        coverage.holes.push(format!(
            "{events} events and {acts} things made that what actors did has no room for"
        ));
    }
    coverage.events = totals.events;
    coverage.objects = totals.objects;
    (coverage.first_event, coverage.last_event) =
        (totals.first_s.map(time_text), totals.last_s.map(time_text));
    coverage.holes.extend(holes(totals));
    if verdicts.attribution.dropped > 0 {
        coverage.holes.push(format!(
            "{} calls, credentials or addresses that the join had no room for",
            verdicts.attribution.dropped
        ));
    }
    if inputs.history.is_empty() {
        coverage
            .holes
            .push("no snapshot: what changed is not known".to_owned());
    }
    let accounts: BTreeSet<&str> = inputs
        .history
        .iter()
        .map(|k| k.snapshot.account.as_str())
        .collect();
    for account in accounts {
        if inputs
            .history
            .iter()
            .filter(|k| k.snapshot.account == account)
            .count()
            == 1
        {
            coverage.holes.push(format!(
                "account {account} has one snapshot only: what changed is not known yet"
            ));
        }
    }
    if inputs.objects.is_empty() {
        coverage
            .holes
            .push("no trail: who did it is not known".to_owned());
    }
    coverage
}

/// Where the log is, and its signed head.
fn evidence(storage: &dyn Storage) -> EvidenceSummary {
    match EvidenceLog::open(storage) {
        Ok(log) => EvidenceSummary {
            store: storage.place(),
            log_size: log.size(),
            head: String::from_utf8_lossy(log.head())
                .lines()
                .nth(2)
                .unwrap_or_default()
                .to_owned(),
            key: log.public().to_owned(),
        },
        Err(_) => EvidenceSummary {
            store: storage.place(),
            ..EvidenceSummary::default()
        },
    }
}
