//! What reaches a human: what, who, where, how bad, how sure, with evidence.

use serde::{Deserialize, Serialize};

use crate::counterparty::Counterparty;
use crate::severity::Severity;

/// One finding. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable: a hash of rule, entity and window.
    pub id: String,
    /// Id of the rule.
    pub rule: String,
    /// What it is, without the particulars.
    pub title: String,
    /// One sentence with the particulars.
    pub summary: String,
    /// How bad it is.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// What the intruder does with it.
    pub stage: Stage,
    /// ATT&CK techniques.
    pub attack: Vec<String>,
    /// Account that was called.
    pub account: Option<String>,
    /// Region that was called.
    pub region: Option<String>,
    /// First event.
    pub first_time: Option<String>,
    /// Last event.
    pub last_time: Option<String>,
    /// Events.
    pub count: u64,
    /// How many of them AWS refused, or failed otherwise.
    #[serde(default)]
    pub refused: u64,
    /// What was called, what did most harm first:
    /// `[{"call":"s3:GetObject","count":2,"refused":0,"resources":["arn:…"]}]`.
    #[serde(default)]
    pub calls: Vec<CallCount>,
    /// Who did it, as of the first event.
    pub actor: Option<Actor>,
    /// ARNs and names that the calls were about.
    pub resources: Vec<String>,
    /// Whom or what the calls let in, made or sent:
    /// `[{"relation":"let-in","kind":"account","id":"999988887777"}]`.
    #[serde(default)]
    pub counterparty: Vec<Counterparty>,
    /// What it rests on, earliest first.
    pub evidence: Vec<Evidence>,
    /// Must, may, or unknown.
    pub verdict: Verdict,
    /// Why it matters, what it was compared with, what to do.
    pub because: Vec<String>,
    /// A command that shows the evidence again.
    pub show: String,
}

/// A call of a finding: how often, how often in vain, and on what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCount {
    /// `service:Call`.
    pub call: String,
    /// Events.
    pub count: u64,
    /// How many of them failed.
    pub refused: u64,
    /// What the earliest of them were about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
}

/// Who stands behind a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// What lasts of the actor: ARN of a user or role, name of a service.
    pub key: String,
    /// Short name for people.
    pub name: String,
    /// As in the record.
    pub arn: Option<String>,
    /// Kind of identity.
    #[serde(rename = "type")]
    pub kind: String,
    /// Account of the identity.
    pub account: Option<String>,
    /// Key of the call.
    pub access_key_id: Option<String>,
    /// Session name and what the session was made from, outermost last.
    pub origin: Vec<String>,
    /// ARN of the role or user that a session was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_issuer: Option<String>,
    /// `sourceIdentity` of the session: the name that a trust policy demanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_identity: Option<String>,
    /// Address, or the service in its place.
    pub source_ip: Option<String>,
    /// As sent.
    pub user_agent: Option<String>,
}

/// What a finding rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Evidence {
    /// A CloudTrail record.
    Event {
        /// Its event id.
        id: String,
        /// Its time.
        time: String,
        /// `service:Call`.
        call: String,
        /// Its error code, if the call failed.
        error: Option<String>,
    },
    /// A fact that is not what it was.
    Change {
        /// `iam:userpolicy`.
        fact: String,
        /// Its id.
        id: String,
        /// A region, or `global`.
        region: String,
        /// Canonical hash before, if it was there.
        before_sha256: Option<String>,
        /// Canonical hash after, if it is there.
        after_sha256: Option<String>,
    },
    /// Something that was not seen, or could not be read.
    Coverage {
        /// Where.
        place: String,
        /// What is missing there.
        what: String,
    },
}

/// What an intruder does (the talk's three, and ours), or mere hygiene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Getting in.
    Gain,
    /// Staying in.
    Maintain,
    /// Taking or breaking.
    Steal,
    /// Switching the alarm off.
    Blind,
    /// Nobody's attack.
    Hygiene,
}

/// How sure a finding is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Often something harmless.
    Low,
    /// Worth asking.
    #[default]
    Medium,
    /// Hardly ever harmless.
    High,
}

/// Whether something is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Proved.
    Must,
    /// Depends on what `because` names.
    May,
    /// Something could not be read.
    Unknown,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Gain => "gain",
            Self::Maintain => "maintain",
            Self::Steal => "steal",
            Self::Blind => "blind",
            Self::Hygiene => "hygiene",
        })
    }
}

impl std::str::FromStr for Stage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [
            Self::Gain,
            Self::Maintain,
            Self::Steal,
            Self::Blind,
            Self::Hygiene,
        ]
        .into_iter()
        .find(|s| s.to_string() == text)
        .ok_or_else(|| format!("stage is gain, maintain, steal, blind or hygiene, not {text:?}"))
    }
}

impl std::str::FromStr for Confidence {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "low" => Ok(Self::Low),
            "medium" => Ok(Self::Medium),
            "high" => Ok(Self::High),
            _ => Err(format!("confidence is low, medium or high, not {text:?}")),
        }
    }
}
