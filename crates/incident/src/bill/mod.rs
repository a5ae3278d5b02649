//! The bill beside calls and snapshots: whose spend it is, and what the calls do not show.

mod hidden;
mod join;
mod sensors;

pub use hidden::{HiddenEstate, hidden_estate};
pub(crate) use join::{attach, related};
pub(crate) use sensors::notes;
