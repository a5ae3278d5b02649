//! Detection engine: Sigma rules on single events, correlation windows, and first-seen memory.
//!
//! [`Rules::load`] compiles rule files. Any number of [`Scanner`]s, one per thread, read CloudTrail
//! objects and return one [`ScanOutput`] per object; a single [`Evaluator`] takes these in the
//! order of the objects and returns an [`DetectionResult`].

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
mod scan_result;
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
pub use evaluator::{DetectionResult, Evaluator, Totals};
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
pub use scan_result::{
    ContextPool, ScanHeader, ScanResultError, read_scan_result, scan_header, write_scan_result,
};
pub use schedule::scan_in_order;
pub use view::EventView;
