//! What Bartizan knows of each kind of fact: its words, how bad a change is, and the class of its
//! fields. All of it is data, in `kinds.toml`.

use std::collections::BTreeMap;

use bartizan_model::Severity;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{SecretKey, join};

/// The table of kinds.
#[derive(Debug)]
pub struct FactKinds {
    kinds: BTreeMap<String, FactKind>,
    unknown: FactKind,
    secret_key: Option<SecretKey>,
}

/// One kind of fact.
#[derive(Debug, Clone, Default)]
pub struct FactKind {
    /// A few words for people: `inline policy of a user`.
    pub title: String,
    /// How bad a change is before anything is known of its content.
    pub severity: Severity,
    /// The field that names the thing for people where the id is made by AWS: a new id under an old
    /// name is a replacement.
    pub name: Option<String>,
    /// Ids that start so belong to AWS: their changes are folded.
    pub vendor_id: Option<String>,
    /// The classes of its fields.
    pub classes: FieldClasses,
}

/// Fields by class; what is in none is durable, and a change of it is a change.
#[derive(Debug, Clone, Default)]
pub struct FieldClasses {
    /// Ids and creation times: a change means that the thing was replaced.
    pub identity: DocumentPaths,
    /// Counts and references that follow from other facts: not in the canonical hash.
    pub derived: DocumentPaths,
    /// Last used, sizes, status: in no hash, kept beside.
    pub volatile: DocumentPaths,
    /// Version counters: expected to move with a document, noteworthy alone.
    pub growing: DocumentPaths,
    /// Values that are kept as hashes only.
    pub secret: DocumentPaths,
    /// Lists whose order means something.
    pub ordered: DocumentPaths,
}

/// Dotted paths into a document. Lists are walked through; `*` stands for any key; `**.X` for `X`
/// at any depth.
#[derive(Debug, Clone, Default)]
pub struct DocumentPaths(Vec<String>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindTable {
    every: KindRow,
    kind: BTreeMap<String, KindRow>,
}

#[derive(Deserialize, Default, Clone)]
#[serde(deny_unknown_fields, default)]
struct KindRow {
    title: String,
    severity: Severity,
    name: Option<String>,
    vendor_id: Option<String>,
    identity: Vec<String>,
    derived: Vec<String>,
    volatile: Vec<String>,
    growing: Vec<String>,
    secret: Vec<String>,
    ordered: Vec<String>,
}

impl FactKinds {
    /// The table that Bartizan ships.
    ///
    /// # Panics
    /// Never: a test parses the table that is compiled in.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the table is compiled in and parsed by a test"
    )]
    pub fn builtin() -> Self {
        let table: KindTable = toml::from_str(include_str!("kinds.toml")).expect("kinds.toml");
        let kind = |row: &KindRow| {
            let all = |own: &[String], every: &[String]| {
                DocumentPaths(own.iter().chain(every).cloned().collect())
            };
            FactKind {
                title: row.title.clone(),
                severity: row.severity,
                name: row.name.clone(),
                vendor_id: row.vendor_id.clone(),
                classes: FieldClasses {
                    identity: all(&row.identity, &table.every.identity),
                    derived: all(&row.derived, &table.every.derived),
                    volatile: all(&row.volatile, &table.every.volatile),
                    growing: all(&row.growing, &table.every.growing),
                    secret: all(&row.secret, &table.every.secret),
                    ordered: all(&row.ordered, &table.every.ordered),
                },
            }
        };
        Self {
            kinds: table
                .kind
                .iter()
                .map(|(k, row)| (k.clone(), kind(row)))
                .collect(),
            unknown: kind(&KindRow::default()),
            secret_key: None,
        }
    }

    /// The same table, with the key that a store hides values with.
    #[must_use]
    pub fn keyed(self, key: SecretKey) -> Self {
        Self {
            secret_key: Some(key),
            ..self
        }
    }

    /// The key that values which may be secret are hidden with; none where nothing is stored.
    pub(super) fn secret_key(&self) -> Option<&SecretKey> {
        self.secret_key.as_ref()
    }

    /// What is known of `kind`; a kind from a user's own call table gets the defaults.
    #[must_use]
    pub fn get(&self, kind: &str) -> &FactKind {
        self.kinds.get(kind).unwrap_or(&self.unknown)
    }

    /// The classes of the fields of `kind`.
    #[must_use]
    pub fn classes(&self, kind: &str) -> &FieldClasses {
        &self.get(kind).classes
    }

    /// Every kind by name, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(String::as_str)
    }
}

/// Gets the object, the key in it, and the path.
type Visit<'v> = &'v mut dyn FnMut(&mut Map<String, Value>, &str, &str);

impl DocumentPaths {
    /// Whether the field at `path` (or one that contains it) is meant.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        self.0
            .iter()
            .any(|pattern| match pattern.strip_prefix("**.") {
                Some(name) => path.split('.').any(|key| key == name),
                None => {
                    let mut keys = path.split('.');
                    pattern
                        .split('.')
                        .all(|p| keys.next().is_some_and(|k| p == "*" || p == k))
                }
            })
    }

    /// Replaces every value that is meant by what `f` gives; `None` removes the field.
    pub(super) fn rewrite(&self, value: &mut Value, f: &mut dyn FnMut(&Value) -> Option<Value>) {
        if !self.0.is_empty() {
            self.walk(value, "", &mut |map, key, _| match f(&map[key]) {
                Some(new) => map[key] = new,
                None => drop(map.shift_remove(key)),
            });
        }
    }

    /// Moves every field that is meant out of `value`, into `out` under its path.
    pub(super) fn extract(&self, value: &mut Value, path: &str, out: &mut Map<String, Value>) {
        if !self.0.is_empty() {
            self.walk(value, path, &mut |map, key, path| {
                if let Some(value) = map.shift_remove(key) {
                    out.entry(path)
                        .or_insert_with(|| Value::Array(Vec::new()))
                        .as_array_mut()
                        .into_iter()
                        .for_each(|l| l.push(value.clone()));
                }
            });
        }
    }

    fn walk(&self, value: &mut Value, path: &str, visit: Visit<'_>) {
        match value {
            Value::Array(list) => list.iter_mut().for_each(|v| self.walk(v, path, visit)),
            Value::Object(map) => {
                let keys: Vec<String> = map.keys().cloned().collect();
                for key in keys {
                    let at = join(path, &key);
                    if self.covers(&at) {
                        visit(map, &key, &at);
                    } else if let Some(inner @ (Value::Array(_) | Value::Object(_))) =
                        map.get_mut(&key)
                    {
                        self.walk(inner, &at, visit);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_parses_and_every_kind_has_words() {
        let kinds = FactKinds::builtin();
        for name in kinds.names() {
            assert!(!kinds.get(name).title.is_empty(), "{name} has no title");
        }
        assert!(kinds.names().count() > 100);
    }
}
