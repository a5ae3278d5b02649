//! Whom a call let in, and what it made or sent.

use serde::{Deserialize, Serialize};

/// Somebody or something at the other end of a call: the account that a snapshot was shared with, a
/// key that was made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Counterparty {
    /// What the call has to do with it.
    pub relation: Relation,
    /// What it is.
    pub kind: Party,
    /// Its id as AWS writes it: `999988887777`, `AKIA…`, `0.0.0.0/0`, the text of a command.
    pub id: String,
    /// Ports of a network (`tcp 22`, `all`), the user of a key, the document of a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What a call has to do with a counterparty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// It may do something now.
    LetIn,
    /// It is there now.
    Made,
    /// It was sent, or run.
    Sent,
    /// It was put in place: a policy, a role, a key.
    Given,
    /// Data goes there from now on.
    SendsTo,
}

/// What a counterparty is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    /// Anybody at all; the id is `*`.
    Everybody,
    /// An AWS account, by its number.
    Account,
    /// An organization or a unit of one, by its id or ARN.
    Organization,
    /// A principal by its ARN or unique id.
    Principal,
    /// An identity provider.
    Federation,
    /// An AWS service, by its host name.
    Service,
    /// An access key, by its id.
    AccessKey,
    /// A user.
    User,
    /// A role.
    Role,
    /// A group of users.
    Group,
    /// A policy by its ARN or name.
    Policy,
    /// Addresses, as CIDR.
    Network,
    /// A bucket.
    Bucket,
    /// A command, by its text.
    Command,
    /// A key of KMS.
    Key,
    /// A machine.
    Instance,
    /// A copy of data: snapshot, image, backup.
    Copy,
    /// An address outside: of mail, of a web hook, of a queue.
    Endpoint,
    /// Anything else that was made.
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
