//! Whether the trail that is read is what CloudTrail signed: findings of what is not, and the hours
//! that are verified.

use std::collections::BTreeMap;

use anyhow::Result;
use bartizan_detect::attribution::VerifiedHours;
use bartizan_model::limits::{EVIDENCE_MAX, RESOURCES_MAX};
use bartizan_model::{
    Confidence, Evidence, Finding, Severity, Stage, Verdict, finding_id, time_text,
};
use bartizan_trail::digest::{
    CheckReason, TrailCheck, TrailEvidence, TrailFileName, TrailReport, TrailVerdict,
};

use super::inputs::WatchInputs;
use crate::detection::thread_count;
use crate::render::{Bytes, shell, store_option, trail_reason};
use crate::store;
use crate::trail_check::{KeySource, check_trail, read_signatures};

/// Result of verifying the trail.
#[derive(Default)]
pub(super) struct TrailIntegrity {
    pub(super) findings: Vec<Finding>,
    pub(super) verified: VerifiedHours,
    /// What could not be verified, a line each.
    pub(super) holes: Vec<String>,
}

/// Verifies the trail against its digests, where it has any, and remembers the newest in the log.
pub(super) fn integrity(inputs: &WatchInputs<'_>) -> Result<TrailIntegrity> {
    let storage = inputs.storage.as_ref();
    let ledger = store::trail_ledger(storage)?.unwrap_or_default();
    let digests = inputs
        .objects
        .iter()
        .filter(|o| matches!(TrailFileName::parse(&o.name), TrailFileName::Digest { .. }))
        .count();
    if digests == 0 && ledger.heads.is_empty() {
        return Ok(TrailIntegrity::default());
    }
    let trail = &inputs.config.trail;
    let keys = match &trail.keys {
        Some(file) => KeySource::File(file),
        None if inputs.objects.iter().any(|o| o.in_bucket().is_some()) => {
            KeySource::Live(trail.profile.as_deref())
        }
        None => KeySource::Absent,
    };
    let mut evidence = TrailEvidence {
        signatures: ledger.signatures,
        heads: ledger.heads,
        verified: ledger.verified,
        ..TrailEvidence::default()
    };
    if let Some(file) = &trail.signatures {
        evidence.signatures.add_all(&read_signatures(file)?);
    }
    if matches!(keys, KeySource::Absent) && digests > 0 {
        return Ok(TrailIntegrity {
            holes: vec![format!(
                "{digests} digests of the trail, which nobody can verify without public keys: name \
                a file of them (trail.keys)"
            )],
            ..TrailIntegrity::default()
        });
    }
    let bar = Bytes::new(inputs.global, inputs.objects.iter().map(|o| o.bytes).sum());
    let threads = thread_count(inputs.args.threads);
    let checked = check_trail(&inputs.objects, evidence, keys, threads, &|n| bar.add(n));
    bar.clear();
    let checked = checked?;
    let mut holes: Vec<String> = checked
        .keyless
        .iter()
        .map(|(region, why)| format!("no public keys of the trail in {region}: {why}"))
        .collect();
    if let Some((entries, remembered)) = ledger.rolled_back {
        holes.push(format!(
            "the evidence log has {entries} entries, and this machine saw it with {remembered}"
        ));
    } else {
        store::record_trail(
            inputs.global,
            storage,
            &checked.report,
            &checked.signatures,
            inputs.now,
        )?;
    }
    holes.extend(unverified(&checked.report));
    Ok(TrailIntegrity {
        findings: findings(&checked.report, &show(inputs)),
        verified: verified(&checked.report),
        holes,
    })
}

/// Command that shows the lines again.
fn show(inputs: &WatchInputs<'_>) -> String {
    let trail = &inputs.config.trail;
    let mut command = "bartizan verify trail".to_owned();
    for source in &trail.sources {
        command += &format!(" {}", shell(source));
    }
    for (option, file) in [("keys", &trail.keys), ("signatures", &trail.signatures)] {
        if let Some(file) = file {
            command += &format!(" --{option} {}", shell(&file.display().to_string()));
        }
    }
    command + &store_option(inputs.global)
}

/// Files that should have been judged and could not be. Logs of regions without digests, and those
/// of the last hour, are not among them.
fn unverified(report: &TrailReport) -> Option<String> {
    let n = report
        .checks
        .iter()
        .filter(|c| c.kind == TrailVerdict::Unchecked)
        .filter(|c| {
            !matches!(
                c.because,
                CheckReason::NoDigests
                    | CheckReason::TooNew
                    | CheckReason::NotItsName
                    | CheckReason::BeforeOldest { .. }
            )
        })
        .count();
    (n > 0).then(|| format!("{n} files of the trail could not be verified"))
}

fn verified(report: &TrailReport) -> VerifiedHours {
    let mut hours = VerifiedHours::new();
    for place in &report.places {
        hours.entry(place.clone()).or_default();
    }
    for span in &report.spans {
        hours
            .entry((span.account.clone(), span.region.clone()))
            .or_default()
            .push((span.from_s, span.to_s));
    }
    hours
}

/// Lines of one finding: those of an account, a region and a verdict that follow one another.
struct CheckRun<'r> {
    checks: Vec<&'r TrailCheck>,
    span_s: Option<(i64, i64)>,
}

/// Seconds between lines of one finding.
const NEAR_S: i64 = 3600;

