//! Components of HTML, the same in the report and on the page.

mod access;
mod bill;
mod card;
mod changes;
mod command;
mod coverage;
mod escape;
mod evidence;
mod findings;
mod incident;
mod word;

pub(crate) use access::access;
pub(crate) use bill::months;
pub(crate) use card::{answers, card, todo};
pub(crate) use changes::{change_row, changes};
pub(crate) use command::command;
pub(crate) use coverage::{coverage, verify};
pub(crate) use escape::{brief, text};
pub(crate) use evidence::evidence;
pub(crate) use findings::{finding_table, findings};
pub(crate) use incident::{one, reach, story, summary, ways, who};
pub(crate) use word::word;

/// The style sheet.
pub(crate) const STYLE: &str = include_str!("style.css");
/// The script.
pub(crate) const SCRIPT: &str = include_str!("page.js");
