//! `bartizan access`.

mod can;
pub(super) mod diff;
mod escalate;
mod eval;
mod organization;
mod policy_diff;
pub(super) mod public;
mod who_can;

use std::borrow::Cow;
use std::path::Path;

use anyhow::{Context, Result};
use bartizan_core::fact::{absent_code, unescape};
use bartizan_core::snapshot::{Snapshot, Status};
use bartizan_iam::{Account, AccountBuilder, Actions, Compiled, Tri};

use self::organization::Organization;
use super::Outcome;
use super::diff::inputs;
use crate::cli::{AccessCommand, ActionTable, Global};
use crate::render;
use crate::store::Loaded;

pub(super) fn run(global: &Global, command: &AccessCommand) -> Result<Outcome> {
    match command {
        AccessCommand::Can(args) => can::run(global, args),
        AccessCommand::WhoCan(args) => who_can::run(global, args),
        AccessCommand::Escalate(args) => escalate::run(global, args),
        AccessCommand::Public(args) => public::run(global, args),
        AccessCommand::Diff(args) => diff::run(global, args),
        AccessCommand::PolicyDiff(args) => policy_diff::run(global, args),
        AccessCommand::Eval(args) => eval::run(global, args),
    }
}

/// The table of actions: ours, or the one of `--iam-data`.
fn actions(table: &ActionTable) -> Result<Cow<'static, Actions>> {
    let Some(file) = &table.iam_data else { return Ok(Cow::Borrowed(Actions::builtin())) };
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Cow::Owned(Actions::unpack(&bytes).with_context(|| file.display().to_string())?))
}

/// The accounts that `--on` names, or the last ones of the store.
fn accounts<'a>(global: &Global, on: Option<&str>, actions: &'a Actions) -> Result<Vec<Account<'a>>> {
    let file = on.map(Path::new).filter(|path| path.extension().is_some_and(|e| e == "json") && path.is_file());
    let accounts = match file {
        Some(path) => vec![authorization_details(path, actions)?],
        None => {
            let loaded = inputs(global, on)?;
            let organization = Organization::of(&loaded)?;
            loaded.iter().map(|one| account(one, organization.as_ref(), actions)).collect::<Result<_>>()?
        }
    };
    for account in &accounts {
        let unread = account.unknown.len();
        if unread > 0 {
            let first = account.unknown.first().map(String::as_str).unwrap_or_default();
            render::note(global, &format!("account {}: {unread} things could not be read, the first: {first}", account.id));
        }
    }
    Ok(accounts)
}

/// An answer of `aws iam get-account-authorization-details`.
fn authorization_details<'a>(path: &Path, actions: &'a Actions) -> Result<Account<'a>> {
    let name = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    // The account stands in every ARN of its own; the first one that is no policy of AWS will do.
    let own = text.match_indices("arn:aws").find_map(|(at, _)| {
        let id = text[at..].split(':').nth(4)?;
        (id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit())).then_some(id)
    });
    let own =
        own.with_context(|| format!("{name} is not an answer of get-account-authorization-details: there is no ARN in it"))?;
    let mut builder = AccountBuilder::new(own, actions);
    builder
        .authorization_details(&text)
        .with_context(|| format!("{name} is not an answer of get-account-authorization-details"))?;
    builder.time(jiff::Timestamp::now().as_millisecond() as f64 / 1000.0);
    Ok(builder.build())
}

fn account<'a>(loaded: &Loaded, organization: Option<&Organization>, actions: &'a Actions) -> Result<Account<'a>> {
    let snapshot = Snapshot::parse(&loaded.text).map_err(|e| anyhow::anyhow!("{}: {e}", loaded.name))?;
    let mut builder = AccountBuilder::new(&snapshot.header.account, actions);
    // What was read from a folder says nothing of when.
    let time = match snapshot.header.time_ms.1 {
        0 => jiff::Timestamp::now().as_millisecond(),
        time => time,
    };
    builder.time(time as f64 / 1000.0);
    for coverage in &snapshot.header.coverage {
        for kind in &coverage.kinds {
            if coverage.status == Status::Ok { builder.read(kind) } else { builder.unread(kind) }
        }
    }
    for fact in snapshot.facts.iter().filter(|f| wanted(f.kind)) {
        let Some(document) = (loaded.documents)(&fact.raw) else {
            builder.unknown(format!("{} {}: its document is not there", fact.kind, unescape(fact.id)));
            continue;
        };
        if absent_code(&document).is_none() {
            builder.fact(fact.kind, fact.region, &unescape(fact.id), &String::from_utf8_lossy(&document));
        }
    }
    if let Some(organization) = organization {
        organization.bind(&snapshot.header.account, &mut builder);
    }
    Ok(builder.build())
}

/// Kinds of facts that have a say in access: reading the documents of all others would take long.
pub(super) fn wanted(kind: &str) -> bool {
    let named = [
        "iam:",
        "s3:bucket",
        "s3:account",
        "s3:accesspoint",
        "ec2:instance",
        "ec2:launchtemplateversion",
        "ec2:snapshotpermission",
        "ec2:imagepermission",
        "lambda:",
        "kms:grant",
        "organizations:account",
        "organizations:organization",
    ];
    named.iter().any(|prefix| kind.starts_with(prefix)) || kind.ends_with("policy")
}

/// Refuses what is no action: every answer about it would be a no.
fn check_action(action: &str) -> Result<()> {
    let named = action.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
    anyhow::ensure!(named && !action.contains(['*', '?', ' ']), "{action:?} is no action: expected one such as s3:GetObject");
    Ok(())
}

/// An ARN without what is the same for all.
fn short(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}

/// How sure an answer is, as people read it.
fn word(verdict: Tri) -> &'static str {
    match verdict {
        Tri::Yes => "must",
        Tri::Maybe => "may",
        Tri::No => "no",
    }
}

/// What was taken for granted, for every answer about an account.
fn assumptions(account: &Account<'_>) -> Vec<String> {
    let mut list = vec![format!("actions of {}", account.actions.date)];
    let count = |of: fn(&Compiled) -> usize| account.documents.iter().map(|d| of(&d.compiled)).sum::<usize>();
    let (unlisted, not_understood) = (count(|c| c.actions_unlisted), count(|c| c.not_understood));
    if unlisted > 0 {
        list.push(format!("{unlisted} actions in policies are not among them: decided by their names"));
    }
    if not_understood > 0 {
        list.push(format!("{not_understood} statements are not wholly understood: what they touch is a may"));
    }
    if !account.controls_read {
        let what = "policies of the organization (SCPs, RCPs) are not in the snapshot: taken as allowing everything";
        list.push(what.to_owned());
    }
    if account.grants.is_none() {
        list.push("grants of KMS keys were not read: they may allow more".to_owned());
    }
    list.push("session policies and VPC endpoint policies are not looked at".to_owned());
    list
}
