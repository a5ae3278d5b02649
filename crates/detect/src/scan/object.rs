//! Events of one object: each is numbered, dated, and handed to the rules.

use std::collections::HashMap;

use foldhash::quality::RandomState;

use crate::cache::{CachedRecord, Caches};
use crate::event_meta::EventMeta;
use crate::first_seen::{ByHash, FirstSeenHit};
use crate::networks::Networks;
use crate::scan_output::{EventPosition, MatchKey, NO_DAY, NO_TIME, ObjectInfo, ScanOutput};
use crate::scan_plan::ScanPlan;
use crate::steps::{EventStep, named};
use crate::view::EventView;
use crate::window_event::DAY_SECONDS;
use bartizan_trail::json::unescape;
use bartizan_trail::{
    Candidate, Event, EventId, Field, FieldSet, ItemSink, ReadBytes, ReadProblem, TrailItem, mark,
};

/// Buffers reused from object to object; empty in between.
#[derive(Default)]
pub(super) struct ScanBuffers {
    pub(super) met: ByHash<FirstSeenHit>,
    /// Index in [`ScanOutput::matches`] of each finding's matches.
    pub(super) slots: HashMap<MatchKey, usize, RandomState>,
    /// Batch of events that repeat earlier ones, with the index of each one's [`CachedRecord`].
    pub(super) batch: (Vec<EventMeta>, Vec<u32>),
}

/// Scan of one object.
pub(super) struct ObjectScan<'a, 'p> {
    pub(super) plan: &'p ScanPlan,
    pub(super) about: &'a ObjectInfo,
    pub(super) caches: &'a mut Caches,
    pub(super) notes: ScanOutput,
    pub(super) scratch: &'a mut ScanBuffers,
    pub(super) lookahead: bool,
    /// First-seen keys are told anew in each object.
    pub(super) alone: bool,
}

impl ItemSink for ObjectScan<'_, '_> {
    fn item(&mut self, item: TrailItem<'_>) {
        match item {
            TrailItem::Event(event) => self.event(&event),
            TrailItem::Apart(apart) => *self.notes.apart.entry(apart).or_default() += 1,
            TrailItem::Problem { offset, problem } => self.problem(offset, problem),
        }
    }

    fn hasher(&self) -> Option<&RandomState> {
        self.lookahead.then_some(&self.caches.hasher)
    }

    fn again(&mut self, window: &[u8], records: &[Candidate]) -> usize {
        let (mut metas, mut numbers) = std::mem::take(&mut self.scratch.batch);
        // The lookups of all records come first, so that their cache misses overlap.
        for record in records {
            let Some(meta) = self.meta(window, record) else {
                break;
            };
            let kind = self.plan.networks.kind_of(meta.address);
            let Some(number) = self.caches.number(record.hash, kind) else {
                break;
            };
            metas.push(meta);
            numbers.push(number);
        }
        for ((meta, record), &number) in metas.iter_mut().zip(records).zip(&numbers) {
            let CachedRecord {
                caller_plan,
                content,
                ..
            } = *self.caches.known(number);
            if !self.about.asks_for(meta.at.time_s) {
                self.notes.outside += 1;
                continue;
            }
            let content_of = |field| record.content(window, field).unwrap_or_default();
            let mark = mark(
                content,
                meta.at.time_s,
                content_of(Field::SourceIpAddress),
                content_of(Field::RequestId),
            );
            meta.at.number = self.count(meta.at.id.marked(mark));
            self.reaches(meta.at.time_s);
            let first = self.is_first(caller_plan, meta).then(|| {
                let CachedRecord {
                    caller_plan,
                    repeat,
                    ..
                } = self.caches.known(number);
                let mut places = None;
                named(
                    &self.caches.caller_plans.all[*caller_plan as usize].context,
                    &record.event(window, &repeat.lasting, &mut places),
                )
            });
            if self.seen(meta, caller_plan, first.as_ref()) {
                let CachedRecord {
                    caller_plan,
                    repeat,
                    ..
                } = self.caches.known(number);
                let (caller_plan, repeat) = (
                    self.caches.caller_plans.all[*caller_plan as usize].clone(),
                    repeat.clone(),
                );
                if let Some(steps) = repeat.steps.get()
                    && !self.looks_at_all()
                    && steps.open.is_empty()
                {
                    self.take(steps, meta, &caller_plan);
                    continue;
                }
                self.caches.answers.next(&self.plan.rules.items);
                let mut places = None;
                let event = record.event(window, &repeat.lasting, &mut places);
                self.asked(&event, meta, &caller_plan, Some(&repeat));
            }
        }
        let taken = numbers.len();
        metas.clear();
        numbers.clear();
        self.scratch.batch = (metas, numbers);
        taken
    }
}

