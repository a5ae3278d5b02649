//! `cargo xtask bench estate`: an estate of 200 accounts with 100,000 principals, 2,000 distinct
//! policies and 20,000 resources.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that fails should panic, and says what it measured"
)]

use std::time::Instant;

use bartizan_iam::{
    Account, AccountBuilder, Actions, Estate, IncrementalEscalations, Tri, estate_escalations,
};
use serde_json::{Value, json};

#[path = "../tests/random.rs"]
mod random;

use random::Random;

fn policy(statements: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn allow(actions: Value) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": "*"})
}

fn trust(principal: Value) -> Value {
    json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})
}

const ACCOUNTS: usize = 200;
const USERS: usize = 250;
const ROLES: usize = 250;
const POLICIES: usize = 2_000;
const RESOURCES: usize = 100;
/// Permission sets of Identity Center, of which each account has a role.
const SETS: usize = 5;
const STACK_SETS: &str = "member.org.stacksets.cloudformation.amazonaws.com";

fn id(n: usize) -> String {
    format!("{:012}", 100_000_000_000 + n)
}

/// Policies that all accounts share, by number: the first few say what administrators, deployers
/// and readers of many accounts have.
fn policies(random: &mut Random) -> Vec<String> {
    let services: Vec<&str> = Actions::builtin().services().collect();
    let own = |n: usize| match n {
        0 => json!([allow(json!("*"))]),
        1 => json!([allow(json!("sts:AssumeRole"))]),
        2 => json!([allow(json!(["iam:PassRole", "lambda:*"]))]),
        3 => json!([allow(json!([
            "cloudformation:*",
            "sso:*",
            "organizations:*"
        ]))]),
        4 => json!([allow(json!("iam:CreateAccessKey"))]),
        _ => Value::Null,
    };
    let mut list = Vec::new();
    for n in 0..POLICIES {
        let mut statements = own(n);
        if statements.is_null() {
            let count = 1 + random.below(4);
            let one = |random: &mut Random| {
                let count = 1 + random.below(12);
                let action = |random: &mut Random| {
                    let service = random.pick(&services);
                    let verb = random.pick(&["Get*", "List*", "Describe*", "Put*", "Create*", "*"]);
                    format!("{service}:{verb}")
                };
                let actions: Vec<String> = (0..count).map(|_| action(random)).collect();
                let mut statement = allow(json!(actions));
                if random.chance(40) {
                    statement["Resource"] = json!([
                        format!("arn:aws:s3:::data-{n}/*"),
                        format!("arn:aws:*:*:*:team-{n}/*")
                    ]);
                }
                if random.chance(25) {
                    statement["Condition"] = json!({"StringEquals":
                        {"aws:PrincipalTag/team": format!("t{}", n % 40)}});
                }
                statement
            };
            statements = (0..count).map(|_| one(random)).collect();
        }
        list.push(policy(statements).to_string());
    }
    list
}

fn details(n: usize, policies: &[String], random: &mut Random) -> String {
    let own = id(n);
    // An account uses some of the policies.
    let used: Vec<usize> = (0..60).map(|_| 5 + random.below(POLICIES - 5)).collect();
    let arn = |policy: usize| format!("arn:aws:iam::aws:policy/p{policy}");
    let attached = |random: &mut Random| {
        let mut list: Vec<usize> = (0..1 + random.below(4))
            .map(|_| *random.pick_of(&used))
            .collect();
        let special = [(2, 0), (15, 1), (3, 2), (1, 3), (2, 4)];
        let more = special.iter().filter(|(chance, _)| random.chance(*chance));
        list.extend(more.map(|(_, policy)| *policy));
        let list = list
            .into_iter()
            .map(|p| json!({"PolicyArn": arn(p), "PolicyName": "p"}));
        list.collect::<Vec<_>>()
    };
    let mut users = Vec::new();
    for u in 0..USERS {
        users.push(
            json!({"UserName": format!("user{u}"), "UserId": format!("AIDA{n:05}{u:05}"),
            "Arn": format!("arn:aws:iam::{own}:user/user{u}"), "Tags": [],
            "AttachedManagedPolicies": attached(random)}),
        );
    }
    let mut roles = Vec::new();
    let mut role = |path: &str, name: String, attached: Value, trusted: Value| {
        let number = roles.len();
        roles.push(
            json!({"RoleName": name, "RoleId": format!("AROA{n:05}{number:05}"),
            "Arn": format!("arn:aws:iam::{own}:role/{path}{name}"), "Tags": [],
            "AssumeRolePolicyDocument": policy(trusted), "AttachedManagedPolicies": attached}),
        );
    };
    let all = json!([{"PolicyArn": arn(0), "PolicyName": "p"}]);
    let management = trust(json!({"AWS": format!("arn:aws:iam::{}:root", id(0))}));
    role(
        "",
        "OrganizationAccountAccessRole".to_owned(),
        all.clone(),
        management,
    );
    let deploy = trust(json!({"AWS": format!("arn:aws:iam::{}:root", id(1))}));
    role("", "deploy".to_owned(), all.clone(), deploy);
    for set in 0..SETS {
        let name = format!("AWSReservedSSO_set{set}_0123456789abcdef");
        let held = if set == 0 {
            all.clone()
        } else {
            json!(attached(random))
        };
        let federated = json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithSAML", "Principal":
            {"Federated": format!("arn:aws:iam::{own}:saml-provider/AWSSSO")}});
        role("aws-reserved/sso.amazonaws.com/", name, held, federated);
    }
    for r in 0..ROLES - SETS - 2 {
        let services = ["ec2", "lambda", "ecs-tasks", "glue", "codebuild"];
        let next = id((n + 1 + random.below(5)) % ACCOUNTS);
        let trusted = match random.below(100) {
            0..60 => trust(json!({"Service": format!("{}.amazonaws.com", random.pick(&services))})),
            60..80 => trust(json!({"AWS": format!("arn:aws:iam::{own}:root")})),
            80..90 => {
                let user = random.below(USERS);
                trust(json!({"AWS": format!("arn:aws:iam::{own}:user/user{user}")}))
            }
            90..94 => trust(json!({"AWS": next})),
            94..97 => {
                let user = random.below(USERS);
                trust(json!({"AWS": format!("arn:aws:iam::{next}:user/user{user}")}))
            }
            _ => {
                let mut statement = trust(json!({"AWS": next}));
                statement["Condition"] = json!({"StringEquals": {"sts:ExternalId": "secret"}});
                statement
            }
        };
        role("", format!("role{r}"), json!(attached(random)), trusted);
    }
    let mut documents = used.clone();
    documents.extend(0..5);
    documents.sort_unstable();
    documents.dedup();
    let managed: Vec<Value> = documents
        .iter()
        .map(|p| {
            let document: Value = serde_json::from_str(&policies[*p]).unwrap();
            json!({"Arn": arn(*p), "PolicyVersionList": [{"Document": document,
                "VersionId": "v1", "IsDefaultVersion": true}]})
        })
        .collect();
    json!({"UserDetailList": users, "RoleDetailList": roles, "Policies": managed}).to_string()
}

