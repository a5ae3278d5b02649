//! What the log says: one JSON object an entry.

use serde::{Deserialize, Serialize};

use bartizan_model::{Evidence, Finding};

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// RFC 3339, UTC.
    pub time: String,
    /// `bartizan 0.1.0`.
    pub tool: String,
    /// Size of the log before the commit that brought this entry: a tree head of this size was
    /// published.
    pub log_size: u64,
    /// What is said.
    #[serde(flatten)]
    pub what: EntryKind,
}

/// The kinds of entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum EntryKind {
    /// A snapshot was taken.
    Snapshot(SnapshotRef),
    /// Something that should be here is not.
    Gap {
        /// The account, if it is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        account: Option<String>,
        /// What happened.
        reason: String,
    },
    /// Somebody accepted a finding.
    Justification(Justification),
    /// An entry of a later version of Bartizan.
    #[serde(other)]
    Other,
}

/// Why a finding is no cause for alarm, and for how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Justification {
    /// Id of the finding.
    pub finding: String,
    /// Its title, for people.
    pub title: String,
    /// The grant that was accepted, where the finding is about a fact: another grant under the same
    /// name is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantRef>,
    /// Why.
    pub reason: String,
    /// RFC 3339: until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// A fact and what it says, by its canonical hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRef {
    /// Twelve digits.
    pub account: String,
    /// A region, or `global`.
    pub region: String,
    /// Kind of fact.
    pub fact: String,
    /// Its id.
    pub id: String,
    /// Canonical hash of what it says; none: that it is gone.
    pub sha256: Option<String>,
}

impl GrantRef {
    /// The grant that a finding is about; none where it is about no fact.
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
            _ => None,
        })
    }
}

impl Justification {
    /// Whether it is about this finding, and still holds.
    #[must_use]
    pub fn accepts(&self, finding: &Finding, now: jiff::Timestamp) -> bool {
        let over = self.until.as_ref().is_some_and(|until| {
            until
                .parse::<jiff::Timestamp>()
                .map_or(true, |until| until < now)
        });
        let about = match &self.grant {
            Some(grant) => GrantRef::of(finding).as_ref() == Some(grant),
            None => finding.id == self.finding,
        };
        about && !over
    }
}

/// A snapshot, by reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotRef {
    /// Twelve digits.
    pub account: String,
    /// First and last answer, RFC 3339.
    pub taken: (String, String),
    /// The `.facts` file.
    pub facts: FileRef,
    /// RFC 6962 root over its fact lines.
    pub root: String,
    /// Number of fact lines.
    pub count: u64,
    /// Packs that this snapshot added.
    pub packs: Vec<FileRef>,
    /// Calls (per region) read whole, and all.
    pub coverage: (u64, u64),
}

/// A file that an entry vouches for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileRef {
    /// Its name in the store.
    pub name: String,
    /// Hash of its bytes.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
}
