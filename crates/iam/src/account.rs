//! An account as the analysis sees it: principals with what they hold, and what is there to be taken over.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::actions::Actions;
use crate::engine::{Compiled, Compiler};
use crate::holes::Hole;
use crate::places::resource_arn;
use crate::policy::{Policy, PolicyError, parse};
use crate::arn::Arn;
use crate::request::{Side};

/// A policy of the account: what it is called, as written, and compiled.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob", "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}}]}]}"#,
/// )?;
/// let account = builder.build();
/// assert_eq!(account.documents[0].name, "user/bob/p");
/// assert_eq!(account.documents[0].policy.statements.len(), 1);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug)]
pub struct Document {
    /// ARN of a managed policy; `user/alice/inline` of an inline one.
    pub name: String,
    /// Where it stands.
    pub side: Side,
    /// As written.
    pub policy: Policy,
    /// For evaluation.
    pub compiled: Compiled,
}

/// Number of a [`Document`].
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, DocumentId};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob", "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}}]}]}"#,
/// )?;
/// let account = builder.build();
/// let of_bob: &[DocumentId] = &account.principals[0].policies;
/// assert_eq!(account.documents[of_bob[0] as usize].name, "user/bob/p");
/// # Ok::<(), serde_json::Error>(())
/// ```
pub type DocumentId = u32;

/// What a principal is.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, PrincipalKind};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob", "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}}]}]}"#,
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
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob", "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}}]}]}"#,
/// )?;
/// let bob = &builder.build().principals[0];
/// assert_eq!((bob.name.as_str(), bob.boundary), ("bob", None));
/// // Nobody said how many access keys there are, which is not the same as none.
/// assert_eq!(bob.keys, None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug)]
pub struct Identity {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// User or role.
    pub kind: PrincipalKind,
    /// Identity policies: its own and those of its groups.
    pub policies: Vec<DocumentId>,
    /// Managed policies attached to it or its groups, by number; those that it could rewrite are among them.
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
    /// Policies that it has and that could not be read, by name: what it may do is not wholly known.
    pub unread: Vec<String>,
    /// Its unique id, `AIDA…` or `AROA…`; none when that was not read.
    pub id: Option<String>,
}

/// A group.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"GroupDetailList": [{"GroupName": "ops", "Arn": "arn:aws:iam::111122223333:group/ops", "GroupPolicyList": []}]}"#,
/// )?;
/// assert_eq!(builder.build().groups[0].arn, "arn:aws:iam::111122223333:group/ops");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Group {
    /// Its ARN.
    pub arn: String,
    /// Its policies.
    pub policies: Vec<DocumentId>,
    /// Its managed policies.
    pub managed: Vec<DocumentId>,
}

/// Something that runs with a role: an instance, a function, a stack …
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.holder("lambda", "arn:aws:lambda:us-east-1:111122223333:function:f", "arn:aws:iam::111122223333:role/build");
/// assert_eq!(builder.build().holders[0].kind, "lambda");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// `ec2`, `lambda`, `glue-endpoint` …: a word of [`crate::HOLDERS`].
    pub kind: String,
    /// Its ARN.
    pub arn: String,
    /// ARN of the role.
    pub role: String,
}

/// Something with a policy of its own.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.resource(
///     "s3:bucketpolicy",
///     "arn:aws:s3:::site",
///     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}}"#,
/// );
/// assert_eq!(builder.build().resources[0].arn, "arn:aws:s3:::site");
/// ```
#[derive(Debug)]
pub struct Resource {
    /// Its ARN.
    pub arn: String,
    /// Kind of fact, `s3:bucketpolicy`.
    pub kind: String,
    /// The policy.
    pub policy: DocumentId,
}

/// A grant of a KMS key: a way to use it beside all policies (KMS developer guide, "Grants in AWS KMS").
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// let grant = r#"{"GrantId": "g", "GranteePrincipal": "arn:aws:iam::111122223333:role/r", "Operations": ["Decrypt"]}"#;
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
    /// ARN of who may, or the name of a service.
    pub grantee: String,
    /// `Decrypt`, `GenerateDataKey` …
    pub operations: Vec<String>,
    /// Only with some encryption context.
    pub constrained: bool,
}

