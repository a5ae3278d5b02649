//! Counterparties of a call: principals let in, and things created or sent.

use serde::{Deserialize, Serialize};

/// Other party of a call, e.g. the account that a snapshot was shared with, or a created access
/// key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Counterparty {
    pub relation: Relation,
    pub kind: Party,
    /// Id as AWS writes it: `999988887777`, `AKIA…`, `0.0.0.0/0`, or the text of a command.
    pub id: String,
    /// Ports of a network (`tcp 22`, `all`), user of an access key, document of a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Relation of a call to a counterparty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// Got access.
    LetIn,
    /// Was created.
    Made,
    /// Was sent, or run.
    Sent,
    /// Was attached: a policy, a role, a key.
    Given,
    /// Receives data from now on.
    SendsTo,
}

/// Kind of counterparty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    /// Anyone; the id is `*`.
    Everybody,
    /// AWS account, by number.
    Account,
    /// Organization or organizational unit, by id or ARN.
    Organization,
    /// Principal, by ARN or unique id.
    Principal,
    /// Identity provider.
    Federation,
    /// AWS service, by host name.
    Service,
    /// Access key, by id.
    AccessKey,
    User,
    Role,
    Group,
    /// Policy, by ARN or name.
    Policy,
    /// CIDR block.
    Network,
    Bucket,
    /// Command, by text.
    Command,
    /// KMS key.
    Key,
    /// EC2 instance.
    Instance,
    /// Copy of data: snapshot, image, backup.
    Copy,
    /// External address: mail, webhook, queue.
    Endpoint,
    /// Any other created resource.
    Resource,
}

impl Relation {
    /// `let in`, `made`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::LetIn => "let in",
            Self::Made => "made",
            Self::Sent => "sent",
            Self::Given => "gave",
            Self::SendsTo => "sends to",
        }
    }
}

impl Party {
    /// `account`, `access key`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Everybody => "everybody",
            Self::Account => "account",
            Self::Organization => "organization",
            Self::Principal => "principal",
            Self::Federation => "identity provider",
            Self::Service => "service",
            Self::AccessKey => "access key",
            Self::User => "user",
            Self::Role => "role",
            Self::Group => "group",
            Self::Policy => "policy",
            Self::Network => "network",
            Self::Bucket => "bucket",
            Self::Command => "command",
            Self::Key => "KMS key",
            Self::Instance => "instance",
            Self::Copy => "copy",
            Self::Endpoint => "endpoint",
            Self::Resource => "resource",
        }
    }
}

impl std::fmt::Display for Counterparty {
    /// `account 999988887777`, `network 0.0.0.0/0 (tcp 22)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            Party::Everybody => f.write_str("everybody")?,
            Party::Resource => f.write_str(&self.id)?,
            kind => write!(f, "{} {}", kind.word(), self.id)?,
        }
        match &self.detail {
            Some(detail) => write!(f, " ({detail})"),
            None => Ok(()),
        }
    }
}
