//! Modules of one crate, and the file that defines what a path names.

use std::collections::{BTreeMap, BTreeSet};

use super::lex::{Lexeme, LexemeKind};
use super::tree::{SourceFile, close, module_folder};

/// Meaning of a name in a module.
enum NameMeaning {
    /// Defined in the module itself.
    Own,
    /// Module of this number, which it declares.
    Child(usize),
    /// Imported by this path, `pub` or not.
    Import(Vec<String>),
}

/// File or inline module.
struct Module {
    /// Number of its file among the sources.
    file: usize,
    parent: Option<usize>,
    names: Vec<(String, NameMeaning)>,
    globs: Vec<Vec<String>>,
    /// Paths in its code, with their lines. A private import is one; a re-export is none.
    paths: Vec<(Vec<String>, usize)>,
    /// Names that stand alone in its code, outside of imports, with the first line of each.
    words: BTreeMap<String, usize>,
    /// Names of its `pub use`: they count where the module uses them itself.
    exports: BTreeSet<String>,
}

/// Modules of a crate, its root first.
pub(crate) struct Modules<'a> {
    sources: Vec<&'a SourceFile>,
    modules: Vec<Module>,
}

/// File that uses another: numbers among the sources, and the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Use {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) line: usize,
}

enum PathTarget {
    Item(usize),
    Module(usize),
}

/// Imports in imports in imports: more than any tree has.
const STEPS: usize = 32;

impl<'a> Modules<'a> {
    /// Follows `mod` declarations from the root of a crate.
    pub(crate) fn read(sources: Vec<&'a SourceFile>, root: &str) -> Option<Self> {
        let file = sources.iter().position(|s| s.path == root)?;
        let mut all = Self {
            sources,
            modules: Vec::new(),
        };
        all.file(file, None);
        Some(all)
    }

    /// Every use of one file by another.
    pub(crate) fn uses(&self) -> Vec<Use> {
        let mut uses = BTreeMap::new();
        for (at, module) in self.modules.iter().enumerate() {
            let mut add = |target: Option<PathTarget>, line: usize| {
                if let Some(PathTarget::Item(to)) = target
                    && to != module.file
                {
                    let first = uses.entry((module.file, to)).or_insert(line);
                    *first = line.min(*first);
                }
            };
            for (path, line) in &module.paths {
                add(self.resolve(at, path, STEPS), *line);
            }
            let globs: Vec<usize> = module
                .globs
                .iter()
                .filter_map(|path| self.module(at, path, STEPS))
                .collect();
            for (word, line) in &module.words {
                if module.exports.contains(word) {
                    add(self.resolve(at, std::slice::from_ref(word), STEPS), *line);
                } else if !module.names.iter().any(|(name, _)| name == word) {
                    for glob in &globs {
                        add(self.lookup(*glob, word, true, STEPS), *line);
                    }
                }
            }
        }
        uses.into_iter()
            .map(|((from, to), line)| Use { from, to, line })
            .collect()
    }

    fn file(&mut self, file: usize, parent: Option<usize>) -> usize {
        let source = self.sources[file];
        let folder = module_folder(&source.path);
        self.scope(file, parent, &source.code, &folder)
    }

