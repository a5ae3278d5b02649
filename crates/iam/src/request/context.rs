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
///     matches!(context.get("aws:tagkeys"), ContextLookup::Is(ContextValue::Many(keys)) if keys.len() == 2)
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum ContextValue {
    /// A key with one value.
    One(#[serde(deserialize_with = "scalar")] String),
    /// A key with several, which only the set operators read.
    Many(Vec<String>),
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
    keys: BTreeMap<String, ContextValue>,
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
        self.keys.insert(key.to_ascii_lowercase(), given);
    }

    /// Adds a key with one value, unless it is there.
    pub fn default_to(&mut self, key: &str, value: impl FnOnce() -> String) {
        self.keys
            .entry(key.to_ascii_lowercase())
            .or_insert_with(|| ContextValue::One(value()));
    }

    /// All keys, in lower case, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ContextValue)> {
        self.keys.iter().map(|(key, given)| (key.as_str(), given))
    }

    /// Lookup of a key, named in lower case.
    pub fn get(&self, lower: &str) -> ContextLookup<'_> {
        match self.keys.get(lower) {
            Some(given) => ContextLookup::Is(given),
            None if self.open => ContextLookup::Unknown,
            None => ContextLookup::Absent,
        }
    }
}
