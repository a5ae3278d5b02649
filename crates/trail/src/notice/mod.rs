//! Messages of a queue that feeds the trail: objects of S3 that were written or deleted, single
//! records from EventBridge rules, and findings of other systems. Each is recognized by what is in
//! it.

mod envelope;
mod kinds;
mod object;

pub use envelope::{FINDING_DETAILS, notices};
pub use kinds::{Notice, ObjectChange, ObjectNotice, UnknownNotice};

#[cfg(test)]
mod tests;
