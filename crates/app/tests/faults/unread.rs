//! What was not read: an answer that hangs on it is no answer.

use serde_json::{Value, json};

use super::input;
use crate::common::{Home, root};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A policy of a resource alone can allow, and its deny always wins
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-single-account.html>).
#[test]
fn a_policy_that_was_not_read_may_allow_and_may_deny() {
    let home = Home::new();
    let key = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let questions = [
        (
            "bob",
            "s3:GetObject",
            "arn:aws:s3:::open-to-bob/x",
            (0, "must"),
            "arn:aws:s3:::open-to-bob",
        ),
        (
            "ann",
            "s3:GetObject",
            "arn:aws:s3:::shut/x",
            (10, "no"),
            "arn:aws:s3:::shut",
        ),
        ("kim", "kms:Decrypt", key, (0, "must"), key),
    ];
    for (who, action, resource, (code, verdict), held) in questions {
        let ask = |code: i32, on: &str| {
            let on = input(&format!("31-unread-policies/{on}"));
            parsed(&home.must(
                code,
                &[
                    "access", "can", who, action, resource, "--on", &on, "--format", "json",
                ],
            ))
        };
        let before = ask(code, "before");
        assert_eq!(
            (&before["verdict"], &before["unread"]),
            (&json!(verdict), &json!([])),
            "{before}"
        );
        let after = ask(0, "after");
        assert_eq!(after["verdict"], "may", "{after}");
        assert!(
            after["unread"]
                .to_string()
                .contains(&format!("the policy of {held} was not read")),
            "{after}"
        );
    }
    let after = input("31-unread-policies/after");
    let list =
        |question: &[&str], code: i32| home.must(code, &[question, &["--on", &after]].concat());
    let who = list(
        &[
            "access",
            "who-can",
            "s3:GetObject",
            "arn:aws:s3:::open-to-bob/x",
        ],
        0,
    );
    for name in ["user/ann", "user/bob", "user/kim", "anybody"] {
        assert!(
            who.lines()
                .any(|l| l.starts_with("may") && l.contains(name)),
            "{name}: {who}"
        );
    }
    assert!(
        !who.contains("must") && who.contains("nobody is ruled out"),
        "{who}"
    );
    let public = list(&["access", "public", "--require-complete"], 11);
    assert!(
        public.contains("UNKNOWN") && !public.contains("grants of KMS keys"),
        "{public}"
    );
    assert!(
        public
            .contains("not read: s3:bucketpolicy of open-to-bob, shut (s3:GetBucketPolicy denied)"),
        "{public}"
    );
    assert!(
        public.contains("kms:keypolicy of 1234abcd-12ab-34cd-56ef-1234567890ab in us-east-1"),
        "{public}"
    );
}

/// A file with identity policies alone says nothing of what resources allow; one that is no account
/// says nothing at all.
#[test]
fn no_way_in_among_what_was_never_asked_is_unknown() {
    let home = Home::new();
    let dump = home.path("dump/111122223333/us-east-1");
    std::fs::create_dir_all(&dump).unwrap();
    let details = json!({
        "UserDetailList": [{"UserName": "ada", "Arn": "arn:aws:iam::111122223333:user/ada", "UserPolicyList": [
            {
                "PolicyName": "p",
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"},
                },
            }]}],
    });
    std::fs::write(
        dump.join("iam-get-account-authorization-details.json"),
        details.to_string(),
    )
    .unwrap();
    std::fs::write(
        dump.join("s3-list-buckets.json"),
        json!({"Buckets": [{"Name": "payroll"}]}).to_string(),
    )
    .unwrap();
    std::fs::write(home.path("gaad.json"), details.to_string()).unwrap();
    for on in ["dump", "gaad.json"] {
        assert!(
            home.must(0, &["access", "public", "--on", on])
                .contains("UNKNOWN"),
            "{on}"
        );
        home.must(11, &["access", "public", "--on", on, "--require-complete"]);
        let rows = parsed(&home.must(0, &["access", "public", "--on", on, "--format", "json"]));
        assert_eq!(rows[0]["verdict"], "unknown", "{rows}");
        let ada = parsed(&home.must(
            0,
            &[
                "access",
                "can",
                "ada",
                "s3:GetObject",
                "arn:aws:s3:::payroll/x",
                "--on",
                on,
                "--format",
                "json",
            ],
        ));
        assert_eq!(ada["verdict"], "may", "{on}: {ada}");
        // What no policy of a resource decides is proved all the same.
        let ada = parsed(&home.must(
            0,
            &[
                "access",
                "can",
                "ada",
                "ec2:RunInstances",
                "*",
                "--on",
                on,
                "--format",
                "json",
            ],
        ));
        assert_eq!(ada["verdict"], "must", "{on}: {ada}");
    }
    std::fs::write(
        home.path("trail.json"),
        r#"{"Records": [{"eventName": "StopLogging", "userIdentity": {"arn": "arn:aws:iam::111122223333:user/x"}}]}"#,
    )
    .unwrap();
    for question in [&["access", "public"][..], &["access", "escalate"]] {
        let said = home.fails(1, &[question, &["--on", "trail.json"]].concat());
        assert!(
            said.contains("is no account") && said.contains("bartizan detect"),
            "{said}"
        );
    }
}

