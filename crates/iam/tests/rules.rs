//! `docs/iam-rules.md`: every rule of AWS names a test that exists.

use std::path::{Path, PathBuf};

/// Text of all Rust files below a folder.
fn sources(folder: &Path, text: &mut String) {
    for path in std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
    {
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|e| e == "rs") {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_rule_names_a_test_that_exists() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let root = root.ancestors().nth(2).unwrap();
    let mut tests = String::new();
    for folder in ["crates/iam/src", "crates/iam/tests", "crates/app/tests"] {
        sources(&root.join(folder), &mut tests);
    }
    let page = std::fs::read_to_string(root.join("docs/iam-rules.md")).unwrap();
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| rule"));
    let mut count = 0;
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, source, test] = cells[..] else {
            panic!("a row has a rule, a page and a test: {row}");
        };
        assert!(source.len() > 5, "{row}");
        let name = test.trim_matches('`');
        assert!(
            tests.contains(&format!("fn {name}(")),
            "no test {name}: {row}"
        );
        count += 1;
    }
    assert!(count >= 40, "{count} rules");
}
