//! Delivery of alerts: sinks as configured, one worker for each, and what the watch asks of them.

mod aws;
mod config;
mod connect;
mod delivery;
mod http;
mod local;
mod outcome;
mod secret;
mod sink;
mod smtp;
mod syslog;
mod worker;

pub(crate) use config::{SinkConfig, routes};
pub(crate) use delivery::{Delivery, SinkState};
pub(crate) use sink::{Sink, sink_permissions};
