//! Difference of two states of an account: access of principals, escalations, external access.

use std::collections::BTreeMap;

use crate::account::{Account, DocumentId, IamPrincipal};
use crate::difference::{Difference, difference};
use crate::escalation::{Escalation, escalations};
use crate::external_access::{AccountRelationship, ExternalAccess, KnownAccounts, external_access};
use crate::policy::{Policy, parse};
use crate::request::PolicyGrammar;
use crate::tri::Tri;

/// Change of the access of one principal.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, KnownAccounts, account_difference};
/// let account = |action: &str| {
///     let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
///     let details = format!(
///         r#"{{"UserDetailList": [{{"UserName": "bob",
///             "Arn": "arn:aws:iam::111122223333:user/bob", "UserPolicyList": [{{"PolicyName": "p",
///             "PolicyDocument": {{"Version": "2012-10-17", "Statement": {{"Effect": "Allow",
///                 "Action": "{action}", "Resource": "*"}}}}}}]}}]}}"#
///     );
///     builder.authorization_details(&details).unwrap();
///     builder.build()
/// };
/// let (old, new) = (account("s3:GetObject"), account("iam:PutUserPolicy"));
/// let found = account_difference(&old, &new, &KnownAccounts::default(), 1);
/// let bob = &found.principals[0];
/// assert!(bob.arn.ends_with("user/bob") && !bob.identity.grants_nothing_new());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PrincipalChange {
    /// Its ARN.
    pub arn: String,
    /// It was not there before, or is there no more.
    pub presence: Presence,
    /// By its identity policies, all together.
    pub identity: Difference,
    /// By its permission boundary, where that changed; none is everything.
    pub boundary: Option<Difference>,
}

/// Whether a principal was there.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, KnownAccounts, Presence, account_difference};
/// let account = |action: &str| {
///     let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
///     let details = format!(
///         r#"{{"UserDetailList": [{{"UserName": "bob",
///             "Arn": "arn:aws:iam::111122223333:user/bob", "UserPolicyList": [{{"PolicyName": "p",
///             "PolicyDocument": {{"Version": "2012-10-17", "Statement": {{"Effect": "Allow",
///                 "Action": "{action}", "Resource": "*"}}}}}}]}}]}}"#
///     );
///     builder.authorization_details(&details).unwrap();
///     builder.build()
/// };
/// let (old, new) = (account("s3:GetObject"), account("iam:PutUserPolicy"));
/// let found = account_difference(&old, &new, &KnownAccounts::default(), 1);
/// assert_eq!(found.principals[0].presence, Presence::Both);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Presence {
    /// Before and after.
    Both,
    /// Only after.
    New,
    /// Only before.
    Gone,
}

/// Change of one principal's escalation to administrator.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, KnownAccounts, Tri, account_difference};
/// let account = |action: &str| {
///     let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
///     let details = format!(
///         r#"{{"UserDetailList": [{{"UserName": "bob",
///             "Arn": "arn:aws:iam::111122223333:user/bob", "UserPolicyList": [{{"PolicyName": "p",
///             "PolicyDocument": {{"Version": "2012-10-17", "Statement": {{"Effect": "Allow",
///                 "Action": "{action}", "Resource": "*"}}}}}}]}}]}}"#
///     );
///     builder.authorization_details(&details).unwrap();
///     builder.build()
/// };
/// let (old, new) = (account("s3:GetObject"), account("iam:PutUserPolicy"));
/// let found = account_difference(&old, &new, &KnownAccounts::default(), 1);
/// let change = &found.escalations[0];
/// assert_eq!((change.before, change.after), (Tri::No, Tri::Yes));
/// assert_eq!(change.escalation.steps[0].row, "iam-007");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EscalationChange {
    /// Its ARN.
    pub arn: String,
    /// Verdict before.
    pub before: Tri,
    /// Verdict after.
    pub after: Tri,
    /// Escalation after the change; before it, where there is none after.
    pub escalation: Escalation,
}

