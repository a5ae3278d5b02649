//! Reading: encodings, envelopes, pages, odd records, archives, duplicates, times; and what is said
//! where nothing could be judged.

use serde_json::{Value, json};

use super::input;
use crate::common::Home;

/// RFC 8259, 8.1: parsers may ignore a byte order mark; PowerShell 5 writes UTF-16 when it
/// redirects.
#[test]
fn files_are_read_in_the_encodings_of_windows() {
    let home = Home::new();
    let file = |name: &str| input(&format!("21-byte-order-marks/{name}"));
    for name in ["gaad.json", "gaad-wide.json"] {
        let text = home.must(0, &["access", "escalate", "--on", &file(name)]);
        assert!(text.contains("ann"), "{name}: {text}");
    }
    for name in ["dump", "one-marked"] {
        let text = home.must(0, &["access", "public", "--on", &file(name)]);
        assert!(
            text.contains("444455556666") && text.contains("arn:aws:s3:::b"),
            "{name}: {text}"
        );
    }
    assert_eq!(
        home.json(&["access", "eval", &file("cases.ndjson")])[0]["decision"],
        "allowed"
    );
    home.must(
        0,
        &[
            "access",
            "policy-diff",
            &file("plain.json"),
            &file("marked.json"),
        ],
    );
    let lint = home.must(0, &["rules", "lint", &file("rule.yml")]);
    assert!(lint.contains("0 problems"), "{lint}");
    let found = home.json(&["detect", &file("utf16.json")]);
    assert_eq!(found["problems"], json!([]), "{found}");
    assert!(found["events"].as_u64().unwrap() > 0);
}

/// CloudWatch Logs user guide, "Subscription filters": each new destination is sent a
/// CONTROL_MESSAGE.
#[test]
fn control_messages_are_neither_events_nor_errors() {
    let home = Home::new();
    for name in ["firehose", "members.gz"] {
        let found = home.json(&[
            "detect",
            &input(&format!("18-control-messages/{name}")),
            "--require-complete",
        ]);
        assert_eq!(found["problems"], json!([]), "{name}: {found}");
        assert_eq!(
            found["apart"]["control messages of CloudWatch Logs"], 1,
            "{name}"
        );
        assert_eq!(found["events"], 1, "{name}");
        assert!(!found["findings"].as_array().unwrap().is_empty());
    }
}

/// CloudTrail API reference, LookupEvents: NextToken is there when there are more events.
#[test]
fn a_page_with_a_token_is_no_whole_answer() {
    let home = Home::new();
    for name in ["lookup", "empty", "lake"] {
        let file = input(&format!("19-cut-answers-of-the-trail/{name}.json"));
        let text = home.must(11, &["detect", &file, "--require-complete"]);
        assert!(
            text.contains("NextToken") && !text.starts_with("QUIET"),
            "{name}: {text}"
        );
        let found: Value = serde_json::from_str(&home.must(
            11,
            &["detect", &file, "--require-complete", "--format", "json"],
        ))
        .unwrap();
        let blind = |f: &&Value| {
            f["stage"] == "blind" && f["summary"].as_str().unwrap().contains("NextToken")
        };
        assert_eq!(
            found["findings"]
                .as_array()
                .unwrap()
                .iter()
                .filter(blind)
                .count(),
            1,
            "{name}"
        );
    }
    home.must(
        0,
        &[
            "detect",
            &input("19-cut-answers-of-the-trail/whole.json"),
            "--require-complete",
        ],
    );
}

fn event(n: u32, name: &str) -> Value {
    json!({
        "eventVersion": "1.08",
        "eventTime": format!("2026-03-10T02:{:02}:{:02}Z", n / 60 % 60, n % 60),
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "198.51.100.23",
        "userAgent": "aws-cli/2.15.30",
        "requestParameters": {"name": "main"},
        "requestID": format!("r{n}"),
        "eventID": format!("5b000000-0000-4000-8000-{n:012}"),
        "recipientAccountId": "111122223333",
        "eventType": "AwsApiCall",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mallory", "userName": "mallory",
            "accountId": "111122223333", "accessKeyId": "AKIAEXAMPLEMALLORY1"},
    })
}

