//! Effective access as policies: all layers of a principal folded into one document of what must be
//! allowed, and one of what may be.
//!
//! Every layer is a union of terms, resources under conditions. What all layers allow together is
//! the union of the products of their terms, less what any of them denies, and that is a policy
//! again.
//!
//! | file | |
//! |---|---|
//! | `model` | the documents, and what cannot be written |
//! | `term` | resources under conditions, and what two terms have in common |
//! | `layers` | the statements of all layers that bind a principal |
//! | `fold` | layers put together, for actions that the same statements are about |
//! | `write` | terms as statements |

mod fold;
mod layers;
mod model;
mod term;
mod write;

pub use model::{EffectivePolicies, LeftOut, LeftOutReason};
