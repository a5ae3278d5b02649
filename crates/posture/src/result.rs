//! The result of a check for one resource.

use std::fmt;

use crate::missing::MissingFact;
use bartizan_model::Severity;
use serde::Serialize;

/// Verdict of a check for a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckVerdict {
    /// The fault is proved by what was read.
    Fail,
    /// Something that could decide it was not read.
    Unknown,
    /// It is proved that there is no fault.
    Pass,
}

impl fmt::Display for CheckVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::Pass => "pass",
        })
    }
}

/// Reason of a verdict.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Something that was read, e.g. `EncryptionAtRest is off`.
    Read(String),
    /// Something that was not.
    Unread(MissingFact),
}

/// Verdict of one check for one resource of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckResult {
    /// `ROOT-01`.
    pub check: &'static str,
    pub verdict: CheckVerdict,
    /// Of this resource: that of the check, or milder.
    pub severity: Severity,
    /// ARN; the account id where the account itself is meant.
    pub resource: String,
    /// Twelve digits.
    pub account: String,
    /// A region, or `global`.
    pub region: String,
    pub because: Vec<Reason>,
}

impl CheckResult {
    /// Order of results: by check, region, resource.
    pub(crate) fn key(&self) -> (&str, &str, &str) {
        (self.check, &self.region, &self.resource)
    }
}
