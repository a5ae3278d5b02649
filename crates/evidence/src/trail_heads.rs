//! Newest digest of each chain of CloudTrail digests, as the log remembers it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{EntryKind, EvidenceLog, LogEntry, LogError, LogKey};
use bartizan_model::limits::TRAIL_HEADS_PER_ENTRY;

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

/// Name of a chain: account, region, organization, trail, home region, and whether it is of
/// backfill digests.
type ChainName = (String, String, Option<String>, String, String, bool);

/// State of all trails in the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrailState {
    /// One for each chain.
    pub heads: Vec<TrailHead>,
    /// Hash of the list of verified files that was written last, hex.
    pub verified_sha256: Option<String>,
}

impl TrailHead {
    fn chain(&self) -> ChainName {
        (
            self.account.clone(),
            self.region.clone(),
            self.organization.clone(),
            self.trail.clone(),
            self.home.clone(),
            self.backfill,
        )
    }

    fn end(&self) -> Option<Timestamp> {
        self.end_time.parse().ok()
    }
}

/// Reads the state of all trails. A head never goes back: the one that ends last counts.
///
/// # Errors
/// If the log cannot be read.
pub fn trail_state(log: &EvidenceLog<'_>) -> Result<TrailState, LogError> {
    let mut heads: BTreeMap<ChainName, TrailHead> = BTreeMap::new();
    let mut verified_sha256 = None;
    for (_, text) in log.entries(0)? {
        let Ok(LogEntry {
            what:
                EntryKind::Trail {
                    heads: more,
                    verified_sha256: verified,
                },
            ..
        }) = serde_json::from_str(&text)
        else {
            continue;
        };
        verified_sha256 = verified.or(verified_sha256);
        for head in more {
            let known = heads.get(&head.chain());
            if known.is_none_or(|known| known.end() < head.end()) {
                heads.insert(head.chain(), head);
            }
        }
    }
    Ok(TrailState {
        heads: heads.into_values().collect(),
        verified_sha256,
    })
}

/// Appends what is new in `state`. Returns whether there was anything.
///
/// # Errors
/// If the storage fails; the log is then unchanged.
pub fn append_trail_state(
    log: &mut EvidenceLog<'_>,
    key: &LogKey,
    state: &TrailState,
    (tool, now): (&str, Timestamp),
) -> Result<bool, LogError> {
    let known = trail_state(log)?;
    let heads: Vec<TrailHead> = state
        .heads
        .iter()
        .filter(|head| !known.heads.contains(head))
        .cloned()
        .collect();
    if heads.is_empty() && known.verified_sha256 == state.verified_sha256 {
        return Ok(false);
    }
    let entry = |heads: &[TrailHead]| LogEntry {
        time: format!("{now:.3}"),
        tool: tool.to_owned(),
        log_size: 0,
        what: EntryKind::Trail {
            heads: heads.to_vec(),
            verified_sha256: state.verified_sha256.clone(),
        },
    };
    let entries = if heads.is_empty() {
        vec![entry(&[])]
    } else {
        heads.chunks(TRAIL_HEADS_PER_ENTRY).map(entry).collect()
    };
    log.append(key, entries)?;
    Ok(true)
}
