//! `bartizan check` and `bartizan credentials`, as a user runs them.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};

use crate::common::{Home, root, shared, valid_ocsf_lines, venv};

/// A folder of AWS CLI output: one bucket that is public by its policy, one by nothing; a user with
/// an old key. What else there may be was not saved.
fn dump(home: &Home) {
    let files = [
        (
            "sts-get-caller-identity.json",
            json!({"Account": "111122223333", "Arn": "arn:aws:iam::111122223333:user/audit", "UserId": "AIDA"}),
        ),
        (
            "s3api-list-buckets.json",
            json!({"Buckets": [{"Name": "site"}, {"Name": "private"}], "Owner": {"ID": "o"}}),
        ),
        (
            "s3api-get-bucket-location/site.json",
            json!({"LocationConstraint": null}),
        ),
        (
            "s3api-get-bucket-location/private.json",
            json!({"LocationConstraint": null}),
        ),
        (
            "s3api-get-bucket-policy/site.json",
            json!({"Policy": json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::site/*",
        }]}).to_string()}),
        ),
        (
            "s3api-get-public-access-block/site.json",
            json!({"PublicAccessBlockConfiguration": {
                "BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true, "RestrictPublicBuckets": false,
            }}),
        ),
        (
            "s3control-get-public-access-block.json",
            json!({"PublicAccessBlockConfiguration": {
                "BlockPublicAcls": false, "IgnorePublicAcls": false, "BlockPublicPolicy": false, "RestrictPublicBuckets": false,
            }}),
        ),
        (
            "iam-list-users.json",
            json!({"Users": [{"UserName": "=cmd", "Arn": "arn:aws:iam::111122223333:user/=cmd"}]}),
        ),
        (
            "iam-list-access-keys/=cmd.json",
            json!({"AccessKeyMetadata": [{
                "UserName": "=cmd", "AccessKeyId": "AKIAEXAMPLE", "Status": "Active", "CreateDate": "2019-01-01T00:00:00+00:00",
            }]}),
        ),
    ];
    for (name, value) in files {
        let path = home.path("dump").join("us-east-1").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, value.to_string()).unwrap();
    }
}

fn results(home: &Home, args: &[&str]) -> Vec<Value> {
    let mut all = vec!["check", "--on", "dump", "--format", "ndjson"];
    all.extend(args);
    home.must(0, &all)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn verdicts_are_one_line_for_each_resource() {
    let home = Home::new();
    dump(&home);
    let found = results(&home, &["--check", "pub-01"]);
    let lines: Vec<(&str, &str)> = found
        .iter()
        .map(|r| {
            (
                r["resource"].as_str().unwrap(),
                r["verdict"].as_str().unwrap(),
            )
        })
        .collect();
    // Nobody saved the policy of the other bucket: whether there is one is not known.
    assert_eq!(
        lines,
        [
            ("arn:aws:s3:::private", "unknown"),
            ("arn:aws:s3:::site", "fail")
        ]
    );
    let fields: BTreeSet<&str> = found[0]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    for field in [
        "check", "title", "severity", "verdict", "resource", "account", "region", "because", "fix",
    ] {
        assert!(fields.contains(field), "{field}");
    }
    let keys = results(&home, &["--check", "CRED-02"]);
    assert_eq!(
        keys[0]["resource"],
        "arn:aws:iam::111122223333:user/=cmd/AKIAEXAMPLE"
    );
    assert_eq!(keys[0]["verdict"], "fail");
}

#[test]
fn exit_codes_tell_failures_and_what_is_unknown() {
    let home = Home::new();
    dump(&home);
    let check = ["check", "--on", "dump"];
    let with = |more: &[&'static str]| [&check[..], more].concat();
    home.must(0, &with(&[]));
    home.must(10, &with(&["--fail-on", "critical"]));
    home.must(10, &with(&["--check", "CRED-02", "--fail-on", "medium"]));
    home.must(0, &with(&["--check", "CRED-02", "--fail-on", "high"]));
    home.must(11, &with(&["--check", "PWD-01", "--require-complete"]));
    assert!(
        home.fails(1, &with(&["--check", "PUB-99"]))
            .contains("bartizan check --list")
    );
    home.fails(2, &["diff", "--format", "sarif"]);
    home.fails(1, &["check", "--on", "no-such-folder"]);
}

#[test]
fn people_read_the_answer_first() {
    let home = Home::new();
    dump(&home);
    let text = home.must(0, &["check", "--on", "dump", "--check", "PUB-01"]);
    assert!(
        text.starts_with("OPEN  1 check fails in 1 account: 1 critical, 0 high"),
        "{text}"
    );
    assert!(text.contains("arn:aws:s3:::site: its policy"), "{text}");
    let list = home.must(0, &["check", "--list"]);
    assert!(list.contains("51 checks") && list.lines().count() == 52);
    let one = home.must(0, &["check", "--explain", "net-01"]);
    assert!(
        one.contains("why") && one.contains("ec2:security_group"),
        "{one}"
    );
    let talk = home.must(0, &["check", "--on", "dump", "--compliance", "talk"]);
    assert!(talk.contains("Amazon S3 Bucket Permissions"), "{talk}");
}

#[test]
fn credentials_are_one_table_and_safe_in_a_spreadsheet() {
    let home = Home::new();
    dump(&home);
    let all = home.must(0, &["credentials", "--on", "dump", "--format", "ndjson"]);
    let key: Value = serde_json::from_str(all.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&key["kind"], &key["id"]),
        (&json!("access-key"), &json!("AKIAEXAMPLE"))
    );
    assert_eq!(key["owner"], "arn:aws:iam::111122223333:user/=cmd");
    let human = home.must(0, &["credentials", "--on", "dump"]);
    // Its last use was not saved, which is not the same as never.
    assert!(
        human.contains("use not known") && human.contains("was not read"),
        "{human}"
    );
    let csv = home.must(0, &["credentials", "--on", "dump", "--format", "csv"]);
    assert!(
        csv.lines()
            .all(|line| !line.starts_with(['=', '+', '-', '@'])),
        "{csv}"
    );
    let csv = home.must(0, &["check", "--on", "dump", "--format", "csv"]);
    assert!(
        csv.lines()
            .flat_map(|l| l.split(','))
            .all(|cell| !cell.starts_with('=')),
        "{csv}"
    );
}

#[test]
fn ocsf_compliance_findings_are_valid_by_the_schema() {
    let (Some(python), Some(folder)) = (venv("BARTIZAN_VENV"), shared("data/config/demo-account"))
    else {
        return;
    };
    let home = Home::new();
    let text = home.must(
        0,
        &[
            "check",
            "--on",
            folder.to_str().unwrap(),
            "--format",
            "ocsf",
        ],
    );
    std::fs::write(home.path("results.ndjson"), &text).unwrap();
    let valid = valid_ocsf_lines(&python, "compliance_finding", &home.path("results.ndjson"));
    assert_eq!(valid, text.lines().count());
}

#[test]
fn sarif_and_asff_are_valid_by_the_schemas() {
    let (Some(python), Some(folder)) = (venv("BARTIZAN_VENV"), shared("data/config/demo-account"))
    else {
        return;
    };
    let home = Home::new();
    let on = folder.to_str().unwrap();
    let results = home.must(0, &["check", "--on", on, "--format", "ndjson"]);
    for format in ["sarif", "asff"] {
        let text = home.must(0, &["check", "--on", on, "--format", format]);
        assert_eq!(
            valid(&python, &home, format, &text),
            results.lines().count()
        );
    }
}

/// Number of results that are valid by the schema of a format.
fn valid(python: &std::path::Path, home: &Home, format: &str, text: &str) -> usize {
    let file = home.path(format);
    std::fs::write(&file, text).unwrap();
    let output = Command::new(python.join("bin/python"))
        .arg(root().join("crates/app/tests/posture/formats.py"))
        .arg(format)
        .arg(&file)
        .output()
        .unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{format}: {talk}");
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .unwrap()
}

/// Results of PUB-01 for the bucket site in the last snapshot, and the human answer.
fn site(home: &Home) -> (Value, String) {
    let lines = home.must(0, &["check", "--check", "PUB-01", "--format", "ndjson"]);
    let rows = lines
        .lines()
        .map(|l| serde_json::from_str::<Value>(l).unwrap());
    let mut rows = rows.filter(|r| r["resource"] == "arn:aws:s3:::site");
    (
        rows.next().unwrap(),
        home.must(0, &["check", "--check", "PUB-01"]),
    )
}

#[test]
fn an_accepted_result_is_shown_and_counted_until_the_grant_changes() {
    let home = Home::new();
    dump(&home);
    let snapshot = ["snapshot", "--from", "dump"];
    home.must(0, &snapshot);
    let (open, _) = site(&home);
    assert!(open.get("accepted").is_none());
    let id = open["id"].as_str().unwrap();
    let worst = ["check", "--check", "PUB-01", "--fail-on", "low"];
    home.must(10, &worst);
    let said = home.must(0, &["accept", &id[..8], "--reason", "our web site"]);
    assert!(
        said.contains("PUB-01 arn:aws:s3:::site") && said.contains("signed"),
        "{said}"
    );
    let (accepted, human) = site(&home);
    assert_eq!(accepted["verdict"], "fail");
    assert_eq!(accepted["accepted"]["reason"], "our web site");
    assert!(
        human.contains("1 failure accepted") && human.contains("our web site"),
        "{human}"
    );
    home.must(0, &worst);
    for (format, word) in [
        ("sarif", "suppressions"),
        ("asff", "SUPPRESSED"),
        ("ocsf", "Suppressed"),
        ("csv", "our web site"),
    ] {
        let text = home.must(0, &["check", "--check", "PUB-01", "--format", format]);
        assert!(text.contains(word), "{format}: {text}");
    }
    assert!(
        home.must(0, &["accept", "--list"])
            .contains("PUB-01 arn:aws:s3:::site")
    );
    home.must(0, &["verify", "evidence"]);

    // What has nothing to do with the bucket changes nothing; more for everybody does.
    let file = |name: &str| home.path("dump/us-east-1").join(name);
    std::fs::write(
        file("iam-list-users.json"),
        json!({"Users": []}).to_string(),
    )
    .unwrap();
    home.must(0, &snapshot);
    assert!(site(&home).0.get("accepted").is_some());
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::site/*",
    }]});
    let policy = json!({"Policy": policy.to_string()}).to_string();
    std::fs::write(file("s3api-get-bucket-policy/site.json"), policy).unwrap();
    home.must(0, &snapshot);
    assert!(site(&home).0.get("accepted").is_none());
    home.must(10, &worst);
}

#[test]
fn an_acceptance_expires_and_a_result_that_is_not_there_is_told() {
    let home = Home::new();
    dump(&home);
    home.must(0, &["snapshot", "--from", "dump"]);
    let id = site(&home).0["id"].as_str().unwrap().to_owned();
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(4);
    let until = soon.to_string();
    home.must(
        0,
        &[
            "accept",
            &id,
            "--reason",
            "a demonstration",
            "--until",
            &until,
        ],
    );
    assert!(site(&home).0.get("accepted").is_some());
    std::thread::sleep(std::time::Duration::from_millis(4100));
    assert!(site(&home).0.get("accepted").is_none());
    let told = home.fails(1, &["accept", "0000000000000000", "--reason", "x"]);
    assert!(told.contains("bartizan check"), "{told}");
}

/// Business support: what Trusted Advisor says stands beside ours, and what one side alone has is
/// named.
#[test]
fn trusted_advisor_stands_beside_the_talk() {
    let home = Home::new();
    dump(&home);
    let save = |name: &str, value: Value| {
        let path = home.path("dump/us-east-1").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, value.to_string()).unwrap();
    };
    let check = json!({"id": "Pfx0RwqBli", "name": "Amazon S3 Bucket Permissions", "category": "security", "description": "", "metadata": []});
    save(
        "support-describe-trusted-advisor-checks.json",
        json!({"checks": [check]}),
    );
    let flagged = |bucket: &str| json!({"status": "error", "region": "us-east-1", "resourceId": "x", "isSuppressed": false, "metadata": ["us-east-1", "us-east-1", bucket, "Yes", "No"]});
    let result = json!({
        "checkId": "Pfx0RwqBli", "timestamp": "2026-05-30T00:00:00Z", "status": "error",
        "resourcesSummary": {"resourcesProcessed": 753, "resourcesFlagged": 215, "resourcesIgnored": 0, "resourcesSuppressed": 0},
        "categorySpecificSummary": {}, "flaggedResources": [flagged("old-site")],
    });
    save(
        "support-describe-trusted-advisor-check-result/Pfx0RwqBli.json",
        json!({"result": result}),
    );
    let talk = ["check", "--on", "dump", "--compliance", "talk"];
    let text = home.must(0, &talk);
    let line = text
        .lines()
        .find(|l| l.contains("Trusted Advisor, account 111122223333: 215 of 753"));
    let line = line.expect(&text);
    assert!(
        line.contains("only Trusted Advisor: us-east-1 us-east-1 old-site"),
        "{line}"
    );
    assert!(line.contains("only Bartizan: arn:aws:s3:::site"), "{line}");
    let rows = home.must(0, &[&talk[..], &["--format", "ndjson"]].concat());
    let rows = rows
        .lines()
        .map(|l| serde_json::from_str::<Value>(l).unwrap());
    let row = rows
        .into_iter()
        .find(|r| r["requirement"] == "advisor PUB-01")
        .unwrap();
    assert_eq!(row["advisor"][0]["only_ours"], json!(["arn:aws:s3:::site"]));
}

#[test]
fn targets_to_rebuild_stand_in_the_configuration() {
    let home = Home::new();
    dump(&home);
    let save = |name: &str, value: Value| {
        std::fs::write(home.path("dump/us-east-1").join(name), value.to_string()).unwrap();
    };
    let launched = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * 20);
    let instance = json!({"InstanceId": "i-1", "State": {"Name": "running"}, "LaunchTime": launched.to_string(), "ImageId": "ami-1"});
    save(
        "ec2-describe-instances.json",
        json!({"Reservations": [{"ReservationId": "r", "Instances": [instance]}]}),
    );
    let verdict = || {
        let rows = results(&home, &["--check", "AGE-01"]);
        let row = rows
            .iter()
            .find(|r| r["resource"].as_str().unwrap().ends_with("instance/i-1"));
        row.unwrap()["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(verdict(), "pass");
    std::fs::write(home.path("bartizan.toml"), "[rebuild]\ninstances = 7\n").unwrap();
    assert_eq!(verdict(), "fail");
    std::fs::write(home.path("bartizan.toml"), "[rebuild]\nservers = 7\n").unwrap();
    let told = home.fails(1, &["check", "--on", "dump"]);
    assert!(
        told.contains("bartizan.toml") && told.contains("servers"),
        "{told}"
    );
}

#[test]
fn the_same_dump_gives_the_same_bytes_and_ids() {
    let home = Home::new();
    dump(&home);
    let once = results(&home, &[]);
    assert_eq!(once, results(&home, &[]));
    let ids: BTreeSet<&str> = once.iter().map(|r| r["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), once.len());
}
