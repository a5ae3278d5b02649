//! Who made a call, by means of what; what it touched; what was refused, seen before, delivered
//! twice.

use std::collections::BTreeSet;
use std::io::Read;
use std::process::Stdio;

use serde_json::{Value, json};

use super::input;
use crate::common::{Home, root, shared};

const HERE: &str = "111122223333";

fn findings(home: &Home, path: &str) -> Vec<Value> {
    home.json(&["detect", path])["findings"]
        .as_array()
        .unwrap()
        .clone()
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_default()
}

/// A record of a user, with what a test changes in it.
fn record(n: u32, patch: Value) -> Value {
    let mut record = json!({
        "eventVersion": "1.08",
        "eventID": format!("00000000-0000-4000-8000-{n:012}"),
        "eventTime": format!("2026-03-10T09:{:02}:{:02}Z", n / 60, n % 60),
        "eventType": "AwsApiCall",
        "awsRegion": "us-east-1",
        "recipientAccountId": HERE,
        "sourceIPAddress": "203.0.113.20",
        "userAgent": "aws-cli/2.15",
        "userIdentity": {
            "type": "IAMUser",
            "arn": format!("arn:aws:iam::{HERE}:user/cleo"),
            "accountId": HERE,
            "accessKeyId": "AKIAEXAMPLEEXAMPLE01",
            "userName": "cleo",
        },
        "requestParameters": null,
        "responseElements": null,
    });
    for (name, value) in patch.as_object().unwrap() {
        record[name] = value.clone();
    }
    record
}

