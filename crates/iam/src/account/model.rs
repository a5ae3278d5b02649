//! The account and what is in it.

use std::collections::{BTreeMap, BTreeSet};

use crate::actions::Actions;
use crate::engine::Compiled;
use crate::policy::Policy;
use crate::request::PolicyGrammar;
use crate::unread::UnreadFact;

/// Policy document of the account: its name, as written, and compiled.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///         "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "s3:*", "Resource": "*"}}}]}]}"#,
/// )?;
/// let account = builder.build();
/// assert_eq!(account.documents[0].name, "user/bob/p");
/// assert_eq!(account.documents[0].policy.statements.len(), 1);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug)]
pub struct PolicyDocument {
    /// ARN of a managed policy; `user/alice/inline` of an inline one.
    pub name: String,
    /// Grammar that it is written in.
    pub side: PolicyGrammar,
    /// As written.
    pub policy: Policy,
    /// For evaluation.
    pub compiled: Compiled,
}

/// Number of a [`PolicyDocument`].
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, DocumentId};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///         "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "s3:*", "Resource": "*"}}}]}]}"#,
/// )?;
/// let account = builder.build();
/// let of_bob: &[DocumentId] = &account.principals[0].policies;
/// assert_eq!(account.documents[of_bob[0] as usize].name, "user/bob/p");
/// # Ok::<(), serde_json::Error>(())
/// ```
pub type DocumentId = u32;

/// Kind of a principal.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, PrincipalKind};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///         "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "s3:*", "Resource": "*"}}}]}]}"#,
/// )?;
/// assert_eq!(builder.build().principals[0].kind, PrincipalKind::User);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalKind {
    /// A user.
    User,
    /// A role.
    Role,
}

/// A user or a role.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///         "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "s3:*", "Resource": "*"}}}]}]}"#,
/// )?;
/// let bob = &builder.build().principals[0];
/// assert_eq!((bob.name.as_str(), bob.boundary), ("bob", None));
/// // Nobody said how many access keys there are, which is not the same as none.
/// assert_eq!(bob.keys, None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug)]
pub struct IamPrincipal {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// User or role.
    pub kind: PrincipalKind,
    /// IamPrincipal policies: its own and those of its groups.
    pub policies: Vec<DocumentId>,
    /// Managed policies attached to it or its groups, by number; those that it could rewrite are
    /// among them.
    pub managed: Vec<DocumentId>,
    /// Groups, by number.
    pub groups: Vec<u32>,
    /// Permission boundary.
    pub boundary: Option<DocumentId>,
    /// Trust policy of a role.
    pub trust: Option<DocumentId>,
    /// Access keys of a user; none when that was not read.
    pub keys: Option<u8>,
    /// Whether a user has a console password; none when that was not read.
    pub login: Option<bool>,
    /// Policies that it has and that could not be read: what it may do is not wholly known.
    pub unread: Vec<UnreadPolicy>,
    /// Its unique id, `AIDA…` or `AROA…`; none when that was not read.
    pub id: Option<String>,
    /// Its tags; none when they were not read.
    pub tags: Option<BTreeMap<String, String>>,
}

/// A policy that a user or role has and that could not be read.
///
/// ```
/// use bartizan_iam::UnreadPolicy;
/// let boundary = UnreadPolicy::Boundary("arn:aws:iam::111122223333:policy/limit".into());
/// assert_eq!(boundary.to_string(), "boundary arn:aws:iam::111122223333:policy/limit");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnreadPolicy {
    /// An identity policy: ARN of a managed one, name of an inline one.
    Policy(String),
    /// All policies of a group, by its name.
    OfGroup(String),
    /// The permissions boundary, by its ARN.
    Boundary(String),
}

impl std::fmt::Display for UnreadPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Policy(name) => f.write_str(name),
            Self::OfGroup(name) => write!(f, "group {name}"),
            Self::Boundary(arn) => write!(f, "boundary {arn}"),
        }
    }
}

/// A group.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"GroupDetailList": [{"GroupName": "ops",
///         "Arn": "arn:aws:iam::111122223333:group/ops", "GroupPolicyList": []}]}"#,
/// )?;
/// assert_eq!(builder.build().groups[0].arn, "arn:aws:iam::111122223333:group/ops");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct IamGroup {
    /// Its ARN.
    pub arn: String,
    /// Its policies.
    pub policies: Vec<DocumentId>,
    /// Its managed policies.
    pub managed: Vec<DocumentId>,
}

