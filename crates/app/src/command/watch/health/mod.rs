//! Who watches the watcher: health and metrics by HTTP, heartbeat, systemd, canaries, and findings
//! of a sensor that went blind.
#![allow(
    dead_code,
    reason = "the loop calls these; what it does not call yet is used by their tests"
)]

mod blind_findings;
mod canary;
mod heartbeat;
mod metrics;
mod server;
mod systemd;

pub(super) use blind_findings::{
    LostPermission, TamperingCall, canary_overdue, lost_permissions, permission_lost,
    queue_changed, queue_tampered, region_silent,
};
pub(super) use canary::{due, failed, nonce, nonce_in, seen, sent};
pub(super) use heartbeat::Heartbeat;
pub(super) use server::{HealthCell, HealthServer};
pub(super) use systemd::{Systemd, SystemdState};
