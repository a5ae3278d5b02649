//! Principals of other accounts that the policy of a resource may let in: few of all, so that only
//! they are asked about.

use std::collections::BTreeSet;

use crate::account::{Account, DocumentId, UnreadPolicy};
use crate::arn::Arn;
use crate::engine::{CompiledStatement, StatementEffect};
use crate::estate::{Estate, PrincipalId, QuestionCaller};
use crate::policy::{Block, Principal};
use crate::request::{Context, RequestCaller};
use crate::service::{is_everybody, is_reserved_role};
use crate::tri::Tri;

use super::nodes::Nodes;

/// Principals of one account by their documents.
pub(super) struct HolderIndex {
    /// By document.
    holders: Vec<Vec<u32>>,
    /// Those with identity policies that were not read.
    unread: Vec<u32>,
}

impl HolderIndex {
    pub(super) fn new(account: &Account<'_>) -> Self {
        let mut holders = vec![Vec::new(); account.documents.len()];
        let mut unread = Vec::new();
        for (n, principal) in (0..).zip(&account.principals) {
            for document in &principal.policies {
                holders[*document as usize].push(n);
            }
            let is_policy = |u: &UnreadPolicy| !matches!(u, UnreadPolicy::Boundary(_));
            if principal.unread.iter().any(is_policy) {
                unread.push(n);
            }
        }
        Self { holders, unread }
    }

    /// Principals whose own policies may allow an action on a resource.
    pub(super) fn may(&self, account: &Account<'_>, bit: u32, resource: &str) -> BTreeSet<u32> {
        let mut found: BTreeSet<u32> = self.unread.iter().copied().collect();
        let open = Context::open();
        for (document, holders) in account.documents.iter().zip(&self.holders) {
            let may = |s: &CompiledStatement| {
                s.effect != StatementEffect::Deny
                    && s.actions.contains(bit)
                    && s.applies_to(resource, &open) != Tri::No
            };
            if !holders.is_empty() && document.compiled.statements.iter().any(may) {
                found.extend(holders);
            }
        }
        found
    }
}

/// Whom statements of a policy name, of other accounts that were read.
#[derive(Default)]
pub(super) struct LetIn {
    /// Numbers of accounts that are named as a whole.
    accounts: BTreeSet<usize>,
    principals: BTreeSet<PrincipalId>,
    /// Whether conditions tell one principal of an account from another.
    is_about_one: bool,
}

const SERVICE_LINKED: &str = ":role/aws-service-role/";

impl LetIn {
    /// Whom the policy of a resource in an account lets do something, as far as it names them.
    pub(super) fn new(
        estate: &Estate<'_, '_>,
        nodes: &Nodes,
        (home, policy): (usize, DocumentId),
        bit: u32,
    ) -> Self {
        let mut found = Self::default();
        let others = || (0..estate.accounts.len()).filter(|n| *n != home);
        let there = &estate.accounts[home];
        let statements = &there.documents[policy as usize].compiled.statements;
        found.is_about_one =
            is_about_one(statements.iter(), bit) || is_about_one(levels(there, &there.rcp), bit);
        let allows = statements
            .iter()
            .filter(|s| s.effect != StatementEffect::Deny && s.actions.contains(bit));
        for statement in allows {
            let list = match &statement.principal {
                None => continue,
                Some(Block::Not(_)) => {
                    found.accounts.extend(others());
                    continue;
                }
                Some(Block::Is(list)) => list,
            };
            for principal in list {
                let Principal::Of(kind, value) = principal else {
                    found.accounts.extend(others());
                    continue;
                };
                if is_everybody(principal) {
                    found.accounts.extend(others());
                } else if kind == "AWS" {
                    found.name(estate, nodes, home, value);
                }
            }
        }
        found
    }

