//! Who began it, and what belongs together.

use std::collections::{BTreeMap, BTreeSet};

use bartizan_detect::attribution::{AttributionIndex, CallMap};
use bartizan_detect::{
    Evaluator, FirstSeenMemory, Networks, Rules, ScanPlan, Scanner, builtin_files,
};
use bartizan_incident::attribution::{Origin, OriginKind};
use bartizan_incident::{
    BillInput, Incident, IncidentInput, MergedIncident, SensorInput, incidents,
};
use bartizan_model::Finding;
use bartizan_trail::CallerIdentity;
use serde_json::{Value, json};

const HERE: &str = "111122223333";

/// Result of a trail: findings, and the calls kept for attribution.
fn read(records: &[Value], rules: bool) -> (Vec<Finding>, AttributionIndex) {
    read_text(&json!({ "Records": records }).to_string(), rules)
}

fn read_text(text: &str, rules: bool) -> (Vec<Finding>, AttributionIndex) {
    let plan = ScanPlan {
        rules: Rules::load(&if rules { builtin_files() } else { Vec::new() }),
        networks: Networks::builtin(),
        memory: FirstSeenMemory::default(),
        tally: false,
        calls: Some(CallMap::builtin()),
    };
    let mut judge = Evaluator::new(&plan);
    let mut scanner = Scanner::new(&plan);
    judge.take("t", scanner.scan(&mut text.as_bytes()));
    judge.take_rest(scanner.finish());
    let verdicts = judge.finish(false, &|id| id.to_owned());
    (verdicts.findings, verdicts.attribution)
}

fn record(
    n: usize,
    identity: &Value,
    source: &str,
    name: &str,
    request: Value,
    response: Value,
) -> Value {
    json!({
        "eventVersion": "1.11",
        "eventTime": format!("2026-03-11T{:02}:{:02}:00Z", n / 60, n % 60),
        "eventSource": format!("{source}.amazonaws.com"),
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "x",
        "requestParameters": request,
        "responseElements": response,
        "eventID": format!("00000000-0000-4000-8000-{n:012}"),
        "recipientAccountId": HERE,
        "userIdentity": identity,
        "eventType": "AwsApiCall",
        "eventCategory": "Management",
        "managementEvent": true,
        "readOnly": false,
    })
}

fn user(name: &str, key: &str) -> Value {
    json!({
        "type": "IAMUser",
        "userName": name,
        "arn": format!("arn:aws:iam::{HERE}:user/{name}"),
        "accountId": HERE,
        "accessKeyId": key,
    })
}

fn session(role: &str, name: &str, key: &str) -> Value {
    json!({
        "type": "AssumedRole",
        "arn": format!("arn:aws:sts::{HERE}:assumed-role/{role}/{name}"),
        "accountId": HERE,
        "accessKeyId": key,
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": format!("arn:aws:iam::{HERE}:role/{role}")}},
    })
}

/// The record by which `by` became `role`.
fn assume(n: usize, by: &Value, role: &str, name: &str, key: &str) -> Value {
    let request =
        json!({"roleArn": format!("arn:aws:iam::{HERE}:role/{role}"), "roleSessionName": name});
    record(
        n,
        by,
        "sts",
        "AssumeRole",
        request,
        json!({"credentials": {"accessKeyId": key}}),
    )
}

fn origin(records: &[Value], identity: &Value) -> Origin {
    let text = identity.to_string();
    let actor = CallerIdentity::of(bartizan_trail::json::JsonValue::new(text.as_bytes(), 0));
    let forward = bartizan_incident::attribution::origin(&read(records, false).1, &actor);
    // The order of the records does not matter.
    let back: Vec<Value> = records.iter().rev().cloned().collect();
    assert_eq!(
        bartizan_incident::attribution::origin(&read(&back, false).1, &actor),
        forward
    );
    forward
}

