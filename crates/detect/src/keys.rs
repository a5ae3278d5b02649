//! Keys of groups and of first-seen memory, and the values that rules count.

use super::first_seen::{FirstSeenMemory, SCOPE_END};
use super::networks::Networks;
use super::rate::Measure;
use super::rule::{FirstSeenRule, KnownSince, WindowTest};
use super::view::EventView;
use super::window::pack;
use bartizan_model::limits::RATE_SUMMAND_MAX;
use bartizan_trail::Field;
use rsigma_eval::Event as _;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

/// Hashes of the scope and of the key of a first-seen rule; of its second part, which makes a scope
/// known, the scope is the key.
pub(super) fn keys(
    memory: &FirstSeenMemory,
    rule: &str,
    part: usize,
    first_seen: &FirstSeenRule,
    view: &EventView<'_>,
) -> (u64, u64) {
    let mut hasher = memory.hasher();
    match first_seen.known_since {
        KnownSince::Match => hasher.write(rule.as_bytes()),
        KnownSince::Change => hasher.write(b"change"),
    }
    for field in &first_seen.scope {
        feed(&mut hasher, field, view);
    }
    let scope = hasher.finish();
    if part == 1 {
        return (scope, scope);
    }
    if first_seen.known_since == KnownSince::Change {
        hasher.write(rule.as_bytes());
    }
    for field in &first_seen.key {
        feed(&mut hasher, field, view);
    }
    hasher.write(b"key");
    (scope, hasher.finish())
}

/// Scope and key for people, with [`SCOPE_END`] between them.
pub(super) fn first_seen_text(first_seen: &FirstSeenRule, view: &EventView<'_>) -> Arc<str> {
    let scope = if first_seen.scope.is_empty() {
        String::new()
    } else {
        group_text(&first_seen.scope, view)
    };
    format!("{scope}{SCOPE_END}{}", group_text(&first_seen.key, view)).into()
}

/// What a window counts of an event: each value of a list is one.
pub(super) fn values(test: &WindowTest, view: &EventView<'_>) -> Vec<u64> {
    if let WindowTest::Sigma {
        condition,
        kind: rsigma_parser::CorrelationType::ValueCount,
        ..
    } = test
        && let Some([field]) = condition.field.as_deref()
        && field != NETWORK
    {
        let hasher = foldhash::quality::FixedState::with_seed(1);
        let hashed = |text: String| hasher.hash_one(text);
        return view.key_texts(field).into_iter().map(hashed).collect();
    }
    value(test, view).into_iter().collect()
}

/// The same where there is one value; none when the event has no such value.
pub(super) fn value(test: &WindowTest, view: &EventView<'_>) -> Option<u64> {
    match test {
        WindowTest::Sigma {
            condition, kind, ..
        } => match (&condition.field, kind) {
            (Some(fields), rsigma_parser::CorrelationType::ValueCount)
                if fields.as_slice() == [NETWORK] =>
            {
                Some(Networks::network_number(
                    view.address,
                    view.event.raw_text(Field::SourceIpAddress),
                ))
            }
            (Some(fields), rsigma_parser::CorrelationType::ValueCount) => distinct(fields, view),
            (Some(fields), kind) if !matches!(kind, rsigma_parser::CorrelationType::EventCount) => {
                let number = view
                    .get_field(fields.first()?)?
                    .as_f64()
                    .filter(|n| n.is_finite())?;
                Some(number.to_bits())
            }
            _ => Some(0),
        },
        WindowTest::Travel { .. } => {
            let source = view.event.text(Field::SourceIpAddress)?;
            view.networks.place(&source).position.map(pack)
        }
        WindowTest::Rate(rate) => match &rate.measure {
            Measure::Events => Some(1),
            Measure::Sum(fields) => {
                let number = view
                    .key_text(fields.first()?)
                    .and_then(|text| text.parse::<u64>().ok());
                Some(number.unwrap_or(1).min(RATE_SUMMAND_MAX))
            }
            Measure::Distinct(fields) => distinct(fields, view),
        },
        WindowTest::Absence { .. } => Some(0),
    }
}

/// Hash of some fields; none when one is absent.
fn distinct(fields: &[String], view: &EventView<'_>) -> Option<u64> {
    let mut hasher = foldhash::quality::FixedState::with_seed(1).build_hasher();
    for field in fields {
        view.key_text(field)?.hash(&mut hasher);
    }
    Some(hasher.finish())
}

pub(super) fn group_text(fields: &[String], view: &EventView<'_>) -> String {
    if let [field] = fields {
        if field == "bartizan.actor" {
            return view.actor.key.clone();
        }
        return view.key_text(field).unwrap_or_else(|| "-".to_owned());
    }
    let texts: Vec<_> = fields
        .iter()
        .map(|f| view.key_text(f).unwrap_or_else(|| "-".to_owned()))
        .collect();
    texts.join(" · ")
}

/// The one field besides route and identity that rules with memory ask of every event.
pub(super) const NETWORK: &str = "bartizan.network";

/// Stands before each field in a hash.
pub(super) const FIELD_MARK: u8 = 0x1f;

/// Puts the text of a field into a hash, without making a string where that can be had.
pub(super) fn feed(hasher: &mut impl Hasher, field: &str, view: &EventView<'_>) {
    hasher.write_u8(FIELD_MARK);
    if field == "bartizan.actor" {
        return hasher.write(view.actor.key.as_bytes());
    }
    if field == NETWORK {
        return hasher.write_u64(Networks::network_number(
            view.address,
            view.event.raw_text(Field::SourceIpAddress),
        ));
    }
    match Field::named(field.as_bytes()).map(|f| view.event.raw_text(f)) {
        Some(raw) if !raw.is_empty() => hasher.write(raw),
        _ => hasher.write(view.key_text(field).unwrap_or_default().as_bytes()),
    }
}
