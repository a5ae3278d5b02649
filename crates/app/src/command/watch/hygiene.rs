//! Findings of stage hygiene: checks of posture that passed, or had nothing to judge, and now fail,
//! with who did it.
//!
//! Each snapshot is judged once, beside the one before it; what turned is kept in the state as long
//! as the lookback reaches. Who did it is looked up in each run, as the trail may come later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Result;
use bartizan_evidence::LoggedSnapshot;
use bartizan_iam::{Actions, KnownAccounts};
use bartizan_incident::Incident;
use bartizan_incident::attribution::Attribution;
use bartizan_inventory::fact::{FactKinds, Hash};
use bartizan_model::{Confidence, Evidence, Finding, Severity, Stage, Verdict, finding_id};
use bartizan_posture::{
    AccountView, CHECKS, CheckResult, CheckVerdict, Drift, DriftOrigin, DriftedFact, Reason, check,
    facts_of, judge,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::compare::{ExplainedFact, ExplainedPair};
use super::inputs::WatchInputs;
use super::organizations::KeptOrganizations;
use crate::access;
use crate::posture::{DRIFT, KeptDrift, PostureInput, evidence_bucket, grant_of, result_entity};
use crate::render::{check_reasons, store_option};
use crate::store::{Loaded, StoreState, TOOL};

/// Name under which the state keeps a [`JudgedHistory`].
const JUDGED: &str = "posture";

/// Checks whose failures are findings of changes already.
const SHOWN_AS_CHANGES: [&str; 1] = ["DRIFT-01"];

/// Results of the history so far.
#[derive(Default, Serialize, Deserialize)]
struct JudgedHistory {
    /// Hash of the rules: friends, vendors, approved principals, targets, version.
    rules: String,
    accounts: BTreeMap<String, JudgedSnapshots>,
}

/// The snapshots of one account.
#[derive(Default, Serialize, Deserialize)]
struct JudgedSnapshots {
    /// Id of the last one that was judged.
    last: Option<u64>,
    /// Its failures and unknown verdicts: check, region and resource.
    failing: BTreeSet<ResultKey>,
    unknown: BTreeSet<ResultKey>,
    /// Lists that were not read: check, kind and region.
    unread: BTreeSet<ResultKey>,
    /// Results that turned within the lookback, by time.
    turned: Vec<TurnedResult>,
}

type ResultKey = (String, String, String);

/// A result that turned from pass to fail, or appeared failing.
#[derive(Serialize, Deserialize)]
struct TurnedResult {
    /// Id of the snapshot, and when it was taken (RFC 3339).
    after: u64,
    taken: String,
    check: String,
    severity: Severity,
    region: String,
    resource: String,
    /// Account, region and resource, for the id.
    entity: String,
    because: Vec<String>,
    /// Hash of the facts that it is about, and their kinds, regions and ids.
    sha256: Option<String>,
    facts: Vec<ResultKey>,
}

/// Posture as one run of a watch sees it.
pub(super) struct WatchedPosture {
    pub(super) findings: Vec<Finding>,
    /// Entries of the state.
    pub(super) kept: Vec<(&'static str, Vec<u8>)>,
}

impl WatchedPosture {
    /// Puts the findings with the incidents that the calls behind them belong to. They make none
    /// and make none worse.
    pub(super) fn join(&self, incidents: &mut [Incident], others: &[Finding]) {
        let mut by_call: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for finding in others {
            for id in calls(finding) {
                by_call.entry(id).or_default().insert(&finding.id);
            }
        }
        for finding in &self.findings {
            let beside = calls(finding).filter_map(|id| by_call.get(id)).flatten();
            let beside: BTreeSet<&str> = beside.copied().collect();
            let is_of = |i: &&mut Incident| i.findings.iter().any(|f| beside.contains(f.as_str()));
            if let Some(incident) = incidents.iter_mut().find(is_of) {
                incident.findings.push(finding.id.clone());
            }
        }
    }
}

/// Ids of the records that a finding rests on.
fn calls(finding: &Finding) -> impl Iterator<Item = &str> {
    finding
        .evidence
        .iter()
        .filter_map(|evidence| match evidence {
            Evidence::Event { id, .. } => Some(id.as_str()),
            _ => None,
        })
}

/// Judges the snapshots that are new, and reports what turned within the lookback.
pub(super) fn watched_posture(
    inputs: &WatchInputs<'_>,
    state: &StoreState,
    pairs: &[ExplainedPair],
    since: Timestamp,
) -> Result<WatchedPosture> {
    let rules = rules(inputs)?;
    let kept = state.get(JUDGED)?;
    let kept = kept.and_then(|bytes| serde_json::from_slice::<JudgedHistory>(&bytes).ok());
    let mut judged = kept.filter(|k| k.rules == rules).unwrap_or_default();
    judged.rules = rules;
    let drifts: Vec<KeptDrift> = pairs.iter().map(|p| drift_of(inputs, p)).collect();
    let history = Arc::new(inputs.history.clone());
    let accounts: BTreeSet<&str> = history
        .iter()
        .map(|k| k.snapshot.account.as_str())
        .collect();
    let mut work = PostureRun {
        inputs,
        organizations: KeptOrganizations::new(inputs.storage, &history),
        history: &history,
        known: inputs.neighbours()?,
        drifts: &drifts,
    };
    for account in accounts {
        let of_account = judged.accounts.entry(account.to_owned()).or_default();
        work.judge_new(account, of_account, since)?;
        of_account.turned.retain(|t| is_recent(&t.taken, since));
    }
    let findings = judged.accounts.iter().flat_map(|(account, judged)| {
        let finding = |turned| finding(inputs, account, turned, pairs);
        judged.turned.iter().filter_map(finding)
    });
    Ok(WatchedPosture {
        findings: findings.collect(),
        kept: vec![
            (JUDGED, serde_json::to_vec(&judged)?),
            (DRIFT, serde_json::to_vec(&newest_of_each(drifts))?),
        ],
    })
}

fn is_recent(taken: &str, since: Timestamp) -> bool {
    taken.parse::<Timestamp>().is_ok_and(|t| t >= since)
}

/// Hash of all that verdicts depend on beside the snapshots.
fn rules(inputs: &WatchInputs<'_>) -> Result<String> {
    let known = inputs.neighbours()?;
    let text = format!(
        "{TOOL}\n{:?}\n{:?}\n{:?}\n{:?}",
        known.friendly, known.vendors, inputs.config.approved, inputs.config.rebuild
    );
    Ok(Hash::of(text.as_bytes()).to_string())
}

/// Changes of the newest pair of each account.
fn newest_of_each(drifts: Vec<KeptDrift>) -> Vec<KeptDrift> {
    let mut newest: BTreeMap<String, KeptDrift> = BTreeMap::new();
    for drift in drifts {
        let held = newest.get(&drift.account);
        if held.is_none_or(|held| held.after < drift.after) {
            newest.insert(drift.account.clone(), drift);
        }
    }
    newest.into_values().collect()
}

/// Changes between two snapshots as checks see them.
fn drift_of(inputs: &WatchInputs<'_>, pair: &ExplainedPair) -> KeptDrift {
    let drifted = |((kind, region, id), fact): (&ResultKey, &ExplainedFact)| {
        let resource = FactKinds::shared().arn(kind, &pair.account, region, id);
        let origin = match fact.matched {
            // Nobody has to have made it.
            Attribution::NoCallExpected => return None,
            Attribution::WithoutCall => Some(DriftOrigin::NoCall),
            Attribution::Unknown | Attribution::TooEarly => None,
            Attribution::Exact | Attribution::Likely | Attribution::Mismatch => {
                fact.origin.clone().map(|who| origin(inputs, who))
            }
        };
        Some(DriftedFact {
            kind: kind.clone(),
            region: region.clone(),
            id: id.clone(),
            resource: resource.unwrap_or_else(|| id.clone()),
            origin,
        })
    };
    KeptDrift {
        account: pair.account.clone(),
        before: pair.before,
        after: pair.after,
        drift: Drift {
            changes: pair.changes.iter().filter_map(drifted).collect(),
        },
    }
}

/// Whether somebody is approved by the configuration: `arn:aws:iam::*:role/terraform*`.
fn origin(inputs: &WatchInputs<'_>, who: String) -> DriftOrigin {
    let mut approved = inputs.config.approved.iter();
    match approved.any(|p| bartizan_iam::Pattern::text(p).matches(&who)) {
        true => DriftOrigin::Approved,
        false => DriftOrigin::Made(who),
    }
}

/// One run over the history.
struct PostureRun<'a> {
    inputs: &'a WatchInputs<'a>,
    organizations: KeptOrganizations<'a>,
    history: &'a Arc<Vec<LoggedSnapshot>>,
    known: KnownAccounts,
    drifts: &'a [KeptDrift],
}

impl PostureRun<'_> {
    /// Judges the snapshots of an account that came since the last run. The first that is judged is
    /// what the others are compared with.
    fn judge_new(
        &mut self,
        account: &str,
        judged: &mut JudgedSnapshots,
        since: Timestamp,
    ) -> Result<()> {
        let own = |k: &&LoggedSnapshot| k.snapshot.account == account;
        let history = self.history;
        let own: Vec<&LoggedSnapshot> = history.iter().filter(own).collect();
        let recent = own
            .iter()
            .position(|k| is_recent(&k.snapshot.taken.1, since));
        let Some(recent) = recent else { return Ok(()) };
        // After a long silence the state is older than the lookback.
        let known = own.iter().position(|k| Some(k.index) == judged.last);
        let first = match known {
            Some(at) => at + 1,
            None => recent.saturating_sub(1),
        };
        let mut is_first = known.is_none();
        for n in first..own.len() {
            let before = n.checked_sub(1).map(|b| own[b]);
            self.judge_one(own[n], before.filter(|_| !is_first), judged)?;
            is_first = false;
        }
        Ok(())
    }

    fn judge_one(
        &mut self,
        kept: &LoggedSnapshot,
        before: Option<&LoggedSnapshot>,
        judged: &mut JudgedSnapshots,
    ) -> Result<()> {
        let inputs = self.inputs;
        let load = |kept: &LoggedSnapshot| Loaded::kept(inputs.storage, self.history, kept);
        let now = load(kept)?;
        let old = before.map(load).transpose()?;
        let actions = Actions::builtin();
        let account = access::account(&now, &self.organizations.at(kept.index)?, actions)?;
        let old_account = match (&old, before) {
            (Some(old), Some(before)) => {
                let organizations = self.organizations.at(before.index)?;
                Some(access::account(old, &organizations, actions)?)
            }
            _ => None,
        };
        let mut known = self.known.clone();
        known.learn(&account);
        let ids = (before.map(|b| b.index), kept.index);
        let mut drifts = self.drifts.iter();
        let drift = drifts.find(|d| (Some(d.before), d.after) == ids);
        let input = PostureInput {
            now: (&now, &account),
            before: old.as_ref().zip(old_account.as_ref()),
            known: &known,
            bucket: evidence_bucket(inputs.global),
            drift: drift.map(|d| &d.drift),
            rebuild: inputs.config.rebuild.targets(),
        };
        let is_compared = before.is_some();
        input.look_at(|view| judged.take(view, kept, is_compared, inputs))
    }
}

