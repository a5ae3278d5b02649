//! Logic does not read text that was made for people.
//!
//! English is a string literal in which a letter stands beside a blank. Logic reads it where it
//! searches, splits, compares or matches a text by it: `why.starts_with("not read")`,
//! `name == "user bob"`, `"not in the dump" => …`. Exceptions are formats of others;
//! `sentences.txt` lists them with their reasons. Fields that hold words (`because`, `summary`) are
//! not searched or compared at all.

use super::lex::{Lexeme, LexemeKind};
use super::tree::{SourceFile, Tree, Violation};

const EXCEPTIONS: &str = include_str!("sentences.txt");

/// Methods that read a text by another.
const READS: [&str; 18] = [
    "contains",
    "ends_with",
    "eq_ignore_ascii_case",
    "find",
    "match_indices",
    "matches",
    "rfind",
    "rsplit",
    "rsplit_once",
    "split",
    "split_once",
    "splitn",
    "starts_with",
    "strip_prefix",
    "strip_suffix",
    "trim_end_matches",
    "trim_matches",
    "trim_start_matches",
];

/// Fields that hold words for people wherever they occur.
const WORDS: [&str; 6] = ["because", "detail", "headline", "summary", "title", "why"];

/// Places in the product where logic reads English.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    against(tree, EXCEPTIONS)
}

fn against(tree: &Tree, exceptions: &str) -> Vec<Violation> {
    let rows = exceptions
        .lines()
        .filter_map(|l| l.rsplit_once(": ").filter(|_| !l.starts_with('#')));
    let mut rows: Vec<(&str, bool)> = rows.map(|(row, _)| (row, false)).collect();
    let mut found = Vec::new();
    for source in tree.product().filter(|s| s.path.starts_with("crates/")) {
        for at in 0..source.code.len() {
            let here = &source.code[at];
            let (row, wrong) = if is_english(here) && is_read(source, at) {
                let wrong = format!("logic reads the English {}", here.text);
                (here.text.clone(), wrong)
            } else if WORDS.iter().any(|field| here.is(field)) && is_searched(source, at) {
                let wrong = format!("logic reads the words of the field {}", here.text);
                (format!("{} .{}", source.path, here.text), wrong)
            } else {
                continue;
            };
            if let Some((_, used)) = rows.iter_mut().find(|(known, _)| *known == row) {
                *used = true;
                continue;
            }
            found.push(Violation {
                path: source.path.clone(),
                line: here.line,
                wrong,
                cure: "carry an enum or a struct beside the words, and read that".to_owned(),
            });
        }
    }
    for (row, _) in rows.iter().filter(|(_, used)| !used) {
        found.push(Violation {
            path: "xtask/src/tidy/sentences.txt".to_owned(),
            line: 1 + exceptions
                .lines()
                .position(|l| l.starts_with(row))
                .unwrap_or_default(),
            wrong: format!("no logic reads {row}"),
            cure: "delete the exception".to_owned(),
        });
    }
    found
}

/// A literal in which a letter stands beside a blank. Headers of our own files, `# account`, are
/// no English.
fn is_english(token: &Lexeme) -> bool {
    let text = token.text.trim_matches('"');
    let bytes = text.as_bytes();
    token.kind == LexemeKind::Text
        && !text.starts_with('#')
        && bytes.windows(2).any(|pair| {
            pair[0] == b' ' && pair[1].is_ascii_alphabetic()
                || pair[0].is_ascii_alphabetic() && pair[1] == b' '
        })
}

fn is(source: &SourceFile, at: Option<usize>, mark: &str) -> bool {
    at.and_then(|at| source.code.get(at))
        .is_some_and(|token| token.is(mark))
}

/// Whether two marks stand from `at` on: `==` and `!=` are two.
fn is_compared(source: &SourceFile, at: Option<usize>) -> bool {
    let second = at.map(|at| at + 1);
    (is(source, at, "=") || is(source, at, "!")) && is(source, second, "=")
}

/// Whether the literal is the argument of a method that reads, compared, or a pattern of a match.
fn is_read(source: &SourceFile, at: usize) -> bool {
    let before = |n: usize| at.checked_sub(n);
    let argument = is(source, before(1), "(")
        && is(source, before(3), ".")
        && READS.iter().any(|name| is(source, before(2), name));
    argument
        || is_compared(source, before(2))
        || is_compared(source, Some(at + 1))
        || is(source, Some(at + 1), "=>")
}

/// Whether a field of words is searched or compared, directly or as `&str`.
fn is_searched(source: &SourceFile, at: usize) -> bool {
    if !is(source, at.checked_sub(1), ".") {
        return false;
    }
    let mut next = at + 1;
    for view in ["as_str", "as_deref", "as_ref"] {
        if is(source, Some(next), ".") && is(source, Some(next + 1), view) {
            next += 4;
        }
    }
    let literal = source
        .code
        .get(next + 2)
        .is_some_and(|t| t.kind == LexemeKind::Text);
    let searched = is(source, Some(next), ".")
        && is(source, Some(next + 2), "(")
        && READS.iter().any(|name| is(source, Some(next + 1), name));
    searched || is_compared(source, Some(next)) && literal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(source: &str, exceptions: &str) -> Vec<String> {
        let manifest = ("crates/a/Cargo.toml", "[package]\nname = \"a\"");
        against(
            &Tree::of(&[manifest, ("crates/a/src/b.rs", source)]),
            exceptions,
        )
        .into_iter()
        .map(|v| v.wrong)
        .collect()
    }

    #[test]
    fn english_that_decides() {
        for source in [
            "fn a(t: &str) -> bool { t.contains(\" is now open to \") }",
            "fn a(t: &str) -> bool { t == \"not asked\" }",
            "fn a(t: &str) -> bool { \"not asked\" != t }",
            "fn a(t: &str) -> u8 { match t { \"not asked\" => 1, _ => 2 } }",
            "fn a(t: &str) -> Option<&str> { t.strip_prefix(\"user \") }",
            "fn a(f: &Finding) -> bool { f.summary.contains(name) }",
            "fn a(f: &Finding) -> bool { f.why.as_str() == \"denied\" }",
        ] {
            assert_eq!(wrong(source, "").len(), 1, "{source}");
        }
    }

    #[test]
    fn words_that_are_made_and_formats() {
        let column = "fn a(c: &Coverage) -> bool { c.detail.contains(' ') }";
        assert!(wrong(column, "crates/a/src/b.rs .detail: a column").is_empty());
        for source in [
            "fn a(t: u8) -> &'static str { match t { 1 => \"not asked\", _ => \"none of it\" } }",
            "fn a(t: &str) -> bool { t.contains(\"iam:user\") || t == \" \" }",
            "fn a(t: &str) -> Option<&str> { t.strip_prefix(\"# account\\t\") }",
            "fn a(f: &Finding) -> bool { f.summary == other.summary }",
            "#[cfg(test)]\nmod tests { fn a(t: &str) -> bool { t == \"not asked\" } }",
        ] {
            assert_eq!(wrong(source, ""), Vec::<String>::new(), "{source}");
        }
        let read = "fn a(t: &str) -> bool { t.starts_with(\"profile \") }";
        assert!(wrong(read, "\"profile \": of AWS").is_empty());
        assert_eq!(wrong("", "\"profile \": of AWS").len(), 1);
    }
}
