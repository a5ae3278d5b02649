//! One run: the trail is read, the snapshots are compared, and both are joined.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use anyhow::Result;
use bartizan_alert::{WatchedState, alerts_of};
use bartizan_detect::attribution::CallMap;
use bartizan_detect::{DetectionResult, Evaluator};
use bartizan_incident::attribution::name_origins;
use bartizan_incident::{IncidentInput, MergedIncident, incidents};
use bartizan_model::{Finding, Severity};
use jiff::Timestamp;

use super::bill::{REPORTED, WatchedBill, report_bill, reported_before, watched_bill};
use super::compare::{ComparedSnapshots, compare};
use super::credentials::kept_credentials;
use super::hygiene::watched_posture;
use super::inputs::WatchInputs;
use super::integrity::integrity;
use super::judge_cache::JudgeCache;
use super::kept_trail::{KnownObjects, learned_memory, scan_plan, take_all};
use super::queue_losses::QueueLosses;
use super::result::watch_result;
use crate::alerting::routes;
use crate::detection::work_of;
use crate::store::{KeptScans, NewAlerts, RunState, StoreState, silences};
use crate::trail::TrailObject;
use crate::watch_result::{RESULT, WatchResult};

/// Name under which the state keeps the fingerprint of the inputs.
pub(super) const INPUT: &str = "input";

/// Row of the state: name, bytes, whether the object is only in the memory any more.
pub(super) type ObjectRow = (String, Option<u64>, bool);

/// Reads the trail, compares the snapshots, joins both, and keeps the result in the state under the
/// fingerprint of the inputs.
pub(super) fn run(
    inputs: &WatchInputs<'_>,
    state: &mut StoreState,
    scans: &KeptScans,
    fingerprint: &str,
) -> Result<WatchResult> {
    let since = inputs.since();
    let known = state.objects()?;
    let (leaving, reading) = parted(&inputs.objects, since);
    let memory = learned_memory(inputs, state, &leaving, &known, scans)?;
    let plan = scan_plan(inputs, memory.memory)?;
    let mut evaluator = Evaluator::new(&plan);
    take_all(inputs, &plan, &reading, scans, &mut evaluator)?;
    let mut verdicts = evaluator.finish(false, &|id| inputs.show_event(id));
    let leaving = object_rows(&leaving, true, &known);
    let objects: Vec<ObjectRow> = leaving
        .chain(object_rows(&reading, false, &known))
        .collect();
    let mut kept = vec![(INPUT, fingerprint.as_bytes().to_vec())];
    kept.extend(memory.kept);
    let mut cache = JudgeCache::default();
    judge(inputs, state, &mut verdicts, &mut cache, (&objects, kept))
}

/// Rows of objects that the state does not have so. `left`: they are older than the lookback.
pub(super) fn object_rows(
    objects: &[&TrailObject],
    left: bool,
    known: &KnownObjects,
) -> impl Iterator<Item = ObjectRow> {
    let new = move |o: &&&TrailObject| known.get(&o.name) != Some(&(o.bytes, left));
    let rows = objects.iter().filter(new);
    rows.map(move |o| (o.name.clone(), o.bytes, left))
}

/// Objects that are older than the lookback, and those that are read.
pub(super) fn parted(
    objects: &[TrailObject],
    since: Timestamp,
) -> (Vec<&TrailObject>, Vec<&TrailObject>) {
    objects
        .iter()
        .partition(|o| o.delivered().is_some_and(|time| time < since))
}

