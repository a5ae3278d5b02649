//! A policy compared with itself: nothing is gained and nothing is lost, whatever is written in it.

use std::path::Path;

use bartizan_iam::{Actions, Policy, PolicyGrammar, difference, parse};
use serde_json::Value;

use crate::differential::policy;
use crate::managed::{managed, shared};
use crate::random::Random;

fn assert_same(name: &str, policy: &Policy, side: PolicyGrammar) {
    let found = difference(policy, policy, side, Actions::builtin());
    assert!(
        found.gained.is_empty() && found.lost.is_empty(),
        "{name}\n{policy:#?}\n{found:#?}"
    );
}

/// The side of a policy by what is in it.
fn side(policy: &Policy) -> PolicyGrammar {
    if policy.statements.iter().any(|s| s.principal.is_some()) {
        PolicyGrammar::Resource
    } else {
        PolicyGrammar::Identity
    }
}

fn random(cases: usize, seed: u64) {
    let mut random = Random(seed | 1);
    for n in 0..cases {
        let principals = random.below(2) == 0;
        let policy = policy(&mut random, principals);
        for side in if principals {
            [PolicyGrammar::Resource, PolicyGrammar::Rcp]
        } else {
            [PolicyGrammar::Identity, PolicyGrammar::Scp]
        } {
            assert_same(&format!("seed {seed}, policy {n}"), &policy, side);
        }
    }
}

#[test]
fn random_policies_are_themselves() {
    random(300, 11);
}

/// `cargo xtask fuzz-iam [CASES]`.
#[test]
#[ignore = "a hundred thousand policies"]
fn hundred_thousand() {
    let cases = std::env::var("BARTIZAN_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(100_000usize);
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    std::thread::scope(|scope| {
        (0..threads)
            .for_each(|n| drop(scope.spawn(move || random(cases / threads + 1, 5000 + n as u64))))
    });
    println!("{cases} policies, each the same as itself");
}

#[test]
fn policies_of_aws_are_themselves() {
    let Some(policies) = managed() else { return };
    // Every eighth here; all of them with BARTIZAN_CASES set.
    let step = if std::env::var_os("BARTIZAN_CASES").is_some() {
        1
    } else {
        8
    };
    let mut compared = 0;
    for (name, text) in policies.iter().step_by(step) {
        assert_same(name, &parse(text).unwrap(), PolicyGrammar::Identity);
        compared += 1;
    }
    println!("{compared} policies of AWS, each the same as itself");
}

/// Everything in a JSON text that reads as a policy: objects with statements, and texts that hold
/// such an object.
fn policies_in(value: &Value, found: &mut Vec<Policy>) {
    match value {
        Value::Object(map) => {
            if map.contains_key("Statement") {
                found.extend(parse(&value.to_string()));
            }
            map.values().for_each(|v| policies_in(v, found));
        }
        Value::Array(list) => list.iter().for_each(|v| policies_in(v, found)),
        Value::String(text) if text.trim_start().starts_with('{') => {
            if let Ok(inner) = serde_json::from_str::<Value>(text) {
                policies_in(&inner, found);
            }
        }
        _ => {}
    }
}

fn files_in(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files_in(&path, found)
        } else {
            found.push(path)
        }
    }
}

#[test]
fn policies_in_shared_data_are_themselves() {
    let mut files = Vec::new();
    for folder in ["faults", "config", "iam"] {
        let Some(folder) = shared(folder) else {
            continue;
        };
        files_in(&folder, &mut files);
    }
    let mut policies: Vec<(String, Policy)> = Vec::new();
    for file in files.iter().filter(|f| {
        !f.to_string_lossy()
            .ends_with("aws-managed-policies.json.gz")
    }) {
        let Ok(text) = std::fs::read_to_string(file) else {
            continue;
        };
        let mut found = Vec::new();
        match serde_json::from_str::<Value>(&text) {
            Ok(value) => policies_in(&value, &mut found),
            Err(_) => text
                .lines()
                .filter_map(|l| serde_json::from_str(l).ok())
                .for_each(|v: Value| policies_in(&v, &mut found)),
        }
        for policy in found {
            if !policies.iter().any(|(_, known)| *known == policy) {
                policies.push((file.display().to_string(), policy));
            }
        }
    }
    for (name, policy) in &policies {
        assert_same(name, policy, side(policy));
    }
    println!(
        "{} files, {} different policies, each the same as itself",
        files.len(),
        policies.len()
    );
    assert!(
        files.is_empty() || policies.len() > 50,
        "{}",
        policies.len()
    );
}
