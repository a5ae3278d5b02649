//! Differences between two snapshots at hand.

use anyhow::Result;
use bartizan_inventory::diff::{SnapshotDiff, SnapshotVersion, diff};
use bartizan_inventory::fact::FactKinds;
use bartizan_inventory::snapshot::{Snapshot, side_lines};

use crate::store::Loaded;

/// What changed from one snapshot to another.
pub(crate) fn between(before: &Loaded, after: &Loaded) -> Result<SnapshotDiff> {
    let old = Snapshot::parse(&before.text).map_err(|e| anyhow::anyhow!("{}: {e}", before.name))?;
    let new = Snapshot::parse(&after.text).map_err(|e| anyhow::anyhow!("{}: {e}", after.name))?;
    Ok(diff(
        &FactKinds::builtin(),
        &SnapshotVersion {
            snapshot: &old,
            side: side_lines(&before.side).collect(),
            documents: &before.documents,
        },
        &SnapshotVersion {
            snapshot: &new,
            side: side_lines(&after.side).collect(),
            documents: &after.documents,
        },
    ))
}
