//! Holding a trail against rules: Sigma on single events, windows and memory over many.
//!
//! [`Rules::load`] makes rules of files. Any number of [`Scanner`]s, one a thread, read objects and write [`Notes`];
//! one [`Judge`] takes the notes in the order of the objects and gives [`Verdicts`].

mod builtin;
mod cache;
mod combo;
mod condition;
pub mod derive;
mod first_seen;
mod fixture;
mod judge;
mod load;
mod networks;
mod notes;
mod rate;
mod route;
mod rule;
mod scan;
mod sentence;
mod steps;
mod touched;
mod view;
mod window;

pub use builtin::{builtin_files, builtin_fixture};
pub use condition::{Condition, Items};
pub use first_seen::Memory;
pub use fixture::Fixture;
pub(crate) use judge::finding_id;
pub use judge::{Judge, Totals, Verdicts, time_text};
pub use load::{RuleFile, RuleProblem, Rules};
pub use networks::{AddressKind, Networks};
pub use notes::{Notes, Tally};
pub use rate::{Measure, Rate};
pub use rule::{Attempts, Callers, Detection, FirstSeen, Kind, KnownSince, Rule, Test, Window};
pub use scan::{Plan, Scanner, matching};
pub use view::View;
