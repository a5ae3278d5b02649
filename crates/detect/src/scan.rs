//! Scans one CloudTrail object on one thread and matches its events against the rules.
//!
//! Most stateful rules depend only on values that thousands of events share: caller, API call and
//! address kind. Their answers are computed once per combination ([`CallerPlan`]). Of the events of
//! a combination, first-seen rules record only the earliest, and rules that count distinct values
//! record the first and last event of each value per time bucket; more is never needed. An event
//! that repeats another in everything but time, ids and address is not matched again: its steps are
//! cached ([`RecordPlan`]).
//!
//! No findings are made here. A thread records which events matched which rules, in object order,
//! and [`super::Evaluator`] takes the outputs in the order of the objects, so the number of threads
//! cannot change the findings.

use crate::event_meta::EventMeta;
use crate::scan_plan::ScanPlan;
use std::cell::Cell;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::io::Read;
use std::rc::Rc;
use std::sync::Arc;

use foldhash::quality::RandomState;

use super::cache::{CachedRecord, Caches};
use super::caller_plan::{
    CallerPlan, CallerPlans, DecidedMatch, DistinctNetworks, NetworkKeys, PlanHead,
};
use super::first_seen::{ByHash, FirstSeenHit};
use super::networks::{AddressKind, Networks};
use super::route::{feed_route, matches};
use super::scan_output::{
    EventPosition, MatchKey, Matches, NO_DAY, NO_TIME, ObjectInfo, ScanOutput,
};
use super::shared_text::{NotedSightings, SharedText, WindowGroupRef};
use super::steps::RecordPlan;
use super::steps::{EventStep, EventSteps, SingleMatch, UndecidedRule, named};
use super::view::EventView;
use super::window_event::WindowNote;
use super::window_event::{DAY_SECONDS, WindowEvent};
use crate::attribution::own_user_name;
use crate::call::{CallContext, Sighting};
use crate::work::{CallTally, ThingCall, ThingTable};
use bartizan_model::limits::EVIDENCE_MAX;
use bartizan_trail::json::unescape;
use bartizan_trail::{
    CallerIdentity, Candidate, Event, EventId, Field, FieldSet, ItemSink, ReadBytes, ReadProblem,
    TrailItem, TrailReader, mark,
};

/// Buffers and caches of one scanning thread.
pub struct Scanner<'p> {
    plan: &'p ScanPlan,
    reader: TrailReader,
    caches: Caches,
    scratch: ScanBuffers,
    spare: ScanOutput,
}

/// Buffers reused from object to object; empty in between.
#[derive(Default)]
struct ScanBuffers {
    met: ByHash<FirstSeenHit>,
    /// Index in [`ScanOutput::matches`] of each finding's matches.
    slots: HashMap<MatchKey, usize, RandomState>,
    /// Batch of events that repeat earlier ones, with the index of each one's [`CachedRecord`].
    batch: (Vec<EventMeta>, Vec<u32>),
}

impl<'p> Scanner<'p> {
    /// Scanner with empty caches.
    pub fn new(plan: &'p ScanPlan) -> Self {
        Self {
            plan,
            reader: TrailReader::new(),
            caches: Caches::new(plan),
            scratch: ScanBuffers::default(),
            spare: ScanOutput::default(),
        }
    }

    /// Reads one object to its end.
    pub fn scan(&mut self, source: &mut dyn Read) -> ScanOutput {
        self.scan_part(source, &ObjectInfo::default())
    }

    /// Reads one object to its end, skipping events outside of the time range in `about`.
    pub fn scan_part(&mut self, source: &mut dyn Read, about: &ObjectInfo) -> ScanOutput {
        self.caches.object += 1;
        let mut scan = ObjectScan {
            plan: self.plan,
            about,
            caches: &mut self.caches,
            notes: std::mem::take(&mut self.spare),
            scratch: &mut self.scratch,
        };
        let bytes = self.reader.read_into(source, &mut scan);
        scan.finish(bytes)
    }

    /// Takes back an empty output, as [`super::Evaluator::take`] returns it, for the next object.
    pub fn reuse(&mut self, spare: ScanOutput) {
        self.spare = spare;
    }

    /// Last-seen times still in the caches, to be called after the last object.
    pub fn finish(&mut self) -> ScanOutput {
        ScanOutput {
            last: self.caches.finish(),
            ..ScanOutput::default()
        }
    }
}