/// Something that is shared without a policy.
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
    /// With whom: an account, `*`, or `authenticated` for everybody who has an AWS account.
    pub with: String,
    /// What they may do: `READ`, `restore`.
    pub what: String,
}

impl Account<'_> {
    /// Whether all users and roles are there, so that a unique id that is none of theirs is nobody's here.
    pub(crate) fn knows_principals(&self) -> bool {
        let unread = |kind: &str| self.holes.iter().any(|h| h.kind == kind);
        self.principals_read && !unread("iam:user") && !unread("iam:role")
    }

    /// Whether a bucket with a public policy is for its own account only.
    pub(crate) fn restricts_public_buckets(&self, arn: &str) -> bool {
        let bucket = arn.trim_start_matches("arn:aws:s3:::").split('/').next().unwrap_or_default();
        self.restricted_buckets.iter().any(|b| b == "*" || b == bucket)
    }

    /// Whether public ACLs of a bucket count for nothing.
    pub(crate) fn ignores_acls(&self, bucket: &str) -> bool {
        self.acls_ignored.iter().any(|b| b == "*" || b == bucket)
    }
}

/// An account.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Tri};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob", "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}}]}]}"#,
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
    pub documents: Vec<Document>,
    /// Users and roles, by ARN.
    pub principals: Vec<Identity>,
    /// Groups, by ARN.
    pub groups: Vec<Group>,
    /// What holds roles.
    pub holders: Vec<Holder>,
    /// Kinds of holders that were read: of the others it is not known what there is.
    pub holders_read: Vec<String>,
    /// Policies of resources.
    pub resources: Vec<Resource>,
    /// Versions of managed policies that are not the default: ARN of the policy, document.
    pub versions: Vec<(DocumentId, DocumentId)>,
    /// Service control policies, level by level, root first. Empty: taken as allowing everything.
    pub scp: Vec<Vec<DocumentId>>,
    /// Resource control policies, likewise.
    pub rcp: Vec<Vec<DocumentId>>,
    /// Whether these are all that reach the account.
    pub controls: Controls,
    /// Grants of KMS keys, as far as they were read.
    pub grants: Vec<Grant>,
    /// What is shared without a policy: by ACLs, attributes, share lists.
    pub shares: Vec<Share>,
    /// Buckets whose public policies are for their own account only; `*` stands for all of them.
    pub restricted_buckets: Vec<String>,
    /// Whether S3 ignores public ACLs in the whole account, or in these buckets.
    pub acls_ignored: Vec<String>,
    /// Accounts of the organization with their names, where its list was read; and its id.
    pub organization: (BTreeMap<String, String>, Option<String>),
    /// What was not read: what is absent of it may be there.
    pub holes: Vec<Hole>,
    /// Kinds of facts and regions that were asked for; none where everything was.
    pub(crate) asked: Option<BTreeSet<(String, String)>>,
    /// Facts that are known not to be there, by kind and id.
    pub(crate) absent: BTreeSet<(String, String)>,
    /// Regions that are switched off: there is nothing in them.
    pub(crate) regions_off: BTreeSet<String>,
    /// What could not be read, as sentences.
    pub unknown: Vec<String>,
    /// When it was read, in seconds since 1970.
    pub time_s: Option<f64>,
    /// Names of its buckets; none when their list was not read.
    pub buckets: Option<BTreeSet<String>>,
    /// Unique ids of its users and roles.
    pub ids: BTreeSet<String>,
    /// Whether all users and roles were read.
    principals_read: bool,
}

/// What is known of the policies of the organization that reach an account (SCPs, RCPs).
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
    /// The account is in an organization, or may be, and its policies could not be read, for this reason: they may deny anything.
    Unread(String),
    /// Nobody asked: taken as allowing everything.
    #[default]
    NotAsked,
}

