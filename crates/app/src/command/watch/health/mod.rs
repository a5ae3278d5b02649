//! Who watches the watcher: health and metrics by HTTP, heartbeat, systemd, canaries, and findings
//! of a sensor that went blind.
#![allow(
    dead_code,
    reason = "the source that reads queues calls what is about queues"
)]

mod background;
mod blind_findings;
mod canary;
mod canary_sender;
mod gauges;
mod heartbeat;
mod keeper;
mod metrics;
mod queue_rule;
mod server;
mod systemd;

pub(super) use blind_findings::{blind, lost_permissions, permission_lost};
pub(super) use canary::nonce_in;
pub(super) use keeper::WatchKeeper;
pub(super) use queue_rule::queue_rule;
#[allow(unused_imports, reason = "sources and sinks write to it")]
pub(super) use server::HealthCell;
