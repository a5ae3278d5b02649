//! Result of the analysis between accounts.

use super::super::model::Rung;
use crate::account::WorkforceSubject;
use crate::estate::PrincipalId;
use crate::tri::Tri;

/// Somebody on a path between accounts.
///
/// ```
/// use bartizan_iam::{CrossingNode, PrincipalId};
/// let role = CrossingNode::Principal(PrincipalId { account: 0, principal: 3 });
/// assert!(role < CrossingNode::Administrator("111122223333".to_owned()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CrossingNode {
    /// A user or role.
    Principal(PrincipalId),
    /// Whoever is administrator of an account, by its id.
    Administrator(String),
    /// A user or group of Identity Center.
    Workforce(WorkforceSubject),
}

/// Means of one step.
///
/// ```
/// use bartizan_iam::CrossingMeans;
/// assert_ne!(CrossingMeans::Trust, CrossingMeans::OrganizationRole);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CrossingMeans {
    /// A technique within one account.
    Technique {
        /// Its id, `iam-007`.
        row: &'static str,
        /// Its rung.
        rung: Rung,
        /// Service, function or group that it goes through.
        through: Option<String>,
    },
    /// An administrator of an account is any user or role of it.
    Takes,
    /// `sts:AssumeRole` of a role that trusts the other account, or somebody there.
    Trust,
    /// A function whose policy lets the other account change its code or settings.
    Function {
        /// Id of the technique, `lambda-003`.
        row: &'static str,
        /// ARN of the function.
        function: String,
    },
    /// `OrganizationAccountAccessRole` of an account that was not read.
    OrganizationRole,
    /// A service that reaches the whole organization.
    OverOrganization {
        /// Id in [`crate::ORGANIZATION_TECHNIQUES`].
        row: &'static str,
        /// Why it is not sure, beside conditions of policies.
        doubt: Option<CrossingDoubt>,
    },
    /// A permission set that is assigned, by its ARN.
    Assignment(String),
}

/// Why a step over an organization is not sure.
///
/// ```
/// use bartizan_iam::CrossingDoubt;
/// assert_ne!(CrossingDoubt::WorkforceUser, CrossingDoubt::Assigned);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CrossingDoubt {
    /// The caller needs a user of Identity Center.
    WorkforceUser,
    /// The caller must be one of those who have the permission set.
    Assigned,
    /// There must be a stack set, and no call reads them.
    StackSet,
    /// Services with trusted access were not read.
    TrustedAccess,
    /// Whether there is an instance of Identity Center was not read.
    IdentityCenter,
    /// The account was not read.
    Account,
}

/// One step of a path between accounts.
///
/// ```
/// use bartizan_iam::{CrossingMeans, CrossingNode, CrossingStep, PrincipalId, Tri};
/// let step = CrossingStep {
///     from: CrossingNode::Administrator("111122223333".to_owned()),
///     means: CrossingMeans::Trust,
///     to: CrossingNode::Principal(PrincipalId { account: 1, principal: 0 }),
///     verdict: Tri::Yes,
/// };
/// assert_eq!(step.verdict, Tri::Yes);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrossingStep {
    /// Who takes it.
    pub from: CrossingNode,
    /// How.
    pub means: CrossingMeans,
    /// Whose access it gives.
    pub to: CrossingNode,
    /// Whether it works for sure, or only if some condition holds.
    pub verdict: Tri,
}

/// Way to administrator of an account that leads through another account.
///
/// ```
/// use bartizan_iam::{Crossing, CrossingNode, Tri};
/// let crossing = Crossing {
///     from: CrossingNode::Administrator("111122223333".to_owned()),
///     to: "444455556666".to_owned(),
///     verdict: Tri::Maybe,
///     steps: Vec::new(),
/// };
/// assert_eq!(crossing.to, "444455556666");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossing {
    /// Who can.
    pub from: CrossingNode,
    /// Account id.
    pub to: String,
    /// Whether every step is sure.
    pub verdict: Tri,
    /// A shortest path; those who are administrators of their account need no step to be so.
    pub steps: Vec<CrossingStep>,
}

/// Something about an organization that was not read and has a say between accounts.
///
/// ```
/// use bartizan_iam::UnreadOfOrganization;
/// let unread = UnreadOfOrganization::Delegation("o-1".to_owned());
/// assert_ne!(unread, UnreadOfOrganization::Accounts("o-1".to_owned()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnreadOfOrganization {
    /// The list of accounts, of the organization with this id.
    Accounts(String),
    /// Which accounts manage a service for the organization.
    Delegation(String),
    /// Permission sets of Identity Center and whom they are assigned to.
    Assignments(String),
}
