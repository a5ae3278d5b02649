//! External principals, and where a policy stands.

use std::collections::BTreeSet;

use crate::tri::Tri;

/// Principal outside of an account.
///
/// ```
/// use bartizan_iam::ExternalPrincipal;
/// assert!(
///     ExternalPrincipal::Account("999988887777".into(), String::new())
///         .sentence()
///         .contains("999988887777")
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExternalPrincipal {
    /// Anybody, without signing.
    Anybody,
    /// Anybody who has an AWS account.
    AnyAccount,
    /// An organization, by its id.
    Organization(String),
    /// An account, and who in it: an ARN, or the whole account.
    Account(String, String),
    /// An identity provider; whether the statement names the tenant (audience, subject). Otherwise
    /// anybody who has an account there is admitted.
    Federated(String, bool),
    /// A service of AWS (`sns.amazonaws.com`; `*` for each of them), and on whose behalf it acts.
    Service(String, OnBehalfOf),
    /// A principal that was deleted: its unique id is left.
    Deleted(String),
    /// Principal whose account is not known: an unknown unique id, `CanonicalUser …`.
    Unidentified(String),
}

/// Party on whose behalf a service acts.
///
/// ```
/// use bartizan_iam::{ExternalPrincipal, OnBehalfOf};
/// let deputy = ExternalPrincipal::Service(
///     "sns.amazonaws.com".into(),
///     OnBehalfOf::Account("999988887777".into()),
/// );
/// assert_eq!(
///     deputy.sentence(),
///     "sns.amazonaws.com on behalf of account 999988887777"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum OnBehalfOf {
    /// Anybody.
    Anybody,
    /// An account.
    Account(String),
    /// An organization.
    Organization(String),
    /// Whoever owns a resource whose ARN has no account: `arn:aws:s3:::bucket`.
    Owner(String),
}

impl ExternalPrincipal {
    /// Text for people, e.g. `account 999988887777`.
    pub fn sentence(&self) -> String {
        match self {
            Self::Anybody => "anybody".to_owned(),
            Self::AnyAccount => "anybody who has an AWS account".to_owned(),
            Self::Organization(id) => format!("organization {id}"),
            Self::Account(id, who) if who.is_empty() => format!("account {id}"),
            Self::Account(_, who) => who.clone(),
            Self::Federated(provider, true) => provider.clone(),
            Self::Federated(provider, false) => format!("anybody whom {provider} vouches for"),
            Self::Service(service, behalf) => {
                let service = if service == "*" {
                    "an AWS service"
                } else {
                    service
                };
                match behalf {
                    OnBehalfOf::Anybody => format!("{service} on behalf of anybody"),
                    OnBehalfOf::Account(id) => format!("{service} on behalf of account {id}"),
                    OnBehalfOf::Organization(id) => {
                        format!("{service} on behalf of organization {id}")
                    }
                    OnBehalfOf::Owner(arn) => format!("{service} on behalf of the owner of {arn}"),
                }
            }
            Self::Deleted(id) => format!("a deleted principal {id}"),
            Self::Unidentified(id) => format!("{id}, whose account is not known"),
        }
    }
}

/// Subject of a condition that leaves the verdict open.
///
/// ```
/// use bartizan_iam::{ConditionSubject, PolicyLocation, admitted, parse};
/// let policy = parse(
///     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*",
///         "Action": "s3:GetObject", "Resource": "*",
///         "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1a2b"}}}}"#,
/// )?;
/// let found = admitted(&policy, &policy.statements[0], &PolicyLocation::default());
/// assert_eq!(found[0].open, [(0, ConditionSubject::Endpoint)]);
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionSubject {
    /// An address: `aws:SourceIp`.
    Network,
    /// A VPC or an endpoint in one, named by its id; whose it is cannot be told from the id.
    Endpoint,
    /// Something else.
    Other,
}

/// External principal whom a statement admits.
///
/// ```
/// use bartizan_iam::{ExternalPrincipal, PolicyLocation, Tri, admitted, parse};
/// let policy = parse(
///     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*",
///     "Action": "s3:GetObject", "Resource": "*",
///     "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "111122223333"}}}}"#,
/// )?;
/// let found = admitted(
///     &policy,
///     &policy.statements[0],
///     &PolicyLocation {
///         account: "111122223333",
///         ..PolicyLocation::default()
///     },
/// );
/// assert_eq!(
///     (&found[0].to, found[0].verdict),
///     (&ExternalPrincipal::Anybody, Tri::Yes)
/// );
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AdmittedPrincipal {
    /// The principal.
    pub to: ExternalPrincipal,
    /// Yes: every such principal is admitted. Maybe: it depends on `open`, or on an element that is
    /// not understood.
    pub verdict: Tri,
    /// Conditions that leave it open, by their number in the statement.
    pub open: Vec<(usize, ConditionSubject)>,
    /// Conditions that the principal meets by choice (`aws:PrincipalTag/team` is `blue`), by
    /// number.
    pub chosen: Vec<usize>,
}

/// Location of a statement, and what is known of its account.
///
/// ```
/// use bartizan_iam::{PolicyLocation, admitted, parse};
/// let policy = parse(
///     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*",
///     "Action": "kms:Decrypt", "Resource": "*",
///     "Condition": {"StringEquals": {"kms:callerAccount": "111122223333"}}}}"#,
/// )?;
/// let at = |account| {
///     admitted(
///         &policy,
///         &policy.statements[0],
///         &PolicyLocation {
///             account,
///             ..PolicyLocation::default()
///         },
///     )
///     .len()
/// };
/// // Of the own account is nobody from outside.
/// assert_eq!((at("111122223333"), at("999988887777")), (0, 1));
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct PolicyLocation<'a> {
    /// Account that owns the policy: its principals are not external.
    pub account: &'a str,
    /// Its organization, where that is known.
    pub organization: Option<&'a str>,
    /// Whether it is the trust policy of a role: nobody assumes one without signing or a token.
    pub trust: bool,
    /// Seconds since 1970, for conditions on the time. None: every time is looked at.
    pub now_s: Option<f64>,
    /// The buckets of the account, where its list was read.
    pub buckets: Option<&'a BTreeSet<String>>,
    /// Unique ids of its users and roles.
    pub ids: Option<&'a BTreeSet<String>>,
}
