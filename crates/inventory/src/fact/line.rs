//! The fact line: `kind  account  region  id  canonical-sha256  raw-sha256`, tab separated, one
//! fact a line.

use std::borrow::Cow;
use std::fmt::{self, Write};

use super::document::Fact;
use super::hash::Hash;

/// A fact without its document, as it stands in a `.facts` file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FactLine<'a> {
    /// `iam:userpolicy`, …, escaped.
    pub kind: &'a str,
    /// Twelve digits, escaped.
    pub account: &'a str,
    /// A region or `global`, escaped.
    pub region: &'a str,
    /// Escaped; [`unescape`] gives the id itself.
    pub id: &'a str,
    /// Hash of what matters.
    pub canonical: Hash,
    /// Hash of the document.
    pub raw: Hash,
}

/// Why a line is no fact line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Not six fields.
    #[error("a fact line has six tab-separated fields, this one has {0}")]
    Fields(usize),
    /// The fifth or sixth field is not a SHA-256.
    #[error("not a SHA-256 in lower-case hex")]
    Hash,
}

impl<'a> FactLine<'a> {
    /// Parses one line, without its line feed.
    ///
    /// # Errors
    /// See [`LineError`].
    pub fn parse(line: &'a str) -> Result<Self, LineError> {
        let mut fields = line.split('\t');
        let mut next = |n| fields.next().ok_or(LineError::Fields(n));
        let (kind, account, region, id) = (next(0)?, next(1)?, next(2)?, next(3)?);
        let canonical = Hash::parse(next(4)?).ok_or(LineError::Hash)?;
        let raw = Hash::parse(next(5)?).ok_or(LineError::Hash)?;
        match fields.count() {
            0 => Ok(Self {
                kind,
                account,
                region,
                id,
                canonical,
                raw,
            }),
            more => Err(LineError::Fields(6 + more)),
        }
    }

    /// Identity of the fact: kind, account, region, id.
    #[must_use]
    pub fn key(&self) -> (&'a str, &'a str, &'a str, &'a str) {
        (self.kind, self.account, self.region, self.id)
    }
}

/// The fact line of a fact, without a line feed.
impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, account, region, id) = (
            escape(&self.kind),
            escape(&self.account),
            escape(&self.region),
            escape(&self.id),
        );
        write!(
            f,
            "{kind}\t{account}\t{region}\t{id}\t{}\t{}",
            self.canonical, self.raw
        )
    }
}

/// Writes tab, line feed, backslash and every other control character as `\xNN`, byte by byte.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(|c: char| c == '\\' || c.is_control()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c == '\\' || c.is_control() {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(out, "\\x{byte:02x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// The inverse of [`escape`]. A malformed escape stands for itself.
#[must_use]
pub fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = (first == b'\\' && tail.first() == Some(&b'x'))
            .then(|| {
                tail.get(1..3)
                    .and_then(|hex| str::from_utf8(hex).ok())
                    .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            })
            .flatten();
        out.push(code.unwrap_or(first));
        rest = if code.is_some() { &tail[3..] } else { tail };
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn escapes_come_back(text in any::<String>()) {
            let escaped = escape(&text).into_owned();
            prop_assert!(!escaped.contains(|c: char| c.is_control()));
            prop_assert_eq!(unescape(&escaped), text);
        }

        #[test]
        fn any_line_is_read_or_refused(line in any::<String>()) {
            let _ = FactLine::parse(&line);
        }
    }
}
