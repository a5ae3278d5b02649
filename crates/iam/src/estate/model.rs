//! The accounts of an estate.

use std::collections::{BTreeMap, HashMap};

use super::question::PrincipalId;
use crate::account::{Account, IamPrincipal, Membership};
use crate::actions::Actions;
use crate::engine::{Compiled, Compiler};
use crate::policy::{Policy, parse};
use crate::request::PolicyGrammar;

/// Accounts that are known together: those of a store or a folder.
///
/// ```
/// use bartizan_iam::{
///     AccessQuestion, AccountBuilder, Actions, Estate, RequestCaller, Tri,
/// };
/// let mut caller = AccountBuilder::new("111122223333", Actions::builtin());
/// caller.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///         "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "sqs:SendMessage", "Resource": "*"}}}]}]}"#,
/// )?;
/// let queue = "arn:aws:sqs:us-east-1:444455556666:orders";
/// let mut owner = AccountBuilder::new("444455556666", Actions::builtin());
/// owner.resource("sqs:queuepolicy", queue, r#"{"Version": "2012-10-17", "Statement":
///     {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sqs:SendMessage",
///     "Resource": "*"}}"#);
/// let accounts = [caller.build(), owner.build()];
/// let estate = Estate::new(&accounts);
/// let bob = estate.principal("bob").unwrap();
/// // Both sides allow it.
/// let said = estate.ask(&AccessQuestion::new(bob.into(), "sqs:SendMessage", queue));
/// assert_eq!(said.verdict, Tri::Yes);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub struct Estate<'x, 'a> {
    /// In the order that they were given in.
    pub accounts: &'x [Account<'a>],
    by_id: HashMap<&'x str, usize>,
    pub(super) actions: &'x Actions,
    /// In place of identity policies and of resource policies that were not read: everything.
    pub(super) identity_unread: Compiled,
    pub(super) resource_unread: Compiled,
}

impl<'x, 'a> Estate<'x, 'a> {
    /// Puts accounts together. Of two with one id, the last counts.
    pub fn new(accounts: &'x [Account<'a>]) -> Self {
        let actions: &'x Actions = match accounts.first() {
            Some(account) => account.actions,
            None => Actions::builtin(),
        };
        let everything = |side: PolicyGrammar| {
            let principal = if side == PolicyGrammar::Resource {
                r#""Principal":"*","#
            } else {
                ""
            };
            let text = format!(
                r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow",{principal}
                    "Action":"*","Resource":"*"}}}}"#
            );
            let policy = parse(&text).unwrap_or_else(|_| Policy {
                version: String::new(),
                statements: Vec::new(),
                unknown: BTreeMap::new(),
            });
            Compiler::new(actions).compile(&policy, side)
        };
        Self {
            accounts,
            by_id: accounts
                .iter()
                .enumerate()
                .map(|(n, account)| (account.id.as_str(), n))
                .collect(),
            actions,
            identity_unread: everything(PolicyGrammar::Identity),
            resource_unread: everything(PolicyGrammar::Resource),
        }
    }

    /// An account that was read, by its id.
    pub fn account(&self, id: &str) -> Option<&'x Account<'a>> {
        self.by_id.get(id).map(|n| &self.accounts[*n])
    }

    /// A user or role, by its ARN, or its name where that is enough (`alice`, `role/build`).
    ///
    /// # Errors
    /// When there is none, or several, in whatever accounts.
    pub fn principal(&self, name: &str) -> Result<PrincipalId, String> {
        let of = |(account, read): (usize, &'x Account<'a>)| {
            let found = read.principals_named(name).into_iter();
            found.map(move |principal| PrincipalId { account, principal })
        };
        let found: Vec<PrincipalId> = self.accounts.iter().enumerate().flat_map(of).collect();
        match found.as_slice() {
            [one] => Ok(*one),
            [] => {
                let ids: Vec<&str> = self.accounts.iter().map(|a| a.id.as_str()).collect();
                Err(format!(
                    "there is no user or role {name} in account {}",
                    ids.join(", ")
                ))
            }
            several => {
                let arns: Vec<&str> = several.iter().map(|id| self.arn(*id)).collect();
                Err(format!("{name} is several: {}", arns.join(", ")))
            }
        }
    }

    /// Policy of a VPC endpoint that was read, `vpce-1a2b3c4d`; none inside: it could not be
    /// understood.
    pub fn endpoint(&self, id: &str) -> Option<Option<&'x Compiled>> {
        self.accounts.iter().find_map(|account| {
            let policy = account.endpoints.get(id)?;
            Some(policy.map(|d| &account.documents[d as usize].compiled))
        })
    }

    /// A user or role.
    pub(super) fn of(&self, id: PrincipalId) -> (&'x Account<'a>, &'x IamPrincipal) {
        let account = &self.accounts[id.account];
        (account, &account.principals[id.principal])
    }

    /// ARN of a user or role.
    pub fn arn(&self, id: PrincipalId) -> &'x str {
        &self.of(id).1.arn
    }

    /// Place of an account in an organization, by what was read of it or of the organization.
    pub(super) fn membership(&self, id: &str) -> Membership {
        let own = self.account(id).map(|account| &account.membership);
        if let Some(known @ (Membership::Alone | Membership::Member { .. })) = own {
            return known.clone();
        }
        let listed = self.accounts.iter().find_map(|account| {
            let (members, organization) = &account.organization;
            organization.as_ref().filter(|_| members.contains_key(id))
        });
        listed.map_or(Membership::Unknown, |organization| Membership::Member {
            organization: organization.clone(),
            path: None,
        })
    }
}