impl JudgedSnapshots {
    /// Takes the results of the next snapshot.
    fn take(
        &mut self,
        view: &AccountView<'_>,
        kept: &LoggedSnapshot,
        is_compared: bool,
        inputs: &WatchInputs<'_>,
    ) {
        let results = judge(view, CHECKS);
        let of = |verdict: CheckVerdict| {
            let those = results.iter().filter(move |r| r.verdict == verdict);
            those.map(key).collect::<BTreeSet<ResultKey>>()
        };
        let failing = results.iter().filter(|r| r.verdict == CheckVerdict::Fail);
        let turned =
            failing.filter(|r| is_compared && self.is_new(view, r) && is_reported(r, inputs));
        let turned: Vec<TurnedResult> = turned
            .map(|result| turned_result(view, result, kept))
            .collect();
        self.turned.extend(turned);
        self.last = Some(kept.index);
        (self.failing, self.unknown) = (of(CheckVerdict::Fail), of(CheckVerdict::Unknown));
        self.unread = unread_lists(&results);
    }

    /// Whether a failure was none before, and not for want of reading.
    fn is_new(&self, view: &AccountView<'_>, result: &CheckResult) -> bool {
        let was_unread = |kind: &str, region: &str| {
            let list = (result.check.to_owned(), kind.to_owned(), region.to_owned());
            self.unread.contains(&list)
        };
        let key = key(result);
        !self.failing.contains(&key)
            && !self.unknown.contains(&key)
            && !facts_of(view, result)
                .iter()
                .any(|f| was_unread(f.kind, f.region) || was_unread(f.kind, "global"))
    }
}

