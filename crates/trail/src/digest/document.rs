//! Digest file: its own account of a span of time, and the digest before it.

use std::io::Read;

use serde_json::{Map, Value};

use super::check::FileFault;
use super::member::{ContentHash, MemberReader, unhex};
use super::name::seconds;
use super::strict_json::{JsonFault, parse};

/// Hash as a digest names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedHash {
    Sha256(ContentHash),
    /// Other algorithm, which is not judged.
    Other(String),
}

/// Digest before a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousDigest {
    /// Key in its bucket.
    pub object: String,
    pub hash: NamedHash,
    /// Hex.
    pub signature: Option<String>,
}

/// Log that a digest names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedLog {
    /// Key in its bucket.
    pub object: String,
    pub hash: NamedHash,
    /// Oldest and newest event, seconds since 1970.
    pub events_s: Option<(i64, i64)>,
}

/// Digest file (CloudTrail user guide, "CloudTrail digest file structure").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestDocument {
    pub account: String,
    /// Seconds since 1970.
    pub start_s: i64,
    /// Seconds since 1970.
    pub end_s: i64,
    /// `digestEndTime` as written, which is signed.
    pub end_text: String,
    pub bucket: String,
    pub object: String,
    pub fingerprint: String,
    /// `SHA256withRSA`, the only one that is judged.
    pub algorithm: String,
    /// Hash of the inflated file.
    pub sha256: ContentHash,
    /// `None` for the first digest of a chain.
    pub previous: Option<PreviousDigest>,
    pub logs: Vec<NamedLog>,
}

impl DigestDocument {
    /// Reads a digest file.
    ///
    /// # Errors
    /// If it is not exactly one gzip member with one JSON object of the fields that a digest has.
    pub fn read(reader: &mut MemberReader, source: &mut dyn Read) -> Result<Self, FileFault> {
        let member = reader.read(source)?;
        let value = match parse(member.bytes.ok_or(FileFault::TooLarge)?) {
            Ok(Value::Object(map)) => map,
            Ok(_) | Err(JsonFault::NotJson) => return Err(FileFault::NotJson),
            Err(JsonFault::RepeatedKey) => return Err(FileFault::RepeatedKey),
        };
        let end_text = text(&value, "digestEndTime")?.to_owned();
        Ok(Self {
            account: text(&value, "awsAccountId")?.to_owned(),
            start_s: time(&value, "digestStartTime")?,
            end_s: seconds(&end_text).ok_or(FileFault::Field("digestEndTime"))?,
            end_text,
            bucket: text(&value, "digestS3Bucket")?.to_owned(),
            object: text(&value, "digestS3Object")?.to_owned(),
            fingerprint: text(&value, "digestPublicKeyFingerprint")?.to_owned(),
            algorithm: text(&value, "digestSignatureAlgorithm")?.to_owned(),
            sha256: member.sha256,
            previous: previous(&value)?,
            logs: logs(&value)?,
        })
    }

    /// Signature of the digest before, as it is signed: `null` for the first of a chain.
    #[must_use]
    pub(super) fn previous_signature(&self) -> &str {
        self.previous
            .as_ref()
            .and_then(|p| p.signature.as_deref())
            .unwrap_or("null")
    }
}

fn text<'v>(map: &'v Map<String, Value>, name: &'static str) -> Result<&'v str, FileFault> {
    map.get(name)
        .and_then(Value::as_str)
        .ok_or(FileFault::Field(name))
}

/// A text, or nothing where it is null or absent.
fn optional<'v>(
    map: &'v Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'v str>, FileFault> {
    match map.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(FileFault::Field(name)),
    }
}

fn time(map: &Map<String, Value>, name: &'static str) -> Result<i64, FileFault> {
    seconds(text(map, name)?).ok_or(FileFault::Field(name))
}

fn hash(
    map: &Map<String, Value>,
    value: &'static str,
    algorithm: &'static str,
) -> Result<NamedHash, FileFault> {
    match text(map, algorithm)? {
        "SHA-256" => unhex(text(map, value)?)
            .and_then(|bytes| bytes.try_into().ok())
            .map(NamedHash::Sha256)
            .ok_or(FileFault::Field(value)),
        other => Ok(NamedHash::Other(other.to_owned())),
    }
}

/// A chain begins where no object is named. The other fields are null there, but for the bucket.
fn previous(map: &Map<String, Value>) -> Result<Option<PreviousDigest>, FileFault> {
    let signature = optional(map, "previousDigestSignature")?;
    let Some(object) = optional(map, "previousDigestS3Object")? else {
        return match signature {
            None => Ok(None),
            Some(_) => Err(FileFault::Field("previousDigestS3Object")),
        };
    };
    Ok(Some(PreviousDigest {
        object: object.to_owned(),
        hash: hash(
            map,
            "previousDigestHashValue",
            "previousDigestHashAlgorithm",
        )?,
        signature: signature.map(str::to_owned),
    }))
}

fn logs(map: &Map<String, Value>) -> Result<Vec<NamedLog>, FileFault> {
    const NAME: &str = "logFiles";
    let list = map
        .get(NAME)
        .and_then(Value::as_array)
        .ok_or(FileFault::Field(NAME))?;
    list.iter()
        .map(|item| {
            let item = item.as_object().ok_or(FileFault::Field(NAME))?;
            let events = |name| optional(item, name).map(|t| t.and_then(seconds));
            Ok(NamedLog {
                object: text(item, "s3Object")?.to_owned(),
                hash: hash(item, "hashValue", "hashAlgorithm")?,
                events_s: events("oldestEventTime")?.zip(events("newestEventTime")?),
            })
        })
        .collect()
}
