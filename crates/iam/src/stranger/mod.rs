//! External principals whom a statement admits: the one place that decides whether a condition
//! keeps strangers out.
//!
//! A stranger is tried as AWS would see the requester: unsigned, a principal of another account, a
//! service that acts for another account, a bearer of an identity provider's token. The
//! possibilities of a condition key for each of them are data ([`keys`], [`issuers`]); whether all
//! conditions of a statement can hold is decided on the languages of their patterns ([`values`]). A
//! condition silences nothing unless it is proved that no stranger can meet it.
//!
//! Sources: IAM user guide, "AWS global condition context keys" (which requests have a key),
//! "Single-valued vs. multivalued context keys" (`ForAllValues` holds without the key), "The
//! confused deputy problem"; S3 user guide, "The meaning of public".
mod admission;
mod issuers;
mod keys;
mod model;
mod possibilities;
mod requester;
mod values;

pub use admission::admitted;
pub use model::{
    AdmittedPrincipal, ConditionSubject, ExternalPrincipal, OnBehalfOf, PolicyLocation,
};
pub(crate) use requester::OWN_ORGANIZATION;
