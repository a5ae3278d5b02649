//! State shared by all scanning threads.

use sha2::{Digest, Sha256};

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

/// Tables that decide what a scanner keeps, by their texts.
const TABLES: [&str; 2] = [
    include_str!("../../../data/things.txt"),
    include_str!("../../../data/event-facts.txt"),
];

impl ScanPlan {
    /// SHA-256 of everything that a scanner's output depends on besides the object: the program's
    /// version, rules, networks, tables, and the secret of the first-seen memory.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(env!("CARGO_PKG_VERSION"));
        hash.update(self.rules.text_hash);
        for one in &self.networks.hashes {
            hash.update(one);
        }
        for table in TABLES {
            hash.update(Sha256::digest(table));
        }
        // The secret itself is in no output.
        hash.update(Sha256::digest(self.memory.secret()));
        hash.update([u8::from(self.tally), u8::from(self.calls.is_some())]);
        hash.finalize().into()
    }
}