    fn name(&mut self, estate: &Estate<'_, '_>, nodes: &Nodes, home: usize, value: &str) {
        let arn = Arn::parse(value);
        let id = arn.map_or(value, |arn| arn.account);
        let account = nodes.account(id).filter(|n| *n < estate.accounts.len());
        let Some(account) = account.filter(|n| *n != home) else {
            return;
        };
        let named = arn.map_or("root", |arn| arn.resource);
        if named == "root" {
            self.accounts.insert(account);
            return;
        }
        // A session stands for its role, whose path it does not have.
        let role = named.strip_prefix("assumed-role/");
        let role = role.and_then(|rest| rest.split('/').next());
        let principals = estate.accounts[account].principals.iter().enumerate();
        let is = |name: &str, arn: &str| match role {
            Some(role) => name == role && arn.contains(":role/"),
            None => arn == value,
        };
        let found = principals.filter(|(_, p)| is(&p.name, &p.arn));
        self.principals
            .extend(found.map(|(principal, _)| PrincipalId { account, principal }));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.principals.is_empty()
    }

    /// Callers to ask about, with their nodes: those whose own side may allow the action, and for
    /// administrators whoever they give everything to.
    pub(super) fn callers(
        &self,
        estate: &Estate<'_, '_>,
        nodes: &Nodes,
        indexes: &[HolderIndex],
        (bit, resource): (u32, &str),
    ) -> (Vec<u32>, Vec<(QuestionCaller, bool)>) {
        // Nobody is a service-linked role but its service.
        let is_of_service = |id: &PrincipalId| estate.arn(*id).contains(SERVICE_LINKED);
        let mut asked = self.principals.clone();
        for &account in &self.accounts {
            let may = indexes[account].may(&estate.accounts[account], bit, resource);
            asked.extend(may.into_iter().map(|n| PrincipalId {
                account,
                principal: n as usize,
            }));
        }
        asked.retain(|id| !is_of_service(id));
        let mut from: Vec<u32> = asked.iter().map(|id| nodes.principal(*id)).collect();
        let own = asked.into_iter().map(|id| (id.into(), false));
        let mut callers: Vec<(QuestionCaller, bool)> = own.collect();
        for &account in &self.accounts {
            from.push(nodes.administrator(account));
            callers.push((whoever_is_made(&estate.accounts[account].id), true));
        }
        let mut granted = self.principals.clone();
        for &account in &self.accounts {
            let read = &estate.accounts[account];
            if self.is_about_one || is_about_one(levels(read, &read.scp), bit) {
                let all = 0..read.principals.len();
                granted.extend(all.map(|principal| PrincipalId { account, principal }));
            }
        }
        for id in granted {
            if !is_reserved_role(estate.arn(id)) {
                from.push(nodes.administrator(id.account));
                callers.push((id.into(), true));
            }
        }
        (from, callers)
    }
}

/// Statements of the policies of an organization that bind an account.
fn levels<'s>(
    account: &'s Account<'_>,
    levels: &'s [Vec<DocumentId>],
) -> impl Iterator<Item = &'s CompiledStatement> {
    let documents = levels.iter().flatten();
    documents.flat_map(|d| &account.documents[*d as usize].compiled.statements)
}

/// Whether statements tell one principal of an account from another by conditions, so that whoever
/// an administrator makes may be refused where somebody who is there is not.
fn is_about_one<'s>(mut statements: impl Iterator<Item = &'s CompiledStatement>, bit: u32) -> bool {
    let is_of_one = |key: &str| {
        let of_all = [
            "aws:principalaccount",
            "aws:principalorgid",
            "aws:principalorgpaths",
        ];
        let prefixes = ["aws:principal", "aws:userid", "aws:username"];
        prefixes.iter().any(|prefix| key.starts_with(prefix)) && !of_all.contains(&key)
    };
    statements.any(|statement| {
        let mut keys = statement.conditions.iter().flat_map(|c| c.keys());
        statement.actions.contains(bit) && (statement.has_templates() || keys.any(is_of_one))
    })
}

/// Anybody whom an administrator of an account makes.
pub(super) fn whoever_is_made(account: &str) -> QuestionCaller {
    RequestCaller::Aws(format!("arn:aws:iam::{account}:root")).into()
}
