//! Tests of the bill from outside.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests"
)]

mod baselines;
mod bench;
mod bills;
mod made_bills;
mod reading;
