//! Whom of outside a statement lets in: the one place that decides whether a condition keeps strangers out.
//!
//! A stranger is tried as AWS would see him: unsigned, a principal of another account, a service that acts for another
//! account, somebody whom an identity provider vouches for. What a condition key can be for each of them is data
//! ([`keys`], [`issuers`]); whether the conditions of a statement can all hold for him is decided on the languages of their
//! patterns ([`values`]). A condition silences nothing unless it is proved that no stranger can meet it.
//!
//! Sources: IAM user guide, "AWS global condition context keys" (which requests have a key), "Single-valued vs. multivalued
//! context keys" (`ForAllValues` holds without the key), "The confused deputy problem"; S3 user guide, "The meaning of
//! public".
mod admission;
mod issuers;
mod keys;
mod model;
mod possibilities;
mod requester;
mod values;

pub use admission::admitted;
pub use model::{AdmittedPrincipal, ConditionSubject, ExternalPrincipal, OnBehalfOf, PolicyLocation};
pub(crate) use requester::OWN_ORGANIZATION;
