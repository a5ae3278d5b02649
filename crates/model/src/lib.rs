//! The words of Bartizan as types: how bad, which stage, how sure, who, and the finding itself;
//! bounds; time as text.
//!
//! No I/O, no parsing of logs or policies: every other crate may know this one.

mod counterparty;
pub mod encoding;
mod finding;
mod id;
pub mod limits;
mod severity;
mod shell;
mod time;

pub use counterparty::{Counterparty, Party, Relation};
pub use finding::{Actor, CallCount, Confidence, Evidence, Finding, Stage, Verdict};
pub use id::finding_id;
pub use severity::Severity;
pub use shell::shell_word;
pub use time::time_text;
