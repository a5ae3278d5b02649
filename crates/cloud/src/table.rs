//! Call table: the AWS calls that Bartizan makes, as data. One TOML file per service, in `calls/`.
//!
//! A row has the operation, its parameters, the items of another response that it is made for, and
//! the facts in its response. The wire format of the operation (protocol, paths, paging, XML
//! shapes) is in `data/aws-model.json`, which `cargo xtask generate` reduces from botocore.

use std::collections::{BTreeMap, BTreeSet};

use bartizan_inventory::fact::Hash;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::model::Model;

/// Built-in rows: name and text of each file of `calls/`, which the build script lists.
const BUILTIN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/builtin_calls.rs"));

/// Read-only verbs. `Generate` is for the credential report, which AWS itself classifies as a read.
const READ_VERBS: [&str; 4] = ["Get", "List", "Describe", "Generate"];

/// Operations with a reading verb that return protected content: data, secrets, credentials.
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

/// All calls of a collection.
#[derive(Debug, Clone)]
pub struct CallTable {
    /// In the order of the files.
    pub services: Vec<CollectedService>,
    /// Hash of the text of all files.
    pub hash: Hash,
}

/// Service with its calls.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectedService {
    /// Name in botocore and the AWS CLI.
    #[serde(rename = "service")]
    pub name: String,
    /// One endpoint for the account, or one per region.
    #[serde(default)]
    pub scope: ServiceScope,
    /// Initial limit in requests per second, per account and region; the burst is five times as
    /// many.
    pub rate: f64,
    /// Prefix of its IAM actions, if it differs from the name.
    prefix: Option<String>,
    /// Resources that its IAM actions are needed on; by default all. `GET` of API Gateway on all
    /// would read API keys.
    #[serde(default)]
    resources: Vec<String>,
    /// In the order of the file.
    #[serde(rename = "call")]
    pub calls: Vec<CallEntry>,
}

/// Endpoint scope of a service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceScope {
    /// In every region.
    #[default]
    Regional,
    /// Once for the account.
    Global,
}

/// Row of the table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallEntry {
    /// Operation name in AWS, e.g. `ListUsers`.
    pub operation: String,
    /// Row name, if there are several rows for one operation.
    name: Option<String>,
    /// `Call` or `Call.path`: made once for each item there.
    #[serde(default, rename = "for")]
    pub for_each: Option<String>,
    /// Only for items where all of these paths have these values, or one of a list of values.
    #[serde(default)]
    pub when: BTreeMap<String, Value>,
    /// Not for items where all of these paths have these values.
    #[serde(default)]
    pub when_not: BTreeMap<String, Value>,
    /// Not if one of these facts says so. Such a call is made after all others.
    #[serde(default)]
    pub unless: Vec<FactCondition>,
    /// Parameters. Texts are templates.
    #[serde(default)]
    pub with: Map<String, Value>,
    /// Template of the region to call, if the item contains it.
    pub region: Option<String>,
    /// Regions to call, instead of all (`{home}`: the region of the partition's global services).
    #[serde(default)]
    pub regions: Vec<String>,
    /// Error codes that mean that the resource does not exist.
    #[serde(default)]
    pub absent: Vec<String>,
    /// Path of items in its own response for which the call is repeated.
    pub again: Option<String>,
    /// Largest number of items; further ones are skipped, and reported in coverage.
    pub items_max: Option<usize>,
    /// Calls for its items are made for some of them only.
    pub sample: Option<ItemSample>,
    /// Repeat the call until the response is ready.
    pub wait: Option<Wait>,
    /// Template of the name of its file in a dump, if one parameter does not tell the items apart.
    pub file: Option<String>,
    /// Member with a base64-encoded CSV, to be parsed as a list of objects.
    pub csv: Option<String>,
    /// Paging by token, if botocore does not define it.
    pub page: Option<TokenPaging>,
    /// IAM actions, if they are not prefix and operation.
    actions: Option<Vec<String>>,
    /// Facts in its response.
    #[serde(default, rename = "fact")]
    pub facts: Vec<FactRow>,
}

/// Statement of a fact, e.g. that object ownership of a bucket is `BucketOwnerEnforced`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactCondition {
    /// Kind of the fact, in any region.
    pub kind: String,
    /// Template of its id.
    pub id: String,
    /// Path in its document. Lists are entered.
    pub path: String,
    /// Value at the path.
    pub is: Value,
}

/// Bounds of a list that is too long to follow: some pages of it, and the newest items of these.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemSample {
    /// Member of the response with the items.
    pub of: String,
    /// Member of an item with its time.
    pub newest: String,
    /// Largest number of items that calls are made for.
    pub items_max: usize,
    /// Largest number of pages.
    pub pages_max: usize,
}

/// Polling until a response is ready.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// Path in the response.
    pub path: String,
    /// Value that means ready.
    pub until: String,
    /// Seconds between attempts.
    pub seconds: u64,
    /// Largest number of attempts.
    pub tries_max: u32,
}

/// Paging by token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenPaging {
    /// Parameter for the token.
    pub input: String,
    /// Path of the token in the response.
    pub output: String,
}

