//! What fields of a rule depend on.

use super::view::STRUCTURED;
use bartizan_trail::{Field, FieldSet};

/// What a field depends on. The less it is, the more events a verdict on it holds for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dependency {
    /// On source and name of the call.
    Api,
    /// On the few fields of [`ROUTE_FIELDS`] and the sort of the address.
    Route,
    /// On those and on who calls.
    Identity,
    /// On anything in the event.
    Event,
}

impl Dependency {
    /// What a field depends on; `places`: whether there is a database of places.
    pub(super) fn of(field: &str, places: bool) -> Self {
        match field {
            "eventSource" | "eventName" | "bartizan.api" => return Self::Api,
            "bartizan.access" | "bartizan.class" | "bartizan.fate" | "bartizan.recon" => {
                return Self::Api;
            }
            "bartizan.country" | "bartizan.asn" if !places => return Self::Api,
            _ => {}
        }
        if Field::named(field.as_bytes()).is_some_and(|f| ROUTE_FIELDS.contains(&f)) {
            return Self::Route;
        }
        match field {
            "bartizan.address" | "bartizan.ua_family" => Self::Route,
            "bartizan.caller"
            | "bartizan.actor"
            | "bartizan.role"
            | "bartizan.session"
            | "bartizan.chained"
            | "bartizan.instance"
            | "bartizan.compute"
            | "bartizan.outside_account" => Self::Identity,
            _ if field == "userIdentity" || field.starts_with("userIdentity.") => Self::Identity,
            _ => Self::Event,
        }
    }
}

/// The fields of a record that one follows from.
pub(super) fn reads(field: &str) -> FieldSet {
    let field = field.strip_prefix(STRUCTURED).unwrap_or(field);
    match field {
        "bartizan.address" | "bartizan.network" | "bartizan.country" | "bartizan.asn" => {
            FieldSet::of(&[Field::SourceIpAddress])
        }
        // They are made from who calls, which call, and what is asked for.
        _ if field.starts_with("bartizan.") => FieldSet::ALL.without(FieldSet::PER_EVENT),
        _ if field.contains(['[', '\\']) => FieldSet::ALL,
        _ => Field::named(field.split('.').next().unwrap_or_default().as_bytes())
            .map_or(FieldSet::OTHER, |f| FieldSet::of(&[f])),
    }
}

/// Fields of the record that take few values, and together say what kind of call it is.
pub(super) const ROUTE_FIELDS: [Field; 11] = [
    Field::EventSource,
    Field::EventName,
    Field::UserAgent,
    Field::ErrorCode,
    Field::ReadOnly,
    Field::AwsRegion,
    Field::RecipientAccountId,
    Field::EventCategory,
    Field::EventType,
    Field::VpcEndpointId,
    Field::SessionCredentialFromConsole,
];
