//! Estates made from a seed: accounts of two organizations and of none, with policies in all
//! layers, as plain data.

use std::collections::BTreeMap;

use bartizan_iam::{Policy, parse};
use serde_json::{Value, json};

use crate::random::Random;

/// A policy as text, and read.
#[derive(Clone)]
pub(super) struct PlainPolicy {
    pub(super) text: String,
    pub(super) policy: Policy,
}

impl std::fmt::Debug for PlainPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl PlainPolicy {
    fn new(value: &Value) -> Self {
        let text = value.to_string();
        let policy = parse(&text).unwrap();
        Self { text, policy }
    }
}

/// User or role.
#[derive(Debug, Clone)]
pub(super) struct PlainPrincipal {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) is_role: bool,
    /// `AIDA…`, `AROA…`.
    pub(super) id: String,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) identity: Vec<PlainPolicy>,
    pub(super) boundary: Option<PlainPolicy>,
    /// Of a role.
    pub(super) trust: Option<PlainPolicy>,
    /// Whether the trust policy lets sessions have tags of their own.
    pub(super) takes_tags: bool,
}

/// Bucket, key or queue.
#[derive(Debug, Clone)]
pub(super) struct PlainResource {
    /// `s3:bucketpolicy`.
    pub(super) kind: &'static str,
    pub(super) arn: String,
    pub(super) policy: Option<PlainPolicy>,
}

