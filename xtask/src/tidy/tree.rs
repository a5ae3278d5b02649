//! Source tree as the checks see it. Crates are found by their manifests, not by name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::lex::{self, Lexeme, LexemeKind};

/// Violation of a rule, and how to fix it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) wrong: String,
    pub(crate) cure: String,
}

/// Rust source file.
pub(crate) struct SourceFile {
    /// From the top of the checkout, e.g. `crates/iam/src/lib.rs`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// Without comments, including tests.
    pub(crate) tokens: Vec<Lexeme>,
    pub(crate) comments: Vec<Lexeme>,
    /// Tokens outside of `#[cfg(test)]` and `#[test]` items; empty in a file that is all tests.
    pub(crate) code: Vec<Lexeme>,
}

/// Folder with a `Cargo.toml` that names a package.
pub(crate) struct Crate {
    /// Package name, e.g. `bartizan-iam`.
    pub(crate) name: String,
    /// From the top of the checkout, e.g. `crates/iam`.
    pub(crate) folder: String,
    /// Names of the dependencies as written, with the line of each.
    pub(crate) needs: Vec<(String, usize)>,
}

/// Sources, crates and documents of a checkout.
pub(crate) struct Tree {
    pub(crate) sources: Vec<SourceFile>,
    pub(crate) crates: Vec<Crate>,
    /// Path and text of each Markdown file.
    pub(crate) docs: Vec<(String, String)>,
    /// Every file and folder, from the top of the checkout.
    pub(crate) paths: BTreeSet<String>,
}

impl Tree {
    /// Reads a checkout, except for folders that git ignores.
    pub(crate) fn read(root: &Path) -> std::io::Result<Self> {
        let mut paths = BTreeSet::new();
        let mut texts = BTreeMap::new();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(root.join(&folder))? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if ["target", ".git", "bartizan-store", "__pycache__"].contains(&name.as_str()) {
                    continue;
                }
                let path = if folder.is_empty() {
                    name
                } else {
                    format!("{folder}/{name}")
                };
                if entry.file_type()?.is_dir() {
                    folders.push(path.clone());
                } else if [".rs", ".md", "Cargo.toml"]
                    .iter()
                    .any(|end| path.ends_with(end))
                {
                    texts.insert(path.clone(), std::fs::read_to_string(entry.path())?);
                }
                paths.insert(path);
            }
        }
        Ok(Self::new(texts, paths))
    }

    /// Checkout for tests.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let texts: BTreeMap<String, String> = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
            .collect();
        let mut paths: BTreeSet<String> = texts.keys().cloned().collect();
        for path in texts.keys() {
            let folders = path.match_indices('/').map(|(at, _)| path[..at].to_owned());
            paths.extend(folders);
        }
        Self::new(texts, paths)
    }

    fn new(texts: BTreeMap<String, String>, paths: BTreeSet<String>) -> Self {
        let mut tree = Self {
            sources: Vec::new(),
            crates: Vec::new(),
            docs: Vec::new(),
            paths,
        };
        for (path, text) in texts {
            if path.ends_with(".rs") {
                tree.sources.push(source(path, text));
            } else if path.ends_with(".md") {
                tree.docs.push((path, text));
            } else if let Some(found) = manifest(&path, &text) {
                tree.crates.push(found);
            }
        }
        let tests: Vec<String> = tree.sources.iter().flat_map(test_files).collect();
        for source in &mut tree.sources {
            if tests.contains(&source.path) {
                source.code.clear();
            }
        }
        tree
    }

    /// Sources below `src` in a crate, to which the code checks apply.
    pub(crate) fn product(&self) -> impl Iterator<Item = &SourceFile> {
        self.sources.iter().filter(|source| {
            self.crates
                .iter()
                .any(|c| source.path.starts_with(&format!("{}/src/", c.folder)))
        })
    }
}

fn source(path: String, text: String) -> SourceFile {
    let (comments, tokens): (Vec<_>, Vec<_>) = lex::tokens(&text)
        .into_iter()
        .partition(|t| matches!(t.kind, LexemeKind::Comment | LexemeKind::Doc));
    let mut code = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match test_item(&tokens, at) {
            Some(end) => at = end,
            None => {
                code.push(tokens[at].clone());
                at += 1;
            }
        }
    }
    SourceFile {
        path,
        text,
        tokens,
        comments,
        code,
    }
}

/// Name, folder and dependencies in a manifest, parsed by line.
fn manifest(path: &str, text: &str) -> Option<Crate> {
    let folder = path.strip_suffix("/Cargo.toml")?.to_owned();
    let mut found = Crate {
        name: String::new(),
        folder,
        needs: Vec::new(),
    };
    let mut table = "";
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            table = name;
            continue;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else {
            continue;
        };
        if table == "package" && key.trim() == "name" {
            value.trim().trim_matches('"').clone_into(&mut found.name);
        } else if table.ends_with("dependencies") && !table.starts_with("workspace") {
            let name = key.trim().split('.').next().unwrap_or_default();
            found.needs.push((name.to_owned(), at + 1));
        }
    }
    (!found.name.is_empty()).then_some(found)
}