/// AWS sets IsTruncated and Marker exactly when there is more
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>).
#[test]
fn a_cut_list_is_said_to_be_cut() {
    let home = Home::new();
    let (dump, buckets) = (
        input("30-cut-lists-in-access/dump"),
        input("30-cut-lists-in-access/buckets"),
    );
    let file = format!("{dump}/111122223333/us-east-1/iam-get-account-authorization-details.json");
    std::fs::copy(file, home.path("page.json")).unwrap();
    for on in [dump.as_str(), "page.json"] {
        let said = home.fails(
            1,
            &[
                "access",
                "can",
                "bob",
                "s3:GetObject",
                "arn:aws:s3:::b/k",
                "--on",
                on,
            ],
        );
        assert!(
            said.contains("no user or role bob") && said.contains("is not whole"),
            "{said}"
        );
        for question in [
            &["access", "escalate"][..],
            &["access", "who-can", "s3:GetObject", "arn:aws:s3:::b/k"],
        ] {
            let said = home.must(0, &[question, &["--on", on]].concat());
            assert!(
                said.contains("the list of users and roles is not whole"),
                "{said}"
            );
            home.must(
                11,
                &[question, &["--on", on, "--require-complete"]].concat(),
            );
        }
    }
    let public = home.must(0, &["access", "public", "--on", &buckets]);
    assert!(
        public.contains("1 external access path, and not everything"),
        "{public}"
    );
    assert!(
        public.contains("s3:bucketpolicy (s3:ListBuckets cut"),
        "{public}"
    );
}

#[test]
fn one_refused_item_leaves_the_others_known() {
    let home = Home::new();
    let (before, after) = (
        input("31-absent-beside-denied/before"),
        input("31-absent-beside-denied/after"),
    );
    let found = parsed(&home.must(0, &["access", "diff", &before, &after, "--format", "json"]));
    let shut: Vec<&Value> = found["shut"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| &o["resource"])
        .collect();
    assert_eq!(shut, ["arn:aws:s3:::gone"], "{found}");
    let unknown = found["unknown"].as_array().unwrap();
    assert!(
        unknown.len() == 1
            && unknown[0]
                .as_str()
                .unwrap()
                .starts_with("arn:aws:s3:::denied for"),
        "{found}"
    );
    let diff = home.json(&["diff", &before, &after]);
    assert_eq!(diff["access"], found);
}

/// An account may be given by its id or by the ARN of its root: they mean the same
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>).
#[test]
fn an_account_that_is_written_otherwise_gains_nothing() {
    let home = Home::new();
    let diff = home.json(&[
        "diff",
        &input("08-account-id-and-root/before"),
        &input("08-account-id-and-root/after"),
    ]);
    let change = &diff["changes"][0]["access"];
    assert_eq!(
        (&change["verdict"], &change["lost"]),
        (&json!("grew"), &json!([])),
        "{change}"
    );
    let gained = change["gained"].to_string();
    assert!(
        gained.contains("999900001111") && !gained.contains("444455556666"),
        "{gained}"
    );
}

