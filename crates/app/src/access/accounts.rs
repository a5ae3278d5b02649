//! The accounts that a question about access is asked of.

use std::borrow::Cow;
use std::path::Path;

use anyhow::{Context, Result};
use bartizan_cloud::collect::GLOBAL;
use bartizan_iam::{Account, AccountBuilder, Actions, UnreadFact, UnreadReason};

use super::account::account;
use super::organization::organizations;
use crate::cli::{ActionTable, Global};
use crate::files::read_text;
use crate::named_snapshots::named;
use crate::store::Loaded;

/// The table of actions: ours, or the one of `--iam-data`.
pub(crate) fn actions(table: &ActionTable) -> Result<Cow<'static, Actions>> {
    let Some(file) = &table.iam_data else {
        return Ok(Cow::Borrowed(Actions::builtin()));
    };
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Cow::Owned(
        Actions::unpack(&bytes).with_context(|| file.display().to_string())?,
    ))
}

/// The accounts that `--on` names, or the last ones of the store.
pub(crate) fn accounts<'a>(
    global: &Global,
    on: Option<&str>,
    actions: &'a Actions,
) -> Result<Vec<Account<'a>>> {
    let file = on
        .map(Path::new)
        .filter(|path| path.extension().is_some_and(|e| e == "json") && path.is_file());
    Ok(match file {
        Some(path) => vec![authorization_details(path, actions)?],
        None => accounts_of(&named(global, on)?, actions)?,
    })
}

/// The accounts of snapshots, each bound by its own organization as far as one of them has seen it.
pub(crate) fn accounts_of<'a>(loaded: &[Loaded], actions: &'a Actions) -> Result<Vec<Account<'a>>> {
    let organizations = organizations(loaded)?;
    let account = |one| account(one, &organizations, actions);
    loaded.iter().map(account).collect()
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
            let page = "the file is one page of several (IsTruncated)".to_owned();
            let (kind, region, call) = (kind.to_owned(), GLOBAL.to_owned(), DETAILS.to_owned());
            builder.unread(UnreadFact {
                kind,
                region,
                id: String::new(),
                call,
                why: UnreadReason::Cut(page),
            });
        }
    }
    builder
        .authorization_details(text)
        .with_context(no_account)?;
    builder.time(jiff::Timestamp::now().as_millisecond() as f64 / 1000.0);
    Ok(builder.build())
}
