//! Log file integrity: digests that CloudTrail signs each hour, and the logs that they name
//! (CloudTrail user guide, "Validating CloudTrail log file integrity").
//!
//! A digest names the logs that were delivered in its span, with their hashes, and the digest
//! before it, with its hash and signature: a chain for each account, region and trail. Files are
//! read by the caller: [`TrailListing`] says which digests, [`judge_digests`] judges them and says
//! which logs, [`JudgedDigests::finish`] judges those and the time between.

mod check;
mod document;
mod holes;
mod judge;
mod keys;
mod log;
mod member;
mod name;
mod remembered;
mod series;
mod sidecar;
mod signature;
mod strict_json;

pub use check::{CheckReason, CheckedObject, FileFault, RecordedStop, TrailCheck, TrailVerdict};
pub use document::{DigestDocument, NamedHash, NamedLog, PreviousDigest};
pub use judge::{
    JudgedDigests, TrailEvidence, TrailFile, TrailListing, TrailReport, VerifiedSpan, judge_digests,
};
pub use keys::{DigestKeys, KeysFault};
pub use log::{LogRead, LogReader};
pub use member::{ContentHash, MemberReader, hex, unhex};
pub use name::{LogGroup, SeriesName, TrailFileName, key_of};
pub use remembered::{SeriesHead, VerifiedFiles};
pub use sidecar::DigestSignatures;
pub use signature::signed_text;
