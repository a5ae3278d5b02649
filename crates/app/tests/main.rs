//! Tests of the program as a user runs it, in one binary.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that fails should panic, and says what it saw"
)]

mod access;
mod alert_receivers;
mod alerts;
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
mod queue;
mod receiver;
mod report;
mod sensors;
mod spend;
mod status;
mod store;
mod watch;
mod watch_bill;
mod watch_kill;
mod watch_live;
mod watch_queue;
mod words;
mod write_once;
