//! Inputs on which this program was once wrong or silent, each with the answer that is right.
//!
//! `inputs/` has a folder for each. Where a case came from a rule of AWS, the test names the page.

use std::path::PathBuf;

use crate::common::root;

mod policies;
mod reading;
mod requests;
mod story;
mod strangers;
mod unread;
mod who;

/// A file or folder below `inputs/`: `37-console-invoked-by/trail.json`.
pub(crate) fn input(name: &str) -> String {
    let path: PathBuf = root().join("crates/app/tests/faults/inputs").join(name);
    path.to_str().unwrap().to_owned()
}
