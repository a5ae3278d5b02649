//! The configuration of an account: facts, snapshots of them, and the difference of two snapshots.
//!
//! No network, no clock: time and files are arguments, so that the same input always gives the same
//! bytes.

pub mod diff;
pub mod fact;
pub mod merkle;
pub mod snapshot;
