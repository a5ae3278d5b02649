//! Public keys of CloudTrail, as `aws cloudtrail list-public-keys` prints them.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::document::DigestDocument;
use super::name::seconds;
use super::signature::verifies;
use bartizan_model::limits::KEY_SLACK_SECONDS;

/// Public keys by fingerprint. Regions have their own, and answers of several may stand in one
/// file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DigestKeys(BTreeMap<String, Vec<DigestKey>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct DigestKey {
    /// PKCS#1 `RSAPublicKey`.
    der: Vec<u8>,
    /// Validity in seconds since 1970, as far as it is known.
    valid_s: (Option<i64>, Option<i64>),
}

/// Judgement of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignatureVerdict {
    Good,
    Bad,
    /// Good, by a key that was not valid then.
    NotValidThen,
    NoKey,
    UnusableKey,
}

/// Text that holds no public keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeysFault {
    NotJson,
    /// Item without `Fingerprint` and `Value`.
    NotAKey,
    NotBase64,
}

impl DigestKeys {
    /// Reads answers of `ListPublicKeys`, lists of keys, or single keys, one after another.
    ///
    /// # Errors
    /// If the text is something else.
    pub fn parse(text: &str) -> Result<Self, KeysFault> {
        let mut keys = Self::default();
        for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
            keys.add(&value.map_err(|_| KeysFault::NotJson)?)?;
        }
        Ok(keys)
    }

    /// Adds an answer of `ListPublicKeys`, a list of keys, or one key.
    ///
    /// # Errors
    /// If it is something else.
    pub fn add(&mut self, value: &Value) -> Result<(), KeysFault> {
        if let Some(list) = value.get("PublicKeyList").unwrap_or(value).as_array() {
            return list.iter().try_for_each(|item| self.add_one(item));
        }
        self.add_one(value)
    }

    fn add_one(&mut self, item: &Value) -> Result<(), KeysFault> {
        let text = |name| item.get(name).and_then(Value::as_str);
        let (fingerprint, value) = text("Fingerprint")
            .zip(text("Value"))
            .ok_or(KeysFault::NotAKey)?;
        let der = STANDARD
            .decode(value.trim())
            .map_err(|_| KeysFault::NotBase64)?;
        let time = |name| match item.get(name) {
            Some(Value::String(text)) => seconds(text),
            Some(Value::Number(n)) => n.as_f64().map(|n| n as i64),
            _ => None,
        };
        let key = DigestKey {
            der,
            valid_s: (time("ValidityStartTime"), time("ValidityEndTime")),
        };
        let same = self.0.entry(fingerprint.to_ascii_lowercase()).or_default();
        if !same.contains(&key) {
            same.push(key);
        }
        Ok(())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a key with this fingerprint is known.
    #[must_use]
    pub fn knows(&self, fingerprint: &str) -> bool {
        self.0.contains_key(&fingerprint.to_ascii_lowercase())
    }

    /// Judges a signature in hex. Backfill digests are written later, with a key of that time.
    pub(super) fn judge(
        &self,
        digest: &DigestDocument,
        signature: &str,
        backfill: bool,
    ) -> SignatureVerdict {
        let Some(keys) = self.0.get(&digest.fingerprint.to_ascii_lowercase()) else {
            return SignatureVerdict::NoKey;
        };
        let mut verdict = SignatureVerdict::UnusableKey;
        for key in keys.iter().filter(|k| is_rsa_2048(&k.der)) {
            if !verifies(&key.der, digest, signature) {
                if verdict == SignatureVerdict::UnusableKey {
                    verdict = SignatureVerdict::Bad;
                }
            } else if key.is_valid(digest.end_s, backfill) {
                return SignatureVerdict::Good;
            } else {
                verdict = SignatureVerdict::NotValidThen;
            }
        }
        verdict
    }
}

impl DigestKey {
    fn is_valid(&self, end_s: i64, backfill: bool) -> bool {
        let (from, to) = self.valid_s;
        (backfill || from.is_none_or(|from| end_s >= from - KEY_SLACK_SECONDS))
            && to.is_none_or(|to| end_s <= to + KEY_SLACK_SECONDS)
    }
}

/// Whether DER is a sequence of a modulus of at least 2048 bits and an exponent.
fn is_rsa_2048(der: &[u8]) -> bool {
    let element = |at: &mut usize, tag: u8| -> Option<usize> {
        if *der.get(*at)? != tag {
            return None;
        }
        let short = usize::from(*der.get(*at + 1)?);
        *at += 2;
        if short < 128 {
            return Some(short);
        }
        let count = short & 127;
        if count > 2 {
            return None;
        }
        let mut length = 0;
        for _ in 0..count {
            length = length << 8 | usize::from(*der.get(*at)?);
            *at += 1;
        }
        Some(length)
    };
    let mut at = 0;
    let whole = element(&mut at, 0x30).is_some_and(|length| at + length == der.len());
    let modulus = element(&mut at, 2).unwrap_or(0);
    at += modulus;
    let exponent = element(&mut at, 2).is_some_and(|length| at + length == der.len());
    whole && modulus >= 256 && exponent
}
