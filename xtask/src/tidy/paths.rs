//! Paths that documents and doc comments name exist.
//!
//! Read is what stands in backticks, and links of Markdown. Something is a path of ours if it
//! begins with a top folder of the checkout (`crates/…`) or ends in `.rs`. It is found from the
//! top, as the end of a path (`tidy/paths.rs`), or from the document that names it. `{a,b}` are
//! two paths; `*`, `…` and words in capital letters (`NAME.toml`) stand for anything.

use std::collections::BTreeSet;

use super::lex::LexemeKind;
use super::tree::{Tree, Violation};

/// Folders of which a document means the checkout's, and not one of the reader's.
const TOPS: &[&str] = &[
    "crates", "data", "xtask", "docs", "fuzz", "rules", "examples", "deploy",
];
/// Documents about the past.
const HISTORY: &str = "CHANGELOG.md";

/// Paths that lead nowhere.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut judge = |path: &str, line: usize, named: &str| {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for each in alternatives(named) {
            if !exists(&each, folder, &tree.paths) {
                found.push(Violation {
                    path: path.to_owned(),
                    line,
                    wrong: format!("there is no {each}"),
                    cure: "write where it is now, or leave it out".to_owned(),
                });
            }
        }
    };
    for (path, text) in tree
        .docs
        .iter()
        .filter(|(path, _)| path != HISTORY && !path.starts_with("examples/"))
    {
        for (at, line) in text.lines().enumerate() {
            for named in quoted(line).chain(linked(line)) {
                judge(path, at + 1, named);
            }
        }
    }
    for source in &tree.sources {
        for comment in source.comments.iter().filter(|c| c.kind == LexemeKind::Doc) {
            for (at, line) in comment.text.lines().enumerate() {
                for named in quoted(line) {
                    judge(&source.path, comment.line + at, named);
                }
            }
        }
    }
    found
}

/// Paths between backticks in a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`')
        .skip(1)
        .step_by(2)
        .flat_map(str::split_whitespace)
        .filter_map(|text| {
            let text = text.trim_end_matches([',', '.', ';', ':']);
            let text = text
                .split(['#', ':'])
                .next()
                .unwrap_or(text)
                .trim_end_matches('/');
            let top = text
                .split_once('/')
                .is_some_and(|(top, rest)| TOPS.contains(&top) && !rest.is_empty());
            (top || text.ends_with(".rs") && text.len() > 3).then_some(text)
        })
}

/// Targets of links in a line, but for addresses.
fn linked(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| {
        let target = rest.split(')').next()?.split('#').next()?;
        (!target.is_empty() && !target.contains("://")).then_some(target)
    })
}

/// Every path that one with braces names.
fn alternatives(named: &str) -> Vec<String> {
    let braces = named
        .find('{')
        .and_then(|open| Some((open, open + named[open..].find('}')?)));
    let Some((open, close)) = braces else {
        return vec![named.to_owned()];
    };
    let names = named[open + 1..close].split(',');
    names
        .flat_map(|name| {
            alternatives(&format!(
                "{}{}{}",
                &named[..open],
                name.trim(),
                &named[close + 1..]
            ))
        })
        .collect()
}

fn exists(named: &str, folder: &str, paths: &BTreeSet<String>) -> bool {
    let named = named.trim_end_matches('/');
    let mut from: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in named.split('/') {
        match part {
            ".." => drop(from.pop()),
            "." => {}
            part => from.push(part),
        }
    }
    let beside = from.join("/");
    paths.iter().any(|path| {
        let end = path
            .len()
            .checked_sub(named.len())
            .filter(|at| *at == 0 || path[..*at].ends_with('/'));
        *path == beside || end.is_some_and(|at| path[at..] == *named) || matches(named, path)
    })
}

/// Whether a path fits one with placeholders, segment by segment from the top.
fn matches(named: &str, path: &str) -> bool {
    let any = |part: &str| {
        part.split('.')
            .any(|word| word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase()))
    };
    if !named.contains(['*', '…', '<']) && !named.split('/').any(any) {
        return false;
    }
    let (names, parts): (Vec<&str>, Vec<&str>) =
        (named.split('/').collect(), path.split('/').collect());
    let fits = |(name, part): (&&str, &&str)| {
        let cut = name
            .find(['*', '…', '<'])
            .or_else(|| any(name).then_some(0));
        cut.map_or(name == part, |cut| part.starts_with(&name[..cut]))
    };
    names.contains(&"**")
        || names.contains(&"…")
        || names.len() == parts.len() && names.iter().zip(&parts).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(path: &str, text: &str) -> Vec<String> {
        let files = [
            (path, text),
            ("crates/a/src/b/c.rs", ""),
            ("crates/a/src/b/d.rs", ""),
            ("docs/e.md", ""),
        ];
        check(&Tree::of(&files))
            .into_iter()
            .map(|v| format!("{} {}", v.line, v.wrong))
            .collect()
    }

    #[test]
    fn paths_in_documents() {
        let text = "`crates/a/src/b/{c,gone}.rs`, `b/d.rs`, `c.rs`\n\
                    `lost.rs` `crates/NAME/src` `docs/*.md` [e](docs/e.md#x) [f](docs/f.md)";
        assert_eq!(
            wrong("README.md", text),
            [
                "1 there is no crates/a/src/b/gone.rs",
                "2 there is no lost.rs",
                "2 there is no docs/f.md"
            ]
        );
    }

    #[test]
    fn paths_in_doc_comments() {
        let text = "/// See `docs/gone.md`, `s3/gone` and `gone`.\n// `docs/gone.md`\nfn f() {}";
        assert_eq!(
            wrong("crates/a/src/lib.rs", text),
            ["1 there is no docs/gone.md"]
        );
    }
}
