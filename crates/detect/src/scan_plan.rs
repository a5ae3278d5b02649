//! What all scanning threads share.

use super::first_seen::FirstSeenMemory;
use super::load::Rules;
use super::networks::Networks;
use crate::attribution::CallMap;

/// What all threads share.
pub struct ScanPlan {
    /// The rules.
    pub rules: Rules,
    /// What is known about addresses.
    pub networks: Networks,
    /// First-seen memory of the runs before; only its secret is used here.
    pub memory: FirstSeenMemory,
    /// Count events by actor, call and so on.
    pub tally: bool,
    /// Keep what the join needs, by this map.
    pub calls: Option<CallMap>,
}
