//! The call table: what Bartizan asks AWS, as data. One TOML file a service, in `calls/`.
//!
//! A row says which operation, with which parameters, for each item of which other answer, and
//! which facts its answer holds. How the operation travels (protocol, paths, paging, XML shapes) is
//! not here but in `data/aws-model.json`, which `cargo xtask generate` reduces from botocore.

use std::collections::BTreeMap;

use bartizan_inventory::fact::Hash;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::model::Model;

/// The rows that Bartizan ships: file name and text.
const BUILTIN: &[(&str, &str)] = &[
    (
        "accessanalyzer",
        include_str!("../calls/accessanalyzer.toml"),
    ),
    ("account", include_str!("../calls/account.toml")),
    ("backup", include_str!("../calls/backup.toml")),
    ("cloudfront", include_str!("../calls/cloudfront.toml")),
    ("cloudtrail", include_str!("../calls/cloudtrail.toml")),
    ("config", include_str!("../calls/config.toml")),
    ("dynamodb", include_str!("../calls/dynamodb.toml")),
    ("ec2", include_str!("../calls/ec2.toml")),
    ("ecr", include_str!("../calls/ecr.toml")),
    ("ecr-public", include_str!("../calls/ecr-public.toml")),
    ("efs", include_str!("../calls/efs.toml")),
    ("events", include_str!("../calls/events.toml")),
    ("guardduty", include_str!("../calls/guardduty.toml")),
    ("iam", include_str!("../calls/iam.toml")),
    ("kms", include_str!("../calls/kms.toml")),
    ("lambda", include_str!("../calls/lambda.toml")),
    ("logs", include_str!("../calls/logs.toml")),
    ("organizations", include_str!("../calls/organizations.toml")),
    ("ram", include_str!("../calls/ram.toml")),
    ("rds", include_str!("../calls/rds.toml")),
    ("rolesanywhere", include_str!("../calls/rolesanywhere.toml")),
    ("s3", include_str!("../calls/s3.toml")),
    ("s3control", include_str!("../calls/s3control.toml")),
    (
        "secretsmanager",
        include_str!("../calls/secretsmanager.toml"),
    ),
    ("securityhub", include_str!("../calls/securityhub.toml")),
    ("sns", include_str!("../calls/sns.toml")),
    ("sqs", include_str!("../calls/sqs.toml")),
    ("sso-admin", include_str!("../calls/sso-admin.toml")),
];

/// Verbs that only read. `Generate` is the credential report's, which AWS itself classes as
/// reading.
const READ_VERBS: [&str; 4] = ["Get", "List", "Describe", "Generate"];

/// Operations that begin with a reading verb and yet hand out what they guard: data, secrets,
/// credentials.
const READS_DATA: [&str; 12] = [
    "GetObject",
    "GetSecretValue",
    "GetParameter",
    "GetParameters",
    "GetParametersByPath",
    "GetItem",
    "GetRecords",
    "GetFederationToken",
    "GetSessionToken",
    "GetRoleCredentials",
    "GetAuthorizationToken",
    "GenerateDataKey",
];

/// Every call that a collection makes.
#[derive(Debug, Clone)]
pub struct CallTable {
    /// In the order of the files.
    pub services: Vec<CollectedService>,
    /// Over the text of all files.
    pub hash: Hash,
}

/// One service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectedService {
    /// botocore's and the AWS CLI's name.
    #[serde(rename = "service")]
    pub name: String,
    /// One endpoint for the account, or one a region.
    #[serde(default)]
    pub scope: ServiceScope,
    /// Requests a second that we allow ourselves at first, for an account and region; five times as
    /// many at once.
    pub rate: f64,
    /// How its IAM actions begin, if not with its name.
    prefix: Option<String>,
    /// In the order of the file.
    #[serde(rename = "call")]
    pub calls: Vec<CallEntry>,
}

/// Where a service answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceScope {
    /// In every region.
    #[default]
    Regional,
    /// Once for the account.
    Global,
}