    /// Reads the tokens of a module. Imports inside of functions count as the module's.
    fn scope(
        &mut self,
        file: usize,
        parent: Option<usize>,
        code: &[Lexeme],
        folder: &str,
    ) -> usize {
        let number = self.modules.len();
        self.modules.push(Module {
            file,
            parent,
            names: Vec::new(),
            globs: Vec::new(),
            paths: Vec::new(),
            words: BTreeMap::new(),
            exports: BTreeSet::new(),
        });
        let (mut at, mut depth) = (0, 0_usize);
        while at < code.len() {
            let token = &code[at];
            let next = code.get(at + 1);
            if token.is("{") {
                depth += 1;
            } else if token.is("}") {
                depth = depth.saturating_sub(1);
            } else if token.is("use") && next.is_some_and(|t| !t.is("<")) {
                let public = at > 0 && (code[at - 1].is("pub") || code[at - 1].is(")"));
                let end = at
                    + code[at..]
                        .iter()
                        .position(|t| t.is(";"))
                        .unwrap_or(code.len() - at);
                self.import(number, &code[at + 1..end], public);
                at = end;
            } else if token.is("mod") && next.is_some_and(|t| t.kind == LexemeKind::Word) {
                let name = &code[at + 1].text;
                let inner = format!("{folder}/{name}");
                let child = if code.get(at + 2).is_some_and(|t| t.is("{")) {
                    let end = close(code, at + 2).unwrap_or(code.len());
                    let child = self.scope(file, Some(number), &code[at + 3..end], &inner);
                    at = end;
                    Some(child)
                } else {
                    let paths = [format!("{inner}.rs"), format!("{inner}/mod.rs")];
                    let child = self.sources.iter().position(|s| paths.contains(&s.path));
                    at += 1;
                    child.map(|child| self.file(child, Some(number)))
                };
                if let Some(child) = child {
                    self.modules[number]
                        .names
                        .push((name.clone(), NameMeaning::Child(child)));
                }
            } else if token.kind == LexemeKind::Word {
                at = self.word(number, code, at, depth == 0);
            }
            at += 1;
        }
        number
    }

    /// Reads a definition, a path or a lone name; gives the position of its last token.
    fn word(&mut self, number: usize, code: &[Lexeme], at: usize, top: bool) -> usize {
        let module = &mut self.modules[number];
        let item = [
            "fn",
            "struct",
            "enum",
            "trait",
            "type",
            "const",
            "static",
            "union",
            "macro_rules",
        ];
        if item.contains(&code[at].text.as_str()) {
            let name = code[at + 1..]
                .iter()
                .find(|t| !t.is("!") && !t.is("mut") && !t.is("unsafe"));
            let name = name.filter(|t| t.kind == LexemeKind::Word && !t.is("fn"));
            if let Some(name) = name.filter(|_| top) {
                module.names.push((name.text.clone(), NameMeaning::Own));
            }
            return at;
        }
        if at > 0 && (code[at - 1].is(".") || code[at - 1].is("::")) {
            return at;
        }
        let mut path = vec![code[at].text.clone()];
        let mut end = at;
        while let [colons, name, ..] = &code[end + 1..]
            && colons.is("::")
            && name.kind == LexemeKind::Word
        {
            path.push(name.text.clone());
            end += 2;
        }
        if path.len() > 1 {
            module.paths.push((path.clone(), code[at].line));
        }
        module
            .words
            .entry(path.swap_remove(0))
            .or_insert(code[at].line);
        end
    }

    /// Reads what stands between `use` and its semicolon.
    fn import(&mut self, number: usize, tokens: &[Lexeme], public: bool) {
        let mut found = Vec::new();
        import_tree(tokens, &[], &mut found);
        let module = &mut self.modules[number];
        for Import { path, alias, line } in found {
            if alias == "*" {
                module.globs.push(path);
                continue;
            }
            if public {
                module.exports.insert(alias.clone());
            } else {
                module.paths.push((path.clone(), line));
            }
            module.names.push((alias, NameMeaning::Import(path)));
        }
    }

    /// Module that a path names.
    fn module(&self, scope: usize, path: &[String], steps: usize) -> Option<usize> {
        let mut at = scope;
        for name in path {
            let mut targets = self.targets(at, name, steps).into_iter();
            at = match name.as_str() {
                "crate" => 0,
                "self" => at,
                "super" => self.modules[at].parent?,
                _ => targets.find_map(|target| match target {
                    PathTarget::Module(module) => Some(module),
                    PathTarget::Item(_) => None,
                })?,
            };
        }
        Some(at)
    }

