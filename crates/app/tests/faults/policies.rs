//! What a policy allows, and what one allows that another does not.

use serde_json::Value;

use super::input;
use crate::common::Home;

/// The answers of `access eval`, by the name of the case.
fn decisions(file: &str) -> Vec<(String, String)> {
    let text = Home::new().must(0, &["access", "eval", &input(file)]);
    let rows = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let word = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    rows.map(|row| (word(&row, "name"), word(&row, "decision")))
        .collect()
}

/// The first words of what a comparison of two policies prints, and its last line.
fn compared(code: i32, old: &str, new: &str) -> Vec<String> {
    let text = Home::new().must(code, &["access", "policy-diff", &input(old), &input(new)]);
    text.lines()
        .filter(|l| !l.starts_with(' '))
        .map(|l| l.split("  ").next().unwrap().trim().to_owned())
        .collect()
}

/// IAM user guide, "Variables and tags": in Resource only behind the fifth colon.
#[test]
fn variables_are_filled_behind_the_fifth_colon() {
    let right = [
        ("account-part", "implicitly-denied"),
        ("region-part", "implicitly-denied"),
        ("deny-account-part", "allowed"),
        ("name-part", "allowed"),
    ];
    let right = right.map(|(name, decision)| (name.to_owned(), decision.to_owned()));
    assert_eq!(
        decisions("05-variables-before-fifth-colon/cases.ndjson"),
        right
    );
}

/// IAM user guide, "Principal": an account by its id and by the ARN of its root is one.
#[test]
fn an_account_is_its_root() {
    for (old, new) in [("id", "root"), ("deny-id", "deny-root")] {
        let path = |name: &str| format!("08-account-id-and-root/{name}.json");
        for (old, new) in [(old, new), (new, old)] {
            assert_eq!(
                compared(0, &path(old), &path(new)),
                ["the policies allow the same"]
            );
        }
    }
    let text = Home::new().must(
        0,
        &[
            "diff",
            &input("08-account-id-and-root/before"),
            &input("08-account-id-and-root/after"),
        ],
    );
    assert!(
        text.contains("access grew") && text.contains("999900001111") && !text.contains("shrank"),
        "{text}"
    );
}

/// IAM user guide, "Condition operators": …IfExists holds without the key as well; values of one
/// key are joined by OR.
#[test]
fn differences_in_conditions_are_shown() {
    for (pair, code, right) in [
        (
            "ifexists",
            10,
            ["+ must", "the new policy takes nothing away"],
        ),
        (
            "null",
            0,
            [
                "- must",
                "the new policy allows nothing that the old one did not",
            ],
        ),
        ("value", 10, ["+ must", "the new policy takes nothing away"]),
        (
            "taken",
            0,
            [
                "- must",
                "the new policy allows nothing that the old one did not",
            ],
        ),
        ("mfa", 10, ["+ must", "the new policy takes nothing away"]),
        (
            "number",
            10,
            ["+ must", "the new policy takes nothing away"],
        ),
    ] {
        let path = |age: &str| format!("08-differences-in-conditions/{pair}.{age}.json");
        assert_eq!(compared(code, &path("old"), &path("new")), right, "{pair}");
    }
}