/// Indices of the detections that match each event of an object, computed through routes.
pub fn matching(plan: &ScanPlan, source: &mut dyn Read) -> Vec<(EventId, Vec<usize>)> {
    let mut found = Vec::new();
    let mut caches = Caches::new(plan);
    TrailReader::new().read(source, &mut |item| {
        if let TrailItem::Event(event) = item {
            let actor = Arc::new(CallerIdentity::of_event(&event));
            let view = EventView::new(&event, &actor, &plan.networks);
            let mut hasher = caches.hasher.build_hasher();
            feed_route(&event, plan.networks.kind_of(view.address), &mut hasher);
            let hash = hasher.finish();
            caches.answers.next(&plan.rules.items);
            let route = plan
                .rules
                .decided
                .route(plan.rules.set(), &view, hash, &caches.answers)
                .refine(plan.rules.set(), &view, &caches.answers);
            let tried = route
                .maybe
                .iter()
                .filter(|n| matches(plan.rules.set(), **n, &view, &caches.answers));
            let mut numbers: Vec<usize> = route
                .sure
                .iter()
                .chain(tried)
                .map(|n| *n as usize)
                .collect();
            numbers.sort_unstable();
            found.push((event.id(), numbers));
        }
    });
    found
}

struct ObjectScan<'a, 'p> {
    plan: &'p ScanPlan,
    about: &'a ObjectInfo,
    caches: &'a mut Caches,
    notes: ScanOutput,
    scratch: &'a mut ScanBuffers,
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
        Some(&self.caches.hasher)
    }

    fn again(&mut self, window: &[u8], records: &[Candidate]) -> usize {
        let (mut metas, mut numbers) = std::mem::take(&mut self.scratch.batch);
        let mut kinds = [AddressKind::Public; Candidate::BATCH];
        for (record, kind) in records.iter().zip(&mut kinds) {
            let Some(meta) = self.meta(window, record) else {
                break;
            };
            *kind = self.plan.networks.kind_of(meta.address);
            metas.push(meta);
        }
        // Each cache access for all records before the next: see `touch`.
        let known = records
            .iter()
            .zip(kinds)
            .take(metas.len())
            .map_while(|(record, kind)| self.caches.number(record.hash, kind));
        numbers.extend(known);
        self.caches.touch(&metas, &numbers);
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
    fn finish(self, bytes: ReadBytes) -> ScanOutput {
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

    /// Whether this is the earliest event of its caller plan so far. If so, first-seen rules report
    /// it, and its resources are extracted.
    fn is_first(&self, caller_plan: u32, meta: &EventMeta) -> bool {
        let head = &self.caches.caller_plans.heads[caller_plan as usize];
        head.first_seen && meta.at.time_s <= head.first_s && {
            let told = self.caches.caller_plans.all[caller_plan as usize]
                .told_id
                .get();
            meta.at.place() < (head.first_s, told)
        }
    }

    /// Handles rules that depend only on route, identity and network. Returns whether more of the
    /// event must be read.
    fn seen(
        &mut self,
        meta: &EventMeta,
        caller_plan: u32,
        first: Option<&Arc<CallContext>>,
    ) -> bool {
        self.tally_caller(caller_plan, meta.at.time_s);
        let head = self.caches.caller_plans.heads[caller_plan as usize];
        if head.first_seen {
            self.note_first_seen(caller_plan, &head, meta, first);
        }
        let object = self.caches.object;
        let CallerPlans {
            all,
            lists,
            counted,
            crowds,
            ..
        } = &mut self.caches.caller_plans;
        let context = &all[caller_plan as usize].context;
        for number in &lists[head.counted.range()] {
            let one = &mut counted[*number as usize];
            let value = (&*one.group, one.part, one.value, one.tried);
            one.noted = noted(
                &mut self.notes,
                object,
                one.noted,
                one.bucket_s,
                value,
                meta,
                context,
            );
        }
        for number in &lists[head.crowds.range()] {
            crowds[*number as usize].note(&mut self.notes, object, meta, context);
        }
        for at in head.scopes.range() {
            let (scope, number) = self.caches.caller_plans.scopes[at];
            if !self
                .caches
                .told
                .is_told(scope, meta.network, meta.at.time_s)
            {
                self.note_network(number, meta, caller_plan);
            }
        }
        head.asks || self.looks_at_all()
    }

    /// Counts an event in the tally of its caller.
    fn tally_caller(&mut self, caller_plan: u32, time_s: i64) {
        let head = &mut self.caches.caller_plans.heads[caller_plan as usize];
        let object = self.caches.object as u32;
        if head.caller.0 != object {
            head.caller = (object, self.notes.callers.len() as u32);
            let context = self.caches.caller_plans.all[caller_plan as usize]
                .context
                .clone();
            self.notes.callers.push(CallTally {
                context,
                count: 0,
                first_s: time_s,
                last_s: time_s,
            });
        }
        let caller = &mut self.notes.callers[head.caller.1 as usize];
        caller.count += 1;
        (caller.first_s, caller.last_s) = (caller.first_s.min(time_s), caller.last_s.max(time_s));
        if let Some(last) = self.notes.caller_of.last_mut() {
            *last = head.caller.1;
        }
    }

    /// Whether something other than rules reads every event.
    fn looks_at_all(&self) -> bool {
        self.plan.tally || self.plan.calls.is_some()
    }

    /// Handles rules that depend on more than route, identity and network.
    fn asked(
        &mut self,
        event: &Event<'_>,
        meta: &EventMeta,
        caller_plan: &Rc<CallerPlan>,
        repeat: Option<&RecordPlan>,
    ) {
        let (plan, at) = (self.plan, meta.at);
        let view = EventView::with_address(
            event,
            &caller_plan.context.who.actor,
            &plan.networks,
            meta.address,
        );
        if plan.tally {
            self.notes
                .tallied
                .push((at.number, caller_plan.context.clone()));
        }
        if let Some(calls) = &plan.calls {
            let CallContext { who, call, .. } = &*caller_plan.context;
            self.notes.collector.see(
                calls,
                event,
                (at.id, at.time_s),
                who,
                call,
                meta.source.clone(),
            );
        }
        match repeat {
            Some(repeat) => {
                let steps = repeat
                    .steps
                    .get_or_init(|| self.steps(caller_plan, &view, FieldSet::PER_EVENT));
                self.take(steps, meta, caller_plan);
                if !steps.open.is_empty() {
                    let rest = self.close(steps, &view);
                    self.take(&rest, meta, caller_plan);
                }
            }
            None => {
                let steps = self.steps(caller_plan, &view, FieldSet::NONE);
                self.take(&steps, meta, caller_plan);
            }
        }
    }

    /// Steps for an event and for all others that differ from it only in the `varying` fields.
    fn steps(
        &mut self,
        caller_plan: &CallerPlan,
        view: &EventView<'_>,
        varying: FieldSet,
    ) -> EventSteps {
        let mut steps = EventSteps::new(&caller_plan.context);
        for DecidedMatch { detection, uses } in &caller_plan.sure {
            steps.add_uses(
                self.plan,
                *detection,
                uses,
                view,
                varying,
                &mut self.caches.shared,
            );
        }
        for &number in &caller_plan.maybe {
            let detection = &self.plan.rules.detections[number as usize];
            if detection.reads.meets(varying) {
                steps.open.push(UndecidedRule::Match(number));
            } else if matches(self.plan.rules.set(), number, view, &self.caches.answers) {
                steps.add_uses(
                    self.plan,
                    number,
                    &detection.uses,
                    view,
                    varying,
                    &mut self.caches.shared,
                );
            }
        }
        steps.name_resources(view);
        if caller_plan.acts {
            let own = own_user_name(&caller_plan.context.who.actor);
            steps.acted = ThingTable::builtin()
                .acted(view.event, own, &self.caches.hasher)
                .map(Arc::new);
        }
        steps
    }

    /// Steps that depend on the fields in which this event differs from its repeats.
    fn close(&mut self, steps: &EventSteps, view: &EventView<'_>) -> EventSteps {
        let mut rest = EventSteps::new(&steps.context);
        for open in &steps.open {
            let (number, uses) = match open {
                UndecidedRule::Match(number) => {
                    (*number, &*self.plan.rules.detections[*number as usize].uses)
                }
                UndecidedRule::Use(number, one) => (*number, std::slice::from_ref(one)),
            };
            if matches!(open, UndecidedRule::Use(..))
                || matches(self.plan.rules.set(), number, view, &self.caches.answers)
            {
                rest.add_uses(
                    self.plan,
                    number,
                    uses,
                    view,
                    FieldSet::NONE,
                    &mut self.caches.shared,
                );
            }
        }
        rest
    }

    /// Carries out the steps of an event.
    fn take(&mut self, steps: &EventSteps, meta: &EventMeta, caller_plan: &CallerPlan) {
        let object = self.caches.object;
        if let Some(acted) = &steps.acted {
            let act = ThingCall {
                time_s: meta.at.time_s,
                event: meta.at.id,
                source: meta.source.clone(),
                context: caller_plan.context.clone(),
                acted: acted.clone(),
            };
            self.notes.acts.push((meta.at.number, act));
        }
        for step in &steps.list {
            match step {
                EventStep::Single(single) => self.single(single, meta, caller_plan, &steps.context),
                EventStep::Seen {
                    group,
                    part,
                    value,
                    tried,
                    bucket_s,
                    noted: before,
                    closely,
                } => {
                    let context = if *closely {
                        &steps.context
                    } else {
                        &caller_plan.context
                    };
                    let value = (&**group, *part, *value, *tried);
                    match bucket_s {
                        Some(bucket_s) => {
                            before.set(noted(
                                &mut self.notes,
                                object,
                                before.get(),
                                *bucket_s,
                                value,
                                meta,
                                context,
                            ));
                        }
                        None => {
                            note(&mut self.notes, object, value, meta, context);
                        }
                    }
                }
                EventStep::Key {
                    rule,
                    scope,
                    key,
                    text,
                } => {
                    // Most keys occur many times in an object, and the earlier event stays.
                    if let Some(met) = self.scratch.met.get_mut(key)
                        && meta.at.place() > met.first.place()
                    {
                        met.last_s = met.last_s.max(meta.at.time_s);
                        continue;
                    }
                    let first = meta.sighting(&steps.context);
                    self.meet(*rule, *scope, *key, &first, meta.at.time_s, || text.clone());
                }
            }
        }
    }

    /// Records an event for the first-seen keys of its caller plan; only the earliest is recorded
    /// at once.
    fn note_first_seen(
        &mut self,
        number: u32,
        head: &PlanHead,
        meta: &EventMeta,
        named: Option<&Arc<CallContext>>,
    ) {
        let at = meta.at;
        self.caches.caller_plans.heads[number as usize].last_s = head.last_s.max(at.time_s);
        if at.time_s > head.first_s {
            return;
        }
        let caller_plan = self.caches.caller_plans.all[number as usize].clone();
        if at.place() >= (head.first_s, caller_plan.told_id.get()) {
            return;
        }
        let sighting = meta.sighting(named.unwrap_or(&caller_plan.context));
        for one in &caller_plan.first_seen {
            if one.first.get().is_none_or(|first| at.place() < first) {
                one.first.set(Some(at.place()));
                self.meet(one.rule, one.scope, one.key, &sighting, at.time_s, || {
                    one.text.clone()
                });
            }
        }
        self.caches.caller_plans.heads[number as usize].first_s = at.time_s;
        caller_plan.told_id.set(at.id);
    }

    /// Records an event for a rule on new networks that has not recorded this network yet.
    fn note_network(&mut self, number: u32, meta: &EventMeta, caller_plan: u32) {
        let CallerPlans {
            all, network_keys, ..
        } = &self.caches.caller_plans;
        let NetworkKeys {
            rule,
            scope,
            text,
            hasher,
        } = &network_keys[number as usize];
        let (rule, scope, text, mut hasher) = (*rule, *scope, text.clone(), *hasher);
        hasher.write_u64(meta.network);
        hasher.write(b"key");
        let key = hasher.finish();
        let first = meta.sighting(&all[caller_plan as usize].context);
        self.meet(rule, scope, key, &first, meta.at.time_s, || text);
        self.caches.told.tell(
            scope,
            meta.network,
            key,
            meta.at.time_s,
            &mut self.notes.last,
        );
    }

    fn meet(
        &mut self,
        rule: u32,
        scope: u64,
        key: u64,
        first: &Sighting,
        last_s: i64,
        text: impl FnOnce() -> Arc<str>,
    ) {
        match self.scratch.met.get_mut(&key) {
            Some(met) => {
                met.last_s = met.last_s.max(last_s);
                if first.place() < met.first.place() {
                    met.first = first.clone();
                }
            }
            None => {
                self.scratch.met.insert(
                    key,
                    FirstSeenHit {
                        rule,
                        key,
                        scope,
                        text: text(),
                        first: first.clone(),
                        last_s,
                    },
                );
            }
        }
    }

    /// Counts an event for a finding, and keeps its details if it is among the earliest.
    fn single(
        &mut self,
        single: &SingleMatch,
        meta: &EventMeta,
        caller_plan: &CallerPlan,
        context: &Arc<CallContext>,
    ) {
        let at = meta.at;
        let (object, day) = (self.caches.object, at.time_s.div_euclid(DAY_SECONDS));
        let (of_object, of_day, mut place) = single.place.get();
        if (of_object, of_day) != (object, day) {
            let slot = MatchKey {
                rule: single.rule,
                text: self.text(&caller_plan.actor),
                attempt: single.attempt,
                day,
                call: self.text(&caller_plan.call),
                refused: context.is_refused(),
            };
            place = *self.scratch.slots.entry(slot).or_insert_with(|| {
                self.notes.matches.push((
                    slot,
                    Matches {
                        untimed: day == NO_DAY,
                        ..Matches::default()
                    },
                ));
                self.notes.matches.len() - 1
            });
            single.place.set((object, day, place));
        }
        let matches = &mut self.notes.matches[place].1;
        matches.events.push((at.number, at.time_s));
        let earliest = &mut matches.earliest;
        if earliest.len() >= EVIDENCE_MAX
            && earliest
                .last()
                .is_some_and(|(_, last)| at.place() >= last.place())
        {
            return;
        }
        let n = earliest.partition_point(|(_, s)| s.place() < at.place());
        // Duplicate event in the same object.
        if earliest
            .get(n)
            .is_some_and(|(_, s)| s.place() == at.place())
        {
            return;
        }
        earliest.truncate(EVIDENCE_MAX - 1);
        earliest.insert(n.min(earliest.len()), (at.number, meta.sighting(context)));
    }

    /// Index of a text in [`ScanOutput::texts`].
    fn text(&mut self, text: &SharedText) -> u32 {
        numbered(
            self.caches.object,
            &text.number,
            &mut self.notes.texts,
            || text.text.clone(),
        )
    }
}

/// Group, rule part, value, and whether the call failed.
type NotedValue<'g> = (&'g WindowGroupRef, u32, u64, bool);