fn trail(home: &Home, name: &str, records: &[Value]) -> String {
    let path = home.path(name);
    std::fs::write(&path, json!({"Records": records}).to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

fn stop_logging(n: u32, patch: Value) -> Value {
    let mut all = json!({
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": "StopLogging",
        "requestParameters": {"name": "main"},
    });
    for (name, value) in patch.as_object().unwrap() {
        all[name] = value.clone();
    }
    record(n, all)
}

/// CloudTrail user guide, "userIdentity element": `invokedBy` names the service by which the
/// identity acted.
#[test]
fn what_a_person_does_through_a_console_is_the_persons() {
    let home = Home::new();
    let found = findings(&home, &input("37-console-invoked-by/trail.json"));
    let told: BTreeSet<(&str, &str, &str)> = found
        .iter()
        .map(|f| {
            (
                text(&f["actor"], "name"),
                text(&f["calls"][0], "call"),
                text(f, "severity"),
            )
        })
        .collect();
    for wanted in [
        ("user cleo", "iam:AttachUserPolicy", "high"),
        ("user cleo", "cloudtrail:StopLogging", "high"),
        ("role ops", "cloudtrail:DeleteTrail", "high"),
    ] {
        assert!(told.contains(&wanted), "{wanted:?} is not in {told:#?}");
    }
    assert!(
        !told
            .iter()
            .any(|(_, call, _)| *call == "ec2:TerminateInstances"),
        "{told:#?}"
    );
    let role = found
        .iter()
        .find(|f| text(&f["actor"], "name") == "role ops")
        .unwrap();
    assert!(
        text(role, "summary").ends_with("by means of AWS Internal"),
        "{role:#?}"
    );
}

#[test]
fn no_service_is_a_cloak_and_what_aws_does_for_itself_is_nobodys() {
    let home = Home::new();
    let user = record(0, json!({}))["userIdentity"].clone();
    let by = |service: &str| {
        let mut identity = user.clone();
        identity["invokedBy"] = json!(service);
        identity
    };
    for service in [
        "ssm.amazonaws.com",
        "scheduler.amazonaws.com",
        "cloudshell.amazonaws.com",
        "cloudformation.amazonaws.com",
        "AWS Internal",
        "autoscaling.amazonaws.com",
        "whatever.example",
    ] {
        let path = trail(
            &home,
            "t.json",
            &[stop_logging(
                1,
                json!({"userIdentity": by(service), "sourceIPAddress": service}),
            )],
        );
        let found = findings(&home, &path);
        let told = found
            .iter()
            .find(|f| text(&f["actor"], "name") == "user cleo")
            .unwrap_or_else(|| panic!("{service}: {found:#?}"));
        assert!(
            text(told, "summary").contains(&format!("by means of {service}")),
            "{told:#?}"
        );
    }
    let linked = json!({
        "type": "AssumedRole",
        "arn": format!("arn:aws:sts::{HERE}:assumed-role/AWSServiceRoleForX/s"),
        "accountId": HERE,
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": format!("arn:aws:iam::{HERE}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX")}},
    });
    // A role that only looks like one of AWS's is somebody's.
    let looks_so = json!({
        "type": "AssumedRole",
        "arn": format!("arn:aws:sts::{HERE}:assumed-role/AWSServiceRoleForX/s"),
        "accountId": HERE,
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": format!("arn:aws:iam::{HERE}:role/AWSServiceRoleForX")}},
    });
    for (identity, found_some) in [
        (
            json!({"type": "AWSService", "invokedBy": "config.amazonaws.com"}),
            false,
        ),
        (
            json!({"accountId": HERE, "invokedBy": "config.amazonaws.com"}),
            false,
        ),
        (linked, false),
        (looks_so, true),
    ] {
        let path = trail(
            &home,
            "t.json",
            &[stop_logging(1, json!({"userIdentity": identity}))],
        );
        let found = findings(&home, &path);
        assert_eq!(
            found
                .iter()
                .any(|f| text(&f["calls"][0], "call") == "cloudtrail:StopLogging"),
            found_some,
            "{identity}: {found:#?}"
        );
    }
}

/// No sentence says done where every event failed; each call has its own counts.
#[test]
fn what_was_refused_is_told_as_tried() {
    let home = Home::new();
    let mut refused = 0;
    for set in ["invictus", "otrf", "stratus", "eventbridge"] {
        let Some(folder) = shared(&format!("data/cloudtrail/{set}")) else {
            return;
        };
        for finding in findings(&home, folder.to_str().unwrap()) {
            let (count, failed) = (
                finding["count"].as_u64().unwrap(),
                finding["refused"].as_u64().unwrap(),
            );
            let calls = finding["calls"].as_array().unwrap();
            if finding["actor"].is_null() {
                continue;
            }
            let sum = |field: &str| {
                calls
                    .iter()
                    .map(|c| c[field].as_u64().unwrap())
                    .sum::<u64>()
            };
            assert!(
                calls.len() >= 64 || (sum("count"), sum("refused")) == (count, failed),
                "{finding:#?}"
            );
            let all_failed = finding["evidence"]
                .as_array()
                .unwrap()
                .iter()
                .all(|e| !e["error"].is_null());
            assert_eq!(all_failed, failed == count, "{finding:#?}");
            let (tried, summary) = (failed == count, text(&finding, "summary"));
            assert_eq!(
                summary.contains(" tried ") && summary.contains("refused"),
                tried,
                "{summary}"
            );
            assert_eq!(summary.contains(" called "), !tried, "{summary}");
            refused += u64::from(tried);
        }
    }
    assert!(refused >= 15, "{refused}");
}

/// What worked is not made more by what did not, and what did not is not hidden by what did.
#[test]
fn rules_that_count_keep_what_worked_apart() {
    let home = Home::new();
    let read = |n: u32, error: Option<&str>| {
        let mut patch = json!({
            "eventSource": "ec2.amazonaws.com",
            "eventName": "GetPasswordData",
            "requestParameters": {"instanceId": format!("i-{n:08}")},
        });
        if let Some(error) = error {
            patch["errorCode"] = json!(error);
        }
        record(n, patch)
    };
    let told = |records: &[Value]| -> Vec<(String, String, u64, u64)> {
        let found = findings(&home, &trail(&home, "t.json", records));
        let many = found
            .iter()
            .filter(|f| text(f, "title").ends_with("Passwords of many instances were read"));
        many.map(|f| {
            (
                text(f, "title").to_owned(),
                text(f, "severity").to_owned(),
                f["count"].as_u64().unwrap(),
                f["refused"].as_u64().unwrap(),
            )
        })
        .collect()
    };
    let (mutation, attempt) = (
        "Passwords of many instances were read".to_owned(),
        "Attempt: Passwords of many instances were read".to_owned(),
    );
    let some = |worked: u32, failed: u32| -> Vec<Value> {
        (0..failed)
            .map(|n| read(n, Some("Client.UnauthorizedOperation")))
            .chain((failed..failed + worked).map(|n| read(n, None)))
            .collect()
    };
    assert_eq!(
        told(&some(6, 0)),
        [(mutation.clone(), "high".to_owned(), 6, 0)]
    );
    assert_eq!(
        told(&some(0, 29)),
        [(attempt.clone(), "medium".to_owned(), 29, 29)]
    );
    // One that worked among many that did not is no deed of many.
    assert_eq!(told(&some(1, 29)), [(attempt, "medium".to_owned(), 30, 29)]);
    assert!(
        told(&some(6, 3))
            .iter()
            .any(|(title, severity, ..)| *title == mutation && severity == "high")
    );
}

/// A message without a code is a failure, a code of success is none.
#[test]
fn errors_are_what_they_mean() {
    let home = Home::new();
    for (patch, tried) in [
        (json!({}), false),
        (json!({"errorCode": ""}), false),
        (json!({"errorCode": "Success"}), false),
        (json!({"errorCode": 200}), false),
        (json!({"errorCode": null}), false),
        (json!({"errorCode": "AccessDenied"}), true),
        (
            json!({"errorMessage": "User: cleo is not authorized to perform: \
            cloudtrail:StopLogging"}),
            true,
        ),
        (json!({"errorMessage": ""}), false),
    ] {
        let found = findings(
            &home,
            &trail(&home, "t.json", &[stop_logging(1, patch.clone())]),
        );
        let told = found
            .iter()
            .find(|f| text(f, "title").ends_with("A trail was stopped"))
            .unwrap();
        assert_eq!(
            text(told, "title").starts_with("Attempt: "),
            tried,
            "{patch}: {told:#?}"
        );
        assert_eq!(told["refused"], u64::from(tried), "{patch}");
    }
}

/// The first lines name the one who matters and what was taken, whoever else is in the log.
#[test]
fn the_first_lines_name_who_did_it_and_what_was_taken() {
    let home = Home::new();
    let heist = root().join("examples/heist/trail");
    let mut cases = vec![(heist, "ci-deploy", "GetSecretValue")];
    for (set, actor, took) in [
        ("otrf", "MordorNginxStack-BankingWAFRole", "ring.txt"),
        ("invictus", "bert-jan", "GetSecretValue"),
    ] {
        let Some(folder) = shared(&format!("data/cloudtrail/{set}")) else {
            return;
        };
        cases.push((folder, actor, took));
    }
    for (folder, actor, took) in cases {
        let shown = home.must(0, &["detect", folder.to_str().unwrap()]);
        let top = shown.lines().take(15).collect::<Vec<_>>().join("\n");
        assert!(top.contains(actor) && top.contains(took), "{top}");
        // Whoever is named first is that actor.
        assert!(shown.lines().nth(3).unwrap().contains(actor), "{top}");
        // Ids and names are never broken, so a line may be longer than the terminal only by one of
        // them.
        let long = shown
            .lines()
            .filter(|l| l.chars().count() > 100 && l.split_whitespace().count() > 1);
        // What is to be pasted stands on one line.
        let long = long.filter(|l| !l.trim_start().starts_with("aws "));
        assert_eq!(
            long.filter(|l| !l.starts_with("skipped") && !l.starts_with("evidence"))
                .collect::<Vec<_>>(),
            Vec::<&str>::new()
        );
    }
}

#[test]
fn low_findings_are_counted_and_shown_when_asked_for() {
    let home = Home::new();
    let heist = root()
        .join("examples/heist/trail")
        .to_str()
        .unwrap()
        .to_owned();
    let low = findings(&home, &heist)
        .iter()
        .filter(|f| ["low", "info"].contains(&text(f, "severity")))
        .count();
    assert!(low > 0);
    let (few, all) = (
        home.must(0, &["detect", &heist]),
        home.must(0, &["detect", &heist, "--all"]),
    );
    assert!(
        few.contains(&format!("{low} low findings not shown (--all)")),
        "{few}"
    );
    assert!(
        !all.contains("not shown") && all.lines().count() > few.lines().count(),
        "{all}"
    );
    for finding in findings(&home, &heist) {
        assert!(all.contains(text(&finding, "id")), "{finding:#?}");
    }
}

/// First seen at event X stays first seen at event X: twice, in halves, in any order.
#[test]
fn a_second_run_finds_what_the_first_one_did() {
    let home = Home::new();
    let heist = root()
        .join("examples/heist/trail")
        .to_str()
        .unwrap()
        .to_owned();
    let ids = |args: &[&str]| -> Vec<(String, String)> {
        let found = home.json(&[&["detect"], args].concat());
        found["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| (text(f, "id").to_owned(), text(f, "summary").to_owned()))
            .collect()
    };
    let once = ids(&[&heist]);
    assert!(once.len() >= 20, "{}", once.len());
    for _ in 0..2 {
        assert_eq!(ids(&[&heist, "--store", "s"]), once);
    }
    // The later half first, then the whole.
    ids(&[&heist, "--since", "2026-03-08", "--store", "t"]);
    assert_eq!(ids(&[&heist, "--store", "t"]), once);
}

#[test]
fn a_summary_counts_each_event_once() {
    let home = Home::new();
    let records: Vec<Value> = (0..5)
        .map(|n| stop_logging(n, json!({"errorCode": "AccessDenied"})))
        .collect();
    trail(&home, "a.json", &records);
    trail(&home, "b.json", &records);
    let summary = home.json(&["detect", "a.json", "b.json", "--summary"]);
    assert_eq!(
        (&summary["events"], &summary["duplicates"]),
        (&json!(5), &json!(5))
    );
    assert_eq!(summary["by_actor"], json!({format!("{HERE} user cleo"): 5}));
    assert_eq!(summary["by_source"], json!({"cloudtrail.amazonaws.com": 5}));
    assert_eq!(summary["by_error"], json!({"AccessDenied": 5}));
}

/// Whoever reads may have had enough: that changes no exit code.
#[test]
fn a_closed_pipe_changes_no_exit_code() {
    let home = Home::new();
    let many: Vec<Value> = (0..3000)
        .map(|n| {
            let arn = format!("arn:aws:iam::{HERE}:user/u{n}");
            let identity = json!({
                "type": "IAMUser",
                "arn": arn,
                "accountId": HERE,
                "accessKeyId": "AKIAEXAMPLEEXAMPLE01",
                "userName": format!("u{n}"),
            });
            stop_logging(
                n,
                json!({"userIdentity": identity, "eventTime": "2026-03-10T09:00:00Z"}),
            )
        })
        .collect();
    trail(&home, "t.json", &many);
    for format in ["human", "json", "ndjson", "csv", "ocsf"] {
        let mut child = home
            .command(&["detect", "t.json", "--fail-on", "high", "--format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut first = [0; 64];
        let mut out = child.stdout.take().unwrap();
        out.read_exact(&mut first).unwrap();
        drop(out);
        assert_eq!(child.wait().unwrap().code(), Some(10), "{format}");
    }
}

#[test]
fn what_an_identity_leaves_out_the_record_knows() {
    let home = Home::new();
    let saml = json!({
        "type": "SAMLUser",
        "principalId": "x:bob",
        "userName": "bob",
        "identityProvider": "idp",
    });
    let found = findings(
        &home,
        &trail(
            &home,
            "t.json",
            &[stop_logging(
                1,
                json!({"userIdentity": saml, "sourceIPAddress": "203.0.113.9, 10.0.0.1"}),
            )],
        ),
    );
    let told = found
        .iter()
        .find(|f| text(&f["calls"][0], "call") == "cloudtrail:StopLogging")
        .unwrap();
    assert_eq!(
        (
            text(&told["actor"], "account"),
            text(told, "account"),
            text(told, "region")
        ),
        (HERE, HERE, "us-east-1")
    );
    assert_eq!(text(&told["actor"], "source_ip"), "203.0.113.9, 10.0.0.1");
}

/// Whom something was given to is data of the finding, in every format.
#[test]
fn the_counterparty_is_in_every_output() {
    let home = Home::new();
    let share = record(
        1,
        json!({
            "eventSource": "ec2.amazonaws.com",
            "eventName": "ModifySnapshotAttribute",
            "requestParameters": {
                "snapshotId": "snap-1",
                "attributeType": "CREATE_VOLUME_PERMISSION",
                "createVolumePermission": {"add": {"items": [{"userId": "999988887777"}]}},
            },
        }),
    );
    trail(&home, "t.json", &[share]);
    let found = findings(&home, "t.json");
    let told = found
        .iter()
        .find(|f| text(&f["calls"][0], "call") == "ec2:ModifySnapshotAttribute")
        .unwrap();
    assert_eq!(
        told["counterparty"],
        json!([{"relation": "let-in", "kind": "account", "id": "999988887777"}])
    );
    for format in ["human", "json", "ndjson", "csv", "ocsf"] {
        assert!(
            home.must(0, &["detect", "t.json", "--format", format])
                .contains("999988887777"),
            "{format}"
        );
    }
}
