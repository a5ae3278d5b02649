//! Evaluator: turns scan outputs into findings. It removes duplicates, evaluates windows and
//! first-seen memory, and merges matches, on one thread and in the order of the objects.

mod blind;
mod event_ids;
mod finding;
mod totals;

use std::collections::BTreeMap;
use std::sync::Arc;

use blind::unseen;
use event_ids::SeenEventIds;
use finding::finding;

use super::first_seen::{FirstSeenMemory, FirstSeenState};
use super::rule::RuleKind;
use super::scan_output::{ScanOutput, Tally};
use super::scan_plan::ScanPlan;
use super::window::Windows;
use super::window_event::WindowNote;
use crate::attribution::AttributionIndex;
use crate::call::CallContext;
use crate::merge::{FindingKey, Merger};
use crate::work::WorkIndex;
use bartizan_model::Finding;
use bartizan_model::limits::{PROBLEMS_NAMED_MAX, SCAN_CACHE_MAX, WINDOW_STATE_BYTES_MAX};
use bartizan_trail::ReadProblem;

pub use totals::Totals;

/// Takes scan outputs in the order of the objects and produces findings.
pub struct Evaluator<'p> {
    plan: &'p ScanPlan,
    ids: SeenEventIds,
    merger: Merger,
    windows: Windows,
    first_seens: FirstSeenState,
    totals: Totals,
    tally: Tally,
    attribution: AttributionIndex,
    work: WorkIndex,
}

/// Result of a run.
pub struct DetectionResult {
    /// Sorted by severity, then time.
    pub findings: Vec<Finding>,
    pub totals: Totals,
    /// Counts by actor, service, region and error code, if requested.
    pub tally: Tally,
    /// First-seen memory for the next run.
    pub memory: FirstSeenMemory,
    /// Index for attribution, if requested.
    pub attribution: AttributionIndex,
    /// Calls by actor.
    pub work: WorkIndex,
}

impl<'p> Evaluator<'p> {
    /// Evaluator that knows only the plan's first-seen memory.
    pub fn new(plan: &'p ScanPlan) -> Self {
        Self {
            plan,
            ids: SeenEventIds::default(),
            merger: Merger::default(),
            windows: Windows::new(WINDOW_STATE_BYTES_MAX),
            first_seens: FirstSeenState::new(plan.memory.clone()),
            totals: Totals::default(),
            tally: Tally::default(),
            attribution: AttributionIndex::default(),
            work: WorkIndex::default(),
        }
    }

    /// Sets the memory bound of window rules, in bytes.
    pub fn with_window_bytes(self, bytes_max: usize) -> Self {
        Self {
            windows: Windows::new(bytes_max),
            ..self
        }
    }

    /// Takes the output of the next object. Returns it empty, for a scanner to reuse.
    pub fn take(&mut self, object: &str, mut notes: ScanOutput) -> ScanOutput {
        let rules = &self.plan.rules.rules;
        let again = self.ids.add(&notes.ids);
        self.count(object, &notes, again.len() as u64);
        let once = |event: u32| {
            event != WindowNote::GIVEN_UP && (again.is_empty() || !again.contains(&event))
        };
        self.tally(
            std::mem::take(&mut notes.tallied)
                .into_iter()
                .filter(|(event, _)| once(*event))
                .map(|(_, context)| context),
        );
        self.matches(&mut notes, once);
        // Duplicates are removed from the counts of their callers.
        for number in &again {
            let caller = notes
                .caller_of
                .get(*number as usize)
                .and_then(|c| notes.callers.get_mut(*c as usize));
            caller.into_iter().for_each(|c| c.count -= 1);
        }
        notes
            .callers
            .drain(..)
            .for_each(|caller| self.work.count(caller));
        for (_, act) in notes.acts.drain(..).filter(|(event, _)| once(*event)) {
            self.work.act(act);
        }
        self.windows
            .add(rules, &notes.groups, &mut notes.notes, once);
        for met in notes.met.drain(..) {
            self.first_seens.meet(rules, met);
        }
        self.first_seens.last(&mut notes.last);
        self.attribution.take(std::mem::take(&mut notes.collector));
        self.windows.relieve(rules, &mut self.merger);
        notes.emptied()
    }

