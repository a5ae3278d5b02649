//! Notes for window rules: of each counted value, the first and the last event per time bucket.

use std::cell::Cell;
use std::sync::Arc;

use crate::call::CallContext;
use crate::caller_plan::DistinctNetworks;
use crate::event_meta::EventMeta;
use crate::scan_output::ScanOutput;
use crate::shared_text::{NotedSightings, WindowGroupRef};
use crate::window_event::{WindowEvent, WindowNote};

/// Group, rule part, value, and whether the call failed.
pub(super) type NotedValue<'g> = (&'g WindowGroupRef, u32, u64, bool);

/// Appends an event for a window rule and returns its index in [`ScanOutput::notes`].
pub(super) fn note(
    notes: &mut ScanOutput,
    object: u64,
    (group, part, value, tried): NotedValue<'_>,
    meta: &EventMeta,
    context: &Arc<CallContext>,
) -> u32 {
    let number = notes.notes.len() as u32;
    let group = numbered(object, &group.number, &mut notes.groups, || {
        (group.rule, group.text.clone())
    });
    let seen = WindowEvent {
        part,
        value,
        told: false,
        tried,
        sighting: meta.sighting(context),
    };
    notes.notes.push(WindowNote {
        event: meta.at.number,
        group,
        seen,
    });
    number
}

/// Records an event of a counted value, keeping only the first and last event per time bucket.
pub(super) fn noted(
    notes: &mut ScanOutput,
    object: u64,
    mut noted: NotedSightings,
    bucket_s: i64,
    value: NotedValue<'_>,
    meta: &EventMeta,
    context: &Arc<CallContext>,
) -> NotedSightings {
    let at = meta.at;
    if noted.object != object || !(noted.from_s..noted.from_s + bucket_s).contains(&at.time_s) {
        let only = note(notes, object, value, meta, context);
        let from_s = at.time_s.div_euclid(bucket_s) * bucket_s;
        return NotedSightings {
            object,
            from_s,
            first: only,
            last: only,
        };
    }
    let [first, last] =
        [noted.first, noted.last].map(|n| notes.notes[n as usize].seen.sighting.place());
    let (earlier, later) = (at.place() < first, at.place() > last);
    if !earlier && !later {
        return noted;
    }
    if noted.first == noted.last {
        let other = note(notes, object, value, meta, context);
        *(if earlier {
            &mut noted.first
        } else {
            &mut noted.last
        }) = other;
    } else {
        let note = &mut notes.notes[if earlier { noted.first } else { noted.last } as usize];
        note.event = at.number;
        note.seen.sighting = meta.sighting(context);
    }
    noted
}

impl DistinctNetworks {
    /// Records the network of an event.
    pub(super) fn note(
        &mut self,
        notes: &mut ScanOutput,
        object: u64,
        meta: &EventMeta,
        context: &Arc<CallContext>,
    ) {
        let (time_s, network) = (meta.at.time_s, meta.network);
        if self.object != object || !(self.from_s..self.from_s + self.bucket_s).contains(&time_s) {
            let from_s = time_s.div_euclid(self.bucket_s) * self.bucket_s;
            (self.object, self.from_s, self.most) = (object, from_s, u64::MAX);
            self.values.clear();
        }
        // The greatest kept value only ever falls, so values above it stay out.
        if network > self.most {
            return;
        }
        let known = self.values.get(&network).copied().unwrap_or_default();
        let noted = noted(
            notes,
            object,
            known,
            self.bucket_s,
            (&self.group, self.part, network, self.tried),
            meta,
            context,
        );
        self.values.insert(network, noted);
        if self.values.len() > self.values_max
            && let Some((_, given_up)) = self.values.pop_last()
        {
            for note in [given_up.first, given_up.last] {
                notes.notes[note as usize].event = WindowNote::GIVEN_UP;
            }
        }
        if self.values.len() == self.values_max {
            self.most = self
                .values
                .last_key_value()
                .map_or(u64::MAX, |(value, _)| *value);
        }
    }
}

/// Index of an item in a list of this object; the item is appended if it is not there yet.
pub(super) fn numbered<T>(
    object: u64,
    number: &Cell<(u64, u32)>,
    all: &mut Vec<T>,
    new: impl FnOnce() -> T,
) -> u32 {
    if number.get().0 != object {
        number.set((object, all.len() as u32));
        all.push(new());
    }
    number.get().1
}