/// Consumer of a role: an instance, a function, a stack.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.role_consumer(
///     "lambda",
///     "arn:aws:lambda:us-east-1:111122223333:function:f",
///     "arn:aws:iam::111122223333:role/build",
/// );
/// assert_eq!(builder.build().role_consumers[0].kind, "lambda");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleConsumer {
    /// `ec2`, `lambda`, `glue-endpoint` …: a word of [`crate::ROLE_CONSUMERS`].
    pub kind: String,
    /// Its ARN.
    pub arn: String,
    /// ARN of the role.
    pub role: String,
}

/// Resource with a policy of its own.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.resource(
///     "s3:bucketpolicy",
///     "arn:aws:s3:::site",
///     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*",
///         "Action": "s3:GetObject", "Resource": "*"}}"#,
/// );
/// assert_eq!(builder.build().resources[0].arn, "arn:aws:s3:::site");
/// ```
#[derive(Debug)]
pub struct ResourceWithPolicy {
    /// Its ARN.
    pub arn: String,
    /// Kind of fact, `s3:bucketpolicy`.
    pub kind: String,
    /// The policy.
    pub policy: DocumentId,
}

/// A grant of a KMS key: a way to use it beside all policies (KMS developer guide, "Grants in AWS
/// KMS").
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// let grant = r#"{"GrantId": "g", "GranteePrincipal": "arn:aws:iam::111122223333:role/r",
///     "Operations": ["Decrypt"]}"#;
/// builder.fact("kms:grant", "us-east-1", "1234abcd/g", grant);
/// let account = builder.build();
/// assert_eq!(account.grants[0].operations, ["Decrypt"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// ARN of the key.
    pub key: String,
    /// Its id.
    pub id: String,
    /// ARN of the grantee, or a service principal.
    pub grantee: String,
    /// `Decrypt`, `GenerateDataKey` …
    pub operations: Vec<String>,
    /// Whether it needs an encryption context.
    pub constrained: bool,
}

/// Share of a resource without a policy.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.fact("ec2:snapshotpermission", "us-east-1", "snap-1", r#"[{"Group": "all"}]"#);
/// let share = &builder.build().shares[0];
/// assert_eq!((share.with.as_str(), share.what.as_str()), ("*", "copy"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share {
    /// ARN of what is shared.
    pub arn: String,
    /// Kind of fact, `s3:bucketacl`.
    pub kind: String,
    /// Account or ARN that it is shared with, `*` for everybody, or `authenticated` for everybody
    /// who has an AWS account.
    pub with: String,
    /// Permission, e.g. `READ`, `copy`.
    pub what: String,
}

impl Account<'_> {
    /// Numbers of the principals that an ARN or a name means (`alice`, `role/build`).
    pub fn principals_named(&self, name: &str) -> Vec<usize> {
        let is = |p: &IamPrincipal| {
            p.arn == name || p.name == name || p.arn.ends_with(&format!(":{name}"))
        };
        (0..self.principals.len())
            .filter(|n| is(&self.principals[*n]))
            .collect()
    }

    /// The number of a principal, by its ARN, or its name where that is enough.
    ///
    /// # Errors
    /// When there is none, or several.
    pub fn principal(&self, name: &str) -> Result<usize, String> {
        match self.principals_named(name).as_slice() {
            [one] => Ok(*one),
            [] => Err(format!(
                "there is no user or role {name} in account {}",
                self.id
            )),
            several => {
                let arns = several.iter().map(|n| self.principals[*n].arn.as_str());
                let arns: Vec<&str> = arns.collect();
                Err(format!("{name} is several: {}", arns.join(", ")))
            }
        }
    }

    /// Whether all users and roles are there, so that a unique id that is none of theirs is
    /// nobody's here.
    pub(crate) fn knows_principals(&self) -> bool {
        let unread = |kind: &str| self.unread_facts.iter().any(|h| h.kind == kind);
        self.principals_read && !unread("iam:user") && !unread("iam:role")
    }

    /// Whether a bucket with a public policy is for its own account only.
    pub(crate) fn restricts_public_buckets(&self, arn: &str) -> bool {
        let bucket = arn
            .trim_start_matches("arn:aws:s3:::")
            .split('/')
            .next()
            .unwrap_or_default();
        self.restricted_buckets
            .iter()
            .any(|b| b == "*" || b == bucket)
    }

    /// Whether public ACLs of a bucket count for nothing.
    pub(crate) fn ignores_acls(&self, bucket: &str) -> bool {
        self.acls_off.contains(bucket) || self.acls_ignored.iter().any(|b| b == "*" || b == bucket)
    }
}