/// Lists that a check goes through and that were not read: check, kind and region.
fn unread_lists(results: &[CheckResult]) -> BTreeSet<ResultKey> {
    let mut lists = BTreeSet::new();
    let of_account = results.iter().filter(|r| r.resource == r.account);
    for result in of_account.filter(|r| r.verdict == CheckVerdict::Unknown) {
        lists.extend(result.because.iter().filter_map(|reason| match reason {
            Reason::Unread(fact) => Some((
                result.check.to_owned(),
                fact.kind.clone(),
                fact.region.to_string(),
            )),
            Reason::Read(_) => None,
        }));
    }
    lists
}

/// Whether a failure becomes a finding: changes are findings already, and who may make credentials
/// is known only where somebody said so.
fn is_reported(result: &CheckResult, inputs: &WatchInputs<'_>) -> bool {
    !SHOWN_AS_CHANGES.contains(&result.check)
        && (result.check != "CRED-05" || !inputs.config.approved.is_empty())
}

fn key(result: &CheckResult) -> ResultKey {
    let (region, resource) = (result.region.clone(), result.resource.clone());
    (result.check.to_owned(), region, resource)
}

fn turned_result(
    view: &AccountView<'_>,
    result: &CheckResult,
    kept: &LoggedSnapshot,
) -> TurnedResult {
    let facts = facts_of(view, result);
    let fact = |f: &&bartizan_posture::FactView<'_>| {
        (f.kind.to_owned(), f.region.to_owned(), f.id.clone())
    };
    TurnedResult {
        after: kept.index,
        taken: kept.snapshot.taken.1.clone(),
        check: result.check.to_owned(),
        severity: result.severity,
        region: result.region.clone(),
        resource: result.resource.clone(),
        entity: result_entity(result),
        because: check_reasons(result),
        sha256: grant_of(view, result).and_then(|grant| grant.sha256),
        facts: facts.iter().map(fact).collect(),
    }
}

