//! CloudTrail record as rules see it: its own fields and derived ones, computed on demand.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use rsigma_eval::{EventValue, JsonEvent};

use super::derive::derive;
use super::networks::{Networks, caller_address};
use bartizan_model::limits::{COUNTED_VALUES_MAX, NESTING_MAX};
use bartizan_trail::json::{JsonKind, JsonValue};
use bartizan_trail::{CallerIdentity, CallerType, Event, Field};

/// Prefix of a field whose value is needed as JSON instead of text.
pub(super) const STRUCTURED: char = '\u{1}';

/// Record with its caller and the known networks.
pub struct EventView<'a> {
    pub(super) event: &'a Event<'a>,
    pub(super) actor: &'a Arc<CallerIdentity>,
    pub(super) networks: &'a Networks,
    /// Address of the caller, if it has one.
    pub(super) address: Option<IpAddr>,
    /// Actions granted by policies in the request; cached, because several rules ask for them and
    /// parsing is slow.
    policy: OnceCell<Vec<String>>,
}

impl<'a> EventView<'a> {
    /// View of one record.
    pub fn new(
        event: &'a Event<'a>,
        actor: &'a Arc<CallerIdentity>,
        networks: &'a Networks,
    ) -> Self {
        Self::with_address(
            event,
            actor,
            networks,
            Self::address_of(event.raw_text(Field::SourceIpAddress)),
        )
    }

    /// Like [`Self::new`], with the result of [`Self::address_of`] already known.
    pub(super) fn with_address(
        event: &'a Event<'a>,
        actor: &'a Arc<CallerIdentity>,
        networks: &'a Networks,
        address: Option<IpAddr>,
    ) -> Self {
        Self {
            event,
            actor,
            networks,
            address,
            policy: OnceCell::new(),
        }
    }

    /// Address in `sourceIPAddress`, if it holds one.
    pub(super) fn address_of(raw: &[u8]) -> Option<IpAddr> {
        let text = std::str::from_utf8(raw).ok()?;
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Some(address.into());
        }
        // Most other values are service names, e.g. `s3.amazonaws.com`, without a colon.
        if text.contains([':', ',']) {
            caller_address(text)
        } else {
            None
        }
    }

    /// Text of a field for grouping and keys; several values are joined by commas.
    pub(super) fn key_text(&self, field: &str) -> Option<String> {
        fn text(value: &EventValue<'_>) -> Option<String> {
            match value {
                EventValue::Array(values) => {
                    Some(values.iter().filter_map(text).collect::<Vec<_>>().join(","))
                }
                other => other.as_str().map(Cow::into_owned),
            }
        }
        rsigma_eval::Event::get_field(self, field)
            .as_ref()
            .and_then(text)
            .map(|t| super::derive::text::cut(&t))
    }

    /// Whether the caller is a principal or an AWS service.
    pub(super) fn caller(&self) -> CallerType {
        self.actor.caller_of(self.event)
    }

    /// Texts of a field that may be a list.
    pub(super) fn key_texts(&self, field: &str) -> Vec<String> {
        fn add(value: &EventValue<'_>, texts: &mut Vec<String>) {
            match value {
                EventValue::Array(values) => values.iter().for_each(|v| add(v, texts)),
                other if texts.len() < COUNTED_VALUES_MAX => {
                    texts.extend(other.as_str().map(|t| super::derive::text::cut(&t)))
                }
                _ => {}
            }
        }
        let mut texts = Vec::new();
        rsigma_eval::Event::get_field(self, field)
            .iter()
            .for_each(|v| add(v, &mut texts));
        texts
    }

    fn whole(&self) -> serde_json::Value {
        serde_json::from_str(&self.event.record().compact()).unwrap_or_default()
    }
}

impl rsigma_eval::Event for EventView<'_> {
    fn get_field(&self, path: &str) -> Option<EventValue<'_>> {
        if path.starts_with("bartizan.") {
            let derived = || derive(path, self.event, self.actor, self.networks);
            let mut values: Vec<EventValue<'_>> = if path == "bartizan.policy" {
                self.policy
                    .get_or_init(derived)
                    .iter()
                    .map(|v| EventValue::Str(Cow::Borrowed(v)))
                    .collect()
            } else {
                derived()
                    .into_iter()
                    .map(|v| EventValue::Str(Cow::Owned(v)))
                    .collect()
            };
            return if values.len() > 1 {
                Some(EventValue::Array(values))
            } else {
                values.pop()
            };
        }
        let (path, convert): (&str, fn(JsonValue<'_>) -> EventValue<'_>) =
            match path.strip_prefix(STRUCTURED) {
                Some(path) => (path, |value| structured(value, 0)),
                None => (path, as_text),
            };
        if path.contains(['[', '\\']) {
            return selected(&self.whole(), path);
        }
        if path == "errorCode" {
            return self.event.error().map(EventValue::Str);
        }
        // Most paths are a top-level field with a known offset.
        if let Some(field) = Field::named(path.as_bytes()) {
            return self.event.field(field).map(convert);
        }
        let mut found = Vec::new();
        if self.event.at(path, &mut found) && found.is_empty() {
            return in_text(&self.whole(), path);
        }
        let mut values: Vec<_> = found.into_iter().map(convert).collect();
        if values.len() > 1 {
            Some(EventValue::Array(values))
        } else {
            values.pop()
        }
    }

    fn any_string_value(&self, pred: &dyn Fn(&str) -> bool) -> bool {
        any(self.event.record(), pred, 0)
    }

    fn all_string_values(&self) -> Vec<Cow<'_, str>> {
        let all = std::cell::RefCell::new(Vec::new());
        any(
            self.event.record(),
            &|text| {
                all.borrow_mut().push(Cow::Owned(text.to_owned()));
                false
            },
            0,
        );
        all.into_inner()
    }

    fn to_json(&self) -> serde_json::Value {
        self.whole()
    }
}

