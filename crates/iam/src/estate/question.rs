//! Questions about access.

use crate::engine::Compiled;
use crate::request::{Context, RequestCaller};

/// A user or role of an estate: number of its account, and its own in there.
///
/// ```
/// use bartizan_iam::PrincipalId;
/// let first = PrincipalId { account: 0, principal: 0 };
/// assert!(first < PrincipalId { account: 1, principal: 0 });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrincipalId {
    /// Number of the account.
    pub account: usize,
    /// Number in [`crate::Account::principals`].
    pub principal: usize,
}

/// Caller of a question.
///
/// ```
/// use bartizan_iam::{QuestionCaller, RequestCaller};
/// let caller: QuestionCaller = RequestCaller::Anonymous.into();
/// assert_eq!(caller, QuestionCaller::Other(RequestCaller::Anonymous));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuestionCaller {
    /// A user or role that was read.
    Principal(PrincipalId),
    /// Anybody else: a session, a service, somebody of an account that was not read.
    Other(RequestCaller),
}

impl From<PrincipalId> for QuestionCaller {
    fn from(id: PrincipalId) -> Self {
        Self::Principal(id)
    }
}

impl From<RequestCaller> for QuestionCaller {
    fn from(caller: RequestCaller) -> Self {
        Self::Other(caller)
    }
}

/// Question whether somebody may do something.
///
/// ```
/// use bartizan_iam::{AccessQuestion, RequestCaller};
/// let question = AccessQuestion::new(
///     RequestCaller::Anonymous.into(),
///     "s3:GetObject",
///     "arn:aws:s3:::site/index.html",
/// );
/// // What a request would bring along is not known.
/// assert!(question.context.open);
/// ```
#[derive(Debug, Clone)]
pub struct AccessQuestion<'q> {
    /// Caller of the request.
    pub caller: QuestionCaller,
    /// `s3:GetObject`; of a set of actions a pattern, `s3:*`.
    pub action: &'q str,
    /// ARN, or `*` for actions that are about no resource; of a set a pattern.
    pub resource: &'q str,
    /// Condition keys that are known beside those which follow from what was read.
    pub context: Context,
    /// Session policies.
    pub session: Vec<&'q Compiled>,
    /// Policies of the VPC endpoint that the request comes through.
    pub endpoint: Vec<&'q Compiled>,
    /// Whether an administrator of the caller's account gave the caller everything before. The root
    /// user then stands for whoever that administrator makes.
    pub is_granted_all: bool,
}

impl<'q> AccessQuestion<'q> {
    /// A question of which nothing more is known.
    pub fn new(caller: QuestionCaller, action: &'q str, resource: &'q str) -> Self {
        Self {
            caller,
            action,
            resource,
            context: Context::open(),
            session: Vec::new(),
            endpoint: Vec::new(),
            is_granted_all: false,
        }
    }

    /// The same question of somebody else.
    pub fn of(&self, caller: QuestionCaller) -> Self {
        Self {
            caller,
            ..self.clone()
        }
    }
}
