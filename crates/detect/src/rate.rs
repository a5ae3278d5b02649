//! Rate rules, which compare a time span with earlier spans of the same group: ten times as many
//! reads per hour as usual for this principal, five times as many deletions per day. Only the
//! measured value and the earliest events of a span are kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::window_event::WindowEvent;
use crate::call::Sighting;
use crate::merge::{FindingKey, Merger};
use bartizan_model::limits::{CALLS_MAX, EVIDENCE_MAX, RATE_VALUES_MAX};

/// Measured value of a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measure {
    /// Number of events.
    Events,
    /// Number of distinct values of these fields, e.g. of secrets rather than calls, because the
    /// same secret is read again and again.
    Distinct(Vec<String>),
    /// Sum of a field; an event without the field counts as one.
    Sum(Vec<String>),
}

impl Measure {
    /// Fields that it reads.
    pub(super) fn fields(&self) -> &[String] {
        match self {
            Self::Events => &[],
            Self::Distinct(fields) | Self::Sum(fields) => fields,
        }
    }
}

/// Threshold of a rate rule.
#[derive(Debug, Clone)]
pub struct Rate {
    pub measure: Measure,
    /// Multiple of the mean of earlier spans.
    pub factor: f64,
    /// Absolute minimum.
    pub at_least: u64,
    /// Number of earlier spans needed for a mean.
    pub learning_spans: i64,
    /// Threshold for groups without that history; `None`: no findings for them.
    pub at_least_new: Option<u64>,
}

impl Rate {
    /// Number of spans in the mean.
    pub(super) fn baseline_spans(&self) -> i64 {
        self.learning_spans.saturating_mul(2).max(48)
    }
}

/// State of one span.
#[derive(Default, Clone)]
pub(super) struct RateSpan {
    /// Measured value, without the distinct values still in `values`.
    sum: u64,
    /// Part of `sum` from successful calls.
    worked: u64,
    /// Hashes of distinct values, and whether one of their calls succeeded; beyond
    /// [`RATE_VALUES_MAX`], the smallest hashes.
    values: BTreeMap<u64, bool>,
    /// By API call, and whether it failed.
    calls: BTreeMap<(Arc<str>, bool), SpanEvents>,
}

/// Events of one API call in a span.
#[derive(Clone)]
struct SpanEvents {
    count: u64,
    first_s: i64,
    last_s: i64,
    /// Earliest events, in order: those that a finding may show.
    earliest: Vec<Sighting>,
}

impl RateSpan {
    /// Adds an event and returns the approximate number of bytes needed.
    pub(super) fn take(&mut self, measure: &Measure, seen: WindowEvent) -> usize {
        let mut bytes = 0;
        if let Measure::Distinct(_) = measure {
            let before = self.values.len();
            *self.values.entry(seen.value).or_default() |= !seen.tried;
            if self.values.len() > RATE_VALUES_MAX {
                self.values.pop_last();
            }
            bytes += (self.values.len() - before) * VALUE_BYTES;
        } else {
            let more = if matches!(measure, Measure::Events) {
                1
            } else {
                seen.value
            };
            self.sum = self.sum.saturating_add(more);
            self.worked = self
                .worked
                .saturating_add(if seen.tried { 0 } else { more });
        }
        let sighting = seen.sighting;
        let call = (
            sighting.context.call.name.clone(),
            sighting.context.is_refused(),
        );
        let time_s = sighting.time_s;
        let events = self.calls.entry(call).or_insert_with(|| {
            bytes += size_of::<SpanEvents>() * 2;
            SpanEvents {
                count: 0,
                first_s: time_s,
                last_s: time_s,
                earliest: Vec::new(),
            }
        });
        events.count += 1;
        events.first_s = events.first_s.min(time_s);
        events.last_s = events.last_s.max(time_s);
        let at = events
            .earliest
            .partition_point(|s| s.place() < sighting.place());
        if at < EVIDENCE_MAX {
            events.earliest.insert(at, sighting);
            bytes += size_of::<Sighting>();
            if events.earliest.len() > EVIDENCE_MAX {
                events.earliest.pop();
                bytes -= size_of::<Sighting>();
            }
        }
        if self.calls.len() > CALLS_MAX {
            self.calls.pop_last();
        }
        bytes
    }

