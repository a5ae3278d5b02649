//! `cargo xtask tidy`: checks that keep the source tree easy to read, on its text alone.
//!
//! It depends on the standard library only, so `rustc --edition 2024 --test xtask/src/tidy/mod.rs`
//! builds and tests it in a second.

mod cycles;
mod docs;
mod functions;
mod lex;
mod limits;
mod lines;
mod modules;
mod names;
mod paths;
mod references;
mod sentences;
mod tree;
mod words;

use std::path::Path;

type TidyCheck = fn(&tree::Tree) -> Vec<tree::Violation>;

/// Checks by name. Their files document them.
const CHECKS: &[(&str, TidyCheck)] = &[
    ("cycles", cycles::check),
    ("names", names::check),
    ("functions", functions::check),
    ("lines", lines::check),
    ("limits", limits::check),
    ("words", words::check),
    ("paths", paths::check),
    ("references", references::check),
    ("sentences", sentences::check),
    ("docs", docs::check),
];

/// Names of all checks.
pub(crate) fn names() -> Vec<&'static str> {
    CHECKS.iter().map(|(name, _)| *name).collect()
}

/// Runs the named checks, prints each violation and a count by check, and returns their number.
pub(crate) fn run(root: &Path, checks: &[&str]) -> Result<usize, String> {
    if let Some(name) = checks.iter().find(|name| !names().contains(name)) {
        return Err(format!("there is no check {name}: {}", names().join(", ")));
    }
    let tree =
        tree::Tree::read(root).map_err(|e| format!("cannot read {}: {e}", root.display()))?;
    let mut counts = Vec::new();
    for (name, check) in CHECKS.iter().filter(|(name, _)| checks.contains(name)) {
        let mut found = check(&tree);
        found.sort();
        for each in &found {
            println!("{}:{}: {}: {}", each.path, each.line, each.wrong, each.cure);
        }
        counts.push((*name, found.len()));
    }
    let sum = counts.iter().map(|(_, count)| count).sum();
    let counts: Vec<String> = counts
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    println!("tidy: {}", counts.join(", "));
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_check_is_no_clean_tree() {
        assert!(
            run(Path::new("."), &["cycle"])
                .unwrap_err()
                .contains("cycles, names")
        );
    }

    /// `TIDY_ROOT=. ./mod tidy_here --nocapture`, if built without cargo.
    #[test]
    fn tidy_here() {
        if let Some(root) = std::env::var_os("TIDY_ROOT") {
            run(Path::new(&root), &names()).unwrap();
        }
    }
}
