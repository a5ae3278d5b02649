//! Merges the matches of one rule by one entity in one window into one finding, so that an attack
//! is a few lines, not thousands.
//!
//! Merging is commutative: the result depends on the set of sightings, never on their order. A
//! finding keeps its earliest sightings and the number of all.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bartizan_model::limits::{
    BECAUSE_MAX, CALLS_MAX, EVIDENCE_MAX, FINDINGS_MAX, SIGHTINGS_OF_CALL_MAX,
};
use bartizan_trail::EventId;

use crate::call::Sighting;

/// Key by which sightings are merged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingKey {
    /// Index of the rule.
    pub rule: u32,
    /// Actor or resource that the finding is about.
    pub entity: Arc<str>,
    /// The call failed.
    pub attempt: bool,
    /// Number of the window.
    pub window: i64,
}

/// Finding to which more sightings may be added.
#[derive(Debug, Clone)]
pub struct FindingDraft {
    /// Number of events.
    pub count: u64,
    /// Time of the first event.
    pub first_s: i64,
    /// Time of the last event.
    pub last_s: i64,
    /// Earliest events.
    pub sightings: BTreeMap<(i64, EventId), Sighting>,
    /// Number of failed events.
    pub refused: u64,
    /// API calls; beyond [`CALLS_MAX`], the first ones by name, so that order does not matter.
    pub calls: BTreeMap<Arc<str>, CallDraft>,
    /// Explanations of stateful rules.
    pub because: BTreeMap<i64, String>,
    /// Number of events without a usable time; another time is used for them.
    pub untimed: u64,
}

/// API call of a draft.
#[derive(Debug, Default, Clone)]
pub struct CallDraft {
    /// Number of events.
    pub count: u64,
    /// Number of failed events.
    pub refused: u64,
    /// Earliest successful and earliest failed events.
    pub sightings: [BTreeMap<(i64, EventId), Sighting>; 2],
}

impl FindingDraft {
    fn meta(&mut self, sighting: Sighting) {
        if let Some(call) = self.calls.get_mut(&*sighting.context.call.name) {
            keep(
                &mut call.sightings[usize::from(sighting.context.is_refused())],
                &sighting,
                SIGHTINGS_OF_CALL_MAX,
            );
        }
        keep(&mut self.sightings, &sighting, EVIDENCE_MAX);
    }

    /// Counts events of a call.
    fn call(&mut self, name: &Arc<str>, count: u64, is_refused: bool) {
        let refused = if is_refused { count } else { 0 };
        self.refused += refused;
        let call = self.calls.entry(name.clone()).or_default();
        call.count += count;
        call.refused += refused;
        if self.calls.len() > CALLS_MAX {
            self.calls.pop_last();
        }
    }
}

/// Adds a sighting, keeping the earliest `max`.
fn keep(all: &mut BTreeMap<(i64, EventId), Sighting>, sighting: &Sighting, max: usize) {
    let place = sighting.place();
    if all.len() < max || all.last_key_value().is_some_and(|(last, _)| place < *last) {
        all.insert(place, sighting.clone());
        if all.len() > max {
            all.pop_last();
        }
    }
}

/// All findings of a run.
#[derive(Debug, Default, Clone)]
pub struct Merger {
    drafts: HashMap<FindingKey, FindingDraft, foldhash::fast::RandomState>,
    /// Number of sightings dropped at the bound.
    dropped: u64,
}

impl Merger {
    /// Adds one event to a finding. `because` is only computed if it may be kept.
    pub fn add(
        &mut self,
        key: FindingKey,
        sighting: Sighting,
        because: impl FnOnce() -> Option<String>,
    ) {
        let time_s = sighting.time_s;
        let Some(draft) = self.draft(key, 1, (time_s, time_s)) else {
            return;
        };
        draft.call(
            &sighting.context.call.name,
            1,
            sighting.context.is_refused(),
        );
        let full = draft.because.len() >= BECAUSE_MAX;
        if (!full
            || draft
                .because
                .last_key_value()
                .is_some_and(|(last, _)| time_s <= *last))
            && let Some(because) = because()
        {
            // Of two in the same second the smaller one stays, so that the order of events does not
            // matter.
            let kept = draft
                .because
                .entry(time_s)
                .or_insert_with(|| because.clone());
            if because < *kept {
                *kept = because;
            }
            if draft.because.len() > BECAUSE_MAX {
                draft.because.pop_last();
            }
        }
        draft.meta(sighting);
    }

    /// Adds events of one call to a finding, with first and last time and at least the earliest
    /// [`EVIDENCE_MAX`] of them.
    pub fn add_all(
        &mut self,
        key: FindingKey,
        (call, is_refused): (&Arc<str>, bool),
        count: u64,
        span_s: (i64, i64),
        earliest: impl Iterator<Item = Sighting>,
    ) {
        if let Some(draft) = self.draft(key, count, span_s) {
            draft.call(call, count, is_refused);
            earliest.for_each(|sighting| draft.meta(sighting));
        }
    }

    /// Counts events of a finding without a usable time.
    pub fn untimed(&mut self, key: &FindingKey, count: u64) {
        if let Some(draft) = self.drafts.get_mut(key) {
            draft.untimed += count;
        }
    }

    /// Moves in all findings of another merger, which must be of other rules.
    pub fn absorb(&mut self, other: Self) {
        self.dropped += other.dropped;
        for (key, draft) in other.drafts {
            if self.drafts.len() < FINDINGS_MAX {
                self.drafts.insert(key, draft);
            } else {
                self.dropped += draft.count;
            }
        }
    }

    fn draft(
        &mut self,
        key: FindingKey,
        count: u64,
        (first_s, last_s): (i64, i64),
    ) -> Option<&mut FindingDraft> {
        if self.drafts.len() >= FINDINGS_MAX && !self.drafts.contains_key(&key) {
            self.dropped += count;
            return None;
        }
        let draft = self.drafts.entry(key).or_insert_with(|| FindingDraft {
            count: 0,
            first_s: i64::MAX,
            last_s: i64::MIN,
            sightings: BTreeMap::new(),
            refused: 0,
            calls: BTreeMap::new(),
            because: BTreeMap::new(),
            untimed: 0,
        });
        draft.count += count;
        draft.first_s = draft.first_s.min(first_s);
        draft.last_s = draft.last_s.max(last_s);
        Some(draft)
    }

    /// All findings in the order of their keys, and the number of dropped sightings.
    pub fn finish(self) -> (BTreeMap<FindingKey, FindingDraft>, u64) {
        (self.drafts.into_iter().collect(), self.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{CallContext, SourceAddress};

    #[test]
    fn what_is_said_does_not_hang_on_the_order() {
        let context = CallContext::sample();
        let told = |order: &mut dyn Iterator<Item = u64>| {
            let mut merger = Merger::default();
            for n in order {
                let key = FindingKey {
                    rule: 0,
                    entity: "a".into(),
                    attempt: false,
                    window: 0,
                };
                let id = EventId::from(u128::from(n));
                let sighting = Sighting {
                    time_s: n as i64 / 4,
                    id,
                    source: SourceAddress::None,
                    context: context.clone(),
                };
                merger.add(key, sighting, || Some(format!("{n:02}")));
            }
            merger
                .finish()
                .0
                .into_values()
                .map(|draft| draft.because)
                .collect::<Vec<_>>()
        };
        let kept = [BTreeMap::from([
            (0, "00".to_owned()),
            (1, "04".to_owned()),
            (2, "08".to_owned()),
        ])];
        assert_eq!(told(&mut (0..40)), kept);
        assert_eq!(told(&mut (0..40).rev()), kept);
    }
}