#[derive(Debug, Clone)]
pub(super) struct PlainAccount {
    pub(super) id: String,
    /// Number of its organization.
    pub(super) organization: Option<usize>,
    /// Root, units: ids from the root on.
    pub(super) nodes: Vec<String>,
    pub(super) principals: Vec<PlainPrincipal>,
    pub(super) resources: Vec<PlainResource>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct PlainOrganization {
    pub(super) id: String,
    pub(super) management: String,
    /// Service control policies by root, unit or account.
    pub(super) scp: BTreeMap<String, Vec<PlainPolicy>>,
    pub(super) rcp: BTreeMap<String, Vec<PlainPolicy>>,
}

#[derive(Debug, Clone)]
pub(super) struct PlainEstate {
    pub(super) accounts: Vec<PlainAccount>,
    pub(super) organizations: Vec<PlainOrganization>,
}

pub(super) const SESSIONS: &[&str] = &["s1", "s2"];
pub(super) const SERVICES: &[&str] = &["ec2.amazonaws.com", "sns.amazonaws.com"];
pub(super) const PROVIDER: &str = "accounts.google.com";

/// Actions with the kind of resource that they are for.
pub(super) const ACTIONS: &[(&str, &str)] = &[
    ("s3:GetObject", "object"),
    ("s3:PutObject", "object"),
    ("s3:ListBucket", "bucket"),
    ("s3:ListAllMyBuckets", "nothing"),
    ("sts:AssumeRole", "role"),
    ("sts:AssumeRoleWithWebIdentity", "role"),
    ("iam:PassRole", "role"),
    ("iam:GetUser", "user"),
    ("kms:Decrypt", "key"),
    ("kms:CreateKey", "nothing"),
    ("sqs:SendMessage", "queue"),
];

const ACTION_PATTERNS: &[&str] = &[
    "*",
    "*",
    "s3:*",
    "s3:Get*",
    "s3:List*",
    "sts:*",
    "sts:AssumeRole",
    "iam:*",
    "iam:PassRole",
    "kms:*",
    "kms:Decrypt",
    "sqs:*",
    "s3:PutObject",
];

/// Keys that only a request has, with values that policies and requests choose from.
pub(super) const REQUEST_KEYS: &[(&str, &[&str])] = &[
    ("aws:SourceIp", &["203.0.113.9", "198.51.100.7"]),
    ("aws:MultiFactorAuthPresent", &["true", "false"]),
    ("s3:prefix", &["home/", "logs/"]),
    ("sts:ExternalId", &["secret", "other"]),
    (
        "kms:ViaService",
        &["s3.us-east-1.amazonaws.com", "sqs.us-east-1.amazonaws.com"],
    ),
];

pub(super) fn account_id(n: usize) -> String {
    (n + 1).to_string().repeat(12)
}

/// Every name that policies of an estate may use.
struct Names {
    accounts: Vec<String>,
    principals: Vec<String>,
    resources: Vec<String>,
    organizations: Vec<String>,
    paths: Vec<String>,
    ids: Vec<String>,
}

impl PlainEstate {
    /// An estate with two to six accounts.
    pub(super) fn generate(random: &mut Random) -> Self {
        let mut accounts: Vec<PlainAccount> = (0..2 + random.below(5))
            .map(|n| skeleton(n, random))
            .collect();
        let mut organizations: Vec<PlainOrganization> = (0..2)
            .map(|n| PlainOrganization {
                id: format!("o-{n}"),
                ..PlainOrganization::default()
            })
            .collect();
        for account in &accounts {
            if let Some(n) = account.organization
                && organizations[n].management.is_empty()
            {
                organizations[n].management.clone_from(&account.id);
            }
        }
        let names = Names::of(&accounts);
        for account in &mut accounts {
            fill(account, &names, random);
        }
        for (n, organization) in organizations.iter_mut().enumerate() {
            let members = accounts.iter().filter(|a| a.organization == Some(n));
            let has_rcps = random.chance(50);
            for node in members.flat_map(|a| a.nodes.iter().chain([&a.id])) {
                organization
                    .scp
                    .entry(node.clone())
                    .or_insert_with(|| controls(random, &names, false));
                if has_rcps {
                    organization
                        .rcp
                        .entry(node.clone())
                        .or_insert_with(|| controls(random, &names, true));
                }
            }
        }
        Self {
            accounts,
            organizations,
        }
    }
}

impl Names {
    fn of(accounts: &[PlainAccount]) -> Self {
        let principals = accounts.iter().flat_map(|a| &a.principals);
        let mut named: Vec<String> = principals.clone().map(|p| p.arn.clone()).collect();
        for role in principals.clone().filter(|p| p.is_role) {
            let account = role.arn.split(':').nth(4).unwrap();
            named.push(format!(
                "arn:aws:sts::{account}:assumed-role/{}/{}",
                role.name, SESSIONS[0]
            ));
        }
        let resources = accounts.iter().flat_map(|a| &a.resources);
        let mut ids: Vec<String> = principals.clone().map(|p| p.id.clone()).collect();
        ids.extend(
            principals
                .filter(|p| p.is_role)
                .flat_map(|p| [format!("{}:*", p.id), format!("{}:{}", p.id, SESSIONS[0])]),
        );
        let path = |a: &PlainAccount| Some(format!("o-{}/{}/", a.organization?, a.nodes.join("/")));
        Self {
            accounts: accounts.iter().map(|a| a.id.clone()).collect(),
            principals: named,
            resources: resources.map(|r| r.arn.clone()).collect(),
            organizations: vec!["o-0".to_owned(), "o-1".to_owned(), "o-*".to_owned()],
            paths: accounts.iter().filter_map(path).collect(),
            ids,
        }
    }
}

/// An account with what is in it, and no policies yet.
fn skeleton(n: usize, random: &mut Random) -> PlainAccount {
    let id = account_id(n);
    let organization = [Some(0), Some(0), Some(1), None][random.below(4)];
    let mut nodes = Vec::new();
    if let Some(organization) = organization {
        nodes.push(format!("r-{organization}"));
        if random.chance(60) {
            nodes.push(format!("ou-{organization}-{}", random.below(2)));
        }
    }
    let mut principals = Vec::new();
    for (name, path, is_role) in [
        ("alice", "", false),
        ("bob", "staff/", false),
        ("app", "", true),
        ("deploy", "ci/", true),
    ] {
        let kind = if is_role { "role" } else { "user" };
        let mut tags = BTreeMap::new();
        if random.chance(50) {
            tags.insert("team".to_owned(), random.pick(&["blue", "red"]).to_owned());
        }
        principals.push(PlainPrincipal {
            arn: format!("arn:aws:iam::{id}:{kind}/{path}{name}"),
            name: name.to_owned(),
            is_role,
            id: format!(
                "{}{n}{}",
                if is_role { "AROA" } else { "AIDA" },
                name.to_uppercase()
            ),
            tags,
            identity: Vec::new(),
            boundary: None,
            trust: None,
            takes_tags: false,
        });
    }
    let resource = |kind, arn: String| PlainResource {
        kind,
        arn,
        policy: None,
    };
    let resources = vec![
        resource("s3:bucketpolicy", format!("arn:aws:s3:::bucket-{n}")),
        resource("s3:bucketpolicy", format!("arn:aws:s3:::other-{n}")),
        resource(
            "kms:keypolicy",
            format!("arn:aws:kms:us-east-1:{id}:key/k-{n}"),
        ),
        resource(
            "sqs:queuepolicy",
            format!("arn:aws:sqs:us-east-1:{id}:queue"),
        ),
    ];
    PlainAccount {
        id,
        organization,
        nodes,
        principals,
        resources,
    }
}

/// Puts policies into an account.
fn fill(account: &mut PlainAccount, names: &Names, random: &mut Random) {
    for principal in &mut account.principals {
        if random.chance(60) {
            let action = random.pick(&["*", "*", "s3:*", "sts:*"]);
            let all = json!({"Effect": "Allow", "Action": action, "Resource": "*"});
            let all = json!({"Version": "2012-10-17", "Statement": all});
            principal.identity.push(PlainPolicy::new(&all));
        }
        for _ in 0..random.below(3) {
            let own = policy(random, names, Form::Identity);
            principal.identity.push(PlainPolicy::new(&own));
        }
        if random.chance(20) {
            let boundary = policy(random, names, Form::Identity);
            principal.boundary = Some(PlainPolicy::new(&boundary));
        }
        if principal.is_role {
            let mut trust = policy(random, names, Form::Trust);
            let statements = trust["Statement"].as_array_mut().unwrap();
            if random.chance(20) {
                let statement = json!({"Effect": "Allow", "Principal": {"AWS": "999999999999"},
                    "Action": "sts:TagSession"});
                statements.push(statement);
            }
            principal.takes_tags = statements.iter().any(|statement| {
                let actions = ["sts:*", "sts:TagSession"];
                statement["Effect"] == "Allow"
                    && actions.iter().any(|action| statement["Action"] == *action)
            });
            principal.trust = Some(PlainPolicy::new(&trust));
        }
    }
    for resource in &mut account.resources {
        if resource.kind == "kms:keypolicy" || random.chance(70) {
            let own = policy(random, names, Form::Resource);
            resource.policy = Some(PlainPolicy::new(&own));
        }
    }
}

/// Policies of one level: allows everything, or not, and denies something.
fn controls(random: &mut Random, names: &Names, is_resource: bool) -> Vec<PlainPolicy> {
    let mut all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    if is_resource {
        all["Principal"] = json!("*");
    }
    let all = json!({"Version": "2012-10-17", "Statement": [all]});
    let form = if is_resource { Form::Rcp } else { Form::Scp };
    let mut list = Vec::new();
    // The policy that allows all can be taken from a level of SCPs, not of RCPs.
    if is_resource || random.chance(85) {
        list.push(PlainPolicy::new(&all));
    }
    if list.is_empty() || random.chance(25) {
        list.push(PlainPolicy::new(&policy(random, names, form)));
    }
    list
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Identity,
    Resource,
    Trust,
    Scp,
    Rcp,
}

impl PlainEstate {
    /// A policy that a session may get.
    pub(super) fn session_policy(&self, random: &mut Random) -> PlainPolicy {
        PlainPolicy::new(&policy(random, &Names::of(&self.accounts), Form::Identity))
    }
}

fn pick<'n>(random: &mut Random, list: &'n [String]) -> &'n str {
    random.pick_of(list).as_str()
}