/// Appends an event for a window rule and returns its index in [`ScanOutput::notes`].
fn note(
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
fn noted(
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
    fn note(
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
fn numbered<T>(
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::first_seen::FirstSeenMemory;
    use crate::load::{RuleFile, Rules};

    const RULE: &str = "title: A bucket was deleted
id: 11111111-2222-4333-8444-555555555555
logsource: {product: aws, service: cloudtrail}
detection:
    call: {eventSource: s3.amazonaws.com, eventName: DeleteBucket}
    condition: call
level: high
";

    fn plan() -> ScanPlan {
        let rules = Rules::load(&[RuleFile {
            name: "test.yml".to_owned(),
            text: RULE.to_owned(),
            builtin: false,
        }]);
        ScanPlan {
            rules,
            networks: Networks::builtin(),
            memory: FirstSeenMemory::default(),
            tally: false,
            calls: None,
        }
    }

    fn object(calls: &[&str]) -> Vec<u8> {
        let record = |(n, call): (usize, &&str)| {
            format!(
                r#"{{"eventVersion":"1.08","userIdentity":{{"type":"Root","accountId":"1"}},"eventTime":"2026-03-01T00:00:0{n}Z","eventSource":"s3.amazonaws.com","eventName":"{call}","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.9","eventID":"00000000-0000-4000-8000-00000000000{n}"}}"#
            )
        };
        let records: Vec<String> = calls.iter().enumerate().map(record).collect();
        format!(r#"{{"Records":[{}]}}"#, records.join(",")).into_bytes()
    }

    #[test]
    fn every_event_is_counted_and_matches_are_kept_by_finding() {
        let plan = plan();
        let bytes = object(&["DeleteBucket", "ListBuckets", "DeleteBucket"]);
        let output = Scanner::new(&plan).scan(&mut bytes.as_slice());
        assert_eq!(output.ids.len(), 3);
        let matched: Vec<usize> = output.matches.iter().map(|(_, m)| m.events.len()).collect();
        assert_eq!(matched, [2], "one finding of two events");
    }

    #[test]
    fn what_the_scanner_remembers_of_an_object_changes_nothing_in_the_next() {
        let plan = plan();
        let bytes = object(&["DeleteBucket", "DeleteBucket"]);
        let mut scanner = Scanner::new(&plan);
        for _ in 0..2 {
            let output = scanner.scan(&mut bytes.as_slice());
            assert_eq!(output.ids.len(), 2);
            assert_eq!(output.matches[0].1.events.len(), 2);
        }
    }
}