fn findings(report: &TrailReport, show: &str) -> Vec<Finding> {
    let mut runs: BTreeMap<(&str, &str, TrailVerdict, bool), Vec<CheckRun<'_>>> = BTreeMap::new();
    for check in &report.checks {
        if !check.is_alarm() && check.kind != TrailVerdict::Gap {
            continue;
        }
        let key = (
            check.account.as_str(),
            check.region.as_str(),
            check.kind,
            check.recorded.is_some(),
        );
        let of_place = runs.entry(key).or_default();
        let span_s = check.first_s.zip(check.last_s);
        match (of_place.last_mut(), span_s) {
            (
                Some(CheckRun {
                    checks,
                    span_s: Some(run),
                }),
                Some(own),
            ) if own.0 <= run.1 + NEAR_S && check.recorded.is_none() => {
                run.1 = run.1.max(own.1);
                checks.push(check);
            }
            _ => of_place.push(CheckRun {
                checks: vec![check],
                span_s,
            }),
        }
    }
    let runs = runs
        .into_iter()
        .flat_map(|((.., kind, _), runs)| runs.into_iter().map(move |run| (kind, run)));
    runs.filter_map(|(kind, run)| finding(kind, &run, show))
        .collect()
}

fn finding(kind: TrailVerdict, run: &CheckRun<'_>, show: &str) -> Option<Finding> {
    let first = run.checks.first()?;
    let n = run.checks.len();
    let place = format!("account {} {}", first.account, first.region);
    let recorded = first.recorded.as_ref();
    let (rule, title, severity, attack) = rule(kind, recorded.is_some())?;
    let times = run.span_s.map_or_else(String::new, |(from, to)| {
        format!(", from {} to {}", time_text(from), time_text(to))
    });
    let files = if n == 1 { "1 file" } else { "files" };
    let count = if n == 1 {
        String::new()
    } else {
        format!("{n} ")
    };
    let summary = match (kind, recorded) {
        (TrailVerdict::Gap, Some(stop)) => format!(
            "no digest of {place}{times}: {} at {} switched the trail off",
            stop.call,
            time_text(stop.time_s)
        ),
        (TrailVerdict::Gap, None) => {
            format!("no digest of {place}{times}, and no call on record explains it")
        }
        _ => format!("{title} in {place}: {count}{files}{times}"),
    };
    let mut evidence: Vec<Evidence> = recorded
        .iter()
        .map(|stop| Evidence::Event {
            id: stop.event_id.clone(),
            time: time_text(stop.time_s),
            call: format!("cloudtrail:{}", stop.call),
            error: None,
        })
        .collect();
    evidence.extend(
        run.checks
            .iter()
            .take(EVIDENCE_MAX)
            .map(|check| Evidence::Coverage {
                place: check.object.clone(),
                what: trail_reason(&check.because),
            }),
    );
    Some(Finding {
        id: finding_id(
            rule,
            &format!(
                "{}\u{1f}{}\u{1f}{}",
                first.account, first.region, first.object
            ),
            false,
            run.span_s.map_or(0, |s| s.0),
        ),
        rule: rule.to_owned(),
        title: title.to_owned(),
        summary,
        severity,
        confidence: Confidence::High,
        stage: Stage::Blind,
        attack: attack.iter().map(|a| (*a).to_owned()).collect(),
        account: Some(first.account.clone()).filter(|a| !a.is_empty()),
        region: Some(first.region.clone()).filter(|r| !r.is_empty()),
        first_time: run.span_s.map(|s| time_text(s.0)),
        last_time: run.span_s.map(|s| time_text(s.1)),
        count: n as u64,
        refused: 0,
        calls: Vec::new(),
        actor: None,
        resources: run
            .checks
            .iter()
            .take(RESOURCES_MAX)
            .map(|c| c.object.clone())
            .collect(),
        counterparty: Vec::new(),
        evidence,
        verdict: Verdict::Must,
        because: vec![
            "what CloudTrail delivered then is not what is there now: what was done is not known"
                .to_owned(),
        ],
        show: show.to_owned(),
    })
}

/// Rule, title, severity and ATT&CK techniques by verdict.
fn rule(
    kind: TrailVerdict,
    is_recorded: bool,
) -> Option<(
    &'static str,
    &'static str,
    Severity,
    &'static [&'static str],
)> {
    Some(match (kind, is_recorded) {
        (TrailVerdict::Tampered, _) => (
            "log-tampered",
            "logs or digests of CloudTrail were changed",
            Severity::Critical,
            &["T1565.001", "T1562.008"],
        ),
        (TrailVerdict::Missing, _) => (
            "log-missing",
            "logs or digests of CloudTrail were deleted",
            Severity::Critical,
            &["T1070", "T1562.008"],
        ),
        (TrailVerdict::Extra, _) => (
            "log-extra",
            "logs that CloudTrail did not write lie beside its own",
            Severity::High,
            &["T1565.001"],
        ),
        (TrailVerdict::Gap, false) => (
            "log-gap",
            "hours that CloudTrail did not sign, without a reason",
            Severity::High,
            &["T1562.008"],
        ),
        (TrailVerdict::Gap, true) => (
            "log-gap-explained",
            "hours that CloudTrail did not sign, after a call on record",
            Severity::Medium,
            &["T1562.008"],
        ),
        (TrailVerdict::Valid | TrailVerdict::Unchecked, _) => return None,
    })
}
