//! File: one JSON document a line.

use super::payload::{json_line, payload};
use crate::alert::Alert;

/// Line with its newline.
#[must_use]
pub fn line(alert: &Alert) -> String {
    json_line(&payload(alert)) + "\n"
}