#[test]
fn sessions_lead_back_to_who_began_them() {
    let ann = user("ann", "AKIAANN");
    let chain = [
        assume(1, &ann, "one", "a", "ASIA1"),
        assume(2, &session("one", "a", "ASIA1"), "two", "b", "ASIA2"),
        assume(3, &session("two", "b", "ASIA2"), "three", "c", "ASIA3"),
    ];
    let found = origin(&chain, &session("three", "c", "ASIA3"));
    assert_eq!(
        (
            found.name.as_str(),
            found.kind,
            found.whole,
            found.access_key_id.as_deref()
        ),
        ("user ann", OriginKind::User, true, Some("AKIAANN"))
    );
    assert_eq!(found.chain.len(), 3);
    assert!(
        found.chain[0].starts_with("session a of role one by AssumeRole"),
        "{:?}",
        found.chain
    );
    assert_eq!(found.keys, ["ASIA3", "ASIA2", "ASIA1", "AKIAANN"]);

    // A link in the middle is lost: the chain ends at the last that is known, and says so.
    let found = origin(
        &[chain[0].clone(), chain[2].clone()],
        &session("three", "c", "ASIA3"),
    );
    assert_eq!(
        (found.name.as_str(), found.whole, found.kind),
        ("session b of role two", false, OriginKind::Session)
    );
    // A name that the session carries is better than nothing, and no more than that.
    let mut named = session("two", "b", "ASIA2");
    named["sessionContext"]["sourceIdentity"] = "ann@acme".into();
    let found = origin(&[], &named);
    assert_eq!(
        (found.name.as_str(), found.whole),
        ("ann@acme (by source identity)", false)
    );

    // Machines, people and jobs.
    let service = |host: &str| json!({"type": "AWSService", "invokedBy": host});
    for (by, role, name, key, expected, kind) in [
        (
            service("ec2.amazonaws.com"),
            "app",
            "i-0123456789abcdef0",
            "ASIAE",
            "instance i-0123456789abcdef0",
            OriginKind::Machine,
        ),
        (
            service("lambda.amazonaws.com"),
            "fn",
            "orders",
            "ASIAL",
            "lambda orders",
            OriginKind::Machine,
        ),
        (
            json!({
                "type": "WebIdentityUser",
                "userName": "repo:a/b:ref",
                "identityProvider": "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com",
            }),
            "ci",
            "g",
            "ASIAW",
            "repo:a/b:ref of token.actions.githubusercontent.com",
            OriginKind::Outside,
        ),
        (
            json!({"type": "SAMLUser", "userName": "eve", "identityProvider": "idp"}),
            "adm",
            "eve",
            "ASIAS",
            "eve of idp",
            OriginKind::Outside,
        ),
    ] {
        let found = origin(
            &[assume(1, &by, role, name, key)],
            &session(role, name, key),
        );
        assert_eq!(
            (found.name.as_str(), found.kind, found.whole),
            (expected, kind, true)
        );
    }
    let found = origin(&[], &session("AWSReservedSSO_Admin_1", "al@acme", "ASIAX"));
    assert_eq!(
        (found.key.as_str(), found.whole),
        ("identity-center:al@acme", true)
    );
    let found = origin(&[], &session("app", "i-0123456789abcdef0", "ASIAY"));
    assert_eq!((found.kind, found.whole), (OriginKind::Machine, true));
}

#[test]
fn another_account_is_followed_as_far_as_its_own_records_go() {
    let stranger =
        json!({"type": "AWSAccount", "principalId": "AROAX:s", "accountId": "999988887777"});
    let seen_here = assume(2, &stranger, "door", "s", "ASIAD");
    let door = session("door", "s", "ASIAD");
    let found = origin(std::slice::from_ref(&seen_here), &door);
    assert_eq!(
        (found.name.as_str(), found.kind, found.whole),
        ("account 999988887777", OriginKind::Account, false)
    );
    // Both accounts wrote a record of the same call; the caller's own says who it was.
    let mut seen_there = assume(3, &user("mal", "AKIAMAL"), "door", "s", "ASIAD");
    seen_there["recipientAccountId"] = "999988887777".into();
    seen_there["sharedEventID"] = "11111111-0000-4000-8000-000000000001".into();
    let found = origin(&[seen_here, seen_there], &door);
    assert_eq!((found.name.as_str(), found.whole), ("user mal", true));
}

#[test]
fn a_chain_that_bites_its_tail_ends() {
    let a = session("a", "x", "ASIAA");
    let b = session("b", "y", "ASIAB");
    let ring = [
        assume(1, &a, "b", "y", "ASIAB"),
        assume(2, &b, "a", "x", "ASIAA"),
        assume(3, &a, "a", "x", "ASIAC"),
    ];
    for identity in [a, b, session("a", "x", "ASIAC")] {
        let found = origin(&ring, &identity);
        assert!(!found.whole && found.chain.len() <= 16, "{found:?}");
    }
}

fn grouped(
    findings: &[Finding],
    attribution: &AttributionIndex,
    known: &[Incident],
    as_of_s: i64,
) -> (Vec<Incident>, Vec<MergedIncident>) {
    let map = CallMap::builtin();
    incidents(&IncidentInput {
        gives: &BTreeMap::new(),
        work: &[],
        findings,
        map: &map,
        attribution,
        standing: &BTreeMap::new(),
        compared: &BTreeMap::new(),
        as_of_s,
        power: &BTreeMap::new(),
        accepted: &BTreeSet::new(),
        known,
        bill: &BillInput::default(),
        sensors: &SensorInput::default(),
    })
}

