//! Live on moto: every bad resource fails its check, and no good one and no near miss does.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::common::{Home, free_port, root, venv};

/// Checks that are unknown for what is good, as moto has no answer to
/// `iam:ListServiceSpecificCredentials`.
const UNKNOWN_ON_MOTO: [&str; 1] = ["CRED-06"];

/// A moto server with resources in it, ended with the test.
struct TruthServer(Child);

impl Drop for TruthServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Check, `bad`, `good` or `near`, and resource.
type TruthRow = (String, String, String);

fn truth(venv: &std::path::Path, port: u16) -> (TruthServer, Vec<TruthRow>) {
    let mut child = Command::new(venv.join("bin/python"))
        .arg(root().join("crates/app/tests/live/posture_truth.py"))
        .arg(port.to_string())
        .env("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let lines: Vec<String> = lines
        .map(Result::unwrap)
        .take_while(|line| line != "ready")
        .collect();
    let row = |line: &String| {
        let fields: Vec<&str> = line.split('\t').collect();
        (
            fields[0].to_owned(),
            fields[1].to_owned(),
            fields[2].to_owned(),
        )
    };
    (TruthServer(child), lines.iter().map(row).collect())
}

#[test]
fn every_bad_resource_fails_and_no_good_one_does() {
    let Some(venv) = venv("BARTIZAN_VENV") else {
        return;
    };
    let port = free_port();
    let (_server, rows) = truth(&venv, port);
    let home = Home::with_aws(&format!("http://127.0.0.1:{port}"));
    home.must(0, &["snapshot", "--regions", "us-east-1"]);
    let told = home.must(
        0,
        &["check", "--friendly", "444455556666", "--format", "ndjson"],
    );
    let mut verdicts: BTreeMap<(String, String), (String, String)> = BTreeMap::new();
    for line in told.lines() {
        let result: Value = serde_json::from_str(line).unwrap();
        let text = |field: &str| result[field].as_str().unwrap().to_owned();
        let key = (text("check"), text("resource"));
        verdicts.insert(key, (text("verdict"), result["because"].to_string()));
    }
    let mut wrong = Vec::new();
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut unknown: BTreeSet<&str> = BTreeSet::new();
    for (check, sort, resource) in &rows {
        *counts.entry((check, sort)).or_default() += 1;
        let said = verdicts.get(&(check.clone(), resource.clone()));
        match (sort.as_str(), said.map(|(verdict, _)| verdict.as_str())) {
            ("bad", Some("fail")) | ("good" | "near", Some("pass")) => {}
            ("good" | "near", Some("unknown")) => {
                unknown.insert(check);
            }
            // A bucket that is neither public nor a trail's own is not judged by LOG-05.
            ("near", None) if check == "LOG-05" => {}
            _ => wrong.push(format!("{check} {sort} {resource}: {said:?}")),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(unknown, UNKNOWN_ON_MOTO.into());
    let checks: BTreeSet<&str> = counts.keys().map(|(check, _)| *check).collect();
    assert!(checks.len() >= 35, "{checks:?}");
    for check in &checks {
        for sort in ["bad", "good", "near"] {
            assert!(counts[&(*check, sort)] >= 5, "{check} {sort}");
        }
    }
    println!(
        "{} checks, {} resources as they should be",
        checks.len(),
        rows.len()
    );
}
