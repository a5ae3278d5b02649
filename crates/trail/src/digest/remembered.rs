//! What one run remembers for the next: the newest digest of each chain, and what was verified, so
//! that it is not read again.

use serde::{Deserialize, Serialize};

use super::document::{DigestDocument, NamedHash, NamedLog, PreviousDigest};
use super::log::TrailSwitch;
use super::member::{ContentHash, hex, unhex};
use super::name::SeriesName;
use bartizan_model::limits::VERIFIED_LIST_BYTES_MAX;

/// Newest believed digest of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesHead {
    pub series: SeriesName,
    /// Start of the oldest digest that was ever verified, seconds since 1970.
    pub first_s: i64,
    /// Seconds since 1970.
    pub end_s: i64,
    /// Key from `AWSLogs/` on.
    pub key: String,
    pub sha256: ContentHash,
    /// Hex, where it is known.
    pub signature: Option<String>,
}

/// Digests of which all logs were valid, with these logs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VerifiedFiles(pub(super) Vec<VerifiedDigest>);

/// Digest that was verified with all its logs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct VerifiedDigest {
    /// Key from `AWSLogs/` on.
    pub(super) key: String,
    pub(super) bytes: Option<u64>,
    span_s: (i64, i64),
    end: String,
    bucket: String,
    object: String,
    account: String,
    fingerprint: String,
    sha256: String,
    previous: Option<(String, String, Option<String>)>,
    pub(super) logs: Vec<VerifiedLog>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) switches: Vec<VerifiedSwitch>,
}

/// Log that had the hash that its digest names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct VerifiedLog {
    pub(super) object: String,
    pub(super) bytes: Option<u64>,
    sha256: String,
    events_s: Option<(i64, i64)>,
}

/// [`TrailSwitch`], as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct VerifiedSwitch(i64, String, String, bool, String, String, String);

impl From<&TrailSwitch> for VerifiedSwitch {
    fn from(s: &TrailSwitch) -> Self {
        Self(
            s.time_s,
            s.event_id.clone(),
            s.call.clone(),
            s.is_off,
            s.account.clone(),
            s.home.clone(),
            s.trail.clone(),
        )
    }
}

impl From<&VerifiedSwitch> for TrailSwitch {
    fn from(s: &VerifiedSwitch) -> Self {
        Self {
            time_s: s.0,
            event_id: s.1.clone(),
            call: s.2.clone(),
            is_off: s.3,
            account: s.4.clone(),
            home: s.5.clone(),
            trail: s.6.clone(),
        }
    }
}

impl VerifiedDigest {
    pub(super) fn new(
        key: &str,
        bytes: Option<u64>,
        document: &DigestDocument,
        log_bytes: &dyn Fn(&str) -> Option<u64>,
    ) -> Option<Self> {
        let sha256 = |hash: &NamedHash| match hash {
            NamedHash::Sha256(hash) => Some(hex(hash)),
            NamedHash::Other(_) => None,
        };
        let previous = match &document.previous {
            None => None,
            Some(p) => Some((p.object.clone(), sha256(&p.hash)?, p.signature.clone())),
        };
        let log = |log: &NamedLog| {
            Some(VerifiedLog {
                object: log.object.clone(),
                bytes: log_bytes(&log.object),
                sha256: sha256(&log.hash)?,
                events_s: log.events_s,
            })
        };
        Some(Self {
            key: key.to_owned(),
            bytes,
            span_s: (document.start_s, document.end_s),
            end: document.end_text.clone(),
            bucket: document.bucket.clone(),
            object: document.object.clone(),
            account: document.account.clone(),
            fingerprint: document.fingerprint.clone(),
            sha256: hex(&document.sha256),
            previous,
            logs: document.logs.iter().map(log).collect::<Option<_>>()?,
            switches: Vec::new(),
        })
    }

    /// The digest as it was read.
    pub(super) fn document(&self) -> Option<DigestDocument> {
        let hash = |text: &str| -> Option<ContentHash> { unhex(text)?.try_into().ok() };
        let previous = match &self.previous {
            None => None,
            Some((object, sha256, signature)) => Some(PreviousDigest {
                object: object.clone(),
                hash: NamedHash::Sha256(hash(sha256)?),
                signature: signature.clone(),
            }),
        };
        let log = |log: &VerifiedLog| {
            Some(NamedLog {
                object: log.object.clone(),
                hash: NamedHash::Sha256(hash(&log.sha256)?),
                events_s: log.events_s,
            })
        };
        Some(DigestDocument {
            account: self.account.clone(),
            start_s: self.span_s.0,
            end_s: self.span_s.1,
            end_text: self.end.clone(),
            bucket: self.bucket.clone(),
            object: self.object.clone(),
            fingerprint: self.fingerprint.clone(),
            algorithm: "SHA256withRSA".to_owned(),
            sha256: hash(&self.sha256)?,
            previous,
            logs: self.logs.iter().map(log).collect::<Option<_>>()?,
        })
    }
}

impl VerifiedFiles {
    /// Compressed lines, a digest each.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let lines: String = self
            .0
            .iter()
            .filter_map(|d| serde_json::to_string(d).ok())
            .map(|line| line + "\n")
            .collect();
        zstd::bulk::compress(lines.as_bytes(), 3).unwrap_or_default()
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` if it is something else. Then everything is read
    /// again.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let lines = zstd::bulk::decompress(bytes, VERIFIED_LIST_BYTES_MAX).ok()?;
        let text = std::str::from_utf8(&lines).ok()?;
        let digests = text.lines().map(serde_json::from_str);
        digests.collect::<Result<_, _>>().ok().map(Self)
    }
}
