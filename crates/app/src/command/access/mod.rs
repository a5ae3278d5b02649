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
use bartizan_cloud::collect::GLOBAL;
use bartizan_cloud::dump::NOT_IN_DUMP;
use bartizan_cloud::live::distance;
use bartizan_iam::{Account, AccountBuilder, Actions, Arn, Compiled, Controls, Hole, Tri};
use bartizan_inventory::fact::{absent_code, unescape};
use bartizan_inventory::snapshot::{CallStatus, Coverage, Snapshot};

use self::organization::Organization;
use super::Outcome;
use super::diff::inputs;
use crate::cli::{AccessCommand, ActionTable, Global};
use crate::files::read_text;
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
    let Some(file) = &table.iam_data else {
        return Ok(Cow::Borrowed(Actions::builtin()));
    };
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Cow::Owned(
        Actions::unpack(&bytes).with_context(|| file.display().to_string())?,
    ))
}

/// The accounts that `--on` names, or the last ones of the store.
fn accounts<'a>(
    global: &Global,
    on: Option<&str>,
    actions: &'a Actions,
) -> Result<Vec<Account<'a>>> {
    let file = on
        .map(Path::new)
        .filter(|path| path.extension().is_some_and(|e| e == "json") && path.is_file());
    let accounts = match file {
        Some(path) => vec![authorization_details(path, actions)?],
        None => {
            let loaded = inputs(global, on)?;
            let organization = Organization::of(&loaded)?;
            loaded
                .iter()
                .map(|one| account(one, organization.as_ref(), actions))
                .collect::<Result<_>>()?
        }
    };
    for account in &accounts {
        let unread = account.unknown.len();
        if unread > 0 {
            let first = account
                .unknown
                .first()
                .map(String::as_str)
                .unwrap_or_default();
            render::note(
                global,
                &format!(
                    "account {}: {unread} things could not be read, the first: {first}",
                    account.id
                ),
            );
        }
    }
    Ok(accounts)
}

/// Kinds of facts that an answer of `iam:GetAccountAuthorizationDetails` has, and its name.
const DETAILS: &str = "iam:GetAccountAuthorizationDetails";
const DETAILS_KINDS: [&str; 11] = [
    "iam:user",
    "iam:userpolicy",
    "iam:useringroup",
    "iam:group",
    "iam:grouppolicy",
    "iam:role",
    "iam:assumerolepolicy",
    "iam:rolepolicy",
    "iam:policy",
    "iam:managedpolicy",
    "iam:policyversion",
];

/// An answer of `aws iam get-account-authorization-details`.
fn authorization_details<'a>(path: &Path, actions: &'a Actions) -> Result<Account<'a>> {
    #[derive(serde::Deserialize, Default)]
    #[serde(rename_all = "PascalCase", default)]
    struct Page {
        user_detail_list: Option<serde::de::IgnoredAny>,
        group_detail_list: Option<serde::de::IgnoredAny>,
        role_detail_list: Option<serde::de::IgnoredAny>,
        policies: Option<serde::de::IgnoredAny>,
        is_truncated: bool,
        marker: Option<String>,
    }
    let name = path.display();
    let text = read_text(path)?;
    let text = text.as_str();
    let no_account = || {
        format!(
            "{name} is no account: expected an answer of aws iam get-account-authorization-details"
        )
    };
    let page: Page = serde_json::from_str(text).with_context(no_account)?;
    let lists = [
        &page.user_detail_list,
        &page.group_detail_list,
        &page.role_detail_list,
        &page.policies,
    ];
    if lists.iter().all(|list| list.is_none()) {
        let hint = if text.contains("\"Records\"") || text.contains("\"eventName\"") {
            ". CloudTrail is for bartizan detect"
        } else {
            ", with a UserDetailList, GroupDetailList, RoleDetailList or Policies"
        };
        anyhow::bail!("{}{hint}", no_account());
    }
    // The account stands in every ARN of its own; the first one that is no policy of AWS will do.
    let own = text.match_indices("arn:aws").find_map(|(at, _)| {
        let id = text[at..].split(':').nth(4)?;
        (id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit())).then_some(id)
    });
    let own = own.with_context(|| format!("{}: there is no ARN in it", no_account()))?;
    let mut builder = AccountBuilder::of_snapshot(own, actions);
    let cut = page.is_truncated || page.marker.is_some_and(|m| !m.is_empty());
    for kind in DETAILS_KINDS {
        builder.read(kind, GLOBAL);
        if cut {
            let why = "cut: the file is one page of several (IsTruncated)".to_owned();
            let (kind, region, call) = (kind.to_owned(), GLOBAL.to_owned(), DETAILS.to_owned());
            builder.unread(Hole {
                kind,
                region,
                id: String::new(),
                call,
                why,
            });
        }
    }
    builder
        .authorization_details(text)
        .with_context(no_account)?;
    builder.time(jiff::Timestamp::now().as_millisecond() as f64 / 1000.0);
    Ok(builder.build())
}

