//! Alerts: what a person is told of findings and incidents, to whom it is routed, and the message
//! of each sink.
//!
//! No I/O and no clock: time is an argument. Nothing is judged here; severity and stage come with
//! the findings.

mod address;
mod alert;
mod brief;
mod changes;
mod dispatch;
mod escape;
mod open;
mod repeat;
mod retry;
mod route;
pub mod sink;
mod wording;

pub use address::is_private;
pub use alert::{Alert, AlertKind, AlertSubject, EndReason, StormDigest};
pub use brief::IncidentBrief;
pub use changes::{WatchedState, alerts_of};
pub use dispatch::{Disposition, OutboxEntry, StormState, digest_keys, dispatch, test_alert};
pub use escape::plain;
pub use repeat::still_open;
pub use retry::{SinkCircuit, backoff_ms};
pub use route::{AlertRoute, QuietHours, StormLimit};
pub use wording::{Wording, wording};
