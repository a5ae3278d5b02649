//! Lexer for Rust. No syntax tree is needed here, and compiling `syn` with its visitor takes longer
//! than all of `tidy`.

/// Kinds of tokens that the checks distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LexemeKind {
    /// Identifier or keyword; `r#type` is `type`.
    Word,
    /// One character of punctuation, or `::`, `->`, `=>`.
    Mark,
    /// String literal, with its quotes.
    Text,
    /// Raw string literal, with its quotes.
    RawText,
    /// Number, character or lifetime.
    Other,
    /// `//` or `/* */`, with its slashes.
    Comment,
    /// `///`, `//!`, `/** */` or `/*! */`.
    Doc,
}

/// Piece of a source file.
#[derive(Clone, Debug)]
pub(crate) struct Lexeme {
    pub(crate) kind: LexemeKind,
    pub(crate) text: String,
    /// Line of its first byte, from 1.
    pub(crate) line: usize,
    /// Line of its last byte.
    pub(crate) end: usize,
}

impl Lexeme {
    /// Whether it is this keyword, name or mark.
    pub(crate) fn is(&self, text: &str) -> bool {
        matches!(self.kind, LexemeKind::Word | LexemeKind::Mark) && self.text == text
    }
}

/// Splits a source file into tokens. Text that is not Rust also gives tokens; the compiler reports
/// it.
pub(crate) fn tokens(source: &str) -> Vec<Lexeme> {
    let bytes = source.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < bytes.len() {
        if bytes[at].is_ascii_whitespace() {
            line += usize::from(bytes[at] == b'\n');
            at += 1;
            continue;
        }
        let (kind, length) = token(&source[at..]);
        let text = &source[at..at + length];
        let end = line + text.matches('\n').count();
        let text = text
            .strip_prefix("r#")
            .filter(|_| kind == LexemeKind::Word)
            .unwrap_or(text);
        found.push(Lexeme {
            kind,
            text: text.to_owned(),
            line,
            end,
        });
        line = end;
        at += length;
    }
    found
}

/// Kind and length in bytes of the first token in a text.
fn token(rest: &str) -> (LexemeKind, usize) {
    if rest.starts_with("//") {
        let doc = rest.starts_with("//!") || rest.starts_with("///") && !rest.starts_with("////");
        return (
            if doc {
                LexemeKind::Doc
            } else {
                LexemeKind::Comment
            },
            rest.find('\n').unwrap_or(rest.len()),
        );
    }
    if rest.starts_with("/*") {
        let doc = rest.starts_with("/*!") || rest.starts_with("/**") && !rest.starts_with("/**/");
        return (
            if doc {
                LexemeKind::Doc
            } else {
                LexemeKind::Comment
            },
            block_comment(rest),
        );
    }
    if let Some(found) = string(rest) {
        return found;
    }
    let first = rest.chars().next().unwrap_or(' ');
    if first == '\'' {
        return (LexemeKind::Other, quoted(rest));
    }
    if first.is_ascii_digit() {
        let hex = |c: char| c.is_ascii_alphanumeric() || c == '_';
        return (
            LexemeKind::Other,
            rest.find(|c| !hex(c)).unwrap_or(rest.len()),
        );
    }
    if first.is_alphabetic() || first == '_' {
        let start = if rest.starts_with("r#") { 2 } else { 0 };
        let end = rest[start..].find(|c: char| !c.is_alphanumeric() && c != '_');
        return (LexemeKind::Word, end.map_or(rest.len(), |end| start + end));
    }
    let two = ["::", "->", "=>"].iter().any(|mark| rest.starts_with(mark));
    (LexemeKind::Mark, if two { 2 } else { first.len_utf8() })
}

/// Length of a block comment; they nest.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let step = match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                2
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                2
            }
            _ => 1,
        };
        at += step;
        if depth == 0 {
            break;
        }
    }
    at
}

/// Kind and length of a string literal, if the text starts with one: `""`, `b""`, `c""`, `r#""#`,
/// `br""`.
fn string(rest: &str) -> Option<(LexemeKind, usize)> {
    let prefix = ["", "b", "c", "r", "br", "cr"].iter().rev().find(|p| {
        rest.strip_prefix(**p).is_some_and(|after| {
            let hashes = if p.ends_with('r') {
                after.trim_start_matches('#')
            } else {
                after
            };
            hashes.starts_with('"')
        })
    })?;
    let after = &rest[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = after.len() - after.trim_start_matches('#').len();
        let close = format!("\"{}", "#".repeat(hashes));
        let body = prefix.len() + hashes + 1;
        let end = rest[body..]
            .find(&close)
            .map_or(rest.len(), |end| body + end + close.len());
        return Some((LexemeKind::RawText, end));
    }
    Some((LexemeKind::Text, prefix.len() + until_quote(after, '"')))
}

/// Length of a lifetime or a character literal.
fn quoted(rest: &str) -> usize {
    let mut inner = rest[1..].chars();
    match (inner.next(), inner.next()) {
        (Some('\\'), _) => until_quote(rest, '\''),
        (Some(c), Some('\'')) => 2 + c.len_utf8(),
        _ => {
            let end = rest[1..].find(|c: char| !c.is_alphanumeric() && c != '_');
            end.map_or(rest.len(), |end| end + 1)
        }
    }
}

/// Length of a literal up to its closing quote.
fn until_quote(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if c == quote && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        tokens(source).into_iter().map(|t| t.text).collect()
    }

    #[test]
    fn strings_and_comments_hide_what_is_in_them() {
        let source = "let a = \"fn b() { \\\" }\"; // fn c()\nlet d = br#\"\" } \"#; \
                      /* { /* } */ */ '{' '\\'' &'a x";
        let found = tokens(source);
        assert!(found.iter().all(|t| !t.is("{") && !t.is("fn")), "{found:?}");
        assert_eq!(found.last().map(|t| t.text.as_str()), Some("x"));
    }

    #[test]
    fn paths_and_raw_names() {
        assert_eq!(
            texts("r#type::a->b=>c"),
            ["type", "::", "a", "->", "b", "=>", "c"]
        );
    }

    #[test]
    fn lines_are_counted_inside_of_literals() {
        let found = tokens("a \"\n\n\" b\nc");
        let lines: Vec<_> = found.iter().map(|t| (t.line, t.end)).collect();
        assert_eq!(lines, [(1, 1), (1, 3), (3, 3), (4, 4)]);
    }
}
