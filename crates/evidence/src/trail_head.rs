//! Newest digest of one chain of CloudTrail digests.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
pub(crate) type ChainName = (String, String, Option<String>, String, String, bool);

impl TrailHead {
    pub(crate) fn chain(&self) -> ChainName {
        (
            self.account.clone(),
            self.region.clone(),
            self.organization.clone(),
            self.trail.clone(),
            self.home.clone(),
            self.backfill,
        )
    }

    pub(crate) fn end(&self) -> Option<Timestamp> {
        self.end_time.parse().ok()
    }
}
