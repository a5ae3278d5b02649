//! Time, id and address of an event.

use super::scan_output::EventPosition;
use crate::call::{CallContext, Sighting, SourceAddress};
use std::net::IpAddr;
use std::sync::Arc;

/// What is known of every event.
pub(super) struct EventMeta {
    pub(crate) at: EventPosition,
    /// From where the call came.
    pub(crate) address: Option<IpAddr>,
    pub(crate) source: SourceAddress,
    /// [`Networks::network_number`] of it.
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
