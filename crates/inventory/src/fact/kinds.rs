//! Registry of the kinds of facts: words, severity, roles, ARN, the calls that undo a change, and
//! the classes of the fields. All of it is data, in `kinds.toml`.

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
    /// Roles for an intruder.
    pub roles: Vec<KindRole>,
    /// Rank among ways in that stand open, from 1.
    pub way_in: Option<u32>,
    /// Whether it has a say in who can do what.
    pub access: bool,
    /// Node that joins findings of calls that touch it; shares join by the thing too.
    pub joins: Option<JoinNode>,
    /// Attachment of its policy; by default a resource.
    pub policy: Option<PolicyAttachment>,
    /// Kind of the thing that it comes and goes with, e.g. `iam:user` of `iam:accesskey`.
    pub part_of: Option<String>,
    /// Principal that the first part of its id names.
    pub principal: Option<OwnerKind>,
    /// ARN of an id, e.g. `arn:aws:iam::{account}:user/{1}`.
    pub arn: Option<FactTemplate>,
    /// Words for what of it still stands, e.g. `access key {2} of user {1}`.
    pub stands: Option<FactTemplate>,
    /// Words for whom it lets in, e.g. `role {1} trusts {who}`.
    pub opened: Option<FactTemplate>,
    /// AWS CLI call that takes it back.
    pub undo: Option<FactTemplate>,
    /// AWS CLI call that brings back what it was before.
    pub restore: Option<FactTemplate>,
    /// ATT&CK techniques.
    pub attack: AttackIds,
    /// The field that names the thing for people where the id is made by AWS: a new id under an old
    /// name is a replacement.
    pub name: Option<String>,
    /// Ids that start so belong to AWS: their changes are folded.
    pub vendor_id: Option<String>,
    /// The classes of its fields.
    pub classes: FieldClasses,
}

/// Text with placeholders for a fact's id (`{id}`) and its parts before and behind the first slash
/// (`{1}`, `{2}`), and others that the caller names.
///
/// ```
/// use bartizan_inventory::fact::FactKinds;
/// let template = FactKinds::shared().get("iam:accesskey").stands.as_ref().unwrap();
/// let text = template.fill("bob/AKIAEXAMPLE", |part| part.to_owned(), &[]);
/// assert_eq!(text, "access key AKIAEXAMPLE of user bob");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct FactTemplate(String);

impl FactTemplate {
    /// The text for `id`. `quote` escapes the id and its parts; `others` are inserted as they are:
    /// `[("region", " --region eu-west-1")]`.
    #[must_use]
    pub fn fill(
        &self,
        id: &str,
        quote: impl Fn(&str) -> String,
        others: &[(&str, &str)],
    ) -> String {
        let (first, rest) = id.split_once('/').unwrap_or((id, ""));
        let mut text = String::new();
        let mut left = self.0.as_str();
        // In one pass: what is inserted is not read again.
        while let Some((before, after)) = left.split_once('{') {
            let (name, behind) = after.split_once('}').unwrap_or((after, ""));
            text.push_str(before);
            match name {
                "id" => text.push_str(&quote(id)),
                "1" => text.push_str(&quote(first)),
                "2" => text.push_str(&quote(rest)),
                other => {
                    let value = others.iter().find(|(known, _)| *known == other);
                    text.push_str(value.map_or("", |(_, value)| value));
                }
            }
            left = behind;
        }
        text.push_str(left);
        text
    }
}

/// Node by which findings of calls that touch a fact belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JoinNode {
    /// Access key, the last part of the id.
    Key,
    /// Principal that the first part of the id names.
    Principal,
    /// The thing itself, which a change opens to others.
    Thing,
}

/// Attachment of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyAttachment {
    /// User, group, role or permission set.
    Identity,
    /// Role, as its trust policy.
    Trust,
    /// Not in the document, e.g. of `organizations:policy`.
    Unscoped,
}

/// Principal that a fact belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OwnerKind {
    /// IAM user.
    User,
    /// Role.
    Role,
}

impl OwnerKind {
    /// Its word in an ARN, e.g. `user` in `arn:aws:iam::111122223333:user/bob`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Role => "role",
        }
    }
}