/// The difference of two states.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, KnownAccounts, account_difference};
/// let account = |action: &str| {
///     let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
///     let details = format!(
///         r#"{{"UserDetailList": [{{"UserName": "bob",
///             "Arn": "arn:aws:iam::111122223333:user/bob", "UserPolicyList": [{{"PolicyName": "p",
///             "PolicyDocument": {{"Version": "2012-10-17", "Statement": {{"Effect": "Allow",
///                 "Action": "{action}", "Resource": "*"}}}}}}]}}]}}"#
///     );
///     builder.authorization_details(&details).unwrap();
///     builder.build()
/// };
/// let (old, new) = (account("s3:GetObject"), account("iam:PutUserPolicy"));
/// let found = account_difference(&old, &new, &KnownAccounts::default(), 1);
/// assert_eq!((found.principals.len(), found.escalations.len(), found.opened.len()), (1, 1, 0));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AccountDifference {
    /// By ARN.
    pub principals: Vec<PrincipalChange>,
    /// By ARN.
    pub escalations: Vec<EscalationChange>,
    /// External access that is new.
    pub opened: Vec<ExternalAccess>,
    /// External access that is gone.
    pub shut: Vec<ExternalAccess>,
    /// Principals and access that one side has and the other did not read: not known to be new or
    /// gone.
    pub unknown: Vec<String>,
}

/// Compares two states of an account.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, KnownAccounts, Tri, account_difference};
/// let account = |action: &str| {
///     let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
///     let details = format!(
///         r#"{{"UserDetailList": [{{"UserName": "bob",
///             "Arn": "arn:aws:iam::111122223333:user/bob", "UserPolicyList": [{{"PolicyName": "p",
///             "PolicyDocument": {{"Version": "2012-10-17", "Statement": {{"Effect": "Allow",
///                 "Action": "{action}", "Resource": "*"}}}}}}]}}]}}"#
///     );
///     builder.authorization_details(&details).unwrap();
///     builder.build()
/// };
/// let (old, new) = (account("s3:GetObject"), account("iam:PutUserPolicy"));
/// let found = account_difference(&old, &new, &KnownAccounts::default(), 1);
/// assert_eq!(found.escalations[0].after, Tri::Yes);
/// // The same account twice differs in nothing.
/// let none = account_difference(&old, &old, &KnownAccounts::default(), 1);
/// assert!(none.principals.is_empty() && none.escalations.is_empty());
/// ```
pub fn account_difference(
    old: &Account<'_>,
    new: &Account<'_>,
    known_accounts: &KnownAccounts,
    threads: usize,
) -> AccountDifference {
    let by_arn = |account: &Account<'_>| -> BTreeMap<String, usize> {
        account
            .principals
            .iter()
            .enumerate()
            .map(|(n, p)| (p.arn.clone(), n))
            .collect()
    };
    let (before, after) = (by_arn(old), by_arn(new));
    let mut found = reach_difference(old, new, known_accounts, threads);
    let mut arns: Vec<&String> = before.keys().chain(after.keys()).collect();
    arns.sort();
    arns.dedup();
    for arn in arns {
        let kind = kind_of(arn);
        let missing = [
            (before.contains_key(arn), old, "earlier"),
            (after.contains_key(arn), new, "later"),
        ];
        let open = missing
            .iter()
            .filter(|(there, ..)| !there)
            .find_map(|(_, account, side)| Some((unread(account, kind, arn)?, side)));
        if let Some((why, side)) = open {
            found.unknown.push(not_told(arn, &why, side));
            continue;
        }
        let of = |account: &'_ Account<'_>, at: Option<&usize>| {
            at.map(|n| merged(account, &account.principals[*n]))
        };
        let (a, b) = (before.get(arn), after.get(arn));
        let (held, holds) = (of(old, a), of(new, b));
        if held != holds {
            let presence = match (a, b) {
                (None, _) => Presence::New,
                (_, None) => Presence::Gone,
                _ => Presence::Both,
            };
            let nothing = (empty(), None);
            let ((own_before, bound_before), (own_after, bound_after)) =
                (held.unwrap_or(nothing.clone()), holds.unwrap_or(nothing));
            let everything = everything();
            let boundary = (presence == Presence::Both && bound_before != bound_after).then(|| {
                let (x, y) = (
                    bound_before.as_ref().unwrap_or(&everything),
                    bound_after.as_ref().unwrap_or(&everything),
                );
                difference(x, y, PolicyGrammar::Identity, new.actions)
            });
            let identity = difference(
                &own_before,
                &own_after,
                PolicyGrammar::Identity,
                new.actions,
            );
            let says_something = presence != Presence::Both
                || identity != Difference::default()
                || boundary.is_some();
            if says_something {
                found.principals.push(PrincipalChange {
                    arn: arn.clone(),
                    presence,
                    identity,
                    boundary,
                });
            }
        }
    }
    found.unknown.sort();
    found.unknown.dedup();
    found
}

