//! The policies that AWS itself writes: every one of them must be understood.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::PathBuf;

use bartizan_iam::{Actions, Block, Compiler, PolicyGrammar, parse};
use serde_json::Value;

/// Test data that is not part of the product; none when it is absent.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("BARTIZAN_SHARED")
        .map_or_else(|| PathBuf::from("../../../shared"), PathBuf::from);
    let path = root.join("data").join(path);
    if !path.exists() {
        eprintln!("skipped: {} is absent", path.display());
        return None;
    }
    Some(path)
}

pub(crate) fn managed() -> Option<Vec<(String, String)>> {
    let mut text = String::new();
    let file = std::fs::File::open(shared("iam/aws-managed-policies.json.gz")?).unwrap();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .unwrap();
    let policies: Vec<Value> = serde_json::from_str(&text).unwrap();
    Some(
        policies
            .iter()
            .map(|p| {
                (
                    p["PolicyName"].as_str().unwrap().to_owned(),
                    p["Document"].to_string(),
                )
            })
            .collect(),
    )
}

#[test]
fn every_managed_policy_is_understood() {
    let Some(policies) = managed() else { return };
    assert_eq!(policies.len(), 1643);
    let actions = Actions::builtin();
    let mut compiler = Compiler::new(actions);
    let (mut patterns, mut empty) = (0, BTreeSet::new());
    for (name, text) in &policies {
        let policy = parse(text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(
            compiler
                .compile(&policy, PolicyGrammar::Identity)
                .not_understood,
            0,
            "{name}"
        );
        for statement in &policy.statements {
            let (Some(Block::Is(list)) | Some(Block::Not(list))) = &statement.action else {
                panic!("{name}")
            };
            patterns += list.len();
            empty.extend(
                list.iter()
                    .filter(|a| actions.matching(a).is_empty())
                    .cloned(),
            );
        }
    }
    // Actions that AWS's policies name and its reference no longer does: they are in the bits of
    // what is unknown.
    println!(
        "{patterns} patterns, {} of them name nothing that AWS documents",
        empty.len()
    );
    assert!(empty.len() * 50 < patterns, "{empty:?}");
}
