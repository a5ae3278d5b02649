//! Documents cited in the tree are in the tree.

use super::tree::{Tree, Violation};

/// Citations, in comments and documents, of Markdown files that are not in the tree, and of folders
/// next to it.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in &tree.sources {
        for comment in &source.comments {
            for (at, line) in comment.text.lines().enumerate() {
                judge(tree, &source.path, comment.line + at, line, &mut found);
            }
        }
    }
    for (path, text) in &tree.docs {
        for (at, line) in text.lines().enumerate() {
            judge(tree, path, at + 1, line, &mut found);
        }
    }
    found
}

fn judge(tree: &Tree, path: &str, line: usize, text: &str, found: &mut Vec<Violation>) {
    let words = text.split(|c: char| !c.is_alphanumeric() && !"/._-*<>".contains(c));
    for word in words.map(|word| word.trim_start_matches("../").trim_matches(['.', '-'])) {
        let name = word.rsplit('/').next().unwrap_or(word);
        let document = name.len() > 3 && name.ends_with(".md") && !name.contains(['*', '<']);
        let known = || {
            tree.docs
                .iter()
                .any(|(path, _)| path.rsplit('/').next() == Some(name))
        };
        let outside = word.starts_with("shared/") || word.starts_with("/work/");
        if outside || document && !word.contains("//") && !known() {
            found.push(Violation {
                path: path.to_owned(),
                line,
                wrong: format!("{word} is not in the tree"),
                cure: "say what it says, or cite a document that is here".to_owned(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> Vec<String> {
        let tree = Tree::of(&[
            ("crates/a/src/b.rs", text),
            ("docs/guide.md", "see (../shared/x)"),
        ]);
        check(&tree)
            .into_iter()
            .map(|v| format!("{}:{} {}", v.path, v.line, v.wrong))
            .collect()
    }

    #[test]
    fn documents_that_are_not_here() {
        let found =
            wrong("//! See guide.md, docs/guide.md and\n// `DESIGN.md`.\nlet a = \"b.md\";");
        assert_eq!(found[0], "crates/a/src/b.rs:2 DESIGN.md is not in the tree");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn folders_beside_the_tree() {
        assert_eq!(
            wrong("fn f() {}"),
            ["docs/guide.md:1 shared/x is not in the tree"]
        );
    }
}
