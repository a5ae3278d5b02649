//! Condition keys of a request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Values of one condition key.
///
/// ```
/// use bartizan_iam::{Context, ContextLookup, ContextValue};
/// let mut context = Context::default();
/// context.set(
///     "aws:TagKeys",
///     ContextValue::Many(vec!["a".into(), "b".into()]),
/// );
/// assert!(
///     matches!(context.get("aws:tagkeys"),
///         ContextLookup::Is(ContextValue::Many(keys)) if keys.len() == 2)
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum ContextValue {
    /// A key with one value.
    One(#[serde(deserialize_with = "scalar")] String),
    /// A key with several, which only the set operators read.
    Many(Vec<String>),
    /// A key with one value of which only the beginning is known: `aws:userid` of a role is
    /// `AROAEXAMPLE:` and the name of a session.
    #[serde(skip)]
    StartsWith(String),
}

fn scalar<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => Ok(text),
        serde_json::Value::Bool(value) => Ok(value.to_string()),
        serde_json::Value::Number(value) => Ok(value.to_string()),
        _ => Err(serde::de::Error::custom(
            "a condition key needs a text, a number, true, false, or a list of texts",
        )),
    }
}

/// Lookup of a condition key.
///
/// ```
/// use bartizan_iam::{Context, ContextLookup};
/// assert_eq!(Context::default().get("aws:sourceip"), ContextLookup::Absent);
/// // In an open context what is not given may be anything.
/// assert_eq!(Context::open().get("aws:sourceip"), ContextLookup::Unknown);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContextLookup<'a> {
    /// The request has it.
    Is(&'a ContextValue),
    /// The request does not have it.
    Absent,
    /// Nobody knows.
    Unknown,
}

/// Knowledge of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum KnownKey {
    Is(ContextValue),
    Absent,
    Unknown,
}

/// Condition keys of a request, in any case.
///
/// ```
/// use bartizan_iam::{Context, ContextLookup, ContextValue};
/// let mut context = Context::open();
/// context.set("aws:SourceIp", ContextValue::One("203.0.113.9".into()));
/// assert_eq!(
///     context.get("aws:sourceip"),
///     ContextLookup::Is(&ContextValue::One("203.0.113.9".into()))
/// );
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    keys: BTreeMap<String, KnownKey>,
    /// Beginnings of keys, in lower case: those that are not named are absent.
    complete: Vec<String>,
    /// Whether keys that are not named may have any value, or none.
    pub open: bool,
}

impl Context {
    /// A context of which only some keys are known.
    pub fn open() -> Self {
        Self {
            open: true,
            ..Self::default()
        }
    }

    /// Adds a key.
    pub fn set(&mut self, key: &str, given: ContextValue) {
        self.keys
            .insert(key.to_ascii_lowercase(), KnownKey::Is(given));
    }

    /// Notes that the request does not have a key.
    ///
    /// ```
    /// use bartizan_iam::{Context, ContextLookup};
    /// let mut context = Context::open();
    /// context.absent("aws:username");
    /// assert_eq!(context.get("aws:username"), ContextLookup::Absent);
    /// ```
    pub fn absent(&mut self, key: &str) {
        self.keys.insert(key.to_ascii_lowercase(), KnownKey::Absent);
    }

    /// Notes that nobody knows a key, not even who would from the caller.
    pub(crate) fn unknown(&mut self, key: &str) {
        self.keys
            .insert(key.to_ascii_lowercase(), KnownKey::Unknown);
    }

    /// Notes that all keys which begin so are named, e.g. `aws:PrincipalTag/`: others are absent.
    pub(crate) fn complete_prefix(&mut self, prefix: &str) {
        self.complete.push(prefix.to_ascii_lowercase());
    }

    /// The same with what is known of a request: that wins.
    pub(crate) fn given(mut self, request: &Self) -> Self {
        let keys = request.keys.iter();
        self.keys
            .extend(keys.map(|(key, known)| (key.clone(), known.clone())));
        self.complete.extend(request.complete.iter().cloned());
        self
    }

    /// Adds a key with one value, unless it is there.
    pub fn default_to(&mut self, key: &str, value: impl FnOnce() -> String) {
        self.keys
            .entry(key.to_ascii_lowercase())
            .or_insert_with(|| KnownKey::Is(ContextValue::One(value())));
    }

    /// Adds a key with its value, unless something is known of it.
    pub(crate) fn default_value(&mut self, key: &str, value: ContextValue) {
        let known = self.keys.entry(key.to_ascii_lowercase());
        known.or_insert(KnownKey::Is(value));
    }

    /// Notes that the request does not have a key, unless something is known of it.
    pub(crate) fn default_absent(&mut self, key: &str) {
        let known = self.keys.entry(key.to_ascii_lowercase());
        known.or_insert(KnownKey::Absent);
    }

    /// All keys that it has, in lower case, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ContextValue)> {
        self.keys.iter().filter_map(|(key, known)| match known {
            KnownKey::Is(given) => Some((key.as_str(), given)),
            KnownKey::Absent | KnownKey::Unknown => None,
        })
    }

    /// Lookup of a key, named in lower case.
    pub fn get(&self, lower: &str) -> ContextLookup<'_> {
        match self.keys.get(lower) {
            Some(KnownKey::Is(given)) => ContextLookup::Is(given),
            Some(KnownKey::Absent) => ContextLookup::Absent,
            Some(KnownKey::Unknown) => ContextLookup::Unknown,
            None if self.complete.iter().any(|prefix| lower.starts_with(prefix)) => {
                ContextLookup::Absent
            }
            None if self.open => ContextLookup::Unknown,
            None => ContextLookup::Absent,
        }
    }
}
