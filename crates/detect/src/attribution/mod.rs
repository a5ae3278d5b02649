//! What is kept of a trail for attribution: calls that may have changed facts, credentials that
//! were issued, and when each account, region, address and user agent was seen.
//!
//! While a trail is read, a [`TrailCollector`] keeps of each event what attribution may need, by a
//! map that is data ([`CallMap`]). All of them together are the [`AttributionIndex`]; the order of
//! objects does not matter.

mod call_map;
mod health;
mod index;

pub use call_map::{
    CallMap, FactEffect, TemplatePart, TouchedFact, ValuePath, is_omitted, parts, short_name,
    values, without_version,
};
pub use health::{GapCause, TrailGap, TrailHealth};
pub use index::{
    AttributionIndex, BUCKET_S, IssuedCredential, MutatingCall, SeenRange, TrailCollector, leaf,
    own_user_name,
};
