//! Effective access of principals, by action: all their policies within boundaries and service
//! control policies.

use std::collections::BTreeMap;

use crate::account::{Account, DocumentId};
use crate::actions::AccessLevel;
use crate::bits::Bits;
use crate::engine::{CompiledStatement, ResourcePattern, StatementEffect};
use crate::policy::Block;

/// Actions that a principal may do on some resource.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Effects};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///         "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "iam:PassRole", "Resource": "*"}}}]}]}"#,
/// )?;
/// let account = builder.build();
/// let bob = Effects::new(&account).of(0);
/// // Nothing depends on a condition: what may be is what must be.
/// assert_eq!((bob.must.len(), bob.may.len()), (1, 1));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// For sure: some statement allows it without a condition, and no deny touches it.
    pub must: Bits,
    /// Perhaps: under conditions, or where a deny takes back some of it.
    pub may: Bits,
}

/// Actions that one document allows and denies.
struct Says {
    allow: Bits,
    perhaps_allow: Bits,
    /// Denied on everything, without a condition.
    deny: Bits,
    /// Denied on something, or under conditions.
    perhaps_deny: Bits,
}

/// Effective access of every principal of an account, in the order of [`Account::principals`].
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Effects};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///         "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "s3:*", "Resource": "*"}}}]}]}"#,
/// )?;
/// let account = builder.build();
/// let may = Effects::new(&account).of(0).may;
/// assert!(may.covers(&account.actions.matching("s3:*")));
/// # Ok::<(), serde_json::Error>(())
/// ```
pub struct Effects<'e, 'a> {
    account: &'e Account<'a>,
    documents: Vec<Says>,
}

/// Known actions by service and access level: how many of them are in a set, of how many.
///
/// ```
/// use bartizan_iam::{AccessLevel, AccountBuilder, Actions, ByLevel, Effects};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///         "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "iam:PassRole", "Resource": "*"}}}]}]}"#,
/// )?;
/// let account = builder.build();
/// let levels: ByLevel = account.by_level(&Effects::new(&account).of(0).must);
/// // One of so many of IAM.
/// assert_eq!(levels["iam"][&AccessLevel::Write].0, 1);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub type ByLevel = BTreeMap<String, BTreeMap<AccessLevel, (usize, usize)>>;

impl<'e, 'a> Effects<'e, 'a> {
    /// Prepares the documents of an account.
    pub fn new(account: &'e Account<'a>) -> Self {
        Self {
            account,
            documents: account
                .documents
                .iter()
                .map(|d| Says::of(&d.compiled.statements))
                .collect(),
        }
    }

    /// Effective access of a principal.
    ///
    /// ```
    /// use bartizan_iam::{AccountBuilder, Actions, Effects};
    /// let actions = Actions::builtin();
    /// let mut builder = AccountBuilder::new("111122223333", actions);
    /// builder.authorization_details(
    ///     r#"{"UserDetailList": [{"UserName": "alice",
    ///         "Arn": "arn:aws:iam::111122223333:user/alice", "UserPolicyList": [
    ///         {"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [
    ///             {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"},
    ///             {"Effect": "Deny", "Action": "s3:GetBucketPolicy", "Resource": "*"}]}}]}]}"#,
    /// )?;
    /// let account = builder.build();
    /// let alice = Effects::new(&account).of(0);
    /// assert!(alice.must.contains(actions.bit("s3:GetObject")));
    /// assert!(!alice.may.contains(actions.bit("s3:GetBucketPolicy")));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn of(&self, principal: usize) -> Effective {
        let me = &self.account.principals[principal];
        let mut effective = self.layer(&me.policies);
        for level in self
            .account
            .scp
            .iter()
            .map(Vec::as_slice)
            .chain(me.boundary.as_ref().map(std::slice::from_ref))
        {
            let limit = self.layer(level);
            effective.must = effective.must.intersection(&limit.must);
            effective.may = effective.may.intersection(&limit.may);
        }
        // A policy that was not read may allow or deny anything.
        if !me.unread.is_empty() {
            effective.must = Bits::default();
        }
        effective
    }

    fn layer(&self, documents: &[DocumentId]) -> Effective {
        let union = |of: fn(&Says) -> &Bits| {
            let sets = documents
                .iter()
                .map(|d| of(&self.documents[*d as usize]))
                .filter(|s| !s.is_empty());
            sets.fold(Bits::default(), |all, set| {
                if all.is_empty() {
                    set.clone()
                } else {
                    all.union(set)
                }
            })
        };
        Effective {
            must: union(|s| &s.allow).difference(&union(|s| &s.perhaps_deny)),
            may: union(|s| &s.perhaps_allow).difference(&union(|s| &s.deny)),
        }
    }
}

impl Says {
    fn of(statements: &[CompiledStatement]) -> Self {
        let mut says = Self {
            allow: Bits::default(),
            perhaps_allow: Bits::default(),
            deny: Bits::default(),
            perhaps_deny: Bits::default(),
        };
        for statement in statements {
            let sure = statement.understood
                && statement.conditions.is_empty()
                && !statement.has_templates();
            let is_all =
                |r: &ResourcePattern| matches!(r, ResourcePattern::Pattern(p) if p.is_all());
            let everywhere = match &statement.resource {
                Some(Block::Is(list)) => list.iter().any(is_all),
                Some(Block::Not(_)) | None => false,
            };
            let mut put = |set: fn(&mut Self) -> &mut Bits| {
                let set = set(&mut says);
                *set = set.union(&statement.actions);
            };
            if statement.effect != StatementEffect::Deny {
                put(|s| &mut s.perhaps_allow);
                if sure && statement.effect == StatementEffect::Allow {
                    put(|s| &mut s.allow);
                }
            }
            if statement.effect != StatementEffect::Allow {
                put(|s| &mut s.perhaps_deny);
                if sure && everywhere && statement.effect == StatementEffect::Deny {
                    put(|s| &mut s.deny);
                }
            }
        }
        says
    }
}

impl Account<'_> {
    /// Actions of a set by service and access level.
    pub fn by_level(&self, set: &Bits) -> ByLevel {
        let mut table = ByLevel::new();
        let mut totals: BTreeMap<(&str, AccessLevel), usize> = BTreeMap::new();
        for action in self.actions.known(&self.actions.all()) {
            *totals
                .entry((self.actions.service_of(action), self.actions.level(action)))
                .or_default() += 1;
        }
        for action in self.actions.known(set) {
            let (service, level) = (self.actions.service_of(action), self.actions.level(action));
            let total = totals.get(&(service, level)).copied().unwrap_or_default();
            table
                .entry(service.to_owned())
                .or_default()
                .entry(level)
                .or_insert((0, total))
                .0 += 1;
        }
        table
    }
}
