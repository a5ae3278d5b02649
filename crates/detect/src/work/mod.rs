//! Activity of each actor: number of calls, and things created or opened with whether they still
//! exist.
//!
//! A [`WorkIndex`] counts the calls per caller, API call and error; usually this only increments a
//! counter. A table (`ThingTable`) knows which things a call creates and removes; that is computed
//! once for all events that repeat another. Reports are made for requested actors after everything
//! was read ([`WorkIndex::of`]).

mod actor_work;
mod tally;
mod things;

pub use actor_work::{AccessKeyUse, ActorWork, CallWork, MadeThing, ThingEnd};
pub use tally::WorkIndex;
pub(crate) use tally::{CallTally, ThingCall};
pub use things::ThingEffect;
pub(crate) use things::ThingTable;
pub(crate) use things::{CallThings, FieldValues};
