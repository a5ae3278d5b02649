//! Posture of the accounts of snapshots.

use std::collections::BTreeMap;

use anyhow::Result;
use bartizan_evidence::{EvidenceLog, GrantRef, Justification};
use bartizan_iam::{Account, Actions, KnownAccounts};
use bartizan_inventory::snapshot::Snapshot;
use bartizan_model::finding_id;
use bartizan_posture::{
    AccountView, AdvisorResult, CHECKS, Check, CheckResult, CheckVerdict, CredentialTrail,
    Credentials, Drift, RebuildTargets, ViewInput, advisor_results, credentials as inventory,
    facts_of, grant_hash, judge,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::access::{accounts_of, vendors};
use crate::cli::{CheckArgs, Global};
use crate::named_snapshots::{named, with_before};
use crate::rebuild::targets_here;
use crate::store::{self, Loaded, StoreState};

/// Results of one account.
pub(crate) struct JudgedAccount {
    /// Twelve digits.
    pub(crate) account: String,
    /// Milliseconds since 1970.
    pub(crate) time_ms: i64,
    pub(crate) results: Vec<CheckResult>,
    /// Failures that somebody accepted, by the id of the result.
    pub(crate) accepted: BTreeMap<String, Justification>,
    /// Results of Trusted Advisor, where the account has it.
    pub(crate) advisor: Vec<AdvisorResult>,
    /// Results of the snapshot before, where there is one and it was asked for.
    pub(crate) before: Option<Vec<CheckResult>>,
}

/// Judges the last snapshot of each account, or the one that `--on` names.
pub(crate) fn posture(
    global: &Global,
    args: &CheckArgs,
    actions: &Actions,
    checks: &[&'static Check],
) -> Result<Vec<JudgedAccount>> {
    let friends = args.friendly.iter().map(|id| (id.clone(), id.clone()));
    let mut known = KnownAccounts {
        friendly: friends.collect(),
        ..KnownAccounts::default()
    };
    if let Some(file) = &args.vendors {
        known.vendors = vendors(file)?;
    }
    let accepted = acceptances(global)?;
    each_account(global, args.on.as_deref(), actions, known, |view| {
        let results = judge(view, checks.iter().copied());
        let before = view.before().filter(|_| args.new);
        JudgedAccount {
            account: view.id.to_owned(),
            time_ms: view.time_ms,
            accepted: accepted_of(view, &results, &accepted),
            advisor: advisor_results(view),
            results,
            before: before.map(|before| judge(before, checks.iter().copied())),
        }
    })
}

/// A failure, and the hash of what it is about.
pub(crate) struct FailingResult {
    pub(crate) result: CheckResult,
    /// State of the facts, which an acceptance is bound to; none where the check looks at changes.
    pub(crate) grant: Option<GrantRef>,
}

/// Failures of the last snapshot of each account whose id begins so.
pub(crate) fn failing(global: &Global, begin: &str) -> Result<Vec<FailingResult>> {
    let known = KnownAccounts::default();
    let found = each_account(global, None, Actions::builtin(), known, |view| {
        let mut results = judge(view, CHECKS);
        results.retain(|r| r.verdict == CheckVerdict::Fail && result_id(r).starts_with(begin));
        let failing = |result: CheckResult| FailingResult {
            grant: grant_of(view, &result),
            result,
        };
        results.into_iter().map(failing).collect::<Vec<_>>()
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// Stable id of a result: the same in every snapshot.
pub(crate) fn result_id(result: &CheckResult) -> String {
    finding_id(result.check, &result_entity(result), false, 0)
}

/// Account, region and resource of a result.
pub(crate) fn result_entity(result: &CheckResult) -> String {
    [&result.account, &result.region, &result.resource]
        .map(String::as_str)
        .join("\u{1f}")
}

/// The state of the facts that a result is about.
pub(crate) fn grant_of(view: &AccountView<'_>, result: &CheckResult) -> Option<GrantRef> {
    let hash = grant_hash(&facts_of(view, result))?;
    Some(GrantRef {
        account: result.account.clone(),
        region: result.region.clone(),
        fact: result.check.to_owned(),
        id: result.resource.clone(),
        sha256: Some(hash.to_string()),
    })
}

/// Acceptances that have not expired; none where there is no log.
fn acceptances(global: &Global) -> Result<Vec<Justification>> {
    let now = Timestamp::now();
    // What is judged may be no snapshot of a store.
    let Ok(storage) = store::open(global) else {
        return Ok(Vec::new());
    };
    let Ok(log) = EvidenceLog::open(storage.as_ref()) else {
        return Ok(Vec::new());
    };
    let all = bartizan_evidence::justifications(&log)?.into_iter();
    Ok(all.map(|(_, _, j)| j).filter(|j| !j.is_over(now)).collect())
}

/// Failures that somebody accepted, as they are now.
fn accepted_of(
    view: &AccountView<'_>,
    results: &[CheckResult],
    all: &[Justification],
) -> BTreeMap<String, Justification> {
    let mut accepted = BTreeMap::new();
    for j in all {
        let Some(grant) = &j.grant else { continue };
        let is_about = |r: &&CheckResult| {
            (r.check, &r.region, &r.resource) == (grant.fact.as_str(), &grant.region, &grant.id)
                && r.account == grant.account
                && r.verdict == CheckVerdict::Fail
        };
        let about = results.iter().find(is_about);
        let about = about.filter(|r| grant_of(view, r).as_ref() == Some(grant));
        accepted.extend(about.map(|r| (result_id(r), j.clone())));
    }
    accepted
}

/// Changes of an account between two snapshots of the store, as the last watch explained them.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeptDrift {
    pub(crate) account: String,
    /// Ids of the snapshots.
    pub(crate) before: u64,
    pub(crate) after: u64,
    pub(crate) drift: Drift,
}

/// Name under which the state keeps a list of [`KeptDrift`].
pub(crate) const DRIFT: &str = "drift";

/// Name under which the state keeps a list of [`CredentialTrail`].
pub(crate) const TRAIL: &str = "credentials";

/// Credentials as the last watch saw them in the trail; none of what is in no store.
fn kept_trails(global: &Global, on: &[Loaded]) -> Result<Vec<CredentialTrail>> {
    if on.iter().all(|loaded| loaded.id.is_none()) {
        return Ok(Vec::new());
    }
    let Some(state) = StoreState::read(&global.store)? else {
        return Ok(Vec::new());
    };
    let kept = state.get(TRAIL)?;
    Ok(kept.map_or_else(Vec::new, |bytes| {
        serde_json::from_slice(&bytes).unwrap_or_default()
    }))
}

fn kept_drifts(global: &Global) -> Result<Vec<KeptDrift>> {
    let Some(state) = StoreState::read(&global.store)? else {
        return Ok(Vec::new());
    };
    let kept = state.get(DRIFT)?;
    Ok(kept.map_or_else(Vec::new, |bytes| {
        serde_json::from_slice(&bytes).unwrap_or_default()
    }))
}

/// Looks at each account of the snapshots that are named, with the one before it.
fn each_account<R>(
    global: &Global,
    on: Option<&str>,
    actions: &Actions,
    mut known: KnownAccounts,
    mut look: impl FnMut(&AccountView<'_>) -> R,
) -> Result<Vec<R>> {
    let (now, before): (Vec<Loaded>, Vec<Option<Loaded>>) =
        with_before(global, on)?.into_iter().unzip();
    let accounts = accounts_of(&now, actions)?;
    accounts.iter().for_each(|account| known.learn(account));
    let (bucket, rebuild) = (evidence_bucket(global), targets_here()?);
    let drifts = if before.iter().any(Option::is_some) {
        kept_drifts(global)?
    } else {
        Vec::new()
    };
    let mut seen = Vec::new();
    for ((loaded, before), account) in now.iter().zip(&before).zip(&accounts) {
        let old = before.as_ref().map(|before| {
            let accounts = accounts_of(std::slice::from_ref(before), actions)?;
            Ok::<_, anyhow::Error>((before, accounts))
        });
        let old = old.transpose()?;
        let old = old.as_ref().and_then(|(b, a)| Some((*b, a.first()?)));
        let ids = (old.and_then(|(b, _)| b.id), loaded.id);
        let is_of = |d: &&KeptDrift| (Some(d.before), Some(d.after)) == ids;
        let judged = PostureInput {
            now: (loaded, account),
            before: old,
            known: &known,
            bucket,
            drift: drifts.iter().find(is_of).map(|d| &d.drift),
            rebuild,
        };
        seen.push(judged.look_at(&mut look)?);
    }
    Ok(seen)
}

/// Bucket of the store, where it is one.
pub(crate) fn evidence_bucket(global: &Global) -> Option<&str> {
    let rest = global.store.strip_prefix("s3://")?;
    rest.split('/').next()
}

/// A snapshot to judge.
pub(crate) struct PostureInput<'a> {
    pub(crate) now: (&'a Loaded, &'a Account<'a>),
    pub(crate) before: Option<(&'a Loaded, &'a Account<'a>)>,
    pub(crate) known: &'a KnownAccounts,
    /// Bucket of our own evidence.
    pub(crate) bucket: Option<&'a str>,
    /// Who made the changes since the one before.
    pub(crate) drift: Option<&'a Drift>,
    pub(crate) rebuild: RebuildTargets,
}

impl PostureInput<'_> {
    /// Hands the account to a function that judges it.
    pub(crate) fn look_at<R>(&self, look: impl FnOnce(&AccountView<'_>) -> R) -> Result<R> {
        let old = self.before.map(|(loaded, account)| {
            let snapshot = parsed(loaded)?;
            Ok::<_, anyhow::Error>((snapshot, loaded, account))
        });
        let old = old.transpose()?;
        let old_view = old
            .as_ref()
            .map(|(snapshot, loaded, account)| self.view(snapshot, loaded, account));
        let snapshot = parsed(self.now.0)?;
        let mut view = self.view(&snapshot, self.now.0, self.now.1);
        if let Some(before) = &old_view {
            view = view.after(before);
        }
        if let Some(drift) = self.drift {
            view = view.with_drift(drift);
        }
        Ok(look(&view))
    }

    fn view<'v>(
        &'v self,
        snapshot: &'v Snapshot<'v>,
        loaded: &'v Loaded,
        iam: &'v Account<'v>,
    ) -> AccountView<'v> {
        // What was read from a folder says nothing of when.
        let time_ms = match snapshot.header.time_ms.1 {
            0 => jiff::Timestamp::now().as_millisecond(),
            time => time,
        };
        AccountView::new(&ViewInput {
            snapshot,
            side: &loaded.side,
            documents: &*loaded.documents,
            iam,
            known: self.known,
            time_ms,
            evidence_bucket: self.bucket,
            rebuild: self.rebuild,
        })
    }
}

/// Credentials of one account.
pub(crate) struct AccountCredentials {
    /// Twelve digits.
    pub(crate) account: String,
    pub(crate) credentials: Credentials,
    /// End of the trail that shows who made them and which sessions are open (RFC 3339), and how
    /// many sessions it had no room for; none where no trail was watched.
    pub(crate) trail: Option<(String, usize)>,
    /// Those that were left out on request.
    pub(crate) hidden: usize,
}

/// Credentials of the last snapshot of each account, or of the one that is named.
pub(crate) fn credentials(
    global: &Global,
    on: Option<&str>,
    actions: &Actions,
) -> Result<Vec<AccountCredentials>> {
    let loaded = named(global, on)?;
    let accounts = accounts_of(&loaded, actions)?;
    let known = KnownAccounts::default();
    let trails = kept_trails(global, &loaded)?;
    let of = |(loaded, account): (&Loaded, &Account<'_>)| {
        let trail = trails.iter().find(|t| t.account == account.id);
        let input = PostureInput {
            now: (loaded, account),
            before: None,
            known: &known,
            bucket: None,
            drift: None,
            rebuild: RebuildTargets::default(),
        };
        Ok(AccountCredentials {
            account: account.id.clone(),
            credentials: input.look_at(|view| inventory(view, trail))?,
            trail: trail.map(|t| (t.as_of.clone(), t.left_out)),
            hidden: 0,
        })
    };
    loaded.iter().zip(&accounts).map(of).collect()
}

fn parsed(loaded: &Loaded) -> Result<Snapshot<'_>> {
    Snapshot::parse(&loaded.text).map_err(|e| anyhow::anyhow!("{}: {e}", loaded.name))
}
