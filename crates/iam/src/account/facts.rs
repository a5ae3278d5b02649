//! Facts of a snapshot: a handler for each kind that has a say here.

use serde_json::Value;

use super::build::AccountBuilder;
use super::details::PrincipalDetail;
use super::model::{
    AccountAssignment, Grant, Membership, PrincipalKind, Share, UnreadPolicy, WorkforceSubject,
};
use crate::arn::Arn;
use crate::request::PolicyGrammar;
use crate::resource_policies::resource_arn;

/// One fact: kind, region, id, document.
struct AccountFact<'f> {
    /// `iam:user`, `s3:bucketacl`.
    kind: &'f str,
    region: &'f str,
    /// `alice/inline-1`, `bucket-1`.
    id: &'f str,
    document: &'f str,
}

impl<'f> AccountFact<'f> {
    /// The id before its first slash: the user of `alice/inline-1`.
    fn owner(&self) -> &'f str {
        self.id.split_once('/').map_or(self.id, |(owner, _)| owner)
    }

    /// The id behind its first slash.
    fn name(&self) -> &'f str {
        self.id.split_once('/').map_or("", |(_, name)| name)
    }

    fn json(&self) -> Value {
        serde_json::from_str(self.document).unwrap_or_default()
    }

    fn text(&self, pointer: &str) -> Option<String> {
        let value: Value = serde_json::from_str(self.document).ok()?;
        value.pointer(pointer)?.as_str().map(str::to_owned)
    }
}

/// How a share with a canonical user is told from one with an account.
pub(crate) const CANONICAL_USER: &str = "canonical user ";

/// End of the id of a fact: a permission set has this policy of AWS.
const ADMINISTRATOR_ACCESS: &str = "/arn:aws:iam::aws:policy/AdministratorAccess";

type FactHandler = fn(&mut AccountBuilder<'_>, &AccountFact<'_>);

