//! Command: the JSON document on standard input. No text of a finding is in the arguments or in
//! the environment.

use super::payload::{json_line, payload};
use crate::alert::Alert;

/// Standard input of the command.
#[must_use]
pub fn stdin(alert: &Alert) -> Vec<u8> {
    (json_line(&payload(alert)) + "\n").into_bytes()
}