/// Kind of fact of a principal.
fn kind_of(arn: &str) -> &'static str {
    if arn.contains(":role/") {
        "iam:role"
    } else {
        "iam:user"
    }
}

/// Why it is open whether a principal was there.
fn unread(account: &Account<'_>, kind: &str, arn: &str) -> Option<String> {
    account.unread_reason(kind, "global", arn.rsplit('/').next().unwrap_or(arn))
}

/// `arn:aws:iam::111122223333:user/ada: incomplete in the earlier snapshot
/// (iam:GetAccountAuthorizationDetails denied)`.
fn not_told(what: &str, why: &str, side: &str) -> String {
    format!("{what}: incomplete in the {side} snapshot ({why})")
}

/// Compares escalations and external access only, without the access of each principal, which takes
/// long where many policies changed.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, KnownAccounts, reach_difference};
/// let account = |action: &str| {
///     let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
///     let details = format!(
///         r#"{{"UserDetailList": [{{"UserName": "bob",
///             "Arn": "arn:aws:iam::111122223333:user/bob", "UserPolicyList": [{{"PolicyName": "p",
///             "PolicyDocument": {{"Version": "2012-10-17", "Statement": {{"Effect": "Allow",
///                 "Action": "{action}", "Resource": "*"}}}}}}]}}]}}"#
///     );
///     builder.authorization_details(&details).unwrap();
///     builder.build()
/// };
/// let (old, new) = (account("s3:GetObject"), account("iam:PutUserPolicy"));
/// let found = reach_difference(&old, &new, &KnownAccounts::default(), 1);
/// assert_eq!(found.escalations.len(), 1);
/// // What each principal gained is not worked out.
/// assert!(found.principals.is_empty());
/// ```
pub fn reach_difference(
    old: &Account<'_>,
    new: &Account<'_>,
    known_accounts: &KnownAccounts,
    threads: usize,
) -> AccountDifference {
    let mut found = AccountDifference::default();
    compare_escalations(old, new, threads, &mut found);
    compare_external_access(old, new, known_accounts, &mut found);
    found
}

/// Adds the escalations that differ.
fn compare_escalations(
    old: &Account<'_>,
    new: &Account<'_>,
    threads: usize,
    found: &mut AccountDifference,
) {
    let (could, can) = (escalations(old, threads), escalations(new, threads));
    let mut all: BTreeMap<String, (Option<&Escalation>, Option<&Escalation>)> = BTreeMap::new();
    for e in &could.found {
        all.entry(old.principals[e.principal as usize].arn.clone())
            .or_default()
            .0 = Some(e);
    }
    for e in &can.found {
        all.entry(new.principals[e.principal as usize].arn.clone())
            .or_default()
            .1 = Some(e);
    }
    let open = |account: &Account<'_>, arn: &str| {
        let there = account.principals.iter().any(|p| p.arn == arn);
        if there {
            None
        } else {
            unread(account, kind_of(arn), arn)
        }
    };
    for (arn, (a, b)) in all {
        // A principal that was not read on one side did not come or go.
        let side = [(old, "earlier"), (new, "later")]
            .into_iter()
            .find_map(|(account, side)| Some((open(account, &arn)?, side)));
        if let Some((why, side)) = side {
            found.unknown.push(not_told(&arn, &why, side));
            continue;
        }
        let verdict = |e: Option<&Escalation>| e.map_or(Tri::No, |e| e.verdict);
        if verdict(a) != verdict(b)
            && let Some(escalation) = b.or(a)
        {
            found.escalations.push(EscalationChange {
                arn,
                before: verdict(a),
                after: verdict(b),
                escalation: escalation.clone(),
            });
        }
    }
}

