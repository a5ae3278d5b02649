//! Joining what changed with what was called: who did it, through what, and what was done that cannot be seen any more.
//!
//! While a trail is read, a [`Witness`] keeps of each event what the join may need: calls that can change a fact
//! ([`CallMap`]), credentials that were issued, when each region was heard of. All of them together are the [`Testimony`].
//! [`explain`] matches the changes of two snapshots to it, and [`Testimony::origin`] follows a session back to who began it.

mod calls;
mod explain;
mod health;
mod origin;
mod told;
mod witness;

pub use calls::{CallMap, Effect, TouchedFact};
pub(crate) use calls::{Part, Path, is_omitted, parts, values, without_version};
pub use explain::{Explained, Explanations, Match, Undone, UndoneKind, explain};
pub use health::{Gap, Health};
pub use origin::{Origin, OriginKind};
pub use told::{Consequence, Gives, Show, Told, name_origins, tell};
pub(crate) use told::{origin_words, thing, things};
pub(crate) use witness::own_user_name;
pub use witness::{Deed, Heard, Issued, Testimony, Witness};
