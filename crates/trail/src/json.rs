//! Lazy JSON reader: a value is parsed in place, and only when accessed.
//!
//! Only what is read is validated, so damage in a record affects only the damaged part. No function
//! panics on any input.

use std::borrow::Cow;

use bartizan_model::limits::NESTING_MAX;

/// JSON value that starts at `at` in `bytes`.
#[derive(Debug, Clone, Copy)]
pub struct JsonValue<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Type of a value, by its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonKind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// `"…"`
    String,
    /// Number, true, false, null, or invalid JSON.
    Scalar,
}

impl<'a> JsonValue<'a> {
    /// Value at or after `at`; `None` at the end of the bytes.
    pub fn new(bytes: &'a [u8], at: usize) -> Option<Self> {
        let blank = bytes
            .get(at..)?
            .iter()
            .position(|b| !b.is_ascii_whitespace())?;
        Some(Self {
            bytes,
            at: at + blank,
        })
    }

    /// Type of the value, from its first byte.
    pub fn kind(self) -> JsonKind {
        match self.bytes[self.at] {
            b'{' => JsonKind::Object,
            b'[' => JsonKind::Array,
            b'"' => JsonKind::String,
            _ => JsonKind::Scalar,
        }
    }

    /// Raw bytes of the value.
    pub fn raw(self) -> &'a [u8] {
        &self.bytes[self.at..value_end(self.bytes, self.at)]
    }

    /// Raw bytes of the value, with the byte before it.
    pub(super) fn with_byte_before(self) -> &'a [u8] {
        &self.bytes[self.at.saturating_sub(1)..value_end(self.bytes, self.at)]
    }

    /// Raw content of a string, with its escapes.
    pub fn raw_string(self) -> Option<&'a [u8]> {
        (self.kind() == JsonKind::String).then(|| {
            let end = string_end(self.bytes, self.at);
            // The closing quote is missing if the record was truncated.
            let close = if end > self.at + 1 && self.bytes[end - 1] == b'"' {
                end - 1
            } else {
                end
            };
            &self.bytes[self.at + 1..close]
        })
    }

    /// Content of a string, trimmed. Invalid UTF-8 becomes U+FFFD.
    pub fn string(self) -> Option<Cow<'a, str>> {
        self.raw_string().map(unescape).map(trimmed)
    }

    /// Content of a string, or text of a number, true or false; `None` for null, objects and
    /// arrays.
    pub fn text(self) -> Option<Cow<'a, str>> {
        match self.kind() {
            JsonKind::String => self.string(),
            JsonKind::Scalar => match self.raw() {
                b"null" | b"" => None,
                raw => Some(readable(raw)),
            },
            _ => None,
        }
    }

    /// Whether the value is `null`.
    pub fn is_null(self) -> bool {
        self.kind() == JsonKind::Scalar && self.raw() == b"null"
    }

    /// Member of an object by name. If there is none, a member whose name differs in case or
    /// separators only: data lakes write `user_name` and `username` for `userName`.
    pub fn get(self, name: &str) -> Option<Self> {
        let mut alike = None;
        for (key, value) in self.raw_members() {
            let plain = if key.contains(&b'\\') {
                Cow::Owned(unescape(key).into_owned().into_bytes())
            } else {
                Cow::Borrowed(key)
            };
            if *plain == *name.as_bytes() {
                return Some(value);
            }
            if alike.is_none() && is_alike(&plain, name.as_bytes()) {
                alike = Some(value);
            }
        }
        alike
    }

    /// Members of an object in order; empty for anything else.
    pub fn members(self) -> impl Iterator<Item = (Cow<'a, str>, Self)> {
        self.raw_members()
            .map(|(key, value)| (unescape(key), value))
    }

    /// Members of an object in order, with their names as raw bytes; empty for anything else.
    pub fn raw_members(self) -> impl Iterator<Item = (&'a [u8], Self)> {
        let (bytes, mut at) = (self.bytes, self.at + 1);
        let object = self.kind() == JsonKind::Object;
        std::iter::from_fn(move || {
            if !object {
                return None;
            }
            at = skip_blank(bytes, at);
            if bytes.get(at) != Some(&b'"') {
                return None;
            }
            let end = string_end(bytes, at);
            let key = &bytes[at + 1..end.max(at + 2) - 1];
            at = skip_blank(bytes, end);
            if bytes.get(at) != Some(&b':') {
                return None;
            }
            let value = Self::new(bytes, at + 1)?;
            at = value_end(bytes, value.at);
            Some((key, value))
        })
    }

    /// Elements of an array in order; empty for anything else.
    pub fn elements(self) -> impl Iterator<Item = Self> {
        let (bytes, mut at) = (self.bytes, self.at + 1);
        let array = self.kind() == JsonKind::Array;
        std::iter::from_fn(move || {
            if !array {
                return None;
            }
            at = skip_blank(bytes, at);
            if matches!(bytes.get(at), None | Some(b']' | b'}')) {
                return None;
            }
            let value = Self { bytes, at };
            let end = value_end(bytes, at);
            at = end.max(at + 1);
            Some(value)
        })
    }

    /// JSON text of the value, without whitespace between tokens.
    pub fn compact(self) -> Cow<'a, str> {
        let raw = self.raw();
        let (mut blanks, mut at) = (false, 0);
        while at < raw.len() {
            match raw[at] {
                b'"' => at = string_end(raw, at),
                b => {
                    blanks |= b.is_ascii_whitespace();
                    at += 1;
                }
            }
        }
        if !blanks {
            return readable(raw);
        }
        let (mut out, mut at) = (Vec::with_capacity(raw.len()), 0);
        while at < raw.len() {
            let end = if raw[at] == b'"' {
                string_end(raw, at)
            } else {
                at + 1
            };
            if !raw[at].is_ascii_whitespace() {
                out.extend_from_slice(&raw[at..end]);
            }
            at = end;
        }
        Cow::Owned(String::from_utf8_lossy(&out).into_owned())
    }
}