    /// Merges the matches of single-event rules, without duplicate events.
    fn matches(&mut self, notes: &mut ScanOutput, once: impl Fn(u32) -> bool) {
        for (slot, mut matches) in notes.matches.drain(..) {
            matches.events.retain(|(event, _)| once(*event));
            matches.earliest.retain(|(event, _)| once(*event));
            let Some((first, last)) = span(&matches.events) else {
                continue;
            };
            let entity = notes.texts[slot.text as usize].clone();
            let key = FindingKey {
                rule: slot.rule,
                entity,
                attempt: slot.attempt,
                window: slot.day,
            };
            let count = matches.events.len() as u64;
            let call = (&notes.texts[slot.call as usize], slot.refused);
            let untimed = matches.untimed.then(|| key.clone());
            self.merger.add_all(
                key,
                call,
                count,
                (first, last),
                matches.earliest.into_iter().map(|(_, sighting)| sighting),
            );
            if let Some(key) = untimed {
                self.merger.untimed(&key, count);
            }
        }
    }

    /// Takes the output of [`super::Scanner::finish`].
    pub fn take_rest(&mut self, mut notes: ScanOutput) {
        self.first_seens.last(&mut notes.last);
    }

    fn count(&mut self, object: &str, notes: &ScanOutput, duplicates: u64) {
        let totals = &mut self.totals;
        totals.objects += 1;
        totals.events += notes.ids.len() as u64 - duplicates;
        totals.duplicates += duplicates;
        totals.outside += notes.outside;
        totals.bytes_stored += notes.bytes.stored;
        totals.bytes_inflated += notes.bytes.inflated;
        if let Some((first, last)) = notes.times {
            self.windows.reach(first);
            self.windows.reach(last);
            totals.first_s = Some(totals.first_s.map_or(first, |t| t.min(first)));
            totals.last_s = Some(totals.last_s.map_or(last, |t| t.max(last)));
        }
        for (apart, n) in &notes.apart {
            *totals.apart.entry(*apart).or_default() += n;
        }
        let unjudged = notes.problems.iter().filter(|(p, _)| p.is_unjudged());
        let (all, of_events) = unjudged.fold((0, 0), |(all, of_events), (problem, (_, n))| {
            (
                all + n,
                of_events
                    + if *problem == ReadProblem::NotAnEvent {
                        0
                    } else {
                        *n
                    },
            )
        });
        totals.unjudged += all;
        totals.unjudged_objects +=
            u64::from(all > 0 && notes.ids.len() as u64 <= of_events && notes.outside == 0);
        for (problem, (offset, n)) in &notes.problems {
            let named = totals.problems.values().map(Vec::len).sum::<usize>();
            if named < PROBLEMS_NAMED_MAX {
                totals
                    .problems
                    .entry(*problem)
                    .or_default()
                    .push((object.to_owned(), *offset, *n));
            } else {
                totals.problems_unnamed += 1;
            }
        }
    }

    /// Counts distinct events by actor, service, region and error code.
    fn tally(&mut self, tallied: impl Iterator<Item = Arc<CallContext>>) {
        let Tally {
            actors,
            sources,
            regions,
            errors,
        } = &mut self.tally;
        for context in tallied {
            let (actor, call) = (&context.who.actor, &context.call);
            let count = |map: &mut BTreeMap<String, u64>, text: &str| {
                if let Some(n) = map.get_mut(text) {
                    *n += 1;
                } else if map.len() < SCAN_CACHE_MAX {
                    map.insert(text.to_owned(), 1);
                }
            };
            count(
                actors,
                &format!("{} {}", actor.account.as_deref().unwrap_or("-"), actor.name),
            );
            for (map, text) in [
                (&mut *sources, &call.source),
                (&mut *regions, &call.region),
                (&mut *errors, &call.error),
            ] {
                if let Some(text) = text {
                    count(map, text);
                }
            }
        }
    }

