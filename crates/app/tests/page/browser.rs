//! The page in Chromium: looked at, used by mouse and by keyboard, without script, live.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{Served, node_modules, script};
use crate::common::{Home, root};
use crate::report::chromium;
use crate::watch::{copy, home_with};

/// A script that drives the browser.
pub(super) struct Scenario(Child);

impl Scenario {
    /// Starts it; none where browser or packages are absent.
    pub(super) fn start(name: &str, served: &Served, more: &Value) -> Option<Self> {
        let (chromium, modules) = (chromium()?, node_modules()?);
        let shots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
        fs::create_dir_all(&shots).unwrap();
        let mut settings = json!({
            "chromium": chromium, "shots": shots, "url": served.url, "origin": served.origin,
        });
        for (key, value) in more.as_object().unwrap() {
            settings[key] = value.clone();
        }
        let child = Command::new("node")
            .arg(script("browser.js"))
            .args([name, &settings.to_string()])
            .env("BARTIZAN_NODE", modules)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        Some(Self(child))
    }

    /// Lines that it says, until it says one that begins so.
    pub(super) fn until(&mut self, begin: &str) -> String {
        let mut lines = BufReader::new(self.0.stdout.as_mut().unwrap());
        loop {
            let mut line = String::new();
            assert!(
                lines.read_line(&mut line).unwrap() > 0,
                "the browser ended before {begin:?}"
            );
            if line.starts_with(begin) {
                return line.trim().to_owned();
            }
        }
    }

    /// It ends well.
    pub(super) fn ends(mut self) {
        assert!(self.0.wait().unwrap().success());
    }
}

fn watched() -> Home {
    let home = home_with("heist");
    home.must(0, &["watch", "--once", "in"]);
    home
}

fn incident(home: &Home) -> Value {
    home.json(&["watch", "--once", "in"])["incidents"][0].clone()
}

fn pages(home: &Home) -> Value {
    let incident = incident(home);
    let id = incident["id"].as_str().unwrap();
    let finding = incident["findings"][0].as_str().unwrap();
    let event = incident["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .find_map(|m| m["event"].as_str())
        .unwrap();
    json!({
        "now": "/", "incident": format!("/incident/{id}"), "search": "/search?q=backup",
        "account": "/account", "compare": "/compare?before=0&after=1", "health": "/health",
        "finding": format!("/finding/{finding}"), "event": format!("/event/{event}"),
        "rule": "/rule?id=changed",
    })
}

fn run(name: &str) {
    let home = watched();
    let more = json!({"pages": pages(&home), "key": "AKIAIHEISTCIDEPLOY77"});
    let served = Served::start(&home, &["--trail", "in/trail"]);
    if let Some(scenario) = Scenario::start(name, &served, &more) {
        scenario.ends();
    }
}

#[test]
fn every_page_has_no_fault_in_any_shape() {
    run("pages");
}

#[test]
fn a_responder_acknowledges_assigns_notes_and_silences() {
    run("act");
}

#[test]
fn what_is_searched_is_found_and_snapshots_compare() {
    run("look");
}

#[test]
fn a_keyboard_is_enough() {
    run("keyboard");
}

#[test]
fn script_is_not_needed() {
    run("plain");
}

/// An incident appears on a page that is open while another process watches.
#[test]
fn an_incident_appears_on_an_open_page() {
    let home = Home::new();
    let later = |name: &str| name.contains("20260315T") || name.contains("/2026/03/11/");
    let heist = root().join("examples/heist");
    copy(&heist, &home.path("in"), &mut |name| match later(name) {
        true => Vec::new(),
        false => vec![name.to_owned()],
    });
    home.must(0, &["watch", "--once", "in"]);
    let served = Served::start(&home, &[]);
    let Some(mut scenario) = Scenario::start("live", &served, &json!({})) else {
        return;
    };
    scenario.until("ready");
    copy(&heist, &home.path("in"), &mut |name| match later(name) {
        true => vec![name.to_owned()],
        false => Vec::new(),
    });
    home.must(0, &["watch", "--once", "in"]);
    let written = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis();
    let seen = scenario.until("seen");
    let seen: u128 = seen.rsplit(' ').next().unwrap().parse().unwrap();
    println!(
        "on the open page {} ms after watch ended",
        seen.saturating_sub(written)
    );
    assert!(seen.saturating_sub(written) <= 3000);
    scenario.ends();
}

/// The report, the page, the terminal and the JSON of one incident say the same.
#[test]
fn report_page_terminal_and_json_agree() {
    let home = watched();
    let terminal = home.must(0, &["watch", "--once", "in"]);
    let told = incident(&home);
    home.must(0, &["report", "-o", "report.html"]);
    let report = fs::read_to_string(home.path("report.html")).unwrap();
    let served = Served::start(&home, &[]);
    let cookie = served.cookie();
    let id = told["id"].as_str().unwrap();
    let page = served.get(&cookie, &format!("/incident/{id}"));
    let beside = served.json(&cookie, &format!("/incident/{id}.json"));
    let now = served.json(&cookie, "/now.json");
    assert_eq!(beside["incident"], told);
    let row = &now["incidents"][0];
    for field in [
        "id",
        "headline",
        "severity",
        "score",
        "first_time",
        "last_time",
        "stages",
    ] {
        assert_eq!(row[field], told[field], "{field}");
    }
    let flat = |text: &str| {
        let text = text.replace("&amp;", "&").replace("&quot;", "\"");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let (report, page, terminal) = (flat(&report), flat(&page), flat(&terminal));
    let minute = |t: &Value| t.as_str().unwrap()[..16].replace('T', " ");
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let mut same = vec![
        text(&told["headline"]),
        text(&told["severity"]),
        minute(&told["first_time"]),
        text(&told["actor"][0]["addresses"][0]),
    ];
    same.extend(
        told["standing"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| text(&s["what"])),
    );
    for words in &same {
        assert!(report.contains(words) && page.contains(words), "{words}");
    }
    // The terminal wraps its lines and folds what stands; its first line is that of all.
    let answer = flat(now["answer"].as_str().unwrap());
    for place in [&report, &flat(&served.get(&cookie, "/")), &terminal] {
        assert!(place.contains(&answer), "{answer}");
    }
    for words in [&same[1], &same[3]] {
        assert!(terminal.contains(words.as_str()), "{words}");
    }
    for advice in told["todo"].as_array().unwrap() {
        let why = text(&advice["why"]);
        assert!(report.contains(&why) && page.contains(&why), "{why}");
    }
    // What is on the terminal's story is on the page's.
    let moments = page.matches("class=\"mark ").count();
    assert_eq!(
        report.matches("class=\"mark ").count() >= moments,
        moments > 5
    );
}
