//! Difference of two policies: classes of access that one allows and the other does not, each with
//! a request that shows it.
//!
//! Actions are taken together that the same statements are about; within such a class resources are
//! languages, and what one leaves of the other is decided exactly. Two steps, for each statement
//! that allows:
//!
//! 1. Proof ([`proof`]): what it allows is allowed by the other policy, whatever the request holds.
//!    A variable is a symbol there, equal to itself; a condition follows from one that asks as much
//!    or more.
//! 2. Trial ([`trial`]): otherwise every kind of request is tried. Of each condition key the values
//!    that the policies can tell apart are few, so that all of them, together, are either a proof
//!    too, or hold a request that shows the difference. The reference evaluator checks it: it is
//!    denied by one policy and allowed by the other.
//!
//! `may` is left for what neither decides: statements that are not understood, or more than can be
//! tried.
mod compare;
mod condition;
mod granted_to;
mod model;
mod pair;
mod proof;
mod text;
mod trial;

pub use compare::difference;
pub use model::{AccessClass, Difference};
pub use text::actions_text;
