//! Findings: title, actor, place, severity, confidence and evidence.

use serde::{Deserialize, Serialize};

use crate::counterparty::Counterparty;
use crate::severity::Severity;

/// Finding. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable id: hash of rule, entity, outcome and window.
    pub id: String,
    pub rule: String,
    /// General title, without details.
    pub title: String,
    /// One sentence with the details.
    pub summary: String,
    pub severity: Severity,
    pub confidence: Confidence,
    pub stage: Stage,
    /// ATT&CK techniques, e.g. `T1098`.
    pub attack: Vec<String>,
    /// Account that received the calls.
    pub account: Option<String>,
    /// Region that received the calls.
    pub region: Option<String>,
    /// Time of the first event.
    pub first_time: Option<String>,
    /// Time of the last event.
    pub last_time: Option<String>,
    /// Number of events.
    pub count: u64,
    /// Number of denied and otherwise failed events.
    #[serde(default)]
    pub refused: u64,
    /// API calls, most harmful first:
    /// `[{"call":"s3:GetObject","count":2,"refused":0,"resources":["arn:…"]}]`.
    #[serde(default)]
    pub calls: Vec<CallCount>,
    /// Actor of the first event.
    pub actor: Option<Actor>,
    /// ARNs and names of affected resources.
    pub resources: Vec<String>,
    /// Principals let in, and things created or sent:
    /// `[{"relation":"let-in","kind":"account","id":"999988887777"}]`.
    #[serde(default)]
    pub counterparty: Vec<Counterparty>,
    /// Supporting events and facts, earliest first.
    pub evidence: Vec<Evidence>,
    pub verdict: Verdict,
    /// Why it matters, the baseline it was compared with, and what to do.
    pub because: Vec<String>,
    /// Command that shows the evidence again.
    pub show: String,
}

/// API call of a finding, with counts and resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCount {
    /// `service:Call`, e.g. `iam:CreateUser`.
    pub call: String,
    /// Number of events.
    pub count: u64,
    /// Number of failed events.
    pub refused: u64,
    /// Resources of the earliest events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
}

/// Actor of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Stable key: ARN of a user or role, name of a service.
    pub key: String,
    /// Short name, e.g. `user alice`.
    pub name: String,
    /// ARN as in the record, e.g. `arn:aws:sts::111122223333:assumed-role/build/i-0a`.
    pub arn: Option<String>,
    /// Identity type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Account of the identity.
    pub account: Option<String>,
    pub access_key_id: Option<String>,
    /// Session name and origins of the session, outermost last.
    pub origin: Vec<String>,
    /// Source address, or service name in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_issuer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_identity: Option<String>,
    pub source_ip: Option<String>,
    pub user_agent: Option<String>,
}

/// Evidence of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Evidence {
    /// CloudTrail record.
    Event {
        /// Event id.
        id: String,
        time: String,
        /// `service:Call`, e.g. `iam:CreateUser`.
        call: String,
        /// Error code of a failed call.
        error: Option<String>,
    },
    /// Changed fact.
    Change {
        /// Kind of fact, e.g. `iam:userpolicy`.
        fact: String,
        id: String,
        /// Region, or `global`.
        region: String,
        /// Canonical hash before the change; `None` if it did not exist.
        before_sha256: Option<String>,
        /// Canonical hash after the change; `None` if it was removed.
        after_sha256: Option<String>,
    },
    /// Failed posture check.
    Check {
        /// Id of the check, e.g. `NET-01`.
        check: String,
        /// ARN of the resource.
        resource: String,
        /// Region, or `global`.
        region: String,
        /// Hash of the facts that it is about; `None` where it is about a change.
        sha256: Option<String>,
    },
    /// Day of spend.
    Cost {
        /// File of the bill.
        file: String,
        /// `2026-03-11`.
        day: String,
        /// Service, region and usage type as far as known.
        charge: String,
        /// Amount with its currency, e.g. `2359.30 USD`.
        amount: String,
        /// Expected amount, e.g. `0.00 USD`.
        expected: String,
    },
    /// Finding of another system.
    Report {
        /// `guardduty`.
        system: String,
        /// Id that the system gave.
        id: String,
        /// Type in the words of the system.
        kind_of: String,
        time: Option<String>,
    },
    /// Missing or unreadable data.
    Coverage {
        place: String,
        /// Missing data.
        what: String,
    },
}

/// Stage of an attack, or mere hygiene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Gains access.
    Gain,
    /// Keeps access.
    Maintain,
    /// Takes or destroys data.
    Steal,
    /// Disables monitoring.
    Blind,
    /// No attack.
    Hygiene,
}

/// Confidence that a finding is malicious.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Often harmless.
    Low,
    /// Worth asking about.
    #[default]
    Medium,
    /// Hardly ever harmless.
    High,
}

/// Certainty of a finding's claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Proved.
    Must,
    /// Depends on conditions listed in `because`.
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
