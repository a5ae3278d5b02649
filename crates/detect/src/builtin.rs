//! Rules shipped with Bartizan: all YAML files under `rules/`, compiled into the program.

use super::load::RuleFile;

include!(concat!(env!("OUT_DIR"), "/builtin_rules.rs"));

/// Built-in rule files, sorted by name.
pub fn builtin_files() -> Vec<RuleFile> {
    RULES
        .iter()
        .map(|(name, text, _)| RuleFile {
            name: (*name).to_owned(),
            text: (*text).to_owned(),
            builtin: true,
        })
        .collect()
}

/// Fixture of a built-in rule file, as JSON.
pub fn builtin_fixture(name: &str) -> Option<&'static str> {
    RULES
        .iter()
        .find(|(rule, ..)| *rule == name)
        .map(|(.., fixture)| *fixture)
}