/// IAM user guide, "Principal": identity policies have none.
#[test]
fn principals_make_a_policy_one_of_a_resource() {
    let path = |name: &str| format!("08-principals-dropped/{name}.json");
    let opened = Home::new().must(
        10,
        &[
            "access",
            "policy-diff",
            &input(&path("narrow")),
            &input(&path("open")),
        ],
    );
    assert!(
        opened.starts_with("+ must  sqs:SendMessage") && opened.contains("to anybody"),
        "{opened}"
    );
    assert_eq!(
        compared(10, &path("role"), &path("narrow")),
        ["+ must", "the new policy takes nothing away"]
    );
    assert_eq!(
        compared(0, &path("narrow"), &path("narrow")),
        ["the policies allow the same"]
    );
    let refused = |args: &[&str]| {
        let output = Home::new().run(&[&["access", "policy-diff"], args].concat());
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let (narrow, identity) = (
        input(&path("narrow")),
        input("08-differences-in-conditions/mfa.old.json"),
    );
    let said = refused(&["--as", "identity", &narrow, &narrow]);
    assert!(
        said.contains("names a principal") && said.contains("--as resource"),
        "{said}"
    );
    assert!(
        refused(&[&narrow, &identity]).contains("names none"),
        "one of each"
    );
    assert!(
        refused(&["--as", "resource", &identity, &identity]).contains("names no principal"),
        "said to be what it is not"
    );
}

#[test]
fn what_is_no_policy_of_any_kind_is_refused() {
    let home = Home::new();
    let file = |name: &str, text: &str| {
        let path = home.path(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    for (text, why) in [
        (
            r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole"}}"#,
            "neither Principal nor Resource",
        ),
        (
            r#"{"Version": "2012-10-18", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#,
            "2012-10-18",
        ),
        (
            r#"{"Version": "2012-10-17 ", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#,
            "2012-10-17 ",
        ),
    ] {
        let path = file("odd.json", text);
        let output = home.run(&["access", "policy-diff", &path, &path]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.code() == Some(1) && said.contains(why),
            "{text}: {said}"
        );
    }
    let case = |version: &str| {
        format!(
            r#"{{"request": {{"action": "s3:GetObject", "resource": "arn:aws:s3:::b/k", "principal": {{"arn": "arn:aws:iam::111122223333:user/a"}}}}, "identity_policies": [{{"Version": "{version}", "Statement": {{"Effect": "Allow", "Action": "*", "Resource": "*"}}}}]}}"#
        )
    };
    let answer = home.must(
        1,
        &["access", "eval", &file("case.ndjson", &case("2012-10-18"))],
    );
    assert!(
        answer.contains("unknown") && answer.contains("2012-10-18"),
        "{answer}"
    );
}

/// KMS API reference, `PutKeyPolicy`: a statement that lacks Resource or Action has no effect.
#[test]
fn a_statement_of_a_key_without_resource_does_nothing() {
    let right = [
        ("allow", "implicitly-denied"),
        ("deny", "allowed"),
        ("root", "implicitly-denied"),
        ("trust", "allowed"),
    ];
    let found = decisions("11-kms-statement-without-resource/cases.ndjson");
    for (name, decision) in right {
        assert!(
            found.contains(&(name.to_owned(), decision.to_owned())),
            "{name}: {found:?}"
        );
    }
    let text = Home::new().must(
        0,
        &[
            "access",
            "public",
            "--on",
            &input("11-kms-statement-without-resource/dump"),
        ],
    );
    assert!(!text.contains("must") && !text.contains("kms"), "{text}");
}

/// IAM API reference: what the service refuses whatever policies allow, and that a deny is named
/// before that.
#[test]
fn what_aws_keeps_for_itself_cannot_be_changed() {
    let home = Home::new();
    let (slr, sso) = (
        "role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
        "role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_A_1",
    );
    let own = |resource: &str| format!("arn:aws:iam::111122223333:{resource}");
    let of_aws = "arn:aws:iam::aws:policy/AdministratorAccess".to_owned();
    let rows = [
        (
            "iam:CreatePolicyVersion",
            of_aws.clone(),
            "implicitly-denied",
        ),
        ("iam:DeletePolicy", of_aws.clone(), "implicitly-denied"),
        ("iam:UntagPolicy", of_aws.clone(), "implicitly-denied"),
        ("iam:GetPolicy", of_aws, "allowed"),
        ("iam:CreateRole", own(sso), "implicitly-denied"),
        ("iam:DeleteRole", own(sso), "implicitly-denied"),
        ("iam:TagRole", own(sso), "implicitly-denied"),
        ("iam:UntagRole", own(sso), "implicitly-denied"),
        ("iam:UpdateRole", own(sso), "implicitly-denied"),
        ("iam:UpdateRoleDescription", own(sso), "implicitly-denied"),
        ("iam:PassRole", own(sso), "implicitly-denied"),
        ("iam:GetRole", own(sso), "allowed"),
        ("iam:DeleteRole", own(slr), "implicitly-denied"),
        ("iam:PutRolePolicy", own(slr), "implicitly-denied"),
        // Its description and its tags may be edited; it is passed to its service.
        ("iam:TagRole", own(slr), "allowed"),
        ("iam:UpdateRole", own(slr), "allowed"),
        ("iam:PassRole", own(slr), "allowed"),
        ("iam:DeleteRole", own("role/mine"), "allowed"),
    ];
    for deny in [false, true] {
        let case = |(action, resource, _): &(&str, String, &str)| {
            let denied = if deny {
                r#", {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}"#
            } else {
                ""
            };
            format!(
                r#"{{"request": {{"action": "{action}", "resource": "{resource}", "principal": {{"arn": "arn:aws:iam::111122223333:user/a"}}}}, "identity_policies": [{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "*", "Resource": "*"}}{denied}]}}]}}"#
            )
        };
        let file = home.path("cases.ndjson");
        std::fs::write(&file, rows.iter().map(case).collect::<Vec<_>>().join("\n")).unwrap();
        let text = home.must(0, &["access", "eval", file.to_str().unwrap()]);
        for (line, (action, resource, right)) in text.lines().zip(&rows) {
            let row: Value = serde_json::from_str(line).unwrap();
            let right = if deny { "explicitly-denied" } else { right };
            assert_eq!(row["decision"], right, "{action} {resource}");
        }
    }
}

/// Sigma specification: fields are named with dots, a placeholder needs a pipeline that fills it.
#[test]
fn rules_that_cannot_match_are_named() {
    let (rules, trail) = (
        input("34-rules-that-cannot-match/rules"),
        input("34-rules-that-cannot-match/trail.json"),
    );
    let home = Home::new();
    let said = home.must(1, &["rules", "lint", &rules]);
    for (file, why) in [
        ("nested-map.yml", "responseElements.FIELD: value"),
        ("placeholder.yml", "%trusted%"),
        ("placeholder-positive.yml", "%names%"),
        ("placeholder-contains.yml", "%agents%"),
        ("nested-filter.yml", "userIdentity.FIELD: value"),
        ("of-nothing.yml", "there is none"),
        ("mistyped.yml", "bartizan.policy?"),
    ] {
        assert!(
            said.lines().any(|l| l.contains(file) && l.contains(why)),
            "{file}\n{said}"
        );
    }
    assert!(said.contains("7 files, 0 rules, 7 problems"), "{said}");
    // A trail that nothing watched: each rule is a finding of stage blind.
    let output = home.run(&[
        "detect",
        &trail,
        "--no-builtin-rules",
        "--rules",
        &rules,
        "--format",
        "ndjson",
    ]);
    let rows: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter_map(|l| serde_json::from_str(l).ok())
        .collect();
    let named = |r: &&Value| {
        r["stage"] == "blind"
            && r["summary"]
                .as_str()
                .is_some_and(|s| s.contains("does not run"))
    };
    assert_eq!(rows.iter().filter(named).count(), 7, "{rows:#?}");
}

#[test]
fn relatives_of_rules_that_cannot_match_are_named() {
    let home = Home::new();
    let lint = |code: i32, detection: &str| {
        let path = home.path("rule.yml");
        let text = format!(
            "title: One\nid: 90000000-0000-4000-8000-000000000099\nlogsource: \
            {{product: aws, service: cloudtrail}}\ndetection:\n{detection}\nlevel: low\n"
        );
        std::fs::write(&path, text).unwrap();
        home.must(code, &["rules", "lint", path.to_str().unwrap()])
    };
    for (detection, why) in [
        (
            "    s: {eventname: StopLogging}\n    condition: s",
            "CloudTrail writes eventName",
        ),
        (
            "    s: {useridentity.type: Root}\n    condition: s",
            "CloudTrail writes userIdentity",
        ),
        (
            "    s: {userIdentity.username: u}\n    condition: s",
            "CloudTrail writes userIdentity.userName",
        ),
        ("    s: {eventName: []}\n    condition: s", "empty"),
        ("    s: {}\n    condition: s", "asks for nothing"),
        ("    s: []\n    condition: s", "empty"),
        (
            "    s: {eventName: [a, {b: c}]}\n    condition: s",
            "a map stands",
        ),
        (
            "    _s: {eventName: a}\n    condition: all of them",
            "there is none",
        ),
        (
            "    s: {eventName: a}\n    condition: s and not 1 of filter_*",
            "there is none",
        ),
        ("    s: {eventName: a}\n    condition: t", "t"),
        (
            "    s: {Bartizan.Policy: admin}\n    condition: s",
            "bartizan.policy?",
        ),
    ] {
        let said = lint(1, detection);
        assert!(
            said.contains(why) && said.contains("0 rules, 1 problems"),
            "{detection}\n{said}"
        );
    }
    for fine in [
        "    s: {eventName: [a, null], requestParameters.eventname: x}\n    condition: s",
        "    s_1: {bartizan.policy: admin}\n    condition: 1 of s_*",
        "    s: {errorCode: null, userIdentity.sessionContext.sessionIssuer.userName: r}\n    \
        condition: all of them",
    ] {
        assert!(lint(0, fine).contains("1 rules, 0 problems"), "{fine}");
    }
}
