//! Everything in an estate that a principal can read, change and become.

use std::collections::BTreeMap;

use super::model::Estate;
use super::question::{AccessQuestion, PrincipalId};
use super::set::ResourceCell;
use crate::account::PrincipalKind;
use crate::actions::{AccessLevel, Actions};
use crate::arn::Arn;
use crate::bits::Bits;
use crate::tri::Tri;

/// Use that a principal can make of resources.
///
/// ```
/// use bartizan_iam::ReachKind;
/// assert!(ReachKind::Become < ReachKind::Read);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReachKind {
    /// Assume a role, or hand it to a service.
    Become,
    /// Change who has access.
    Permit,
    /// Change, create or delete.
    Change,
    /// Read and list.
    Read,
}

/// Resources of one service in one account that a principal can use in one way.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Estate, ReachKind};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///         "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:*:*:orders"}}}]}]}"#,
/// )?;
/// let accounts = [builder.build()];
/// let estate = Estate::new(&accounts);
/// let (rows, whole) = estate.reach(estate.principal("bob").unwrap());
/// assert!(whole);
/// assert_eq!((rows[0].kind, rows[0].service.as_str()), (ReachKind::Change, "sqs"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReachRow {
    /// Account of the resources.
    pub account: String,
    /// What can be done.
    pub kind: ReachKind,
    /// `s3`.
    pub service: String,
    /// How sure it is.
    pub verdict: Tri,
    /// The actions.
    pub actions: Bits,
    /// The resources.
    pub cells: Vec<ResourceCell>,
    /// Conditions that it depends on, as `key Operator value`.
    pub conditions: Vec<String>,
    /// What was not read, as sentences.
    pub unread: Vec<String>,
}

impl Estate<'_, '_> {
    /// Everything that a principal can do in the accounts that were read, by account, kind and
    /// service; and whether all parts were looked at.
    pub fn reach(&self, id: PrincipalId) -> (Vec<ReachRow>, bool) {
        let home = self.accounts[id.account].id.as_str();
        let said = self.ask_set(&AccessQuestion::new(id.into(), "*", "*"));
        type Key = (String, ReachKind, String, Tri, Vec<String>, Vec<String>);
        let mut rows: BTreeMap<Key, (Bits, Vec<ResourceCell>)> = BTreeMap::new();
        for part in said.parts.iter().filter(|p| p.said.verdict != Tri::No) {
            for ((kind, service), actions) in by_kind(self.actions, &part.actions) {
                for cell in &part.cells {
                    let account = account_of(cell, home, self);
                    let key = (
                        account,
                        kind,
                        service.clone(),
                        part.said.verdict,
                        part.said.conditions.clone(),
                        part.said.unread.clone(),
                    );
                    let (all, cells) = rows.entry(key).or_default();
                    *all = all.union(&actions);
                    if !cells.contains(cell) {
                        cells.push(cell.clone());
                    }
                }
            }
        }
        let row = |(key, (actions, cells)): (Key, (Bits, Vec<ResourceCell>))| {
            let (account, kind, service, verdict, conditions, unread) = key;
            ReachRow {
                account,
                kind,
                service,
                verdict,
                actions,
                cells,
                conditions,
                unread,
            }
        };
        let mut rows: Vec<ReachRow> = rows.into_iter().map(row).collect();
        // Its own account first, and the surest first.
        rows.sort_by(|a, b| {
            let place = |r: &ReachRow| (r.account != home, r.account.clone(), r.kind);
            (place(a), b.verdict, &a.service).cmp(&(place(b), a.verdict, &b.service))
        });
        (rows, !said.cut)
    }

    /// Roles among the resources of a row, by ARN.
    pub fn roles_in(&self, row: &ReachRow) -> Vec<&str> {
        let Some(account) = self.account(&row.account) else {
            return Vec::new();
        };
        let roles = account
            .principals
            .iter()
            .filter(|p| p.kind == PrincipalKind::Role);
        let is_in = |arn: &str| row.cells.iter().any(|cell| cell.contains(arn));
        roles
            .map(|p| p.arn.as_str())
            .filter(|arn| is_in(arn))
            .collect()
    }
}

/// Account of a cell's resources.
fn account_of(cell: &ResourceCell, home: &str, estate: &Estate<'_, '_>) -> String {
    if let Some(account) = &cell.account {
        return account.clone();
    }
    let named = cell.within.iter().find_map(|pattern| {
        let text = pattern.to_string();
        let account = Arn::parse(&text)?.account.to_owned();
        (account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit())).then_some(account)
    });
    let bucket = || {
        let names = cell.within.iter().map(ToString::to_string);
        let mut owners = names.filter_map(|arn| {
            let bucket = super::owner::bucket_of(&arn)?.to_owned();
            let owner = estate.accounts.iter().find(|a| a.owns_bucket(&bucket))?;
            Some(owner.id.clone())
        });
        owners.next()
    };
    named.or_else(bucket).unwrap_or_else(|| home.to_owned())
}

/// Actions by what they are for, and by service.
fn by_kind(actions: &Actions, set: &Bits) -> BTreeMap<(ReachKind, String), Bits> {
    let mut kinds: BTreeMap<(ReachKind, String), Bits> = BTreeMap::new();
    for action in actions.known(set) {
        let name = actions.name(action);
        let becomes = name.starts_with("sts:AssumeRole") || name == "iam:PassRole";
        let kind = match actions.level(action) {
            _ if becomes => ReachKind::Become,
            AccessLevel::Permissions => ReachKind::Permit,
            AccessLevel::Read | AccessLevel::List => ReachKind::Read,
            _ => ReachKind::Change,
        };
        let service = actions.service_of(action).to_owned();
        kinds.entry((kind, service)).or_default().insert(action.0);
    }
    kinds
}
