//! Who stands behind a change, how an incident is told, and what an intruder did and left.

use std::collections::BTreeSet;

use serde_json::Value;

use super::input;
use crate::common::{Home, shared};

/// What the attacker of a public trail left, read by hand from the records: every call of
/// `bert-jan` (the user behind the `stratus-red-team` user agents) that made or opened something
/// and that no later call took away.
const LEFT: [&str; 9] = [
    "VPC vpc-07b33857c7ad1c027",
    "database subnet group stratus-red-team-share-snap-vpc",
    "parameter /credentials/stratus-red-team/credentials-10",
    "parameter /credentials/stratus-red-team/credentials-32",
    "secret stratus-red-team-retrieve-secret-13",
    "secret stratus-red-team-retrieve-secret-16",
    "secret stratus-red-team-retrieve-secret-6",
    "subnet subnet-0c8a70cf4fd24084f",
    "subnet subnet-0cac13291c6f317ec",
];

/// Some of what the same user made and removed again, and how often a call made such things.
const MADE: [(&str, u64, u64); 8] = [
    ("iam:CreateRole", 13, 0),
    ("iam:CreateUser", 4, 0),
    ("iam:CreateAccessKey", 2, 0),
    ("iam:CreateLoginProfile", 2, 0),
    ("ec2:RunInstances", 6, 4),
    ("ssm:PutParameter", 67, 25),
    ("secretsmanager:DeleteSecret", 17, 0),
    ("ec2:ModifySnapshotAttribute", 2, 0),
];

fn left(work: &Value) -> BTreeSet<&str> {
    let made = work["made"].as_array().unwrap().iter();
    made.filter(|m| m["gone"].is_null() && m["sign"] != "took-away")
        .map(|m| m["what"].as_str().unwrap())
        .collect()
}

fn work_of<'v>(told: &'v Value, key: &str) -> &'v Value {
    told["actors"]
        .as_array()
        .unwrap()
        .iter()
        .find(|a| a["key"].as_str().unwrap().ends_with(key))
        .unwrap()
}

fn holds(told: &Value) {
    let work = work_of(told, ":user/bert-jan");
    assert_eq!(left(work), BTreeSet::from(LEFT));
    // Nothing of what was there before is gone.
    let away: Vec<&Value> = work["made"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|m| m["gone"].is_null() && m["sign"] == "took-away")
        .collect();
    assert_eq!(away, Vec::<&Value>::new());
    for (call, count, refused) in MADE {
        let found = work["calls"]
            .as_array()
            .unwrap()
            .iter()
            .find(|c| c["call"] == call)
            .unwrap();
        assert_eq!(
            (found["count"].as_u64(), found["refused"].as_u64()),
            (Some(count), Some(refused)),
            "{call}"
        );
    }
    let undo = |what: &str| {
        let one = work["made"]
            .as_array()
            .unwrap()
            .iter()
            .find(|m| m["what"] == what)
            .unwrap();
        one["undo"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        undo(LEFT[0]),
        "aws ec2 delete-vpc --vpc-id vpc-07b33857c7ad1c027 --region us-east-1"
    );
    assert!(undo(LEFT[4]).starts_with(
        "aws secretsmanager delete-secret --secret-id arn:aws:secretsmanager:us-east-1:"
    ));
    assert!(
        work["not_visible"]
            .as_array()
            .unwrap()
            .iter()
            .any(|l| l.as_str().unwrap().contains("no data events of s3"))
    );
}

#[test]
fn a_trail_alone_tells_all_that_the_intruder_did_and_left() {
    let Some(trail) = shared("data/cloudtrail/invictus") else {
        return;
    };
    let trail = trail.to_str().unwrap();
    let home = Home::new();
    let detected = home.json(&["detect", trail]);
    holds(&detected);
    // The same trail delivered twice, and by another number of threads, is the same.
    let again = home.json(&["detect", trail, trail, "--threads", "3"]);
    assert_eq!(again["actors"], detected["actors"]);
    std::fs::create_dir_all(home.path("in")).unwrap();
    std::os::unix::fs::symlink(trail, home.path("in/trail")).unwrap();
    let told = home.json(&["watch", "--once", "in"]);
    holds(&told);
    let thief = told["incidents"].as_array().unwrap().iter().find(|i| {
        i["actors"]
            .as_array()
            .unwrap()
            .iter()
            .any(|a| a.as_str().unwrap().ends_with(":user/bert-jan"))
    });
    let todo = thief.unwrap()["todo"].to_string();
    assert!(
        todo.contains("aws ec2 delete-vpc --vpc-id vpc-07b33857c7ad1c027"),
        "{todo}"
    );
    assert!(
        todo.contains("AKIATFQR7NSC8Q4X20BJ --status Inactive"),
        "{todo}"
    );
}

#[test]
fn a_change_whose_call_is_on_record_without_its_content_is_likely_the_callers() {
    let home = Home::new();
    let told = home.json(&["watch", "--once", &input("23-left-out-requests-attributed")]);
    let changes = told["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 2);
    for change in changes {
        assert_eq!(change["attributed"], "likely", "{change}");
        assert!(
            change["by"][0]
                .as_str()
                .unwrap()
                .starts_with("user mallory"),
            "{change}"
        );
        assert!(
            change["because"]
                .to_string()
                .contains("the call is on record, its content is not"),
            "{change}"
        );
    }
}

#[test]
fn a_borrowed_root_session_is_not_roots_password_and_its_password_for_root_is_an_alarm() {
    let home = Home::new();
    let told = home.json(&["detect", &input("27-borrowed-root/trail")]);
    let findings = told["findings"].as_array().unwrap();
    let of = |actor: &str| -> Vec<&Value> {
        findings
            .iter()
            .filter(|f| f["actor"]["key"] == actor)
            .collect()
    };
    let borrowed = of("assumed-root:111122223333");
    let password = borrowed
        .iter()
        .find(|f| f["calls"][0]["call"] == "iam:CreateLoginProfile" && f["severity"] == "critical");
    assert!(password.is_some(), "{borrowed:?}");
    // The long-lived key of root is an alarm of its own, and louder than a borrowed session that
    // looks.
    assert!(
        of("arn:aws:iam::111122223333:root")
            .iter()
            .any(|f| f["severity"] == "medium")
    );
    assert!(
        borrowed
            .iter()
            .all(|f| f["title"] != "The root user called the API"),
        "{borrowed:?}"
    );
}