fn account<'a>(
    loaded: &Loaded,
    organization: Option<&Organization>,
    actions: &'a Actions,
) -> Result<Account<'a>> {
    let snapshot =
        Snapshot::parse(&loaded.text).map_err(|e| anyhow::anyhow!("{}: {e}", loaded.name))?;
    let mut builder = AccountBuilder::of_snapshot(&snapshot.header.account, actions);
    // What was read from a folder says nothing of when.
    let time = match snapshot.header.time_ms.1 {
        0 => jiff::Timestamp::now().as_millisecond(),
        time => time,
    };
    builder.time(time as f64 / 1000.0);
    for row in &snapshot.header.coverage {
        if row.is_region_off() {
            builder.region_off(&row.region);
            continue;
        }
        let whole = row.status == CallStatus::Ok || row.nothing_is_there();
        let (call, why) = cause(&snapshot.header.coverage, row);
        for kind in &row.kinds {
            if whole || !row.unread.is_empty() {
                builder.read(kind, &row.region);
            }
            let ids: &[String] = if row.unread.is_empty() {
                &[String::new()]
            } else {
                &row.unread
            };
            for id in ids.iter().filter(|_| !whole) {
                let (kind, region, id, call, why) = (
                    kind.clone(),
                    row.region.clone(),
                    id.clone(),
                    call.clone(),
                    why.clone(),
                );
                builder.unread(Hole {
                    kind,
                    region,
                    id,
                    call,
                    why,
                });
            }
        }
    }
    for fact in snapshot.facts.iter().filter(|f| wanted(f.kind)) {
        let id = unescape(fact.id);
        let Some(document) = (loaded.documents)(&fact.raw) else {
            builder.unknown(format!("{} {id}: its document is not there", fact.kind));
            let (kind, region, id) = (
                fact.kind.to_owned(),
                fact.region.to_owned(),
                id.into_owned(),
            );
            builder.unread(Hole {
                kind,
                region,
                id,
                call: String::new(),
                why: "its document is not in the store".to_owned(),
            });
            continue;
        };
        if absent_code(&document).is_none() {
            builder.fact(
                fact.kind,
                fact.region,
                &id,
                &String::from_utf8_lossy(&document),
            );
        } else {
            builder.absent(fact.kind, &id);
        }
    }
    let bound = organization.is_some_and(|o| o.bind(&snapshot.header.account, &mut builder));
    if !bound {
        builder.controls(organization::seen_from_within(&snapshot, loaded));
    }
    Ok(builder.build())
}

