//! One thing that is so in an account, with its document.

use crate::fact::fields::FieldClasses;
use crate::fact::fields::join;
use crate::fact::hash::Hash;
use crate::fact::kinds::{FactKinds, PolicyAttachment};
use bartizan_iam::PolicyType;
use serde_json::{Map, Value};

/// One thing that is so in an account.
#[derive(Clone, Debug)]
pub struct Fact {
    /// `iam:userpolicy`, `s3:bucketpolicy`, …
    pub kind: String,
    /// Twelve digits.
    pub account: String,
    /// A region, or `global`.
    pub region: String,
    /// Stable within kind, account and region.
    pub id: String,
    /// Hash of what matters: the canonical policy, or the document without order and derived
    /// fields.
    pub canonical: Hash,
    /// Hash of `document`.
    pub raw: Hash,
    /// The document without volatile fields and with secrets as hashes: JSON as the AWS CLI prints
    /// it, or a policy's text.
    pub document: Vec<u8>,
    /// The volatile fields, `null` if there are none.
    pub volatile: Value,
    /// When AWS gave the answer: milliseconds since 1970.
    pub time_ms: i64,
}

/// Where and when a fact was read.
#[derive(Clone, Copy, Debug)]
pub struct FactSource<'a> {
    /// Twelve digits.
    pub account: &'a str,
    /// A region, or `global`.
    pub region: &'a str,
    /// Milliseconds since 1970.
    pub time_ms: i64,
}

impl Fact {
    /// A fact whose document is JSON.
    #[must_use]
    pub fn from_json(
        kinds: &FactKinds,
        kind: &str,
        id: String,
        mut value: Value,
        seen: FactSource<'_>,
    ) -> Self {
        let classes = kinds.classes(kind);
        classes.secret.rewrite(&mut value, &mut |v| {
            let text = v.as_str().map_or_else(|| v.to_string(), str::to_owned);
            Some(Value::String(kinds.hide(&text)))
        });
        let mut volatile = Map::new();
        classes.volatile.extract(&mut value, "", &mut volatile);
        let document = value.to_string().into_bytes();
        classes.derived.rewrite(&mut value, &mut |_| None);
        let canonical = Hash::of(canonical_json(&value, classes, "").to_string().as_bytes());
        let volatile = if volatile.is_empty() {
            Value::Null
        } else {
            volatile.into()
        };
        Self::new(kind, id, canonical, document, volatile, seen)
    }

    /// A fact whose document is the text of a policy.
    ///
    /// A text that is no unambiguous policy hashes as itself, so that any change of it shows.
    #[must_use]
    pub fn from_policy(
        kinds: &FactKinds,
        kind: &str,
        id: String,
        text: &str,
        seen: FactSource<'_>,
    ) -> Self {
        let canonical = kinds.canonical_policy(kind, text);
        Self::new(
            kind,
            id,
            canonical,
            text.as_bytes().to_vec(),
            Value::Null,
            seen,
        )
    }

    /// The fact that something is not there: AWS said so with `code` (`NoSuchBucketPolicy`).
    #[must_use]
    pub fn absent(kind: &str, id: String, code: &str, seen: FactSource<'_>) -> Self {
        let document = serde_json::json!({ "Absent": code })
            .to_string()
            .into_bytes();
        Self::new(kind, id, Hash::of(b"absent"), document, Value::Null, seen)
    }

    fn new(
        kind: &str,
        id: String,
        canonical: Hash,
        document: Vec<u8>,
        volatile: Value,
        seen: FactSource<'_>,
    ) -> Self {
        Self {
            kind: kind.to_owned(),
            account: seen.account.to_owned(),
            region: seen.region.to_owned(),
            id,
            canonical,
            raw: Hash::of(&document),
            document,
            volatile,
            time_ms: seen.time_ms,
        }
    }
}

/// Whether a document says that the thing is absent.
#[must_use]
pub fn absent_code(document: &[u8]) -> Option<String> {
    if !document.starts_with(b"{\"Absent\":") {
        return None;
    }
    match serde_json::from_slice(document).ok()? {
        Value::Object(map) if map.len() == 1 => map.get("Absent")?.as_str().map(str::to_owned),
        _ => None,
    }
}

