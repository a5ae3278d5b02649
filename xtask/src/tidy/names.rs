//! Type names are unique in the workspace, and types are imported by their own names.

use std::collections::BTreeMap;

use super::lex::{Lexeme, LexemeKind};
use super::modules::{Import, import_tree};
use super::tree::{SourceFile, Tree, Violation, close};

/// Type names defined twice, and imports that rename our types.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    let mut found = Vec::new();
    for source in tree.product() {
        for name in definitions(&source.code) {
            let here = format!("{}:{}", source.path, name.line);
            match first.get(&name.text) {
                Some(there) => found.push(Violation {
                    path: source.path.clone(),
                    line: name.line,
                    wrong: format!("the type name {} is taken by {there}", name.text),
                    cure: "give one of them a name that says what sets it apart".to_owned(),
                }),
                None => drop(first.insert(name.text.clone(), here)),
            }
        }
    }
    let ours: Vec<String> = tree
        .crates
        .iter()
        .map(|c| c.name.replace('-', "_"))
        .collect();
    for source in tree.product() {
        for Import { path, alias, line } in imports(source) {
            let (root, name) = (path[0].as_str(), path[path.len() - 1].as_str());
            let own = ["crate", "super", "self"].contains(&root) || ours.iter().any(|c| c == root);
            let renamed = alias != name && alias != "_" && alias != "*";
            if !renamed || !is_type(name) || !is_type(&alias) {
                continue;
            }
            if (own && first.contains_key(name)) || first.contains_key(&alias) {
                found.push(Violation {
                    path: source.path.clone(),
                    line,
                    wrong: format!("{name} is imported as {alias}"),
                    cure: "rename the type where it is defined, or write its module before it"
                        .to_owned(),
                });
            }
        }
    }
    found
}

fn is_type(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.contains(|c: char| c.is_ascii_lowercase())
}

fn imports(source: &SourceFile) -> Vec<Import> {
    let mut found = Vec::new();
    for (at, token) in source.code.iter().enumerate() {
        if token.is("use") && source.code.get(at + 1).is_some_and(|t| !t.is("<")) {
            let end = source.code[at..]
                .iter()
                .position(|t| t.is(";"))
                .map_or(source.code.len(), |e| at + e);
            import_tree(&source.code[at + 1..end], &[], &mut found);
        }
    }
    found.retain(|import| !import.path.is_empty());
    found
}

/// Names of structs, enums, traits and type aliases outside of `impl` and `trait` blocks.
fn definitions(code: &[Lexeme]) -> Vec<&Lexeme> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < code.len() {
        let item = at == 0
            || ["}", ";", "{", "]", "pub", ")", "unsafe"]
                .iter()
                .any(|before| code[at - 1].is(before));
        let next = code.get(at + 1).filter(|t| t.kind == LexemeKind::Word);
        if item
            && ["struct", "enum", "trait", "type"]
                .iter()
                .any(|word| code[at].is(word))
        {
            found.extend(next);
        }
        if item && (code[at].is("impl") || code[at].is("trait")) {
            let open = code[at..]
                .iter()
                .position(|t| t.is("{"))
                .map_or(code.len(), |open| at + open);
            at = close(code, open).unwrap_or(code.len());
        }
        at += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(b: &str, c: &str) -> Vec<String> {
        let tree = Tree::of(&[
            ("crates/b/Cargo.toml", "[package]\nname = \"b-b\""),
            ("crates/b/src/lib.rs", b),
            ("crates/c/Cargo.toml", "[package]\nname = \"c\""),
            ("crates/c/src/lib.rs", c),
        ]);
        check(&tree)
            .into_iter()
            .map(|v| format!("{}:{} {}", v.path, v.line, v.wrong))
            .collect()
    }

    #[test]
    fn a_name_of_two_crates() {
        let found = wrong("pub struct Seen;", "fn f() {}\npub(crate) enum Seen { A }");
        assert_eq!(
            found,
            ["crates/c/src/lib.rs:2 the type name Seen is taken by crates/b/src/lib.rs:1"]
        );
    }

    #[test]
    fn associated_types_and_tests_do_not_count() {
        let b = "struct A; impl Iterator for A { type Item = u8; }\n\
                 #[cfg(test)]\nmod tests { struct T; }";
        assert!(wrong(b, "trait B { type Item; } struct T;").is_empty());
    }

    #[test]
    fn a_type_under_another_name() {
        let found = wrong(
            "pub struct Verdict; pub trait Ask {}",
            "use b_b::{Verdict as Sure, Ask as _};\nuse std::fmt::Result as R;",
        );
        assert_eq!(found, ["crates/c/src/lib.rs:1 Verdict is imported as Sure"]);
    }
}
