//! Two evaluators that know nothing of each other must decide alike: on random policies and
//! requests, and on every combination of operators, values and service rules that matters.
//!
//! The words are few, so that what is asked and what is written often meet. `independence.rs`
//! plants faults in one of the two and shows that they are found here.

use bartizan_iam::{
    Actions, BlockPublicAccess, Compiled, Compiler, Context, ContextValue, Decision, Layers,
    Policy, PolicyLayer, Request, RequestCaller, evaluate, parse,
};
use serde_json::{Value, json};

use crate::random::Random;

const ACTIONS: &[&str] = &[
    "s3:GetObject",
    "s3:PutObject",
    "s3:ListAllMyBuckets",
    "iam:PassRole",
    "iam:PutRolePolicy",
    "sts:AssumeRole",
    "kms:Decrypt",
    "sts:GetCallerIdentity",
    "s3:Tomorrow",
    "new:Thing",
    "S3:getobject",
    "ec2:DescribeInstances",
    "iam:CreatePolicyVersion",
    "iam:TagRole",
    "IAM:PassRole",
    "kms:DeleteAlias",
    "iam:untagpolicy",
];
const ACTION_PATTERNS: &[&str] = &[
    "*",
    "s3:*",
    "s3:Get*",
    "S3:getobject",
    "s3:?etObject",
    "iam:*",
    "sts:Assume*",
    "kms:Decrypt",
    "new:*",
    "s3:Tom*",
    "bogus",
    "s3: GetObject",
    "*:*",
    "ec2:Describe*",
    "iam:Pass*",
    "sts:*",
];
const RESOURCES: &[&str] = &[
    "arn:aws:s3:::b/k",
    "arn:aws:s3:::b/alice/x",
    "arn:aws:iam::111111111111:role/r",
    "arn:aws:iam::222222222222:role/p/r",
    "arn:aws:kms:us-east-1:111111111111:key/1",
    "*",
    "arn:aws:iam::aws:policy/AdministratorAccess",
    "arn:aws:kms:us-east-1:222222222222:key/2",
    "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
    "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_A_1",
    "arn:aws:kms:us-east-1:111111111111:alias/aws/s3",
];
const RESOURCE_PATTERNS: &[&str] = &[
    "*",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::b/${aws:username}/*",
    "arn:aws:s3*",
    "arn:aws:iam::*:role/*",
    "arn:aws:s3:::b/?",
    "arn:aws:kms:*:111111111111:key/*",
    "arn:aws:s3:::b/${aws:PrincipalTag/team, 'k'}",
    "arn:aws:*:r",
    "arn:aws:s3:::b/k",
    "arn:*:*:*:*:*",
    "b",
    "arn:aws:iam::${aws:PrincipalAccount}:role/*",
    "arn:aws:s3${*}:::b/*",
    "arn:aws:iam::*:role/aws-*",
    "${aws:username}",
    "arn:aws:s3:::${aws:username",
];
const CALLERS: &[&str] = &[
    "arn:aws:iam::111111111111:user/alice",
    "arn:aws:iam::111111111111:role/r",
    "arn:aws:sts::111111111111:assumed-role/r/s",
    "arn:aws:iam::222222222222:user/p/bob",
    "arn:aws:iam::111111111111:root",
    "arn:aws:sts::111111111111:federated-user/f",
    "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
];
const PRINCIPALS: &[&str] = &[
    "*",
    "111111111111",
    "arn:aws:iam::111111111111:root",
    "arn:aws:iam::111111111111:user/alice",
    "arn:aws:iam::111111111111:role/r",
    "arn:aws:iam::111111111111:role/p/r",
    "arn:aws:sts::111111111111:assumed-role/r/s",
    "222222222222",
    "arn:aws:iam::222222222222:user/p/bob",
    "AIDAEXAMPLE",
    "AROAEXAMPLE",
    "arn:aws:iam::111111111111:*",
    "arn:aws:sts::111111111111:federated-user/f",
];
const OPERATORS: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericLessThan",
    "NumericNotEquals",
    "DateGreaterThan",
    "Bool",
    "IpAddress",
    "NotIpAddress",
    "ArnLike",
    "ArnNotEquals",
    "Null",
    "StringLikeIfExists",
    "BoolIfExists",
    "ForAllValues:StringEquals",
    "ForAnyValue:StringLike",
    "ForAnyValue:StringNotEquals",
    "ForAllValues:StringNotLikeIfExists",
    "BinaryEquals",
    "NumericGreaterThanEquals",
    "Stringequals",
    "DateNotEquals",
    "StringNotEqualsIgnoreCase",
    "ForAnyValue:IpAddressIfExists",
    "ForAllValues:NumericLessThanEquals",
];
const KEYS: &[&str] = &[
    "aws:SourceIp",
    "aws:username",
    "aws:PrincipalArn",
    "aws:TagKeys",
    "aws:MultiFactorAuthPresent",
    "n",
    "d",
    "t",
    "AWS:PrincipalAccount",
    "aws:PrincipalType",
    "aws:userid",
];
const VALUES: &[&str] = &[
    "203.0.113.9",
    "203.0.113.0/24",
    "alice",
    "ALICE",
    "a*",
    "?",
    "a",
    "b",
    "true",
    "false",
    "10",
    "9.5",
    "2026-01-01T00:00:00Z",
    "1767225600",
    "arn:aws:iam::111111111111:role/*",
    "arn:aws:iam::111111111111:user/alice",
    "*",
    "${aws:username}",
    "${*}",
    "${t}",
    "x y",
    "111111111111",
    "User",
    "AIDAEXAMPLE",
    "AROAEXAMPLE:s",
];

fn many(random: &mut Random, from: &[&str]) -> Value {
    match random.below(3) {
        0 => json!(random.pick(from)),
        1 => json!([random.pick(from)]),
        _ => json!([random.pick(from), random.pick(from)]),
    }
}

fn statement(random: &mut Random, principals: bool) -> Value {
    let mut statement = json!({"Effect": if random.chance(70) { "Allow" } else { "Deny" }});
    if !(principals && random.chance(2)) {
        statement[if random.chance(85) {
            "Action"
        } else {
            "NotAction"
        }] = many(random, ACTION_PATTERNS);
    }
    if !(principals && random.chance(20)) {
        statement[if random.chance(85) {
            "Resource"
        } else {
            "NotResource"
        }] = many(random, RESOURCE_PATTERNS);
    }
    if principals && random.chance(95) {
        statement[if random.chance(85) {
            "Principal"
        } else {
            "NotPrincipal"
        }] = match random.below(6) {
            0 => json!("*"),
            1 => json!({"Service": "ec2.amazonaws.com"}),
            2 => json!({"Federated": "accounts.google.com", "AWS": random.pick(PRINCIPALS)}),
            3 if random.chance(20) => json!({"CanonicalUser": "79a5"}),
            _ => json!({"AWS": many(random, PRINCIPALS)}),
        };
    }
    for _ in 0..if random.chance(40) {
        1 + random.below(2)
    } else {
        0
    } {
        let (operator, key) = (random.pick(OPERATORS), random.pick(KEYS));
        statement["Condition"][operator][key] = many(random, VALUES);
    }
    if random.chance(5) {
        statement["Condition"]["StringSounds"]["aws:username"] = json!("alice");
    }
    if random.chance(3) {
        statement["Extra"] = json!(1);
    }
    statement
}

pub(crate) fn policy(random: &mut Random, principals: bool) -> Policy {
    let statements: Vec<Value> = (0..1 + random.below(3))
        .map(|_| statement(random, principals))
        .collect();
    let version = match random.below(100) {
        0..90 => "2012-10-17",
        90..98 => "2008-10-17",
        _ => "2012-10-18",
    };
    parse(&json!({"Version": version, "Statement": statements}).to_string()).unwrap()
}

fn case(random: &mut Random) -> (Request, Layers<Policy>) {
    let mut context = if random.chance(10) {
        Context::open()
    } else {
        Context::default()
    };
    for key in KEYS {
        match random.below(4) {
            0 => context.set(key, ContextValue::One(random.pick(VALUES).to_owned())),
            1 if random.chance(40) => {
                let values = (0..random.below(3))
                    .map(|_| random.pick(VALUES).to_owned())
                    .collect();
                context.set(key, ContextValue::Many(values));
            }
            1 if random.chance(15) => {
                let whole = random.pick(VALUES);
                let half = whole.get(..whole.len() / 2).unwrap_or_default();
                let known = *random.pick_of(&[whole, half]);
                context.set(key, ContextValue::StartsWith(known.to_owned()));
            }
            1 if random.chance(30) => context.absent(key),
            _ => {}
        }
    }
    let caller = match random.below(10) {
        0 => RequestCaller::Service("ec2.amazonaws.com".to_owned()),
        1 => RequestCaller::Anonymous,
        2 => RequestCaller::Federated("accounts.google.com".to_owned()),
        _ => RequestCaller::Aws(random.pick(CALLERS).to_owned()),
    };
    let request = Request {
        action: random.pick(ACTIONS).to_owned(),
        resource: random.pick(RESOURCES).to_owned(),
        resource_account: random
            .chance(60)
            .then(|| random.pick(&["111111111111", "222222222222"]).to_owned()),
        caller,
        context,
    };
    let mut list = |of_a_hundred: usize, principals: bool| -> Vec<Policy> {
        if random.chance(of_a_hundred) {
            (0..1 + random.below(2))
                .map(|_| policy(random, principals))
                .collect()
        } else {
            Vec::new()
        }
    };
    let (identity, boundary, session, endpoint) = (
        list(80, false),
        list(20, false),
        list(15, false),
        list(5, true),
    );
    let (scp, rcp) = (vec![list(100, false)], vec![list(100, true)]);
    let layers = Layers {
        identity,
        resource: random.chance(60).then(|| policy(random, true)),
        boundary,
        session,
        scp: if random.chance(15) { scp } else { Vec::new() },
        rcp: if random.chance(10) { rcp } else { Vec::new() },
        endpoint,
        block_public_access: BlockPublicAccess {
            restrict_public_buckets: random.chance(10),
        },
    };
    (request, layers)
}

/// Runs so many cases; several requests on each set of policies, as compiling takes longer than
/// asking.
fn compare(cases: usize, seed: u64) -> [usize; 4] {
    let actions = Actions::builtin();
    let mut random = Random(seed | 1);
    let (mut compiler, mut seen) = (Compiler::new(actions), [0; 4]);
    while seen.iter().sum::<usize>() < cases {
        let (mut request, layers) = case(&mut random);
        let mut list = |layer: PolicyLayer, policies: &[Policy]| -> Vec<Compiled> {
            policies
                .iter()
                .map(|p| compiler.compile(p, layer.side()))
                .collect()
        };
        let compiled = Layers {
            identity: list(PolicyLayer::Identity, &layers.identity),
            resource: list(PolicyLayer::Resource, layers.resource.as_slice()).pop(),
            boundary: list(PolicyLayer::Boundary, &layers.boundary),
            session: list(PolicyLayer::Session, &layers.session),
            scp: layers
                .scp
                .iter()
                .map(|l| list(PolicyLayer::Scp, l))
                .collect(),
            rcp: layers
                .rcp
                .iter()
                .map(|l| list(PolicyLayer::Rcp, l))
                .collect(),
            endpoint: list(PolicyLayer::Endpoint, &layers.endpoint),
            block_public_access: layers.block_public_access,
        };
        let borrowed = compiled.map(|p| p);
        for _ in 0..8 {
            let (slow, fast) = (
                evaluate(&request, &layers, actions),
                Compiled::evaluate(&request, &borrowed, actions),
            );
            assert_eq!(slow, fast, "seed {seed}\n{request:#?}\n{layers:#?}");
            seen[slow.decision as usize] += 1;
            let (next, _) = case(&mut random);
            request = next;
        }
    }
    seen
}

/// Asks both evaluators about one policy that is all there is in its layer.
struct Asked<'a> {
    actions: &'a Actions,
    layers: Layers<Policy>,
    compiled: Layers<Compiled>,
}

impl<'a> Asked<'a> {
    fn new(
        compiler: &mut Compiler<'_>,
        actions: &'a Actions,
        layer: PolicyLayer,
        text: &Value,
    ) -> Self {
        let policy = parse(&text.to_string()).unwrap();
        let compiled = compiler.compile(&policy, layer.side());
        let (mut layers, mut ready) = (Layers::default(), Layers::default());
        match layer {
            PolicyLayer::Identity => {
                (layers.identity, ready.identity) = (vec![policy], vec![compiled])
            }
            _ => (layers.resource, ready.resource) = (Some(policy), Some(compiled)),
        }
        Self {
            actions,
            layers,
            compiled: ready,
        }
    }

    fn decide(&self, request: &Request) -> Decision {
        let slow = evaluate(request, &self.layers, self.actions);
        let fast = Compiled::evaluate(request, &self.compiled.map(|p| p), self.actions);
        assert_eq!(slow, fast, "{request:#?}\n{:#?}", self.layers);
        slow.decision
    }
}

fn request(action: &str, resource: &str, caller: &str, context: Context) -> Request {
    let caller = match caller {
        "" => RequestCaller::Anonymous,
        service if service.ends_with(".amazonaws.com") => {
            RequestCaller::Service(service.to_owned())
        }
        arn => RequestCaller::Aws(arn.to_owned()),
    };
    Request {
        action: action.to_owned(),
        resource: resource.to_owned(),
        resource_account: Some("111111111111".to_owned()),
        caller,
        context,
    }
}

/// Every operator without `IfExists` and prefixes.
const ALL_OPERATORS: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "Null",
    "StringSounds",
];

/// Values of policies and of requests, each kind with what is just beside it.
const ALL_VALUES: &[&str] = &[
    "",
    "*",
    "?",
    "a",
    "A",
    "ab",
    "abc",
    "a*",
    "a?",
    "a*c",
    "*b*",
    "x y",
    "\u{fc}",
    "\u{dc}",
    "${aws:username}",
    "${*}",
    "${?}x",
    "${t}",
    "${t, 'a'}",
    "${t,a}",
    "${open",
    "$",
    "${$}{t}",
    "true",
    "TRUE",
    "false",
    "9",
    "9.5",
    "10",
    "+10",
    "-10",
    "10.0",
    "1e1",
    "1e400",
    "ten",
    "inf",
    "0x10",
    ".5",
    "2026",
    "2025",
    "2026-01",
    "2026-01-01",
    "2026-01-02",
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.5Z",
    "2026-01-01T01:00:00+01:00",
    "1767225600",
    "1767225600.5",
    "1767225601",
    "2026-13-01",
    "1969-12-31T23:59:59Z",
    "-1",
    "0",
    "203.0.113.9",
    "203.0.113.0/24",
    "203.0.113.128/25",
    "203.0.113.9/32",
    "203.0.113.8/31",
    "203.0.113.8",
    "203.0.114.0/24",
    "203.0.113.9/33",
    "203.0.113.9/x",
    "0.0.0.0/0",
    "203.0.113.255",
    "2001:db8::/32",
    "2001:db8::1",
    "2001:db9::1",
    "::/0",
    "2001:db8::1/128",
    "2001:DB8:0:0:0:0:0:1",
    "::ffff:203.0.113.9",
    "8.0.0.0/5",
    "arn:aws:iam::111111111111:role/r",
    "arn:aws:iam::111111111111:role/*",
    "arn:aws:iam::*:role/r",
    "arn:aws:iam:*:role/r",
    "arn:*",
    "arn:aws:s3:::b/k:v",
    "arn:aws:s3:::b/?:v",
    "arn:aws:s3:::${aws:username}/*",
    "arn:aws:s3:::alice/k",
    "arn:aws:s3:::*",
];

/// All operators with all values: what one condition decides.
#[test]
fn every_operator_decides_alike_on_every_pair_of_values() {
    let actions = Actions::builtin();
    let mut compiler = Compiler::new(actions);
    let mut seen = [0; 4];
    for (n, name) in ALL_OPERATORS.iter().enumerate() {
        for (prefix, suffix) in [
            ("", ""),
            ("", "IfExists"),
            ("ForAnyValue:", ""),
            ("ForAllValues:", "IfExists"),
            ("forallvalues:", ""),
        ] {
            // All pairs with the plain operator; of the others, which differ in what they make of a
            // list, every seventh.
            let step = if prefix.is_empty() && suffix.is_empty() {
                1
            } else {
                7
            };
            for (m, wanted) in ALL_VALUES
                .iter()
                .enumerate()
                .filter(|(m, _)| (m + n) % step == 0)
            {
                let other = ALL_VALUES[(m * 31 + n) % ALL_VALUES.len()];
                let wanted = if m % 3 == 0 {
                    json!([wanted, other])
                } else {
                    json!(wanted)
                };
                let mut statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
                statement["Condition"][format!("{prefix}{name}{suffix}")]["k"] = wanted;
                let version = if m % 5 == 4 && step == 7 {
                    "2008-10-17"
                } else {
                    "2012-10-17"
                };
                let policy = json!({"Version": version, "Statement": statement});
                let asked = Asked::new(&mut compiler, actions, PolicyLayer::Identity, &policy);
                let mut ask = |given: Option<ContextValue>, mut context: Context| {
                    context.set("t", ContextValue::Many(vec!["a".to_owned()]));
                    if let Some(given) = given {
                        context.set("K", given);
                    }
                    let caller = "arn:aws:iam::111111111111:user/alice";
                    seen[asked.decide(&request(
                        "s3:GetObject",
                        "arn:aws:s3:::b/k",
                        caller,
                        context,
                    )) as usize] += 1;
                };
                ask(None, Context::default());
                ask(None, Context::open());
                for (g, given) in ALL_VALUES.iter().enumerate() {
                    ask(
                        Some(ContextValue::One((*given).to_owned())),
                        Context::default(),
                    );
                    if g % step == 0 {
                        let two = ALL_VALUES[(g * 17 + m) % ALL_VALUES.len()];
                        let list = [*given, two]
                            .map(str::to_owned)
                            .into_iter()
                            .take(g % 3)
                            .collect();
                        ask(Some(ContextValue::Many(list)), Context::default());
                    }
                }
            }
        }
    }
    let [allowed, denied, not_allowed, unknown] = seen;
    assert!(
        allowed > 10_000 && not_allowed > 10_000 && unknown > 1_000 && denied == 0,
        "{seen:?}"
    );
}

/// All calls of the services that have rules of their own, on the resources which those rules are
/// about.
#[test]
fn every_service_rule_decides_alike() {
    let actions = Actions::builtin();
    let mut compiler = Compiler::new(actions);
    let callers = [
        "arn:aws:iam::111111111111:user/alice",
        "arn:aws:iam::222222222222:role/r",
        CALLERS[6],
        "",
        "sns.amazonaws.com",
    ];
    let policies = [
        json!({"Principal": "*", "Action": "*", "Resource": "*"}),
        json!({"Principal": {"AWS": "111111111111"}, "Action": "*", "Resource": "*"}),
        json!({"Principal": "*", "Action": "*"}),
        json!({"Principal": "*", "Resource": "*"}),
        json!({"NotPrincipal": {"AWS": "222222222222"}, "Action": "*", "Resource": "*"}),
    ];
    let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let all = json!({"Version": "2012-10-17", "Statement": all});
    let every = actions.all();
    let names = actions.known(&every).map(|action| actions.name(action));
    let names: Vec<String> = names
        .filter(|name| {
            ["iam:", "kms:", "sts:"]
                .iter()
                .any(|service| name.starts_with(service))
        })
        .collect();
    let mut seen = [0; 4];
    for mut policy in policies {
        policy["Effect"] = json!("Allow");
        let policy = json!({"Version": "2012-10-17", "Statement": policy});
        let mut asked = Asked::new(&mut compiler, actions, PolicyLayer::Resource, &policy);
        let own = Asked::new(&mut compiler, actions, PolicyLayer::Identity, &all);
        (asked.layers.identity, asked.compiled.identity) =
            (own.layers.identity, own.compiled.identity);
        for name in &names {
            for resource in RESOURCES
                .iter()
                .chain(&["arn:aws:iam::111111111111:policy/own"])
            {
                for caller in callers {
                    // The resource is not what the table says for actions that have none.
                    seen[asked.decide(&request(name, resource, caller, Context::default()))
                        as usize] += 1;
                }
            }
        }
    }
    assert!(
        seen[Decision::Allowed as usize] > 1_000
            && seen[Decision::ImplicitlyDenied as usize] > 1_000,
        "{seen:?}"
    );
}

/// All conditions by which S3 may take a bucket policy for one that is not public.
#[test]
fn every_public_bucket_policy_is_one_for_both() {
    let actions = Actions::builtin();
    let mut compiler = Compiler::new(actions);
    let keys = [
        "aws:SourceIp",
        "aws:SourceArn",
        "aws:SourceVpc",
        "aws:SourceVpce",
        "aws:SourceAccount",
        "aws:PrincipalOrgID",
        "aws:userid",
        "s3:DataAccessPointAccount",
        "s3:DataAccessPointArn",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "aws:Referer",
        "aws:VpcSourceIp",
        "aws:SourceOwner",
        "aws:PrincipalAccount",
        "aws:PrincipalArn",
    ];
    let values = [
        "x",
        "arn:aws:s3:us-east-1:111111111111:accesspoint/*",
        "arn:aws:s3:*:111111111111:accesspoint/a",
        "arn:aws:s3:us-east-1:*:accesspoint/a",
        "x*",
        "x?",
        "${x}",
        "203.0.113.0/24",
        "8.0.0.0/8",
        "8.0.0.0/7",
        "2001:db8::/32",
        "2001:db8::/31",
        "::1",
        "1/x",
        "true",
    ];
    let mut seen = [0; 4];
    for key in keys {
        for operator in ALL_OPERATORS.iter().flat_map(|name| {
            [
                (*name).to_owned(),
                format!("{name}IfExists"),
                format!("ForAnyValue:{name}"),
            ]
        }) {
            for value in values {
                for principal in [
                    json!("*"),
                    json!({"AWS": "*"}),
                    json!({"AWS": "222222222222"}),
                    json!({"Federated": "*"}),
                ] {
                    let mut statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
                    statement["Principal"] = principal;
                    statement["Condition"][&operator][key] = json!([value, "y"]);
                    let policy = json!({"Version": "2012-10-17", "Statement": statement});
                    let mut asked =
                        Asked::new(&mut compiler, actions, PolicyLayer::Resource, &policy);
                    asked.layers.block_public_access.restrict_public_buckets = true;
                    asked.compiled.block_public_access.restrict_public_buckets = true;
                    for caller in ["", "arn:aws:iam::111111111111:user/alice"] {
                        let request =
                            request("s3:GetObject", "arn:aws:s3:::b/k", caller, Context::open());
                        seen[asked.decide(&request) as usize] += 1;
                    }
                }
            }
        }
    }
    assert!(
        seen[Decision::Unknown as usize] > 1_000
            && seen[Decision::ImplicitlyDenied as usize] > 1_000,
        "{seen:?}"
    );
}

#[test]
fn both_evaluators_decide_alike() {
    let seen = compare(20_000, 7);
    // Every decision comes up often enough to mean something.
    assert!(seen.iter().all(|n| *n > 100), "{seen:?}");
}

/// `cargo xtask fuzz-iam [CASES]`.
#[test]
#[ignore = "ten million cases"]
fn ten_million() {
    let cases = std::env::var("BARTIZAN_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(10_000_000usize);
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    let started = std::time::Instant::now();
    let seen = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..threads)
            .map(|n| scope.spawn(move || compare(cases / threads + 1, 1000 + n as u64)))
            .collect();
        runs.into_iter()
            .map(|run| run.join().unwrap())
            .fold([0; 4], |a, b| {
                [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]]
            })
    });
    for decision in [
        Decision::Allowed,
        Decision::ExplicitlyDenied,
        Decision::ImplicitlyDenied,
        Decision::Unknown,
    ] {
        println!("{:>12} {}", seen[decision as usize], decision.word());
    }
    println!(
        "{:>12} cases, no disagreement, {:.0} s",
        seen.iter().sum::<usize>(),
        started.elapsed().as_secs_f64()
    );
}
