//! Who watches the watcher: health and metrics by HTTP, heartbeat, systemd, canaries, and findings
//! of a sensor that went blind.
#![allow(
    dead_code,
    reason = "the loop calls these; what it does not call yet is used by their tests"
)]

mod blind_findings;
mod canary;
mod heartbeat;
mod keeper;
mod metrics;
mod server;
mod systemd;

#[allow(unused_imports, reason = "the loop and the sources call these")]
pub(super) use blind_findings::{
    LostPermission, TamperingCall, canary_overdue, lost_permissions, permission_lost,
    queue_changed, queue_tampered, region_silent,
};
#[allow(unused_imports, reason = "the loop calls these")]
pub(super) use canary::{due, failed, nonce, nonce_in, seen, sent};
pub(super) use keeper::WatchKeeper;
#[allow(unused_imports, reason = "sources and sinks write to it")]
pub(super) use server::HealthCell;
