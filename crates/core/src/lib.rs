//! Bartizan's domain: facts, snapshots, their difference, the evidence log, trails, and what joins them into incidents.
//!
//! No async, no network, no terminal, no AWS SDK. Time, randomness and file access are arguments, so that the same
//! input always gives the same bytes.

pub mod detect;
pub mod diff;
pub mod encoding;
pub mod evidence;
pub mod fact;
pub mod finding;
pub mod incident;
pub mod join;
pub mod limits;
pub mod snapshot;
pub mod trail;
pub mod work;
