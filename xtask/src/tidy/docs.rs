//! Public items have a doc comment: functions, types, traits, constants and modules. Fields and
//! variants whose name says it all have none, so the compiler's `missing_docs` is off.

use super::lex::{Lexeme, LexemeKind};
use super::tree::{SourceFile, Tree, Violation};

/// Keywords of items.
const ITEMS: [&str; 9] = [
    "const", "enum", "fn", "mod", "static", "struct", "trait", "type", "union",
];

/// Keywords that may stand between `pub` and the keyword of the item.
const QUALIFIERS: [&str; 3] = ["async", "const", "unsafe"];

/// Public items without a doc comment.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in tree.product().filter(|s| s.path.starts_with("crates/")) {
        for at in 0..source.code.len() {
            let Some((keyword, name)) = public_item(&source.code, at) else {
                continue;
            };
            if is_documented(source, &source.code[at])
                || keyword == "mod" && has_inner_docs(tree, source, name)
            {
                continue;
            }
            found.push(Violation {
                path: source.path.clone(),
                line: source.code[at].line,
                wrong: format!("{keyword} {name} has no doc comment"),
                cure: "begin one with the thing itself, with an example where the form matters"
                    .to_owned(),
            });
        }
    }
    found
}

/// Keyword and name of the item that is `pub` here; none for `pub(crate)`, fields and `pub use`.
fn public_item(code: &[Lexeme], at: usize) -> Option<(&str, &str)> {
    if !code[at].is("pub") {
        return None;
    }
    let mut next = at + 1;
    while QUALIFIERS
        .iter()
        .any(|q| code.get(next).is_some_and(|t| t.is(q)))
        && code
            .get(next + 1)
            .is_some_and(|t| ITEMS.contains(&t.text.as_str()) || t.is("unsafe"))
    {
        next += 1;
    }
    let (keyword, name) = (code.get(next)?, code.get(next + 1)?);
    let is_item = ITEMS.iter().any(|item| keyword.is(item)) && name.kind == LexemeKind::Word;
    is_item.then_some((keyword.text.as_str(), name.text.as_str()))
}

/// Whether a doc comment stands above an item and its attributes, or between them.
fn is_documented(source: &SourceFile, item: &Lexeme) -> bool {
    let here = |t: &Lexeme| t.line == item.line && t.is("pub");
    let Some(at) = source.tokens.iter().position(here) else {
        return false;
    };
    let mut first = at;
    while first > 0 && source.tokens[first - 1].is("]") {
        let mut depth = 0_usize;
        let open = source.tokens[..first].iter().rposition(|t| {
            depth += usize::from(t.is("]"));
            depth -= usize::from(t.is("["));
            depth == 0
        });
        match open {
            Some(open) if open > 0 && source.tokens[open - 1].is("#") => first = open - 1,
            _ => break,
        }
    }
    let from = source.tokens[first].line;
    source.comments.iter().any(|comment| {
        comment.kind == LexemeKind::Doc
            && comment.end + 1 >= from
            && comment.line <= item.line
            && !comment.text.starts_with("//!")
    })
}

/// Whether the file of a module begins with `//!`.
fn has_inner_docs(tree: &Tree, parent: &SourceFile, name: &str) -> bool {
    let folder = match parent.path.rsplit_once('/') {
        Some((folder, "lib.rs" | "main.rs" | "mod.rs")) => folder.to_owned(),
        _ => parent.path.trim_end_matches(".rs").to_owned(),
    };
    let files = [
        format!("{folder}/{name}.rs"),
        format!("{folder}/{name}/mod.rs"),
    ];
    tree.sources
        .iter()
        .any(|s| files.contains(&s.path) && s.text.starts_with("//!"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(files: &[(&str, &str)]) -> Vec<String> {
        let manifest = [("crates/a/Cargo.toml", "[package]\nname = \"a\"")];
        let files: Vec<_> = manifest.iter().chain(files).copied().collect();
        check(&Tree::of(&files))
            .into_iter()
            .map(|v| v.wrong)
            .collect()
    }

    #[test]
    fn items_and_not_fields() {
        let source = "/// Row.\n#[derive(Debug)]\n#[serde(rename = \"[x]\")]\npub struct Row {\n    \
            pub id: u8,\n}\npub enum Kind { A }\nimpl Row {\n    pub const fn new() {}\n    \
            pub(crate) fn own() {}\n}\npub use other::Thing;\n";
        let found = wrong(&[("crates/a/src/b.rs", source)]);
        let expected = ["enum Kind has no doc comment", "fn new has no doc comment"];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_module_is_documented_in_its_file() {
        let root = ("crates/a/src/lib.rs", "//! A.\npub mod b;\npub mod c;\n");
        let found = wrong(&[
            root,
            ("crates/a/src/b.rs", "//! B.\n"),
            ("crates/a/src/c.rs", ""),
        ]);
        assert_eq!(found, ["mod c has no doc comment"]);
    }
}
