//! Values that may be secret (environment variables, user data): what a fact keeps in their place.
//!
//! A plain hash of a guessable value gives it away to whoever guesses. So a store hashes with a key
//! that follows from its signing key, which is never in the store (HMAC-SHA-256, RFC 2104).

use std::fmt;

use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::fields::{FieldClasses, join};
use super::hash::Hash;

/// The key that a store hides values with.
#[derive(Clone)]
pub struct SecretKey([u8; 32]);

impl SecretKey {
    /// The key that follows from 32 secret bytes, such as the seed of a signing key.
    #[must_use]
    pub fn derive(seed: &[u8; 32]) -> Self {
        Self(mac(seed, b"bartizan: values that may be secret, v1"))
    }

    /// Hash in place of a value: `hmac-sha256:5f3a9c01:` and 64 hex digits. The eight
    /// digits tell one key from another.
    #[must_use]
    pub fn hide(&self, value: &str) -> String {
        let name = Hash(mac(&self.0, b"bartizan: name of this key")).to_string();
        format!(
            "{KEYED}{}:{}",
            &name[..8],
            Hash(mac(&self.0, value.as_bytes()))
        )
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// Hash in place of a value where no store has a key: `sha256:` and 64 hex digits.
pub(super) fn hide_plainly(value: &str) -> String {
    format!("{PLAIN}{}", Hash::of(value.as_bytes()))
}

const KEYED: &str = "hmac-sha256:";
const PLAIN: &str = "sha256:";

fn mac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    // A key of any length will do, so this cannot fail.
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// How a value was hidden: `sha256:`, or `hmac-sha256:` with the name of the key.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, digits) = text.split_at_checked(text.len().checked_sub(64)?)?;
    let known = scheme == PLAIN || (scheme.starts_with(KEYED) && scheme.len() == KEYED.len() + 9);
    (known && Hash::parse(digits).is_some()).then_some(scheme)
}

/// Makes hidden values that were hidden in two ways, so that nobody can say whether they differ,
/// the same in both documents. Gives how many.
pub(crate) fn align(classes: &FieldClasses, before: &Value, after: &mut Value) -> usize {
    align_at(classes, "", before, after)
}

fn align_at(classes: &FieldClasses, path: &str, before: &Value, after: &mut Value) -> usize {
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            let inner = b
                .iter_mut()
                .filter_map(|(key, after)| Some((join(path, key), a.get(key)?, after)));
            inner
                .map(|(path, before, after)| align_at(classes, &path, before, after))
                .sum()
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .map(|(before, after)| align_at(classes, path, before, after))
            .sum(),
        (Value::String(a), Value::String(b)) if classes.secret.covers(path) => {
            match (scheme(a), scheme(b)) {
                (Some(old), Some(new)) if old != new => {
                    b.clone_from(a);
                    1
                }
                _ => 0,
            }
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fact::FactKinds;

    #[test]
    fn a_value_is_hidden_by_the_key() {
        let (one, other) = (SecretKey::derive(&[1; 32]), SecretKey::derive(&[2; 32]));
        assert_eq!(one.hide("hunter2"), one.hide("hunter2"));
        assert_ne!(one.hide("hunter2"), one.hide("hunter3"));
        assert_ne!(scheme(&one.hide("hunter2")), scheme(&other.hide("hunter2")));
        assert!(
            !one.hide("hunter2")
                .contains(&Hash::of(b"hunter2").to_string())
        );
        assert_eq!(format!("{one:?}"), "SecretKey(…)");
    }

    #[test]
    fn values_of_two_keys_are_not_compared_and_values_of_one_are() {
        let kinds = FactKinds::builtin();
        let classes = kinds.classes("lambda:function");
        let key = SecretKey::derive(&[1; 32]);
        let with =
            |value: String| json!({"Environment": {"Variables": {"TOKEN": value}}, "Role": "r"});
        let (plain, keyed) = (with(hide_plainly("a")), with(key.hide("b")));
        let mut after = keyed.clone();
        assert_eq!(align(classes, &plain, &mut after), 1);
        assert_eq!(after, plain);
        let mut after = with(key.hide("c"));
        assert_eq!(align(classes, &keyed, &mut after), 0);
        // A text of the same form elsewhere is what somebody wrote there.
        let (before, mut after) = (
            json!({"Role": hide_plainly("a")}),
            json!({"Role": key.hide("a")}),
        );
        assert_eq!(align(classes, &before, &mut after), 0);
    }
}