/// Adds the external access that differs.
fn compare_external_access(
    old: &Account<'_>,
    new: &Account<'_>,
    known_accounts: &KnownAccounts,
    found: &mut AccountDifference,
) {
    let (was, is) = (
        external_access(old, known_accounts),
        external_access(new, known_accounts),
    );
    // A statement that only moved gives the same access.
    let same = |a: &ExternalAccess, b: &ExternalAccess| {
        ExternalAccess {
            statement: None,
            ..a.clone()
        } == ExternalAccess {
            statement: None,
            ..b.clone()
        }
    };
    // Access by a policy that was not read on the other side may have been there, too.
    let open = |account: &Account<'_>, o: &ExternalAccess| {
        let there = account
            .principals
            .iter()
            .any(|p| p.arn == o.arn && p.trust.is_some());
        if there {
            None
        } else {
            account.unread_of(&o.by, &o.arn)
        }
    };
    for (side, here, there, other, word) in [
        (&mut found.opened, &is, &was, old, "earlier"),
        (&mut found.shut, &was, &is, new, "later"),
    ] {
        // Nobody gains or loses by a principal that is gone.
        let real = here
            .iter()
            .filter(|o| o.class != AccountRelationship::Deleted);
        for opening in real.filter(|o| !there.iter().any(|t| same(t, o))) {
            match open(other, opening) {
                None => side.push(opening.clone()),
                Some(why) => {
                    let what = format!("{} for {}", opening.arn, opening.to.sentence());
                    found.unknown.push(not_told(&what, &why, word));
                }
            }
        }
    }
}

/// All identity policies of a principal as one, and its boundary.
fn merged(account: &Account<'_>, principal: &IamPrincipal) -> (Policy, Option<Policy>) {
    let mut all = empty();
    let mut names: Vec<DocumentId> = principal.policies.clone();
    names.sort_by_key(|d| &account.documents[*d as usize].name);
    for document in names {
        let policy = &account.documents[document as usize].policy;
        all.statements.extend(policy.statements.iter().cloned());
        all.unknown.extend(policy.unknown.clone());
    }
    (
        all,
        principal
            .boundary
            .map(|d| account.documents[d as usize].policy.clone()),
    )
}

fn empty() -> Policy {
    Policy {
        version: "2012-10-17".to_owned(),
        statements: Vec::new(),
        unknown: BTreeMap::new(),
    }
}

fn everything() -> Policy {
    parse(r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#)
        .unwrap_or_else(|_| empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AccountBuilder;
    use crate::actions::Actions;

    #[test]
    fn who_was_not_read_before_did_not_become_administrator() {
        let admin = r#"{"UserDetailList": [{"UserName": "ada",
            "Arn": "arn:aws:iam::111122223333:user/ada", "UserPolicyList": [
            {"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement":
                {"Effect": "Allow", "Action": "*", "Resource": "*"}}}]}]}"#;
        let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
        builder.authorization_details(admin).unwrap();
        let after = builder.build();
        let mut denied = AccountBuilder::new("111122223333", Actions::builtin());
        denied.unread(crate::UnreadFact {
            kind: "iam:user".to_owned(),
            region: "global".to_owned(),
            id: String::new(),
            call: "iam:GetAccountAuthorizationDetails".to_owned(),
            why: crate::UnreadReason::Failed("denied".to_owned()),
        });
        let denied = denied.build();
        let found = account_difference(&denied, &after, &KnownAccounts::default(), 1);
        assert!(
            found.escalations.is_empty() && found.principals.is_empty(),
            "{found:?}"
        );
        assert_eq!(
            found.unknown,
            [
                "arn:aws:iam::111122223333:user/ada: incomplete in the earlier snapshot (iam:GetAccountAuthorizationDetails denied)"
            ]
        );
        // Where users were read, and there was none, somebody did.
        let empty = AccountBuilder::new("111122223333", Actions::builtin()).build();
        let found = account_difference(&empty, &after, &KnownAccounts::default(), 1);
        assert_eq!(
            (found.escalations.len(), found.unknown.len()),
            (1, 0),
            "{found:?}"
        );
    }
}
