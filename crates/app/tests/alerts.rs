//! Alerts of a watch: they arrive, in order and under the same key, whatever the receiver does.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::{Home, root, venv};
use crate::receiver::{Answer, Receiver};

/// Watches the heist with these sinks, through a configuration beside it.
pub(crate) fn watching(home: &Home, sinks: &str) {
    let heist = root().join("examples/heist");
    let at = |name: &str| heist.join(name).display().to_string();
    let config = format!(
        "[[account]]\nfrom = {:?}\n[trail]\nsources = [{:?}]\nkeys = {:?}\nsignatures = {:?}\n\
        lookback_days = 0\n{sinks}",
        at("config"),
        at("trail"),
        at("digest-key.json"),
        at("digest-signatures.txt"),
    );
    std::fs::write(home.path("bartizan.toml"), config).unwrap();
}

/// Documents of a file sink.
pub(crate) fn documents(path: &Path) -> Vec<Value> {
    std::fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

fn keys(documents: &[Value]) -> Vec<String> {
    documents
        .iter()
        .map(|d| d["key"].as_str().unwrap().to_owned())
        .collect()
}

/// Watches until nothing waits for any sink. Gives the number of runs.
fn until_sent(home: &Home) -> usize {
    let start = Instant::now();
    for runs in 1.. {
        home.must(0, &["watch", "--once"]);
        let list = home.json(&["alerts", "list"]);
        let waits = |s: &Value| s["waiting"].as_u64().unwrap();
        if list["sinks"]
            .as_array()
            .unwrap()
            .iter()
            .all(|s| waits(s) == 0)
        {
            return runs;
        }
        assert!(start.elapsed() < Duration::from_secs(120), "{list}");
    }
    unreachable!()
}

#[test]
fn everything_found_is_told_once_with_one_key_and_nothing_new_is_silence() {
    let home = Home::new();
    watching(
        &home,
        "[[sink]]\ntype = \"file\"\npath = \"alerts.ndjson\"\nmin_severity = \"low\"\n\
        storm_alerts = 1000\n",
    );
    let watched = home.json(&["watch", "--once"]);
    let told = documents(&home.path("alerts.ndjson"));
    let opened: Vec<&Value> = told
        .iter()
        .filter(|d| d["type"] == "incident-opened")
        .collect();
    let incidents = watched["incidents"].as_array().unwrap();
    assert!(!incidents.is_empty());
    assert_eq!(opened.len(), incidents.len());
    assert_eq!(
        opened[0]["data"]["incident"]["headline"],
        incidents[0]["headline"]
    );
    // Each finding that is no mere note is in exactly one alert.
    let mut findings: Vec<&str> = told
        .iter()
        .flat_map(|d| d["data"]["findings"].as_array().unwrap())
        .map(|f| f.as_str().unwrap())
        .collect();
    findings.sort_unstable();
    let mut expected: Vec<&str> = watched["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| f["severity"] != "info")
        .map(|f| f["id"].as_str().unwrap())
        .collect();
    expected.sort_unstable();
    assert_eq!(findings, expected);
    println!("{} alerts tell {} findings", told.len(), expected.len());

    home.must(0, &["watch", "--once"]);
    assert_eq!(documents(&home.path("alerts.ndjson")).len(), told.len());

    // Another store over the same input: the same alerts under the same keys, in the same order.
    let other = Home::new();
    std::fs::copy(home.path("bartizan.toml"), other.path("bartizan.toml")).unwrap();
    other.must(0, &["watch", "--once"]);
    let again = documents(&other.path("alerts.ndjson"));
    assert_eq!(keys(&again), keys(&told));

    // A sink that is added later is told what is there.
    let config = std::fs::read_to_string(home.path("bartizan.toml")).unwrap();
    let added = "[[sink]]\ntype = \"file\"\nname = \"late\"\npath = \"late.ndjson\"\n\
        min_severity = \"low\"\nstorm_alerts = 1000\n";
    std::fs::write(home.path("bartizan.toml"), config + added).unwrap();
    home.must(0, &["watch", "--once"]);
    assert_eq!(keys(&documents(&home.path("late.ndjson"))), keys(&told));
    assert_eq!(documents(&home.path("alerts.ndjson")).len(), told.len());
}

#[test]
fn receivers_that_fail_get_everything_in_the_end_under_the_same_keys() {
    let faults = [
        Answer::Status(500, None),
        Answer::HalfBody,
        Answer::Status(429, Some(1)),
        Answer::Close,
        Answer::Status(200, None),
        Answer::Status(503, None),
        Answer::Status(200, None),
        Answer::HalfHead,
        Answer::Hang,
    ];
    let receiver = Receiver::start(&faults);
    let home = Home::new();
    std::fs::write(home.path("hook.key"), "whsec_Y2FuYXJ5LXNlY3JldC1rZXk=\n").unwrap();
    watching(
        &home,
        &format!(
            "[[sink]]\ntype = \"webhook\"\nurl = \"http://127.0.0.1:{}/hook?a=b\"\n\
            secret_file = \"hook.key\"\nallow_private = true\nmin_severity = \"low\"\n\
            storm_alerts = 1000\n[[sink]]\ntype = \"file\"\npath = \"alerts.ndjson\"\n\
            min_severity = \"low\"\nstorm_alerts = 1000\n",
            receiver.port
        ),
    );
    // The other sink has everything after the first run.
    home.must(0, &["watch", "--once"]);
    let oracle = documents(&home.path("alerts.ndjson"));
    let runs = until_sent(&home);
    let got = receiver.requests();
    println!(
        "{} requests for {} alerts in {runs} more runs",
        got.len(),
        oracle.len()
    );
    assert!(got.len() >= oracle.len() + 6);
    let mut bodies: BTreeMap<&str, &str> = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    for request in &got {
        assert_eq!(request.path, "/hook?a=b");
        let key = request.header("webhook-id");
        let body = bodies.entry(key).or_insert(&request.body);
        assert_eq!(*body, request.body, "another body under the same key");
        if order.last() != Some(&key) {
            order.push(key);
        }
    }
    assert_eq!(order, keys(&oracle), "in order, nothing lost");
    verified(&home, &got);
}

/// Each request by the verifier of Standard Webhooks.
fn verified(home: &Home, requests: &[crate::receiver::Request]) {
    let Some(venv) = venv("BARTIZAN_VENV") else {
        return;
    };
    let rows: Vec<String> = requests
        .iter()
        .map(|r| {
            let headers: BTreeMap<&str, &str> =
                ["webhook-id", "webhook-timestamp", "webhook-signature"]
                    .into_iter()
                    .map(|name| (name, r.header(name)))
                    .collect();
            serde_json::json!({"headers": headers, "body": r.body}).to_string()
        })
        .collect();
    std::fs::write(home.path("requests.ndjson"), rows.join("\n")).unwrap();
    let script = "import json, sys\n\
        from standardwebhooks import Webhook, WebhookVerificationError\n\
        hook = Webhook('whsec_Y2FuYXJ5LXNlY3JldC1rZXk=')\n\
        rows = [json.loads(line) for line in open(sys.argv[1])]\n\
        for row in rows:\n    hook.verify(row['body'], row['headers'])\n\
        try:\n    hook.verify(rows[0]['body'] + ' ', rows[0]['headers'])\n\
        except WebhookVerificationError:\n    print(len(rows))\n";
    let output = Command::new(venv.join("bin/python"))
        .args(["-c", script])
        .arg(home.path("requests.ndjson"))
        .output()
        .unwrap();
    let problem = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.trim(), requests.len().to_string(), "{problem}");
}

#[test]
fn private_addresses_are_refused_and_redirects_are_not_followed() {
    let inside = Receiver::start(&[]);
    let outside = Receiver::start(&[Answer::Redirect(inside.port); 4]);
    let home = Home::new();
    let sink = |name: &str, url: &str, allow: bool| {
        format!(
            "[[sink]]\ntype = \"webhook\"\nname = \"{name}\"\nurl = \"{url}\"\n\
            allow_private = {allow}\n"
        )
    };
    let port = inside.port;
    let refused = [
        ("loopback", format!("http://127.0.0.1:{port}/")),
        ("name", format!("http://localhost:{port}/")),
        ("six", format!("http://[::1]:{port}/")),
        ("mapped", format!("http://[::ffff:127.0.0.1]:{port}/")),
        ("nothing", format!("http://0.0.0.0:{port}/")),
    ];
    let mut sinks: String = refused
        .iter()
        .map(|(name, url)| sink(name, url, false))
        .collect();
    sinks += &sink(
        "redirect",
        &format!("http://127.0.0.1:{}/", outside.port),
        true,
    );
    sinks += &sink("metadata", "http://169.254.169.254/latest/", true);
    watching(&home, &sinks);
    for (name, _) in &refused {
        let text = home.must(1, &["alerts", "test", name]);
        assert!(text.contains("set allow_private = true"), "{name}: {text}");
    }
    let text = home.must(1, &["alerts", "test", "metadata"]);
    assert!(text.contains("holds credentials"), "{text}");
    let text = home.must(1, &["alerts", "test", "redirect"]);
    assert!(text.contains("HTTP 302"), "{text}");
    assert_eq!(outside.requests().len(), 1);
    assert_eq!(inside.requests().len(), 0);
}

#[test]
fn a_wrong_sink_says_which_and_why_and_no_secret_is_printed() {
    let home = Home::new().set("HOOK", "canary-secret-of-a-hook");
    for (sink, problem) in [
        (
            "type = \"webhook\"",
            "\"webhook\" (webhook): url is missing",
        ),
        ("type = \"carrier-pigeon\"", "unknown variant"),
        (
            "type = \"file\"\npath = \"x\"\ncolour = 1",
            "unknown field `colour`",
        ),
        (
            "type = \"file\"\nname = \"a\"\npath = \"x\"\nurl = \"http://x\"",
            "\"a\" (file): url is not",
        ),
        (
            "type = \"pagerduty\"\nname = \"p\"",
            "\"p\" (pagerduty): a secret is missing",
        ),
        (
            "type = \"file\"\npath = \"x\"\n[[sink]]\ntype = \"file\"\npath = \"y\"",
            "two sinks are called \"file\"",
        ),
        (
            "type = \"file\"\npath = \"x\"\nquiet_hours = \"late\"",
            "quiet_hours is a span",
        ),
        (
            "type = \"webhook\"\nurl = \"http://x\"\nsecret_env = \"A\"\nsecret_file = \"b\"",
            "give one of",
        ),
    ] {
        watching(&home, &format!("[[sink]]\n{sink}\n"));
        let talk = home.fails(1, &["watch", "--once"]);
        assert!(talk.contains(problem), "{problem}: {talk}");
        assert!(talk.contains("bartizan.toml"), "{talk}");
    }
    // Slack's URL is a secret.
    watching(&home, "[[sink]]\ntype = \"slack\"\nsecret_env = \"HOOK\"\n");
    let text = home.must(1, &["alerts", "test", "slack"]);
    assert!(
        text.contains("url is not a URL") || text.contains("must begin"),
        "{text}"
    );
    let url = "http://127.0.0.1:1/services/canary-secret-path";
    watching(
        &home,
        &format!("[[sink]]\ntype = \"slack\"\nurl = \"{url}\"\nallow_private = true\n"),
    );
    let text = home.must(1, &["alerts", "test", "slack"]);
    assert!(text.contains("cannot connect to 127.0.0.1:1"), "{text}");
    home.must(0, &["watch", "--once"]);
    home.must(0, &["alerts", "list", "--format", "json"]);
}

#[test]
fn silences_are_signed_and_what_was_given_up_is_sent_again() {
    let receiver = Receiver::start(&[Answer::Status(400, None); 200]);
    let home = Home::new();
    let sinks = format!(
        "[[sink]]\ntype = \"webhook\"\nurl = \"http://127.0.0.1:{}/\"\nallow_private = true\n\
        stages = [\"steal\"]\n[[sink]]\ntype = \"file\"\npath = \"alerts.ndjson\"\n",
        receiver.port
    );
    watching(&home, &sinks);
    let watched = home.json(&["watch", "--once"]);
    let incident = watched["incidents"][0]["id"].as_str().unwrap().to_owned();
    // Each refusal of a message is tried again later; five are too many.
    let dead = |home: &Home| -> Vec<String> {
        let list = home.json(&["alerts", "list", "--sink", "webhook", "--state", "dead"]);
        keys(list["alerts"].as_array().unwrap())
    };
    let start = Instant::now();
    while dead(&home).is_empty() {
        home.must(0, &["watch", "--once"]);
        assert!(start.elapsed() < Duration::from_secs(120));
        std::thread::sleep(Duration::from_millis(300));
    }
    let key = dead(&home).remove(0);
    let of_key = |requests: &[crate::receiver::Request]| -> Vec<String> {
        let of = requests.iter().filter(|r| r.header("webhook-id") == key);
        of.map(|r| r.body.clone()).collect()
    };
    assert_eq!(of_key(&receiver.requests()).len(), 5);
    receiver.answer_all(Answer::Status(200, None));
    let text = home.must(0, &["alerts", "redrive", "--sink", "webhook"]);
    assert!(text.contains("redriven"), "{text}");
    assert_eq!(dead(&home), Vec::<String>::new());
    let bodies = of_key(&receiver.requests());
    assert_eq!(bodies.len(), 6);
    assert!(bodies.iter().all(|b| *b == bodies[0]));

    home.fails(
        1,
        &[
            "alerts",
            "silence",
            "--reason",
            "x",
            "--until",
            "2100-01-01",
        ],
    );
    home.fails(1, &["alerts", "silence", "--subject", "x", "--reason", "x"]);
    let made = home.json(&[
        "alerts",
        "silence",
        "--subject",
        &incident,
        "--reason",
        "we are on it",
        "--author",
        "ann",
        "--until",
        "2100-01-01",
    ]);
    home.must(0, &["verify", "evidence"]);
    let list = home.json(&["alerts", "silence", "--list"]);
    assert_eq!(list[0]["silence"]["author"], "ann");
    let entry = made["entry"].as_u64().unwrap().to_string();
    // A sink that is new is not told of what is silenced.
    watching(
        &home,
        &format!("{sinks}[[sink]]\ntype = \"file\"\nname = \"new\"\npath = \"new.ndjson\"\n"),
    );
    home.must(0, &["watch", "--once"]);
    let silenced = home.json(&["alerts", "list", "--sink", "new", "--state", "silenced"]);
    assert_eq!(silenced["alerts"][0]["subject"], incident.as_str());
    assert_eq!(silenced["alerts"][0]["note"], format!("entry {entry}"));
    home.must(
        0,
        &["alerts", "silence", "--end", &entry, "--reason", "done"],
    );
    assert_eq!(
        home.json(&["alerts", "silence", "--list"]),
        Value::Array(vec![])
    );
    home.must(0, &["verify", "evidence"]);
}

#[test]
fn a_storm_is_one_digest_that_counts_what_it_folded() {
    let home = Home::new();
    watching(
        &home,
        "[[sink]]\ntype = \"file\"\npath = \"alerts.ndjson\"\nmin_severity = \"low\"\n\
        storm_alerts = 2\n",
    );
    home.must(0, &["watch", "--once"]);
    let told = documents(&home.path("alerts.ndjson"));
    assert_eq!(told.len(), 3);
    let digest = told.iter().find(|d| d["type"] == "digest").unwrap();
    let key = digest["key"].as_str().unwrap();
    let folded = home.json(&["alerts", "list", "--digest", key, "--limit", "1000"]);
    let count = folded["alerts"].as_array().unwrap().len();
    assert_eq!(digest["data"]["digest"]["alerts"], count);
    assert!(count > 5, "{count}");
}

#[test]
fn a_state_of_version_1_is_upgraded_in_place_and_a_copy_kept() {
    let home = Home::new();
    watching(&home, "");
    let before = home.json(&["watch", "--once"]);
    let state = home.path("bartizan-store/state.sqlite");
    let connection = rusqlite::Connection::open(&state).unwrap();
    connection
        .execute_batch(
            "drop table alert; drop table outbox; drop table open_subject; drop table silence; \
            drop table sink; pragma user_version = 1;",
        )
        .unwrap();
    drop(connection);
    // What only reads needs no upgrade.
    home.must(0, &["report", "-o", "report.html"]);
    watching(
        &home,
        "[[sink]]\ntype = \"file\"\npath = \"alerts.ndjson\"\n",
    );
    let after = home.json(&["watch", "--once"]);
    assert_eq!(after["incidents"], before["incidents"]);
    assert!(!documents(&home.path("alerts.ndjson")).is_empty());
    let copy = rusqlite::Connection::open(home.path("bartizan-store/state-v1.sqlite")).unwrap();
    let count = |c: &rusqlite::Connection, query: &str| -> i64 {
        c.query_row(query, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count(&copy, "pragma user_version"), 1);
    assert!(count(&copy, "select count(*) from finding") > 0);
    let now = rusqlite::Connection::open(&state).unwrap();
    assert_eq!(count(&now, "pragma user_version"), 2);
}

#[test]
fn a_command_reads_the_document_and_nothing_hostile_is_in_its_arguments() {
    let home = Home::new();
    std::fs::write(
        home.path("take.sh"),
        "#!/bin/sh\n[ $# -eq 1 ] || exit 1\ncat > \"$1/$BARTIZAN_ALERT_KEY.json\"\n",
    )
    .unwrap();
    watching(
        &home,
        &format!(
            "[[sink]]\ntype = \"command\"\ncommand = [\"sh\", {:?}, {:?}]\n",
            home.path("take.sh"),
            home.dir.path()
        ),
    );
    home.must(0, &["watch", "--once"]);
    let list = home.json(&["alerts", "list", "--state", "sent"]);
    let sent = list["alerts"].as_array().unwrap();
    assert!(!sent.is_empty());
    for alert in sent {
        let file = home.path(&format!("{}.json", alert["key"].as_str().unwrap()));
        assert_eq!(documents(&file)[0]["data"]["title"], alert["title"]);
    }
}
