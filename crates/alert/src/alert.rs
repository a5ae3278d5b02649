//! An alert, and its idempotency key.

use std::collections::BTreeMap;
use std::fmt;

use bartizan_model::{Evidence, Finding, Severity, Stage};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::brief::IncidentBrief;

/// Message to a person, before it is worded for a sink.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Idempotency key, e.g. `ba_5d0c0f6e91a2b3c4d5e6f708`: the same on every attempt and in every
    /// run over the same input.
    pub key: String,
    pub kind: AlertKind,
    /// Severity of the subject.
    pub severity: Severity,
    /// Stages of the subject.
    pub stages: Vec<Stage>,
    /// Accounts of the subject.
    pub accounts: Vec<String>,
    /// Rules of the findings.
    pub rules: Vec<String>,
    /// Id of the incident or finding. Alerts of one subject reach a sink in order.
    pub subject: String,
    /// Time at which it was raised, RFC 3339.
    pub time: String,
    /// Ids of the findings that it tells for the first time.
    pub findings: Vec<String>,
    pub about: AlertSubject,
}

/// Occasion of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertKind {
    /// A finding that belongs to no incident.
    Finding,
    /// A sensor, region or account that is no longer seen.
    SensorBlind,
    FindingEnded,
    IncidentOpened,
    /// Higher severity, or a further stage.
    IncidentEscalated,
    /// Further findings.
    IncidentUpdated,
    IncidentEnded,
    /// Repeated, because the subject is still open.
    StillOpen,
    /// Counts in place of the alerts of a storm.
    Digest,
    /// Sent by `bartizan alerts test`.
    Test,
}

/// Incident or finding that an alert is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertSubject {
    Finding {
        finding: Box<Finding>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ended: Option<EndReason>,
    },
    Incident {
        incident: Box<IncidentBrief>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ended: Option<EndReason>,
    },
    Digest(StormDigest),
    Test,
}

/// Reason for which a subject ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndReason {
    /// The condition is no longer so, or the finding was explained.
    Cleared,
    /// Accepted by a user.
    Accepted,
    /// Older than the lookback.
    LeftLookback,
    /// Part of this incident now.
    Joined(String),
    /// Nothing of it stands, and nothing has happened for a day.
    Quiet,
}

/// Counts of alerts that a storm folded into one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StormDigest {
    /// Number of alerts.
    pub alerts: usize,
    /// By severity, e.g. `high`.
    pub severities: BTreeMap<Severity, usize>,
    /// By kind.
    pub kinds: BTreeMap<AlertKind, usize>,
    /// By account.
    pub accounts: BTreeMap<String, usize>,
    /// By rule.
    pub rules: BTreeMap<String, usize>,
    /// Titles of the worst.
    pub worst: Vec<(Severity, String)>,
}

impl AlertKind {
    /// Whether it says that its subject ended.
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(self, Self::FindingEnded | Self::IncidentEnded)
    }

    /// Name of the kind, e.g. `incident-opened`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Finding => "finding",
            Self::SensorBlind => "sensor-blind",
            Self::FindingEnded => "finding-ended",
            Self::IncidentOpened => "incident-opened",
            Self::IncidentEscalated => "incident-escalated",
            Self::IncidentUpdated => "incident-updated",
            Self::IncidentEnded => "incident-ended",
            Self::StillOpen => "still-open",
            Self::Digest => "digest",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for AlertKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Alert {
    /// Alert about a finding; `ended` makes it a resolved notice.
    pub(crate) fn of_finding(finding: &Finding, ended: Option<EndReason>, time: &str) -> Self {
        let kind = match (&ended, is_blindness(finding)) {
            (Some(_), _) => AlertKind::FindingEnded,
            (None, true) => AlertKind::SensorBlind,
            (None, false) => AlertKind::Finding,
        };
        let severity = finding.severity;
        let last = finding.last_time.as_deref().unwrap_or_default();
        let sequence = match &ended {
            None => severity.to_string(),
            Some(reason) => format!("{reason:?} {last}"),
        };
        Self {
            key: key(kind, &finding.id, &sequence),
            kind,
            severity,
            stages: vec![finding.stage],
            accounts: finding.account.iter().cloned().collect(),
            rules: vec![finding.rule.clone()],
            subject: finding.id.clone(),
            time: time.to_owned(),
            findings: match ended {
                None => vec![finding.id.clone()],
                Some(_) => Vec::new(),
            },
            about: AlertSubject::Finding {
                finding: Box::new(finding.clone()),
                ended,
            },
        }
    }

    /// Alert about an incident. `sequence` tells apart alerts of one kind about it.
    pub(crate) fn of_incident(
        kind: AlertKind,
        brief: IncidentBrief,
        sequence: &str,
        (findings, ended): (Vec<String>, Option<EndReason>),
        time: &str,
    ) -> Self {
        Self {
            key: key(kind, &brief.id, sequence),
            kind,
            severity: brief.severity,
            stages: brief.stages.clone(),
            accounts: brief.accounts.clone(),
            rules: brief.rules.clone(),
            subject: brief.id.clone(),
            time: time.to_owned(),
            findings,
            about: AlertSubject::Incident {
                incident: Box::new(brief),
                ended,
            },
        }
    }

    /// Reason of the end, for a resolved notice.
    #[must_use]
    pub fn ended(&self) -> Option<&EndReason> {
        match &self.about {
            AlertSubject::Finding { ended, .. } | AlertSubject::Incident { ended, .. } => {
                ended.as_ref()
            }
            AlertSubject::Digest(_) | AlertSubject::Test => None,
        }
    }
}

/// Key of an alert: hash of kind, subject and sequence.
pub(crate) fn key(kind: AlertKind, subject: &str, sequence: &str) -> String {
    let hash = Sha256::digest(format!("{kind}\u{1f}{subject}\u{1f}{sequence}"));
    let hex: String = hash[..12].iter().map(|b| format!("{b:02x}")).collect();
    format!("ba_{hex}")
}

/// Whether a finding says that something is not seen any more, not that somebody acted.
fn is_blindness(finding: &Finding) -> bool {
    let unseen = |e: &Evidence| matches!(e, Evidence::Coverage { .. });
    finding.stage == Stage::Blind && finding.evidence.iter().any(unseen) && finding.actor.is_none()
}
