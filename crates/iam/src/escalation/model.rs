//! Result of the analysis: rungs, steps, escalations.

use std::collections::BTreeMap;

use crate::tri::Tri;

/// Rung of the ladder of implicit `*`: how directly a principal has everything.
///
/// ```
/// use bartizan_iam::Rung;
/// // The ladder of the implicit `*`: C is who can grant it to itself.
/// assert_eq!(Rung::C.letter(), 'C');
/// assert!(Rung::A < Rung::C);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rung {
    /// It says so.
    A,
    /// Everything but a few actions, and those that grant are left.
    B,
    /// It can grant itself the rest.
    C,
    /// It can take credentials of somebody who has it.
    D,
    /// It can run something with a role that has it.
    E,
    /// It can become a role that has it.
    F,
    /// It can remove what keeps it from it.
    G,
}

impl Rung {
    /// Its letter.
    pub fn letter(self) -> char {
        char::from(b'A' + self as u8)
    }

    /// Meaning of the rung, e.g. `can grant itself everything`.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::A => "may do everything",
            Self::B => "may do everything but a few things, and what is left can grant the rest",
            Self::C => "can grant itself everything",
            Self::D => "can take the credentials of somebody who may do everything",
            Self::E => "can run code with a role that may do everything",
            Self::F => "can become a role that may do everything",
            Self::G => "can remove the guard rail that keeps it from everything",
        }
    }
}

/// One step of a path.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Rung, Tri, escalations};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///         "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "iam:PutUserPolicy", "Resource": "*"}}}]}]}"#,
/// )?;
/// let account = builder.build();
/// let found = escalations(&account, 1);
/// let step = &found.found[0].steps[0];
/// assert_eq!((step.row, step.rung, step.verdict), ("iam-007", Rung::C, Tri::Yes));
/// // It leads to everything, through nobody else.
/// assert_eq!(step.to, None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EscalationStep {
    /// Id of the technique, e.g. `iam-007`.
    pub row: &'static str,
    /// Its rung.
    pub rung: Rung,
    /// Number of the principal whose access this gives; none when it gives everything at once.
    pub to: Option<u32>,
    /// Service, function or group that the step goes through.
    pub through: Option<String>,
    /// Whether it works for sure, or only if some condition holds.
    pub verdict: Tri,
}

/// Escalation of a principal to administrator.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, escalations};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///         "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "iam:PutUserPolicy", "Resource": "*"}}}]}]}"#,
/// )?;
/// let account = builder.build();
/// let found = escalations(&account, 1);
/// let bob = found.of(0).unwrap();
/// assert!(bob.ways.contains_key("iam-007"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// Number of the principal in [`Account::principals`].
    pub principal: u32,
    /// The rung of its first step; A or B when it needs none.
    pub rung: Rung,
    /// Whether every step is sure.
    pub verdict: Tri,
    /// A shortest path, empty for those who hold everything.
    pub steps: Vec<EscalationStep>,
    /// Ids of all techniques that its first step could use, with their verdicts.
    pub ways: BTreeMap<&'static str, Tri>,
}

/// A grant that a boundary, an SCP or a deny keeps from being everything.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, escalations};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///     "UserPolicyList": [{"PolicyName": "p",
///     "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///         "Action": "iam:PutUserPolicy", "Resource": "*"}}}]}]}"#,
/// )?;
/// builder.scp_level(&[(
///     "storage-only",
///     r#"{"Version": "2012-10-17", "Statement":
/// {"Effect": "Allow", "Action": ["s3:*", "iam:*"], "Resource": "*"}}"#,
/// )]);
/// let found = escalations(&builder.build(), 1);
/// // Whatever Bob grants himself, the organization lets him have little of it.
/// assert!(found.of(0).is_none());
/// assert_eq!(
///     (found.limited[0].row, found.limited[0].by.as_str()),
///     ("iam-007", "service control policies of level 1")
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LimitedEscalation {
    /// Number of the principal.
    pub principal: u32,
    /// Id of the technique, e.g. `iam-007`.
    pub row: &'static str,
    /// Limit, e.g. `permission boundary arn:aws:iam::111122223333:policy/limit`.
    pub by: String,
}

/// Escalations of an account.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, escalations};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///         "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "iam:PutUserPolicy", "Resource": "*"}}}]}]}"#,
/// )?;
/// let account = builder.build();
/// let found = escalations(&account, 1);
/// assert_eq!(found.found.len(), 1);
/// assert!(found.of(0).is_some() && found.limited.is_empty());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Escalations {
    /// By principal.
    pub found: Vec<Escalation>,
    /// Grants that stay within limits.
    pub limited: Vec<LimitedEscalation>,
}

impl Escalations {
    /// Escalation of a principal.
    pub fn of(&self, principal: u32) -> Option<&Escalation> {
        self.found
            .binary_search_by_key(&principal, |e| e.principal)
            .ok()
            .map(|n| &self.found[n])
    }
}
