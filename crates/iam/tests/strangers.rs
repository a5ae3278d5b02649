//! Whom of outside a statement lets in: cases from AWS's pages, and a search for a stranger who
//! comes in unseen.

use bartizan_iam::{
    Actions, Context, ContextValue, Decision, ExternalPrincipal, Layers, OnBehalfOf, Policy,
    PolicyLocation, Request, RequestCaller, Tri, admitted, evaluate, parse,
};
use serde_json::{Value, json};

const OWN: &str = "111122223333";
const OTHER: &str = "999988887777";

/// 2026-03-11.
const NOW_S: f64 = 1_773_187_200.0;

fn policy(statement: Value) -> Policy {
    parse(&json!({"Version": "2012-10-17", "Statement": statement}).to_string()).unwrap()
}

/// Who is let in, with the verdict: `anybody must`.
fn said(policy: &Policy, trust: bool) -> Vec<String> {
    let place = PolicyLocation {
        account: OWN,
        trust,
        now_s: Some(NOW_S),
        ..PolicyLocation::default()
    };
    let word = |verdict| if verdict == Tri::Yes { "must" } else { "may" };
    let found = admitted(policy, &policy.statements[0], &place);
    found
        .iter()
        .map(|a| format!("{} {}", a.to.sentence(), word(a.verdict)))
        .collect()
}

fn to(principal: Value, condition: Value) -> Vec<String> {
    let statement = json!({"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*", "Condition": condition});
    said(&policy(statement), false)
}

fn trusted(principal: Value, condition: Value) -> Vec<String> {
    let statement = json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Condition": condition});
    said(&policy(statement), true)
}

const ANYBODY: &[&str] = &["anybody must"];
const PERHAPS: &[&str] = &["anybody may"];
const SIGNED: &[&str] = &["anybody who has an AWS account must"];
const NOBODY: &[&str] = &[];
const OTHERS: &[&str] = &["account 999988887777 must"];

