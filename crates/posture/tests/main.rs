//! Checks over made snapshots.
