//! Organizations at the time of each snapshot.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use anyhow::Result;
use bartizan_evidence::{LoggedSnapshot, Storage};
use bartizan_iam::Organization;

use crate::access;
use crate::named_snapshots::standing_at;
use crate::store::Loaded;

/// Organizations that the snapshots of the store show, each read once.
pub(super) struct KeptOrganizations<'s> {
    storage: &'s Arc<dyn Storage>,
    history: &'s Arc<Vec<LoggedSnapshot>>,
    /// By the id of the snapshot.
    read: BTreeMap<u64, Vec<Organization>>,
}

impl<'s> KeptOrganizations<'s> {
    pub(super) fn new(
        storage: &'s Arc<dyn Storage>,
        history: &'s Arc<Vec<LoggedSnapshot>>,
    ) -> Self {
        Self {
            storage,
            history,
            read: BTreeMap::new(),
        }
    }

    /// Those that stood when a snapshot was taken.
    pub(super) fn at(&mut self, id: u64) -> Result<Vec<Organization>> {
        let mut all = Vec::new();
        for kept in standing_at(self.history, id) {
            let read = match self.read.entry(kept.index) {
                Entry::Occupied(read) => read.into_mut(),
                Entry::Vacant(place) => {
                    let loaded = Loaded::kept(self.storage, self.history, kept)?;
                    place.insert(access::organizations([&loaded])?)
                }
            };
            all.extend(read.iter().cloned());
        }
        Ok(all)
    }
}