impl FactKinds {
    /// Keyed hash in place of a value that may be secret.
    fn hide(&self, value: &str) -> String {
        self.secret_key()
            .map_or_else(|| super::secret::hide_plainly(value), |key| key.hide(value))
    }

    /// The canonical hash of a fact of `kind` whose document is this policy. A text that is no
    /// unambiguous policy hashes as itself.
    #[must_use]
    pub fn canonical_policy(&self, kind: &str, text: &str) -> Hash {
        match bartizan_iam::parse(text) {
            Ok(policy) => Hash::of(policy.canonical(self.policy_type(kind)).as_bytes()),
            Err(_) => Hash::of(text.as_bytes()),
        }
    }

    /// The policy type of a kind whose documents are policies.
    fn policy_type(&self, kind: &str) -> PolicyType {
        match self.get(kind).policy {
            Some(PolicyAttachment::Trust) => PolicyType::Trust,
            Some(PolicyAttachment::Identity | PolicyAttachment::Unscoped) => PolicyType::Identity,
            // Of services that have no policies of resources, in a user's own call table.
            None if kind.starts_with("iam:") || kind.starts_with("sso:") => PolicyType::Identity,
            None => PolicyType::Resource,
        }
    }
}

/// JSON with keys in order, and lists in order too: AWS answers in any order, save where `ordered`
/// says that order means something.
fn canonical_json(value: &Value, classes: &FieldClasses, path: &str) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(k, _)| *k);
            let entries = entries
                .into_iter()
                .map(|(k, v)| (k.clone(), canonical_json(v, classes, &join(path, k))));
            Value::Object(entries.collect())
        }
        Value::Array(list) => {
            let mut list: Vec<Value> = list
                .iter()
                .map(|v| canonical_json(v, classes, path))
                .collect();
            if !classes.ordered.covers(path) {
                list.sort_by_cached_key(Value::to_string);
            }
            list.into()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SEEN: FactSource<'_> = FactSource {
        account: "123456789012",
        region: "global",
        time_ms: 0,
    };

    fn fact(kind: &str, value: Value) -> Fact {
        Fact::from_json(&FactKinds::builtin(), kind, "x".into(), value, SEEN)
    }

    #[test]
    fn volatile_fields_touch_neither_hash() {
        let a = fact(
            "iam:role",
            json!({"RoleName": "x", "RoleLastUsed": {"Region": "us-east-1"}}),
        );
        let b = fact("iam:role", json!({"RoleName": "x", "RoleLastUsed": {}}));
        assert_eq!((a.raw, a.canonical), (b.raw, b.canonical));
        assert_ne!(a.volatile, b.volatile);
    }

    #[test]
    fn order_touches_only_the_raw_hash() {
        let a = fact(
            "iam:role",
            json!({"Tags": [{"Key": "a"}, {"Key": "b"}], "RoleName": "x"}),
        );
        let b = fact(
            "iam:role",
            json!({"RoleName": "x", "Tags": [{"Key": "b"}, {"Key": "a"}]}),
        );
        assert_eq!(a.canonical, b.canonical);
        assert_ne!(a.raw, b.raw);
    }

    #[test]
    fn order_counts_where_it_means_something() {
        let a = fact(
            "cloudfront:distribution",
            json!({"CacheBehaviors": {"Items": [{"PathPattern": "a"}, {"PathPattern": "b"}]}}),
        );
        let b = fact(
            "cloudfront:distribution",
            json!({"CacheBehaviors": {"Items": [{"PathPattern": "b"}, {"PathPattern": "a"}]}}),
        );
        assert_ne!(a.canonical, b.canonical);
    }

    #[test]
    fn secrets_are_kept_as_hashes() {
        let f = fact(
            "lambda:function",
            json!({"Environment": {"Variables": {"TOKEN": "hunter2"}}}),
        );
        let text = String::from_utf8(f.document).unwrap();
        assert!(
            !text.contains("hunter2")
                && text.contains(
                    "sha256:f52fbd32b2b3b86ff88ef6c490628285f482af15ddcb29541f94bcf526a3f6c7"
                )
        );
    }
}
