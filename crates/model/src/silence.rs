//! Silence: alerts that somebody does not want for a while.

use serde::{Deserialize, Serialize};

use crate::finding::Stage;

/// Silence with its author, reason and end. All matchers that are given must match, e.g. rule
/// `iam-create-user` and account `111122223333`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertSilence {
    /// Id of an incident or of a finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    pub author: String,
    pub reason: String,
    /// End, RFC 3339.
    pub until: String,
}

impl AlertSilence {
    /// Whether it has ended. An end that cannot be read is over.
    #[must_use]
    pub fn is_over(&self, now: jiff::Timestamp) -> bool {
        self.until
            .parse::<jiff::Timestamp>()
            .map_or(true, |until| until <= now)
    }

    /// Whether it names anything to match.
    #[must_use]
    pub fn has_matcher(&self) -> bool {
        self.subject.is_some()
            || self.rule.is_some()
            || self.account.is_some()
            || self.stage.is_some()
    }
}
