//! Posture of the accounts of snapshots.

use std::cell::OnceCell;

use anyhow::Result;
use bartizan_iam::{Account, Actions, KnownAccounts};
use bartizan_inventory::snapshot::Snapshot;
use bartizan_posture::{
    AccountView, Check, CheckResult, Credentials, ViewInput, credentials as inventory, judge,
};

use crate::access::{accounts_of, vendors};
use crate::cli::{CheckArgs, Global};
use crate::named_snapshots::{named, with_before};
use crate::store::Loaded;

/// Results of one account.
pub(crate) struct JudgedAccount {
    /// Twelve digits.
    pub(crate) account: String,
    /// Milliseconds since 1970.
    pub(crate) time_ms: i64,
    pub(crate) results: Vec<CheckResult>,
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
    let (now, before): (Vec<Loaded>, Vec<Option<Loaded>>) =
        with_before(global, args.on.as_deref())?.into_iter().unzip();
    let accounts = accounts_of(&now, actions)?;
    let mut known = KnownAccounts::default();
    accounts.iter().for_each(|account| known.learn(account));
    known
        .friendly
        .extend(args.friendly.iter().map(|id| (id.clone(), id.clone())));
    if let Some(file) = &args.vendors {
        known.vendors = vendors(file)?;
    }
    let bucket = global
        .store
        .strip_prefix("s3://")
        .and_then(|rest| rest.split('/').next());
    let mut judged = Vec::new();
    for ((loaded, before), account) in now.iter().zip(&before).zip(&accounts) {
        let old = before.as_ref().map(|before| {
            let accounts = accounts_of(std::slice::from_ref(before), actions)?;
            Ok::<_, anyhow::Error>((before, accounts))
        });
        let old = old.transpose()?;
        let old_snapshot = OnceCell::new();
        let old_view = match old.as_ref().and_then(|(b, a)| Some((b, a.first()?))) {
            Some((before, account)) => {
                let snapshot = old_snapshot.get_or_init(|| parsed(before));
                Some(view(
                    before,
                    snapshot.as_ref().map_err(clone)?,
                    (account, &known),
                    bucket,
                ))
            }
            None => None,
        };
        let snapshot = parsed(loaded)?;
        let view = view(loaded, &snapshot, (account, &known), bucket);
        let view = match &old_view {
            Some(before) => view.after(before),
            None => view,
        };
        judged.push(JudgedAccount {
            account: account.id.clone(),
            time_ms: view.time_ms,
            results: judge(&view, checks.iter().copied()),
            before: old_view
                .as_ref()
                .filter(|_| args.new)
                .map(|before| judge(before, checks.iter().copied())),
        });
    }
    Ok(judged)
}

/// Credentials of one account.
pub(crate) struct AccountCredentials {
    /// Twelve digits.
    pub(crate) account: String,
    pub(crate) credentials: Credentials,
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
    let of = |(loaded, account): (&Loaded, &Account<'_>)| {
        let snapshot = parsed(loaded)?;
        Ok(AccountCredentials {
            account: account.id.clone(),
            credentials: inventory(&view(loaded, &snapshot, (account, &known), None)),
            hidden: 0,
        })
    };
    loaded.iter().zip(&accounts).map(of).collect()
}

fn clone(error: &anyhow::Error) -> anyhow::Error {
    anyhow::anyhow!("{error}")
}

fn parsed(loaded: &Loaded) -> Result<Snapshot<'_>> {
    Snapshot::parse(&loaded.text).map_err(|e| anyhow::anyhow!("{}: {e}", loaded.name))
}

fn view<'a>(
    loaded: &'a Loaded,
    snapshot: &'a Snapshot<'a>,
    (account, known): (&'a Account<'a>, &'a KnownAccounts),
    evidence_bucket: Option<&'a str>,
) -> AccountView<'a> {
    // What was read from a folder says nothing of when.
    let time_ms = match snapshot.header.time_ms.1 {
        0 => jiff::Timestamp::now().as_millisecond(),
        time => time,
    };
    AccountView::new(&ViewInput {
        snapshot,
        side: &loaded.side,
        documents: &*loaded.documents,
        iam: account,
        known,
        time_ms,
        evidence_bucket,
    })
}
