//! Decisions with their reasons.

use super::layers::PolicyLayer;

/// Decision about a request.
///
/// ```
/// use bartizan_iam::Decision;
/// assert_eq!(Decision::ImplicitlyDenied.word(), "implicitly-denied");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// Allowed.
    Allowed,
    /// Something denies it.
    ExplicitlyDenied,
    /// Nothing allows it, in some layer that must.
    ImplicitlyDenied,
    /// It depends on something that is not understood or not known.
    Unknown,
}

impl Decision {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::ExplicitlyDenied => "explicitly-denied",
            Self::ImplicitlyDenied => "implicitly-denied",
            Self::Unknown => "unknown",
        }
    }
}

/// Why: a statement, or the lack of one.
///
/// ```
/// use bartizan_iam::{
///     Actions, Context, Layers, PolicyLayer, Request, RequestCaller, evaluate, parse,
/// };
/// let request = Request {
///     action: "s3:GetObject".into(),
///     resource: "arn:aws:s3:::bucket/key".into(),
///     resource_account: Some("111122223333".into()),
///     caller: RequestCaller::Aws("arn:aws:iam::111122223333:user/alice".into()),
///     context: Context::default(),
/// };
/// let allow = parse(
///     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
/// "Action": "s3:*", "Resource": "*"}}"#,
/// )?;
/// let answer = evaluate(
///     &request,
///     &Layers {
///         identity: vec![allow],
///         ..Layers::default()
///     },
///     Actions::builtin(),
/// );
/// // The first statement of the first identity policy.
/// assert_eq!(
///     (answer.because[0].layer, answer.because[0].statement),
///     (PolicyLayer::Identity, Some((0, 0)))
/// );
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Because {
    /// The layer that decided.
    pub layer: PolicyLayer,
    /// Level of service control policies that does not allow it, from the root on.
    pub level: Option<usize>,
    /// Number of the policy within it (levels from the root on, one after the other), and of the
    /// statement in the policy; none when no statement is meant.
    pub statement: Option<(usize, usize)>,
    /// The reason, as a sentence without the statement.
    pub text: &'static str,
}

/// Reason for an open answer.
///
/// ```
/// use bartizan_iam::OpenReason;
/// let reason = OpenReason::Key("aws:sourceip".to_owned());
/// assert!(reason < OpenReason::Unread);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum OpenReason {
    /// A condition key that only the request knows, in lower case.
    Key(String),
    /// A policy names one session of the role.
    SessionName,
    /// A statement or a principal is not understood.
    NotUnderstood,
    /// A policy, a list or an account was not read.
    Unread,
}

/// A decision with its reasons.
///
/// ```
/// use bartizan_iam::{Actions, RequestCaller, Context, Decision, Layers, Request, evaluate};
/// let request = Request {
///     action: "s3:GetObject".into(),
///     resource: "arn:aws:s3:::bucket/key".into(),
///     resource_account: Some("111122223333".into()),
///     caller: RequestCaller::Aws("arn:aws:iam::111122223333:user/alice".into()),
///     context: Context::default(),
/// };
/// let answer = evaluate(&request, &Layers::default(), Actions::builtin());
/// assert_eq!(answer.decision, Decision::ImplicitlyDenied);
/// assert!(!answer.because.is_empty());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedDecision {
    /// The decision.
    pub decision: Decision,
    /// The statements that allow it; or the one that denies it; or the layer that does not allow
    /// it.
    pub because: Vec<Because>,
}
