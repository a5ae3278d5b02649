//! Bartizan's vocabulary as types: severity, stage, confidence, verdict, actor and finding; also
//! bounds and time formatting.
//!
//! No I/O and no parsing of logs or policies: every other crate may depend on this one.

mod counterparty;
pub mod encoding;
mod finding;
mod id;
pub mod limits;
mod severity;
mod shell;
mod silence;
mod time;

pub use counterparty::{Counterparty, Party, Relation};
pub use finding::{Actor, CallCount, Confidence, Evidence, Finding, Stage, Verdict};
pub use id::finding_id;
pub use severity::Severity;
pub use shell::shell_word;
pub use silence::AlertSilence;
pub use time::time_text;