/// One row.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallEntry {
    /// AWS's name of the operation.
    pub operation: String,
    /// Our name for it where one operation is called in two ways.
    name: Option<String>,
    /// `Call` or `Call.path`: made once for each item there.
    #[serde(default, rename = "for")]
    pub for_each: Option<String>,
    /// Only for items where all of these paths have these values.
    #[serde(default)]
    pub when: BTreeMap<String, Value>,
    /// Parameters. Texts are templates.
    #[serde(default)]
    pub with: Map<String, Value>,
    /// Template of the region to ask, where the item says it.
    pub region: Option<String>,
    /// The only regions to ask (`{home}`: where the partition's global services answer).
    #[serde(default)]
    pub regions: Vec<String>,
    /// Errors that mean that the thing is not there.
    #[serde(default)]
    pub absent: Vec<String>,
    /// Asked again, for each item of its own answer under this path.
    pub again: Option<String>,
    /// Items beyond this many are left out, and named in coverage.
    pub items_max: Option<usize>,
    /// Ask until the answer is ready.
    pub wait: Option<Wait>,
    /// Member that holds a base64 CSV, to be read as a list of objects.
    pub csv: Option<String>,
    /// Where the next page's token comes from, if botocore does not say.
    pub page: Option<TokenPaging>,
    /// IAM actions, if not prefix and operation.
    actions: Option<Vec<String>>,
    /// What its answer says.
    #[serde(default, rename = "fact")]
    pub facts: Vec<FactRow>,
}

/// Asking until something is ready.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// Path in the answer.
    pub path: String,
    /// The value that means ready.
    pub until: String,
    /// Between two attempts.
    pub seconds: u64,
    /// Attempts.
    pub tries_max: u32,
}

/// Paging by token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenPaging {
    /// Parameter that takes the token.
    pub input: String,
    /// Path of the token in the answer.
    pub output: String,
}

/// A fact, or many, in an answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactRow {
    /// See `kinds.toml` in the core.
    pub kind: String,
    /// Path of the items; without it, the answer is one item.
    pub each: Option<String>,
    /// Only items where all of these paths have these values.
    #[serde(default)]
    pub when: BTreeMap<String, Value>,
    /// Template.
    pub id: String,
    /// Path of the document in the item; without it, the item itself.
    pub document: Option<String>,
    /// The document is a policy.
    #[serde(default)]
    pub policy: bool,
    /// What to note if the document is not there; without it, nothing is noted.
    pub absent_as: Option<String>,
    /// Members that are facts of their own.
    #[serde(default)]
    pub drop: Vec<String>,
}

/// Why a call table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Not TOML, or not of this form.
    #[error("{file}: {problem}")]
    Form {
        /// The file.
        file: String,
        /// What and where.
        problem: String,
    },
    /// A row that makes no sense.
    #[error("{file}: call {call}: {problem}")]
    Call {
        /// The file.
        file: String,
        /// The row.
        call: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl CallTable {
    /// The rows that Bartizan ships.
    ///
    /// # Errors
    /// Never in a build whose tests passed.
    pub fn builtin(model: &Model) -> Result<Self, TableError> {
        Self::with(model, &[])
    }

    /// The rows that Bartizan ships and those of `files` (name and text), all held to the same
    /// rules.
    ///
    /// # Errors
    /// On the first row that breaks a rule; above all, that it reads, and reads configuration only.
    pub fn with(model: &Model, files: &[(String, String)]) -> Result<Self, TableError> {
        let own = BUILTIN
            .iter()
            .map(|(name, text)| (format!("calls/{name}.toml"), (*text).to_owned()));
        let mut services: Vec<CollectedService> = Vec::new();
        let mut all = String::new();
        for (file, text) in own.chain(files.iter().cloned()) {
            let service: CollectedService =
                toml::from_str(&text).map_err(|e| TableError::Form {
                    file: file.clone(),
                    problem: e.to_string(),
                })?;
            check(model, &file, &service)?;
            all.push_str(&text);
            match services.iter_mut().find(|s| s.name == service.name) {
                Some(known) => known.calls.extend(service.calls),
                None => services.push(service),
            }
        }
        Ok(Self {
            services,
            hash: Hash::of(all.as_bytes()),
        })
    }

    /// A service by name.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&CollectedService> {
        self.services.iter().find(|s| s.name == name)
    }

    /// Every IAM action that the table needs, sorted.
    #[must_use]
    pub fn actions(&self) -> Vec<String> {
        let mut actions: Vec<String> = self
            .services
            .iter()
            .flat_map(|s| s.calls.iter().flat_map(|c| s.actions(c)))
            .collect();
        actions.sort_unstable();
        actions.dedup();
        actions
    }
}

