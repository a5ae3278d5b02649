//! Functions fit on a screen. Tables may be longer.
//!
//! A function is a table if its body is a single `match` or list (`[…]`, `&[…]`, `vec![…]`) in
//! which every arm or entry is on one line; a pattern may continue on a line that begins with `|`.

use super::lex::{Lexeme, LexemeKind};
use super::tree::{Tree, Violation, close};

/// Lines of a function, from `fn` to its last brace.
const LINES_MAX: usize = 80;

/// Functions that are too long.
pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in tree.product() {
        let code = &source.code;
        for at in 0..code.len() {
            let Some(name) = code
                .get(at + 1)
                .filter(|t| code[at].is("fn") && t.kind == LexemeKind::Word)
            else {
                continue;
            };
            let Some(open) = body(code, at) else { continue };
            let Some(end) = close(code, open) else {
                continue;
            };
            let lines = code[end].line + 1 - code[at].line;
            if lines > LINES_MAX && !is_table(&code[open + 1..end]) {
                found.push(Violation {
                    path: source.path.clone(),
                    line: code[at].line,
                    wrong: format!("{} has {lines} lines", name.text),
                    cure: format!(
                        "cut it into steps of at most {LINES_MAX} lines, or make its cases a table"
                    ),
                });
            }
        }
    }
    found
}

/// Position of the opening brace of a function's body.
fn body(code: &[Lexeme], at: usize) -> Option<usize> {
    let mut at = at;
    loop {
        let token = code.get(at)?;
        if token.is("{") {
            return Some(at);
        }
        if token.is(";") {
            return None;
        }
        at = if token.is("(") || token.is("[") {
            close(code, at)? + 1
        } else {
            at + 1
        };
    }
}

fn is_table(body: &[Lexeme]) -> bool {
    let open = body
        .iter()
        .position(|t| t.is("{") || t.is("["))
        .unwrap_or(body.len());
    let starts = body
        .first()
        .is_some_and(|t| ["match", "[", "&", "vec"].iter().any(|word| t.is(word)));
    if !starts || close(body, open) != Some(body.len().saturating_sub(1)) {
        return false;
    }
    let rows = &body[open + 1..body.len() - 1];
    let mut depth = 0_i64;
    let mut line = 0;
    for token in rows {
        if token.line > line && depth > 0 {
            return false;
        }
        line = token.end;
        depth += i64::from(["(", "[", "{"].iter().any(|open| token.is(open)));
        depth -= i64::from([")", "]", "}"].iter().any(|close| token.is(close)));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(source: &str) -> Vec<String> {
        let tree = Tree::of(&[
            ("crates/a/Cargo.toml", "[package]\nname = \"a\""),
            ("crates/a/src/lib.rs", source),
        ]);
        check(&tree)
            .into_iter()
            .map(|v| format!("{} {}", v.line, v.wrong))
            .collect()
    }

    #[test]
    fn eighty_lines_fit_and_one_more_does_not() {
        let of = |lines: usize| {
            format!(
                "\nfn f(a: [u8; 2]) {{\n{}}}\n",
                "    g();\n".repeat(lines - 2)
            )
        };
        assert!(wrong(&of(80)).is_empty());
        assert_eq!(wrong(&of(81)), ["2 f has 81 lines"]);
        assert!(wrong(&format!("#[cfg(test)]\nmod tests {{ {} }}", of(100))).is_empty());
    }

    #[test]
    fn a_table_may_be_longer_but_not_one_with_steps_in_it() {
        let table = |rows: &str| format!("fn f() -> u8 {{\n    match g(1) {{\n{rows}    }}\n}}\n");
        let arms = "        A { b } | C\n        | D => h(b),\n".repeat(60);
        assert!(wrong(&table(&arms)).is_empty());
        assert_eq!(
            wrong(&table(&format!(
                "{arms}        E => {{\n            i();\n        }}\n"
            )))
            .len(),
            1
        );
        assert_eq!(
            wrong(&table(&arms).replace("match", "let x = match")).len(),
            1
        );
    }
}
