//! Tests of alerts: which are raised, to whom they go, and that no text of an attacker is more than
//! text in any sink.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that fails should panic, and says what it saw"
)]

mod changes;
mod dispatch;
mod hostile;
mod made;
