//! One run: the trail is read, the snapshots are compared, and both are joined.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use bartizan_alert::{WatchedState, alerts_of};
use bartizan_detect::attribution::CallMap;
use bartizan_detect::{DetectionResult, Evaluator, FirstSeenMemory, Rules, ScanPlan};
use bartizan_incident::attribution::name_origins;
use bartizan_incident::{IncidentInput, incidents};
use bartizan_model::{Finding, Severity};

use super::bill::{REPORTED, WatchedBill, report_bill, reported_before, watched_bill};
use super::compare::{ComparedSnapshots, compare};
use super::credentials::kept_credentials;
use super::hygiene::watched_posture;
use super::inputs::WatchInputs;
use super::integrity::integrity;
use super::result::watch_result;
use crate::alerting::routes;
use crate::detection::{MEMORY, networks, remembered, rule_files, scan, thread_count, work_of};
use crate::render::Bytes;
use crate::store::{NewAlerts, RunState, StoreState, silences};
use crate::trail::TrailObject;
use crate::watch_result::{RESULT, WatchResult};

/// Name under which the state keeps the fingerprint of the inputs.
pub(super) const INPUT: &str = "input";

/// Name under which the state keeps the first-seen memory of objects before the lookback.
const FIRST_SEEN: &str = "memory";

/// Reads the trail, compares the snapshots, joins both, and keeps the result in the state under the
/// fingerprint of the inputs.
pub(super) fn run(
    inputs: &WatchInputs<'_>,
    state: &mut StoreState,
    fingerprint: &str,
) -> Result<WatchResult> {
    let since = inputs.since();
    let known = state.objects()?;
    let old = |o: &TrailObject| o.delivered().is_some_and(|time| time < since);
    let (leaving, reading): (Vec<&TrailObject>, Vec<&TrailObject>) =
        inputs.objects.iter().partition(|o| old(o));
    let memory = memory(inputs, state, &leaving, &known)?;
    let learned = memory.as_ref().map(FirstSeenMemory::to_bytes);
    let memory = memory.unwrap_or_default();
    let map = CallMap::builtin();
    let plan = scan_plan(inputs, memory)?;
    let mut verdicts = read(inputs, &plan, &reading, false);
    let integrity = integrity(inputs)?;
    verdicts.attribution.verified = integrity.verified;
    let mut compared = compare(inputs, &map, &verdicts, since)?;
    compared.findings.append(&mut verdicts.findings);
    compared.findings.extend(integrity.findings);
    compared.coverage.holes.extend(integrity.holes);
    let mut posture = watched_posture(inputs, state, &compared.pairs, since)?;
    mark_accepted(inputs, &mut posture.findings);
    let bill = watched_bill(inputs, since)?;
    compared
        .findings
        .extend(bill.iter().flat_map(WatchedBill::findings));
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
        as_of_s: last_read_s(&verdicts, &compared),
        gives: &compared.gives,
        work: &actors,
        power: &compared.power,
        accepted: &accepted,
        known: &known_incidents,
        bill: &bill.as_ref().map(WatchedBill::input).unwrap_or_default(),
    });
    posture.join(&mut found, &compared.findings);
    compared.findings.append(&mut posture.findings);
    compared.findings.sort_by(worst_first);
    name_origins(&verdicts.attribution, &mut compared.findings);
    let objects = inputs.objects.iter();
    let read: Vec<(String, Option<u64>, bool)> = objects
        .map(|o| (o.name.clone(), o.bytes, old(o)))
        .filter(|(name, bytes, l)| known.get(name) != Some(&(*bytes, *l)))
        .collect();
    let credentials = kept_credentials(inputs, &map, &verdicts)?;
    let (reported, report) = report_bill(bill.as_ref(), reported_before(state)?, &accepted);
    compared
        .coverage
        .holes
        .extend(bill.iter().flat_map(WatchedBill::holes));
    let mut watched = watch_result(inputs, compared, (found, &merges, actors), &verdicts)?;
    watched.add_bill(report);
    let mut kept = vec![
        (REPORTED, serde_json::to_vec(&reported)?),
        (RESULT, serde_json::to_vec(&watched)?),
        (INPUT, fingerprint.as_bytes().to_vec()),
    ];
    kept.append(&mut posture.kept);
    kept.push(credentials);
    kept.extend(learned.map(|bytes| (FIRST_SEEN, bytes)));
    let before = WatchResult::last(state)?;
    let since_text = since.to_string();
    let after = told(&watched, &watched.merged, &since_text);
    let last = before.as_ref().map(|b| told(b, &[], ""));
    let alerts = alerts_of(&last.unwrap_or_default(), &after, inputs.now);
    let routes = routes(&inputs.config.sink)?;
    let silences = silences(inputs.storage.as_ref())?;
    state.keep(RunState {
        findings: &watched.findings,
        since: &since.to_string(),
        incidents: &watched.incidents,
        merges: &merges,
        objects: &read,
        kept,
        alerts: NewAlerts {
            alerts: &alerts,
            first: &|| alerts_of(&WatchedState::default(), &after, inputs.now),
            routes: &routes,
            silences: &silences,
            now: inputs.now,
        },
    })?;
    Ok(watched)
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

fn scan_plan(inputs: &WatchInputs<'_>, memory: FirstSeenMemory) -> Result<ScanPlan> {
    Ok(ScanPlan {
        rules: Rules::load(&rule_files(
            &inputs.config.rules.paths,
            inputs.config.rules.builtin,
        )?),
        networks: networks(
            &inputs.config.networks.geo,
            inputs.config.networks.ip_ranges.as_deref(),
        )?,
        memory,
        tally: false,
        calls: Some(CallMap::builtin()),
    })
}

fn read(
    inputs: &WatchInputs<'_>,
    plan: &ScanPlan,
    objects: &[&TrailObject],
    learn: bool,
) -> DetectionResult {
    let mut judge = Evaluator::new(plan);
    let bar = Bytes::new(inputs.global, objects.iter().map(|o| o.bytes).sum());
    let threads = thread_count(inputs.args.threads);
    scan(objects, (plan, threads), |bytes| bar.add(bytes), &mut judge);
    bar.clear();
    judge.finish(learn, &|id| inputs.show_event(id))
}

/// First-seen memory of objects before the lookback. Objects that just left it are learned.
fn memory(
    inputs: &WatchInputs<'_>,
    state: &StoreState,
    leaving: &[&TrailObject],
    known: &BTreeMap<String, (Option<u64>, bool)>,
) -> Result<Option<FirstSeenMemory>> {
    let kept = state.get(FIRST_SEEN)?;
    let to_learn: Vec<&TrailObject> = leaving
        .iter()
        .copied()
        .filter(|o| !known.get(&o.name).is_some_and(|(_, learned)| *learned))
        .collect();
    let memory = match kept {
        Some(bytes) => Some(
            FirstSeenMemory::from_bytes(&bytes)
                .map_err(anyhow::Error::msg)
                .context("the memory in the state cannot be read")?,
        ),
        // `detect --learn` may have taught something before.
        None => inputs
            .storage
            .read(MEMORY)
            .ok()
            .map(|_| remembered(inputs.storage.as_ref()))
            .transpose()?,
    };
    if to_learn.is_empty() {
        return Ok(memory);
    }
    let memory = match memory {
        Some(memory) => memory,
        None => remembered(inputs.storage.as_ref())?,
    };
    let plan = ScanPlan {
        calls: None,
        ..scan_plan(inputs, memory)?
    };
    Ok(Some(read(inputs, &plan, &to_learn, true).memory))
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
