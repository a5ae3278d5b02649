//! Time, id and source address of an event.

use super::scan_output::EventPosition;
use crate::call::{CallContext, Sighting, SourceAddress};
use std::net::IpAddr;
use std::sync::Arc;

/// Metadata that every event has.
pub(super) struct EventMeta {
    pub(crate) at: EventPosition,
    /// Source address of the call.
    pub(crate) address: Option<IpAddr>,
    pub(crate) source: SourceAddress,
    /// [`network_number`](super::networks::Networks::network_number) of the address.
    pub(super) network: u64,
}

impl EventMeta {
    pub(crate) fn sighting(&self, context: &Arc<CallContext>) -> Sighting {
        Sighting {
            time_s: self.at.time_s,
            id: self.at.id,
            source: self.source.clone(),
            context: context.clone(),
        }
    }
}
