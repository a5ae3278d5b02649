//! Rules applied to an event: its caller plan first, then the steps of its record.

use std::hash::Hasher;
use std::rc::Rc;
use std::sync::Arc;

use super::notes::{note, noted, numbered};
use super::object::ObjectScan;
use crate::attribution::own_user_name;
use crate::call::{CallContext, Sighting};
use crate::caller_plan::{CallerPlan, CallerPlans, DecidedMatch, NetworkKeys, PlanHead};
use crate::event_meta::EventMeta;
use crate::first_seen::FirstSeenHit;
use crate::route::matches;
use crate::scan_output::{MatchKey, Matches, NO_DAY};
use crate::shared_text::SharedText;
use crate::steps::{EventStep, EventSteps, RecordPlan, SingleMatch, UndecidedRule};
use crate::view::EventView;
use crate::window_event::DAY_SECONDS;
use crate::work::{CallTally, ThingCall, ThingTable};
use bartizan_model::limits::EVIDENCE_MAX;
use bartizan_trail::{Event, FieldSet};

impl ObjectScan<'_, '_> {
    /// Whether this is the earliest event of its caller plan so far. If so, first-seen rules report
    /// it, and its resources are extracted.
    pub(super) fn is_first(&self, caller_plan: u32, meta: &EventMeta) -> bool {
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
    pub(super) fn seen(
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
    pub(super) fn looks_at_all(&self) -> bool {
        self.plan.tally || self.plan.calls.is_some()
    }

    /// Handles rules that depend on more than route, identity and network.
    pub(super) fn asked(
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
    pub(super) fn steps(
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
                .acted(
                    view.event,
                    own,
                    &caller_plan.context.call,
                    &self.caches.hasher,
                )
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
    pub(super) fn take(&mut self, steps: &EventSteps, meta: &EventMeta, caller_plan: &CallerPlan) {
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
    pub(super) fn single(
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