#[test]
fn a_condition_that_everybody_meets_keeps_nobody_out() {
    for (condition, right) in [
        (json!({}), ANYBODY),
        (
            json!({"IpAddress": {"aws:SourceIp": ["0.0.0.0/0", "::/0"]}}),
            ANYBODY,
        ),
        (json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}), ANYBODY),
        (
            json!({"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}}),
            ANYBODY,
        ),
        (
            json!({"IpAddress": {"aws:SourceIp": ["0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/2", "192.0.0.0/3"]}}),
            ANYBODY,
        ),
        (
            json!({"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "192.0.0.0/2"]}}),
            PERHAPS,
        ),
        (json!({"IpAddress": {"aws:SourceIp": "::/0"}}), ANYBODY),
        (
            json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
            PERHAPS,
        ),
        (json!({"IpAddress": {"aws:SourceIp": "nonsense"}}), NOBODY),
        (
            json!({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
            ANYBODY,
        ),
        (
            json!({"IpAddressIfExists": {"aws:SourceIp": "203.0.113.0/24"}}),
            ANYBODY,
        ),
        (
            json!({"IpAddress": {"AWS:sourceip": "203.0.113.0/24"}, "NotIpAddress": {"aws:SourceIp": "203.0.0.0/16"}}),
            NOBODY,
        ),
        (json!({"StringLike": {"aws:SourceIp": "*"}}), ANYBODY),
        (json!({"Bool": {"aws:SecureTransport": "true"}}), ANYBODY),
        (json!({"Bool": {"aws:SecureTransport": "false"}}), ANYBODY),
        (
            json!({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}),
            ANYBODY,
        ),
        (
            json!({"NumericGreaterThan": {"aws:EpochTime": "1577836800"}}),
            ANYBODY,
        ),
        (
            json!({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}),
            NOBODY,
        ),
        (
            json!({"DateLessThan": {"aws:CurrentTime": "2099-01-01T00:00:00Z"}}),
            ANYBODY,
        ),
        // A door that opens some day.
        (
            json!({"DateGreaterThan": {"aws:CurrentTime": "2027-01-01T00:00:00Z"}}),
            PERHAPS,
        ),
        (json!({"StringLike": {"aws:UserAgent": "*"}}), ANYBODY),
        (json!({"StringEquals": {"s3:prefix": "home/"}}), ANYBODY),
        (json!({"StringLike": {"aws:PrincipalArn": "*"}}), SIGNED),
        (json!({"StringNotLike": {"aws:PrincipalArn": "*"}}), ANYBODY),
        (json!({"Null": {"aws:PrincipalArn": "true"}}), ANYBODY),
        (json!({"Null": {"aws:PrincipalArn": "false"}}), SIGNED),
        (json!({"Null": {"aws:SourceVpce": "true"}}), ANYBODY),
        (
            json!({"Bool": {"aws:PrincipalIsAWSService": "false"}}),
            ANYBODY,
        ),
    ] {
        assert_eq!(to(json!("*"), condition.clone()), right, "{condition}");
    }
}

#[test]
fn the_account_of_a_caller_binds_where_it_must_be_there() {
    for (condition, right) in [
        (
            json!({"StringEquals": {"aws:PrincipalAccount": OWN}}),
            NOBODY,
        ),
        (json!({"StringEquals": {"kms:callerAccount": OWN}}), NOBODY),
        (
            json!({"StringEquals": {"kms:CallerAccount": OWN, "kms:ViaService": "ec2.us-east-1.amazonaws.com"}}),
            NOBODY,
        ),
        (
            json!({"StringEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}}),
            NOBODY,
        ),
        (json!({"StringEquals": {"AWS:SourceOwner": OWN}}), NOBODY),
        (json!({"StringEquals": {"aws:SourceAccount": OWN}}), NOBODY),
        (
            json!({"StringEquals": {"s3:DataAccessPointAccount": OWN}}),
            NOBODY,
        ),
        (
            json!({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/r"}}),
            NOBODY,
        ),
        (
            json!({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:*"}}),
            NOBODY,
        ),
        (
            json!({"StringEquals": {"aws:PrincipalAccount": []}}),
            NOBODY,
        ),
        (
            json!({"StringEquals": {"aws:PrincipalAccount": OTHER}}),
            OTHERS,
        ),
        (
            json!({"StringEquals": {"aws:PrincipalAccount": [OWN, OTHER]}}),
            OTHERS,
        ),
        (
            json!({"StringEqualsIgnoreCase": {"aws:PrincipalAccount": OTHER}}),
            OTHERS,
        ),
        (
            json!({"StringEquals": {"s3:DataAccessPointAccount": OTHER}}),
            &["anybody may", "account 999988887777 must"],
        ),
        (
            json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::999988887777:role/*"}}),
            OTHERS,
        ),
        (
            json!({"StringNotEquals": {"aws:PrincipalAccount": OWN}}),
            ANYBODY,
        ),
        (
            json!({"StringEqualsIfExists": {"aws:PrincipalAccount": OWN}}),
            ANYBODY,
        ),
        (
            json!({"ForAllValues:StringEquals": {"aws:PrincipalAccount": OWN}}),
            ANYBODY,
        ),
        (
            json!({"ForAnyValue:StringEquals": {"aws:PrincipalAccount": OWN}}),
            NOBODY,
        ),
        (
            json!({"StringEquals": {"aws:PrincipalAccount": "anonymous"}}),
            ANYBODY,
        ),
        (
            json!({"StringLike": {"aws:PrincipalAccount": "????????????"}}),
            SIGNED,
        ),
        (
            json!({"StringLike": {"aws:PrincipalAccount": "9999*"}}),
            &["anybody who has an AWS account may"],
        ),
        (
            json!({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::9*role/x"}}),
            &["anybody who has an AWS account may"],
        ),
        (
            json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/Admin"}}),
            SIGNED,
        ),
        (
            json!({"StringEquals": {"aws:PrincipalTag/team": "blue"}}),
            SIGNED,
        ),
        (
            json!({"StringEquals": {"aws:PrincipalTag/account": OWN, "aws:PrincipalAccount": OWN}}),
            NOBODY,
        ),
        (
            json!({"StringEqualsIfExists": {"aws:SourceAccount": OWN}}),
            ANYBODY,
        ),
        (
            json!({"StringEqualsIfExists": {"aws:SourceVpce": "vpce-0123456789abcdef0"}}),
            ANYBODY,
        ),
        (
            json!({"StringEquals": {"aws:SourceVpce": "vpce-0123456789abcdef0"}}),
            PERHAPS,
        ),
        (json!({"StringLike": {"aws:SourceVpce": "vpce-*"}}), ANYBODY),
        (
            json!({"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg1"}}),
            &["organization o-exampleorg1 must"],
        ),
        (json!({"StringLike": {"aws:PrincipalOrgID": "o-*"}}), SIGNED),
        (json!({"StringLike": {"aws:PrincipalOrgID": "*"}}), SIGNED),
        (
            json!({"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-exampleorg1"}}),
            ANYBODY,
        ),
        (
            json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-exampleorg1/r-ab12/*"}}),
            &["organization o-exampleorg1 must"],
        ),
        (
            json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-exampleorg1"}}),
            ANYBODY,
        ),
        (
            json!({"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg1", "aws:PrincipalAccount": OTHER}}),
            &["account 999988887777 may"],
        ),
        // An operator that nobody knows.
        (
            json!({"StringSounds": {"aws:PrincipalAccount": OWN}}),
            PERHAPS,
        ),
        (json!({"StringEquals": {"new:Key": "x"}}), PERHAPS),
        (
            json!({"StringEquals": {"sts:ExternalId": "x"}}),
            &["anybody who has an AWS account may"],
        ),
        (json!({"StringLike": {"sts:ExternalId": "*"}}), SIGNED),
    ] {
        assert_eq!(to(json!("*"), condition.clone()), right, "{condition}");
    }
}

#[test]
fn a_service_acts_for_somebody() {
    let sns = json!({"Service": "sns.amazonaws.com"});
    for (condition, right) in [
        (
            json!({}),
            vec!["sns.amazonaws.com on behalf of anybody must"],
        ),
        (json!({"StringEquals": {"aws:SourceAccount": OWN}}), vec![]),
        (
            json!({"StringEquals": {"aws:SourceAccount": OTHER}}),
            vec!["sns.amazonaws.com on behalf of account 999988887777 must"],
        ),
        (
            json!({"StringLike": {"aws:SourceAccount": "?*"}}),
            vec!["sns.amazonaws.com on behalf of anybody must"],
        ),
        (
            json!({"StringNotEquals": {"aws:SourceAccount": OWN}}),
            vec!["sns.amazonaws.com on behalf of anybody must"],
        ),
        (
            json!({"StringEqualsIfExists": {"aws:SourceAccount": OWN}}),
            vec!["sns.amazonaws.com on behalf of anybody may"],
        ),
        (
            json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}}),
            vec!["sns.amazonaws.com on behalf of anybody must"],
        ),
        (
            json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::acme-*"}}),
            vec!["sns.amazonaws.com on behalf of anybody must"],
        ),
        (
            json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}}),
            vec!["sns.amazonaws.com on behalf of anybody must"],
        ),
        (
            json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:111122223333:*"}}),
            vec![],
        ),
        (
            json!({"StringLike": {"aws:SourceArn": "arn:aws:sns:*:111122223333:*"}}),
            vec![],
        ),
        (
            json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:us-east-1:999988887777:t"}}),
            vec!["sns.amazonaws.com on behalf of account 999988887777 must"],
        ),
        (
            json!({"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::reports"}}),
            vec!["sns.amazonaws.com on behalf of the owner of arn:aws:s3:::reports may"],
        ),
        (
            json!({"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::reports"}, "StringEquals": {"aws:SourceAccount": OWN}}),
            vec![],
        ),
        // A service that sends no ARN.
        (
            json!({"ArnEqualsIfExists": {"aws:SourceArn": "arn:aws:s3:::reports"}}),
            vec!["sns.amazonaws.com on behalf of anybody may"],
        ),
        (
            json!({"StringEquals": {"aws:SourceOrgID": "o-exampleorg1"}}),
            vec!["sns.amazonaws.com on behalf of organization o-exampleorg1 must"],
        ),
        // Keys of principals: a service has none of them.
        (
            json!({"StringEquals": {"aws:PrincipalAccount": OTHER}}),
            vec![],
        ),
    ] {
        assert_eq!(to(sns.clone(), condition.clone()), right, "{condition}");
    }
    // `*` is for services as well, and nobody else has these keys.
    assert_eq!(
        to(
            json!("*"),
            json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}})
        ),
        ["an AWS service on behalf of anybody must"]
    );
    assert_eq!(
        to(
            json!("*"),
            json!({"StringEquals": {"aws:SourceAccount": OTHER}})
        ),
        ["an AWS service on behalf of account 999988887777 must"]
    );
    // A role that a service takes to work here.
    assert_eq!(trusted(sns.clone(), json!({})), [""; 0]);
    assert_eq!(
        trusted(sns, json!({"StringEquals": {"aws:SourceAccount": OTHER}})),
        ["sns.amazonaws.com on behalf of account 999988887777 must"]
    );
}

#[test]
fn principals_are_judged_with_their_conditions() {
    let other = json!({"AWS": "arn:aws:iam::999988887777:role/x"});
    assert_eq!(
        to(other.clone(), json!({})),
        ["arn:aws:iam::999988887777:role/x must"]
    );
    assert_eq!(
        to(
            other.clone(),
            json!({"StringEquals": {"aws:PrincipalAccount": OWN}})
        ),
        [""; 0]
    );
    assert_eq!(
        to(
            other,
            json!({"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg1"}})
        ),
        ["arn:aws:iam::999988887777:role/x may"]
    );
    assert_eq!(to(json!({"AWS": OWN}), json!({})), [""; 0]);
    assert_eq!(
        to(json!({"AWS": "AROAEXAMPLEFOREIGN001"}), json!({})),
        ["AROAEXAMPLEFOREIGN001, whose account is not known may"]
    );
    assert_eq!(
        to(
            json!({"AWS": "AROAEXAMPLEFOREIGN001"}),
            json!({"StringEquals": {"aws:PrincipalAccount": OWN}})
        ),
        [""; 0]
    );
    assert_eq!(
        to(json!({"CanonicalUser": "79a5"}), json!({})),
        ["CanonicalUser 79a5, whose account is not known may"]
    );
    assert_eq!(
        trusted(json!("*"), json!({})),
        ["anybody who has an AWS account must"]
    );
    assert_eq!(
        trusted(
            json!({"AWS": "*"}),
            json!({"StringEquals": {"sts:ExternalId": "s3cret"}})
        ),
        ["anybody who has an AWS account may"]
    );
    let spared = json!({"Effect": "Allow", "NotPrincipal": {"AWS": OWN}, "Action": "s3:GetObject", "Resource": "*"});
    assert_eq!(said(&policy(spared), false), ["anybody must"]);
}

#[test]
fn a_token_is_judged_by_the_tenant_that_its_subject_names() {
    let provider = |host: &str| format!("arn:aws:iam::{OWN}:oidc-provider/{host}");
    let judge = |host: &str, condition: Value| -> Vec<String> {
        let name = provider(host);
        let found = trusted(json!({"Federated": name}), condition);
        found.iter().map(|s| s.replace(&name, "P")).collect()
    };
    let named = ["P must"];
    let anybody = ["anybody whom P vouches for must"];
    let github = "token.actions.githubusercontent.com";
    let like = |key: &str, value: Value| json!({"StringLike": {key: value}, "StringEquals": {format!("{}:aud", key.rsplit_once(':').unwrap().0): "sts.amazonaws.com"}});
    let sub = |host: &str| format!("{host}:sub");
    for (host, value, right) in [
        (github, json!("repo:acme/app:*"), &named[..]),
        (github, json!("repo:acme/*"), &named),
        (github, json!("repo:acme/app:ref:refs/heads/main"), &named),
        (github, json!("repository_owner:acme"), &named),
        (github, json!("*"), &anybody),
        (github, json!("repo:*"), &anybody),
        (github, json!("repo:acme*"), &anybody),
        (github, json!("repo:acme*/app:*"), &anybody),
        (github, json!("repo:*/*"), &anybody),
        (github, json!("repo:?*/app:ref:refs/heads/main"), &anybody),
        (github, json!("repo*"), &anybody),
        (github, json!("*:acme/app:*"), &anybody),
        (github, json!(["repo:acme/app:*", "repo:*"]), &anybody),
        (github, json!("environment:production"), &anybody),
        ("gitlab.com", json!("project_path:*"), &anybody),
        ("gitlab.com", json!("project_path:acme/*"), &named),
        ("gitlab.com", json!("project_path:acme*"), &anybody),
        (
            "app.terraform.io",
            json!("organization:acme:project:*:workspace:*:run_phase:*"),
            &named,
        ),
        (
            "app.terraform.io",
            json!("organization:*:project:*:workspace:prod:run_phase:*"),
            &anybody,
        ),
        ("app.terraform.io", json!("organization:acme*"), &anybody),
        (
            "agent.buildkite.com",
            json!("organization:acme:pipeline:*"),
            &named,
        ),
        (
            "oidc.circleci.com/org/0a1b",
            json!("org/0a1b/project/*"),
            &named,
        ),
        ("oidc.circleci.com/org/0a1b", json!("org/*"), &anybody),
        (
            "api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc",
            json!("{0a1b}:*"),
            &named,
        ),
        (
            "oidc.eks.us-east-1.amazonaws.com/id/ABC",
            json!("system:serviceaccount:web:*"),
            &named,
        ),
        (
            "oidc.eks.us-east-1.amazonaws.com/id/ABC",
            json!("system:serviceaccount:*:deployer"),
            &anybody,
        ),
        (
            "oidc.eks.us-east-1.amazonaws.com/id/ABC",
            json!("system:*"),
            &anybody,
        ),
        ("idp.example.com", json!("user:ann"), &named),
        ("idp.example.com", json!("?*"), &anybody),
    ] {
        assert_eq!(
            judge(host, like(&sub(host), value.clone())),
            right,
            "{host} {value}"
        );
    }
    // An audience alone; a subject of another provider; a star that is none.
    let key = sub(github);
    assert_eq!(
        judge(
            github,
            json!({"StringEquals": {format!("{github}:aud"): "sts.amazonaws.com"}})
        ),
        anybody
    );
    assert_eq!(
        judge(
            github,
            json!({"StringLikeIfExists": {"gitlab.com:sub": "repo:acme/*"}})
        ),
        anybody
    );
    assert_eq!(
        judge(
            github,
            json!({"StringLike": {"gitlab.com:sub": "repo:acme/*"}})
        ),
        [""; 0]
    );
    assert_eq!(
        judge(github, json!({"StringEquals": {&key: "repo:acme/app:*"}})),
        [""; 0]
    );
    assert_eq!(
        judge(github, json!({"StringEquals": {&key: "repo:*"}})),
        [""; 0]
    );
    assert_eq!(
        judge(
            github,
            json!({"StringNotEquals": {&key: "repo:evil/x:ref:refs/heads/main"}})
        ),
        anybody
    );
    assert_eq!(
        judge(github, json!({"StringNotLike": {&key: "repo:evil/*"}})),
        anybody
    );
    assert_eq!(
        judge(
            github,
            json!({"ForAllValues:StringLike": {&key: "repo:acme/*"}})
        ),
        named
    );
    assert_eq!(
        judge(github, json!({"ForAnyValue:StringLike": {&key: "repo:*"}})),
        anybody
    );
    assert_eq!(
        judge(
            github,
            json!({"StringLike": {&key: "repo:*"}, "StringEquals": {format!("{github}:repository_owner"): "acme"}})
        ),
        ["P may"]
    );
    assert_eq!(
        judge(
            github,
            json!({"StringLike": {&key: ["repo:*", "repo:acme/*"]}, "StringNotLike": {&key: "repo:*"}})
        ),
        [""; 0]
    );

    let cognito = json!({"Federated": "cognito-identity.amazonaws.com"});
    let pool = "us-east-1:12345678-1234-1234-1234-123456789012";
    let word = |amr: &str| json!({"StringEquals": {"cognito-identity.amazonaws.com:aud": pool}, "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": amr}});
    assert_eq!(
        trusted(cognito.clone(), word("authenticated")),
        ["cognito-identity.amazonaws.com must"]
    );
    assert_eq!(
        trusted(cognito.clone(), word("unauthenticated")),
        ["anybody whom cognito-identity.amazonaws.com vouches for may"]
    );
    assert_eq!(
        trusted(
            cognito.clone(),
            json!({"StringEquals": {"cognito-identity.amazonaws.com:aud": pool}})
        ),
        ["anybody whom cognito-identity.amazonaws.com vouches for may"]
    );
    assert_eq!(
        trusted(
            cognito.clone(),
            json!({"StringLike": {"cognito-identity.amazonaws.com:aud": "us-east-1:*"}})
        ),
        ["anybody whom cognito-identity.amazonaws.com vouches for must"]
    );
    assert_eq!(
        trusted(cognito, json!({})),
        ["anybody whom cognito-identity.amazonaws.com vouches for must"]
    );
    let saml = format!("arn:aws:iam::{OWN}:saml-provider/adfs");
    assert_eq!(
        trusted(
            json!({"Federated": saml}),
            json!({"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}})
        ),
        [format!("{saml} must")]
    );
    assert_eq!(
        trusted(
            json!({"Federated": saml}),
            json!({"StringLike": {"SAML:aud": "*"}})
        ),
        [format!("anybody whom {saml} vouches for must")]
    );
}

/// Numbers from a seed (xorshift64*).
struct ConditionRandom(u64);

impl ConditionRandom {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as usize % n
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

const OPERATORS: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "ArnLike",
    "ArnEquals",
    "ArnNotLike",
    "Bool",
    "Null",
    "IpAddress",
    "NotIpAddress",
    "DateGreaterThan",
    "DateLessThan",
    "NumericGreaterThan",
    "NumericLessThan",
    "BinaryEquals",
];

const KEYS: &[&str] = &[
    "aws:PrincipalAccount",
    "AWS:principalaccount",
    "kms:CallerAccount",
    "aws:PrincipalArn",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalType",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalServiceName",
    "aws:PrincipalTag/team",
    "aws:userid",
    "aws:username",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceOrgID",
    "aws:SourceOwner",
    "aws:SourceIp",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:VpceAccount",
    "s3:DataAccessPointAccount",
    "aws:SecureTransport",
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:UserAgent",
    "aws:TagKeys",
    "sts:ExternalId",
    "s3:prefix",
    "new:Key",
    "aws:ResourceAccount",
];

const VALUES: &[&str] = &[
    OWN,
    OTHER,
    "????????????",
    "9999*",
    "*7777",
    "*",
    "?*",
    "",
    "anonymous",
    "arn:aws:iam::111122223333:role/r",
    "arn:aws:iam::999988887777:role/r",
    "arn:aws:iam::999988887777:*",
    "arn:aws:iam::*:role/r",
    "arn:aws:iam::9*",
    "*role/r",
    "arn:aws:s3:::*",
    "arn:aws:s3:::b",
    "arn:aws:sns:*:*:*",
    "arn:aws:sns:us-east-1:111122223333:t",
    "arn:aws:sns:us-east-1:888877776666:t",
    "o-exampleorg1",
    "o-*",
    "o-exampleorg1/r-ab12/*",
    "true",
    "false",
    "0.0.0.0/0",
    "0.0.0.0/1",
    "203.0.113.0/24",
    "::/0",
    "2020-01-01T00:00:00Z",
    "2030-01-01T00:00:00Z",
    "1577836800",
    "vpce-1",
    "vpc*",
    "AROAEXAMPLE:s",
    "AIDAEXAMPLE0000000001",
    "User",
    "blue",
    "home/",
    "${aws:PrincipalAccount}",
    "${aws:ResourceAccount}",
    "${aws:PrincipalTag/team}",
    "${aws:PrincipalTag/team, '111122223333'}",
    "sns.amazonaws.com",
];

fn condition(random: &mut ConditionRandom) -> Value {
    let mut condition = json!({});
    for _ in 0..1 + random.below(3) {
        let set = ["", "", "", "ForAllValues:", "ForAnyValue:"][random.below(5)];
        let operator = random.pick(OPERATORS);
        let operator = match operator {
            "Null" => operator.to_owned(),
            _ => format!("{set}{operator}{}", ["", "", "IfExists"][random.below(3)]),
        };
        let values: Vec<&str> = (0..1 + random.below(3))
            .map(|_| random.pick(VALUES))
            .collect();
        condition[operator][random.pick(KEYS)] = json!(values);
    }
    condition
}

/// A stranger's request, with the keys that AWS would give it and those that he may choose.
fn stranger(random: &mut ConditionRandom) -> Request {
    let mut context = Context::default();
    let account = [
        "999988887777",
        "888877776666",
        "999900001111",
        "123450007777",
        "555544443333",
    ][random.below(5)];
    let one = |text: &str| ContextValue::One(text.to_owned());
    let mut set = |context: &mut Context, key: &str, of: &[&str]| {
        let value = random.pick(of);
        if !value.is_empty() {
            context.set(key, one(value));
        }
    };
    let organization = if account == "999988887777" {
        "o-exampleorg1"
    } else if account == "888877776666" {
        "o-other"
    } else {
        ""
    };
    set(&mut context, "aws:SecureTransport", &["true", "false"]);
    set(
        &mut context,
        "aws:UserAgent",
        &["blue", "aws-cli", "*", OWN],
    );
    set(&mut context, "s3:prefix", &["", "home/", OWN, "x"]);
    set(&mut context, "new:Key", &["", "blue", OWN, "true"]);
    let which = random.below(3);
    let mut set = |context: &mut Context, key: &str, of: &[&str]| {
        let value = random.pick(of);
        if !value.is_empty() {
            context.set(key, one(value));
        }
    };
    // Through an endpoint, or over the internet.
    if which != 2 {
        set(
            &mut context,
            "aws:SourceIp",
            &["203.0.113.9", "8.8.8.8", "198.51.100.7", "2001:db8::1", ""],
        );
        if context.get("aws:sourceip") == bartizan_iam::ContextLookup::Absent {
            set(&mut context, "aws:SourceVpce", &["vpce-1", "vpce-2"]);
            set(&mut context, "aws:SourceVpc", &["vpc-1", "vpc-2"]);
            context.set("aws:VpceAccount", one(account));
        }
    }
    context.set("aws:CurrentTime", one("2026-03-11T00:00:00Z"));
    context.set("aws:EpochTime", one("1773187200"));
    context.set("aws:ResourceAccount", one(OWN));
    let caller = match which {
        0 => {
            context.set("aws:PrincipalType", one("Anonymous"));
            set(&mut context, "aws:PrincipalAccount", &["", "anonymous"]);
            set(&mut context, "aws:userid", &["", "anonymous"]);
            RequestCaller::Anonymous
        }
        1 => {
            context.set("kms:CallerAccount", one(account));
            context.set("aws:SourceOwner", one(account));
            set(
                &mut context,
                "aws:PrincipalTag/team",
                &["", "blue", OWN, "9999"],
            );
            set(&mut context, "sts:ExternalId", &["", "blue", "x", OWN]);
            set(&mut context, "s3:DataAccessPointAccount", &["", account]);
            if !organization.is_empty() {
                context.set("aws:PrincipalOrgID", one(organization));
                context.set(
                    "aws:PrincipalOrgPaths",
                    ContextValue::Many(vec![format!("{organization}/r-ab12/ou-ab12-11111111/")]),
                );
            }
            let user = which_user(&mut set, &mut context);
            RequestCaller::Aws(format!("arn:aws:iam::{account}:{user}"))
        }
        _ => {
            set(&mut context, "aws:SourceAccount", &[account, account, ""]);
            let arn = format!("arn:aws:sns:us-east-1:{account}:t");
            set(
                &mut context,
                "aws:SourceArn",
                &[&arn, &arn, "arn:aws:s3:::b", "arn:aws:s3:::mine", ""],
            );
            if !organization.is_empty() {
                context.set("aws:SourceOrgID", one(organization));
            }
            RequestCaller::Service("sns.amazonaws.com".to_owned())
        }
    };
    Request {
        action: "s3:GetObject".to_owned(),
        resource: "arn:aws:s3:::b/k".to_owned(),
        resource_account: Some(OWN.to_owned()),
        caller,
        context,
    }
}

fn which_user(set: &mut impl FnMut(&mut Context, &str, &[&str]), context: &mut Context) -> String {
    set(
        context,
        "aws:userid",
        &[
            "AROAEXAMPLE0000000001:s",
            "AIDAEXAMPLE0000000001",
            "AIDAEXAMPLE0000000002",
        ],
    );
    match context.get("aws:userid") {
        bartizan_iam::ContextLookup::Is(ContextValue::One(id)) if id.starts_with("AROA") => {
            "role/r".to_owned()
        }
        _ => "user/u".to_owned(),
    }
}

/// Whether one of those who are let in is this one.
fn covers(found: &[bartizan_iam::AdmittedPrincipal], request: &Request) -> bool {
    let acting = |key: &str| match request.context.get(key) {
        bartizan_iam::ContextLookup::Is(ContextValue::One(value)) => value.clone(),
        _ => String::new(),
    };
    found.iter().any(|one| match (&one.to, &request.caller) {
        (ExternalPrincipal::Anybody, _) => true,
        // A service acts for somebody who has an account.
        (ExternalPrincipal::AnyAccount, RequestCaller::Aws(_) | RequestCaller::Service(_)) => true,
        (ExternalPrincipal::Account(id, who), RequestCaller::Aws(arn)) => {
            who.is_empty() && arn.contains(id.as_str())
        }
        (ExternalPrincipal::Organization(id), RequestCaller::Aws(_)) => {
            acting("aws:principalorgid") == *id
        }
        (ExternalPrincipal::Account(id, _), RequestCaller::Service(_)) => {
            acting("aws:sourceaccount") == *id || acting("aws:sourcearn").contains(id.as_str())
        }
        (ExternalPrincipal::Organization(id), RequestCaller::Service(_)) => {
            acting("aws:sourceorgid") == *id
        }
        (ExternalPrincipal::Service(_, behalf), RequestCaller::Service(_)) => match behalf {
            OnBehalfOf::Anybody => true,
            OnBehalfOf::Account(id) => {
                acting("aws:sourceaccount") == *id
                    || acting("aws:sourcearn").contains(id.as_str())
                    || acting("aws:sourceowner") == *id
            }
            OnBehalfOf::Organization(id) => acting("aws:sourceorgid") == *id,
            OnBehalfOf::Owner(arn) => acting("aws:sourcearn") == *arn,
        },
        _ => false,
    })
}

/// Tries so many strangers; how many came in.
fn search(statements: usize, seed: u64) -> usize {
    let actions = Actions::builtin();
    let mut random = ConditionRandom(seed | 1);
    let home = parse(
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
    )
    .unwrap();
    let (mut came, mut silent) = (0, 0);
    for _ in 0..statements {
        let condition = condition(&mut random);
        let principal = [
            json!("*"),
            json!({"AWS": "*"}),
            json!({"Service": "sns.amazonaws.com"}),
        ][random.below(3)]
        .clone();
        let policy = policy(
            json!({"Effect": "Allow", "Principal": principal, "Action": "s3:*", "Resource": "*", "Condition": condition}),
        );
        let place = PolicyLocation {
            account: OWN,
            now_s: Some(NOW_S),
            ..PolicyLocation::default()
        };
        let found = admitted(&policy, &policy.statements[0], &place);
        silent += usize::from(found.is_empty());
        // What he may do at home is his own affair.
        let layers = Layers {
            resource: Some(policy),
            identity: vec![home.clone()],
            ..Layers::default()
        };
        for _ in 0..12 {
            let request = stranger(&mut random);
            if evaluate(&request, &layers, actions).decision == Decision::Allowed {
                came += 1;
                assert!(
                    covers(&found, &request),
                    "seed {seed}\n{condition}\n{request:#?}\n{found:#?}"
                );
            }
        }
    }
    assert!(
        silent > statements / 20,
        "it must not say anybody of everything: {silent}"
    );
    came
}

#[test]
fn no_stranger_comes_in_unseen() {
    assert!(search(1_500, 11) > 700);
}

/// `cargo test -p bartizan-iam --release --test iam strangers -- --ignored`.
#[test]
#[ignore = "a million statements"]
fn a_million_statements() {
    let statements = std::env::var("BARTIZAN_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(1_000_000usize);
    (0..20).for_each(|n| {
        search(statements / 20, 1_000 + n);
    });
}
