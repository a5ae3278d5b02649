//! Credentials as data.

use serde::{Deserialize, Serialize};

use crate::missing::MissingFact;

/// Kind of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    RootPassword,
    RootAccessKey,
    RootCertificate,
    Password,
    AccessKey,
    SigningCertificate,
    SshKey,
    ServiceSpecific,
    MfaDevice,
    CloudfrontKey,
    CloudfrontKeyGroup,
    ServerCertificate,
    SamlProvider,
    OidcProvider,
    TrustAnchor,
    IdentityCenterAssignment,
    /// Temporary credentials of a role.
    RoleSession,
}

/// One way to open the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Credential {
    pub kind: CredentialKind,
    /// Access key id, serial number, ARN of a provider.
    pub id: String,
    /// ARN of the user, or the account id for what is nobody's own.
    pub owner: String,
    /// Region, or `global`.
    pub region: String,
    /// Whether it works; unknown where the snapshot does not say.
    pub active: Option<bool>,
    /// RFC 3339.
    pub created: Option<String>,
    pub age_days: Option<i64>,
    pub last_used: Option<LastUse>,
    /// Days since the last use; since it was made, where it was never used.
    pub unused_days: Option<i64>,
    /// What its holder can become; nothing where it is no administrator and cannot become one.
    pub power: Option<Power>,
    /// Who made it, by the trail; nothing where the trail does not reach back so far.
    pub made_by: Option<MadeBy>,
    /// Number of open sessions that one origin began, where it is one.
    pub sessions: Option<u64>,
    /// When the last of them expires, RFC 3339.
    pub until: Option<String>,
}

/// Who made a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeBy {
    /// Lasting key of the origin: ARN of a user, `instance i-0a1b`.
    pub who: String,
    /// Address that the call came from, or a service.
    pub source: String,
    /// `iam:CreateAccessKey`.
    pub call: String,
    /// RFC 3339.
    pub time: String,
}

/// Last use of a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "use", rename_all = "lowercase")]
pub enum LastUse {
    /// Never, as far as AWS remembers.
    Never,
    At {
        /// RFC 3339.
        time: String,
        region: Option<String>,
        service: Option<String>,
    },
}

/// How close a holder is to administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Power {
    /// The root user: everything, and no policy limits it.
    Root,
    /// Letter of the rung of `access escalate`, and whether it is proved.
    Rung { letter: char, proved: bool },
}

/// The credentials of an account, and what of them was not read.
#[derive(Debug)]
pub struct Credentials {
    /// By kind, owner and id.
    pub list: Vec<Credential>,
    pub unread: Vec<MissingFact>,
}
