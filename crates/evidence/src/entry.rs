//! Entries of the log: one JSON object each.

use serde::{Deserialize, Serialize};

use bartizan_model::{AlertSilence, Evidence, Finding};

use super::note::IncidentNote;

/// Log entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// RFC 3339, UTC.
    pub time: String,
    /// Program and version, e.g. `bartizan 0.1.0`.
    pub tool: String,
    /// Size of the log before the commit with this entry, for which a tree head was published.
    pub log_size: u64,
    #[serde(flatten)]
    pub what: EntryKind,
}

/// Kind and content of an entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum EntryKind {
    /// Snapshot of an account.
    Snapshot(SnapshotRef),
    /// Gap in the records.
    Gap {
        /// Account, if known.
        #[serde(skip_serializing_if = "Option::is_none")]
        account: Option<String>,
        reason: String,
    },
    /// Finding accepted by a user.
    Justification(Justification),
    /// Alerts that a user does not want for a while.
    Silence(AlertSilence),
    /// A silence that a user ended early.
    #[serde(rename = "silence-ended")]
    SilenceEnded {
        /// Index of its entry.
        entry: u64,
        author: String,
        reason: String,
    },
    /// Something that somebody did about an incident on the page.
    Note(IncidentNote),
    /// Newest digests of CloudTrail that were verified.
    Trail {
        heads: Vec<TrailHead>,
        /// Hash of the list of verified files beside the log, hex.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        verified_sha256: Option<String>,
    },
    /// Entry of a later version of Bartizan.
    #[serde(other)]
    Other,
}

/// Newest verified digest of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailHead {
    /// Account id, 12 digits.
    pub account: String,
    pub region: String,
    /// Organization id, for an organization trail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    pub trail: String,
    /// Home region of the trail.
    pub home: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backfill: bool,
    /// Start of the oldest digest that was ever verified, RFC 3339.
    pub first_time: String,
    /// End of the newest, RFC 3339.
    pub end_time: String,
    /// Key of the newest from `AWSLogs/` on.
    pub object: String,
    /// Hash of the inflated digest, hex.
    pub sha256: String,
    /// Hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// Acceptance of a finding, with reason and expiry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Justification {
    pub finding: String,
    pub title: String,
    /// Accepted grant, if the finding is about a fact: another grant with the same name is not
    /// accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantRef>,
    pub reason: String,
    /// Who accepted it, e.g. `alice`; none on the command line, where the key says who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Expiry, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// Fact with the hash of its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRef {
    /// Account id, 12 digits.
    pub account: String,
    /// Region, or `global`.
    pub region: String,
    /// Kind of fact, e.g. `iam:role`; id of a posture check, e.g. `NET-01`.
    pub fact: String,
    /// Id of the fact; ARN of the resource that fails the check.
    pub id: String,
    /// Canonical hash of the content; `None`: the fact was removed.
    pub sha256: Option<String>,
}

impl GrantRef {
    /// Grant that a finding is about; `None` if it is not about a fact.
    #[must_use]
    pub fn of(finding: &Finding) -> Option<Self> {
        finding.evidence.iter().find_map(|evidence| match evidence {
            Evidence::Change {
                fact,
                id,
                region,
                after_sha256,
                ..
            } => Some(Self {
                account: finding.account.clone()?,
                region: region.clone(),
                fact: fact.clone(),
                id: id.clone(),
                sha256: after_sha256.clone(),
            }),
            Evidence::Check {
                check,
                resource,
                region,
                sha256: Some(sha256),
            } => Some(Self {
                account: finding.account.clone()?,
                region: region.clone(),
                fact: check.clone(),
                id: resource.clone(),
                sha256: Some(sha256.clone()),
            }),
            _ => None,
        })
    }
}

impl Justification {
    /// Whether it has expired. An expiry that cannot be read is over.
    #[must_use]
    pub fn is_over(&self, now: jiff::Timestamp) -> bool {
        self.until.as_ref().is_some_and(|until| {
            until
                .parse::<jiff::Timestamp>()
                .map_or(true, |until| until < now)
        })
    }

    /// Whether it accepts this finding and has not expired.
    #[must_use]
    pub fn accepts(&self, finding: &Finding, now: jiff::Timestamp) -> bool {
        let about = match &self.grant {
            Some(grant) => GrantRef::of(finding).as_ref() == Some(grant),
            None => finding.id == self.finding,
        };
        about && !self.is_over(now)
    }
}

/// Reference to a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotRef {
    /// Account id, 12 digits.
    pub account: String,
    /// Times of the first and last response, RFC 3339.
    pub taken: (String, String),
    /// `.facts` file.
    pub facts: FileRef,
    /// RFC 6962 root over its fact lines.
    pub root: String,
    /// Number of fact lines.
    pub count: u64,
    /// Packs added by this snapshot.
    pub packs: Vec<FileRef>,
    /// Number of calls (per region) read completely, and of all calls.
    pub coverage: (u64, u64),
}

/// Reference to a file by hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileRef {
    /// Name in the store.
    pub name: String,
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
}