/// Handlers by kind. Facts of other kinds may be policies of resources.
const HANDLERS: &[(&str, FactHandler)] = &[
    ("iam:user", |builder, fact| {
        builder.principal_fact(fact, Some(PrincipalKind::User))
    }),
    ("iam:role", |builder, fact| {
        builder.principal_fact(fact, Some(PrincipalKind::Role))
    }),
    ("iam:group", |builder, fact| {
        builder.principal_fact(fact, None)
    }),
    ("iam:userpolicy", |builder, fact| {
        builder.inline_policy(fact, "user")
    }),
    ("iam:rolepolicy", |builder, fact| {
        builder.inline_policy(fact, "role")
    }),
    ("iam:grouppolicy", |builder, fact| {
        builder.inline_policy(fact, "group")
    }),
    ("iam:useringroup", |builder, fact| {
        builder.group_member(fact)
    }),
    ("iam:assumerolepolicy", |builder, fact| {
        builder.trust_policy(fact)
    }),
    ("iam:managedpolicy", |builder, fact| {
        builder.managed(fact.id, fact.document, true)
    }),
    ("iam:policyversion", |builder, fact| {
        builder.policy_version(fact)
    }),
    ("iam:accesskey", |builder, fact| builder.access_key(fact)),
    ("iam:loginprofile", |builder, fact| {
        builder.login_profile(fact)
    }),
    ("lambda:function", |builder, fact| builder.function(fact)),
    ("lambda:functionurl", |builder, fact| {
        builder.function_url(fact)
    }),
    ("ec2:launchtemplateversion", |builder, fact| {
        builder.launch_template(fact)
    }),
    ("ec2:instance", |builder, fact| builder.instance(fact)),
    ("ec2:vpcendpointpolicy", |builder, fact| {
        let name = format!("policy of VPC endpoint {}", fact.id);
        let policy = builder.document(&name, fact.document, PolicyGrammar::Resource);
        builder.account.endpoints.insert(fact.id.to_owned(), policy);
    }),
    ("ec2:snapshotpermission", |builder, fact| {
        builder.launch_permission(fact, "snapshot")
    }),
    ("ec2:imagepermission", |builder, fact| {
        builder.launch_permission(fact, "image")
    }),
    ("s3:bucket", |builder, fact| builder.bucket(fact)),
    ("s3:buckettagging", |builder, fact| {
        builder.bucket_tagging(fact)
    }),
    ("s3:bucketabac", |builder, fact| {
        if let Some(status) = fact.text("") {
            let buckets = &mut builder.account.abac_buckets;
            buckets.insert(fact.id.to_owned(), status == "Enabled");
        }
    }),
    ("s3:bucketacl", |builder, fact| builder.bucket_acl(fact)),
    ("s3:bucketownershipcontrols", |builder, fact| {
        builder.ownership_controls(fact)
    }),
    ("s3:bucketreplication", |builder, fact| {
        builder.replication(fact)
    }),
    ("rds:dbsnapshotattributes", |builder, fact| {
        builder.database_snapshot(fact, "snapshot")
    }),
    ("rds:dbclustersnapshotattributes", |builder, fact| {
        builder.database_snapshot(fact, "cluster-snapshot")
    }),
    ("sns:subscription", |builder, fact| {
        builder.subscription(fact)
    }),
    ("events:target", |builder, fact| {
        builder.receiver(fact, "/Arn", ("events", "rule/"), "receive its events")
    }),
    ("logs:subscriptionfilter", |builder, fact| {
        let what = "receive its log events";
        builder.receiver(fact, "/destinationArn", ("logs", "log-group:"), what)
    }),
    ("ec2:vpcpeeringconnection", |builder, fact| {
        builder.peering(fact)
    }),
    ("ram:resource", |builder, fact| builder.ram(fact, "/arn")),
    ("ram:principal", |builder, fact| builder.ram(fact, "/id")),
    ("ec2:snapshotblockpublicaccess", |builder, fact| {
        if fact.text("/State").as_deref() == Some("block-all-sharing") {
            let regions = &mut builder.account.snapshots_not_public;
            regions.insert(fact.region.to_owned());
        }
    }),
    ("s3:bucketpublicaccessblock", |builder, fact| {
        builder.block_public_access(fact, fact.id)
    }),
    ("s3:accountpublicaccessblock", |builder, fact| {
        builder.block_public_access(fact, "*")
    }),
    ("kms:grant", |builder, fact| builder.key_grant(fact)),
    ("organizations:account", |builder, fact| {
        builder.member_account(fact)
    }),
    ("organizations:organization", |builder, fact| {
        builder.own_organization(fact)
    }),
    ("organizations:serviceaccess", |builder, fact| {
        let services = &mut builder.account.central.trusted_services;
        services.insert(fact.id.to_owned());
    }),
    ("organizations:delegatedservice", |builder, fact| {
        let delegated = &mut builder.account.central.delegated;
        delegated.insert((fact.owner().to_owned(), fact.name().to_owned()));
    }),
    ("sso:instance", |builder, _| {
        builder.account.central.has_identity_center = true;
    }),
    ("sso:permissionset", |builder, fact| {
        let sets = &mut builder.account.central.permission_sets;
        sets.insert(fact.id.to_owned(), fact.text("/Name").unwrap_or_default());
    }),
    ("sso:permissionsetmanagedpolicy", |builder, fact| {
        if let Some((set, _)) = fact.id.split_once(ADMINISTRATOR_ACCESS) {
            let sets = &mut builder.account.central.administrator_sets;
            sets.insert(set.to_owned());
        }
    }),
    ("sso:accountassignment", |builder, fact| {
        builder.account_assignment(fact)
    }),
];