/// What one account shows, as it would be read.
struct Shown {
    details: String,
    resources: Vec<(&'static str, String, String)>,
    functions: Vec<(String, String)>,
}

fn shown(n: usize, policies: &[String], random: &mut Random) -> Shown {
    let own = id(n);
    let mut resources = Vec::new();
    let mut functions = Vec::new();
    for r in 0..RESOURCES {
        let to = if random.chance(30) {
            id(random.below(ACCOUNTS))
        } else {
            own.clone()
        };
        let statement = |action: &str, arn: &str| {
            policy(
                json!({"Effect": "Allow", "Principal": {"AWS": to}, "Action": action,
                "Resource": arn}),
            )
            .to_string()
        };
        match r % 3 {
            0 => {
                let arn = format!("arn:aws:s3:::bucket-{n}-{r}");
                let text = statement("s3:GetObject", &format!("{arn}/*"));
                resources.push(("s3:bucketpolicy", arn, text));
            }
            1 => {
                let arn = format!("arn:aws:sqs:us-east-1:{own}:queue-{r}");
                let text = statement("sqs:*", &arn);
                resources.push(("sqs:queuepolicy", arn, text));
            }
            _ => {
                let arn = format!("arn:aws:lambda:us-east-1:{own}:function:f{r}");
                let role = format!("arn:aws:iam::{own}:role/role{}", random.below(200));
                let text = statement("lambda:InvokeFunction", &arn);
                resources.push(("lambda:functionpolicy", arn.clone(), text));
                functions.push((arn, role));
            }
        }
    }
    Shown {
        details: details(n, policies, random),
        resources,
        functions,
    }
}

fn read(n: usize, shown: &Shown) -> Account<'static> {
    let mut builder = AccountBuilder::new(&id(n), Actions::builtin());
    builder.authorization_details(&shown.details).unwrap();
    builder.read("s3:bucket", "global");
    for (kind, arn, text) in &shown.resources {
        if let Some(bucket) = arn.strip_prefix("arn:aws:s3:::") {
            builder.fact("s3:bucket", "us-east-1", bucket, "{}");
        }
        builder.resource(kind, arn, text);
    }
    for (arn, role) in &shown.functions {
        builder.role_consumer("lambda", arn, role);
    }
    let organization = json!({"Id": "o-1", "MasterAccountId": id(0)}).to_string();
    let fact = |builder: &mut AccountBuilder<'_>, kind: &str, id: &str, document: &str| {
        builder.fact(kind, "global", id, document);
    };
    fact(
        &mut builder,
        "organizations:organization",
        "organization",
        &organization,
    );
    if n == 0 {
        fact(
            &mut builder,
            "organizations:serviceaccess",
            STACK_SETS,
            "{}",
        );
        fact(&mut builder, "sso:instance", "i", "{}");
        let delegated = format!("{}/sso.amazonaws.com", id(2));
        fact(
            &mut builder,
            "organizations:delegatedservice",
            &delegated,
            "{}",
        );
        for account in (0..ACCOUNTS).map(id) {
            let document = json!({"Id": account, "Name": account}).to_string();
            fact(&mut builder, "organizations:account", &account, &document);
            for set in 0..SETS {
                let arn = format!("arn:aws:sso:::permissionSet/ssoins-1/ps-{set}");
                let name = json!({"Name": format!("set{set}")}).to_string();
                fact(&mut builder, "sso:permissionset", &arn, &name);
                let assignment = format!("{arn}/{account}/GROUP/g-{set}");
                fact(&mut builder, "sso:accountassignment", &assignment, "{}");
            }
        }
    }
    let full = policy(allow(json!("*"))).to_string();
    let limit = policy(
        json!([allow(json!("*")), {"Effect": "Deny", "Action": "organizations:Leave*",
        "Resource": "*", "Condition": {"StringNotLike": {"aws:PrincipalArn": "*/breakglass"}}}]),
    );
    if n > 0 {
        builder.scp_level(&[("p-full", &full)]);
        builder.scp_level(&[("p-limit", &limit.to_string())]);
    }
    builder.build()
}

