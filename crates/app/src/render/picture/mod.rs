//! Pictures as inline SVG, the same in the report and on the page. Each has its text beside it.

mod graph;
mod key_ages;
mod ladder;
mod spend;
mod strip;
mod svg;
mod time;

pub(crate) use graph::graph;
pub(crate) use key_ages::{KeyAges, key_ages};
pub(crate) use ladder::{ladder_word, month, step_verdict};
pub(crate) use spend::days;
pub(crate) use strip::strip;
pub(crate) use time::{TimeWindow, time};
