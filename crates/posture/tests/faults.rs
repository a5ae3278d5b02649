//! Each fault makes its check fail for the right resource, and for no other.

use bartizan_posture::{CHECKS, CheckVerdict, Drift, DriftOrigin, DriftedFact};
use serde_json::json;

use crate::world::{
    ACCOUNT, Change, QUEUE, READER, TOPIC, World, allow, block, for_everybody, good,
};

/// A check, a change of the good account, and the resource that fails by it.
type Fault = (&'static str, Change, &'static str);

const ROOT: &str = "iam:accountsummary";
const REPORT: &str = "iam:credentialreport";
const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
const ALICE_KEY: &str = "arn:aws:iam::111122223333:user/alice/AKIAALICE";
const BUILD: &str = "arn:aws:iam::111122223333:role/build";
const TRAIL: &str = "arn:aws:cloudtrail:us-east-1:111122223333:trail/all";
const BUCKET: &str = "arn:aws:s3:::logs";
const GROUP: &str = "arn:aws:ec2:us-east-1:111122223333:security-group/sg-1";
const INSTANCE: &str = "arn:aws:ec2:us-east-1:111122223333:instance/i-1";

fn everything() -> serde_json::Value {
    allow(json!({"Action": "*", "Resource": "*"}))
}

fn trust(world: World, statement: serde_json::Value) -> World {
    world.policy("iam:assumerolepolicy", "build", &allow(statement))
}

fn open_port(world: World, rule: serde_json::Value) -> World {
    world.set(
        "ec2:security_group",
        "sg-1",
        json!({"IpPermissions": [rule]}),
    )
}