/// Scalars as text, objects as compact JSON, arrays by element.
fn as_text(value: JsonValue<'_>) -> EventValue<'_> {
    match value.kind() {
        JsonKind::String => EventValue::Str(value.string().unwrap_or_default()),
        JsonKind::Object => EventValue::Str(value.compact()),
        JsonKind::Array => EventValue::Array(value.elements().map(as_text).collect()),
        JsonKind::Scalar => value.text().map_or(EventValue::Null, EventValue::Str),
    }
}

fn structured(value: JsonValue<'_>, depth: usize) -> EventValue<'_> {
    match value.kind() {
        JsonKind::Array if depth < NESTING_MAX => {
            EventValue::Array(value.elements().map(|e| structured(e, depth + 1)).collect())
        }
        JsonKind::Object if depth < NESTING_MAX => EventValue::Map(
            value
                .members()
                .map(|(k, v)| (k, structured(v, depth + 1)))
                .collect(),
        ),
        _ => as_text(value),
    }
}

/// Values at a path with array selectors. These are rare, so rsigma's own implementation reads it.
fn selected(whole: &serde_json::Value, path: &str) -> Option<EventValue<'static>> {
    fn owned(value: &EventValue<'_>) -> EventValue<'static> {
        match value {
            EventValue::Str(s) => EventValue::Str(Cow::Owned(s.clone().into_owned())),
            EventValue::Array(values) => EventValue::Array(values.iter().map(owned).collect()),
            EventValue::Map(_) => EventValue::Str(Cow::Owned(value.to_json().to_string())),
            EventValue::Null => EventValue::Null,
            scalar => scalar.as_str().map_or(EventValue::Null, |s| {
                EventValue::Str(Cow::Owned(s.into_owned()))
            }),
        }
    }
    rsigma_eval::Event::get_field(&JsonEvent::borrow(whole), path)
        .as_ref()
        .map(owned)
}

/// Values at a path that leads into JSON text: exports print structures as text.
fn in_text(whole: &serde_json::Value, path: &str) -> Option<EventValue<'static>> {
    use serde_json::Value as Json;
    fn walk(value: &Json, path: Option<&str>, found: &mut Vec<EventValue<'static>>, depth: usize) {
        let Some(path) = path else {
            return found.push(match value {
                Json::Null => EventValue::Null,
                Json::String(text) => EventValue::Str(Cow::Owned(text.trim().to_owned())),
                other => EventValue::Str(Cow::Owned(other.to_string())),
            });
        };
        match value {
            _ if depth > NESTING_MAX => {}
            Json::Array(list) => list
                .iter()
                .for_each(|v| walk(v, Some(path), found, depth + 1)),
            Json::String(text) => {
                if let Ok(inner @ (Json::Object(_) | Json::Array(_))) = serde_json::from_str(text) {
                    walk(&inner, Some(path), found, depth + 1);
                }
            }
            Json::Object(fields) => {
                let (first, rest) = path
                    .split_once('.')
                    .map_or((path, None), |(f, r)| (f, Some(r)));
                let alike = || {
                    fields
                        .iter()
                        .find(|(name, _)| name.eq_ignore_ascii_case(first))
                        .map(|(_, v)| v)
                };
                if let Some(inner) = fields.get(first).or_else(alike) {
                    walk(inner, rest, found, depth + 1);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(whole, Some(path), &mut found, 0);
    if found.len() > 1 {
        Some(EventValue::Array(found))
    } else {
        found.pop()
    }
}

fn any(value: JsonValue<'_>, pred: &dyn Fn(&str) -> bool, depth: usize) -> bool {
    match value.kind() {
        JsonKind::String => value.string().is_some_and(|s| pred(&s)),
        JsonKind::Object if depth < NESTING_MAX => {
            value.members().any(|(_, v)| any(v, pred, depth + 1))
        }
        JsonKind::Array if depth < NESTING_MAX => value.elements().any(|v| any(v, pred, depth + 1)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn addresses_are_what_the_library_reads(
            text in "[0-9.]{0,17}",
            quad in proptest::prelude::any::<[u8; 4]>(),
        ) {
            for text in [text, Ipv4Addr::from(quad).to_string()] {
                let read = EventView::address_of(text.as_bytes());
                proptest::prop_assert_eq!(read, text.parse().ok(), "{}", text);
            }
        }
    }

    #[test]
    fn odd_addresses_are_what_the_library_reads() {
        for text in [
            "",
            "1.2.3",
            "1.2.3.4.5",
            "01.2.3.4",
            "00.0.0.0",
            "0.0.0.0",
            "256.1.1.1",
            "1.2.3.1000",
            "1..2.3",
            "1.2.3.",
            ".1.2.3",
            "1.2.3.4 ",
        ] {
            let read = EventView::address_of(text.as_bytes());
            assert_eq!(read, text.parse().ok(), "{text}");
        }
    }
}
