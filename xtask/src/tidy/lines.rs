//! Lines have at most 100 columns.
//!
//! Two kinds of lines may be longer, because they cannot be broken: a single run of characters
//! without whitespace, except for indentation and comment slashes (a URL), and a line in which a
//! raw string takes more than 60 columns (a record, which a line break would change).
//! it).

use super::lex::{Lexeme, LexemeKind};
use super::tree::{SourceFile, Tree, Violation};

const COLUMNS_MAX: usize = 100;
const RAW_COLUMNS_MIN: usize = 60;

/// Lines of Rust that are too long.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in &tree.sources {
        for (at, line) in source.text.lines().enumerate() {
            let columns = line.chars().count();
            if columns <= COLUMNS_MAX || is_one_run(line) || in_raw_text(source, at + 1) {
                continue;
            }
            found.push(Violation {
                path: source.path.clone(),
                line: at + 1,
                wrong: format!("{columns} columns"),
                cure: if line.trim_start().starts_with("//") {
                    format!("break the comment at {COLUMNS_MAX}")
                } else {
                    "run cargo fmt; a string that it leaves alone is broken with `\\`".to_owned()
                },
            });
        }
    }
    found
}

fn is_one_run(line: &str) -> bool {
    let text = line.trim_start().trim_start_matches(['/', '!']).trim();
    !text.contains(char::is_whitespace)
}

/// Whether a raw string takes most of a line.
fn in_raw_text(source: &SourceFile, line: usize) -> bool {
    let here = |t: &&Lexeme| t.kind == LexemeKind::RawText && t.line <= line && line <= t.end;
    source.tokens.iter().filter(here).any(|t| {
        let part = t.text.lines().nth(line - t.line).unwrap_or_default();
        part.chars().count() > RAW_COLUMNS_MIN
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(source: &str) -> Vec<String> {
        let tree = Tree::of(&[("crates/a/tests/b.rs", source)]);
        check(&tree)
            .into_iter()
            .map(|v| format!("{} {}", v.line, v.wrong))
            .collect()
    }

    #[test]
    fn columns_are_characters() {
        assert!(wrong(&format!("// {}é\n", "é ".repeat(48))).is_empty());
        assert_eq!(
            wrong(&format!("\n// {}é é\n", "é ".repeat(48))),
            ["2 102 columns"]
        );
    }

    #[test]
    fn a_url_and_a_record_cannot_be_broken() {
        let long = "a".repeat(100);
        assert!(
            wrong(&format!(
                "    /// https://{long}\nconst A: &str = r#\"{{ {long}\n {long} }}\"#;"
            ))
            .is_empty()
        );
        assert_eq!(
            wrong(&format!(
                "/// see https://{long}\nconst A: &str = \"b {long}\";"
            ))
            .len(),
            2
        );
    }
}