    /// Evaluates the rest and returns the result. `learn`: only update first-seen memory. `show`:
    /// command that shows an event by its id.
    pub fn finish(mut self, learn: bool, show: &dyn Fn(&str) -> String) -> DetectionResult {
        let rules = &self.plan.rules.rules;
        // The two are independent and belong to different rules.
        let (mut windows, merger) = (self.windows, &mut self.merger);
        let first_seens = self.first_seens;
        let (memory, fresh) = std::thread::scope(|scope| {
            let fresh = scope.spawn(|| {
                let mut merger = Merger::default();
                if !learn {
                    first_seens.report(rules, &mut merger);
                }
                let dropped = first_seens.dropped;
                let memory = first_seens.remember();
                let evicted = memory.evicted + dropped;
                ((memory, evicted), merger)
            });
            windows.finish(rules, merger);
            fresh
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        self.merger.absorb(fresh);
        let given_up = (memory.1, self.ids.evicted);
        let (totals, findings) = concluded(
            self.plan,
            self.totals,
            &windows,
            given_up,
            (self.merger, learn),
            show,
        );
        DetectionResult {
            findings,
            totals,
            tally: self.tally,
            memory: memory.0,
            attribution: self.attribution,
            work: self.work,
        }
    }

    /// Result so far, as [`Self::finish`] would give it now; more objects may follow after
    /// [`Self::resume`]. The memory in it is empty.
    pub fn so_far(&mut self, show: &dyn Fn(&str) -> String) -> DetectionResult {
        let rules = &self.plan.rules.rules;
        let (mut windows, mut merger) = (self.windows.clone(), self.merger.clone());
        windows.finish(rules, &mut merger);
        let mut fresh = Merger::default();
        self.first_seens.report(rules, &mut fresh);
        merger.absorb(fresh);
        let given_up = (self.first_seens.evicted(), self.ids.evicted);
        let totals = self.totals.clone();
        let (totals, findings) =
            concluded(self.plan, totals, &windows, given_up, (merger, false), show);
        DetectionResult {
            findings,
            totals,
            tally: self.tally.clone(),
            memory: FirstSeenMemory::default(),
            attribution: std::mem::take(&mut self.attribution),
            work: std::mem::take(&mut self.work),
        }
    }

    /// Takes back what [`Self::so_far`] lent.
    pub fn resume(&mut self, lent: DetectionResult) {
        self.attribution = lent.attribution;
        self.work = lent.work;
    }
}

/// Totals and findings of evaluated windows and merged matches. `given_up`: numbers of first-seen
/// keys and event ids that were evicted.
fn concluded(
    plan: &ScanPlan,
    mut totals: Totals,
    windows: &Windows,
    given_up: (u64, u64),
    (merger, learn): (Merger, bool),
    show: &dyn Fn(&str) -> String,
) -> (Totals, Vec<Finding>) {
    let rules = &plan.rules.rules;
    totals.window_evicted = windows.evicted;
    totals.window_late = windows.late;
    totals.pending = windows.pending;
    (totals.first_seen_evicted, totals.ids_evicted) = given_up;
    let (drafts, dropped) = merger.finish();
    totals.findings_dropped = dropped;
    totals.no_rule = rules.iter().all(|rule| matches!(rule.kind, RuleKind::Part));
    let mut findings: Vec<Finding> = Vec::new();
    if !learn {
        findings.extend(
            drafts
                .into_iter()
                .map(|(key, draft)| finding(&rules[key.rule as usize], &key, draft, show)),
        );
        findings.extend(unseen(&totals, &plan.rules.problems));
    }
    findings.sort_by(|a, b| {
        (b.severity, &a.first_time, &a.id).cmp(&(a.severity, &b.first_time, &b.id))
    });
    (totals, findings)
}

/// First and last time of events.
fn span(events: &[(u32, i64)]) -> Option<(i64, i64)> {
    let times = || events.iter().map(|(_, time_s)| *time_s);
    times().min().zip(times().max())
}