impl ObjectScan<'_, '_> {
    pub(super) fn finish(self, bytes: ReadBytes) -> ScanOutput {
        let mut notes = self.notes;
        // Time of the earliest other event, so that the order of records does not matter.
        if let Some(time_s) = self
            .about
            .delivered_s
            .or(notes.times.map(|(first, _)| first))
        {
            for (slot, matches) in notes
                .matches
                .iter_mut()
                .filter(|(slot, _)| slot.day == NO_DAY)
            {
                slot.day = time_s.div_euclid(DAY_SECONDS);
                matches
                    .events
                    .iter_mut()
                    .for_each(|(_, time)| *time = time_s);
                matches
                    .earliest
                    .iter_mut()
                    .for_each(|(_, sighting)| sighting.time_s = time_s);
            }
        }
        notes.last.append(&mut self.caches.last);
        notes.bytes = bytes;
        if self.alone {
            self.caches.forget_told(&mut notes.last);
            // Every key was met in this object, so its last time belongs there.
            for last in std::mem::take(&mut notes.last) {
                if let Some(met) = self.scratch.met.get_mut(&last.key) {
                    met.last_s = met.last_s.max(last.last_s);
                }
            }
        }
        notes
            .met
            .extend(self.scratch.met.drain().map(|(_, met)| met));
        notes.met.sort_unstable_by_key(|m| m.key);
        self.scratch.slots.clear();
        notes
    }

    fn problem(&mut self, offset: u64, problem: ReadProblem) {
        self.notes.problems.entry(problem).or_insert((offset, 0)).1 += 1;
    }

    fn event(&mut self, event: &Event<'_>) {
        let id = event.id();
        let time_s = event.time_s();
        if time_s.is_some_and(|time_s| !self.about.asks_for(time_s)) {
            self.notes.outside += 1;
            return;
        }
        let plan = self.plan;
        let raw = event.raw_text(Field::SourceIpAddress).trim_ascii();
        let address = EventView::address_of(raw);
        let source = self
            .caches
            .source(address, || event.text(Field::SourceIpAddress));
        self.caches.answers.next(&plan.rules.items);
        let (caller_plan, repeat, content) = self.caches.caller_plan(plan, event, address);
        let mark = mark(
            content,
            time_s.unwrap_or(NO_TIME),
            raw,
            event.raw_text(Field::RequestId),
        );
        let number = self.count(id.marked(mark));
        let at = EventPosition {
            number,
            id,
            time_s: time_s.unwrap_or(NO_TIME),
        };
        let meta = EventMeta {
            at,
            address,
            source,
            network: Networks::network_number(address, raw),
        };
        let Some(time_s) = time_s else {
            return self.untimed(event, &meta, caller_plan);
        };
        self.reaches(time_s);
        let first = self.is_first(caller_plan, &meta).then(|| {
            named(
                &self.caches.caller_plans.all[caller_plan as usize].context,
                event,
            )
        });
        if self.seen(&meta, caller_plan, first.as_ref()) {
            let caller_plan = self.caches.caller_plans.all[caller_plan as usize].clone();
            self.asked(event, &meta, &caller_plan, repeat.as_deref());
        }
    }

    /// Matches an event without a usable time against single-event rules only; all other rules need
    /// the time.
    fn untimed(&mut self, event: &Event<'_>, meta: &EventMeta, caller_plan: u32) {
        self.problem(0, ReadProblem::NoTime);
        let caller_plan = self.caches.caller_plans.all[caller_plan as usize].clone();
        let actor = caller_plan.context.who.actor.clone();
        let view = EventView::with_address(event, &actor, &self.plan.networks, meta.address);
        if self.plan.tally {
            self.notes
                .tallied
                .push((meta.at.number, caller_plan.context.clone()));
        }
        let steps = self.steps(&caller_plan, &view, FieldSet::NONE);
        for step in &steps.list {
            if let EventStep::Single(single) = step {
                self.single(single, meta, &caller_plan, &steps.context);
            }
        }
    }

    /// Metadata of a record that may repeat an earlier one, without its number; `None` if the
    /// record must be parsed in full.
    fn meta(&mut self, window: &[u8], record: &Candidate) -> Option<EventMeta> {
        let id = EventId::read(record.content(window, Field::EventId)?)?;
        let time_s = self
            .caches
            .clock
            .read(record.content(window, Field::EventTime)?)?;
        let raw = record.content(window, Field::SourceIpAddress);
        let address = raw.and_then(EventView::address_of);
        // A non-address source with whitespace around it takes the full parser.
        if address.is_none() && raw.is_some_and(|raw| raw.trim_ascii().len() < raw.len()) {
            return None;
        }
        let source = self.caches.source(address, || raw.map(unescape));
        let network = Networks::network_number(address, raw.unwrap_or_default());
        Some(EventMeta {
            at: EventPosition {
                number: 0,
                id,
                time_s,
            },
            address,
            source,
            network,
        })
    }

    /// Adds an event and returns its number in the object.
    fn count(&mut self, id: EventId) -> u32 {
        self.notes.ids.push(id);
        self.notes.caller_of.push(u32::MAX);
        self.notes.ids.len() as u32 - 1
    }

    /// Extends the time range of the object.
    fn reaches(&mut self, time_s: i64) {
        let (first, last) = self.notes.times.unwrap_or((time_s, time_s));
        self.notes.times = Some((first.min(time_s), last.max(time_s)));
    }
}
