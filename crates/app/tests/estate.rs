//! Accounts of a folder as one estate: both sides of questions, and organizations that bind their
//! own members, in answers and in differences.

use serde_json::{Value, json};

use crate::common::Home;

const A: &str = "111122223333";
const B: &str = "444455556666";
const QUEUE: &str = "arn:aws:sqs:us-east-1:444455556666:orders";

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Folder of one account in a dump.
fn folder(home: &Home, dump: &str, account: &str) -> std::path::PathBuf {
    let folder = home.path(&format!("{dump}/{account}/us-east-1"));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// User `ann` with one policy.
fn user(home: &Home, dump: &str, account: &str, action: &str) {
    let statement = json!({"Effect": "Allow", "Action": action, "Resource": "*"});
    let policy = json!({"Version": "2012-10-17", "Statement": statement});
    let details = json!({"UserDetailList": [{"UserName": "ann",
        "Arn": format!("arn:aws:iam::{account}:user/ann"),
        "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": policy}]}]});
    let file = "iam-get-account-authorization-details.json";
    std::fs::write(folder(home, dump, account).join(file), details.to_string()).unwrap();
}

/// A queue of B with a policy.
fn queue(home: &Home, dump: &str, statement: &Value) {
    let there = folder(home, dump, B);
    let url = "https://sqs.us-east-1.amazonaws.com/444455556666/orders";
    let list = json!({"QueueUrls": [url]});
    std::fs::write(there.join("sqs-list-queues.json"), list.to_string()).unwrap();
    let policy = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
    let attributes = json!({"Attributes": {"QueueArn": QUEUE, "Policy": policy}});
    let answers = there.join("sqs-get-queue-attributes");
    std::fs::create_dir_all(&answers).unwrap();
    let file = "https%3A%2F%2Fsqs.us-east-1.amazonaws.com%2F444455556666%2Forders";
    std::fs::write(answers.join(file), attributes.to_string()).unwrap();
}

/// An organization with one member, which a service control policy may keep from IAM.
fn organization(home: &Home, dump: &str, management: &str, id: &str, member: &str, limit: bool) {
    let there = folder(home, dump, management);
    let write = |name: &str, value: Value| {
        let path = there.join(format!("organizations-{name}"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, value.to_string()).unwrap();
    };
    let account = |id: &str| json!({"Id": id, "Arn": "a", "Name": id, "Status": "ACTIVE"});
    let organization = json!({"Id": id, "MasterAccountId": management});
    write(
        "describe-organization.json",
        json!({"Organization": organization}),
    );
    let root = json!({"Id": "r-1", "Arn": "a", "Name": "Root"});
    write("list-roots.json", json!({"Roots": [root]}));
    write(
        "list-organizational-units-for-parent/r-1",
        json!({"OrganizationalUnits": []}),
    );
    let accounts = json!([account(management), account(member)]);
    write("list-accounts.json", json!({"Accounts": accounts}));
    write(
        "list-accounts-for-parent/r-1",
        json!({"Accounts": accounts}),
    );
    let mut policies = vec![(
        "p-full",
        json!({"Effect": "Allow", "Action": "*", "Resource": "*"}),
        vec!["r-1", management, member],
    )];
    if limit {
        let deny = json!({"Effect": "Deny", "Action": ["iam:*", "sqs:*"], "Resource": "*"});
        policies.push(("p-limit", deny, vec!["r-1"]));
    }
    let kind = "SERVICE_CONTROL_POLICY";
    let ids = policies.iter().map(|(id, ..)| *id);
    let summaries: Vec<Value> = ids
        .map(|id| json!({"Id": id, "Type": kind, "Name": id}))
        .collect();
    write("list-policies.json", json!({"Policies": summaries}));
    write(
        "list-resource-control-policies.json",
        json!({"Policies": []}),
    );
    for (id, statement, targets) in policies {
        let content = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        write(
            &format!("describe-policy/{id}"),
            json!({"Policy": {"PolicySummary": {"Id": id}, "Content": content}}),
        );
        let target = |t: &&str| json!({"TargetId": t, "Arn": "a", "Name": "n", "Type": "X"});
        let targets: Vec<Value> = targets.iter().map(target).collect();
        write(
            &format!("list-targets-for-policy/{id}"),
            json!({"Targets": targets}),
        );
    }
}

fn can(home: &Home, dump: &str, code: i32) -> Value {
    let ann = format!("arn:aws:iam::{A}:user/ann");
    let words = [
        "access",
        "can",
        &ann,
        "sqs:SendMessage",
        QUEUE,
        "--on",
        dump,
        "--format",
        "json",
    ];
    parsed(&home.must(code, &words))
}

#[test]
fn a_question_between_two_accounts_asks_both() {
    let home = Home::new();
    user(&home, "dump", A, "sqs:*");
    let grant = json!({"Effect": "Allow", "Principal": {"AWS": A}, "Action": "sqs:*",
        "Resource": "*"});
    assert_eq!(can(&home, "dump", 0)["verdict"], "may");
    user(&home, "dump", B, "s3:*");
    queue(&home, "dump", &grant);
    let said = can(&home, "dump", 0);
    assert_eq!(said["verdict"], "must", "{said}");
    assert_eq!(said["because"].as_array().unwrap().len(), 2, "{said}");
    // Two of one name: the first of the folder is no default.
    let several = home.fails(
        1,
        &[
            "access",
            "can",
            "ann",
            "sqs:SendMessage",
            QUEUE,
            "--on",
            "dump",
        ],
    );
    assert!(several.contains("ann is several"), "{several}");
    let who = home.must(
        0,
        &[
            "access",
            "who-can",
            "sqs:SendMessage",
            QUEUE,
            "--on",
            "dump",
            "--format",
            "json",
        ],
    );
    let rows = parsed(&who);
    let names: Vec<&str> = rows
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["principal"].as_str())
        .collect();
    assert_eq!(names, ["arn:aws:iam::111122223333:user/ann"], "{rows}");
}

