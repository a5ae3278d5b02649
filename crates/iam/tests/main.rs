//! Tests of the crate from outside.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that fails should panic, and says what it saw"
)]

mod canonical;
mod crossing;
mod difference;
mod differential;
mod escalation;
mod estate;
mod examples;
mod identity;
mod independence;
mod managed;
mod rules;
mod sides;
mod strangers;