fn row(what: &str, figure: f64, unit: &str, bound: f64) {
    let verdict = if figure <= bound {
        ""
    } else {
        "   ABOVE THE BOUND"
    };
    println!("{what:<58} {figure:>9.2} {unit:<4} ≤ {bound}{verdict}");
}

/// All accounts, built on threads.
fn built(accounts: &[Shown], threads: usize) -> Vec<Account<'static>> {
    let piece = accounts.len().div_ceil(threads);
    std::thread::scope(|scope| {
        let run = |from: usize, list: &[Shown]| {
            let numbered = (from..).zip(list);
            numbered
                .map(|(n, shown)| read(n, shown))
                .collect::<Vec<_>>()
        };
        let runs: Vec<_> = accounts
            .chunks(piece)
            .enumerate()
            .map(|(n, list)| scope.spawn(move || run(n * piece, list)))
            .collect();
        runs.into_iter()
            .flat_map(|run| run.join().unwrap())
            .collect()
    })
}

/// Peak memory of this process, in MB.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kb = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kb.unwrap_or_default() / 1024.0
}

/// CPU seconds of this process.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind = stat.rsplit(')').next().unwrap_or_default();
    let ticks = behind.split_whitespace().skip(11).take(2);
    ticks.filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn main() {
    let mut random = Random(4711);
    let policies = policies(&mut random);
    let accounts: Vec<Shown> = (0..ACCOUNTS)
        .map(|n| shown(n, &policies, &mut random))
        .collect();
    let bytes: usize = accounts.iter().map(|a| a.details.len()).sum();
    println!(
        "{:.0} MB of text, {:.0} MB held before",
        bytes as f64 / 1e6,
        peak_mb()
    );
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    let (start, cpu) = (Instant::now(), cpu_s());
    let read = built(&accounts, threads);
    let reading = start.elapsed().as_secs_f64();
    println!("accounts built in {reading:.2} s; {:.0} MB", peak_mb());
    drop(accounts);
    let estate = Estate::new(&read);
    let found = estate_escalations(&estate, threads);
    let wall = start.elapsed().as_secs_f64();
    let principals: usize = read.iter().map(|a| a.principals.len()).sum();
    let held: usize = found.accounts.iter().map(|e| e.found.len()).sum();
    println!(
        "{principals} principals; {held} within their account, {} ways between accounts, {} of \
        them sure; {:.2} s CPU",
        found.crossings.len(),
        found
            .crossings
            .iter()
            .filter(|c| c.verdict == Tri::Yes)
            .count(),
        cpu_s() - cpu
    );
    row("escalate, with accounts built, wall", wall, "s", 15.0);
    row("peak memory", peak_mb(), "MB", 1536.0);

    let mut worst = 0.0f64;
    for resource in [
        "arn:aws:s3:::bucket-7-3/key",
        "arn:aws:sqs:us-east-1:100000000150:queue-4",
    ] {
        let action = if resource.contains(":s3:") {
            "s3:GetObject"
        } else {
            "sqs:SendMessage"
        };
        let start = Instant::now();
        let holders = estate.who_can(action, resource).len();
        println!("{holders} may {action} on {resource}");
        worst = worst.max(start.elapsed().as_secs_f64());
    }
    row("who-can with one resource", worst, "s", 0.5);
    drop(found);
    let mut read = read;
    let mut standing = IncrementalEscalations::new(read.swap_remove(9), threads);
    let mut worst = 0.0f64;
    let held = standing.account().principals[0].policies[0];
    for action in ["iam:PutUserPolicy", "s3:*", "*", "sts:AssumeRole"] {
        let text = policy(allow(json!(action))).to_string();
        let start = Instant::now();
        standing.replace(held, &text).unwrap();
        worst = worst.max(start.elapsed().as_secs_f64());
    }
    row(
        "one changed policy, within its account",
        worst * 1000.0,
        "ms",
        50.0,
    );
}