/// Facts of one kind in a response.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactRow {
    /// Kind in `kinds.toml` of the inventory.
    pub kind: String,
    /// Path of the items; by default the response is one item.
    pub each: Option<String>,
    /// Only items where all of these paths have these values, or one of a list of values.
    #[serde(default)]
    pub when: BTreeMap<String, Value>,
    /// Template of the fact's id.
    pub id: String,
    /// Path of the document in the item; by default the item itself.
    pub document: Option<String>,
    /// The document is a policy.
    #[serde(default)]
    pub policy: bool,
    /// Text to record if the document is absent; by default nothing is recorded.
    pub absent_as: Option<String>,
    /// Members that are separate facts.
    #[serde(default)]
    pub drop: Vec<String>,
}

/// Error in a call table.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Invalid TOML, or another structure.
    #[error("{file}: {problem}")]
    Form {
        file: String,
        /// Description and position.
        problem: String,
    },
    /// Invalid row.
    #[error("{file}: call {call}: {problem}")]
    Call {
        file: String,
        /// Row name.
        call: String,
        problem: String,
    },
}

impl CallTable {
    /// Calls that give facts of these kinds, and the calls whose items they are made for.
    #[must_use]
    pub fn for_kinds(&self, kinds: &BTreeSet<String>) -> Self {
        let of_service = |service: &CollectedService| {
            let gives = |call: &CallEntry| call.facts.iter().any(|f| kinds.contains(&f.kind));
            let mut wanted: BTreeSet<usize> = (0..service.calls.len())
                .filter(|n| gives(&service.calls[*n]))
                .collect();
            let mut next: Vec<usize> = wanted.iter().copied().collect();
            while let Some(n) = next.pop() {
                let parent = service.calls[n].parent();
                if let Some(parent) = parent.and_then(|(name, _)| service.call(name))
                    && wanted.insert(parent)
                {
                    next.push(parent);
                }
            }
            let calls = service.calls.iter().enumerate();
            let calls = calls.filter(|(n, _)| wanted.contains(n));
            CollectedService {
                calls: calls.map(|(_, call)| call.clone()).collect(),
                ..service.clone()
            }
        };
        let services = self.services.iter().map(of_service);
        Self {
            services: services.filter(|s| !s.calls.is_empty()).collect(),
            hash: self.hash,
        }
    }

    /// Built-in rows.
    ///
    /// # Errors
    /// Never in a build whose tests passed.
    pub fn builtin(model: &Model) -> Result<Self, TableError> {
        Self::with(model, &[])
    }

    /// Built-in rows and those of `files` (name and text), all checked by the same rules.
    ///
    /// # Errors
    /// The first row that breaks a rule; above all, rows must only read, and only configuration.
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

    /// Service by name.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&CollectedService> {
        self.services.iter().find(|s| s.name == name)
    }

    /// IAM actions that the table needs, sorted, by the resources that they are needed on (empty:
    /// all).
    #[must_use]
    pub fn actions_by_resources(&self) -> BTreeMap<Vec<String>, BTreeSet<String>> {
        let mut out: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
        for service in &self.services {
            let resources: BTreeSet<String> = service.resources.iter().cloned().collect();
            let actions = out.entry(resources.into_iter().collect()).or_default();
            actions.extend(service.calls.iter().flat_map(|c| service.actions(c)));
        }
        out
    }

    /// IAM actions that the table needs, sorted.
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
    /// IAM actions of a call.
    #[must_use]
    pub fn actions(&self, call: &CallEntry) -> Vec<String> {
        let prefix = self.prefix.as_deref().unwrap_or(&self.name);
        call.actions
            .clone()
            .unwrap_or_else(|| vec![format!("{prefix}:{}", call.operation)])
    }

    /// Index of the call with that name.
    #[must_use]
    pub fn call(&self, name: &str) -> Option<usize> {
        self.calls.iter().position(|c| c.name() == name)
    }

    /// Calls made for each item of call `parent`.
    pub fn children(&self, parent: usize) -> impl Iterator<Item = usize> {
        let name = self.calls[parent].name();
        (0..self.calls.len())
            .filter(move |i| self.calls[*i].parent().is_some_and(|(p, _)| p == name))
    }
}

impl CallEntry {
    /// Row name, unique within the service.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.operation)
    }

    /// Call whose items this one is made for, and the path to them (empty: the response itself).
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
#[expect(
    dead_code,
    reason = "a test runs the listing of the build script, not its main"
)]
#[path = "../build.rs"]
mod build;

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
        assert!(table.services.len() >= 40);
    }

    #[test]
    fn a_file_dropped_in_the_folder_is_in_the_table() {
        let folder = std::env::temp_dir().join(format!("bartizan-calls-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["sqs.toml", "ecr-public.toml", "ecr.toml", "notes.md"] {
            std::fs::write(folder.join(name), "").unwrap();
        }
        let code = super::build::listing(&folder);
        std::fs::remove_dir_all(&folder).unwrap();
        let names: Vec<&str> = code.split('"').skip(1).step_by(4).collect();
        assert_eq!(names, ["ecr", "ecr-public", "sqs"], "{code}");

        let calls = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("calls");
        let here = std::fs::read_dir(calls).unwrap().count();
        assert!(here >= 40);
        assert_eq!(BUILTIN.len(), here, "every file of calls/ is built in");
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