#[test]
fn each_organization_binds_its_own_members() {
    let home = Home::new();
    let grant = json!({"Effect": "Allow", "Principal": {"AWS": A}, "Action": "sqs:*",
        "Resource": "*"});
    for (dump, limits) in [("caller", (true, false)), ("owner", (false, true))] {
        user(&home, dump, A, "sqs:*");
        user(&home, dump, B, "s3:*");
        queue(&home, dump, &grant);
        organization(&home, dump, "999900001111", "o-1", A, limits.0);
        organization(&home, dump, "999900002222", "o-2", B, limits.1);
    }
    let bound = can(&home, "caller", 10);
    assert_eq!(
        bound["because"][0],
        "service control policy p-limit, statement 1: denies it"
    );
    // SCPs of the account of the resource do not bind callers of another.
    assert_eq!(can(&home, "owner", 0)["verdict"], "must");
}

#[test]
fn a_difference_is_bound_by_the_organization_of_its_time() {
    let home = Home::new();
    for (dump, limit) in [("before", true), ("after", false), ("same", true)] {
        user(&home, dump, A, "iam:*");
        organization(&home, dump, "999900001111", "o-1", A, limit);
    }
    let differ = |before: &str, after: &str, code: i32| {
        parsed(&home.must(code, &["access", "diff", before, after, "--format", "json"]))
    };
    // The member did not change; what keeps it from IAM did.
    let found = differ("before", "after", 10);
    let text = found.to_string();
    assert!(
        text.contains("arn:aws:iam::111122223333:user/ann"),
        "{text}"
    );
    let none = differ("before", "same", 0).to_string();
    assert!(
        !none.contains("arn:aws:iam::111122223333:user/ann"),
        "{none}"
    );
    let shown = home.must(0, &["diff", "before", "after"]);
    assert!(shown.contains("user/ann"), "{shown}");
}

/// A role of B that may do everything, and that A may assume; with a condition on an external id.
fn role_of_b(home: &Home, dump: &str, external_id: bool) {
    let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let mut trust = json!({"Effect": "Allow", "Principal": {"AWS": A}, "Action": "sts:AssumeRole"});
    if external_id {
        trust["Condition"] = json!({"StringEquals": {"sts:ExternalId": "secret"}});
    }
    let policy = |statement: Value| json!({"Version": "2012-10-17", "Statement": statement});
    let details = json!({"RoleDetailList": [{"RoleName": "OrganizationAccountAccessRole",
        "Arn": format!("arn:aws:iam::{B}:role/OrganizationAccountAccessRole"),
        "AssumeRolePolicyDocument": policy(trust),
        "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": policy(all)}]}]});
    let file = "iam-get-account-authorization-details.json";
    std::fs::write(folder(home, dump, B).join(file), details.to_string()).unwrap();
}

#[test]
fn escalation_crosses_accounts_and_says_how() {
    let home = Home::new();
    for (dump, action, external_id) in [
        ("sure", "sts:AssumeRole", false),
        ("perhaps", "sts:AssumeRole", true),
        ("none", "s3:*", false),
    ] {
        user(&home, dump, A, action);
        role_of_b(&home, dump, external_id);
        organization(&home, dump, A, "o-1", B, false);
    }
    let shown = |dump: &str| home.must(0, &["access", "escalate", "--on", dump]);
    let text = shown("sure");
    let line = format!("must  arn:aws:iam::{A}:user/ann can become administrator of account {B}");
    assert!(text.contains(&line), "{text}");
    let step = format!("sts:AssumeRole → arn:aws:iam::{B}:role/OrganizationAccountAccessRole");
    assert!(text.contains(&step), "{text}");
    let text = shown("perhaps");
    let line = format!("may   arn:aws:iam::{A}:user/ann can become administrator of account {B}");
    let reason = "depends on sts:ExternalId StringEquals secret";
    assert!(text.contains(&line) && text.contains(reason), "{text}");
    let text = shown("none");
    assert!(
        !text.contains("user/ann can become administrator of account"),
        "{text}"
    );
    // Whoever administers A can let himself.
    let line =
        format!("must  administrator of account {A} can become administrator of account {B}");
    assert!(text.contains(&line), "{text}");
    let ann = format!("arn:aws:iam::{A}:user/ann");
    let words = [
        "access", "escalate", &ann, "--on", "perhaps", "--format", "json",
    ];
    let found = parsed(&home.must(0, &words));
    let way = &found["crossings"][0];
    assert_eq!(
        (&way["account"], &way["verdict"]),
        (&json!(B), &json!("may")),
        "{found}"
    );
    assert_eq!(way["steps"][0]["by"], "trust");
    assert_eq!(way["steps"][0]["because"][0], reason);
}
