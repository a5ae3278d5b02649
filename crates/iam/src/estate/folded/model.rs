//! Effective access of a principal as policy documents.

use crate::bits::Bits;
use crate::policy::Policy;

/// Effective access of a principal, as documents that are evaluated alone: resources of its own
/// account, and the roles and keys of all accounts that were read. Resources of other accounts must
/// let it in as well.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Estate};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///         "PermissionsBoundary": {"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/b"},
///         "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "s3:*", "Resource": "*"}}}]}],
///     "Policies": [{"Arn": "arn:aws:iam::111122223333:policy/b", "PolicyVersionList": [
///         {"IsDefaultVersion": true, "Document": {"Version": "2012-10-17", "Statement":
///             {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::logs/*"}}}]}]}"#,
/// )?;
/// let accounts = [builder.build()];
/// let estate = Estate::new(&accounts);
/// let said = estate.effective(estate.principal("bob").unwrap());
/// let text = said.must.json().to_string();
/// assert!(text.contains("s3:Get*") && text.contains("arn:aws:s3:::logs/*"));
/// assert!(said.may.statements.is_empty() && said.left_out.is_empty());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct EffectivePolicies {
    /// Allowed whatever the request holds.
    pub must: Policy,
    /// Allowed under the conditions that it states; what `must` allows may be in it as well.
    pub may: Policy,
    /// Actions that neither document says all about, with the reason.
    pub left_out: Vec<LeftOut>,
}

/// Actions of which a document does not say all.
///
/// ```
/// use bartizan_iam::{Bits, LeftOut, LeftOutReason};
/// let one = LeftOut { actions: Bits::default(), why: LeftOutReason::TooLarge };
/// assert!(one.actions.is_empty());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The actions.
    pub actions: Bits,
    /// The reason.
    pub why: LeftOutReason,
}

/// Reason why a document does not say all about an action.
///
/// ```
/// use bartizan_iam::LeftOutReason;
/// assert!(LeftOutReason::NotUnderstood < LeftOutReason::TooLarge);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOutReason {
    /// A statement is not understood.
    NotUnderstood,
    /// A resource depends on a condition key that is not known: `aws:principaltag/team`.
    Variable(String),
    /// Two layers ask conditions, or name resources, that no single statement can ask together.
    NotOneStatement,
    /// There are more combinations of statements than are written.
    TooLarge,
    /// Something was not read, as a sentence.
    Unread(String),
}
