//! Checks over made accounts: one that passes, faults, near misses, and what cannot be read.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that fails should panic, and says what it saw"
)]

mod age;
mod docs;
mod faults;
mod grant;
mod near;
mod speed;
mod unknown;
mod world;
