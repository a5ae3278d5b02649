//! What Bartizan knows of each kind of fact: its words, how bad a change is, and the class of its
//! fields. All of it is data, in `kinds.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bartizan_model::Severity;
use serde::Deserialize;

use super::fields::{DocumentPaths, FieldClasses};
use super::secret::SecretKey;

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
    /// What it is to an intruder.
    pub role: Option<KindRole>,
    /// The field that names the thing for people where the id is made by AWS: a new id under an old
    /// name is a replacement.
    pub name: Option<String>,
    /// Ids that start so belong to AWS: their changes are folded.
    pub vendor_id: Option<String>,
    /// The classes of its fields.
    pub classes: FieldClasses,
}

/// Role of a kind of fact for an intruder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KindRole {
    /// Way into the account, e.g. `iam:accesskey`.
    WayIn,
    /// Tells whether somebody is watching, e.g. `cloudtrail:trail`.
    Watching,
    /// Lets data leave the account, e.g. `ec2:snapshotpermission`.
    Share,
}

impl KindRole {
    /// Role of a kind of the table that Bartizan ships; none for most kinds.
    #[must_use]
    pub fn of(kind: &str) -> Option<Self> {
        static BUILTIN: LazyLock<FactKinds> = LazyLock::new(FactKinds::builtin);
        BUILTIN.get(kind).role
    }
}

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
    role: Option<KindRole>,
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
                role: row.role,
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