/// An account.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Tri};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///         "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "s3:Get*", "Resource": "*"}}}]}]}"#,
/// )?;
/// let account = builder.build();
/// let bob = account.principal("bob").unwrap();
/// assert_eq!(account.may(bob, "s3:GetObject", "arn:aws:s3:::logs/a").verdict, Tri::Yes);
/// assert_eq!(account.may(bob, "s3:PutObject", "arn:aws:s3:::logs/a").verdict, Tri::No);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub struct Account<'a> {
    /// Twelve digits.
    pub id: String,
    /// The table that its policies were compiled with.
    pub actions: &'a Actions,
    /// All documents; each text once.
    pub documents: Vec<PolicyDocument>,
    /// Users and roles, by ARN.
    pub principals: Vec<IamPrincipal>,
    /// Groups, by ARN.
    pub groups: Vec<IamGroup>,
    /// Things that run with a role.
    pub role_consumers: Vec<RoleConsumer>,
    /// Kinds of role consumers that were read: others may exist.
    pub role_consumers_read: Vec<String>,
    /// Policies of resources.
    pub resources: Vec<ResourceWithPolicy>,
    /// Versions of managed policies that are not the default: ARN of the policy, document.
    pub versions: Vec<(DocumentId, DocumentId)>,
    /// Whether it is in an organization, and where.
    pub membership: Membership,
    /// Root, units and account that the levels of `scp` and `rcp` belong to, as far as that is
    /// known.
    pub(crate) control_nodes: ControlNodes,
    /// Service control policies, level by level, root first. Empty: taken as allowing everything.
    pub scp: Vec<Vec<DocumentId>>,
    /// Resource control policies, likewise.
    pub rcp: Vec<Vec<DocumentId>>,
    /// Whether these are all that reach the account.
    pub controls: Controls,
    /// Grants of KMS keys, as far as they were read.
    pub grants: Vec<Grant>,
    /// Shares without a policy: by ACLs, attributes, share lists.
    pub shares: Vec<Share>,
    /// Buckets whose public policies are for their own account only; `*` stands for all of them.
    pub restricted_buckets: Vec<String>,
    /// Buckets whose ACLs count for nothing (BucketOwnerEnforced).
    pub(crate) acls_off: BTreeSet<String>,
    /// Regions in which snapshots of volumes are for nobody outside, whatever they are shared with
    /// (block-all-sharing).
    pub(crate) snapshots_not_public: BTreeSet<String>,
    /// Whether S3 ignores public ACLs in the whole account, or in these buckets.
    pub acls_ignored: Vec<String>,
    /// Accounts of the organization with their names, where its list was read; and its id.
    pub organization: (BTreeMap<String, String>, Option<String>),
    /// Services and people of the whole organization, as far as this account shows them.
    pub central: CentralFacts,
    /// Facts that were not read: they may exist.
    pub unread_facts: Vec<UnreadFact>,
    /// Kinds of facts and regions that were asked for; none where everything was.
    pub(crate) asked: Option<BTreeSet<(String, String)>>,
    /// Facts that are known not to be there, by kind and id.
    pub(crate) absent: BTreeSet<(String, String)>,
    /// Regions that are switched off: there is nothing in them.
    pub(super) regions_off: BTreeSet<String>,
    /// Problems while reading, as sentences.
    pub unknown: Vec<String>,
    /// When it was read, in seconds since 1970.
    pub time_s: Option<f64>,
    /// Names of its buckets; none when their list was not read.
    pub buckets: Option<BTreeSet<String>>,
    /// Buckets of which it was read whether tags count in conditions (attribute-based access
    /// control).
    pub(crate) abac_buckets: BTreeMap<String, bool>,
    /// VPC endpoints by id, `vpce-1a2b3c4d`, with their policies; none: it could not be understood.
    pub endpoints: BTreeMap<String, Option<DocumentId>>,
    /// Tags of buckets.
    pub(crate) bucket_tags: BTreeMap<String, BTreeMap<String, String>>,
    /// Unique ids of its users and roles.
    pub ids: BTreeSet<String>,
    /// Whether all users and roles were read.
    pub(super) principals_read: bool,
}

