//! Our own rules: each loads, holds on its fixtures, and says what people need to know.

use bartizan_core::detect::{Fixture, Kind, Rules, builtin_files};

pub(crate) fn fixture(name: &str) -> Fixture {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules").join(name).with_extension("json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn every_rule_holds_on_its_fixtures() {
    let files = builtin_files();
    assert!(files.len() >= 120, "{} rules", files.len());
    let mut failures = Vec::new();
    for file in &files {
        failures.extend(fixture(&file.name).check(file).into_iter().map(|f| format!("{}: {f}", file.name)));
    }
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_rule_says_what_people_need() {
    let rules = Rules::load(&builtin_files());
    assert_eq!(rules.problems, []);
    for rule in rules.rules.iter().filter(|r| !matches!(r.kind, Kind::Part)) {
        assert!(
            !rule.why.is_empty() && !rule.advice.is_empty() && !rule.false_positives.is_empty() && !rule.attack.is_empty(),
            "{}",
            rule.file
        );
        assert_eq!(rule.stage.to_string(), rule.file.split('/').next().unwrap(), "{}: the stage is the folder", rule.file);
    }
}
