//! Results of a check: a line for each digest and log, and for each absence and gap.

use serde::Serialize;

/// Verdict on a digest, a log or a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TrailVerdict {
    /// As CloudTrail signed it.
    Valid,
    /// Not as CloudTrail signed it.
    Tampered,
    /// Named by a digest, a signature or an earlier check, and not there.
    Missing,
    /// Log that no digest names.
    Extra,
    /// Time that no digest covers.
    Gap,
    /// Cannot be judged.
    Unchecked,
}

/// Kind of object that a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckedObject {
    Digest,
    Log,
    /// Span of time of a chain of digests.
    Span,
    /// File that is neither a digest nor a log by its name.
    Other,
}

/// Fault of a file by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileFault {
    NotGzip,
    /// Something follows the gzip member.
    MoreThanOneMember,
    CutShort,
    /// Larger than any that CloudTrail writes, or compressed too well.
    TooLarge,
    NotJson,
    RepeatedKey,
    /// Field that is absent or of another type, e.g. `digestEndTime`.
    Field(&'static str),
    /// The file could not be read at all, with the error.
    Unreadable(String),
}

/// Reason for a verdict.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckReason {
    /// The digest's own signature verifies.
    Signed,
    /// The signature in the next digest verifies.
    SignedInNext {
        next: String,
    },
    /// The log has the hash that a digest names.
    HashNamed {
        digest: String,
    },
    /// Verified in an earlier run, and of the same size.
    Remembered,
    File(FileFault),
    /// The key, account or end time in the digest is another than in its name.
    Moved,
    BadSignature,
    /// The signature that the next digest has for it does not verify.
    BadSignatureInNext {
        next: String,
    },
    /// The next digest has another hash for it.
    OtherHashInNext {
        next: String,
    },
    /// It has another hash or signature for the digest before it.
    PreviousDiffers {
        previous: String,
    },
    /// The key was not valid at the end time of the digest.
    KeyNotValidThen {
        fingerprint: String,
    },
    /// It ends before it begins, or before the digest before it.
    ClockRunsBack,
    /// An earlier run recorded another hash for it.
    NotAsRemembered,
    /// Another file has the same key and is the one that was signed.
    OtherCopySigned,
    /// The log has another hash than a digest names.
    OtherHash {
        digest: String,
    },
    /// The next digest names it.
    NamedByNext {
        next: String,
    },
    /// A digest names the log.
    NamedByDigest {
        digest: String,
    },
    /// The signatures have a line for it.
    InSignatures,
    /// An earlier run recorded it as the newest of its chain.
    NewestRemembered,
    /// Digests cover its time and none names it.
    NamedByNone,
    /// The chain of digests was begun anew.
    Restarted,
    /// Digests before and after, and none between.
    NoDigest,
    /// Unknown public key.
    NoKey {
        fingerprint: String,
    },
    /// Public key that is not RSA of at least 2048 bits.
    UnusableKey {
        fingerprint: String,
    },
    /// Neither a signature of its own nor one in a later digest.
    NoSignature,
    /// The digest that names it is not believed.
    DigestNotBelieved {
        digest: String,
    },
    /// Digest before the oldest one that is there.
    BeforeOldest {
        next: String,
    },
    /// Hash or signature algorithm that is not judged, e.g. `SHA-512`.
    Algorithm(String),
    /// No digest ends an hour after it yet.
    TooNew,
    /// No digest covers its time.
    NotCovered,
    /// There are no digests for its account and region.
    NoDigests,
    /// Not a name that CloudTrail gives.
    NotItsName,
    /// Signatures of a chain of which no digest is there.
    OnlySignatures,
    /// Line of the signatures that cannot be read.
    SignatureLine {
        line: usize,
    },
    /// The evidence log has fewer entries than this machine remembers.
    StoreRolledBack {
        entries: u64,
        remembered: u64,
    },
}

/// Call that switched a trail or its validation off.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RecordedStop {
    pub event_id: String,
    /// E.g. `StopLogging`.
    pub call: String,
    /// Seconds since 1970.
    pub time_s: i64,
}

/// One line of the result.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrailCheck {
    pub account: String,
    pub region: String,
    /// Earliest time that it is about, in seconds since 1970.
    pub first_s: Option<i64>,
    /// Latest time that it is about, in seconds since 1970.
    pub last_s: Option<i64>,
    pub about: CheckedObject,
    /// Path of the file, or key where there is none; for a gap, the digest after it.
    pub object: String,
    pub kind: TrailVerdict,
    pub because: CheckReason,
    /// Explains a gap.
    pub recorded: Option<RecordedStop>,
    /// Name of the trail; empty for a log, whose name does not tell.
    pub trail: String,
}

impl TrailCheck {
    /// Whether it is a sign of tampering: tampered, missing, extra, or a gap that no call explains.
    #[must_use]
    pub fn is_alarm(&self) -> bool {
        match self.kind {
            TrailVerdict::Tampered | TrailVerdict::Missing | TrailVerdict::Extra => true,
            TrailVerdict::Gap => self.recorded.is_none(),
            TrailVerdict::Valid | TrailVerdict::Unchecked => false,
        }
    }
}
