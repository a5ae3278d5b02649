//! What the log says: one JSON object an entry.

use serde::{Deserialize, Serialize};

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// RFC 3339, UTC.
    pub time: String,
    /// `bartizan 0.1.0`.
    pub tool: String,
    /// Size of the log before the commit that brought this entry: a tree head of this size was published.
    pub log_size: u64,
    /// What is said.
    #[serde(flatten)]
    pub what: What,
}

/// The kinds of entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum What {
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
    /// An entry of a later version of Bartizan.
    #[serde(other)]
    Other,
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
