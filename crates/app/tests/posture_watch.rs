//! Posture in `bartizan watch`: what turns from pass to fail is a finding once, with who did it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::common::Home;

const ACCOUNT: &str = "111122223333";
const SITE: &str = "arn:aws:s3:::site";

fn policy(principal: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": principal}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::site/*",
    }]})
}

/// Saves what the AWS CLI prints of an account at a time: a bucket and its policy, access keys.
fn dump(home: &Home, time: &str, principal: &str, keys: &[&str]) {
    let flags = json!({"BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true, "RestrictPublicBuckets": false});
    let flags = json!({"PublicAccessBlockConfiguration": flags});
    let key = |id: &&str| json!({"UserName": "alice", "AccessKeyId": id, "Status": "Active", "CreateDate": "2026-03-10T09:30:00+00:00"});
    let user = json!({"UserName": "alice", "UserId": "AIDAALICE", "Arn": format!("arn:aws:iam::{ACCOUNT}:user/alice"), "Path": "/"});
    let files = [
        (
            "sts-get-caller-identity.json",
            json!({"Account": ACCOUNT, "Arn": format!("arn:aws:iam::{ACCOUNT}:user/audit"), "UserId": "AIDA"}),
        ),
        (
            "s3api-list-buckets.json",
            json!({"Buckets": [{"Name": "site"}], "Owner": {"ID": "o"}}),
        ),
        (
            "s3api-get-bucket-location/site.json",
            json!({"LocationConstraint": null}),
        ),
        (
            "s3api-get-bucket-policy/site.json",
            json!({"Policy": policy(principal).to_string()}),
        ),
        ("s3api-get-public-access-block/site.json", flags.clone()),
        ("s3control-get-public-access-block.json", flags),
        ("iam-list-users.json", json!({"Users": [user]})),
        (
            "iam-list-access-keys/alice.json",
            json!({"AccessKeyMetadata": keys.iter().map(key).collect::<Vec<_>>()}),
        ),
    ];
    for (name, value) in files {
        let path = home
            .path("in/config")
            .join(time)
            .join("us-east-1")
            .join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, value.to_string()).unwrap();
    }
}

fn event(n: usize, time: &str, call: (&str, &str), fields: Value) -> Value {
    let mut event = json!({
        "eventVersion": "1.09", "eventID": format!("00000000-0000-0000-0000-{n:012}"), "eventTime": time,
        "eventSource": call.0, "eventName": call.1, "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.7",
        "userAgent": "aws-cli/2", "recipientAccountId": ACCOUNT, "eventType": "AwsApiCall", "managementEvent": true,
        "userIdentity": {
            "type": "IAMUser", "principalId": "AIDAEVE", "arn": format!("arn:aws:iam::{ACCOUNT}:user/eve"),
            "accountId": ACCOUNT, "accessKeyId": "AKIAEVE", "userName": "eve",
        },
    });
    let fields = fields.as_object().unwrap().clone();
    event.as_object_mut().unwrap().extend(fields);
    event
}

/// The trail of three days: Eve opens the bucket, closes it and opens it again, and makes a key.
fn trail(home: &Home) {
    let put = |n, time, principal| {
        let request = json!({"bucketName": "site", "bucketPolicy": policy(principal)});
        event(
            n,
            time,
            ("s3.amazonaws.com", "PutBucketPolicy"),
            json!({"requestParameters": request, "responseElements": null}),
        )
    };
    let key = json!({"userName": "alice", "accessKeyId": "AKIANEW", "status": "Active", "createDate": "Mar 10, 2026 9:30:00 AM"});
    let made =
        json!({"requestParameters": {"userName": "alice"}, "responseElements": {"accessKey": key}});
    let read = |n: usize, day: usize, hour: usize| {
        let time = format!("2026-03-{day:02}T{hour:02}:15:00Z");
        event(
            n,
            &time,
            ("sts.amazonaws.com", "GetCallerIdentity"),
            json!({}),
        )
    };
    let mut records = vec![
        put(1, "2026-03-10T09:00:00Z", "*"),
        event(
            2,
            "2026-03-10T09:30:00Z",
            ("iam.amazonaws.com", "CreateAccessKey"),
            made,
        ),
        put(3, "2026-03-11T09:00:00Z", ACCOUNT),
        put(4, "2026-03-12T09:00:00Z", "*"),
    ];
    // The trail was recording all the time.
    let hours = (9..=13).flat_map(|day| (0..24).map(move |hour| (day, hour)));
    records.extend(
        hours
            .enumerate()
            .map(|(n, (day, hour))| read(100 + n, day, hour)),
    );
    std::fs::create_dir_all(home.path("in/trail")).unwrap();
    std::fs::write(
        home.path("in/trail/a.json"),
        json!({"Records": records}).to_string(),
    )
    .unwrap();
}

fn public(told: &Value) -> Vec<&Value> {
    let findings = told["findings"].as_array().unwrap().iter();
    findings.filter(|f| f["rule"] == "PUB-01").collect()
}

fn watch(home: &Home) -> Value {
    home.json(&["watch", "--once", "in"])
}

#[test]
fn what_turns_is_told_once_with_who_did_it() {
    let home = Home::new();
    trail(&home);
    dump(&home, "20260310T000000Z", ACCOUNT, &["AKIAOLD"]);
    assert_eq!(public(&watch(&home)).len(), 0, "nothing to compare with");
    dump(&home, "20260310T120000Z", "*", &["AKIAOLD", "AKIANEW"]);
    let told = watch(&home);
    let [found] = public(&told)[..] else {
        panic!("{told:#}")
    };
    assert_eq!(
        (&found["stage"], &found["severity"], &found["resources"][0]),
        (&json!("hygiene"), &json!("critical"), &json!(SITE))
    );
    assert_eq!(
        found["actor"]["arn"],
        format!("arn:aws:iam::{ACCOUNT}:user/eve"),
        "{found:#}"
    );
    assert!(
        found["summary"].as_str().unwrap().contains("by user eve"),
        "{found:#}"
    );
    assert_eq!(
        found["evidence"][1]["call"], "s3:PutBucketPolicy",
        "{found:#}"
    );
    // Its command shows it.
    let show: Vec<&str> = found["show"].as_str().unwrap().split(' ').skip(1).collect();
    assert!(home.must(0, &show).contains(SITE));

    // The same state is no second alert; to open it again is one.
    dump(&home, "20260311T000000Z", "*", &["AKIAOLD", "AKIANEW"]);
    assert_eq!(public(&watch(&home)), [found]);
    dump(&home, "20260311T120000Z", ACCOUNT, &["AKIAOLD", "AKIANEW"]);
    dump(&home, "20260312T120000Z", "*", &["AKIAOLD", "AKIANEW"]);
    let again = watch(&home);
    let ids: BTreeSet<&str> = public(&again)
        .iter()
        .map(|f| f["id"].as_str().unwrap())
        .collect();
    assert!(
        ids.len() == 2 && ids.contains(found["id"].as_str().unwrap()),
        "{again:#}"
    );

    // All at once tells the same.
    let whole = Home::new();
    trail(&whole);
    for (time, principal, keys) in [
        ("20260310T000000Z", ACCOUNT, &["AKIAOLD"][..]),
        ("20260310T120000Z", "*", &["AKIAOLD", "AKIANEW"]),
        ("20260311T000000Z", "*", &["AKIAOLD", "AKIANEW"]),
        ("20260311T120000Z", ACCOUNT, &["AKIAOLD", "AKIANEW"]),
        ("20260312T120000Z", "*", &["AKIAOLD", "AKIANEW"]),
    ] {
        dump(&whole, time, principal, keys);
    }
    assert_eq!(public(&watch(&whole)), public(&again));

    // Accepted in one place, accepted in both.
    let newest = public(&again)
        .into_iter()
        .max_by_key(|f| f["first_time"].to_string());
    home.must(
        0,
        &[
            "accept",
            newest.unwrap()["id"].as_str().unwrap(),
            "--reason",
            "our web site",
        ],
    );
    let checked = home.must(0, &["check", "--check", "PUB-01"]);
    assert!(checked.contains("1 failure accepted"), "{checked}");
    let after = watch(&home);
    let after = public(&after);
    assert!(after.iter().all(|f| f["severity"] == "info"), "{after:#?}");
}

/// Who made a key, when it was last used, and which sessions are open: from the trail.
#[test]
fn credentials_show_what_the_trail_knows() {
    let home = Home::new();
    trail(&home);
    dump(&home, "20260310T120000Z", "*", &["AKIAOLD", "AKIANEW"]);
    let table = |home: &Home| -> Vec<Value> {
        let lines = home.must(0, &["credentials", "--format", "ndjson"]);
        lines
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect()
    };
    let assume = |n: usize, time: &str, key: &str| {
        let request = json!({"roleArn": format!("arn:aws:iam::{ACCOUNT}:role/ops"), "roleSessionName": "x", "durationSeconds": 3600});
        let answer =
            json!({"credentials": {"accessKeyId": key, "sessionToken": "t", "expiration": "x"}});
        event(
            n,
            time,
            ("sts.amazonaws.com", "AssumeRole"),
            json!({"requestParameters": request, "responseElements": answer}),
        )
    };
    let used = event(
        900,
        "2026-03-13T22:50:00Z",
        ("s3.amazonaws.com", "ListBuckets"),
        json!({"userIdentity": {
            "type": "IAMUser", "principalId": "AIDAALICE", "arn": format!("arn:aws:iam::{ACCOUNT}:user/alice"),
            "accountId": ACCOUNT, "accessKeyId": "AKIANEW", "userName": "alice",
        }}),
    );
    // The trail ends at 23:15: one session of two is open.
    let more = [
        assume(901, "2026-03-13T20:00:00Z", "ASIACLOSED"),
        assume(902, "2026-03-13T22:45:00Z", "ASIAOPEN"),
        used,
    ];
    std::fs::write(
        home.path("in/trail/b.json"),
        json!({"Records": more}).to_string(),
    )
    .unwrap();
    watch(&home);
    let all = table(&home);
    let of = |id: &str| all.iter().find(|c| c["id"] == id);
    let new = of("AKIANEW").unwrap();
    assert_eq!(
        new["made_by"]["who"],
        format!("arn:aws:iam::{ACCOUNT}:user/eve")
    );
    assert_eq!(
        (
            &new["made_by"]["call"],
            &new["made_by"]["source"],
            &new["made_by"]["time"]
        ),
        (
            &json!("iam:CreateAccessKey"),
            &json!("198.51.100.7"),
            &json!("2026-03-10T09:30:00Z")
        )
    );
    assert_eq!(new["last_used"]["time"], "2026-03-13T22:50:00Z");
    assert_eq!(of("AKIAOLD").unwrap()["made_by"], Value::Null);
    let open = of("ASIAOPEN").unwrap();
    assert_eq!(
        (
            &open["kind"],
            &open["owner"],
            &open["sessions"],
            &open["until"]
        ),
        (
            &json!("role-session"),
            &json!(format!("arn:aws:iam::{ACCOUNT}:role/ops")),
            &json!(1),
            &json!("2026-03-13T23:45:00Z")
        )
    );
    assert!(of("ASIACLOSED").is_none());
    let human = home.must(0, &["credentials"]);
    assert!(
        human.contains("1 session until 2026-03-13T23:45:00Z; made by"),
        "{human}"
    );
    let csv = home.must(0, &["credentials", "--format", "csv"]);
    let header = csv.lines().next().unwrap().split(',').count();
    assert!(csv.lines().all(|l| l.split(',').count() >= header), "{csv}");
}

#[test]
fn checks_know_who_made_what_since_the_snapshot_before() {
    let verdicts = |config: &str| {
        let home = Home::new();
        trail(&home);
        dump(&home, "20260310T000000Z", ACCOUNT, &["AKIAOLD"]);
        dump(&home, "20260310T120000Z", "*", &["AKIAOLD", "AKIANEW"]);
        std::fs::write(home.path("in/bartizan.toml"), config).unwrap();
        let drift = |home: &Home| -> Vec<(String, String)> {
            let args = [
                "check", "--check", "CRED-05", "--check", "DRIFT-01", "--format", "ndjson",
            ];
            let lines = home.must(0, &args);
            let rows = lines
                .lines()
                .map(|l| serde_json::from_str::<Value>(l).unwrap());
            let row = |r: Value| {
                let text = |f: &str| r[f].as_str().unwrap().to_owned();
                (
                    format!("{} {}", text("check"), text("resource")),
                    format!("{} {}", text("verdict"), r["because"]),
                )
            };
            rows.map(row).collect()
        };
        let told = watch(&home);
        let said = told["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|f| f["rule"] == "CRED-05")
            .count();
        (drift(&home), said)
    };
    const SOURCES: &str = "[[account]]\nfrom = \"config\"\n[trail]\nsources = [\"trail\"]\n";
    let key = format!("CRED-05 arn:aws:iam::{ACCOUNT}:user/alice/AKIANEW");
    let of = |list: &[(String, String)], what: &str| {
        list.iter()
            .find(|(k, _)| k == what)
            .map(|(_, v)| v.clone())
            .unwrap_or_default()
    };
    let (stranger, told) = verdicts(SOURCES);
    assert!(
        of(&stranger, &key).starts_with("fail") && of(&stranger, &key).contains("user/eve"),
        "{stranger:?}"
    );
    assert!(
        of(&stranger, &format!("DRIFT-01 {SITE}")).starts_with("pass"),
        "{stranger:?}"
    );
    assert_eq!(told, 0, "nobody said who may");
    let approved = |who: &str| format!("approved = [{who:?}]\n{SOURCES}");
    let (friend, told) = verdicts(&approved("arn:aws:iam::*:user/eve"));
    assert!(of(&friend, &key).starts_with("pass"), "{friend:?}");
    assert_eq!(told, 0);
    let (other, told) = verdicts(&approved("arn:aws:iam::*:role/terraform*"));
    assert!(of(&other, &key).starts_with("fail"), "{other:?}");
    assert_eq!(told, 1);
}
