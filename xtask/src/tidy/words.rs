//! Comments and user-visible text are in plain American English.
//!
//! `words.txt` lists words to avoid and their replacements. It applies to comments in Rust sources,
//! strings in `render` and on the command line, and Markdown. Text in backticks is a name and is
//! skipped. An entry with nothing after the arrow is a phrase in which a listed word is correct
//! ("told apart").

use super::lex::{Lexeme, LexemeKind};
use super::tree::{SourceFile, Tree, Violation};

const WORDS: &str = include_str!("words.txt");

/// Words to avoid.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let rules: Vec<WordRule> = WORDS.lines().filter_map(rule).collect();
    let mut found = Vec::new();
    for source in &tree.sources {
        for passage in comments(source).chain(strings(source)) {
            passage.judge(&source.path, &rules, &mut found);
        }
    }
    for (path, text) in &tree.docs {
        for passage in paragraphs(text) {
            passage.judge(path, &rules, &mut found);
        }
    }
    found
}

/// Entry of the list.
struct WordRule {
    /// In lower case, e.g. `["hangs", "on"]`.
    words: Vec<String>,
    /// Only at the start of a doc comment.
    opening: bool,
    better: String,
}

fn rule(line: &str) -> Option<WordRule> {
    let (from, to) = line.split_once("->").filter(|_| !line.starts_with('#'))?;
    let opening = from.starts_with('^');
    let words = from
        .trim_start_matches('^')
        .split_whitespace()
        .map(str::to_lowercase)
        .collect();
    Some(WordRule {
        words,
        opening,
        better: to.trim().to_owned(),
    })
}

/// Text checked as one piece, by line.
struct Passage {
    lines: Vec<(usize, String)>,
    doc: bool,
}

impl Passage {
    fn judge(&self, path: &str, rules: &[WordRule], found: &mut Vec<Violation>) {
        let mut words: Vec<(String, usize)> = Vec::new();
        let mut quoted = false;
        for (line, text) in &self.lines {
            for (at, part) in text.split('`').enumerate() {
                quoted = if at > 0 { !quoted } else { quoted };
                if at > 0 {
                    words.push(("`".to_owned(), *line));
                }
                if !quoted {
                    words.extend(
                        part.split_whitespace()
                            .flat_map(pieces)
                            .map(|word| (word, *line)),
                    );
                }
            }
        }
        let at = |rule: &WordRule, at: usize| {
            let here = words[at..]
                .iter()
                .zip(&rule.words)
                .filter(|((word, _), want)| word == *want)
                .count();
            here == rule.words.len() && (!rule.opening || self.doc && at == 0)
        };
        let mut start = 0;
        while start < words.len() {
            // The longest matching entry wins, so that a phrase can allow a word that is otherwise
            // listed.
            let fit = rules
                .iter()
                .filter(|rule| at(rule, start))
                .max_by_key(|rule| rule.words.len());
            if let Some(rule) = fit.filter(|rule| !rule.better.is_empty()) {
                let opening = if rule.opening {
                    "a doc comment begins with "
                } else {
                    ""
                };
                found.push(Violation {
                    path: path.to_owned(),
                    line: words[start].1,
                    wrong: format!("{opening}\"{}\"", rule.words.join(" ")),
                    cure: format!("write: {}", rule.better),
                });
            }
            start += fit.map_or(1, |rule| rule.words.len());
        }
    }
}

/// Word in lower case, and each punctuation mark around it separately, so that no phrase extends
/// over a comma.
fn pieces(word: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut inside = false;
    for c in word.chars() {
        let letter = c.is_alphanumeric() || c == '\'' || c == '-' || c == '_';
        match found.last_mut().filter(|_| letter && inside) {
            Some(last) => last.extend(c.to_lowercase()),
            None => found.push(c.to_lowercase().collect()),
        }
        inside = letter;
    }
    found
}

/// Comments; consecutive line comments are one passage.
fn comments(source: &SourceFile) -> impl Iterator<Item = Passage> {
    let mut found: Vec<Passage> = Vec::new();
    let mut last = (0, String::new());
    for comment in &source.comments {
        let slashes: String = comment
            .text
            .chars()
            .take_while(|c| "/*!".contains(*c))
            .collect();
        let body = comment.text[slashes.len()..].trim_end_matches("*/");
        let lines = body
            .lines()
            .enumerate()
            .map(|(at, line)| (comment.line + at, line.trim().to_owned()));
        let goes_on = last.0 + 1 == comment.line && last.1 == slashes && !body.trim().is_empty();
        match found.last_mut().filter(|_| goes_on) {
            Some(passage) => passage.lines.extend(lines),
            None => found.push(Passage {
                lines: lines.collect(),
                doc: comment.kind == LexemeKind::Doc,
            }),
        }
        last = (
            if body.trim().is_empty() {
                0
            } else {
                comment.end
            },
            slashes,
        );
    }
    found.into_iter()
}

/// User-visible strings.
fn strings(source: &SourceFile) -> impl Iterator<Item = Passage> {
    let shown = source.path.contains("/render/") || source.path.contains("/cli/");
    let text = |t: &&Lexeme| matches!(t.kind, LexemeKind::Text | LexemeKind::RawText);
    source
        .code
        .iter()
        .filter(text)
        .filter(move |_| shown)
        .map(|t| {
            let lines = t
                .text
                .lines()
                .enumerate()
                .map(|(at, line)| (t.line + at, line.replace("\\n", " ")));
            Passage {
                lines: lines.collect(),
                doc: false,
            }
        })
}

/// Paragraphs of Markdown, including fenced and indented ones, because they show output.
fn paragraphs(text: &str) -> Vec<Passage> {
    let mut found = vec![Passage {
        lines: Vec::new(),
        doc: false,
    }];
    for (at, line) in text.lines().enumerate() {
        let starts =
            line.trim().is_empty() || line.starts_with(['|', '#', '-']) || line.contains("```");
        if starts {
            found.push(Passage {
                lines: Vec::new(),
                doc: false,
            });
        }
        if let Some(last) = found.last_mut().filter(|_| !line.contains("```")) {
            last.lines.push((at + 1, line.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)]))
            .into_iter()
            .map(|v| format!("{} {}", v.line, v.wrong))
            .collect()
    }

    #[test]
    fn a_phrase_over_two_lines_of_a_comment() {
        let text = "// That hangs\n// on it.\nlet hangs_on = \"hangs on\"; \
                    // `hangs on` hangs, on, told apart";
        assert_eq!(wrong("crates/a/src/b.rs", text), ["1 \"hangs on\""]);
    }

    #[test]
    fn openings_of_doc_comments() {
        let text =
            "/// What it is.\n/// The same again.\nfn f() {}\n\n// What now?\n/// The  same.";
        let found = wrong("crates/a/src/b.rs", text);
        assert_eq!(
            found,
            [
                "1 a doc comment begins with \"what\"",
                "6 a doc comment begins with \"the same\""
            ]
        );
    }

    #[test]
    fn strings_count_where_they_are_shown() {
        let text = "fn f() { print(\"it hangs on that\") }";
        assert_eq!(wrong("crates/a/src/render/b.rs", text).len(), 1);
        assert_eq!(
            wrong("docs/b.md", "# A\nIt hangs\non that. `hangs on`\n").len(),
            1
        );
    }
}
