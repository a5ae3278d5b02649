//! State shared by all scanning threads.

use super::first_seen::FirstSeenMemory;
use super::load::Rules;
use super::networks::Networks;
use crate::attribution::CallMap;

/// Rules, networks and first-seen memory, shared by all scanning threads.
pub struct ScanPlan {
    pub rules: Rules,
    /// Address ranges and places, e.g. own networks and Tor exit nodes.
    pub networks: Networks,
    /// First-seen memory of previous runs; scanners use only its secret.
    pub memory: FirstSeenMemory,
    /// Count events by actor, service, region and error code.
    pub tally: bool,
    /// Collect calls for attribution, by this map.
    pub calls: Option<CallMap>,
}