/// Compares the snapshots, joins them with what the trail says, and keeps the result in the state,
/// with the objects that were read and other entries.
pub(super) fn judge(
    inputs: &WatchInputs<'_>,
    state: &mut StoreState,
    verdicts: &mut DetectionResult,
    cache: &mut JudgeCache,
    (objects, mut kept): (&[ObjectRow], Vec<(&'static str, Vec<u8>)>),
) -> Result<WatchResult> {
    let map = CallMap::builtin();
    let since = inputs.since();
    let integrity = cache.integrity.get(|| integrity(inputs))?;
    verdicts.attribution.verified = integrity.verified.clone();
    let mut compared = compare(inputs, &map, verdicts, since, &mut cache.pairs)?;
    compared.findings.append(&mut verdicts.findings);
    compared.findings.extend(integrity.findings.iter().cloned());
    compared
        .coverage
        .holes
        .extend(integrity.holes.iter().cloned());
    let mut posture = watched_posture(inputs, state, &compared.pairs, since)?;
    mark_accepted(inputs, &mut posture.findings);
    let bill = cache.bill.get(|| watched_bill(inputs, since))?;
    compared
        .findings
        .extend(bill.iter().flat_map(WatchedBill::findings));
    let sensors = cache.sensors.watched(inputs.config, state, since)?;
    compared.findings.extend(sensors.findings());
    let losses = QueueLosses::kept(state)?;
    compared.findings.extend(losses.findings());
    compared.coverage.holes.extend(losses.holes());
    compared.findings.extend(cache.blind.iter().cloned());
    mark_accepted(inputs, &mut compared.findings);
    sort(&mut compared.findings);
    let findings = compared.findings.iter().chain(&posture.findings);
    let accepted: BTreeSet<String> = findings
        .filter(|f| inputs.acceptance(f).is_some())
        .map(|f| f.id.clone())
        .collect();
    compared.coverage.accepted = accepted.len();
    let actors = work_of(&mut verdicts.work, &compared.findings);
    let known_incidents = state.incidents()?;
    let (mut found, merges) = incidents(&IncidentInput {
        findings: &compared.findings,
        map: &map,
        attribution: &verdicts.attribution,
        standing: &compared.standing,
        compared: &compared.taken_s,
        as_of_s: last_read_s(verdicts, &compared),
        gives: &compared.gives,
        work: &actors,
        power: &compared.power,
        accepted: &accepted,
        known: &known_incidents,
        bill: &bill.as_ref().map(WatchedBill::input).unwrap_or_default(),
        sensors: &sensors.input(),
    });
    posture.join(&mut found, &compared.findings);
    compared.findings.append(&mut posture.findings);
    compared.findings.sort_by(worst_first);
    name_origins(&verdicts.attribution, &mut compared.findings);
    let (reported, report) = report_bill(bill.as_ref(), reported_before(state)?, &accepted);
    compared
        .coverage
        .holes
        .extend(bill.iter().flat_map(WatchedBill::holes));
    compared.coverage.holes.extend(sensors.holes);
    kept.push(kept_credentials(inputs, &map, verdicts)?);
    let mut watched = watch_result(inputs, compared, (found, &merges, actors), verdicts)?;
    watched.add_bill(report);
    kept.push((REPORTED, serde_json::to_vec(&reported)?));
    kept.push((RESULT, serde_json::to_vec(&watched)?));
    kept.append(&mut posture.kept);
    keep_result(inputs, state, &watched, &merges, (objects, kept))?;
    Ok(watched)
}

/// Keeps a result and the alerts that it raises, or nothing.
fn keep_result(
    inputs: &WatchInputs<'_>,
    state: &mut StoreState,
    watched: &WatchResult,
    merges: &[MergedIncident],
    (objects, kept): (&[ObjectRow], Vec<(&str, Vec<u8>)>),
) -> Result<()> {
    let since = inputs.since().to_string();
    let before = WatchResult::last(state)?;
    let after = told(watched, &watched.merged, &since);
    let last = before.as_ref().map(|b| told(b, &[], ""));
    let alerts = alerts_of(&last.unwrap_or_default(), &after, inputs.now);
    let routes = routes(&inputs.config.sink)?;
    let silences = silences(inputs.storage.as_ref())?;
    state.keep(RunState {
        findings: &watched.findings,
        since: &since,
        incidents: &watched.incidents,
        merges,
        objects,
        kept,
        alerts: NewAlerts {
            alerts: &alerts,
            first: &|| alerts_of(&WatchedState::default(), &after, inputs.now),
            routes: &routes,
            silences: &silences,
            now: inputs.now,
        },
    })
}

/// A result as alerts are made of it.
fn told<'a>(
    watched: &'a WatchResult,
    merged: &'a [(String, String)],
    since: &'a str,
) -> WatchedState<'a> {
    WatchedState {
        findings: &watched.findings,
        incidents: &watched.incidents,
        merged,
        as_of: &watched.as_of,
        since,
    }
}

/// Time of the last event or snapshot, seconds since 1970.
fn last_read_s(verdicts: &DetectionResult, compared: &ComparedSnapshots) -> i64 {
    let snapshots = compared.taken_s.values().copied();
    let all = verdicts.totals.last_s.into_iter().chain(snapshots);
    all.max().unwrap_or(0)
}

/// Worst first, each once.
fn sort(findings: &mut Vec<Finding>) {
    findings.sort_by(worst_first);
    findings.dedup_by(|a, b| a.id == b.id);
}

fn worst_first(a: &Finding, b: &Finding) -> Ordering {
    (b.severity, &a.first_time, &a.id).cmp(&(a.severity, &b.first_time, &b.id))
}

/// Makes accepted findings informational, with the reason first.
fn mark_accepted(inputs: &WatchInputs<'_>, findings: &mut [Finding]) {
    for finding in findings {
        if let Some(j) = inputs.acceptance(finding) {
            let until = j
                .until
                .as_ref()
                .map(|u| format!(" until {u}"))
                .unwrap_or_default();
            finding.because.insert(
                0,
                format!("accepted{until}: {}; it was {}", j.reason, finding.severity),
            );
            finding.severity = Severity::Info;
        }
    }
}