fn write(home: &Home, name: &str, events: &[Value]) {
    std::fs::write(home.path(name), json!({"Records": events}).to_string()).unwrap();
}

fn stopped(found: &Value) -> Vec<&Value> {
    found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| f["summary"].as_str().unwrap().contains("StopLogging"))
        .collect()
}

#[test]
fn where_nothing_was_judged_nothing_is_quiet() {
    let home = Home::new();
    std::fs::create_dir(home.path("empty")).unwrap();
    write(&home, "one.json", &[event(1, "StopLogging")]);
    write(&home, "none.json", &[]);
    std::fs::write(home.path("broken.json"), "{\"Records\":[{\"eventVersion\":").unwrap();
    for args in [
        vec!["empty"],
        vec!["none.json"],
        vec!["broken.json"],
        vec!["one.json", "--no-builtin-rules"],
        vec!["one.json", "--since", "2030-01-01"],
        vec!["one.json", "--until", "2020-01-01"],
    ] {
        let args = [&["detect"], args.as_slice()].concat();
        let text = home.must(1, &args);
        assert!(text.starts_with("CANNOT TELL"), "{args:?}: {text}");
        home.must(11, &[args.as_slice(), &["--require-complete"]].concat());
        let json: Value =
            serde_json::from_str(&home.must(1, &[args.as_slice(), &["--format", "json"]].concat()))
                .unwrap();
        assert!(
            json["findings"]
                .as_array()
                .unwrap()
                .iter()
                .any(|f| f["stage"] == "blind")
                || json["objects"] == 0,
            "{args:?}: {json}"
        );
    }
    assert!(
        home.fails(
            2,
            &[
                "detect",
                "one.json",
                "--since",
                "2026-03-11",
                "--until",
                "2026-03-10"
            ]
        )
        .contains("later than")
    );
}

#[test]
fn events_are_cut_by_their_own_times() {
    let home = Home::new();
    write(
        &home,
        "t.json",
        &[
            event(1, "StopLogging"),
            event(300, "StopLogging"),
            event(600, "StopLogging"),
        ],
    );
    let found = home.json(&[
        "detect",
        "t.json",
        "--since",
        "2026-03-10T02:02:00Z",
        "--until",
        "2026-03-10T02:06:00Z",
    ]);
    assert_eq!(
        (&found["events"], &found["events_outside"]),
        (&json!(1), &json!(2))
    );
    let text = home.must(0, &["detect", "t.json", "--since", "2026-03-10T02:02:00Z"]);
    assert!(
        text.contains("1 event outside of the time asked for"),
        "{text}"
    );
    // The name of an object tells a day: what is later on that day is not left out.
    std::fs::create_dir_all(home.path("2026/03/10")).unwrap();
    write(&home, "2026/03/10/t.json", &[event(1, "StopLogging")]);
    assert_eq!(
        home.json(&["detect", "2026", "--since", "2026-03-10T01:00:00Z"])["events"],
        1
    );
}

#[test]
fn what_cannot_be_opened_costs_a_line() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("t/sub")).unwrap();
    write(&home, "t/a.json", &[event(1, "StopLogging")]);
    write(&home, "t/sub/b.json", &[event(2, "StopLogging")]);
    std::os::unix::fs::symlink("..", home.path("t/sub/loop")).unwrap();
    std::os::unix::fs::symlink("nowhere", home.path("t/dangling.json")).unwrap();
    nix::unistd::mkfifo(&home.path("t/pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let found: Value = serde_json::from_str(&home.must(
        11,
        &["detect", "t", "--require-complete", "--format", "json"],
    ))
    .unwrap();
    assert_eq!(
        (&found["events"], &found["duplicates"]),
        (&json!(2), &json!(0)),
        "{found}"
    );
    let unread: Vec<&str> = found["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["object"].as_str().unwrap())
        .collect();
    assert_eq!(unread, ["t/dangling.json", "t/pipe"], "{found}");
    // A link to a file is read, and what it leads to counts once.
    write(&home, "other.json", &[event(3, "StopLogging")]);
    std::os::unix::fs::symlink("../other.json", home.path("t/link.json")).unwrap();
    assert_eq!(home.json(&["detect", "t"])["events"], 3);
    assert_eq!(
        home.json(&[
            "detect",
            "t",
            "--event",
            "5b000000-0000-4000-8000-000000000003"
        ])["eventName"],
        "StopLogging"
    );
}

