//! Dependency of a rule's fields on parts of an event.

use super::view::STRUCTURED;
use bartizan_trail::{Field, FieldSet};

/// Part of an event that a field depends on. The smaller it is, the more events share an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dependency {
    /// Event source and name of the call.
    Api,
    /// [`ROUTE_FIELDS`] and the address kind.
    Route,
    /// Route and caller.
    Identity,
    /// Any field of the event.
    Event,
}

impl Dependency {
    /// Dependency of a field; `places`: whether there is a geolocation database.
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

/// Record fields that a field depends on.
pub(super) fn reads(field: &str) -> FieldSet {
    let field = field.strip_prefix(STRUCTURED).unwrap_or(field);
    match field {
        "bartizan.address" | "bartizan.network" | "bartizan.country" | "bartizan.asn" => {
            FieldSet::of(&[Field::SourceIpAddress])
        }
        // Derived from caller, call and request.
        _ if field.starts_with("bartizan.") => FieldSet::ALL.without(FieldSet::PER_EVENT),
        _ if field.contains(['[', '\\']) => FieldSet::ALL,
        _ => Field::named(field.split('.').next().unwrap_or_default().as_bytes())
            .map_or(FieldSet::OTHER, |f| FieldSet::of(&[f])),
    }
}

/// Record fields with few values that together determine the route.
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