#[test]
fn a_star_in_a_resource_is_asked_of_all_that_it_matches() {
    let home = Home::new();
    let own = home.path("dump/111122223333/us-east-1");
    std::fs::create_dir_all(own.join("s3-get-bucket-policy")).unwrap();
    let user = |name: &str, statements: Value| {
        json!({
            "UserName": name,
            "Arn": format!("arn:aws:iam::111122223333:user/{name}"),
            "UserPolicyList": [
                {
                    "PolicyName": "p",
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
                }],
        })
    };
    let allow =
        |resource: &str| json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource});
    let secret =
        json!({"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/secret/*"});
    let details = json!({"UserDetailList": [
        user("all", json!([allow("*")])),
        user("but-secret", json!([allow("arn:aws:s3:::b/*"), secret])),
        user("public", json!([allow("arn:aws:s3:::b/public/*")])),
        user("other", json!([allow("arn:aws:s3:::c/*")])),
    ]});
    std::fs::write(
        own.join("iam-get-account-authorization-details.json"),
        details.to_string(),
    )
    .unwrap();
    std::fs::write(
        own.join("s3-list-buckets.json"),
        json!({"Buckets": [{"Name": "b"}]}).to_string(),
    )
    .unwrap();
    let none =
        "An error occurred (NoSuchBucketPolicy) when calling the GetBucketPolicy operation: none";
    std::fs::write(own.join("s3-get-bucket-policy/b"), none).unwrap();
    let rows = parsed(&home.must(
        0,
        &[
            "access",
            "who-can",
            "s3:GetObject",
            "arn:aws:s3:::b/*",
            "--on",
            "dump",
            "--format",
            "json",
        ],
    ));
    let found: Vec<(String, &str, &str)> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|r| {
            let name = r["principal"]
                .as_str()
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap()
                .to_owned();
            (
                name,
                r["extent"].as_str().unwrap(),
                r["verdict"].as_str().unwrap(),
            )
        })
        .collect();
    let right = [
        ("all", "all", "must"),
        ("but-secret", "some", "may"),
        ("public", "some", "may"),
    ];
    assert_eq!(
        found,
        right.map(|(name, extent, verdict)| (name.to_owned(), extent, verdict))
    );
    let text = home.must(
        0,
        &[
            "access",
            "who-can",
            "s3:GetObject",
            "arn:aws:s3:::b/*",
            "--on",
            "dump",
        ],
    );
    assert!(
        text.contains("1 of 4 principals") && text.contains("b/secret/"),
        "{text}"
    );
    let can = |who: &str, what: &str, code: i32| {
        home.must(
            code,
            &["access", "can", who, "s3:GetObject", what, "--on", "dump"],
        )
    };
    assert!(can("public", "arn:aws:s3:::b/public/2026/*", 0).starts_with("must"));
    assert!(can("but-secret", "arn:aws:s3:::b/*", 0).starts_with("some"));
    assert!(can("other", "arn:aws:s3:::b/*", 10).starts_with("no"));
}

/// Across accounts both sides must allow
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html>).
#[test]
fn a_resource_of_another_account_is_not_judged_by_one_side() {
    let home = Home::new();
    let write = |account: &str, file: &str, text: String| {
        let path = home.path(&format!("{file}/{account}/us-east-1"));
        std::fs::create_dir_all(path.join("sqs-get-queue-attributes")).unwrap();
        std::fs::write(
            path.join("iam-get-account-authorization-details.json"),
            text,
        )
        .unwrap();
        path
    };
    let ann = json!({
        "UserDetailList": [{"UserName": "ann", "Arn": "arn:aws:iam::111122223333:user/ann", "UserPolicyList": [
            {
                "PolicyName": "p",
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": {"Effect": "Allow", "Action": ["sqs:*", "s3:*"], "Resource": "*"},
                },
            }]}],
    });
    let own = write("111122223333", "one", ann.to_string());
    std::fs::write(own.join("s3-list-buckets.json"), r#"{"Buckets": []}"#).unwrap();
    let ask = |action: &str, resource: &str, code: i32| {
        parsed(&home.must(
            code,
            &[
                "access", "can", "ann", action, resource, "--on", "one", "--format", "json",
            ],
        ))
    };
    for (action, resource) in [
        ("sqs:SendMessage", "arn:aws:sqs:us-east-1:444455556666:q"),
        ("s3:GetObject", "arn:aws:s3:::somebody-elses/x"),
    ] {
        let said = ask(action, resource, 0);
        assert_eq!(said["verdict"], "may", "{said}");
        assert!(
            said["unread"]
                .to_string()
                .contains(&format!("the policy of {resource} was not read")),
            "{said}"
        );
    }
    // What is not allowed at home is allowed by nobody else.
    assert_eq!(
        ask("sns:Publish", "arn:aws:sns:us-east-1:444455556666:t", 10)["verdict"],
        "no"
    );
}