#[test]
fn what_no_rule_could_judge_is_no_all_clear() {
    let home = Home::new();
    let other = |n: u32| json!({"timestamp": n, "level": "info", "text": "something else"});
    let events: Vec<Value> = std::iter::once(event(1, "DescribeTrails"))
        .chain((0..1000).map(other))
        .collect();
    write(&home, "t.json", &events);
    let text = home.must(11, &["detect", "t.json", "--require-complete"]);
    assert!(text.starts_with("CANNOT TELL"), "{text}");
    let found: Value =
        serde_json::from_str(&home.must(0, &["detect", "t.json", "--format", "json"])).unwrap();
    assert_eq!(found["not_judged"], 1000);
    assert!(
        found["findings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|f| f["rule"] == "events-not-judged" && f["stage"] == "blind"),
        "{found}"
    );
    // One among many is a note.
    let mut events: Vec<Value> = (0..1000).map(|n| event(n, "DescribeTrails")).collect();
    events.push(other(1));
    write(&home, "t.json", &events);
    assert_eq!(
        home.json(&["detect", "t.json", "--require-complete"])["not_judged"],
        1
    );
}

#[test]
fn records_without_a_time_are_judged_one_by_one() {
    let home = Home::new();
    let mut one = event(1, "StopLogging");
    for (time, name, wanted) in [
        (json!("yesterday"), "x.json", Value::Null),
        (
            Value::Null,
            "1_CloudTrail_us-east-1_20260310T0205Z_abc.json",
            json!("2026-03-10T02:05:00Z"),
        ),
    ] {
        one["eventTime"] = time;
        write(&home, name, std::slice::from_ref(&one));
        let found: Value = serde_json::from_str(&home.must(
            11,
            &["detect", name, "--require-complete", "--format", "json"],
        ))
        .unwrap();
        let stop = stopped(&found);
        assert_eq!(stop.len(), 1, "{found}");
        assert_eq!(stop[0]["first_time"], wanted, "{found}");
        assert!(
            stop[0]["because"]
                .as_array()
                .unwrap()
                .iter()
                .any(|b| b.as_str().unwrap().contains("no usable time")),
            "{found}"
        );
        assert_eq!(found["not_judged"], 1);
    }
    // Neighbours tell the time of one among them.
    write(&home, "n.json", &[event(300, "DescribeTrails"), one]);
    let found: Value =
        serde_json::from_str(&home.must(0, &["detect", "n.json", "--format", "json"])).unwrap();
    assert_eq!(stopped(&found)[0]["first_time"], "2026-03-10T02:05:00Z");
}

#[test]
fn exports_in_other_names_are_judged() {
    let home = Home::new();
    let lower = |value: &Value| -> Value {
        let fields = value.as_object().unwrap();
        let text = |v: &Value| {
            if v.is_object() {
                json!(v.to_string())
            } else {
                v.clone()
            }
        };
        Value::Object(
            fields
                .iter()
                .map(|(k, v)| (k.to_lowercase(), text(v)))
                .collect(),
        )
    };
    let mut odd = lower(&event(1, "StopLogging "));
    odd["eventtime"] = json!("2025-01-21 17:49:47.000000000");
    odd["errorcode"] = json!("");
    odd["eventsource"] = json!("cloudtrail");
    std::fs::write(home.path("t.json"), odd.to_string()).unwrap();
    let found = home.json(&["detect", "t.json", "--require-complete"]);
    let stop = stopped(&found);
    assert_eq!(stop.len(), 1, "{found}");
    assert_eq!(stop[0]["severity"], "high", "{found}");
    assert_eq!(
        (&stop[0]["actor"]["name"], &stop[0]["first_time"]),
        (&json!("user mallory"), &json!("2025-01-21T17:49:47Z"))
    );
    // What is shown is what was judged.
    let shown = home.json(&[
        "detect",
        "t.json",
        "--event",
        "5b000000-0000-4000-8000-000000000001",
    ]);
    assert_eq!(
        (&shown["eventSource"], &shown["userIdentity"]["type"]),
        (&json!("cloudtrail.amazonaws.com"), &json!("IAMUser"))
    );
}

/// AWS makes ids unique (CloudTrail user guide, "eventID"); who publishes records takes them out.
#[test]
fn records_of_one_id_are_two_when_they_differ() {
    let home = Home::new();
    for id in ["REDACTED", "", "00000000-0000-4000-8000-000000000000"] {
        let mut events: Vec<Value> = (0..40).map(|n| event(n, "StopLogging")).collect();
        events.push(events[0].clone());
        for (n, event) in events.iter_mut().enumerate() {
            event["eventID"] = json!(id);
            event["requestParameters"]["name"] = json!(format!("trail{}", n % 40));
            event["eventTime"] = json!("2026-03-10T02:00:00Z");
            event["requestID"] = json!("HIDDEN");
        }
        write(&home, "t.json", &events);
        let found = home.json(&["detect", "t.json"]);
        assert_eq!(
            (&found["events"], &found["duplicates"]),
            (&json!(40), &json!(1)),
            "{id}"
        );
        let stop = stopped(&found);
        assert_eq!(stop[0]["count"], 40, "{id}");
        // The same records with blanks, in another order of names, are the same.
        let shuffled = |e: &Value| {
            Value::Object(
                e.as_object()
                    .unwrap()
                    .iter()
                    .rev()
                    .map(|(k, v)| (k.clone(), v.clone()))
                    .collect(),
            )
        };
        std::fs::write(
            home.path("u.json"),
            serde_json::to_string_pretty(&events.iter().map(shuffled).collect::<Vec<_>>()).unwrap(),
        )
        .unwrap();
        let both = home.json(&["detect", "t.json", "u.json"]);
        assert_eq!(
            (&both["events"], &both["duplicates"]),
            (&json!(40), &json!(42)),
            "{id}"
        );
        if !id.is_empty() {
            let shown = home.must(0, &["detect", "t.json", "--event", id]);
            assert_eq!(shown.matches("StopLogging").count(), 41, "{id}");
        }
        let own = stop[0]["evidence"][0]["id"].as_str().unwrap();
        assert!(
            home.must(0, &["detect", "t.json", "--event", own])
                .contains("StopLogging")
        );
    }
}

#[test]
fn archives_and_tables_are_read() {
    let home = Home::new();
    let file = |name: &str| input(&format!("packings/{name}"));
    let plain = home.json(&["detect", &file("trail.json"), "--require-complete"]);
    let told = |found: &Value| -> Vec<Value> {
        found["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| json!([f["id"], f["summary"], f["count"], f["first_time"]]))
            .collect()
    };
    assert!(told(&plain).len() >= 2, "{plain}");
    for name in [
        "trail.zip",
        "trail.tar",
        "trail.tgz",
        "trail.json.xz",
        "trail.json.bz2",
        "athena.csv",
    ] {
        let found = home.json(&["detect", &file(name), "--require-complete"]);
        assert_eq!(told(&found), told(&plain), "{name}");
        assert_eq!(found["problems"], json!([]), "{name}");
    }
    let text = home.must(11, &["detect", &file("console.csv"), "--require-complete"]);
    assert!(
        text.contains("StopLogging")
            && text.contains("download it as JSON")
            && text.contains("user mallory"),
        "{text}"
    );
    let text = home.must(1, &["detect", &file("trail.parquet")]);
    assert!(
        text.starts_with("CANNOT TELL")
            && text.contains("Parquet")
            && !text.contains("broken JSON"),
        "{text}"
    );
}