/// Services and people that reach all accounts of an organization: seen from its management
/// account or a delegated administrator.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// let id = "444455556666/sso.amazonaws.com";
/// builder.fact("organizations:delegatedservice", "global", id, "{}");
/// let delegated = &builder.build().central.delegated;
/// assert!(delegated.contains(&("444455556666".to_owned(), "sso.amazonaws.com".to_owned())));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CentralFacts {
    /// Account id of the management account.
    pub management: Option<String>,
    /// Services with trusted access, `sso.amazonaws.com`.
    pub trusted_services: BTreeSet<String>,
    /// Accounts that manage a service for the organization, with the service.
    pub delegated: BTreeSet<(String, String)>,
    /// Whether there is an instance of Identity Center.
    pub has_identity_center: bool,
    /// Names of permission sets of Identity Center, by ARN.
    pub permission_sets: BTreeMap<String, String>,
    /// Permission sets with the policy `AdministratorAccess`, by ARN.
    pub administrator_sets: BTreeSet<String>,
    /// Permission sets that people have in accounts.
    pub assignments: BTreeSet<AccountAssignment>,
}

/// A permission set that a user or group of Identity Center has in an account.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// let id = "arn:aws:sso:::permissionSet/ssoins-1/ps-1/444455556666/GROUP/g-1";
/// builder.fact("sso:accountassignment", "us-east-1", id, "{}");
/// let account = builder.build();
/// let one = account.central.assignments.first().unwrap();
/// assert_eq!((one.account.as_str(), one.subject.id.as_str()), ("444455556666", "g-1"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountAssignment {
    /// ARN of the permission set.
    pub permission_set: String,
    /// Account id.
    pub account: String,
    /// Whom it is for.
    pub subject: WorkforceSubject,
}

/// A user or group of Identity Center.
///
/// ```
/// use bartizan_iam::WorkforceSubject;
/// let group = WorkforceSubject { is_group: true, id: "g-1".to_owned() };
/// assert!(group > WorkforceSubject { is_group: false, id: "u-1".to_owned() });
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkforceSubject {
    /// Group, or user.
    pub is_group: bool,
    /// Its id in the identity store.
    pub id: String,
}

/// Ids of the roots, units and accounts whose policies are the levels of an account.
#[derive(Debug, Clone, Default)]
pub(crate) struct ControlNodes {
    pub(crate) scp: Vec<String>,
    pub(crate) rcp: Vec<String>,
}

/// Place of an account in an organization.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Membership};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.fact("organizations:organization", "global", "organization", r#"{"Id": "o-1"}"#);
/// let member = Membership::Member { organization: "o-1".to_owned(), path: None };
/// assert_eq!(builder.build().membership, member);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Membership {
    /// Nobody asked, or it could not be read.
    #[default]
    Unknown,
    /// In no organization.
    Alone,
    /// In an organization.
    Member {
        /// `o-exampleorgid`.
        organization: String,
        /// `o-exampleorgid/r-ab12/ou-ab12-11111111/`, where the tree was read.
        path: Option<String>,
    },
}

/// Knowledge of the organization's policies that bind an account (SCPs, RCPs).
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Controls};
/// let builder = AccountBuilder::new("111122223333", Actions::builtin());
/// // Nobody said that there is an organization.
/// assert_eq!(builder.build().controls, Controls::NotAsked);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Controls {
    /// All of them, or that there are none.
    Read,
    /// The account is in an organization, or may be, and its policies could not be read, for this
    /// reason: they may deny anything.
    Unread(String),
    /// Nobody asked: taken as allowing everything.
    #[default]
    NotAsked,
}