/// The call that failed first, and how: a call that was never made says which one it waited for.
fn cause(rows: &[Coverage], row: &Coverage) -> (String, String) {
    let mut row = row;
    // Calls follow each other two or three deep.
    for _ in 0..8 {
        let service = row.call.split(':').next().unwrap_or_default();
        let Some((name, _)) = row
            .detail
            .rsplit_once(' ')
            .filter(|_| row.status == CallStatus::NotCalled)
        else {
            break;
        };
        let parent = format!("{service}:{name}");
        match rows
            .iter()
            .find(|r| r.region == row.region && r.call == parent)
        {
            Some(found) => row = found,
            None => break,
        }
    }
    let why = match row.status {
        CallStatus::Cut if row.detail == NOT_IN_DUMP => NOT_IN_DUMP.to_owned(),
        CallStatus::Cut if !row.detail.is_empty() => format!("cut: {}", row.detail),
        status => status.to_string(),
    };
    (row.call.clone(), why)
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

/// The message for a missing principal: it may be on a page that was not read.
fn nobody(account: &Account<'_>, error: String) -> String {
    match account.principals_cut() {
        Some(why) => format!(
            "{error} as far as it was read: the list of users and roles is not whole ({why})"
        ),
        None => error,
    }
}

/// Refuses what is no action, or no resource: every answer about it would be a no.
fn check_question(actions: &Actions, action: &str, resource: &str) -> Result<()> {
    let named = action
        .split_once(':')
        .is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
    anyhow::ensure!(
        named && !action.contains(['*', '?', ' ']),
        "{action:?} is no action: expected one such as s3:GetObject"
    );
    let Some(known) = actions.find(action) else {
        let (all, lower) = (actions.all(), action.to_ascii_lowercase());
        let names = actions.known(&all).map(|a| actions.name(a));
        let near = names
            .map(|name| (distance(&name.to_ascii_lowercase(), &lower), name))
            .min();
        let hint = near
            .filter(|(edits, _)| *edits <= 4)
            .map(|(_, name)| format!(": did you mean {name}?"))
            .unwrap_or_default();
        anyhow::bail!(
            "AWS has no action {action} (list of {}; a newer one with --iam-data){hint}",
            actions.date
        );
    };
    if resource == "*" || Arn::parse(resource).is_some() {
        return Ok(());
    }
    // `arn:${Partition}:s3:::${BucketName}/${ObjectName}` with the name in place of the first
    // variable that is the thing's own.
    let fill = |arn: &str| {
        let (mut text, mut name) = (
            arn.replace("${Partition}", "aws")
                .replace("${Region}", "REGION"),
            Some(resource),
        );
        text = text.replace("${Account}", "ACCOUNT");
        while let Some((before, rest)) = text.split_once("${") {
            let Some((variable, after)) = rest.split_once('}') else {
                break;
            };
            text = format!("{before}{}{after}", name.take().unwrap_or(variable));
        }
        text
    };
    let hint = actions
        .resource_arns(known)
        .min_by_key(|arn| arn.len())
        .map(|arn| format!(", such as {}", fill(arn)))
        .unwrap_or_default();
    anyhow::bail!(
        "{resource:?} is no ARN: {} asks for one{hint}",
        actions.name(known)
    )
}

/// Whether a question is about all that a pattern matches.
fn is_of_many(resource: &str) -> bool {
    resource != "*" && resource.contains(['*', '?'])
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

/// Where a hole is, and why: `kms:ListGrants denied in eu-west-1`.
fn place(hole: &Hole) -> String {
    if hole.region.is_empty() || hole.region == GLOBAL {
        hole.sentence()
    } else {
        format!("{} in {}", hole.sentence(), hole.region)
    }
}

/// The first few of a list.
fn some(list: &[String], most: usize) -> String {
    let more = if list.len() > most {
        format!(" and {} more", list.len() - most)
    } else {
        String::new()
    };
    format!(
        "{}{more}",
        list.iter()
            .take(most)
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    )
}

/// That somebody may be there who was not read.
fn principals_cut(account: &Account<'_>) -> Option<String> {
    let why = account.principals_cut()?;
    Some(format!(
        "the list of users and roles is not whole ({why}): there may be more of them, \
        administrators too"
    ))
}

/// What was taken for granted, for every answer about an account.
fn assumptions(account: &Account<'_>) -> Vec<String> {
    let mut list = vec![format!("actions of {}", account.actions.date)];
    list.extend(principals_cut(account));
    let count = |of: fn(&Compiled) -> usize| {
        account
            .documents
            .iter()
            .map(|d| of(&d.compiled))
            .sum::<usize>()
    };
    let (unlisted, not_understood) = (count(|c| c.actions_unlisted), count(|c| c.not_understood));
    if unlisted > 0 {
        list.push(format!(
            "{unlisted} actions in policies are not among them: decided by their names"
        ));
    }
    if not_understood > 0 {
        list.push(format!(
            "{not_understood} statements are not wholly understood: what they touch is a may"
        ));
    }
    match &account.controls {
        Controls::Read => {}
        Controls::NotAsked => {
            list.push(
                "policies of the organization (SCPs, RCPs) are not in the snapshot: taken \
            as allowing everything"
                    .to_owned(),
            );
        }
        Controls::Unread(why) => {
            list.push(format!(
                "policies of the organization (SCPs, RCPs) were not read ({why}): \
            they may deny more"
            ));
        }
    }
    let mut grants: Vec<String> = account.holes_of("kms:grant").iter().map(place).collect();
    grants.dedup();
    if !grants.is_empty() {
        list.push(format!(
            "grants of KMS keys were not read ({}): they may allow more",
            some(&grants, 3)
        ));
    }
    list.push("session policies and VPC endpoint policies are not looked at".to_owned());
    list
}