#[test]
fn who_made_a_key_belongs_with_who_used_it_and_others_do_not() {
    let (mal, eve) = (user("mal", "AKIAMAL"), user("eve", "AKIAEVE"));
    let made = json!({"accessKey": {"userName": "bot", "accessKeyId": "AKIABOT"}});
    let all = json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    })
    .to_string();
    let make = record(
        10,
        &mal,
        "iam",
        "CreateAccessKey",
        json!({"userName": "bot"}),
        made,
    );
    let stop = record(
        20,
        &user("bot", "AKIABOT"),
        "cloudtrail",
        "StopLogging",
        json!({"name": "main"}),
        Value::Null,
    );
    let other = record(
        30,
        &eve,
        "iam",
        "PutUserPolicy",
        json!({"userName": "eve", "policyName": "p", "policyDocument": all}),
        Value::Null,
    );
    let (findings, attribution) = read(&[make.clone(), stop.clone(), other.clone()], true);
    let (found, merges) = grouped(&findings, &attribution, &[], 0);
    assert_eq!((found.len(), merges), (2, Vec::new()), "{found:#?}");
    let names = |i: &Incident| {
        i.actor
            .iter()
            .map(|a| a.name.clone())
            .collect::<BTreeSet<_>>()
    };
    let both = found.iter().find(|i| i.actor.len() == 2).unwrap();
    assert_eq!(
        names(both),
        BTreeSet::from(["user mal".to_owned(), "user bot".to_owned()])
    );

    // While the making of the key is not known, these are two incidents; once it is, they are one,
    // and that is said.
    let (findings, attribution) = read(&[stop.clone(), other], true);
    let (apart, _) = grouped(&findings, &attribution, &[], 0);
    let admin = record(
        15,
        &mal,
        "iam",
        "PutUserPolicy",
        json!({"userName": "mal", "policyName": "p", "policyDocument": all}),
        Value::Null,
    );
    let (findings, attribution) = read(&[stop.clone(), admin.clone()], true);
    let (two, _) = grouped(&findings, &attribution, &apart, 0);
    assert_eq!(two.len(), 2);
    let (findings, attribution) = read(&[make, stop, admin], true);
    let (one, merges) = grouped(&findings, &attribution, &two, 0);
    assert_eq!((one.len(), merges.len()), (1, 1), "{one:#?}");
    assert!(
        two.iter().any(|i| i.id == one[0].id)
            && merges[0].into == one[0].id
            && merges[0].from != one[0].id
    );
    // The same again, knowing what is known: nothing is merged twice, and the id stays.
    let (again, merges) = grouped(&findings, &attribution, &one, 0);
    assert_eq!((&again, merges), (&one, Vec::new()));
}

