//! How operations travel, and what shape their answers have: `data/aws-model.json`, reduced from
//! botocore's models by `cargo xtask generate`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The whole table.
#[derive(Debug, Deserialize)]
pub struct Model {
    /// botocore's version.
    pub botocore: String,
    partitions: BTreeMap<String, Partition>,
    services: BTreeMap<String, ServiceModel>,
}

/// A partition: `aws`, `aws-us-gov`, `aws-cn`.
#[derive(Debug, Deserialize)]
pub struct Partition {
    /// `amazonaws.com`.
    pub suffix: String,
    /// All regions that botocore knows.
    pub regions: Vec<String>,
}

/// A service.
#[derive(Debug, Deserialize)]
pub struct ServiceModel {
    /// How it speaks.
    pub protocol: Protocol,
    /// As in `AWS_ENDPOINT_URL_<ID>`.
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

/// AWS's protocols.
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

/// An operation.
#[derive(Debug, Deserialize)]
pub struct Operation {
    /// `POST` unless it says otherwise.
    #[serde(default = "post")]
    pub method: String,
    /// `/` unless it says otherwise.
    #[serde(default = "slash")]
    pub uri: String,
    /// Where a parameter goes (`uri`, `query`, `header`, `body`) and under which name, if not in
    /// the body under its own.
    #[serde(default)]
    pub input: BTreeMap<String, (String, String)>,
    /// Shape of the answer.
    pub output: Option<String>,
    /// Element around the answer in the query protocol.
    pub wrapper: Option<String>,
    /// The member that is the whole body.
    pub payload: Option<String>,
    /// Parameter that takes the token of the next page, and where the answer has it.
    pub page: Option<(String, String)>,
}

fn post() -> String {
    "POST".to_owned()
}

fn slash() -> String {
    "/".to_owned()
}

/// A shape. A reference is the name of a shape, or a scalar: `s`tring, `i`nteger, `f`loat,
/// `b`oolean, `t`ime, `x` for bytes.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum ModelShape {
    /// A structure.
    Structure {
        /// Reference by member.
        members: BTreeMap<String, String>,
        /// Name on the wire by member, where it differs.
        #[serde(default)]
        wire: BTreeMap<String, String>,
    },
    /// A list.
    List {
        /// Reference of the elements.
        list: String,
        /// Element name.
        item: String,
        /// Elements stand without a list element around them.
        #[serde(default)]
        flat: bool,
    },
    /// A map.
    Map {
        /// Reference of the values.
        map: String,
        /// Element name of keys.
        key: String,
        /// Element name of values.
        value: String,
        /// Entries stand without a map element around them.
        #[serde(default)]
        flat: bool,
    },
}

impl Model {
    /// The table that is compiled in.
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

    /// A service.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&ServiceModel> {
        self.services.get(name)
    }

    /// An operation and its service.
    #[must_use]
    pub fn operation(&self, service: &str, operation: &str) -> Option<(&ServiceModel, &Operation)> {
        let service = self.services.get(service)?;
        Some((service, service.operations.get(operation)?))
    }

    /// Every partition, in the order of their names.
    pub fn partitions(&self) -> impl Iterator<Item = &Partition> {
        self.partitions.values()
    }

    /// A partition by its name: `aws`, `aws-cn`.
    #[must_use]
    pub fn partition(&self, name: &str) -> Option<&Partition> {
        self.partitions.get(name)
    }

    /// The partition that a region belongs to; `aws` for one that botocore does not know yet.
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
    /// The shape that a reference names, unless it is a scalar.
    #[must_use]
    pub fn shape(&self, reference: &str) -> Option<&ModelShape> {
        self.shapes.get(reference)
    }
}
