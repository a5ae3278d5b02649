//! What each actor did, all of it: calls with their counts, what was made or opened and whether
//! anybody took it back.
//!
//! A [`Tally`] counts the calls of each combination of who, what and how it ended; most of it is
//! one more on a number. What calls make and take away is known by a table ([`ThingTable`]), and
//! worked out once for all events that repeat another. Both are told for the actors that somebody
//! asks for, when all was read ([`WorkIndex::of`]).

mod actor_work;
mod tally;
mod things;

pub use actor_work::{AccessKeyUse, ActorWork, CallWork, MadeThing, ThingEnd};
pub use tally::WorkIndex;
pub(crate) use tally::{CallTally, ThingCall};
pub(crate) use things::CallThings;
pub use things::ThingEffect;
pub(crate) use things::ThingTable;