/// A document and where it stands.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inline<'a> {
    policy_name: String,
    #[serde(borrow)]
    policy_document: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attached {
    policy_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Boundary {
    permissions_boundary_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Profile {
    arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Detail<'a> {
    #[serde(alias = "UserName", alias = "RoleName", alias = "GroupName")]
    name: String,
    arn: String,
    #[serde(alias = "UserId", alias = "RoleId", alias = "GroupId")]
    id: Option<String>,
    #[serde(borrow, default, alias = "UserPolicyList", alias = "RolePolicyList", alias = "GroupPolicyList")]
    inline: Vec<Inline<'a>>,
    #[serde(default)]
    attached_managed_policies: Vec<Attached>,
    #[serde(default)]
    group_list: Vec<String>,
    permissions_boundary: Option<Boundary>,
    #[serde(borrow)]
    assume_role_policy_document: Option<&'a RawValue>,
    #[serde(default)]
    instance_profile_list: Vec<Profile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Version<'a> {
    #[serde(borrow)]
    document: Option<&'a RawValue>,
    #[serde(default)]
    is_default_version: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Managed<'a> {
    arn: String,
    #[serde(borrow, default)]
    policy_version_list: Vec<Version<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Details<'a> {
    #[serde(borrow, default)]
    user_detail_list: Vec<Detail<'a>>,
    #[serde(borrow, default)]
    group_detail_list: Vec<Detail<'a>>,
    #[serde(borrow, default)]
    role_detail_list: Vec<Detail<'a>>,
    #[serde(borrow, default)]
    policies: Vec<Managed<'a>>,
}

/// Puts an account together from what AWS said about it, in any order.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob", "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}}]}]}"#,
/// )?;
/// builder.absent("s3:bucketpolicy", "site");
/// let account = builder.build();
/// assert_eq!(account.principals.len(), 1);
/// assert_eq!(account.hole("s3:bucketpolicy", "global", "site"), None);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub struct AccountBuilder<'a> {
    account: Account<'a>,
    compiler: Compiler<'a>,
    /// Documents by side and text.
    texts: HashMap<(Side, String), DocumentId>,
    /// Managed policies by ARN.
    managed: HashMap<String, DocumentId>,
    /// By ARN: inline documents, ARNs of managed ones, names of groups, ARN of the boundary.
    pending: HashMap<String, Pending>,
    groups: HashMap<String, Pending>,
    group_arns: HashMap<String, String>,
    /// Instance profile to role.
    profiles: HashMap<String, String>,
    versions: Vec<(String, DocumentId)>,
    keys: HashMap<String, u8>,
    logins: HashMap<String, bool>,
    keys_read: bool,
    logins_read: bool,
}

#[derive(Default)]
struct Pending {
    kind: Option<PrincipalKind>,
    name: String,
    inline: Vec<DocumentId>,
    managed: Vec<String>,
    groups: Vec<String>,
    boundary: Option<String>,
    trust: Option<DocumentId>,
    unread: Vec<String>,
    id: Option<String>,
}

impl<'a> AccountBuilder<'a> {
    /// An account of which nothing is known yet, and of which nothing was read but what [`AccountBuilder::read`] tells.
    pub fn of_snapshot(id: &str, actions: &'a Actions) -> Self {
        let mut builder = Self::new(id, actions);
        builder.account.asked = Some(BTreeSet::new());
        builder
    }

    /// An account of which all is known that it will be told: what it is not told is not there.
    pub fn new(id: &str, actions: &'a Actions) -> Self {
        Self {
            account: Account {
                id: id.to_owned(),
                actions,
                documents: Vec::new(),
                principals: Vec::new(),
                groups: Vec::new(),
                holders: Vec::new(),
                holders_read: Vec::new(),
                resources: Vec::new(),
                versions: Vec::new(),
                scp: Vec::new(),
                rcp: Vec::new(),
                controls: Controls::default(),
                grants: Vec::new(),
                shares: Vec::new(),
                restricted_buckets: Vec::new(),
                acls_ignored: Vec::new(),
                organization: Default::default(),
                holes: Vec::new(),
                asked: None,
                absent: BTreeSet::new(),
                regions_off: BTreeSet::new(),
                unknown: Vec::new(),
                time_s: None,
                buckets: None,
                ids: BTreeSet::new(),
                principals_read: false,
            },
            compiler: Compiler::new(actions),
            texts: HashMap::new(),
            managed: HashMap::new(),
            pending: HashMap::new(),
            groups: HashMap::new(),
            group_arns: HashMap::new(),
            profiles: HashMap::new(),
            versions: Vec::new(),
            keys: HashMap::new(),
            logins: HashMap::new(),
            keys_read: false,
            logins_read: false,
        }
    }

    /// Adds an answer of `iam:GetAccountAuthorizationDetails`.
    ///
    /// # Errors
    /// When it is none. Policies in it that cannot be read are noted instead.
    pub fn authorization_details(&mut self, json: &str) -> Result<(), serde_json::Error> {
        let details: Details<'_> = serde_json::from_str(json)?;
        for managed in details.policies {
            for version in managed.policy_version_list {
                if let Some(raw) = version.document {
                    self.managed(&managed.arn, raw.get(), version.is_default_version);
                }
            }
        }
        for group in details.group_detail_list {
            self.group(&group);
        }
        for (kind, list) in [(PrincipalKind::User, details.user_detail_list), (PrincipalKind::Role, details.role_detail_list)] {
            list.iter().for_each(|detail| self.principal(kind, detail));
        }
        self.account.principals_read = true;
        Ok(())
    }

    /// Adds a fact of a snapshot: its kind, region, id, and document. Kinds that have no say here are passed over.
    pub fn fact(&mut self, kind: &str, region: &str, id: &str, document: &str) {
        let account = self.account.id.clone();
        let (owner, rest) = id.split_once('/').unwrap_or((id, ""));
        let user = |name: &str| format!("arn:aws:iam::{account}:user/{name}");
        match kind {
            "iam:user" | "iam:role" | "iam:group" => match serde_json::from_str::<Detail<'_>>(document) {
                Ok(detail) if kind == "iam:group" => self.group(&detail),
                Ok(detail) => self.principal(if kind == "iam:user" { PrincipalKind::User } else { PrincipalKind::Role }, &detail),
                Err(e) => self.account.unknown.push(format!("{kind} {id}: {e}")),
            },
            "iam:userpolicy" | "iam:rolepolicy" | "iam:grouppolicy" => {
                let what = kind.trim_start_matches("iam:").trim_end_matches("policy");
                let document = self.document(&format!("{what}/{id}"), document, Side::Identity);
                let key = format!("{what}/{owner}");
                let pending = self.pending.entry(key).or_default();
                match document {
                    Some(number) => pending.inline.push(number),
                    None => pending.unread.push(rest.to_owned()),
                }
            }
            "iam:useringroup" => self.pending.entry(format!("user/{owner}")).or_default().groups.push(rest.to_owned()),
            "iam:assumerolepolicy" => {
                let trust = self.document(&format!("trust policy of role/{id}"), document, Side::Resource);
                self.pending.entry(format!("role/{id}")).or_default().trust = trust;
            }
            "iam:managedpolicy" => self.managed(id, document, true),
            "iam:policyversion" => {
                let arn = id.rsplit_once('/').map_or(id, |(arn, _)| arn);
                self.managed(arn, document, false);
            }
            "iam:accesskey" => *self.keys.entry(owner.to_owned()).or_default() += 1,
            "iam:loginprofile" => {
                self.logins.insert(user(id), !document.contains("\"absent\""));
            }
            "lambda:function" => {
                if let Some(role) = text_at(document, "/Role") {
                    let arn = text_at(document, "/FunctionArn").unwrap_or_else(|| id.to_owned());
                    self.holder("lambda", &arn, &role);
                }
            }
            "ec2:launchtemplateversion" => {
                let profile = ["/LaunchTemplateData/IamInstanceProfile/Arn", "/LaunchTemplateData/IamInstanceProfile/Name"];
                if let Some(profile) = profile.iter().find_map(|path| text_at(document, path)) {
                    self.holder("launch-template", &format!("arn:aws:ec2:{region}:{account}:launch-template/{owner}"), &profile);
                }
            }
            "ec2:instance" => {
                if let Some(profile) = text_at(document, "/IamInstanceProfile/Arn") {
                    let arn = format!("arn:aws:ec2:{region}:{account}:instance/{id}");
                    // The role of the profile is looked up in the end.
                    self.holder("ec2", &arn, &profile);
                }
            }
            "s3:bucketpublicaccessblock" | "s3:accountpublicaccessblock" => {
                let name = if kind == "s3:bucketpublicaccessblock" { id } else { "*" };
                let on = |field: &str| bool_at(document, field);
                if on("RestrictPublicBuckets") {
                    self.account.restricted_buckets.push(name.to_owned());
                }
                if on("IgnorePublicAcls") {
                    self.account.acls_ignored.push(name.to_owned());
                }
            }
            "kms:grant" => {
                let value: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
                let operations = value["Operations"].as_array().into_iter().flatten().filter_map(|o| o.as_str().map(str::to_owned));
                let key = if owner.starts_with("arn:") {
                    owner.to_owned()
                } else {
                    format!("arn:aws:kms:{region}:{account}:key/{owner}")
                };
                let grant = Grant {
                    // An ARN of a key holds a slash itself.
                    key: value["KeyId"].as_str().filter(|k| k.starts_with("arn:")).map_or(key, str::to_owned),
                    id: value["GrantId"].as_str().unwrap_or(id).to_owned(),
                    grantee: value["GranteePrincipal"].as_str().unwrap_or_default().to_owned(),
                    operations: operations.collect(),
                    constrained: value["Constraints"].as_object().is_some_and(|c| !c.is_empty()),
                };
                self.account.grants.push(grant);
            }
            "organizations:account" => {
                let (name, number) = (text_at(document, "/Name"), text_at(document, "/Id").unwrap_or_else(|| id.to_owned()));
                self.account.organization.0.insert(number, name.unwrap_or_default());
            }
            "organizations:organization" => self.account.organization.1 = text_at(document, "/Id"),
            "s3:bucket" => {
                self.account.buckets.get_or_insert_default().insert(id.to_owned());
            }
            "s3:bucketacl" => self.bucket_acl(id, document),
            "ec2:snapshotpermission" | "ec2:imagepermission" => {
                let what = if kind == "ec2:snapshotpermission" { "snapshot" } else { "image" };
                let value: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
                // The attribute is a list of permissions.
                for one in value.as_array().into_iter().flatten() {
                    let named = ["UserId", "OrganizationArn", "OrganizationalUnitArn"].iter().find_map(|n| one[*n].as_str());
                    if let Some(with) = if one["Group"] == "all" { Some("*") } else { named } {
                        self.share(kind, format!("arn:aws:ec2:{region}:{account}:{what}/{id}"), with, "copy");
                    }
                }
            }
            "lambda:functionurl" if document.contains("\"NONE\"") => {
                let name = id.split(':').next().unwrap_or(id);
                self.share(
                    kind,
                    format!("arn:aws:lambda:{region}:{account}:function:{name}"),
                    "*",
                    "call its URL, where its policy allows",
                );
            }
            _ => {
                if let Some(arn) = resource_arn(kind, region, &account, id) {
                    self.resource(kind, &arn, document);
                }
            }
        }
    }

    fn share(&mut self, kind: &str, arn: String, with: &str, what: &str) {
        self.account.shares.push(Share { arn, kind: kind.to_owned(), with: with.to_owned(), what: what.to_owned() });
    }

    /// Grants of an ACL to groups that anybody is in.
    fn bucket_acl(&mut self, bucket: &str, document: &str) {
        let value: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
        for grant in value["Grants"].as_array().into_iter().flatten() {
            let with = match grant["Grantee"]["URI"].as_str().and_then(|u| u.rsplit('/').next()) {
                Some("AllUsers") => "*",
                Some("AuthenticatedUsers") => "authenticated",
                _ => continue,
            };
            self.share("s3:bucketacl", format!("arn:aws:s3:::{bucket}"), with, grant["Permission"].as_str().unwrap_or("?"));
        }
    }

    /// Notes that a snapshot has read a kind of fact in a region, so that where there is none there is none.
    pub fn read(&mut self, kind: &str, region: &str) {
        match kind {
            "iam:accesskey" => self.keys_read = true,
            "iam:loginprofile" => self.logins_read = true,
            "iam:user" | "iam:role" => self.account.principals_read = true,
            "s3:bucket" => {
                self.account.buckets.get_or_insert_default();
            }
            "lambda:function" => self.account.holders_read.push("lambda".to_owned()),
            "ec2:instance" => self.account.holders_read.push("ec2".to_owned()),
            "ec2:launchtemplateversion" => self.account.holders_read.push("launch-template".to_owned()),
            _ => {}
        }
        self.asked(kind, region);
    }

    /// Notes when the account was read, in seconds since 1970.
    pub fn time(&mut self, seconds: f64) {
        self.account.time_s = Some(seconds);
    }

    fn asked(&mut self, kind: &str, region: &str) {
        if let Some(asked) = &mut self.account.asked {
            asked.insert((kind.to_owned(), region.to_owned()));
        }
    }

    /// Notes what was not read.
    pub fn unread(&mut self, hole: Hole) {
        self.asked(&hole.kind, &hole.region);
        self.account.holes.push(hole);
    }

    /// Notes that a fact is not there, as AWS said.
    pub fn absent(&mut self, kind: &str, id: &str) {
        self.account.absent.insert((kind.to_owned(), id.to_owned()));
    }

    /// Notes that a region is switched off.
    pub fn region_off(&mut self, region: &str) {
        self.account.regions_off.insert(region.to_owned());
    }

    /// Adds something that runs with a role.
    pub fn holder(&mut self, kind: &str, arn: &str, role: &str) {
        self.account.holders.push(Holder { kind: kind.to_owned(), arn: arn.to_owned(), role: role.to_owned() });
        if !self.account.holders_read.iter().any(|k| k == kind) {
            self.account.holders_read.push(kind.to_owned());
        }
    }

    /// Adds the policy of a resource.
    pub fn resource(&mut self, kind: &str, arn: &str, document: &str) {
        match self.document(arn, document, Side::Resource) {
            Some(policy) => self.account.resources.push(Resource { arn: arn.to_owned(), kind: kind.to_owned(), policy }),
            None => {
                let region = Arn::parse(arn).map(|a| a.region).filter(|r| !r.is_empty()).unwrap_or("global").to_owned();
                let (kind, id, why) = (kind.to_owned(), arn.to_owned(), "it cannot be understood".to_owned());
                self.unread(Hole { kind, region, id, call: String::new(), why });
            }
        }
    }

    /// Adds a level of service control policies, root first.
    pub fn scp_level(&mut self, policies: &[(&str, &str)]) {
        let level = policies.iter().filter_map(|(name, text)| self.document(name, text, Side::Scp)).collect();
        self.account.scp.push(level);
    }

    /// Adds a level of resource control policies, root first.
    pub fn rcp_level(&mut self, policies: &[(&str, &str)]) {
        let level = policies.iter().filter_map(|(name, text)| self.document(name, text, Side::Rcp)).collect();
        self.account.rcp.push(level);
    }

    /// Notes what is known of the policies of the organization which reach the account.
    pub fn controls(&mut self, controls: Controls) {
        self.account.controls = controls;
    }

    /// Notes something that could not be read.
    pub fn unknown(&mut self, what: String) {
        self.account.unknown.push(what);
    }

    fn document(&mut self, name: &str, text: &str, side: Side) -> Option<DocumentId> {
        let text = document_text(text);
        if let Some(number) = self.texts.get(&(side, text.as_ref().to_owned())) {
            // The same text under another name, as managed policies never are: keep it once, where it is short of a name.
            if self.account.documents[*number as usize].name == name {
                return Some(*number);
            }
        }
        match self.compiled(&text, side) {
            Ok((policy, compiled)) => {
                let number = self.account.documents.len() as DocumentId;
                self.account.documents.push(Document { name: name.to_owned(), side, policy, compiled });
                self.texts.insert((side, text.into_owned()), number);
                Some(number)
            }
            Err(e) => {
                self.account.unknown.push(format!("{name}: {e}"));
                None
            }
        }
    }

    fn compiled(&mut self, text: &str, side: Side) -> Result<(Policy, Compiled), PolicyError> {
        let policy = parse(text)?;
        let compiled = self.compiler.compile(&policy, side);
        Ok((policy, compiled))
    }

    fn managed(&mut self, arn: &str, text: &str, default: bool) {
        let Some(number) = self.document(arn, text, Side::Identity) else { return };
        if default {
            self.managed.insert(arn.to_owned(), number);
        } else {
            self.versions.push((arn.to_owned(), number));
        }
    }

    fn group(&mut self, detail: &Detail<'_>) {
        let (inline, unread) = self.inline("group", detail);
        self.group_arns.insert(detail.name.clone(), detail.arn.clone());
        let pending = self.groups.entry(detail.name.clone()).or_default();
        pending.unread.extend(unread);
        pending.inline.extend(inline);
        pending.managed.extend(detail.attached_managed_policies.iter().map(|a| a.policy_arn.clone()));
    }

    fn principal(&mut self, kind: PrincipalKind, detail: &Detail<'_>) {
        let word = if kind == PrincipalKind::User { "user" } else { "role" };
        let (inline, unread) = self.inline(word, detail);
        let trust = detail
            .assume_role_policy_document
            .and_then(|raw| self.document(&format!("trust policy of role/{}", detail.name), raw.get(), Side::Resource));
        for profile in &detail.instance_profile_list {
            self.profiles.insert(profile.arn.clone(), detail.arn.clone());
        }
        let pending = self.pending.entry(format!("{word}/{}", detail.name)).or_default();
        pending.kind = Some(kind);
        pending.name.clone_from(&detail.arn);
        pending.id.clone_from(&detail.id);
        pending.unread.extend(unread);
        pending.inline.extend(inline);
        pending.managed.extend(detail.attached_managed_policies.iter().map(|a| a.policy_arn.clone()));
        pending.groups.extend(detail.group_list.iter().cloned());
        pending.boundary = detail.permissions_boundary.as_ref().map(|b| b.permissions_boundary_arn.clone());
        pending.trust = trust.or(pending.trust);
    }

    /// Documents of inline policies, and the names of those that cannot be read.
    fn inline(&mut self, word: &str, detail: &Detail<'_>) -> (Vec<DocumentId>, Vec<String>) {
        let (mut read, mut unread) = (Vec::new(), Vec::new());
        for inline in &detail.inline {
            let name = format!("{word}/{}/{}", detail.name, inline.policy_name);
            match self.document(&name, inline.policy_document.get(), Side::Identity) {
                Some(number) => read.push(number),
                None => unread.push(name),
            }
        }
        (read, unread)
    }

    /// The account, with everything that belongs together put together.
    pub fn build(self) -> Account<'a> {
        let Self {
            mut account,
            mut compiler,
            managed,
            mut pending,
            mut groups,
            group_arns,
            profiles,
            versions,
            keys,
            logins,
            keys_read,
            logins_read,
            ..
        } = self;
        account.holes.sort();
        account.holes.dedup();
        // What was read in one region and not in another was not read.
        let unread = |kind: &str| account.holes.iter().any(|h| h.kind == kind);
        let holders = [("lambda:function", "lambda"), ("ec2:instance", "ec2"), ("ec2:launchtemplateversion", "launch-template")];
        let open: Vec<&str> = holders.iter().filter(|(kind, _)| unread(kind)).map(|(_, holder)| *holder).collect();
        account.holders_read.retain(|kind| !open.contains(&kind.as_str()));
        // Inline policies of groups that came as facts.
        for (key, inline) in pending.extract_if(|key, _| key.starts_with("group/")).collect::<Vec<_>>() {
            let group = groups.entry(key.trim_start_matches("group/").to_owned()).or_default();
            group.inline.extend(inline.inline);
            group.unread.extend(inline.unread);
        }
        let mut group_names: Vec<_> = groups.into_iter().collect();
        group_names.sort_by(|a, b| a.0.cmp(&b.0));
        let (mut group_numbers, mut group_unread) = (HashMap::new(), Vec::new());
        for (name, pending) in group_names {
            group_numbers.insert(name.clone(), account.groups.len() as u32);
            let attached: Vec<_> = pending.managed.iter().filter_map(|arn| managed.get(arn).copied()).collect();
            let missing = pending.managed.iter().filter(|arn| !managed.contains_key(*arn)).cloned();
            group_unread.push(pending.unread.iter().cloned().chain(missing).collect::<Vec<_>>());
            let arn = group_arns.get(&name).cloned().unwrap_or_else(|| format!("arn:aws:iam::{}:group/{name}", account.id));
            account.groups.push(Group { arn, policies: [pending.inline, attached.clone()].concat(), managed: attached });
        }
        let mut found: Vec<_> = pending.into_values().filter(|p| p.kind.is_some()).collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        for pending in found {
            let Some(kind) = pending.kind else { continue };
            let (mut policies, mut own, mut unread) = (pending.inline, Vec::new(), pending.unread);
            for arn in pending.managed {
                match managed.get(&arn) {
                    Some(number) => own.push(*number),
                    None => unread.push(arn),
                }
            }
            let mut in_groups = Vec::new();
            for name in &pending.groups {
                let Some(number) = group_numbers.get(name) else {
                    unread.push(format!("group {name}"));
                    continue;
                };
                in_groups.push(*number);
                unread.extend(group_unread[*number as usize].iter().cloned());
                let group = &account.groups[*number as usize];
                policies.extend(&group.policies);
                own.extend(&group.managed);
            }
            policies.extend(own.iter().copied());
            policies.sort_unstable();
            policies.dedup();
            let boundary = pending.boundary.as_ref().and_then(|arn| managed.get(arn).copied());
            if let (Some(arn), None) = (&pending.boundary, boundary) {
                unread.push(format!("boundary {arn}"));
            }
            let name = pending.name.rsplit('/').next().unwrap_or_default().to_owned();
            let is_user = kind == PrincipalKind::User;
            if !unread.is_empty() {
                account.unknown.push(format!("{}: not read: {}", pending.name, unread.join(", ")));
            }
            let known = |kind: &str, read: bool| is_user && read && account.hole(kind, "global", &format!("{name}/")).is_none();
            let (keys_read, logins_read) = (known("iam:accesskey", keys_read), known("iam:loginprofile", logins_read));
            account.principals.push(Identity {
                keys: keys_read.then(|| keys.get(&name).copied().unwrap_or(0)),
                login: is_user.then(|| logins.get(&pending.name).copied().or(logins_read.then_some(false))).flatten(),
                arn: pending.name,
                name,
                kind,
                policies,
                managed: own,
                groups: in_groups,
                boundary,
                trust: pending.trust,
                unread,
                id: pending.id,
            });
        }
        for holder in &mut account.holders {
            // A launch template may name the profile without the rest of its ARN.
            let named = || profiles.iter().find(|(arn, _)| arn.rsplit('/').next() == Some(&holder.role)).map(|(_, role)| role);
            if let Some(role) = profiles.get(&holder.role).or_else(named) {
                holder.role.clone_from(role);
            }
        }
        name_by_arn(&mut account, &mut compiler);
        account.versions = versions.into_iter().filter_map(|(arn, number)| Some((*managed.get(&arn)?, number))).collect();
        account
    }
}

