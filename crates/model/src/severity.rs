//! Severity of changes and findings.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Severity of a change or finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// For the record only.
    Info,
    /// Worth a look some day.
    #[default]
    Low,
    /// Worth a look today.
    Medium,
    /// Look at it now.
    High,
    /// Wake somebody.
    Critical,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        })
    }
}
