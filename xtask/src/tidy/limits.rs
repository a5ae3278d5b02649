//! Bounds of the product are in one file, `limits.rs`, so that a reader sees how hostile input is
//! bounded.
//!
//! A constant is a bound if its name says so (`…_MAX`, `MAX_…`, `…_MIN_BYTES`, `…_BYTES_MIN`).
//! Exceptions are fixed properties of external formats; `limits.txt` lists them with their reasons.

use super::lex::LexemeKind;
use super::tree::{Tree, Violation};

const EXCEPTIONS: &str = include_str!("limits.txt");

/// Bounds defined elsewhere, and exceptions that match nothing.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    against(tree, EXCEPTIONS)
}

fn against(tree: &Tree, exceptions: &str) -> Vec<Violation> {
    let rows = exceptions
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#'));
    let mut unused: Vec<(&str, bool)> = rows
        .map(|row| (row.split(':').next().unwrap_or(row), false))
        .collect();
    let mut found = Vec::new();
    for source in tree
        .product()
        .filter(|s| s.path.starts_with("crates/") && !s.path.ends_with("/limits.rs"))
    {
        for pair in source.code.windows(2) {
            let [word, name] = pair else { continue };
            if !(word.is("const") || word.is("static"))
                || name.kind != LexemeKind::Word
                || !is_bound(&name.text)
            {
                continue;
            }
            let excepted = unused.iter_mut().find(|(row, _)| *row == name.text);
            if let Some((_, used)) = excepted {
                *used = true;
                continue;
            }
            found.push(Violation {
                path: source.path.clone(),
                line: name.line,
                wrong: format!("the bound {} stands outside of limits.rs", name.text),
                cure: "move it there; what only shapes output is no bound and ends in _SHOWN"
                    .to_owned(),
            });
        }
    }
    for (row, _) in unused.iter().filter(|(_, used)| !used) {
        found.push(Violation {
            path: "xtask/src/tidy/limits.txt".to_owned(),
            line: 1 + exceptions
                .lines()
                .position(|l| l.starts_with(row))
                .unwrap_or_default(),
            wrong: format!("no bound is named {row}"),
            cure: "delete the exception".to_owned(),
        });
    }
    let tables: Vec<_> = tree
        .product()
        .filter(|s| s.path.ends_with("/limits.rs") && s.path.starts_with("crates/"))
        .collect();
    if let [first, second, ..] = tables.as_slice() {
        found.push(Violation {
            path: second.path.clone(),
            line: 1,
            wrong: format!("this is a second table of bounds beside {}", first.path),
            cure: "keep one".to_owned(),
        });
    }
    found
}

fn is_bound(name: &str) -> bool {
    let ends = ["_MAX", "_MIN_BYTES", "_BYTES_MIN"];
    name.starts_with("MAX_") || ends.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(files: &[(&str, &str)], exceptions: &str) -> Vec<String> {
        let files: Vec<_> = [("crates/a/Cargo.toml", "[package]\nname = \"a\"")]
            .iter()
            .chain(files)
            .copied()
            .collect();
        against(&Tree::of(&files), exceptions)
            .into_iter()
            .map(|v| format!("{}:{} {}", v.path, v.line, v.wrong))
            .collect()
    }

    #[test]
    fn a_bound_elsewhere() {
        let b = (
            "crates/a/src/b.rs",
            "use a::C_MAX;\nconst ROWS_MAX: usize = 1;\nconst ROWS_SHOWN: usize = 3;",
        );
        let table = ("crates/a/src/limits.rs", "pub const C_MAX: usize = 2;");
        assert_eq!(
            wrong(&[b, table], ""),
            ["crates/a/src/b.rs:2 the bound ROWS_MAX stands outside of limits.rs"]
        );
        assert!(wrong(&[b, table], "# why\nROWS_MAX: AWS takes no more").is_empty());
    }

    #[test]
    fn an_exception_for_nothing_and_a_second_table() {
        let tables = [
            ("crates/a/src/limits.rs", ""),
            ("crates/a/src/b/limits.rs", ""),
        ];
        assert_eq!(wrong(&tables, "\nD_MAX: gone").len(), 2);
    }
}