impl CollectedService {
    /// The IAM actions of a call.
    #[must_use]
    pub fn actions(&self, call: &CallEntry) -> Vec<String> {
        let prefix = self.prefix.as_deref().unwrap_or(&self.name);
        call.actions
            .clone()
            .unwrap_or_else(|| vec![format!("{prefix}:{}", call.operation)])
    }

    /// The call of that name.
    #[must_use]
    pub fn call(&self, name: &str) -> Option<usize> {
        self.calls.iter().position(|c| c.name() == name)
    }

    /// The calls made for each item of call `parent`.
    pub fn children(&self, parent: usize) -> impl Iterator<Item = usize> {
        let name = self.calls[parent].name();
        (0..self.calls.len())
            .filter(move |i| self.calls[*i].parent().is_some_and(|(p, _)| p == name))
    }
}

impl CallEntry {
    /// Our name, unique in the service.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.operation)
    }

    /// The call whose items this one is made for, and the path to them (empty: the answer itself).
    #[must_use]
    pub fn parent(&self) -> Option<(&str, &str)> {
        self.for_each
            .as_deref()
            .map(|f| f.split_once('.').unwrap_or((f, "")))
    }
}

fn check(model: &Model, file: &str, service: &CollectedService) -> Result<(), TableError> {
    for (index, call) in service.calls.iter().enumerate() {
        let fail = |problem: String| {
            Err(TableError::Call {
                file: file.to_owned(),
                call: call.name().to_owned(),
                problem,
            })
        };
        if !READ_VERBS
            .iter()
            .any(|verb| call.operation.starts_with(verb))
        {
            return fail(format!(
                "{} does not only read: an operation begins with {}",
                call.operation,
                READ_VERBS.join(", ")
            ));
        }
        if READS_DATA.contains(&call.operation.as_str()) {
            return fail(format!(
                "{} hands out data or credentials, which Bartizan never reads",
                call.operation
            ));
        }
        if model.operation(&service.name, &call.operation).is_none() {
            return fail(format!(
                "this build does not know {} of {}",
                call.operation, service.name
            ));
        }
        if service.calls[..index]
            .iter()
            .any(|c| c.name() == call.name())
        {
            return fail("the name stands twice: give one of them a name of its own".into());
        }
        if let Some((parent, _)) = call.parent()
            && !service.calls[..index].iter().any(|c| c.name() == parent)
        {
            return fail(format!("it is for {parent}, which no earlier row calls"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> Result<CallTable, String> {
        CallTable::with(&Model::builtin(), &[("mine.toml".into(), text.into())])
            .map_err(|e| e.to_string())
    }

    #[test]
    fn the_builtin_table_only_reads() {
        let table = CallTable::builtin(&Model::builtin()).unwrap();
        assert!(table.services.len() >= 28);
        assert_eq!(
            BUILTIN.len(),
            std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/calls"))
                .unwrap()
                .count()
        );
    }

    #[test]
    fn rows_of_users_are_held_to_the_same_rules() {
        let row = |operation: &str| {
            format!(
                "service = \"iam\"\nscope = \"global\"\nrate = 1\n[[call]]\nname \
                = \"x\"\noperation = \"{operation}\"\n"
            )
        };
        for (operation, part) in [
            ("DeleteUser", "does not only read"),
            ("PutUserPolicy", "does not only read"),
            ("GetObject", "hands out data"),
            ("GetNothing", "does not know"),
        ] {
            let error = with(&row(operation)).unwrap_err();
            assert!(
                error.contains(part) && error.contains("mine.toml"),
                "{error}"
            );
        }
        assert!(with(&row("ListUsers")).is_ok());
        assert!(with("service = 1").unwrap_err().contains("mine.toml"));
    }

    #[test]
    fn every_kind_has_words_in_the_core() {
        let kinds = bartizan_inventory::fact::FactKinds::builtin();
        for service in CallTable::builtin(&Model::builtin()).unwrap().services {
            for fact in service.calls.iter().flat_map(|c| &c.facts) {
                assert!(
                    !kinds.get(&fact.kind).title.is_empty(),
                    "{} is not in kinds.toml",
                    fact.kind
                );
            }
        }
    }
}