/// ATT&CK techniques of an intruder who adds or changes a fact, e.g. `T1098.001`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttackIds {
    /// Technique of adding it.
    pub added: Option<String>,
    /// Technique of changing or replacing it.
    pub changed: Option<String>,
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
    /// Access key or password.
    Credential,
    /// Decides who reaches what over the network, e.g. `ec2:security_group`.
    Network,
}

impl KindRole {
    /// Whether it is a role of `kind` in the table that Bartizan ships.
    #[must_use]
    pub fn is_of(self, kind: &str) -> bool {
        FactKinds::shared().get(kind).roles.contains(&self)
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
    roles: Vec<KindRole>,
    way_in: Option<u32>,
    access: bool,
    joins: Option<JoinNode>,
    policy: Option<PolicyAttachment>,
    part_of: Option<String>,
    principal: Option<OwnerKind>,
    arn: Option<FactTemplate>,
    stands: Option<FactTemplate>,
    opened: Option<FactTemplate>,
    undo: Option<FactTemplate>,
    restore: Option<FactTemplate>,
    attack: AttackIds,
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
                roles: row.roles.clone(),
                way_in: row.way_in,
                access: row.access,
                joins: row.joins,
                policy: row.policy,
                part_of: row.part_of.clone(),
                principal: row.principal,
                arn: row.arn.clone(),
                stands: row.stands.clone(),
                opened: row.opened.clone(),
                undo: row.undo.clone(),
                restore: row.restore.clone(),
                attack: row.attack.clone(),
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

    /// The table that Bartizan ships, parsed once.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<FactKinds> = LazyLock::new(FactKinds::builtin);
        &SHARED
    }

    /// Table with the key that a store hides values with.
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

    /// ARN of a fact, e.g. `arn:aws:iam::111122223333:user/bob` of `iam:user` `bob`. An id that is
    /// an ARN is its own; none where the kind has no ARN.
    #[must_use]
    pub fn arn(&self, kind: &str, account: &str, region: &str, id: &str) -> Option<String> {
        if id.starts_with("arn:") {
            return Some(id.to_owned());
        }
        let template = self.get(kind).arn.as_ref()?;
        let others = [("account", account), ("region", region)];
        Some(template.fill(id, str::to_owned, &others))
    }

    /// Entry of `kind`; a kind from a user's own call table gets the defaults.
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

    #[test]
    fn an_id_becomes_an_arn() {
        let kinds = FactKinds::shared();
        let arn = |kind, id| kinds.arn(kind, "111122223333", "eu-west-1", id);
        let user = Some("arn:aws:iam::111122223333:user/bob".to_owned());
        assert_eq!(arn("iam:user", "bob"), user);
        let key = Some("arn:aws:kms:eu-west-1:111122223333:key/1234".to_owned());
        assert_eq!(arn("kms:keypolicy", "1234"), key);
        let topic = "arn:aws:sns:eu-west-1:111122223333:alerts";
        assert_eq!(arn("sns:topic", topic).as_deref(), Some(topic));
        assert_eq!(arn("iam:passwordpolicy", "account"), None);
    }

    #[test]
    fn what_is_inserted_is_not_read_as_a_template() {
        let template = FactTemplate("{1} and {2}{region}".to_owned());
        let text = template.fill(
            "{2}/{region}",
            |part| format!("'{part}'"),
            &[("region", "!")],
        );
        assert_eq!(text, "'{2}' and '{region}'!");
    }

    #[test]
    fn kinds_name_kinds_and_known_placeholders() {
        let kinds = FactKinds::builtin();
        for name in kinds.names() {
            let kind = kinds.get(name);
            if let Some(whole) = &kind.part_of {
                assert!(kinds.names().any(|known| known == whole), "{name}: {whole}");
            }
            let FactKind {
                arn,
                stands,
                opened,
                undo,
                restore,
                ..
            } = kind;
            for (template, known) in [
                (arn, ["account", "region"].as_slice()),
                (stands, &[]),
                (opened, &["who"]),
                (undo, &["region"]),
                (restore, &["region", "show"]),
            ] {
                let text = template.as_ref().map_or("", |t| t.0.as_str());
                for place in text.split('{').skip(1) {
                    let place = place.split('}').next().unwrap_or_default();
                    let fits = ["id", "1", "2"].contains(&place) || known.contains(&place);
                    assert!(fits, "{name}: {{{place}}} in {text:?}");
                }
            }
        }
    }
}
