//! An account in which every name is an attack, and one that is very large.

use std::fs;

use serde_json::{Value, json};

use super::Served;
use super::browser::Scenario;
use crate::common::Home;
use crate::watch::home_with;

const NASTY: &str = "<script>document.title='pwned'</script>\"><img src=x \
    onerror=\"document.title='pwned'\"></style></svg>{{7*7}}\u{1b}[2J\u{202e}\u{2066}<!channel>";

/// Replaces words of people and names in what a watch kept by attacks, and grows it.
fn spoil(kept: &mut Value, large: &str) {
    let findings = kept["findings"].as_array().unwrap().clone();
    let mut many = Vec::new();
    for n in 0..10_000 {
        let mut finding = findings[n % findings.len()].clone();
        if n >= findings.len() {
            finding["id"] = json!(format!("f{n:015x}"));
        }
        for field in ["title", "summary"] {
            finding[field] = json!(format!("{NASTY} {n}"));
        }
        finding["because"] = json!([NASTY]);
        // Ten thousand times a megabyte would be a file that no watch could write.
        if n < 60 {
            finding["summary"] = json!(large);
            finding["because"] = json!([NASTY, large]);
        }
        finding["resources"] = json!([NASTY]);
        many.push(finding);
    }
    kept["findings"] = json!(many);
    for incident in kept["incidents"].as_array_mut().unwrap() {
        incident["headline"] = json!(format!("{NASTY}{large}"));
        for moment in incident["timeline"].as_array_mut().unwrap() {
            moment["summary"] = json!(format!("{NASTY}{large}"));
            moment["title"] = json!(NASTY);
        }
        for standing in incident["standing"].as_array_mut().unwrap() {
            standing["what"] = json!(format!("{NASTY}{large}"));
        }
        for suspect in incident["actor"].as_array_mut().unwrap() {
            suspect["name"] = json!(NASTY);
            suspect["user_agents"] = json!([large, NASTY]);
            suspect["chains"] = json!([[NASTY, large]]);
        }
        for advice in incident["todo"].as_array_mut().unwrap() {
            advice["why"] = json!(NASTY);
            advice["command"] = json!(large);
        }
    }
    for change in kept["changes"].as_array_mut().unwrap() {
        change["id"] = json!(NASTY);
        change["by"] = json!([NASTY, large]);
        change["lines"] = json!([format!("+ {NASTY}"), format!("- {large}")]);
    }
    for path in kept["paths"].as_array_mut().unwrap() {
        path["from"] = json!(NASTY);
        path["through"] = json!(large);
    }
}

/// A hundred thousand facts, in both snapshots.
fn many_facts(home: &Home) {
    let pairs: Vec<Value> = (0..100_000)
        .map(|n| {
            json!({
                "KeyPairId": format!("key-{n:017x}"), "KeyName": format!("{NASTY}-{n}"),
                "KeyFingerprint": format!("{n:040x}"), "KeyType": "ed25519",
            })
        })
        .collect();
    let text = json!({"KeyPairs": pairs}).to_string();
    for time in ["20260301T000000Z", "20260315T000000Z"] {
        let folder = format!("in/config/{time}/111122223333/us-east-1");
        fs::write(
            home.path(&folder).join("ec2-describe-key-pairs.json"),
            &text,
        )
        .unwrap();
    }
}

#[test]
fn a_large_hostile_account_is_shown_small_and_runs_nothing() {
    let home = home_with("heist");
    many_facts(&home);
    home.must(0, &["watch", "--once", "in"]);
    let large = "A".repeat(1 << 20);
    let state = rusqlite::Connection::open(home.path("bartizan-store/state.sqlite")).unwrap();
    let kept: Vec<u8> = state
        .query_row("select value from kept where key = 'result'", [], |row| {
            row.get(0)
        })
        .unwrap();
    let mut kept: Value = serde_json::from_slice(&kept).unwrap();
    let facts: u64 = kept["snapshot"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["facts"].as_u64().unwrap())
        .sum();
    assert!(facts >= 100_000, "{facts} facts");
    spoil(&mut kept, &large);
    for finding in kept["findings"].as_array().unwrap() {
        state
            .execute(
                "insert or replace into finding values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                rusqlite::params![
                    finding["id"].as_str(),
                    finding["severity"].as_str(),
                    finding["stage"].as_str(),
                    finding["account"].as_str(),
                    finding["first_time"].as_str(),
                    finding["last_time"].as_str(),
                    finding.to_string(),
                ],
            )
            .unwrap();
    }
    let id = kept["incidents"][0]["id"].as_str().unwrap().to_owned();
    let finding = kept["findings"][0]["id"].as_str().unwrap().to_owned();
    state
        .execute(
            "update kept set value = ?1 where key = 'result'",
            [kept.to_string().into_bytes()],
        )
        .unwrap();
    drop(state);
    let served = Served::start(&home, &[]);
    let cookie = served.cookie();
    let pages = [
        ("now", "/".to_owned()),
        ("incident", format!("/incident/{id}")),
        ("search", "/search?q=document.title".to_owned()),
        ("search for a key", "/search?q=key-0000".to_owned()),
        ("account", "/account".to_owned()),
        ("health", "/health".to_owned()),
        ("finding", format!("/finding/{finding}")),
    ];
    for (name, address) in &pages {
        let before = served.used().0;
        let body = served.get(&cookie, address);
        let ms = (served.used().0 - before) * 10;
        println!("{name}: {} kB, {ms} ms of processor", body.len() / 1000);
        assert!(body.len() <= 300_000, "{name}: {} bytes", body.len());
        assert!(
            !body.contains("<script>document") && !body.contains("<img"),
            "{name}"
        );
        assert!(!body.contains(['\u{1b}', '\u{202e}', '\u{2066}']), "{name}");
    }
    for name in ["/now.json", "/search.json?q=document.title"] {
        let body = served.get(&cookie, name);
        assert!(!body.contains(['\u{1b}', '\u{202e}', '\u{2066}']), "{name}");
    }
    let addresses: serde_json::Map<String, Value> = pages
        .iter()
        .map(|(name, address)| ((*name).to_owned(), json!(address)))
        .collect();
    drop(served);
    let served = Served::start(&home, &[]);
    if let Some(scenario) = Scenario::start("hostile", &served, &json!({"pages": addresses})) {
        scenario.ends();
    }
}
