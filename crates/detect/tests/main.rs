//! Tests of the crate from outside, in one binary.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that fails should panic, and says what it saw"
)]

mod ablate;
mod common;
mod detect;
mod rules;
mod scan_results;
mod silence;
