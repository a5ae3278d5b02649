//! An account in which every check passes, and changes of it.

use std::collections::{BTreeMap, BTreeSet};

use bartizan_iam::{
    Account, AccountBuilder, Actions, KnownAccounts, UnreadFact, external_access_kinds,
};
use bartizan_inventory::fact::{Fact, FactKinds, FactSource, Hash};
use bartizan_inventory::snapshot::{CallStatus, Collection, Coverage, RecordedSnapshot};
use bartizan_posture::{
    AccountView, CHECKS, CheckResult, Drift, RebuildTargets, ViewInput, check, judge,
};
use serde_json::{Value, json};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const REGION: &str = "us-east-1";
/// 2026-06-01T00:00:00Z.
pub(crate) const NOW_MS: i64 = 1_780_272_000_000;

/// A document of a fact.
#[derive(Clone)]
enum Document {
    Json(Value),
    Policy(String),
    Absent(String),
}

/// A change of an account.
pub(crate) type Change = fn(World) -> World;

/// Facts by kind, region and id, and which kinds were denied.
#[derive(Clone, Default)]
pub(crate) struct World {
    facts: BTreeMap<(String, String, String), Document>,
    denied: BTreeSet<String>,
}

impl World {
    /// Adds or replaces a fact. The region is global for the services that are.
    pub(crate) fn with(mut self, kind: &str, id: &str, value: Value) -> Self {
        self.put(kind, id, Document::Json(value));
        self
    }

    /// Merges fields into the document of a fact that is there.
    pub(crate) fn set(mut self, kind: &str, id: &str, fields: Value) -> Self {
        let key = key(kind, id);
        let Some(Document::Json(Value::Object(map))) = self.facts.get_mut(&key) else {
            panic!("no fact {kind} {id}");
        };
        map.extend(fields.as_object().expect("an object").clone());
        self
    }

    pub(crate) fn policy(mut self, kind: &str, id: &str, policy: &Value) -> Self {
        self.put(kind, id, Document::Policy(policy.to_string()));
        self
    }

    pub(crate) fn absent(mut self, kind: &str, id: &str, code: &str) -> Self {
        self.put(kind, id, Document::Absent(code.to_owned()));
        self
    }

    pub(crate) fn without(mut self, kind: &str, id: &str) -> Self {
        self.facts
            .remove(&key(kind, id))
            .unwrap_or_else(|| panic!("no fact {kind} {id}"));
        self
    }

    /// Every call for facts of a kind is denied.
    pub(crate) fn denied(mut self, kind: &str) -> Self {
        self.facts.retain(|(k, ..), _| k != kind);
        self.denied.insert(kind.to_owned());
        self
    }

    fn put(&mut self, kind: &str, id: &str, document: Document) {
        self.facts.insert(key(kind, id), document);
    }

    pub(crate) fn recorded(&self) -> RecordedSnapshot {
        let kinds = FactKinds::builtin();
        let facts = self.facts.iter().map(|((kind, region, id), document)| {
            let seen = FactSource {
                account: ACCOUNT,
                region,
                time_ms: NOW_MS,
            };
            match document {
                Document::Json(value) => {
                    Fact::from_json(&kinds, kind, id.clone(), value.clone(), seen)
                }
                Document::Policy(text) => Fact::from_policy(&kinds, kind, id.clone(), text, seen),
                Document::Absent(code) => Fact::absent(kind, id.clone(), code, seen),
            }
        });
        Collection {
            account: ACCOUNT.to_owned(),
            time_ms: (NOW_MS, NOW_MS),
            tool: "test".to_owned(),
            table: Hash::of(b"table"),
            source: "import".to_owned(),
            coverage: all_kinds().iter().map(|kind| self.coverage(kind)).collect(),
            new_fields: BTreeSet::new(),
            facts: facts.collect(),
        }
        .record()
    }

