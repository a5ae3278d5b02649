//! No import cycles between the files of a crate, or between crates.
//!
//! Declaring and re-exporting a module is not an import. A name counts for the file that defines
//! it, even if a `mod.rs` re-exports it. Tests may import anything.

use std::collections::{BTreeMap, BTreeSet};

use super::modules::{Modules, Use};
use super::tree::{SourceFile, Tree, Violation};

/// Groups of files, and of crates, that import one another.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = crates(tree);
    for each in &tree.crates {
        let below = format!("{}/src/", each.folder);
        let sources: Vec<&SourceFile> = tree
            .sources
            .iter()
            .filter(|s| s.path.starts_with(&below))
            .collect();
        for root in ["lib.rs", "main.rs"] {
            let Some(modules) = Modules::read(sources.clone(), &format!("{below}{root}")) else {
                continue;
            };
            let uses = modules.uses();
            for group in groups(&uses) {
                found.push(violation(
                    &group,
                    &uses,
                    &|file| sources[file].path.clone(),
                    "files",
                ));
            }
        }
    }
    found
}

fn crates(tree: &Tree) -> Vec<Violation> {
    let mut uses = Vec::new();
    for (from, each) in tree.crates.iter().enumerate() {
        for (name, line) in &each.needs {
            if let Some(to) = tree
                .crates
                .iter()
                .position(|c| c.name == *name)
                .filter(|to| *to != from)
            {
                uses.push(Use {
                    from,
                    to,
                    line: *line,
                });
            }
        }
    }
    let path = |at: usize| format!("{}/Cargo.toml", tree.crates[at].folder);
    groups(&uses)
        .iter()
        .map(|group| violation(group, &uses, &path, "crates"))
        .collect()
}

/// Violation for a group: a shortest cycle, then one example for each other member.
fn violation(
    group: &BTreeSet<usize>,
    uses: &[Use],
    path: &dyn Fn(usize) -> String,
    what: &str,
) -> Violation {
    let around = shortest(group, uses);
    let mut shown: BTreeSet<usize> = BTreeSet::new();
    let mut lines = Vec::new();
    let rest = uses
        .iter()
        .filter(|u| group.contains(&u.from) && group.contains(&u.to));
    for each in around.iter().chain(rest) {
        if shown.insert(each.from) {
            lines.push(format!(
                "\n    {}:{} uses {}",
                path(each.from),
                each.line,
                path(each.to)
            ));
        }
    }
    Violation {
        path: path(around[0].from),
        line: around[0].line,
        wrong: format!(
            "{} {what} import one another; {} of them in a ring",
            group.len(),
            around.len()
        ),
        cure: format!(
            "move what both sides need into a file below them{}",
            lines.concat()
        ),
    }
}

/// Strongly connected groups with more than one member.
fn groups(uses: &[Use]) -> Vec<BTreeSet<usize>> {
    let mut reach: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for start in uses.iter().map(|u| u.from) {
        if reach.contains_key(&start) {
            continue;
        }
        let mut seen = BTreeSet::new();
        let mut open = vec![start];
        while let Some(at) = open.pop() {
            open.extend(
                uses.iter()
                    .filter(|u| u.from == at && seen.insert(u.to))
                    .map(|u| u.to),
            );
        }
        reach.insert(start, seen);
    }
    let mut found: Vec<BTreeSet<usize>> = Vec::new();
    for (start, seen) in &reach {
        let back = |at: &usize| reach.get(at).is_some_and(|there| there.contains(start));
        let group: BTreeSet<usize> = seen.iter().copied().filter(back).collect();
        if group.len() > 1 && group.first() == Some(start) {
            found.push(group);
        }
    }
    found
}

/// Shortest cycle within a group.
fn shortest(group: &BTreeSet<usize>, uses: &[Use]) -> Vec<Use> {
    let mut best: Vec<Use> = Vec::new();
    for start in group {
        let mut ways: Vec<Vec<Use>> = vec![Vec::new()];
        let mut seen = BTreeSet::new();
        'around: while !ways.is_empty() {
            let mut longer = Vec::new();
            for way in &ways {
                let at = way.last().map_or(*start, |u| u.to);
                for next in uses
                    .iter()
                    .filter(|u| u.from == at && group.contains(&u.to))
                {
                    let with: Vec<Use> = way.iter().chain([next]).copied().collect();
                    if next.to == *start {
                        if best.is_empty() || with.len() < best.len() {
                            best = with;
                        }
                        break 'around;
                    }
                    if seen.insert(next.to) {
                        longer.push(with);
                    }
                }
            }
            ways = longer;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: (&str, &str) = ("crates/a/Cargo.toml", "[package]\nname = \"a\"");

    fn rings(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<_> = [MANIFEST].iter().chain(files).copied().collect();
        check(&Tree::of(&files))
            .into_iter()
            .map(|v| format!("{}:{} {}", v.path, v.line, v.wrong))
            .collect()
    }

    #[test]
    fn files_that_import_one_another_around_a_third() {
        let found = rings(&[
            (
                "crates/a/src/lib.rs",
                "mod b;\nmod c;\nmod d;\npub use b::B;",
            ),
            ("crates/a/src/b.rs", "use crate::c::C;\npub struct B(C);"),
            (
                "crates/a/src/c.rs",
                "pub struct C;\nfn f() { crate::d::g(); }",
            ),
            (
                "crates/a/src/d.rs",
                "use super::b;\npub fn g() {\n  b::B;\n}",
            ),
        ]);
        assert_eq!(
            found,
            ["crates/a/src/b.rs:1 3 files import one another; 3 of them in a ring"]
        );
    }

    #[test]
    fn a_module_that_hands_names_on_is_no_cycle_but_one_that_defines_them_is() {
        let child = (
            "crates/a/src/b/c.rs",
            "use super::{D, E};\npub struct C(D, E);",
        );
        let other = ("crates/a/src/b/d.rs", "pub struct D;\npub struct E;");
        let root = ("crates/a/src/lib.rs", "pub mod b;");
        let hands_on = (
            "crates/a/src/b/mod.rs",
            "mod c;\nmod d;\npub use self::{c::C, d::*};",
        );
        assert_eq!(rings(&[root, child, other, hands_on]), Vec::<String>::new());
        let defines = (
            "crates/a/src/b/mod.rs",
            "mod c;\nmod d;\npub use d::D;\npub use c::C;\npub struct E(C);",
        );
        assert_eq!(rings(&[root, child, other, defines]).len(), 1);
    }

    #[test]
    fn tests_may_import_anything_and_mod_rs_may_not_import_itself() {
        let found = rings(&[
            (
                "crates/a/src/lib.rs",
                "mod b;\nuse b::B;\npub fn f() -> B { B }",
            ),
            (
                "crates/a/src/b.rs",
                "pub struct B;\n#[cfg(test)]\nmod tests { use crate::f; }",
            ),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn crates_that_need_one_another() {
        let found = check(&Tree::of(&[
            (
                "crates/a/Cargo.toml",
                "[package]\nname = \"a\"\n[dependencies]\nb.workspace = true",
            ),
            (
                "crates/b/Cargo.toml",
                "[package]\nname = \"b\"\n[dev-dependencies]\na = { path = \"../a\" }",
            ),
        ]));
        assert_eq!(
            found[0].wrong,
            "2 crates import one another; 2 of them in a ring"
        );
    }
}
