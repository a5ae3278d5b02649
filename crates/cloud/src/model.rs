//! Wire formats of operations and shapes of their responses: `data/aws-model.json`, reduced from
//! botocore's models by `cargo xtask generate`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// All services and partitions.
#[derive(Debug, Deserialize)]
pub struct Model {
    /// Version of botocore.
    pub botocore: String,
    partitions: BTreeMap<String, Partition>,
    /// Commands of the AWS CLI, also those of services that are not collected.
    commands: BTreeSet<String>,
    services: BTreeMap<String, ServiceModel>,
}

/// Partition: `aws`, `aws-us-gov`, `aws-cn`.
#[derive(Debug, Deserialize)]
pub struct Partition {
    /// DNS suffix, e.g. `amazonaws.com`.
    pub suffix: String,
    /// Regions known to botocore.
    pub regions: Vec<String>,
}

/// Service.
#[derive(Debug, Deserialize)]
pub struct ServiceModel {
    pub protocol: Protocol,
    /// Id as in `AWS_ENDPOINT_URL_<ID>`.
    pub id: String,
    /// API version, for the query protocols.
    pub version: String,
    /// First label of its host name.
    pub endpoint: String,
    /// Name for signing.
    pub signing: String,
    /// `X-Amz-Target` prefix.
    #[serde(default)]
    pub target: String,
    /// JSON version.
    #[serde(default)]
    pub json: String,
    /// Host and signing region by partition, for services with one endpoint.
    #[serde(default)]
    pub hosts: BTreeMap<String, (String, String)>,
    operations: BTreeMap<String, Operation>,
    shapes: BTreeMap<String, ModelShape>,
}

/// AWS protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// awsJson 1.0 and 1.1.
    Json,
    /// restJson.
    RestJson,
    /// query.
    Query,
    /// ec2 query.
    Ec2,
    /// restXml.
    RestXml,
}

/// Operation.
#[derive(Debug, Deserialize)]
pub struct Operation {
    /// HTTP method, `POST` by default.
    #[serde(default = "post")]
    pub method: String,
    /// Path, `/` by default.
    #[serde(default = "slash")]
    pub uri: String,
    /// Location (`uri`, `query`, `header`, `body`) and wire name of a parameter; by default in the
    /// body under its own name.
    #[serde(default)]
    pub input: BTreeMap<String, (String, String)>,
    /// Shape of the response.
    pub output: Option<String>,
    /// Element around the response in the query protocol.
    pub wrapper: Option<String>,
    /// Member that is the whole body.
    pub payload: Option<String>,
    /// Parameter for the next page's token, and path of that token in the response.
    pub page: Option<(String, String)>,
}

fn post() -> String {
    "POST".to_owned()
}

fn slash() -> String {
    "/".to_owned()
}

/// Shape. A reference is the name of a shape, or a scalar: `s`tring, `i`nteger, `f`loat, `b`oolean,
/// `t`ime, `x` for bytes.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum ModelShape {
    Structure {
        /// Reference by member.
        members: BTreeMap<String, String>,
        /// Wire name by member, where it differs.
        #[serde(default)]
        wire: BTreeMap<String, String>,
    },
    List {
        /// Reference of the elements.
        list: String,
        /// Element name.
        item: String,
        /// Elements have no list element around them.
        #[serde(default)]
        flat: bool,
    },
    Map {
        /// Reference of the values.
        map: String,
        /// Element name of keys.
        key: String,
        /// Element name of values.
        value: String,
        /// Entries have no map element around them.
        #[serde(default)]
        flat: bool,
    },
}

impl Model {
    /// Table compiled into the program.
    ///
    /// # Panics
    /// Never: a test parses it.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the table is compiled in and parsed by a test"
    )]
    pub fn builtin() -> Self {
        serde_json::from_str(include_str!("../../../data/aws-model.json"))
            .expect("data/aws-model.json")
    }

    /// Service by name.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&ServiceModel> {
        self.services.get(name)
    }

    /// Whether the AWS CLI has a command of this name: `ecs`, `s3`.
    #[must_use]
    pub fn is_command(&self, name: &str) -> bool {
        self.commands.contains(name)
    }

    /// Operation with its service.
    #[must_use]
    pub fn operation(&self, service: &str, operation: &str) -> Option<(&ServiceModel, &Operation)> {
        let service = self.services.get(service)?;
        Some((service, service.operations.get(operation)?))
    }

    /// Partitions, sorted by name.
    pub fn partitions(&self) -> impl Iterator<Item = &Partition> {
        self.partitions.values()
    }

    /// Partition by name: `aws`, `aws-cn`.
    #[must_use]
    pub fn partition(&self, name: &str) -> Option<&Partition> {
        self.partitions.get(name)
    }

    /// Partition of a region; `aws` for regions unknown to botocore.
    #[must_use]
    pub fn partition_of(&self, region: &str) -> &str {
        let found = self
            .partitions
            .iter()
            .find(|(_, p)| p.regions.iter().any(|r| r == region));
        found.map_or(
            if region.starts_with("cn-") {
                "aws-cn"
            } else if region.starts_with("us-gov-") {
                "aws-us-gov"
            } else {
                "aws"
            },
            |(n, _)| n,
        )
    }
}

impl ServiceModel {
    /// Shape of a reference, unless it is a scalar.
    #[must_use]
    pub fn shape(&self, reference: &str) -> Option<&ModelShape> {
        self.shapes.get(reference)
    }
}
