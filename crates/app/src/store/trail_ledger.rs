//! What the store remembers of trails: in its signed log the newest digest of each chain, beside it
//! the list of what was verified and the signatures of digests.

use anyhow::Result;
use bartizan_evidence::{
    EvidenceLog, LogError, Storage, StorageError, TrailHead, TrailState, append_trail_state,
    trail_state,
};
use bartizan_inventory::fact::Hash;
use bartizan_model::time_text;
use bartizan_trail::digest::{
    DigestSignatures, SeriesHead, SeriesName, TrailReport, VerifiedFiles, hex, unhex,
};
use jiff::Timestamp;

use super::folder::lock;
use super::keys::{check_head, remember, rolled_back};
use super::{TOOL, begin};
use crate::cli::Global;

/// List of verified files, whose hash is in the log.
const VERIFIED: &str = "trail/verified";
/// Signatures of digests that were read from S3.
const SIGNATURES: &str = "trail/signatures";

/// Memory of earlier checks.
#[derive(Default)]
pub(crate) struct TrailLedger {
    pub(crate) heads: Vec<SeriesHead>,
    pub(crate) verified: VerifiedFiles,
    pub(crate) signatures: DigestSignatures,
    /// Entries of the log, and how many this machine remembers, if those are more.
    pub(crate) rolled_back: Option<(u64, u64)>,
}

/// Reads the memory of a store; none where there is no log yet.
pub(crate) fn trail_ledger(storage: &dyn Storage) -> Result<Option<TrailLedger>> {
    let log = match EvidenceLog::open(storage) {
        Err(LogError::NoLog(_)) => return Ok(None),
        other => other?,
    };
    let state = trail_state(&log)?;
    let read = |name: &str| match storage.read(name) {
        Err(StorageError::Missing(_)) => Ok(None),
        other => other.map(Some),
    };
    // A list that somebody else wrote is not believed: everything is read again.
    let verified = read(VERIFIED)?
        .filter(|bytes| Some(Hash::of(bytes).to_string()) == state.verified_sha256)
        .and_then(|bytes| VerifiedFiles::from_bytes(&bytes))
        .unwrap_or_default();
    let signatures = read(SIGNATURES)?
        .map(|bytes| DigestSignatures::parse(&String::from_utf8_lossy(&bytes)))
        .unwrap_or_default();
    Ok(Some(TrailLedger {
        heads: state.heads.iter().filter_map(series_head).collect(),
        verified,
        signatures,
        rolled_back: rolled_back(&log).map(|remembered| (log.size(), remembered)),
    }))
}

/// Writes what a check found into the log, beginning it if there is none.
pub(crate) fn record_trail(
    global: &Global,
    storage: &dyn Storage,
    report: &TrailReport,
    signatures: &DigestSignatures,
    now: Timestamp,
) -> Result<()> {
    let _lock = lock(global, storage)?;
    let (key, mut log) = begin(global, storage)?;
    check_head(&log)?;
    if !signatures.is_empty() {
        let mut all = match storage.read(SIGNATURES) {
            Ok(bytes) => DigestSignatures::parse(&String::from_utf8_lossy(&bytes)),
            Err(StorageError::Missing(_)) => DigestSignatures::default(),
            Err(e) => return Err(e.into()),
        };
        all.add_all(signatures);
        storage.replace(SIGNATURES, all.to_text().as_bytes())?;
    }
    let verified = report.verified.to_bytes();
    let state = TrailState {
        heads: report.heads.iter().map(trail_head).collect(),
        verified_sha256: Some(Hash::of(&verified).to_string()),
    };
    // Killed between the two, the list is not the one of the log, and is not believed.
    if append_trail_state(&mut log, &key, &state, (TOOL, now))? {
        storage.replace(VERIFIED, &verified)?;
        remember(log.public(), log.head());
    }
    Ok(())
}

fn trail_head(head: &SeriesHead) -> TrailHead {
    TrailHead {
        account: head.series.account.clone(),
        region: head.series.region.clone(),
        organization: head.series.organization.clone(),
        trail: head.series.trail.clone(),
        home: head.series.home.clone(),
        backfill: head.series.backfill,
        first_time: time_text(head.first_s),
        end_time: time_text(head.end_s),
        object: head.key.clone(),
        sha256: hex(&head.sha256),
        signature: head.signature.clone(),
    }
}

fn series_head(head: &TrailHead) -> Option<SeriesHead> {
    let seconds = |text: &str| text.parse::<Timestamp>().ok().map(Timestamp::as_second);
    Some(SeriesHead {
        series: SeriesName {
            account: head.account.clone(),
            region: head.region.clone(),
            organization: head.organization.clone(),
            trail: head.trail.clone(),
            home: head.home.clone(),
            backfill: head.backfill,
        },
        first_s: seconds(&head.first_time)?,
        end_s: seconds(&head.end_time)?,
        key: head.object.clone(),
        sha256: unhex(&head.sha256)?.try_into().ok()?,
        signature: head.signature.clone(),
    })
}