/// Files of `#[cfg(test)] mod name;` in a source.
fn test_files(source: &SourceFile) -> Vec<String> {
    let mut files = Vec::new();
    let mut at = 0;
    while at < source.tokens.len() {
        let Some(end) = test_item(&source.tokens, at) else {
            at += 1;
            continue;
        };
        if let [.., word, name, close] = &source.tokens[at..end]
            && word.is("mod")
            && close.is(";")
        {
            let folder = module_folder(&source.path);
            files.push(format!("{folder}/{}.rs", name.text));
            files.push(format!("{folder}/{}/mod.rs", name.text));
        }
        at = end;
    }
    files
}

/// Folder of the modules that a file declares.
pub(crate) fn module_folder(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name {
        "mod.rs" | "lib.rs" | "main.rs" => folder.to_owned(),
        _ => path.trim_end_matches(".rs").to_owned(),
    }
}

/// End of the item at a token, if it is compiled in tests only.
fn test_item(tokens: &[Lexeme], at: usize) -> Option<usize> {
    let attribute = tokens[at].is("#") && tokens.get(at + 1).is_some_and(|t| t.is("["));
    if !attribute {
        return None;
    }
    let mut end = close(tokens, at + 1)?;
    let words: Vec<&str> = tokens[at..end].iter().map(|t| t.text.as_str()).collect();
    let test = words == ["#", "[", "test"]
        || words.contains(&"cfg") && words.contains(&"test") && !words.contains(&"not");
    if !test {
        return None;
    }
    end += 1;
    while tokens.get(end).is_some_and(|t| t.is("#")) {
        end = close(tokens, end + 1)? + 1;
    }
    let first = end;
    while end < tokens.len() {
        let token = &tokens[end];
        if token.is("(") || token.is("[") {
            end = close(tokens, end)?;
        } else if token.is(";") || token.is(",") {
            return Some(end + 1);
        } else if token.is("{") {
            let group = close(tokens, end)?;
            // `use a::{b};` ends at the semicolon, a field or a match arm at its comma.
            let more = tokens[first..end]
                .iter()
                .any(|t| t.is("use") || t.is("=") || t.is("=>"));
            if !more {
                return Some(group + 1);
            }
            end = group;
        } else if token.is("}") {
            return Some(end);
        }
        end += 1;
    }
    Some(end)
}

/// Position of the bracket that closes the one at a token.
pub(crate) fn close(tokens: &[Lexeme], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.kind != LexemeKind::Mark {
            continue;
        }
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(source: &SourceFile) -> String {
        source
            .code
            .iter()
            .map(|t| t.text.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn tests_are_left_out_of_the_code() {
        let text = "fn a() {}\n#[cfg(test)]\nuse b::{c, d};\n#[cfg(test)]\nmod e {\n fn f() {}\n}\n\
                    struct G { #[cfg(test)] h: I<J>, k: L }\n#[test]\nfn m() {}\n\
                    #[cfg(not(test))]\nfn n() {}";
        let tree = Tree::of(&[("crates/a/src/lib.rs", text)]);
        assert_eq!(
            names(&tree.sources[0]),
            "fn a ( ) { } struct G { k : L } # [ cfg ( not ( test ) ) ] fn n ( ) { }"
        );
    }

    #[test]
    fn a_file_that_is_a_test_module_has_no_code() {
        let tree = Tree::of(&[
            ("crates/a/src/b.rs", "#[cfg(test)]\nmod tests;\nfn c() {}"),
            ("crates/a/src/b/tests.rs", "fn d() {}"),
        ]);
        assert!(
            tree.sources
                .iter()
                .find(|s| s.path.ends_with("tests.rs"))
                .unwrap()
                .code
                .is_empty()
        );
    }

    #[test]
    fn manifests_give_names_and_dependencies() {
        let text = "[package]\nname = \"a-b\"\n[dependencies]\nc.workspace = true\n\
                    [target.'cfg(unix)'.dependencies]\nd = { path = \"../d\" }\n\
                    [lints]\nworkspace = true";
        let tree = Tree::of(&[("crates/b/Cargo.toml", text)]);
        let needs: Vec<_> = tree.crates[0]
            .needs
            .iter()
            .map(|(name, line)| (name.as_str(), *line))
            .collect();
        assert_eq!(
            (tree.crates[0].name.as_str(), needs),
            ("a-b", vec![("c", 4), ("d", 6)])
        );
    }
}