fn policy(random: &mut Random, names: &Names, form: Form) -> Value {
    let statements: Vec<Value> = (0..1 + random.below(3))
        .map(|_| statement(random, names, form))
        .collect();
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn statement(random: &mut Random, names: &Names, form: Form) -> Value {
    let is_control = matches!(form, Form::Rcp | Form::Scp);
    let is_deny = form == Form::Rcp || random.chance(if is_control { 60 } else { 12 });
    let mut statement = json!({"Effect": if is_deny { "Deny" } else { "Allow" }});
    statement["Action"] = match form {
        Form::Trust => {
            json!(random.pick(&["sts:AssumeRole", "sts:*", "sts:AssumeRoleWithWebIdentity"]))
        }
        Form::Resource if random.chance(50) => json!("*"),
        _ => json!(random.pick(ACTION_PATTERNS)),
    };
    if form != Form::Trust {
        statement["Resource"] = match random.below(6) {
            0..3 => json!("*"),
            3 => json!(format!("{}/*", pick(random, &names.resources))),
            4 => json!(format!("{}*", pick(random, &names.resources))),
            _ => json!(random.pick(&[
                "arn:aws:s3:::bucket-*",
                "arn:aws:s3:::bucket-0/${aws:username}/*",
                "arn:aws:s3:::*/${aws:PrincipalTag/team}/*",
                "arn:aws:iam::*:role/app",
            ])),
        };
    }
    match form {
        Form::Resource | Form::Trust => {
            statement["Principal"] = match random.below(9) {
                0 => json!("*"),
                1 => json!({"Service": random.pick(SERVICES)}),
                2 => json!({"Federated": PROVIDER}),
                3 | 4 => json!({"AWS": pick(random, &names.accounts)}),
                6 => json!({"AWS": names.accounts}),
                5 => json!({"AWS": format!("arn:aws:iam::{}:root", pick(random, &names.accounts))}),
                _ => {
                    let list = &names.principals;
                    json!({"AWS": [pick(random, list), pick(random, list)]})
                }
            };
        }
        Form::Rcp => statement["Principal"] = json!("*"),
        Form::Identity | Form::Scp => {}
    }
    let conditional = match (is_deny, is_control) {
        (true, true) => 95,
        (true, false) => 60,
        (false, _) => 45,
    };
    if random.chance(conditional) {
        let (operator, key, value) = condition(random, names);
        statement["Condition"][operator][key] = json!(value);
    }
    statement
}

fn condition(random: &mut Random, names: &Names) -> (String, String, String) {
    let (key, value) = match random.below(24) {
        0 => (
            "aws:PrincipalOrgID",
            pick(random, &names.organizations).to_owned(),
        ),
        1 if !names.paths.is_empty() => {
            let operator = random.pick(&[
                "ForAnyValue:StringEquals",
                "ForAllValues:StringNotEquals",
                "ForAnyValue:StringLike",
            ]);
            let path = pick(random, &names.paths).to_owned();
            return (
                operator.to_owned(),
                "aws:PrincipalOrgPaths".to_owned(),
                path,
            );
        }
        2 => (
            "aws:PrincipalTag/team",
            random.pick(&["blue", "red", "*"]).to_owned(),
        ),
        3 => (
            "aws:ResourceAccount",
            pick(random, &names.accounts).to_owned(),
        ),
        4 => (
            "aws:ResourceOrgID",
            pick(random, &names.organizations).to_owned(),
        ),
        5 => ("aws:userid", pick(random, &names.ids).to_owned()),
        6 => ("aws:username", random.pick(&["alice", "b*"]).to_owned()),
        7 => (
            "aws:PrincipalArn",
            pick(random, &names.principals).to_owned(),
        ),
        8 => (
            "aws:PrincipalAccount",
            pick(random, &names.accounts).to_owned(),
        ),
        9 => (
            "kms:CallerAccount",
            pick(random, &names.accounts).to_owned(),
        ),
        10 => (
            "aws:SourceAccount",
            pick(random, &names.accounts).to_owned(),
        ),
        11 => ("aws:SourceArn", pick(random, &names.resources).to_owned()),
        12 => (
            "aws:PrincipalIsAWSService",
            random.pick(&["true", "false"]).to_owned(),
        ),
        13 => (
            "aws:ResourceTag/team",
            random.pick(&["blue", "red"]).to_owned(),
        ),
        14 => ("aws:PrincipalServiceName", random.pick(SERVICES).to_owned()),
        _ => {
            let (key, values) = *random.pick_of(REQUEST_KEYS);
            (key, random.pick(values).to_owned())
        }
    };
    let operator = match random.below(6) {
        0 => "StringNotEquals",
        1 => "StringEqualsIfExists",
        2 => "StringNotEqualsIfExists",
        3 => "Null",
        4 => "StringLike",
        _ => "StringEquals",
    };
    let value = if operator == "Null" {
        random.pick(&["true", "false"]).to_owned()
    } else {
        value
    };
    (operator.to_owned(), key.to_owned(), value)
}