impl AccountBuilder<'_> {
    /// Adds a fact of a snapshot: its kind, region, id, and document. Kinds that have no say here
    /// are passed over.
    pub fn fact(&mut self, kind: &str, region: &str, id: &str, document: &str) {
        let fact = AccountFact {
            kind,
            region,
            id,
            document,
        };
        if let Some((_, handler)) = HANDLERS.iter().find(|(known, _)| *known == kind) {
            handler(self, &fact);
        } else if let Some(arn) = resource_arn(kind, region, &self.account.id, id) {
            self.resource(kind, &arn, document);
        }
    }

    /// A user or role; a group where there is no kind.
    fn principal_fact(&mut self, fact: &AccountFact<'_>, kind: Option<PrincipalKind>) {
        match (
            serde_json::from_str::<PrincipalDetail<'_>>(fact.document),
            kind,
        ) {
            (Ok(detail), None) => self.group(&detail),
            (Ok(detail), Some(kind)) => self.principal(kind, &detail),
            (Err(e), _) => self
                .account
                .unknown
                .push(format!("{} {}: {e}", fact.kind, fact.id)),
        }
    }

    fn inline_policy(&mut self, fact: &AccountFact<'_>, of: &str) {
        let document = self.document(
            &format!("{of}/{}", fact.id),
            fact.document,
            PolicyGrammar::Identity,
        );
        let pending = self
            .pending
            .entry(format!("{of}/{}", fact.owner()))
            .or_default();
        match document {
            Some(number) => pending.inline.push(number),
            None => pending
                .unread
                .push(UnreadPolicy::Policy(fact.name().to_owned())),
        }
    }

    fn group_member(&mut self, fact: &AccountFact<'_>) {
        let pending = self
            .pending
            .entry(format!("user/{}", fact.owner()))
            .or_default();
        pending.groups.push(fact.name().to_owned());
    }

    fn trust_policy(&mut self, fact: &AccountFact<'_>) {
        let name = format!("trust policy of role/{}", fact.id);
        let trust = self.document(&name, fact.document, PolicyGrammar::Resource);
        self.pending
            .entry(format!("role/{}", fact.id))
            .or_default()
            .trust = trust;
    }

    fn policy_version(&mut self, fact: &AccountFact<'_>) {
        let arn = fact.id.rsplit_once('/').map_or(fact.id, |(arn, _)| arn);
        self.managed(arn, fact.document, false);
    }

    fn access_key(&mut self, fact: &AccountFact<'_>) {
        *self.keys.entry(fact.owner().to_owned()).or_default() += 1;
    }

    fn login_profile(&mut self, fact: &AccountFact<'_>) {
        let user = format!("arn:aws:iam::{}:user/{}", self.account.id, fact.id);
        self.logins
            .insert(user, !fact.document.contains("\"absent\""));
    }

    fn function(&mut self, fact: &AccountFact<'_>) {
        if let Some(role) = fact.text("/Role") {
            let arn = fact
                .text("/FunctionArn")
                .unwrap_or_else(|| fact.id.to_owned());
            self.role_consumer("lambda", &arn, &role);
        }
    }

    /// Address of a function that is called without a signature.
    fn function_url(&mut self, fact: &AccountFact<'_>) {
        if fact.text("/AuthType").as_deref() != Some("NONE") {
            return;
        }
        let arn = if fact.id.starts_with("arn:") {
            fact.id.to_owned()
        } else {
            let (region, account) = (fact.region, &self.account.id);
            format!("arn:aws:lambda:{region}:{account}:function:{}", fact.id)
        };
        self.share(fact.kind, arn, "*", "call its URL");
    }

    fn launch_template(&mut self, fact: &AccountFact<'_>) {
        let profile = "/LaunchTemplateData/IamInstanceProfile";
        let named = ["Arn", "Name"]
            .iter()
            .find_map(|part| fact.text(&format!("{profile}/{part}")));
        if let Some(profile) = named {
            let (region, account, owner) = (fact.region, &self.account.id, fact.owner());
            let arn = format!("arn:aws:ec2:{region}:{account}:launch-template/{owner}");
            self.role_consumer("launch-template", &arn, &profile);
        }
    }

    fn instance(&mut self, fact: &AccountFact<'_>) {
        if let Some(profile) = fact.text("/IamInstanceProfile/Arn") {
            let arn = format!(
                "arn:aws:ec2:{}:{}:instance/{}",
                fact.region, self.account.id, fact.id
            );
            // The role of the profile is looked up in the end.
            self.role_consumer("ec2", &arn, &profile);
        }
    }

    /// Permissions of a snapshot or an image: the attribute is a list of them.
    fn launch_permission(&mut self, fact: &AccountFact<'_>, of: &str) {
        for one in fact.json().as_array().into_iter().flatten() {
            let fields = ["UserId", "OrganizationArn", "OrganizationalUnitArn"];
            let named = fields.iter().find_map(|name| one[*name].as_str());
            if let Some(with) = if one["Group"] == "all" {
                Some("*")
            } else {
                named
            } {
                let arn = format!(
                    "arn:aws:ec2:{}:{}:{of}/{}",
                    fact.region, self.account.id, fact.id
                );
                self.share(fact.kind, arn, with, "copy");
            }
        }
    }

    fn bucket(&mut self, fact: &AccountFact<'_>) {
        self.account
            .buckets
            .get_or_insert_default()
            .insert(fact.id.to_owned());
    }

    fn bucket_tagging(&mut self, fact: &AccountFact<'_>) {
        let value = fact.json();
        let pair = |tag: &Value| {
            let text = |name: &str| tag[name].as_str().map(str::to_owned);
            Some((text("Key")?, text("Value").unwrap_or_default()))
        };
        let tags = value["TagSet"].as_array().into_iter().flatten();
        let tags = tags.filter_map(pair).collect();
        self.account.bucket_tags.insert(fact.id.to_owned(), tags);
    }

    /// Grants of an ACL to groups that anybody is in, and to somebody else than the owner.
    fn bucket_acl(&mut self, fact: &AccountFact<'_>) {
        let value = fact.json();
        let owner = value["Owner"]["ID"].as_str();
        for grant in value["Grants"].as_array().into_iter().flatten() {
            let grantee = &grant["Grantee"];
            let group = grantee["URI"].as_str().and_then(|u| u.rsplit('/').next());
            let stranger = grantee["ID"]
                .as_str()
                .filter(|id| owner.is_some_and(|owner| owner != *id));
            let with = match (group, stranger) {
                (Some("AllUsers"), _) => "*".to_owned(),
                (Some("AuthenticatedUsers"), _) => "authenticated".to_owned(),
                (_, Some(id)) => format!("{CANONICAL_USER}{id}"),
                _ => continue,
            };
            let arn = format!("arn:aws:s3:::{}", fact.id);
            let permission = grant["Permission"].as_str().unwrap_or("?");
            self.share("s3:bucketacl", arn, &with, permission);
        }
    }

    /// Where the owner of the bucket owns all objects, ACLs count for nothing.
    fn ownership_controls(&mut self, fact: &AccountFact<'_>) {
        let value = fact.json();
        let rules = value["Rules"].as_array().into_iter().flatten();
        let mut ownership = rules.map(|rule| &rule["ObjectOwnership"]);
        if ownership.any(|rule| rule == "BucketOwnerEnforced") {
            self.account.acls_off.insert(fact.id.to_owned());
        }
    }

    /// Accounts that a bucket's objects are copied to.
    fn replication(&mut self, fact: &AccountFact<'_>) {
        let value = fact.json();
        let rules = value.pointer("/ReplicationConfiguration/Rules");
        let rules = rules
            .or_else(|| value.get("Rules"))
            .and_then(Value::as_array);
        for rule in rules.into_iter().flatten() {
            let account = rule["Destination"]["Account"].as_str();
            if let Some(with) = account.filter(|_| rule["Status"] == "Enabled") {
                let arn = format!("arn:aws:s3:::{}", fact.id);
                self.share(fact.kind, arn, with, "receive copies of its objects");
            }
        }
    }

    /// Attributes of a snapshot of a database: `restore` names accounts, or `all`.
    fn database_snapshot(&mut self, fact: &AccountFact<'_>, of: &str) {
        let value = fact.json();
        let lists = ["DBSnapshotAttributes", "DBClusterSnapshotAttributes"];
        let list = lists.iter().find_map(|name| value.get(name));
        let list = list.unwrap_or(&value).as_array().into_iter().flatten();
        for attribute in list.filter(|a| a["AttributeName"] == "restore") {
            let values = attribute["AttributeValues"]
                .as_array()
                .into_iter()
                .flatten();
            for value in values.filter_map(Value::as_str) {
                let (region, account) = (fact.region, &self.account.id);
                let arn = format!("arn:aws:rds:{region}:{account}:{of}:{}", fact.id);
                let with = if value == "all" { "*" } else { value };
                self.share(fact.kind, arn, with, "restore");
            }
        }
    }

    /// A subscriber of another account.
    fn subscription(&mut self, fact: &AccountFact<'_>) {
        let (Some(topic), Some(endpoint)) = (fact.text("/TopicArn"), fact.text("/Endpoint")) else {
            return;
        };
        if let Some(arn) = Arn::parse(&endpoint)
            && arn.account.len() == 12
        {
            self.share(fact.kind, topic, &endpoint, "receive its messages");
        }
    }

    /// Something of another account that events are sent to. `source`: service of what sends them,
    /// and how its ARN goes on.
    fn receiver(
        &mut self,
        fact: &AccountFact<'_>,
        pointer: &str,
        (service, begins): (&str, &str),
        what: &str,
    ) {
        let Some(to) = fact.text(pointer) else { return };
        if Arn::parse(&to).is_some_and(|arn| arn.account.len() == 12) {
            let name = fact.id.rsplit_once('/').map_or(fact.id, |(name, _)| name);
            let (region, account) = (fact.region, &self.account.id);
            let arn = format!("arn:aws:{service}:{region}:{account}:{begins}{name}");
            self.share(fact.kind, arn, &to, what);
        }
    }

    /// A network that is joined with one of another account.
    fn peering(&mut self, fact: &AccountFact<'_>) {
        let value = fact.json();
        if value["Status"]["Code"] != "active" {
            return;
        }
        for side in ["AccepterVpcInfo", "RequesterVpcInfo"] {
            let owner = value[side]["OwnerId"].as_str().map(str::to_owned);
            if let Some(with) = owner.filter(|owner| *owner != self.account.id) {
                let (region, account) = (fact.region, &self.account.id);
                let arn = format!(
                    "arn:aws:ec2:{region}:{account}:vpc-peering-connection/{}",
                    fact.id
                );
                self.share(fact.kind, arn, &with, "reach its network");
            }
        }
    }

    /// A resource that Resource Access Manager shares, or a principal of such a share.
    fn ram(&mut self, fact: &AccountFact<'_>, pointer: &str) {
        if let (Some(share), Some(value)) = (fact.text("/resourceShareArn"), fact.text(pointer)) {
            let shares = self.ram.entry(share).or_default();
            let list = if pointer == "/arn" {
                &mut shares.0
            } else {
                &mut shares.1
            };
            list.push(value);
        }
    }

    /// Block Public Access of a bucket, or of all of them (`*`).
    fn block_public_access(&mut self, fact: &AccountFact<'_>, bucket: &str) {
        let value = fact.json();
        let inner = value
            .get("PublicAccessBlockConfiguration")
            .unwrap_or(&value);
        if inner["RestrictPublicBuckets"] == true {
            self.account.restricted_buckets.push(bucket.to_owned());
        }
        if inner["IgnorePublicAcls"] == true {
            self.account.acls_ignored.push(bucket.to_owned());
        }
    }

    fn key_grant(&mut self, fact: &AccountFact<'_>) {
        let value = fact.json();
        let operations = value["Operations"].as_array().into_iter().flatten();
        let owner = fact.owner();
        let key = if owner.starts_with("arn:") {
            owner.to_owned()
        } else {
            format!(
                "arn:aws:kms:{}:{}:key/{owner}",
                fact.region, self.account.id
            )
        };
        let grant = Grant {
            // An ARN of a key holds a slash itself.
            key: value["KeyId"]
                .as_str()
                .filter(|k| k.starts_with("arn:"))
                .map_or(key, str::to_owned),
            id: value["GrantId"].as_str().unwrap_or(fact.id).to_owned(),
            grantee: value["GranteePrincipal"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            operations: operations
                .filter_map(|o| o.as_str().map(str::to_owned))
                .collect(),
            constrained: value["Constraints"]
                .as_object()
                .is_some_and(|c| !c.is_empty()),
        };
        self.account.grants.push(grant);
    }

    fn member_account(&mut self, fact: &AccountFact<'_>) {
        let number = fact.text("/Id").unwrap_or_else(|| fact.id.to_owned());
        self.account
            .organization
            .0
            .insert(number, fact.text("/Name").unwrap_or_default());
    }

    fn own_organization(&mut self, fact: &AccountFact<'_>) {
        let Some(id) = fact.text("/Id") else { return };
        self.account.organization.1 = Some(id.clone());
        self.account.central.management = fact.text("/MasterAccountId");
        // The tree of the organization says where, and comes first or later.
        if !matches!(self.account.membership, Membership::Member { .. }) {
            self.account.membership = Membership::Member {
                organization: id,
                path: None,
            };
        }
    }

    /// `arn:aws:sso:::permissionSet/ssoins-1/ps-1/444455556666/GROUP/g-1`.
    fn account_assignment(&mut self, fact: &AccountFact<'_>) {
        let mut parts = fact.id.rsplitn(4, '/');
        let (Some(id), Some(kind), Some(account), Some(set)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return;
        };
        self.account.central.assignments.insert(AccountAssignment {
            permission_set: set.to_owned(),
            account: account.to_owned(),
            subject: WorkforceSubject {
                is_group: kind == "GROUP",
                id: id.to_owned(),
            },
        });
    }

    fn share(&mut self, kind: &str, arn: String, with: &str, what: &str) {
        self.account.shares.push(Share {
            arn,
            kind: kind.to_owned(),
            with: with.to_owned(),
            what: what.to_owned(),
        });
    }
}
