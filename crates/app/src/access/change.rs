//! Access in two states of an account.

use std::collections::BTreeMap;

use anyhow::Result;
use bartizan_iam::{
    Account, AccountDifference, Actions, Difference, EscalationChange, ExternalAccess,
    KnownAccounts, account_difference, escalations, reach_difference,
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
pub(crate) fn power(loaded: &Loaded, actions: &Actions) -> Result<BTreeMap<String, String>> {
    let account = account(loaded, None, actions)?;
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    Ok(administrators(&account, &escalations(&account, threads)))
}

/// Compares the access of two snapshots.
pub(crate) fn changed<'a>(
    before: &Loaded,
    after: &Loaded,
    actions: &'a Actions,
) -> Result<AccountChange<'a>> {
    compared(
        before,
        after,
        actions,
        KnownAccounts::default(),
        account_difference,
    )
}

/// Compares who reaches everything and who comes in from outside, where other accounts are known.
pub(crate) fn reached<'a>(
    before: &Loaded,
    after: &Loaded,
    actions: &'a Actions,
    neighbours: KnownAccounts,
) -> Result<AccountChange<'a>> {
    compared(before, after, actions, neighbours, reach_difference)
}

type AccountComparison = fn(&Account<'_>, &Account<'_>, &KnownAccounts, usize) -> AccountDifference;

fn compared<'a>(
    before: &Loaded,
    after: &Loaded,
    actions: &'a Actions,
    mut neighbours: KnownAccounts,
    compare: AccountComparison,
) -> Result<AccountChange<'a>> {
    let (old, new) = (
        account(before, None, actions)?,
        account(after, None, actions)?,
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