/// Who opened a bucket belongs with the external principal that read it, and not with the one that
/// read another.
#[test]
fn who_opened_a_thing_belongs_with_the_stranger_who_came() {
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": "arn:aws:s3:::data/*",
        }],
    });
    let open = record(
        10,
        &user("mal", "AKIAMAL"),
        "s3",
        "PutBucketPolicy",
        json!({"bucketName": "data", "bucketPolicy": policy}),
        Value::Null,
    );
    let come = |n: usize, bucket: &str, account: &str| {
        let stranger = json!({
            "type": "AWSAccount",
            "principalId": format!("AIDA{account}"),
            "accountId": account,
        });
        let mut come = record(
            n,
            &stranger,
            "s3",
            "GetObject",
            json!({"bucketName": bucket, "key": "k"}),
            Value::Null,
        );
        come["sourceIPAddress"] = format!("198.51.100.{n}").into();
        come["resources"] =
            json!([{"type": "AWS::S3::Object", "ARN": format!("arn:aws:s3:::{bucket}/k")}]);
        come
    };
    let (findings, attribution) = read(
        &[
            open,
            come(20, "data", "999988887777"),
            come(30, "other", "888877776666"),
        ],
        true,
    );
    let (found, _) = grouped(&findings, &attribution, &[], 0);
    assert_eq!(found.len(), 1, "{found:#?}");
    let names: BTreeSet<&str> = found[0].actor.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(
        names,
        BTreeSet::from(["user mal", "account 999988887777"]),
        "{:#?}",
        findings.iter().map(|f| &f.summary).collect::<Vec<_>>()
    );
}

/// Two things of medium weight on one day are an attack; weeks apart they are two things.
#[test]
fn stages_count_together_within_a_week() {
    let finding = |n: i64, stage: &str| -> Finding {
        let at = jiff::Timestamp::from_second(1_773_187_200 + n * 86_400)
            .unwrap()
            .to_string();
        serde_json::from_value(json!({
            "id": format!("{n}{stage}"),
            "rule": "r",
            "title": "t",
            "summary": "s",
            "severity": "medium",
            "confidence": "medium",
            "stage": stage,
            "attack": [],
            "account": HERE,
            "region": "us-east-1",
            "first_time": at,
            "last_time": at,
            "count": 1,
            "resources": [],
            "evidence": [],
            "verdict": "must",
            "because": [],
            "show": "",
            "actor": {
                "key": format!("arn:aws:iam::{HERE}:user/ann"),
                "name": "user ann",
                "arn": null,
                "type": "IAMUser",
                "account": HERE,
                "access_key_id": "AKIAANN",
                "origin": [],
                "source_ip": "203.0.113.1",
                "user_agent": "x",
            },
        }))
        .unwrap()
    };
    let (_, attribution) = read(&[], false);
    let incidents_of = |days: [i64; 2]| {
        grouped(
            &[finding(days[0], "gain"), finding(days[1], "steal")],
            &attribution,
            &[],
            0,
        )
        .0
        .len()
    };
    assert_eq!(
        (
            incidents_of([0, 0]),
            incidents_of([0, 6]),
            incidents_of([0, 20])
        ),
        (1, 1, 0)
    );
}

#[test]
fn open_sessions_are_told_while_they_last() {
    let mal = user("mal", "AKIAMAL");
    let records = [
        record(
            10,
            &mal,
            "cloudtrail",
            "StopLogging",
            json!({"name": "main"}),
            Value::Null,
        ),
        assume(11, &mal, "ops", "s", "ASIAOPS"),
    ];
    let (findings, attribution) = read(&records, true);
    let at = |minute: i64| 1_773_187_200 + minute * 60; // 2026-03-11
    let open = |as_of_s: i64| {
        let (found, _) = grouped(&findings, &attribution, &[], as_of_s);
        found[0]
            .standing
            .iter()
            .map(|s| s.what.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        open(at(12)),
        ["session s of role ops, until 2026-03-11T01:11:00Z"]
    );
    assert_eq!(open(at(90)), Vec::<String>::new());
}

proptest::proptest! {
    /// No record, whatever is in it, stops the witness.
    #[test]
    fn any_record_is_survived(name in "(PutUserPolicy|RunInstances|CreateAccessKey|ModifySnapshotAttribute|PutTargets|AssumeRole)", request in "[\\[\\]{}\",:a-z0-9 *\\\\/.]{0,80}", key in "[a-zA-Z*{}/]{0,12}") {
        let mut text = record(1, &user(&key, &key), "iam", &name, json!({
            "userName": key,
            "policyName": key,
            "items": [[key, {"a": key}]],
        }), Value::Null).to_string();
        for source in ["iam", "ec2", "events", "sts"] {
            text = text.replace("iam.amazonaws.com", &format!("{source}.amazonaws.com"));
            let broken = text.replacen("\"requestParameters\":{", &format!("\"requestParameters\":{{{request}"), 1);
            read_text(&broken, false);
        }
    }
}

/// Puts every English text below a value in upper case: a letter stands beside a blank.
fn shout(value: &mut Value) {
    match value {
        Value::String(text) => {
            let blank = |pair: &[u8]| {
                pair[0] == b' ' && pair[1].is_ascii_alphabetic()
                    || pair[0].is_ascii_alphabetic() && pair[1] == b' '
            };
            if text.as_bytes().windows(2).any(blank) {
                *text = text.to_uppercase();
            }
        }
        Value::Array(list) => list.iter_mut().for_each(shout),
        Value::Object(map) => map.values_mut().for_each(shout),
        _ => {}
    }
}

/// The words of findings decide nothing: whatever they say, they are grouped, ranked and named the
/// same.
#[test]
fn findings_that_shout_make_the_same_incidents() {
    let trail = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/heist/trail");
    let (mut folders, mut files) = (vec![trail], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    let plan = ScanPlan {
        rules: Rules::load(&builtin_files()),
        networks: Networks::builtin(),
        memory: FirstSeenMemory::default(),
        tally: false,
        calls: Some(CallMap::builtin()),
    };
    let mut evaluator = Evaluator::new(&plan);
    let mut scanner = Scanner::new(&plan);
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        evaluator.take(file.to_str().unwrap(), scanner.scan(&mut bytes.as_slice()));
    }
    evaluator.take_rest(scanner.finish());
    let verdicts = evaluator.finish(false, &|id| id.to_owned());
    let plain = &verdicts.findings;
    let mut loud = serde_json::to_value(plain).unwrap();
    shout(&mut loud);
    let loud: Vec<Finding> = serde_json::from_value(loud).unwrap();
    assert!(plain.len() > 20 && plain.iter().zip(&loud).any(|(a, b)| a.summary != b.summary));
    let of = |findings: &[Finding]| {
        let (found, merged) = grouped(findings, &verdicts.attribution, &[], i64::MAX / 2);
        assert!(!found.is_empty() && found[0].todo.iter().any(|t| !t.command.is_empty()));
        let mut value = serde_json::to_value((found, merged)).unwrap();
        shout(&mut value);
        value
    };
    assert_eq!(of(plain), of(&loud));
}
