//! Result of a comparison: classes of access.

use crate::bits::Bits;
use crate::request::Request;
use crate::tri::Tri;

/// A class of requests that one of the policies allows and the other does not.
///
/// ```
/// use bartizan_iam::{Actions, PolicyGrammar, Tri, difference, parse};
/// let policy = |actions: &str| {
///     parse(&format!(
///         r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow",
///     "Action": "{actions}", "Resource": "*"}}}}"#
///     ))
/// };
/// let found = difference(
///     &policy("s3:Get*")?,
///     &policy("s3:*")?,
///     PolicyGrammar::Identity,
///     Actions::builtin(),
/// );
/// let gained = &found.gained[0];
/// assert_eq!((gained.resource.as_str(), gained.verdict), ("*", Tri::Yes));
/// // The reference evaluator denies it by the old policy and allows it by the new one.
/// assert!(gained.witness.as_ref().unwrap().action.starts_with("s3:"));
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessClass {
    /// The actions.
    pub actions: Bits,
    /// The resources, as the policy has them: a pattern, or `all but` some.
    pub resource: String,
    /// For whom, in a policy of a resource.
    pub principal: Option<String>,
    /// Under which conditions.
    pub conditions: Vec<String>,
    /// The keys of these conditions, in lower case.
    pub keys: Vec<String>,
    /// Statement that allows it, from 0.
    pub statement: usize,
    /// Yes: the witness shows it. Maybe: it could not be shown, nor ruled out.
    pub verdict: Tri,
    /// A request that one allows and the other does not.
    pub witness: Option<Request>,
}

impl AccessClass {
    /// Keys of the conditions that the witness does not have, which is what makes the difference or
    /// does not matter: `aws:multifactorauthpresent`, in lower case.
    pub fn absent<'a>(&'a self, witness: &'a Request) -> impl Iterator<Item = &'a str> {
        self.keys
            .iter()
            .map(String::as_str)
            .filter(|key| witness.context.iter().all(|(known, _)| known != *key))
    }
}

/// The difference of two policies.
///
/// ```
/// use bartizan_iam::{Actions, PolicyGrammar, difference, parse};
/// let policy = |actions: &str| {
///     parse(&format!(
///         r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow",
///     "Action": "{actions}", "Resource": "*"}}}}"#
///     ))
/// };
/// let found = difference(
///     &policy("s3:Get*")?,
///     &policy("s3:*")?,
///     PolicyGrammar::Identity,
///     Actions::builtin(),
/// );
/// assert!(!found.grants_nothing_new() && found.lost.is_empty());
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Access by the new policy that the old one does not give.
    pub gained: Vec<AccessClass>,
    /// Access by the old policy that the new one does not give.
    pub lost: Vec<AccessClass>,
}

impl Difference {
    /// Whether it is proved that the new policy allows nothing that the old one did not.
    pub fn grants_nothing_new(&self) -> bool {
        self.gained.is_empty()
    }
}
