//! Evaluation of window rules, i.e. rules over several events. Windows follow event time, not
//! arrival order: events are sorted before they are evaluated, so late, duplicate and shuffled
//! events give the same findings.
//!
//! All events are kept until the end of a run or until the memory bound is reached. Then only
//! events older than the window plus the lateness allowance are evaluated and evicted; evictions
//! beyond that are counted.

mod evaluate;
mod group;
mod position;
mod state;
mod threshold;

pub(super) use position::pack;
pub(super) use state::Windows;