#[test]
fn what_cannot_be_meant_is_refused_with_what_can() {
    let home = Home::new();
    let account = root()
        .join("examples/ladder/account.json")
        .to_str()
        .unwrap()
        .to_owned();
    let said = home.fails(1, &["snapshot", "--regions", "mars-1"]);
    assert!(
        said.contains("mars-1 is no region of AWS") && said.contains("eu-west-1"),
        "{said}"
    );
    // An administrator's services are one line, and the numbers are of one table.
    let text = home.must(0, &["access", "escalate", "ada", "--on", &account]);
    let holds = text.lines().find(|l| l.starts_with("holds")).unwrap();
    let numbers: Vec<usize> = holds
        .split_whitespace()
        .filter_map(|w| w.parse().ok())
        .collect();
    assert!(numbers[0] <= numbers[1], "{holds}");
    assert!(text.lines().count() < 40, "{text}");
    // A condition is told of the policy that has it.
    let finn = home.must(
        0,
        &[
            "access",
            "can",
            "finn",
            "sts:AssumeRole",
            "arn:aws:iam::111122223333:role/deploy",
            "--on",
            &account,
        ],
    );
    assert!(
        finn.contains("depends on: aws:MultiFactorAuthPresent"),
        "{finn}"
    );
}

#[test]
fn a_condition_is_told_of_the_policy_that_has_it() {
    let home = Home::new();
    let details = json!({
        "UserDetailList": [{"UserName": "mia", "Arn": "arn:aws:iam::111122223333:user/mia", "UserPolicyList": [
            {"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ec2:*", "Resource": "*",
            "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}}}]}],
    });
    std::fs::write(home.path("gaad.json"), details.to_string()).unwrap();
    let mia = parsed(&home.must(
        0,
        &[
            "access",
            "can",
            "mia",
            "ec2:RunInstances",
            "*",
            "--on",
            "gaad.json",
            "--format",
            "json",
        ],
    ));
    assert_eq!(
        (&mia["verdict"], &mia["because"][0]),
        (
            &json!("may"),
            &json!("identity policy: depends on an unresolved condition")
        )
    );
}

/// A bucket that is deleted takes its policy, ACL and settings with it.
#[test]
fn what_goes_with_a_thing_is_part_of_its_going() {
    let home = Home::new();
    for (name, there) in [("before", true), ("after", false)] {
        let folder = home.path(&format!("{name}/111122223333/us-east-1"));
        for call in ["policy", "acl", "location"] {
            std::fs::create_dir_all(folder.join(format!("s3-get-bucket-{call}"))).unwrap();
        }
        let buckets = if there {
            json!([{"Name": "old"}])
        } else {
            json!([])
        };
        std::fs::write(
            folder.join("s3-list-buckets.json"),
            json!({"Buckets": buckets}).to_string(),
        )
        .unwrap();
        if there {
            let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::old/*"}]}"#;
            std::fs::write(
                folder.join("s3-get-bucket-policy/old"),
                json!({"Policy": policy}).to_string(),
            )
            .unwrap();
            std::fs::write(
                folder.join("s3-get-bucket-acl/old"),
                r#"{"Owner": {"ID": "o"}, "Grants": []}"#,
            )
            .unwrap();
            std::fs::write(
                folder.join("s3-get-bucket-location/old"),
                r#"{"LocationConstraint": null}"#,
            )
            .unwrap();
        }
    }
    let text = home.must(0, &["diff", "before", "after"]);
    assert!(text.starts_with("1 change"), "{text}");
    assert!(
        text.contains("s3:bucket old") && text.contains("with it: "),
        "{text}"
    );
    let diff = home.json(&["diff", "before", "after"]);
    let whole = diff["changes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["kind"] == "s3:bucket")
        .unwrap()
        .clone();
    assert_eq!(whole.get("part_of"), None);
    for part in diff["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["kind"] != "s3:bucket")
    {
        assert_eq!(part["part_of"], "s3:bucket old", "{part}");
        assert!(
            part["severity"] == whole["severity"]
                || part["severity"] == "info"
                || part["severity"] == "low",
            "{part}"
        );
    }
}

#[test]
fn a_broken_or_read_only_state_is_never_to_be_deleted() {
    let home = Home::new();
    std::fs::create_dir(home.path("bartizan-store")).unwrap();
    std::fs::write(
        home.path("bartizan-store/state.sqlite"),
        "no database, and long enough to be looked at",
    )
    .unwrap();
    let said = home.fails(1, &["report", "-o", "-"]);
    assert!(
        said.contains("is damaged") && !said.contains("delete"),
        "{said}"
    );
}

#[test]
fn no_network_is_not_a_stranger() {
    // Nobody listens on port 1.
    let home = Home::with_aws("http://127.0.0.1:1");
    let said = home.fails(1, &["snapshot"]);
    assert!(
        said.contains("AWS cannot be reached") && !said.contains("does not know who we are"),
        "{said}"
    );
}
