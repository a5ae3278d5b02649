//! Scan result of one object as bytes: `watch` keeps it in place of reading the object again, and
//! it can be made on another machine. Stated in `docs/formats.md`.
//!
//! Layout: [`MAGIC`], [`ScanHeader`] (postcard, length before it), zstd of [`rows::ScanRows`]
//! (postcard), SHA-256 of everything before. What is found from results depends on neither their
//! order nor the machine.

mod pool;
mod read;
mod rows;
mod write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use pool::ContextPool;

use crate::scan_output::ScanOutput;
use crate::scan_plan::ScanPlan;
use bartizan_model::limits::{SCAN_RESULT_BYTES_MAX, SCAN_RESULT_STORED_BYTES_MAX};

/// First bytes of a scan result; the number is the version of the format.
const MAGIC: &[u8; 16] = b"bartizan scan 1\n";

/// Magic of any version.
const MAGIC_OF_ANY: &[u8; 14] = b"bartizan scan ";

/// Level of zstd: results are written once and read at each start.
const LEVEL: i32 = 3;

/// Object that was scanned, and the plan that it was scanned with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanHeader {
    /// Name of the object, e.g. `s3://bucket/AWSLogs/111122223333/CloudTrail/…json.gz`.
    pub object: String,
    /// ETag of the object in S3, or what else tells one version of a file from the next.
    pub version: Option<String>,
    /// Bytes as stored.
    pub bytes: Option<u64>,
    /// Times of the first and last event, seconds since 1970.
    pub times: Option<(i64, i64)>,
    /// Number of events, duplicates included.
    pub events: u64,
    /// [`ScanPlan::fingerprint`]: results of different plans do not mix.
    pub plan: [u8; 32],
}

/// Why bytes are not a scan result that this plan can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanResultError {
    /// Another format.
    #[error("not a scan result")]
    Foreign,
    /// Another version of the format.
    #[error("a scan result of version {0}; this program reads version 1: scan the object again")]
    Version(String),
    /// Damaged or cut short.
    #[error("a damaged scan result: {0}")]
    Damaged(&'static str),
    /// Above the bounds.
    #[error("a scan result above {SCAN_RESULT_BYTES_MAX} bytes")]
    TooLarge,
    /// Made with other rules, networks, tables or another program.
    #[error(
        "a scan result of other rules or another version of the program: scan the object again"
    )]
    OtherPlan,
}

/// Reads the header alone, after the check of the whole.
///
/// # Errors
/// If the bytes are not a whole scan result.
pub fn scan_header(bytes: &[u8]) -> Result<ScanHeader, ScanResultError> {
    Ok(parts(bytes)?.0)
}

/// Bytes of a scan result. The output must be of a scanner whose results stand alone
/// ([`crate::Scanner::standing_alone`]).
#[must_use]
pub fn write_scan_result(
    output: &ScanOutput,
    object: &str,
    version: Option<&str>,
    plan: &ScanPlan,
) -> Vec<u8> {
    let header = ScanHeader {
        object: object.to_owned(),
        version: version.map(str::to_owned),
        bytes: Some(output.bytes.stored),
        times: output.times,
        events: output.ids.len() as u64,
        plan: plan.fingerprint(),
    };
    let rows = write::rows(output);
    let mut bytes = MAGIC.to_vec();
    // Neither can fail: there is no length or float in them that postcard refuses.
    let header = postcard::to_stdvec(&header).unwrap_or_default();
    bytes.extend_from_slice(&(header.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&header);
    let body = postcard::to_stdvec(&rows).unwrap_or_default();
    bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&zstd::bulk::compress(&body, LEVEL).unwrap_or_default());
    let sum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&sum);
    bytes
}

/// Reads a scan result that was made with this plan. Contexts that the pool knows are shared.
///
/// # Errors
/// If the bytes are damaged, of another version, or of another plan.
pub fn read_scan_result(
    bytes: &[u8],
    plan: &ScanPlan,
    pool: &mut ContextPool,
) -> Result<(ScanHeader, ScanOutput), ScanResultError> {
    let (header, body_bytes, body) = parts(bytes)?;
    if header.plan != plan.fingerprint() {
        return Err(ScanResultError::OtherPlan);
    }
    let body = zstd::bulk::decompress(body, body_bytes)
        .map_err(|_| ScanResultError::Damaged("its body cannot be decompressed"))?;
    if body.len() != body_bytes {
        return Err(ScanResultError::Damaged("its body has another length"));
    }
    let rows: rows::ScanRows = postcard::from_bytes(&body)
        .map_err(|_| ScanResultError::Damaged("its body cannot be read"))?;
    let output = read::output(rows, plan, pool)
        .ok_or(ScanResultError::Damaged("its parts do not belong together"))?;
    Ok((header, output))
}

/// Header, length of the body, compressed body.
fn parts(bytes: &[u8]) -> Result<(ScanHeader, usize, &[u8]), ScanResultError> {
    if bytes.len() > SCAN_RESULT_STORED_BYTES_MAX {
        return Err(ScanResultError::TooLarge);
    }
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        return Err(match bytes.strip_prefix(MAGIC_OF_ANY) {
            Some(rest) => ScanResultError::Version(
                rest.iter()
                    .take_while(|b| b.is_ascii_digit())
                    .map(|b| char::from(*b))
                    .take(4)
                    .collect(),
            ),
            None => ScanResultError::Foreign,
        });
    };
    let damaged = ScanResultError::Damaged("it is cut short");
    let (body, sum) = bytes.split_last_chunk::<32>().ok_or(damaged.clone())?;
    if Sha256::digest(body).as_slice() != sum {
        return Err(ScanResultError::Damaged("its checksum does not fit"));
    }
    let rest = rest
        .get(..rest.len().saturating_sub(32))
        .ok_or(damaged.clone())?;
    let (length, rest) = rest.split_first_chunk::<4>().ok_or(damaged.clone())?;
    let length = u32::from_le_bytes(*length) as usize;
    let (header, rest) = rest.split_at_checked(length).ok_or(damaged.clone())?;
    let header: ScanHeader = postcard::from_bytes(header)
        .map_err(|_| ScanResultError::Damaged("its header cannot be read"))?;
    let (length, rest) = rest.split_first_chunk::<8>().ok_or(damaged)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if length > SCAN_RESULT_BYTES_MAX {
        return Err(ScanResultError::TooLarge);
    }
    Ok((header, length, rest))
}