    fn measured(&self) -> u64 {
        self.sum + self.values.len() as u64
    }

    /// Measured value of successful calls, while it is in memory.
    fn measured_worked(&self) -> u64 {
        self.worked + self.values.values().filter(|worked| **worked).count() as u64
    }

    /// Drops everything but the measured value.
    pub(super) fn settle(&mut self) {
        self.sum = self.measured();
        self.values = BTreeMap::new();
        self.calls = BTreeMap::new();
    }

    /// Approximate size in bytes.
    pub(super) fn bytes(&self) -> usize {
        let calls: usize = self
            .calls
            .values()
            .map(|e| size_of::<SpanEvents>() * 2 + e.earliest.len() * size_of::<Sighting>())
            .sum();
        SPAN_BYTES + self.values.len() * VALUE_BYTES + calls
    }

    /// Number of events that can still be reported.
    pub(super) fn events(&self) -> u64 {
        self.calls.values().map(|e| e.count).sum()
    }
}

/// Size in bytes of a span with its share of the map.
pub(super) const SPAN_BYTES: usize = size_of::<RateSpan>() + 16;
const VALUE_BYTES: usize = 16;

/// Span above the threshold.
pub(super) struct Exceeded {
    /// Number of the span.
    pub(super) at: i64,
    /// The successful calls alone are below the threshold.
    pub(super) attempt: bool,
    /// Explanation for the finding.
    pub(super) because: String,
}

/// Spans of a group above the threshold, starting at span `from`. `born`: span of the first event
/// of the group.
pub(super) fn exceeded(
    spans: &BTreeMap<i64, RateSpan>,
    rate: &Rate,
    born: i64,
    from: i64,
    span_text: &str,
) -> Vec<Exceeded> {
    let mut found = Vec::new();
    for (&at, span) in spans.range(from..) {
        let known = (at - born).min(rate.baseline_spans());
        let measured = span.measured();
        let learned = known >= rate.learning_spans;
        let Some(least) = (if learned {
            Some(rate.at_least)
        } else {
            rate.at_least_new
        }) else {
            continue;
        };
        let before: u64 = spans.range(at - known..at).map(|(_, s)| s.measured()).sum();
        let mean = before as f64 / known.max(1) as f64;
        let is_too_much = |n: u64| n >= least && n as f64 >= rate.factor * mean.max(1.0);
        if !is_too_much(measured) {
            continue;
        }
        let what = if matches!(rate.measure, Measure::Distinct(_)) {
            " different ones"
        } else {
            ""
        };
        let because = if known > 0 {
            format!(
                "{measured}{what} in {span_text}, where the mean of {known} such spans before was \
                {mean:.1}"
            )
        } else {
            format!("{measured}{what} in {span_text}, and nothing is known of the time before")
        };
        found.push(Exceeded {
            at,
            attempt: !is_too_much(span.measured_worked()),
            because,
        });
    }
    found
}

/// Adds the events of a span to a finding.
pub(super) fn tell(
    merger: &mut Merger,
    span: &RateSpan,
    because: &str,
    key: impl Fn(i64) -> FindingKey,
) {
    let Some(first) = span
        .calls
        .values()
        .filter_map(|e| e.earliest.first())
        .min_by_key(|s| s.place())
        .cloned()
    else {
        return;
    };
    let key = key(first.time_s);
    for ((call, is_refused), events) in &span.calls {
        // The first event carries the explanation.
        let own = events
            .earliest
            .first()
            .is_some_and(|s| s.place() == first.place());
        let rest = events.count - u64::from(own);
        if rest > 0 {
            let earliest = events.earliest.iter().skip(usize::from(own)).cloned();
            merger.add_all(
                key.clone(),
                (call, *is_refused),
                rest,
                (events.first_s, events.last_s),
                earliest,
            );
        }
    }
    merger.add(key, first, || Some(because.to_owned()));
}
