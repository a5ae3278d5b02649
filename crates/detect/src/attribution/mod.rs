//! Attribution data of a trail: calls that may have changed facts, issued credentials, and when
//! each account, region, address and user agent was seen.
//!
//! While a trail is read, a [`TrailCollector`] collects from each event what attribution may need,
//! according to a data file ([`CallMap`]). Their results merge into an [`AttributionIndex`]; the
//! order of objects does not matter.

mod call_map;
mod health;
mod index;

pub use call_map::{
    CallMap, FactEffect, TemplatePart, TouchedFact, ValuePath, is_omitted, parts, short_name,
    values, without_version,
};
pub use health::{GapCause, PlaceRhythm, TrailGap, TrailHealth};
pub use index::{
    AttributionIndex, BUCKET_S, IssuedCredential, MutatingCall, SeenRange, TrailCollector,
    VerifiedHours, leaf, own_user_name,
};
