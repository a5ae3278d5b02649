//! Signatures of digests beside them. S3 keeps a signature in the metadata of the object, which a
//! copy on a disk does not have.

use std::collections::BTreeMap;

use super::name::key_of;

/// Signatures by key, from `AWSLogs/` on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DigestSignatures {
    /// All signatures of a key, hex. RSA PKCS#1 v1.5 gives one text one signature, so a second is
    /// wrong.
    by_key: BTreeMap<String, Vec<String>>,
    /// Numbers of the lines that are none.
    pub(super) unreadable: Vec<usize>,
}

impl DigestSignatures {
    /// Reads lines of `HEX KEY`. Empty lines and those that begin with `#` are left out.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut signatures = Self::default();
        for (n, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.split_once(char::is_whitespace) {
                Some((hex, key)) if key_of(key.trim()).is_some() => {
                    signatures.add(key.trim(), hex);
                }
                _ => signatures.unreadable.push(n + 1),
            }
        }
        signatures
    }

    /// Adds the signature of a digest, by its key or path.
    pub fn add(&mut self, key: &str, hex: &str) {
        let key = key_of(key).unwrap_or(key).to_owned();
        let same = self.by_key.entry(key).or_default();
        let hex = hex.to_ascii_lowercase();
        if !same.contains(&hex) {
            same.push(hex);
        }
    }

    /// Adds all of `other`.
    pub fn add_all(&mut self, other: &Self) {
        for (key, list) in &other.by_key {
            list.iter().for_each(|hex| self.add(key, hex));
        }
    }

    /// Signatures of a key; empty if there is none.
    pub(super) fn of(&self, key: &str) -> &[String] {
        self.by_key.get(key).map_or(&[], Vec::as_slice)
    }

    /// Keys that have a signature.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.by_key.keys().map(String::as_str)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Lines of `HEX KEY`, sorted by key.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.by_key
            .iter()
            .flat_map(|(key, list)| list.iter().map(move |hex| format!("{hex} {key}\n")))
            .collect()
    }
}
