//! Access in two states of an account.

use std::collections::BTreeMap;

use anyhow::Result;
use bartizan_iam::{
    Account, AccountDifference, Actions, Difference, EscalationChange, ExternalAccess,
    KnownAccounts, Organization, account_difference, escalations, reach_difference,
};
use bartizan_incident::attribution::Consequence;
use bartizan_incident::{administrators, consequences, escalation_path, short_arn};

use super::account::account;
use crate::store::Loaded;
use crate::watch_result::{AccessPath, PathVerdict};

/// Two states of an account, and the difference in access between them.
pub(crate) struct AccountChange<'a> {
    pub(crate) old: Account<'a>,
    pub(crate) new: Account<'a>,
    pub(crate) difference: AccountDifference,
}

/// Principals that may do everything in a snapshot or can get there, by ARN.
pub(crate) fn power(
    loaded: &Loaded,
    organizations: &[Organization],
    actions: &Actions,
) -> Result<BTreeMap<String, String>> {
    let account = account(loaded, organizations, actions)?;
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    Ok(administrators(&account, &escalations(&account, threads)))
}

/// Two snapshots of an account, each with the organizations of its time.
pub(crate) struct StatePair<'s> {
    pub(crate) before: &'s Loaded,
    pub(crate) after: &'s Loaded,
    pub(crate) organizations: (&'s [Organization], &'s [Organization]),
}

impl StatePair<'_> {
    /// Accounts that the organizations know, as neighbours.
    pub(crate) fn neighbours(&self) -> KnownAccounts {
        let mut neighbours = KnownAccounts::default();
        let (before, after) = self.organizations;
        for organization in before.iter().chain(after) {
            neighbours.learn_members(organization);
        }
        neighbours
    }

    /// Whether policies of an organization changed, or who is in it.
    pub(crate) fn is_otherwise_bound(&self) -> bool {
        self.organizations.0 != self.organizations.1
    }
}

/// Compares the access of two snapshots.
pub(crate) fn changed<'a>(
    states: &StatePair<'_>,
    actions: &'a Actions,
    neighbours: KnownAccounts,
) -> Result<AccountChange<'a>> {
    compared(states, actions, neighbours, account_difference)
}

/// Compares who reaches everything and who comes in from outside, where other accounts are known.
pub(crate) fn reached<'a>(
    states: &StatePair<'_>,
    actions: &'a Actions,
    neighbours: KnownAccounts,
) -> Result<AccountChange<'a>> {
    compared(states, actions, neighbours, reach_difference)
}

type AccountComparison = fn(&Account<'_>, &Account<'_>, &KnownAccounts, usize) -> AccountDifference;

fn compared<'a>(
    states: &StatePair<'_>,
    actions: &'a Actions,
    mut neighbours: KnownAccounts,
    compare: AccountComparison,
) -> Result<AccountChange<'a>> {
    let (old, new) = (
        account(states.before, states.organizations.0, actions)?,
        account(states.after, states.organizations.1, actions)?,
    );
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    [&old, &new]
        .into_iter()
        .for_each(|account| neighbours.learn(account));
    let difference = compare(&old, &new, &neighbours, threads);
    Ok(AccountChange {
        old,
        new,
        difference,
    })
}

impl AccountChange<'_> {
    /// Whether anybody gained anything.
    pub(crate) fn is_more(&self) -> bool {
        let more = |d: &Difference| !d.gained.is_empty();
        self.difference
            .principals
            .iter()
            .any(|p| more(&p.identity) || p.boundary.as_ref().is_some_and(more))
            || self
                .difference
                .escalations
                .iter()
                .any(|e| e.after > e.before)
            || !self.difference.opened.is_empty()
    }

    /// Consequences for the severity of the changes that brought them.
    pub(crate) fn consequences(&self) -> Vec<Consequence> {
        consequences(&self.new, &self.difference)
    }

    /// New ways to everything, and new ways in from outside.
    pub(crate) fn paths(&self) -> Vec<AccessPath> {
        let path = |change: &EscalationChange| AccessPath {
            from: short_arn(&change.arn).to_owned(),
            to: "everything".to_owned(),
            through: match escalation_path(&self.new, &change.escalation) {
                path if path.is_empty() => "its own policies".to_owned(),
                path => path,
            },
            before: PathVerdict::of(change.before),
            after: PathVerdict::of(change.after),
        };
        let open = |opening: &ExternalAccess| AccessPath {
            from: opening.to.sentence(),
            to: short_arn(&opening.arn).to_owned(),
            through: opening.actions.join(", "),
            before: PathVerdict::No,
            after: PathVerdict::of(opening.verdict),
        };
        let escalations = self.difference.escalations.iter();
        let grown = escalations.filter(|e| e.after > e.before).map(path);
        grown
            .chain(self.difference.opened.iter().map(open))
            .collect()
    }
}