    /// Meaning of a path in a module: the first segment that is no module decides.
    fn resolve(&self, scope: usize, path: &[String], steps: usize) -> Option<PathTarget> {
        let mut at = scope;
        for (place, name) in path.iter().enumerate() {
            let last = place + 1 == path.len();
            at = match name.as_str() {
                "crate" => 0,
                "self" => at,
                "super" => self.modules[at].parent?,
                name => match self.lookup(at, name, last, steps)? {
                    PathTarget::Module(module) => module,
                    item @ PathTarget::Item(_) => return Some(item),
                },
            };
        }
        Some(PathTarget::Module(at))
    }

    /// Meaning of a name. Where a module and an item share it, the last segment of a path means the
    /// item.
    fn lookup(&self, scope: usize, name: &str, last: bool, steps: usize) -> Option<PathTarget> {
        let mut found = self.targets(scope, name, steps);
        found.sort_by_key(|target| matches!(target, PathTarget::Module(_)) == last);
        found.into_iter().next()
    }

    fn targets(&self, scope: usize, name: &str, steps: usize) -> Vec<PathTarget> {
        let Some(steps) = steps.checked_sub(1) else {
            return Vec::new();
        };
        let module = &self.modules[scope];
        let mut found = Vec::new();
        for (_, meaning) in module.names.iter().filter(|(own, _)| own == name) {
            match meaning {
                NameMeaning::Own => found.push(PathTarget::Item(module.file)),
                NameMeaning::Child(child) => found.push(PathTarget::Module(*child)),
                // `use name::...` may only mean a child or another crate, never itself.
                NameMeaning::Import(path) if path.first().is_some_and(|first| first == name) => {
                    let child = module
                        .names
                        .iter()
                        .find_map(|(own, meaning)| match meaning {
                            NameMeaning::Child(child) if own == name => Some(*child),
                            _ => None,
                        });
                    found.extend(child.and_then(|child| self.resolve(child, &path[1..], steps)));
                }
                NameMeaning::Import(path) => found.extend(self.resolve(scope, path, steps)),
            }
        }
        if found.is_empty() {
            for glob in &module.globs {
                let target = self.module(scope, glob, steps);
                found.extend(
                    target
                        .filter(|t| *t != scope)
                        .and_then(|t| self.lookup(t, name, true, steps)),
                );
            }
        }
        found
    }
}

/// Name that an import brings in.
pub(crate) struct Import {
    pub(crate) path: Vec<String>,
    /// Name under which it is known; `*` for all of a module.
    pub(crate) alias: String,
    pub(crate) line: usize,
}

/// Takes `a::{b, c as d, e::*}` apart.
pub(crate) fn import_tree(tokens: &[Lexeme], before: &[String], found: &mut Vec<Import>) {
    let mut path = before.to_vec();
    let mut at = 0;
    let mut last = None;
    while at < tokens.len() {
        let token = &tokens[at];
        if token.is("{") {
            let end = close(tokens, at).unwrap_or(tokens.len());
            let mut start = at + 1;
            let mut inner = at + 1;
            while inner <= end {
                if inner == end || tokens[inner].is(",") {
                    import_tree(&tokens[start..inner.min(tokens.len())], &path, found);
                    start = inner + 1;
                } else if tokens[inner].is("{") {
                    inner = close(tokens, inner).unwrap_or(end);
                }
                inner += 1;
            }
            return;
        }
        if token.is("*") {
            found.push(Import {
                path,
                alias: "*".to_owned(),
                line: token.line,
            });
            return;
        }
        if token.is("as") {
            let alias = tokens
                .get(at + 1)
                .map(|t| t.text.clone())
                .unwrap_or_default();
            found.push(Import {
                path,
                alias,
                line: token.line,
            });
            return;
        }
        if token.kind == LexemeKind::Word {
            // `a::{self}` imports `a`.
            if !token.is("self") || path.is_empty() {
                path.push(token.text.clone());
            }
            last = Some(token.line);
        }
        at += 1;
    }
    if let (Some(line), Some(alias)) = (last, path.last().cloned()) {
        found.push(Import { path, alias, line });
    }
}
