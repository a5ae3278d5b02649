//! Numbers of nodes: principals account by account, administrators of accounts, people.

use std::collections::{BTreeSet, HashMap};

use super::model::CrossingNode;
use super::organizations::SeenOrganization;
use crate::account::WorkforceSubject;
use crate::estate::{Estate, PrincipalId};

/// Nodes of an estate.
pub(super) struct Nodes {
    /// First number of each account that was read, and the end.
    offsets: Vec<u32>,
    /// Ids of accounts: those that were read, in order, then others of their organizations.
    pub(super) accounts: Vec<String>,
    by_id: HashMap<String, u32>,
    workforce: Vec<WorkforceSubject>,
}

impl Nodes {
    pub(super) fn new(estate: &Estate<'_, '_>, organizations: &[SeenOrganization]) -> Self {
        let mut offsets = vec![0];
        for account in estate.accounts {
            let end = offsets.last().copied().unwrap_or_default();
            offsets.push(end + account.principals.len() as u32);
        }
        let mut accounts: Vec<String> = estate.accounts.iter().map(|a| a.id.clone()).collect();
        let members: BTreeSet<&String> = organizations.iter().flat_map(|o| &o.members).collect();
        let others = members
            .into_iter()
            .filter(|id| estate.account(id).is_none());
        accounts.extend(others.cloned());
        let assignments = organizations.iter().flat_map(|o| &o.assignments);
        let workforce: BTreeSet<_> = assignments.map(|a| a.subject.clone()).collect();
        Self {
            by_id: (0..)
                .zip(&accounts)
                .map(|(n, id)| (id.clone(), n))
                .collect(),
            offsets,
            accounts,
            workforce: workforce.into_iter().collect(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.principals() as usize + self.accounts.len() + self.workforce.len()
    }

    fn principals(&self) -> u32 {
        self.offsets.last().copied().unwrap_or_default()
    }

    pub(super) fn principal(&self, id: PrincipalId) -> u32 {
        self.offsets[id.account] + id.principal as u32
    }

    /// Administrator of an account, by the number of the account.
    pub(super) fn administrator(&self, account: usize) -> u32 {
        self.principals() + account as u32
    }

    /// Number of an account.
    pub(super) fn account(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).map(|n| *n as usize)
    }

    pub(super) fn subject(&self, subject: &WorkforceSubject) -> Option<u32> {
        let number = self.workforce.binary_search(subject).ok()?;
        Some(self.principals() + (self.accounts.len() + number) as u32)
    }

    /// What a number stands for.
    pub(super) fn kind(&self, node: u32) -> NodeKind {
        if node < self.principals() {
            let account = self.offsets.partition_point(|first| *first <= node) - 1;
            let principal = (node - self.offsets[account]) as usize;
            return NodeKind::Principal(PrincipalId { account, principal });
        }
        let number = (node - self.principals()) as usize;
        if number < self.accounts.len() {
            NodeKind::Administrator(number)
        } else {
            NodeKind::Workforce(number - self.accounts.len())
        }
    }

    pub(super) fn node(&self, node: u32) -> CrossingNode {
        match self.kind(node) {
            NodeKind::Principal(id) => CrossingNode::Principal(id),
            NodeKind::Administrator(n) => CrossingNode::Administrator(self.accounts[n].clone()),
            NodeKind::Workforce(n) => CrossingNode::Workforce(self.workforce[n].clone()),
        }
    }
}

/// Kind of a node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeKind {
    Principal(PrincipalId),
    /// Number of the account.
    Administrator(usize),
    /// Number of the subject.
    Workforce(usize),
}

/// ARN of the role that Organizations makes in an account.
pub(super) fn organization_role(account: &str) -> String {
    format!("arn:aws:iam::{account}:role/OrganizationAccountAccessRole")
}