/// Puts the ARN in place of the unique id where a policy names a user or role that is there: AWS keeps policies with the id,
/// and the same principal under one name and another would be two. An id that is nobody's stays (IAM user guide, "AWS JSON
/// policy elements: Principal": it does not match somebody who was made again under the same name).
fn name_by_arn(account: &mut Account<'_>, compiler: &mut Compiler<'_>) {
    let arns: HashMap<String, String> = account.principals.iter().filter_map(|p| Some((p.id.clone()?, p.arn.clone()))).collect();
    account.ids = arns.keys().cloned().collect();
    for document in account.documents.iter_mut().filter(|d| matches!(d.side, Side::Resource | Side::Rcp)) {
        if document.policy.name_by_arn(&|id| arns.get(id).cloned()) {
            document.compiled = compiler.compile(&document.policy, document.side);
        }
    }
}

/// A document is an object, or its text in quotes, or that percent-encoded (as the API answers).
fn document_text(text: &str) -> Cow<'_, str> {
    let unquoted: Option<String> = if text.starts_with('"') { serde_json::from_str(text).ok() } else { None };
    match unquoted {
        None => Cow::Borrowed(text),
        Some(text) if text.starts_with("%7B") || text.starts_with("%7b") => Cow::Owned(percent_decoded(&text)),
        Some(text) => Cow::Owned(text),
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = (*first == b'%').then(|| after.get(..2)).flatten();
        match hex.and_then(|h| u8::from_str_radix(std::str::from_utf8(h).ok()?, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn text_at(document: &str, pointer: &str) -> Option<String> {
    serde_json::from_str::<serde_json::Value>(document).ok()?.pointer(pointer)?.as_str().map(str::to_owned)
}

/// Whether a field of the document, or of its one member, is true.
fn bool_at(document: &str, field: &str) -> bool {
    let value: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    let inner = value.get("PublicAccessBlockConfiguration").unwrap_or(&value);
    inner[field] == true
}
