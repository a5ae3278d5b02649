//! Tests of the program as a user runs it, in one binary.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that fails should panic, and says what it saw"
)]

mod access;
mod answers;
mod bench;
mod blind;
mod canned;
mod collect;
mod common;
mod detect;
mod digest;
mod docs;
mod estate;
mod faults;
mod imported;
mod live;
mod page;
mod posture;
mod posture_facts;
mod posture_truth;
mod posture_watch;
mod report;
mod spend;
mod store;
mod watch;
mod watch_bill;
mod words;
mod write_once;
