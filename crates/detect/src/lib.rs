//! Holding a trail against rules: Sigma on single events, windows and memory over many.
//!
//! [`Rules::load`] makes rules of files. Any number of [`Scanner`]s, one a thread, read objects and
//! write [`ScanOutput`]; one [`Evaluator`] takes the notes in the order of the objects and gives
//! [`Evaluation`].

pub mod attribution;
mod builtin;
mod cache;
pub mod call;
mod caller_plan;
mod condition;
mod dependency;
pub mod derive;
mod evaluator;
mod event_meta;
mod finding_text;
mod first_seen;
mod fixture;
mod keys;
mod lint;
mod load;
pub mod merge;
mod networks;
mod rate;
mod route;
mod rule;
mod scan;
mod scan_output;
mod scan_plan;
mod schedule;
mod shared_text;
mod steps;
mod touched;
mod view;
mod window;
mod window_event;
pub mod work;

pub use builtin::{builtin_files, builtin_fixture};
pub use condition::{DetectionItems, RuleCondition};
pub use evaluator::{Evaluation, Evaluator, Totals};
pub use first_seen::FirstSeenMemory;
pub use fixture::Fixture;
pub use load::{RuleFile, RuleProblem, Rules};
pub use networks::{AddressKind, Networks};
pub use rate::{Measure, Rate};
pub use rule::{
    AttemptPolicy, CallerFilter, Detection, FirstSeenRule, KnownSince, Rule, RuleKind, WindowRule,
    WindowTest,
};
pub use scan::{Scanner, matching};
pub use scan_output::{ObjectInfo, ScanOutput, Tally};
pub use scan_plan::ScanPlan;
pub use schedule::scan_in_order;
pub use view::EventView;
