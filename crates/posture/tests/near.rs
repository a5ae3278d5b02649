//! Near misses: what looks like a fault, and is none.

use bartizan_posture::CheckVerdict;
use serde_json::json;

use crate::world::{ACCOUNT, Change, QUEUE, TOPIC, allow, block, for_everybody, good};

const NEAR: &[(&str, Change)] = &[
    ("ROOT-04", |w| {
        w.set(
            "organizations:organization",
            "organization",
            json!({"MasterAccountId": "999988887777"}),
        )
        .with(
            "iam:organizationsfeatures",
            "account",
            json!({"EnabledFeatures": []}),
        )
    }),
    ("CRED-01", |w| {
        w.absent("iam:loginprofile", "alice", "NoSuchEntity")
            .without("iam:mfadevice", "alice/arn:aws:iam::111122223333:mfa/alice")
    }),
    ("CRED-02", |w| {
        w.set(
            "iam:accesskey",
            "alice/AKIAALICE",
            json!({"Status": "Inactive", "CreateDate": "2020-01-01T00:00:00+00:00"}),
        )
    }),
    ("CRED-04", |w| {
        w.with(
            "iam:accesskey",
            "alice/AKIASECOND",
            json!({"Status": "Inactive"}),
        )
    }),
    // A policy of one's own with AWS's name for it.
    ("CRED-07", |w| {
        w.set("iam:user", "alice", json!({"AttachedManagedPolicies": [{"PolicyArn": "arn:aws:iam::111122223333:policy/AWSCompromisedKeyQuarantineV3"}]}))
    }),
    ("CRED-08", |w| {
        w.with(
            "cloudfront:distribution",
            "EDFDVBD6EXAMPLE",
            json!({"DefaultCacheBehavior": {"TrustedKeyGroups": {"Enabled": true, "Quantity": 1}}}),
        )
    }),
    ("POL-01", |w| {
        w.policy("iam:userpolicy", "alice/most", &allow(json!({"Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}})))
    }),
    ("POL-02", |w| {
        w.policy("iam:userpolicy", "alice/self", &allow(json!({"Action": "iam:CreateAccessKey", "Resource": "arn:aws:iam::111122223333:user/${aws:username}"})))
    }),
    ("POL-03", |w| {
        w.policy("iam:userpolicy", "alice/deny", &json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}]}))
    }),
    ("POL-05", |w| {
        w.policy("iam:userpolicy", "alice/one", &allow(json!({"Action": "sts:AssumeRole", "Resource": "arn:aws:iam::111122223333:role/build"})))
    }),
    ("POL-06", |w| {
        w.policy("iam:assumerolepolicy", "build", &allow(json!({"Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:acme/infra:*"}}})))
    }),
    ("TRUST-01", |w| {
        w.policy("iam:assumerolepolicy", "build", &allow(json!({"Principal": {"AWS": "*"}, "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}})))
    }),
    ("TRUST-02", |w| {
        w.policy(
            "iam:assumerolepolicy",
            "build",
            &allow(json!({"Principal": {"AWS": "444455556666"}, "Action": "sts:AssumeRole"})),
        )
        .with(
            "organizations:account",
            "444455556666",
            json!({"Id": "444455556666", "Name": "build"}),
        )
    }),
    ("TRUST-03", |w| {
        w.policy("iam:assumerolepolicy", "build", &allow(json!({"Principal": {"AWS": "999988887777"}, "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "7f3a"}}})))
    }),
    ("TRUST-04", |w| {
        w.policy("sns:topicpolicy", TOPIC, &allow(json!({"Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish", "Resource": TOPIC, "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}})))
    }),
    ("TRUST-05", |w| {
        w.policy(
            "iam:assumerolepolicy",
            "build",
            &allow(json!({"Principal": {"AWS": "AROABUILD"}, "Action": "sts:AssumeRole"})),
        )
    }),
    // Public by its policy, and for nobody but the account.
    ("PUB-01", |w| {
        w.policy(
            "s3:bucketpolicy",
            "logs",
            &for_everybody("s3:GetObject", "arn:aws:s3:::logs/*"),
        )
        .with(
            "s3:accountpublicaccessblock",
            "account",
            json!({"RestrictPublicBuckets": true}),
        )
        .with("s3:bucketpublicaccessblock", "logs", block(false))
    }),
    ("PUB-01", |w| {
        w.policy("s3:bucketpolicy", "logs", &allow(json!({"Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/*", "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}))).with("s3:accountpublicaccessblock", "account", block(false)).with("s3:bucketpublicaccessblock", "logs", block(false))
    }),
    ("PUB-01", |w| {
        w.with("s3:bucketacl", "logs", json!({"Grants": [{"Grantee": {"URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "Permission": "READ"}]})).with("s3:accountpublicaccessblock", "account", block(false)).with("s3:bucketpublicaccessblock", "logs", block(false))
    }),
    ("PUB-03", |w| {
        w.policy("sqs:queuepolicy", QUEUE, &allow(json!({"Principal": "*", "Action": "sqs:SendMessage", "Resource": "*", "Condition": {"ArnEquals": {"aws:SourceArn": TOPIC}}})))
    }),
    ("PUB-06", |w| {
        w.with(
            "ec2:snapshotpermission",
            "snap-1",
            json!([{"Group": "all"}]),
        )
        .with(
            "ec2:snapshotblockpublicaccess",
            "account",
            json!({"State": "block-all-sharing"}),
        )
    }),
    ("PUB-07", |w| {
        w.set("rds:dbinstance", "db", json!({"PubliclyAccessible": false})).set("ec2:security_group", "sg-1", json!({"IpPermissions": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}))
    }),
    ("PUB-08", |w| {
        w.set(
            "lambda:functionurl",
            "arn:aws:lambda:us-east-1:111122223333:function:pay",
            json!({"AuthType": "NONE"}),
        )
    }),
    ("PUB-08", |w| {
        w.set(
            "apigateway:restapi",
            "abc",
            json!({"endpointConfiguration": {"types": ["PRIVATE"]}}),
        )
        .with(
            "apigateway:resource",
            "abc/1",
            json!({"path": "/", "resourceMethods": {"GET": {"authorizationType": "NONE"}}}),
        )
    }),
    ("PUB-08", |w| {
        w.with(
            "apigatewayv2:route",
            "xyz/2",
            json!({"RouteKey": "OPTIONS /", "AuthorizationType": "NONE"}),
        )
    }),
    ("XACC-01", |w| {
        w.policy("sqs:queuepolicy", QUEUE, &for_everybody("sqs:*", "*"))
    }),
    ("XACC-01", |w| {
        w.with(
            "organizations:account",
            "444455556666",
            json!({"Id": "444455556666", "Name": "build"}),
        )
        .with(
            "ec2:snapshotpermission",
            "snap-1",
            json!([{"UserId": "444455556666"}]),
        )
    }),
    ("NET-01", |w| {
        w.set("ec2:security_group", "sg-1", json!({"IpPermissions": [{"IpProtocol": "udp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "203.0.113.0/24"}]}]}))
    }),
    ("NET-04", |w| {
        w.set(
            "ec2:instance",
            "i-1",
            json!({"MetadataOptions": {"HttpTokens": "optional", "HttpEndpoint": "disabled"}}),
        )
    }),
    ("AGE-01", |w| {
        w.set(
            "ec2:instance",
            "i-1",
            json!({"LaunchTime": "2020-01-01T00:00:00+00:00", "State": {"Name": "stopped"}}),
        )
    }),
    ("LOG-03", |w| {
        w.with("s3:bucketlifecycle", "logs", json!({"Rules": [{"Status": "Disabled", "Expiration": {"Days": 1}}, {"Status": "Enabled", "Expiration": {"Days": 400}}]}))
    }),
];

#[test]
fn near_misses_are_no_faults() {
    for (n, (id, change)) in NEAR.iter().enumerate() {
        for result in change(good()).results(id, None, None) {
            assert_eq!(
                result.verdict,
                CheckVerdict::Pass,
                "near miss {n}: {result:?}"
            );
        }
    }
}
