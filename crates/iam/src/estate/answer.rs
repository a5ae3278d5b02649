//! Answers to questions about access.

use crate::request::{Decision, OpenReason, PolicyLayer};
use crate::tri::Tri;

/// Answer to an access question.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Decision};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///         "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "s3:Get*", "Resource": "*"}}}]}]}"#,
/// )?;
/// let said = builder.build().may(0, "s3:GetObject", "arn:aws:s3:::logs/a");
/// assert_eq!(said.decision, Decision::Allowed);
/// assert!(said.because[0].contains("user/bob/p, statement 1"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessAnswer {
    /// Yes: it must be allowed. Maybe: it depends on `conditions`, or on something that is not
    /// known.
    pub verdict: Tri,
    /// The decision behind it.
    pub decision: Decision,
    /// Statements that decide, as `LAYER NAME, statement N (Sid): allows it`.
    pub because: Vec<String>,
    /// Conditions that nobody can know before the request, as `key Operator value`.
    pub conditions: Vec<String>,
    /// Unread policies and facts that may decide otherwise, as sentences.
    pub unread: Vec<String>,
    /// Reasons for a maybe.
    pub open: Vec<OpenReason>,
    /// The layer that decided.
    pub(super) last_word: Option<PolicyLayer>,
}

impl AccessAnswer {
    /// Leaves the answer open: something that was not read may decide otherwise.
    pub(super) fn leave_open(&mut self, why: String) {
        (self.verdict, self.decision) = (Tri::Maybe, Decision::Unknown);
        self.unread.push(why);
        if !self.open.contains(&OpenReason::Unread) {
            self.open.push(OpenReason::Unread);
        }
    }
}
