//! Organizations, as far as the accounts of an estate show them.

use std::collections::{BTreeMap, BTreeSet};

use super::model::UnreadOfOrganization;
use crate::account::{Account, AccountAssignment, Membership};
use crate::estate::Estate;
use crate::tri::Tri;

/// Organization: its accounts, and the services that reach all of them.
#[derive(Default)]
pub(super) struct SeenOrganization {
    /// `o-exampleorgid`.
    pub(super) id: String,
    /// Account id of the management account; empty where nobody shows it.
    pub(super) management: String,
    /// Ids of its accounts.
    pub(super) members: BTreeSet<String>,
    /// Services with trusted access; none where they were not read.
    pub(super) trusted: Option<BTreeSet<String>>,
    /// Accounts that manage a service, with the service; none where they were not read.
    pub(super) delegated: Option<BTreeSet<(String, String)>>,
    /// Whether Identity Center is in use.
    pub(super) identity_center: Option<bool>,
    /// Names of permission sets, by ARN.
    pub(super) permission_sets: BTreeMap<String, String>,
    /// Permission sets with the policy `AdministratorAccess`.
    pub(super) administrator_sets: BTreeSet<String>,
    pub(super) assignments: Vec<AccountAssignment>,
    /// Whether the list of accounts was read.
    has_accounts: bool,
    /// Whether assignments were read.
    has_assignments: bool,
}

/// Standing of an account in an organization towards a service.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CentralStanding {
    Management,
    Delegated,
}

impl SeenOrganization {
    /// All organizations that accounts of the estate belong to, by id.
    pub(super) fn all(estate: &Estate<'_, '_>) -> Vec<Self> {
        let mut found: BTreeMap<String, Self> = BTreeMap::new();
        for account in estate.accounts {
            let Membership::Member { organization, .. } = &account.membership else {
                continue;
            };
            let seen = found.entry(organization.clone()).or_default();
            seen.id.clone_from(organization);
            seen.enter(account);
        }
        let mut found: Vec<Self> = found.into_values().collect();
        for seen in &mut found {
            seen.assignments.sort();
            seen.assignments.dedup();
        }
        found
    }

    fn enter(&mut self, account: &Account<'_>) {
        let central = &account.central;
        if let Some(management) = &central.management {
            self.management.clone_from(management);
            self.members.insert(management.clone());
        }
        self.members.insert(account.id.clone());
        self.members.extend(account.organization.0.keys().cloned());
        // Only the management account and delegated administrators are shown these.
        let is_shown =
            central.management.as_ref() == Some(&account.id) || !account.organization.0.is_empty();
        let is_read = |kind: &str| is_shown && account.unread_facts_of(kind).is_empty();
        if is_read("organizations:serviceaccess") || !central.trusted_services.is_empty() {
            let trusted = self.trusted.get_or_insert_default();
            trusted.extend(central.trusted_services.iter().cloned());
        }
        if is_read("organizations:delegatedservice") || !central.delegated.is_empty() {
            let delegated = self.delegated.get_or_insert_default();
            delegated.extend(central.delegated.iter().cloned());
        }
        if central.has_identity_center || is_read("sso:instance") {
            let in_use = self.identity_center.get_or_insert(false);
            *in_use |= central.has_identity_center;
        }
        self.permission_sets.extend(central.permission_sets.clone());
        self.administrator_sets
            .extend(central.administrator_sets.iter().cloned());
        self.assignments.extend(central.assignments.iter().cloned());
        self.has_accounts |= !account.organization.0.is_empty() && is_read("organizations:account");
        self.has_assignments |= central.has_identity_center && is_read("sso:accountassignment");
    }

    /// What was not read and has a say between accounts.
    pub(super) fn unread(&self) -> Vec<UnreadOfOrganization> {
        let id = || self.id.clone();
        let mut unread = Vec::new();
        if !self.has_accounts {
            unread.push(UnreadOfOrganization::Accounts(id()));
        }
        if self.delegated.is_none() {
            unread.push(UnreadOfOrganization::Delegation(id()));
        }
        if self.identity_center != Some(false) && !self.has_assignments {
            unread.push(UnreadOfOrganization::Assignments(id()));
        }
        unread
    }

    /// Standing of an account towards a service, if it has one.
    pub(super) fn standing(&self, account: &str, service: &str) -> Option<CentralStanding> {
        if self.management == account {
            return Some(CentralStanding::Management);
        }
        let pair = (account.to_owned(), service.to_owned());
        let is_delegated = self.delegated.as_ref().is_some_and(|d| d.contains(&pair));
        is_delegated.then_some(CentralStanding::Delegated)
    }

    /// Whether a service has trusted access.
    pub(super) fn trusts(&self, service: &str) -> Tri {
        let trusted = self.trusted.as_ref();
        trusted.map_or(Tri::Maybe, |list| Tri::from(list.contains(service)))
    }
}
