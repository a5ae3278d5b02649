//! Tests of the bill from outside.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests"
)]

mod bench;
mod bills;
mod made_bills;
mod reading;
