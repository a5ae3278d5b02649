//! AWS policies: parsing and the canonical form.
//!
//! This crate knows policies and nothing else: no I/O, no clock, no AWS SDK. Evaluation, effective access and escalation
//! come here later; today it answers one question that the rest of Bartizan stands on: *do two documents grant the same?*

mod canonical;
mod policy;

pub use policy::{Block, Condition, Policy, PolicyError, PolicyType, Principal, Statement, parse};

/// Bytes of the longest policy text that [`parse`] reads. AWS's own limit is 20 KB for a bucket policy and 131,072
/// characters for the largest (Backup vaults excepted at 10 KB); ten times that is hostile.
pub const POLICY_BYTES_MAX: usize = 1 << 20;