const FAULTS: &[Fault] = &[
    (
        "ROOT-01",
        |w| w.set(ROOT, "account", json!({"AccountMFAEnabled": 0})),
        ACCOUNT,
    ),
    (
        "ROOT-02",
        |w| w.set(ROOT, "account", json!({"AccountAccessKeysPresent": 1})),
        ACCOUNT,
    ),
    (
        "ROOT-02",
        |w| {
            w.set(
                ROOT,
                "account",
                json!({"AccountSigningCertificatesPresent": 1}),
            )
        },
        ACCOUNT,
    ),
    // Inactive, and there.
    (
        "ROOT-02",
        |w| {
            w.set(
                REPORT,
                "<root_account>",
                json!({"access_key_1_last_rotated": "2024-01-01T00:00:00+00:00"}),
            )
        },
        ACCOUNT,
    ),
    (
        "ROOT-03",
        |w| {
            w.set(
                REPORT,
                "<root_account>",
                json!({"password_last_used": "2026-05-20T00:00:00+00:00"}),
            )
        },
        ACCOUNT,
    ),
    (
        "ROOT-04",
        |w| {
            w.with(
                "iam:organizationsfeatures",
                "account",
                json!({"EnabledFeatures": ["RootSessions"]}),
            )
        },
        ACCOUNT,
    ),
    (
        "ROOT-04",
        |w| {
            w.absent(
                "iam:organizationsfeatures",
                "account",
                "ServiceAccessNotEnabledException",
            )
        },
        ACCOUNT,
    ),
    (
        "PWD-01",
        |w| w.absent("iam:passwordpolicy", "account", "NoSuchEntity"),
        ACCOUNT,
    ),
    (
        "PWD-01",
        |w| {
            w.set(
                "iam:passwordpolicy",
                "account",
                json!({"MinimumPasswordLength": 13}),
            )
        },
        ACCOUNT,
    ),
    (
        "PWD-01",
        |w| {
            w.with(
                "iam:passwordpolicy",
                "account",
                json!({"MinimumPasswordLength": 20}),
            )
        },
        ACCOUNT,
    ),
    (
        "IAMUSE-01",
        |w| w.without("sso:instance", "arn:aws:sso:::instance/ssoins-1"),
        ACCOUNT,
    ),
    (
        "CRED-01",
        |w| w.without("iam:mfadevice", "alice/arn:aws:iam::111122223333:mfa/alice"),
        ALICE,
    ),
    (
        "CRED-02",
        |w| {
            w.set(
                "iam:accesskey",
                "alice/AKIAALICE",
                json!({"CreateDate": "2026-02-01T00:00:00+00:00"}),
            )
        },
        ALICE_KEY,
    ),
    (
        "CRED-03",
        |w| {
            w.with(
                "iam:accesskeylastused",
                "alice/AKIAALICE",
                json!({"AccessKeyLastUsed": {"LastUsedDate": "2026-01-01T00:00:00+00:00"}}),
            )
        },
        ALICE_KEY,
    ),
    (
        "CRED-03",
        |w| {
            w.set(
                REPORT,
                "alice",
                json!({"password_last_used": "2025-01-01T00:00:00+00:00"}),
            )
        },
        ALICE,
    ),
    (
        "CRED-03",
        |w| {
            w.set(REPORT, "alice", json!({"cert_1_active": "true", "cert_1_last_rotated": "2025-01-01T00:00:00+00:00"}))
        },
        ALICE,
    ),
    (
        "CRED-04",
        |w| {
            w.with(
                "iam:accesskey",
                "alice/AKIASECOND",
                json!({"Status": "Active", "CreateDate": "2026-05-20T00:00:00+00:00"}),
            )
        },
        ALICE,
    ),
    (
        "CRED-06",
        |w| {
            w.with(
                "iam:sshpublickey",
                "alice/APKA1",
                json!({"Status": "Active"}),
            )
        },
        ALICE,
    ),
    (
        "CRED-06",
        |w| {
            w.with(
                "iam:signingcertificate",
                "alice/C1",
                json!({"Status": "Active"}),
            )
        },
        ALICE,
    ),
    (
        "CRED-06",
        |w| {
            w.with(
                "iam:servicespecificcredential",
                "alice/ACCA1",
                json!({"Status": "Active", "ServiceName": "bedrock.amazonaws.com"}),
            )
        },
        ALICE,
    ),
    (
        "CRED-07",
        |w| {
            w.set("iam:user", "alice", json!({"AttachedManagedPolicies": [{"PolicyArn": "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3"}]}))
        },
        ALICE,
    ),
    (
        "CRED-08",
        |w| {
            w.with("cloudfront:distribution", "EDFDVBD6EXAMPLE", json!({"CacheBehaviors": {"Items": [{"PathPattern": "/a", "TrustedSigners": {"Enabled": true, "Quantity": 1, "Items": ["self"]}}]}}))
        },
        "arn:aws:cloudfront::111122223333:distribution/EDFDVBD6EXAMPLE",
    ),
    (
        "POL-01",
        |w| w.policy("iam:userpolicy", "alice/all", &everything()),
        ALICE,
    ),
    (
        "POL-01",
        |w| w.policy("iam:managedpolicy", READER, &everything()),
        "arn:aws:iam::111122223333:group/admins",
    ),
    (
        "POL-01",
        |w| {
            w.policy(
                "iam:rolepolicy",
                "build/all",
                &allow(json!({"Action": ["*:*"], "Resource": ["*"]})),
            )
        },
        BUILD,
    ),
    (
        "POL-02",
        |w| {
            w.policy(
                "iam:userpolicy",
                "alice/put",
                &allow(json!({"Action": "iam:PutUserPolicy", "Resource": "*"})),
            )
        },
        ALICE,
    ),
    (
        "POL-03",
        |w| {
            w.policy(
                "iam:userpolicy",
                "alice/not",
                &allow(json!({"NotAction": "iam:*", "Resource": "*"})),
            )
        },
        ALICE,
    ),
    (
        "POL-03",
        |w| {
            w.policy("sns:topicpolicy", TOPIC, &allow(json!({"NotPrincipal": {"AWS": ACCOUNT}, "Action": "sns:Publish", "Resource": TOPIC})))
        },
        TOPIC,
    ),
    (
        "POL-04",
        |w| {
            w.policy(
                "iam:userpolicy",
                "alice/read",
                &allow(json!({"Action": "s3:GetObject", "Resource": "*"})),
            )
        },
        ALICE,
    ),
    (
        "POL-05",
        |w| {
            w.policy(
                "iam:rolepolicy",
                "build/assume",
                &allow(json!({"Action": "sts:AssumeRole", "Resource": "*"})),
            )
        },
        BUILD,
    ),
    (
        "POL-06",
        |w| {
            trust(
                w,
                json!({"Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}}}),
            )
        },
        BUILD,
    ),
    (
        "POL-06",
        |w| {
            trust(
                w,
                json!({"Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:acme*"}}}),
            )
        },
        BUILD,
    ),
    (
        "TRUST-01",
        |w| {
            trust(
                w,
                json!({"Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}),
            )
        },
        BUILD,
    ),
    (
        "TRUST-01",
        |w| {
            trust(
                w,
                json!({"Principal": {"AWS": "*"}, "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "7f3a"}}}),
            )
        },
        BUILD,
    ),
    (
        "TRUST-02",
        |w| {
            trust(
                w,
                json!({"Principal": {"AWS": "999988887777"}, "Action": "sts:AssumeRole"}),
            )
        },
        BUILD,
    ),
    (
        "TRUST-03",
        |w| {
            trust(
                w,
                json!({"Principal": {"AWS": "999988887777"}, "Action": "sts:AssumeRole", "Condition": {"StringLike": {"sts:ExternalId": "*"}}}),
            )
        },
        BUILD,
    ),
    (
        "TRUST-04",
        |w| {
            w.policy("sns:topicpolicy", TOPIC, &allow(json!({"Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish", "Resource": TOPIC})))
        },
        TOPIC,
    ),
    (
        "TRUST-05",
        |w| {
            trust(
                w,
                json!({"Principal": {"AWS": "AROAGONE"}, "Action": "sts:AssumeRole"}),
            )
        },
        BUILD,
    ),
    (
        "PUB-01",
        |w| {
            w.policy(
                "s3:bucketpolicy",
                "logs",
                &for_everybody("s3:GetObject", "arn:aws:s3:::logs/*"),
            )
            .with("s3:bucketpublicaccessblock", "logs", block(false))
            .with("s3:accountpublicaccessblock", "account", block(false))
        },
        BUCKET,
    ),
    (
        "PUB-01",
        |w| {
            w.with("s3:bucketacl", "logs", json!({"Grants": [{"Grantee": {"URI": "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"}, "Permission": "WRITE"}]})).with("s3:bucketpublicaccessblock", "logs", block(false)).with("s3:accountpublicaccessblock", "account", json!({"BlockPublicAcls": true})).absent("s3:bucketownershipcontrols", "logs", "OwnershipControlsNotFoundError")
        },
        BUCKET,
    ),
    (
        "PUB-02",
        |w| {
            w.absent(
                "s3:bucketownershipcontrols",
                "logs",
                "OwnershipControlsNotFoundError",
            )
        },
        BUCKET,
    ),
    (
        "PUB-02",
        |w| {
            w.absent(
                "s3:accountpublicaccessblock",
                "account",
                "NoSuchPublicAccessBlockConfiguration",
            )
        },
        ACCOUNT,
    ),
    (
        "PUB-03",
        |w| {
            w.policy(
                "sqs:queuepolicy",
                QUEUE,
                &for_everybody("sqs:ReceiveMessage", "*"),
            )
        },
        "arn:aws:sqs:us-east-1:111122223333:orders",
    ),
    (
        "PUB-04",
        |w| {
            w.policy(
                "sns:topicpolicy",
                TOPIC,
                &for_everybody("sns:Subscribe", TOPIC),
            )
        },
        TOPIC,
    ),
    (
        "PUB-05",
        |w| w.policy("kms:keypolicy", "1234", &for_everybody("kms:Decrypt", "*")),
        "arn:aws:kms:us-east-1:111122223333:key/1234",
    ),
    (
        "PUB-05",
        |w| {
            w.policy(
                "lambda:functionpolicy",
                "pay",
                &for_everybody(
                    "lambda:InvokeFunction",
                    "arn:aws:lambda:us-east-1:111122223333:function:pay",
                ),
            )
        },
        "arn:aws:lambda:us-east-1:111122223333:function:pay",
    ),
    (
        "PUB-06",
        |w| {
            w.with(
                "ec2:snapshotpermission",
                "snap-1",
                json!([{"Group": "all"}]),
            )
        },
        "arn:aws:ec2:us-east-1:111122223333:snapshot/snap-1",
    ),
    (
        "PUB-06",
        |w| w.with("ec2:imagepermission", "ami-1", json!([{"Group": "all"}])),
        "arn:aws:ec2:us-east-1:111122223333:image/ami-1",
    ),
    (
        "PUB-06",
        |w| {
            w.with(
                "rds:dbsnapshotattributes",
                "db-1",
                json!([{"AttributeName": "restore", "AttributeValues": ["all"]}]),
            )
        },
        "arn:aws:rds:us-east-1:111122223333:snapshot:db-1",
    ),
    (
        "PUB-07",
        |w| {
            open_port(
                w,
                json!({"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}),
            )
        },
        "arn:aws:rds:us-east-1:111122223333:db:db",
    ),
    (
        "PUB-07",
        |w| {
            w.set("eks:cluster", "prod", json!({"resourcesVpcConfig": {"endpointPublicAccess": true, "publicAccessCidrs": ["0.0.0.0/0"]}}))
        },
        "arn:aws:eks:us-east-1:111122223333:cluster/prod",
    ),
    (
        "PUB-07",
        |w| {
            w.with(
                "opensearch:domain",
                "find",
                json!({"ARN": "arn:aws:es:us-east-1:111122223333:domain/find"}),
            )
            .policy(
                "opensearch:domainpolicy",
                "find",
                &for_everybody("es:*", "*"),
            )
        },
        "arn:aws:es:us-east-1:111122223333:domain/find",
    ),
    (
        "PUB-08",
        |w| {
            w.set("lambda:functionurl", "arn:aws:lambda:us-east-1:111122223333:function:pay", json!({"AuthType": "NONE"})).policy("lambda:functionpolicy", "pay", &allow(json!({"Principal": "*", "Action": "lambda:InvokeFunctionUrl", "Resource": "arn:aws:lambda:us-east-1:111122223333:function:pay", "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}})))
        },
        "arn:aws:lambda:us-east-1:111122223333:function:pay",
    ),
    (
        "PUB-08",
        |w| {
            w.with(
                "apigateway:resource",
                "abc/1",
                json!({"path": "/", "resourceMethods": {"GET": {"authorizationType": "NONE"}}}),
            )
        },
        "arn:aws:apigateway:us-east-1::/restapis/abc",
    ),
    (
        "PUB-08",
        |w| {
            w.with(
                "apigatewayv2:route",
                "xyz/1",
                json!({"RouteKey": "GET /", "AuthorizationType": "NONE"}),
            )
        },
        "arn:aws:apigateway:us-east-1::/apis/xyz",
    ),
    (
        "PUB-08",
        |w| {
            w.with(
                "cognito:identitypoolroles",
                "us-east-1:pool",
                json!({"Roles": {"unauthenticated": "arn:aws:iam::111122223333:role/guest"}}),
            )
        },
        "arn:aws:cognito-identity:us-east-1:111122223333:identitypool/us-east-1:pool",
    ),
    (
        "PUB-09",
        |w| {
            w.with("s3:objectacl", "logs/a.txt", json!({"Grants": [{"Grantee": {"URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "Permission": "READ"}]})).with("s3:bucketpublicaccessblock", "logs", block(false)).with("s3:accountpublicaccessblock", "account", block(false)).absent("s3:bucketownershipcontrols", "logs", "OwnershipControlsNotFoundError")
        },
        "arn:aws:s3:::logs/a.txt",
    ),
    (
        "XACC-01",
        |w| {
            w.policy("sqs:queuepolicy", QUEUE, &allow(json!({"Principal": {"AWS": "arn:aws:iam::999988887777:root"}, "Action": "sqs:*", "Resource": "*"})))
        },
        "arn:aws:sqs:us-east-1:111122223333:orders",
    ),
    (
        "XACC-01",
        |w| {
            w.with(
                "ec2:snapshotpermission",
                "snap-1",
                json!([{"UserId": "999988887777"}]),
            )
        },
        "arn:aws:ec2:us-east-1:111122223333:snapshot/snap-1",
    ),
    (
        "NET-01",
        |w| {
            open_port(
                w,
                json!({"IpProtocol": "tcp", "FromPort": 0, "ToPort": 1024, "IpRanges": [{"CidrIp": "0.0.0.0/1"}, {"CidrIp": "128.0.0.0/1"}]}),
            )
        },
        GROUP,
    ),
    (
        "NET-01",
        |w| {
            open_port(
                w,
                json!({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}),
            )
        },
        GROUP,
    ),
    (
        "NET-01",
        |w| {
            open_port(
                w.with("ec2:managedprefixlist", "pl-1", json!({"OwnerId": ACCOUNT}))
                    .with(
                        "ec2:managedprefixlistentry",
                        "pl-1/0.0.0.0/0",
                        json!({"Cidr": "0.0.0.0/0"}),
                    ),
                json!({"IpProtocol": "tcp", "FromPort": 3389, "ToPort": 3389, "PrefixListIds": [{"PrefixListId": "pl-1"}]}),
            )
        },
        GROUP,
    ),
    (
        "NET-02",
        |w| {
            w.set("ec2:security_group", "sg-default", json!({"IpPermissions": [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}))
        },
        "arn:aws:ec2:us-east-1:111122223333:security-group/sg-default",
    ),
    (
        "NET-02",
        |w| {
            w.set("ec2:networkacl", "acl-1", json!({"Entries": [{"RuleNumber": 100, "Egress": false, "Protocol": "-1", "RuleAction": "allow", "CidrBlock": "0.0.0.0/0"}]}))
        },
        "arn:aws:ec2:us-east-1:111122223333:network-acl/acl-1",
    ),
    (
        "NET-03",
        |w| {
            open_port(
                w,
                json!({"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}),
            )
        },
        INSTANCE,
    ),
    // Its second interface alone is open.
    (
        "NET-03",
        |w| {
            w.with("ec2:security_group", "sg-2", json!({"GroupId": "sg-2", "GroupName": "db", "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}))
                .set("ec2:instance", "i-1", json!({"NetworkInterfaces": [{"Association": {"PublicIp": "203.0.113.8"}, "SubnetId": "subnet-1", "VpcId": "vpc-1", "Groups": [{"GroupId": "sg-2"}]}]}))
        },
        INSTANCE,
    ),
    (
        "NET-04",
        |w| {
            w.set(
                "ec2:instance",
                "i-1",
                json!({"MetadataOptions": {"HttpTokens": "optional", "HttpEndpoint": "enabled"}}),
            )
        },
        INSTANCE,
    ),
    (
        "AGE-01",
        |w| {
            w.set(
                "ec2:instance",
                "i-1",
                json!({"LaunchTime": "2026-01-01T00:00:00+00:00"}),
            )
        },
        INSTANCE,
    ),
    (
        "LOG-01",
        |w| w.with("cloudtrail:trailstatus", TRAIL, json!({"IsLogging": false})),
        ACCOUNT,
    ),
    (
        "LOG-01",
        |w| {
            w.set(
                "cloudtrail:trail",
                TRAIL,
                json!({"IsMultiRegionTrail": false}),
            )
        },
        ACCOUNT,
    ),
    (
        "LOG-02",
        |w| {
            w.set(
                "cloudtrail:trail",
                TRAIL,
                json!({"LogFileValidationEnabled": false}),
            )
        },
        TRAIL,
    ),
    (
        "LOG-02",
        |w| {
            w.with("cloudtrail:eventselectors", TRAIL, json!({"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]}]}))
        },
        TRAIL,
    ),
    (
        "LOG-03",
        |w| {
            w.with(
                "s3:bucketversioning",
                "logs",
                json!({"Status": "Suspended"}),
            )
        },
        BUCKET,
    ),
    (
        "LOG-03",
        |w| {
            w.with(
                "s3:bucketlifecycle",
                "logs",
                json!({"Rules": [{"Status": "Enabled", "Expiration": {"Days": 30}}]}),
            )
        },
        BUCKET,
    ),
    (
        "LOG-04",
        |w| w.set("guardduty:detector", "d1", json!({"Status": "DISABLED"})),
        "111122223333/guardduty",
    ),
    (
        "LOG-04",
        |w| {
            w.with(
                "accessanalyzer:analyzer",
                "arn:aws:access-analyzer:us-east-1:111122223333:analyzer/a",
                json!({"type": "ACCOUNT_UNUSED_ACCESS", "status": "ACTIVE"}),
            )
        },
        "111122223333/accessanalyzer",
    ),
    (
        "LOG-05",
        |w| w.with("s3:bucketlogging", "logs", json!({})),
        BUCKET,
    ),
    (
        "WORM-01",
        |w| {
            w.with(
                "s3:bucketobjectlock",
                "logs",
                json!({"ObjectLockEnabled": "Enabled"}),
            )
        },
        BUCKET,
    ),
    (
        "ROLE-01",
        |w| {
            w.policy(
                "iam:rolepolicy",
                "bartizan-audit/read",
                &allow(json!({"Action": "s3:*", "Resource": "*"})),
            )
        },
        "arn:aws:iam::111122223333:role/bartizan-audit",
    ),
    (
        "BILL-01",
        |w| w.without("cloudwatch:alarm", "bill-40"),
        ACCOUNT,
    ),
    (
        "BILL-01",
        |w| {
            w.set(
                "cloudwatch:alarm",
                "bill-10",
                json!({"ActionsEnabled": false}),
            )
        },
        ACCOUNT,
    ),
];

#[test]
fn nothing_fails_in_a_good_account() {
    let ids: Vec<&str> = CHECKS.iter().map(|c| c.id).collect();
    for result in good().judged(None, None, &ids) {
        assert_ne!(result.verdict, CheckVerdict::Fail, "{result:?}");
    }
}

#[test]
fn each_fault_fails_for_its_resource_and_for_no_other() {
    for (n, (id, change, resource)) in FAULTS.iter().enumerate() {
        let results = change(good()).results(id, None, None);
        let failing: Vec<&str> = results
            .iter()
            .filter(|r| r.verdict == CheckVerdict::Fail)
            .map(|r| r.resource.as_str())
            .collect();
        assert_eq!(failing, [*resource], "fault {n} of {id}: {results:?}");
    }
}

#[test]
fn what_looks_back_fails_by_what_changed() {
    let enabled = |w: World| {
        w.set(
            "account:region",
            "eu-west-1",
            json!({"RegionOptStatus": "ENABLED"}),
        )
    };
    let target = |w: World| {
        w.with(
            "organizations:policytarget",
            "p-1/root",
            json!({"TargetId": "root"}),
        )
    };
    let delegated = |w: World| {
        w.with(
            "organizations:delegatedadministrator",
            "444455556666",
            json!({}),
        )
    };
    let contact = |w: World| {
        w.set(
            "account:securitycontact",
            "account",
            json!({"EmailAddress": "me@example.com"}),
        )
    };
    let trusted = |w: World| {
        w.policy("iam:assumerolepolicy", "bartizan-audit", &allow(json!({
            "Principal": {"AWS": "arn:aws:iam::111122223333:user/alice"}, "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": "7f3a"}},
        })))
    };
    let cases: [(&str, World, World); 6] = [
        ("REG-01", good(), enabled(good())),
        ("ORG-01", target(good()), good()),
        ("ORG-01", good(), delegated(good())),
        ("ORG-01", good(), contact(good())),
        (
            "ORG-01",
            good(),
            good().absent(
                "organizations:organization",
                "organization",
                "AWSOrganizationsNotInUseException",
            ),
        ),
        ("ROLE-01", good(), trusted(good())),
    ];
    for (id, before, after) in &cases {
        let fails = |world: &World, before: &World| {
            world
                .results(id, Some(before), None)
                .iter()
                .any(|r| r.verdict == CheckVerdict::Fail)
        };
        assert!(fails(after, before), "{id}");
        assert!(!fails(after, after), "{id}: nothing changed");
    }
}

#[test]
fn drift_fails_by_who_made_it() {
    let after = good().with(
        "iam:accesskey",
        "alice/AKIANEW",
        json!({"Status": "Active"}),
    );
    let drift = |origin| Drift {
        changes: vec![DriftedFact {
            kind: "iam:accesskey".to_owned(),
            region: "global".to_owned(),
            id: "alice/AKIANEW".to_owned(),
            resource: ALICE.to_owned(),
            origin,
        }],
    };
    let verdict = |id: &str, origin| {
        let results = after.results(id, Some(&good()), Some(&drift(origin)));
        results.iter().map(|r| r.verdict).min().expect("a result")
    };
    let made = DriftOrigin::Made("arn:aws:iam::111122223333:user/eve".to_owned());
    for (origin, credential, call) in [
        (Some(made), CheckVerdict::Fail, CheckVerdict::Pass),
        (
            Some(DriftOrigin::NoCall),
            CheckVerdict::Fail,
            CheckVerdict::Fail,
        ),
        (
            Some(DriftOrigin::Approved),
            CheckVerdict::Pass,
            CheckVerdict::Pass,
        ),
        (None, CheckVerdict::Unknown, CheckVerdict::Unknown),
    ] {
        assert_eq!(verdict("CRED-05", origin.clone()), credential, "{origin:?}");
        assert_eq!(verdict("DRIFT-01", origin.clone()), call, "{origin:?}");
    }
}
