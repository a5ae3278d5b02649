//! What each actor did, all of it: calls with their counts, what was made or opened and whether anybody took it back.
//!
//! A [`Tally`] counts the calls of each combination of who, what and how it ended; most of it is one more on a number. What calls make
//! and take away is known by a table ([`Things`]), and worked out once for all events that repeat another. Both are told for the
//! actors that somebody asks for, when all was read ([`Work::of`]).

mod tally;
mod tell;
mod things;

pub use tally::Work;
pub(crate) use tally::{Act, Caller};
pub use tell::{ActorWork, CallWork, Gone, KeyUse, Made};
pub(crate) use things::Acted;
pub use things::Sign;
pub(crate) use things::Things;