/// Whether two names are equal except for case, `_`, `-` and spaces.
#[inline]
fn is_alike(key: &[u8], name: &[u8]) -> bool {
    // Nearly all names differ in their first character, or in length without any separators.
    let (Some(a), Some(b)) = (key.first(), name.first()) else {
        return false;
    };
    if !a.eq_ignore_ascii_case(b) && a.is_ascii_alphanumeric() {
        return false;
    }
    let letters = |text: &'_ [u8]| {
        text.iter()
            .filter(|b| !b"_- ".contains(b))
            .map(u8::to_ascii_lowercase)
            .collect::<Vec<u8>>()
    };
    if key.len() == name.len() {
        key.eq_ignore_ascii_case(name)
    } else {
        letters(key) == letters(name)
    }
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    let blank = |b: Option<&u8>| b.is_some_and(u8::is_ascii_whitespace);
    if !blank(text.as_bytes().first()) && !blank(text.as_bytes().last()) {
        return text;
    }
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_ascii()),
        Cow::Owned(text) => Cow::Owned(text.trim_ascii().to_owned()),
    }
}

/// Skips whitespace and commas between two values.
fn skip_blank(bytes: &[u8], mut at: usize) -> usize {
    while bytes
        .get(at)
        .is_some_and(|b| b.is_ascii_whitespace() || *b == b',')
    {
        at += 1;
    }
    at
}

/// Offset just after the string that opens at `at`, or the end of the bytes.
fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut from = at + 1;
    while let Some(found) = memchr::memchr2(b'"', b'\\', bytes.get(from..).unwrap_or_default()) {
        if bytes[from + found] == b'"' {
            return from + found + 1;
        }
        from += found + 2;
    }
    bytes.len()
}

/// Offset just after the value that starts at `at`, or the end of the bytes.
fn value_end(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(b'"') => string_end(bytes, at),
        Some(b'{' | b'[') => {
            let (mut depth, mut at) = (0usize, at);
            while let Some(&b) = bytes.get(at) {
                at = if b == b'"' {
                    string_end(bytes, at)
                } else {
                    at + 1
                };
                match b {
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    return at;
                }
                if depth > NESTING_MAX {
                    return bytes.len();
                }
            }
            bytes.len()
        }
        _ => {
            let rest = bytes.get(at..).unwrap_or_default();
            at + rest
                .iter()
                .position(|b| b",}]".contains(b) || b.is_ascii_whitespace())
                .unwrap_or(rest.len())
        }
    }
}

