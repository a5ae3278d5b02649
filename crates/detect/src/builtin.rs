//! Our own rules, built into the program: every YAML file under `rules/`.

use super::load::RuleFile;

include!(concat!(env!("OUT_DIR"), "/builtin_rules.rs"));

/// Our own rules, sorted by name.
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

/// The fixture of one of our own rules, as JSON.
pub fn builtin_fixture(name: &str) -> Option<&'static str> {
    RULES
        .iter()
        .find(|(rule, ..)| *rule == name)
        .map(|(.., fixture)| *fixture)
}