    fn coverage(&self, kind: &str) -> Coverage {
        let status = if self.denied.contains(kind) {
            CallStatus::Denied
        } else {
            CallStatus::Ok
        };
        Coverage {
            region: region_of(kind).to_owned(),
            call: format!("call:{kind}"),
            status,
            answers: 1,
            kinds: vec![kind.to_owned()],
            detail: String::new(),
            unread: Vec::new(),
        }
    }

    /// Results of one check, with the snapshot before where there is one.
    pub(crate) fn results(
        &self,
        id: &str,
        before: Option<&Self>,
        drift: Option<&Drift>,
    ) -> Vec<CheckResult> {
        self.judged(before, drift, &[id])
    }

    /// Results of these checks.
    pub(crate) fn judged(
        &self,
        before: Option<&Self>,
        drift: Option<&Drift>,
        ids: &[&str],
    ) -> Vec<CheckResult> {
        let checks: Vec<_> = ids.iter().map(|id| check(id).expect(id)).collect();
        match before {
            Some(before) => before.viewed(|old| {
                self.viewed(|view| {
                    let view = view.after(old_view(&old));
                    judge(&with_drift(view, drift), checks.iter().copied())
                })
            }),
            None => self.viewed(|view| judge(&with_drift(view, drift), checks.iter().copied())),
        }
    }

    fn viewed<R>(&self, look: impl FnOnce(AccountView<'_>) -> R) -> R {
        look_at(&self.recorded(), &self.account(), |input| {
            look(AccountView::new(input))
        })
    }

    /// Its policies.
    pub(crate) fn account(&self) -> Account<'static> {
        let mut builder = AccountBuilder::of_snapshot(ACCOUNT, Actions::builtin());
        builder.time(NOW_MS as f64 / 1000.0);
        for kind in all_kinds() {
            let row = self.coverage(kind);
            if row.status == CallStatus::Ok {
                builder.read(kind, &row.region);
            } else {
                builder.unread(UnreadFact {
                    kind: kind.to_owned(),
                    region: row.region,
                    id: String::new(),
                    call: row.call,
                    why: bartizan_iam::UnreadReason::Failed(row.status.to_string()),
                });
            }
        }
        for ((kind, region, id), document) in &self.facts {
            match document {
                Document::Json(value) => builder.fact(kind, region, id, &value.to_string()),
                Document::Policy(text) => builder.fact(kind, region, id, text),
                Document::Absent(_) => builder.absent(kind, id),
            }
        }
        builder.build()
    }
}

/// Hands the parts of a view to a test.
pub(crate) fn look_at<R>(
    recorded: &RecordedSnapshot,
    account: &Account<'_>,
    look: impl FnOnce(&ViewInput<'_>) -> R,
) -> R {
    let mut known = KnownAccounts::default();
    known.learn(account);
    look(&ViewInput {
        snapshot: &recorded.snapshot().expect("a snapshot"),
        side: &recorded.side,
        documents: &|hash: &Hash| recorded.documents.get(hash).cloned(),
        iam: account,
        known: &known,
        time_ms: NOW_MS,
        evidence_bucket: Some("logs"),
        rebuild: RebuildTargets::default(),
    })
}

fn old_view<'v, 'a>(old: &'v AccountView<'a>) -> &'v AccountView<'a> {
    old
}

fn with_drift<'a>(view: AccountView<'a>, drift: Option<&'a Drift>) -> AccountView<'a> {
    match drift {
        Some(drift) => view.with_drift(drift),
        None => view,
    }
}

/// Every kind that a check or the analysis of external access reads.
fn all_kinds() -> BTreeSet<&'static str> {
    let needed = CHECKS.iter().flat_map(|c| c.needs.iter().copied());
    let others = [
        "ec2:managedprefixlist",
        "ecr-public:repositorypolicy",
        "iam:useringroup",
        "iam:policyversion",
    ];
    needed
        .chain(external_access_kinds())
        .chain(others)
        .collect()
}

fn key(kind: &str, id: &str) -> (String, String, String) {
    (kind.to_owned(), region_of(kind).to_owned(), id.to_owned())
}

