//! Proof that a fact is in a snapshot of a signed log, verifiable without the rest of the log.

use serde::{Deserialize, Serialize};
use tlog_tiles::{
    HashReader, check_record, prove_record, record_hash, stored_hashes_for_record_hash,
};

use super::log::{EvidenceLog, LogError, checkpoint};
use super::{EntryKind, LogEntry};

/// Fact line with its audit path to the snapshot's root, and the snapshot's entry with its audit
/// path to a signed tree head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FactProof {
    pub fact: String,
    /// Index of the fact in the snapshot.
    pub fact_index: u64,
    /// RFC 6962 audit path, hex, from the leaf up.
    pub fact_path: Vec<String>,
    /// Log entry, byte for byte.
    pub entry: String,
    /// Index of the entry in the log.
    pub entry_index: u64,
    /// RFC 6962 audit path, hex, from the leaf up.
    pub entry_path: Vec<String>,
    /// Signed tree head.
    pub checkpoint: String,
    /// Verifier key. Compare it with one that you trust.
    pub log_key: String,
}

/// Error in making or checking a proof.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The fact is not in the snapshot.
    #[error("the snapshot has no such fact")]
    NoFact,
    /// A step of the proof is wrong.
    #[error("the proof does not hold: {0}")]
    Broken(String),
}

impl FactProof {
    /// Proves that `fact` is the line at `index` of `lines`, the snapshot of entry `entry_index`.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn make(
        log: &EvidenceLog<'_>,
        entry_index: u64,
        entry: &str,
        lines: &[&str],
        index: usize,
    ) -> Result<Self, ProofError> {
        let fact = lines.get(index).ok_or(ProofError::NoFact)?;
        let tree = MemoryTree::of(lines.iter().map(|l| l.as_bytes()));
        let fact_path = prove_record(lines.len() as u64, index as u64, &tree)
            .map_err(|e| ProofError::Broken(e.to_string()))?;
        Ok(Self {
            fact: (*fact).to_owned(),
            fact_index: index as u64,
            fact_path: hex(&fact_path),
            entry: entry.to_owned(),
            entry_index,
            entry_path: hex(&log.prove(entry_index)?),
            checkpoint: String::from_utf8_lossy(log.head()).into_owned(),
            log_key: log.public().to_owned(),
        })
    }

    /// Checks every step against the verifier key `public`.
    ///
    /// # Errors
    /// The first step that is wrong.
    pub fn check(&self, public: &str) -> Result<(), ProofError> {
        let broken = |e: &dyn std::fmt::Display| ProofError::Broken(e.to_string());
        let head = checkpoint(public, self.checkpoint.as_bytes()).map_err(|e| broken(&e))?;
        let path = unhex(&self.entry_path)?;
        check_record(
            &path,
            head.size(),
            *head.hash(),
            self.entry_index,
            record_hash(self.entry.as_bytes()),
        )
        .map_err(|e| broken(&format!("the entry is not in the log: {e}")))?;
        let entry: LogEntry = serde_json::from_str(&self.entry).map_err(|e| broken(&e))?;
        let EntryKind::Snapshot(snapshot) = entry.what else {
            return Err(broken(&"the entry is no snapshot"));
        };
        let root = bartizan_inventory::fact::Hash::parse(&snapshot.root)
            .ok_or_else(|| broken(&"the entry has no root"))?;
        let path = unhex(&self.fact_path)?;
        check_record(
            &path,
            snapshot.count,
            tlog_tiles::Hash(root.0),
            self.fact_index,
            record_hash(self.fact.as_bytes()),
        )
        .map_err(|e| broken(&format!("the fact is not in the snapshot: {e}")))
    }
}

fn hex(path: &[tlog_tiles::Hash]) -> Vec<String> {
    path.iter()
        .map(|h| bartizan_inventory::fact::Hash(h.0).to_string())
        .collect()
}

fn unhex(path: &[String]) -> Result<Vec<tlog_tiles::Hash>, ProofError> {
    let one = |h: &String| bartizan_inventory::fact::Hash::parse(h).map(|h| tlog_tiles::Hash(h.0));
    path.iter()
        .map(|h| one(h).ok_or_else(|| ProofError::Broken(format!("not a hash: {h:?}"))))
        .collect()
}

/// All stored hashes of a tree, in memory.
#[derive(Clone, Default)]
pub(super) struct MemoryTree {
    hashes: Vec<tlog_tiles::Hash>,
    size: u64,
}

impl MemoryTree {
    pub(super) fn of<'a>(records: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut tree = Self::default();
        for record in records {
            tree.push(record_hash(record));
        }
        tree
    }

    pub(super) fn push(&mut self, leaf: tlog_tiles::Hash) {
        // Reading from memory cannot fail: every requested index is below the size.
        if let Ok(new) = stored_hashes_for_record_hash(self.size, leaf, self) {
            self.hashes.extend(new);
            self.size += 1;
        }
    }
}

impl HashReader for MemoryTree {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        let one = |i: &u64| {
            usize::try_from(*i)
                .ok()
                .and_then(|i| self.hashes.get(i))
                .copied()
        };
        indexes
            .iter()
            .map(|i| one(i).ok_or(tlog_tiles::Error::IndexesNotInTree))
            .collect()
    }
}