/// The finding of a result that turned; none where this version has no such check.
fn finding(
    inputs: &WatchInputs<'_>,
    account: &str,
    turned: &TurnedResult,
    pairs: &[ExplainedPair],
) -> Option<Finding> {
    let check = check(&turned.check)?;
    let pair = pairs
        .iter()
        .find(|p| p.account == account && p.after == turned.after);
    let changed = turned
        .facts
        .iter()
        .filter_map(|fact| pair.and_then(|p| p.changes.get(fact)));
    // A change with a caller says more than one without.
    let by = changed.clone().find(|c| c.actor.is_some());
    let mut evidence = vec![Evidence::Check {
        check: turned.check.clone(),
        resource: turned.resource.clone(),
        region: turned.region.clone(),
        sha256: turned.sha256.clone(),
    }];
    evidence.extend(changed.flat_map(|c| c.events.iter().cloned()));
    let time: Timestamp = turned.taken.parse().ok()?;
    let reasons = turned.because.join("; ");
    let who = by.and_then(|c| c.actor.as_ref()).map(|a| a.name.as_str());
    let who = who.map(|who| format!(", by {who}")).unwrap_or_default();
    let store = store_option(inputs.global);
    Some(Finding {
        id: finding_id(&turned.check, &turned.entity, false, time.as_second()),
        rule: turned.check.clone(),
        title: check.title.to_owned(),
        summary: format!("{} {}: {reasons}{who}", turned.check, turned.resource),
        severity: turned.severity,
        confidence: Confidence::High,
        stage: Stage::Hygiene,
        attack: Vec::new(),
        account: Some(account.to_owned()),
        region: Some(turned.region.clone()),
        first_time: Some(turned.taken.clone()),
        last_time: Some(turned.taken.clone()),
        count: 1,
        refused: 0,
        calls: Vec::new(),
        actor: by.and_then(|c| c.actor.clone()),
        resources: vec![turned.resource.clone()],
        counterparty: Vec::new(),
        evidence,
        verdict: Verdict::Must,
        because: vec![check.why.to_owned()],
        show: format!(
            "bartizan check{store} --on {} --check {}",
            turned.after, turned.check
        ),
    })
}