/// Text with U+FFFD for invalid UTF-8. Nearly all text is valid, and checking it as a whole is
/// fastest.
fn readable(raw: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(raw) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(raw),
    }
}

/// Decodes the escapes of a string (RFC 8259, section 7). Invalid escapes become U+FFFD.
pub fn unescape(raw: &[u8]) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'\\', raw) else {
        return readable(raw);
    };
    let mut out = Vec::with_capacity(raw.len());
    out.extend_from_slice(&raw[..first]);
    let mut at = first;
    while at < raw.len() {
        if raw[at] != b'\\' {
            let plain = memchr::memchr(b'\\', &raw[at..]).map_or(raw.len(), |n| at + n);
            out.extend_from_slice(&raw[at..plain]);
            at = plain;
            continue;
        }
        let escape = raw.get(at + 1).copied().unwrap_or_default();
        at += 2;
        let plain = match escape {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'b' => 8,
            b'f' => 12,
            b'"' | b'\\' | b'/' => escape,
            b'u' => {
                let (c, used) = unicode(&raw[at.min(raw.len())..]);
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                at += used;
                continue;
            }
            _ => {
                out.extend_from_slice("\u{fffd}".as_bytes());
                continue;
            }
        };
        out.push(plain);
    }
    match String::from_utf8(out) {
        Ok(text) => Cow::Owned(text),
        Err(e) => Cow::Owned(String::from_utf8_lossy(e.as_bytes()).into_owned()),
    }
}

/// Character of a `\u` escape, with the number of bytes read.
fn unicode(rest: &[u8]) -> (char, usize) {
    let hex = |from: usize| {
        rest.get(from..from + 4)
            .and_then(|h| u32::from_str_radix(std::str::from_utf8(h).ok()?, 16).ok())
    };
    let Some(high) = hex(0) else {
        return (char::REPLACEMENT_CHARACTER, 0);
    };
    if (0xd800..0xdc00).contains(&high)
        && rest.get(4..6) == Some(b"\\u".as_slice())
        && let Some(low) = hex(6)
        && (0xdc00..0xe000).contains(&low)
    {
        let c = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return (char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER), 10);
    }
    (
        char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER),
        4,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_members_and_text() {
        let json =
            br#" { "a" : [ 1, "x\"y" , {"b":null} ], "c\u0041": true , "d":"\ud83d\ude00\n" } "#;
        let value = JsonValue::new(json, 0).unwrap();
        let names: Vec<_> = value.members().map(|(k, _)| k.into_owned()).collect();
        assert_eq!(names, ["a", "cA", "d"]);
        assert_eq!(
            value.get("d").unwrap().text().unwrap(),
            "😀",
            "without blanks at its ends"
        );
        assert_eq!(
            value.get("C_a").unwrap().text().unwrap(),
            "true",
            "by a name in another form"
        );
        let a: Vec<_> = value
            .get("a")
            .unwrap()
            .elements()
            .map(|v| v.compact().into_owned())
            .collect();
        assert_eq!(a, ["1", r#""x\"y""#, r#"{"b":null}"#]);
        assert_eq!(
            value.compact(),
            r#"{"a":[1,"x\"y",{"b":null}],"c\u0041":true,"d":"\ud83d\ude00\n"}"#
        );
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_run_for_ever(bytes in proptest::collection::vec(proptest::sample::select(b"\\\"{}[]:, \nua1\xff".to_vec()), 0..200)) {
            if let Some(value) = JsonValue::new(&bytes, 0) {
                for (_, v) in value.members() { let _ = (v.text(), v.compact()); }
                for v in value.elements() { let _ = (v.text(), v.compact()); }
                let _ = value.string();
            }
        }
    }
}