/// Region of facts of a kind in the tests.
fn region_of(kind: &str) -> &'static str {
    let service = kind.split(':').next().unwrap_or_default();
    let is_regional_s3 = matches!(
        kind,
        "s3:accountpublicaccessblock" | "s3:accesspointpolicy" | "s3:accesspoint"
    );
    match service {
        "s3" if is_regional_s3 => REGION,
        "iam" | "s3" | "cloudfront" | "organizations" | "account" | "budgets" | "ce"
        | "ecr-public" => "global",
        _ => REGION,
    }
}

/// A policy of one statement.
pub(crate) fn allow(fields: Value) -> Value {
    let mut statement = json!({"Effect": "Allow"});
    statement
        .as_object_mut()
        .expect("an object")
        .extend(fields.as_object().expect("an object").clone());
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

/// A policy that lets everybody do something.
pub(crate) fn for_everybody(action: &str, resource: &str) -> Value {
    allow(json!({"Principal": "*", "Action": action, "Resource": resource}))
}

/// An account in which every check passes for at least one resource.
pub(crate) fn good() -> World {
    World::default()
        .with("iam:accountsummary", "account", json!({
            "AccountMFAEnabled": 1, "AccountAccessKeysPresent": 0, "AccountSigningCertificatesPresent": 0,
        }))
        .with("iam:credentialreport", "<root_account>", json!({
            "user": "<root_account>", "password_last_used": "2020-01-01T00:00:00+00:00",
            "access_key_1_active": "false", "access_key_1_last_rotated": "N/A",
            "access_key_2_active": "false", "access_key_2_last_rotated": "N/A",
            "cert_1_active": "false", "cert_2_active": "false",
        }))
        .with("iam:credentialreport", "alice", json!({
            "user": "alice", "password_enabled": "true", "mfa_active": "true",
            "password_last_used": "2026-05-30T00:00:00+00:00",
            "password_last_changed": "2026-05-01T00:00:00+00:00",
            "cert_1_active": "false", "cert_2_active": "false",
        }))
        .with("iam:passwordpolicy", "account", json!({
            "MinimumPasswordLength": 14, "PasswordReusePrevention": 24,
        }))
        .with("iam:user", "alice", json!({
            "UserName": "alice", "UserId": "AIDAALICE", "Arn": format!("arn:aws:iam::{ACCOUNT}:user/alice"),
            "AttachedManagedPolicies": [],
        }))
        .with("iam:group", "admins", json!({
            "GroupName": "admins", "Arn": format!("arn:aws:iam::{ACCOUNT}:group/admins"),
            "AttachedManagedPolicies": [{"PolicyName": "reader", "PolicyArn": READER}],
        }))
        .with("iam:role", "build", json!({
            "RoleName": "build", "RoleId": "AROABUILD", "Arn": format!("arn:aws:iam::{ACCOUNT}:role/build"),
            "AttachedManagedPolicies": [],
        }))
        .policy("iam:managedpolicy", READER, &allow(json!({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/*"})))
        .policy("iam:assumerolepolicy", "build", &allow(json!({
            "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole",
        })))
        .with("sso:instance", "arn:aws:sso:::instance/ssoins-1", json!({"Name": "people"}))
        .with("iam:loginprofile", "alice", json!({"UserName": "alice", "CreateDate": "2026-05-01T00:00:00+00:00"}))
        .with("iam:mfadevice", "alice/arn:aws:iam::111122223333:mfa/alice", json!({"UserName": "alice"}))
        .with("iam:accesskey", "alice/AKIAALICE", json!({
            "UserName": "alice", "AccessKeyId": "AKIAALICE", "Status": "Active",
            "CreateDate": "2026-05-20T00:00:00+00:00",
        }))
        .with("iam:accesskeylastused", "alice/AKIAALICE", json!({
            "UserName": "alice", "AccessKeyLastUsed": {"LastUsedDate": "2026-05-30T00:00:00+00:00"},
        }))
        .with("cloudfront:distribution", "EDFDVBD6EXAMPLE", json!({
            "DefaultCacheBehavior": {"TrustedSigners": {"Enabled": false, "Quantity": 0}},
        }))
        .with("organizations:organization", "organization", json!({
            "Id": "o-1", "MasterAccountId": ACCOUNT,
        }))
        .with("iam:organizationsfeatures", "account", json!({"EnabledFeatures": ["RootCredentialsManagement"]}))
        .with("account:securitycontact", "account", json!({"EmailAddress": "security@example.org"}))
        .with("account:region", "eu-west-1", json!({"RegionName": "eu-west-1", "RegionOptStatus": "ENABLED_BY_DEFAULT"}))
        .good_bucket("logs")
        .with("s3:accountpublicaccessblock", "account", block(true))
        .with("s3:objectacl", "logs/a.txt", json!({"Grants": []}))
        .good_resources()
        .good_network()
        .good_logging()
        .good_audit_role()
}

const SECRET: &str = "arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf";
const TABLE: &str = "arn:aws:dynamodb:us-east-1:111122223333:table/orders";
pub(crate) const READER: &str = "arn:aws:iam::111122223333:policy/reader";
pub(crate) const QUEUE: &str = "https://sqs.us-east-1.amazonaws.com/111122223333/orders";
pub(crate) const TOPIC: &str = "arn:aws:sns:us-east-1:111122223333:news";

/// The four flags of Block Public Access.
pub(crate) fn block(on: bool) -> Value {
    json!({
        "BlockPublicAcls": on, "IgnorePublicAcls": on, "BlockPublicPolicy": on, "RestrictPublicBuckets": on,
    })
}

impl World {
    pub(crate) fn good_bucket(self, name: &str) -> Self {
        self.with("s3:bucket", name, json!({"Name": name}))
            .absent("s3:bucketpolicy", name, "NoSuchBucketPolicy")
            .with(
                "s3:bucketacl",
                name,
                json!({"Owner": {"ID": "canonical"}, "Grants": []}),
            )
            .with("s3:bucketpublicaccessblock", name, block(true))
            .with(
                "s3:bucketownershipcontrols",
                name,
                json!({"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}),
            )
            .with("s3:bucketversioning", name, json!({"Status": "Enabled"}))
            .with(
                "s3:bucketobjectlock",
                name,
                json!({
                    "ObjectLockEnabled": "Enabled",
                    "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 400}},
                }),
            )
            .absent("s3:bucketlifecycle", name, "NoSuchLifecycleConfiguration")
            .with(
                "s3:bucketlogging",
                name,
                json!({"LoggingEnabled": {"TargetBucket": "access"}}),
            )
    }

    fn good_resources(self) -> Self {
        self.with("sqs:queue", QUEUE, json!({"QueueArn": "arn:aws:sqs:us-east-1:111122223333:orders"}))
            .absent("sqs:queuepolicy", QUEUE, "NoPolicy")
            .with("sns:topic", TOPIC, json!({"TopicArn": TOPIC}))
            .policy("sns:topicpolicy", TOPIC, &allow(json!({
                "Principal": {"AWS": ACCOUNT}, "Action": "sns:Publish", "Resource": TOPIC,
            })))
            .with("kms:key", "1234", json!({"KeyId": "1234", "KeyManager": "CUSTOMER"}))
            .policy("kms:keypolicy", "1234", &allow(json!({
                "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}, "Action": "kms:*", "Resource": "*",
            })))
            .with("lambda:function", "pay", json!({"FunctionName": "pay"}))
            .absent("lambda:functionpolicy", "pay", "ResourceNotFoundException")
            .with("lambda:functionurl", "arn:aws:lambda:us-east-1:111122223333:function:pay", json!({
                "FunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:pay", "AuthType": "AWS_IAM",
            }))
            .with("secretsmanager:secret", SECRET, json!({"Name": "db"}))
            .absent("secretsmanager:resourcepolicy", SECRET, "NoPolicy")
            .with("ecr:repository", "app", json!({"repositoryName": "app"}))
            .absent("ecr:repositorypolicy", "app", "RepositoryPolicyNotFoundException")
            .with("dynamodb:table", TABLE, json!({"TableArn": TABLE}))
            .absent("dynamodb:tablepolicy", TABLE, "PolicyNotFoundException")
            .with("efs:filesystem", "fs-1", json!({"FileSystemId": "fs-1"}))
            .absent("efs:filesystempolicy", "fs-1", "PolicyNotFound")
            .with("backup:vault", "main", json!({"BackupVaultName": "main"}))
            .absent("backup:vaultpolicy", "main", "ResourceNotFoundException")
            .with("events:eventbus", "default", json!({"Name": "default"}))
            .absent("events:eventbuspolicy", "default", "NoPolicy")
            .with("logs:destination", "central", json!({"destinationName": "central"}))
            .absent("logs:destinationpolicy", "central", "NoPolicy")
            .with("s3:accesspoint", "data", json!({"Bucket": "logs"}))
            .policy("s3:accesspointpolicy", "data", &allow(json!({"Principal": {"AWS": ACCOUNT}, "Action": "s3:GetObject", "Resource": "*"})))
            .with("rds:dbclustersnapshot", "dbc-1", json!({"DBClusterSnapshotArn": "arn:aws:rds:us-east-1:111122223333:cluster-snapshot:dbc-1"}))
            .with("rds:dbclustersnapshotattributes", "dbc-1", json!([{"AttributeName": "restore", "AttributeValues": []}]))
            .with("opensearch:domain", "find", json!({"ARN": "arn:aws:es:us-east-1:111122223333:domain/find"}))
            .absent("opensearch:domainpolicy", "find", "NoPolicy")
            .with("ec2:snapshot", "snap-1", json!({"SnapshotId": "snap-1"}))
            .with("ec2:snapshotpermission", "snap-1", json!([]))
            .with("ec2:snapshotblockpublicaccess", "account", json!({"State": "unblocked"}))
            .with("ec2:image", "ami-1", json!({"ImageId": "ami-1", "Public": false}))
            .with("ec2:imagepermission", "ami-1", json!([]))
            .with("rds:dbsnapshot", "db-1", json!({"DBSnapshotArn": "arn:aws:rds:us-east-1:111122223333:snapshot:db-1"}))
            .with("rds:dbsnapshotattributes", "db-1", json!([{"AttributeName": "restore", "AttributeValues": []}]))
            .with("rds:dbinstance", "db", json!({
                "DBInstanceArn": "arn:aws:rds:us-east-1:111122223333:db:db", "PubliclyAccessible": true,
                "Endpoint": {"Port": 5432}, "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1"}],
            }))
            .with("eks:cluster", "prod", json!({
                "arn": "arn:aws:eks:us-east-1:111122223333:cluster/prod",
                "resourcesVpcConfig": {"endpointPublicAccess": true, "publicAccessCidrs": ["203.0.113.0/24"]},
            }))
            .with("apigateway:restapi", "abc", json!({"id": "abc", "endpointConfiguration": {"types": ["EDGE"]}}))
            .with("apigateway:resource", "abc/1", json!({
                "path": "/", "resourceMethods": {"GET": {"authorizationType": "AWS_IAM"}, "OPTIONS": {"authorizationType": "NONE"}},
            }))
            .with("apigatewayv2:api", "xyz", json!({"ApiId": "xyz", "ProtocolType": "HTTP"}))
            .with("apigatewayv2:route", "xyz/1", json!({"RouteKey": "GET /", "AuthorizationType": "JWT"}))
            .with("cognito:identitypool", "us-east-1:pool", json!({"AllowUnauthenticatedIdentities": true}))
            .with("cognito:identitypoolroles", "us-east-1:pool", json!({"Roles": {"authenticated": "arn:aws:iam::111122223333:role/web"}}))
    }

    fn good_network(self) -> Self {
        self.with("ec2:security_group", "sg-1", json!({
                "GroupId": "sg-1", "GroupName": "web", "VpcId": "vpc-1",
                "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
            }))
            .with("ec2:security_group", "sg-default", json!({
                "GroupId": "sg-default", "GroupName": "default", "VpcId": "vpc-1", "IpPermissions": [],
            }))
            .with("ec2:networkinterface", "eni-1", json!({"Groups": [{"GroupId": "sg-1"}]}))
            .with("ec2:networkacl", "acl-1", json!({
                "VpcId": "vpc-1", "IsDefault": true, "Associations": [{"SubnetId": "subnet-1"}],
                "Entries": [
                    {"RuleNumber": 90, "Egress": false, "Protocol": "6", "RuleAction": "deny", "CidrBlock": "0.0.0.0/0", "PortRange": {"From": 22, "To": 22}},
                    {"RuleNumber": 91, "Egress": false, "Protocol": "6", "RuleAction": "deny", "CidrBlock": "0.0.0.0/0", "PortRange": {"From": 3389, "To": 3389}},
                    {"RuleNumber": 100, "Egress": false, "Protocol": "-1", "RuleAction": "allow", "CidrBlock": "0.0.0.0/0"},
                ],
            }))
            .with("ec2:routetable", "rtb-1", json!({
                "VpcId": "vpc-1", "Associations": [{"Main": true}],
                "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}],
            }))
            .with("ec2:instance", "i-1", json!({
                "InstanceId": "i-1", "State": {"Name": "running"}, "LaunchTime": "2026-05-20T00:00:00+00:00",
                "PublicIpAddress": "203.0.113.7", "SubnetId": "subnet-1", "VpcId": "vpc-1",
                "SecurityGroups": [{"GroupId": "sg-1"}],
                "MetadataOptions": {"HttpTokens": "required", "HttpEndpoint": "enabled"},
            }))
    }

    fn good_logging(self) -> Self {
        const TRAIL: &str = "arn:aws:cloudtrail:us-east-1:111122223333:trail/all";
        self.with(
            "cloudtrail:trail",
            TRAIL,
            json!({
                "Name": "all", "S3BucketName": "logs", "IsMultiRegionTrail": true,
                "LogFileValidationEnabled": true, "KmsKeyId": "1234",
            }),
        )
        .with("cloudtrail:trailstatus", TRAIL, json!({"IsLogging": true}))
        .with(
            "cloudtrail:eventselectors",
            TRAIL,
            json!({
                "EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": true}],
            }),
        )
        .with("guardduty:detector", "d1", json!({"Status": "ENABLED"}))
        .with(
            "config:recorderstatus",
            "default",
            json!({"name": "default", "recording": true}),
        )
        .with(
            "securityhub:hub",
            "account",
            json!({"HubArn": "arn:aws:securityhub:us-east-1:111122223333:hub/default"}),
        )
        .with(
            "accessanalyzer:analyzer",
            "arn:aws:access-analyzer:us-east-1:111122223333:analyzer/a",
            json!({
                "type": "ACCOUNT", "status": "ACTIVE",
            }),
        )
        .alarm("bill-10", 10)
        .alarm("bill-20", 20)
        .alarm("bill-40", 40)
    }

    pub(crate) fn alarm(self, name: &str, threshold: i64) -> Self {
        self.with("cloudwatch:alarm", name, json!({
            "AlarmName": name, "Namespace": "AWS/Billing", "MetricName": "EstimatedCharges", "Threshold": threshold,
            "Dimensions": [{"Name": "Currency", "Value": "USD"}], "ActionsEnabled": true,
            "AlarmActions": ["arn:aws:sns:us-east-1:111122223333:news"],
        }))
    }

    fn good_audit_role(self) -> Self {
        self.with("iam:role", "bartizan-audit", json!({
                "RoleName": "bartizan-audit", "RoleId": "AROAAUDIT",
                "Arn": format!("arn:aws:iam::{ACCOUNT}:role/bartizan-audit"), "AttachedManagedPolicies": [],
            }))
            .policy("iam:rolepolicy", "bartizan-audit/read", &allow(json!({
                "Action": ["s3:GetBucketPolicy", "s3:ListAllMyBuckets"], "Resource": "*",
            })))
            .policy("iam:assumerolepolicy", "bartizan-audit", &allow(json!({
                "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}, "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": "7f3a"}},
            })))
    }
}
