//! Parser for structures as exports print them: JSON, Athena and Trino rows (`{type=IAMUser,
//! arn=…}`), and Python dictionaries (`{'type': 'IAMUser', 'mfa': None}`).

use serde_json::{Map, Number, Value};

use bartizan_model::limits::NESTING_MAX;

/// Object or list in a text; `None` if it is neither, or incomplete.
pub(super) fn parse(text: &str) -> Option<Value> {
    let text = text.trim();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    [LooseStyle::Python, LooseStyle::Row]
        .into_iter()
        .find_map(|style| {
            let mut reader = LooseReader { text, at: 0, style };
            let value = reader.value(0)?;
            reader.blank();
            (reader.at == text.len()).then_some(value)
        })
}

#[derive(Clone, Copy, PartialEq)]
enum LooseStyle {
    Python,
    /// Names are bare and end with `=`; values are bare and end at a comma and a space before the
    /// next name. A value that contains such a comma and name would be ambiguous, but names of
    /// users and sessions contain no spaces (IAM API reference).
    Row,
}

struct LooseReader<'t> {
    text: &'t str,
    at: usize,
    style: LooseStyle,
}

impl LooseReader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn blank(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn take(&mut self, c: char) -> Option<()> {
        self.blank();
        self.rest().starts_with(c).then(|| self.at += c.len_utf8())
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > NESTING_MAX {
            return None;
        }
        self.blank();
        match self.rest().chars().next()? {
            '{' => self.object(depth),
            '[' => self.list(depth),
            _ if self.style == LooseStyle::Row => self.bare(),
            quote @ ('\'' | '"') => Some(Value::String(self.quoted(quote)?)),
            _ => self.word(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.take('{')?;
        let mut fields = Map::new();
        loop {
            if self.take('}').is_some() {
                return Some(Value::Object(fields));
            }
            if !fields.is_empty() {
                self.take(',')?;
                self.blank();
            }
            let name = match self.style {
                LooseStyle::Row => {
                    let name = row_name(self.rest())?.to_owned();
                    self.at += name.len() + 1;
                    name
                }
                LooseStyle::Python => {
                    let quote = self
                        .rest()
                        .chars()
                        .next()
                        .filter(|c| matches!(c, '\'' | '"'))?;
                    let name = self.quoted(quote)?;
                    self.take(':')?;
                    name
                }
            };
            let value = self.value(depth + 1)?;
            // The first one wins: what follows may be part of a value.
            fields.entry(name).or_insert(value);
        }
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        self.take('[')?;
        let mut list = Vec::new();
        loop {
            if self.take(']').is_some() {
                return Some(Value::Array(list));
            }
            if !list.is_empty() {
                self.take(',')?;
            }
            list.push(self.value(depth + 1)?);
        }
    }

    /// Bare value of a row: up to the end of its container, or to the next name.
    fn bare(&mut self) -> Option<Value> {
        let rest = self.rest();
        let end = rest.char_indices().find(|(n, c)| match c {
            '}' | ']' => true,
            ',' => rest[n + 1..]
                .strip_prefix(' ')
                .is_some_and(|next| row_name(next).is_some() || next.starts_with(['{', '['])),
            _ => false,
        });
        let text = rest[..end?.0].trim().to_owned();
        self.at += end?.0;
        Some(if text == "null" {
            Value::Null
        } else {
            Value::String(text)
        })
    }

    fn quoted(&mut self, quote: char) -> Option<String> {
        self.take(quote)?;
        let mut out = String::new();
        let rest = self.rest().to_owned();
        let mut letters = rest.char_indices();
        while let Some((n, c)) = letters.next() {
            match c {
                c if c == quote => {
                    self.at += n + c.len_utf8();
                    return Some(out);
                }
                '\\' => match letters.next()?.1 {
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    'r' => out.push('\r'),
                    other => out.push(other),
                },
                c => out.push(c),
            }
        }
        None
    }

    fn word(&mut self) -> Option<Value> {
        let rest = self.rest();
        let end = rest.find([',', '}', ']', ':']).unwrap_or(rest.len());
        let word = rest[..end].trim();
        let value = match word {
            "True" | "true" => Value::Bool(true),
            "False" | "false" => Value::Bool(false),
            "None" | "null" | "nan" | "NaN" => Value::Null,
            number => Value::Number(number.parse::<Number>().ok()?),
        };
        self.at += end;
        Some(value)
    }
}

/// Name before `=`, if a text starts with one.
fn row_name(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    (end > 0 && text[end..].starts_with('=')).then(|| &text[..end])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn exports_of_one_identity_are_the_same() {
        let wanted = json!({
            "type": "IAMUser",
            "arn": "arn:aws:iam::1:user/a,b=c",
            "invokedby": null,
            "sessioncontext": {
                "attributes": {"mfaauthenticated": "false"},
                "list": [{"a": "1"}, {"a": "2"}],
            },
        });
        for text in [
            wanted.to_string(),
            "{type=IAMUser, arn=arn:aws:iam::1:user/a,b=c, invokedby=null, sessioncontext={attributes={mfaauthenticated=false}, list=[{a=1}, {a=2}]}}".to_owned(),
            "{'type': 'IAMUser', 'arn': \"arn:aws:iam::1:user/a,b=c\", 'invokedby': None, 'sessioncontext': {'attributes': {'mfaauthenticated': 'false'}, 'list': [{'a': '1'}, {'a': '2'}]}}".to_owned(),
        ] {
            assert_eq!(parse(&text), Some(wanted.clone()), "{text}");
        }
        for text in [
            "",
            "x",
            "{",
            "{a",
            "{a=1",
            "{'a': }",
            "{type=IAMUser, arn=arn:aws",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("{}"), Some(json!({})));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[{\\[][{}\\[\\]'\":,= a1\\\\é]{0,60}") {
            let _ = parse(&text);
        }
    }
}
