//! Evaluator: turns scan outputs into findings. It removes duplicates, evaluates windows and
//! first-seen memory, and merges matches, on one thread and in the order of the objects.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

use foldhash::quality::RandomState;

use super::finding_text::FindingText;
use super::first_seen::{FirstSeenMemory, FirstSeenState, IdentityHasher};
use super::load::RuleProblem;
use super::rule::{AttemptPolicy, Rule, RuleKind};
use super::scan_output::{NO_TIME, ScanOutput, Tally};
use super::scan_plan::ScanPlan;
use super::window::Windows;
use super::window_event::WindowNote;
use crate::attribution::AttributionIndex;
use crate::call::{CallContext, Sighting, actor_of};
use crate::merge::{FindingDraft, FindingKey, Merger};
use crate::work::WorkIndex;
use bartizan_model::limits::{
    EVENT_IDS_MAX, EVIDENCE_MAX, PROBLEMS_NAMED_MAX, RESOURCES_MAX, SCAN_CACHE_MAX,
    UNJUDGED_ONE_IN, WINDOW_STATE_BYTES_MAX,
};
use bartizan_model::{
    Actor, Confidence, Evidence, Finding, Severity, Stage, Verdict, finding_id, time_text,
};
use bartizan_trail::{EventId, NonEvent, ReadProblem};

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

/// Totals of a run: amounts read, and everything that was not read or not evaluated.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Totals {
    /// Number of distinct events.
    pub events: u64,
    /// Number of duplicate events.
    pub duplicates: u64,
    pub objects: u64,
    /// Bytes as stored.
    pub bytes_stored: u64,
    /// Bytes after decompression.
    pub bytes_inflated: u64,
    /// Time of the first event, seconds since 1970.
    pub first_s: Option<i64>,
    /// Time of the last event, seconds since 1970.
    pub last_s: Option<i64>,
    /// Number of events outside of the requested time range.
    pub outside: u64,
    /// Number of records read and not evaluated, or by some rules only
    /// ([`ReadProblem::is_unjudged`]).
    pub unjudged: u64,
    /// Number of objects with nothing but such records.
    pub unjudged_objects: u64,
    /// No rule was enabled.
    pub no_rule: bool,
    /// Number of digests and other non-events.
    pub apart: BTreeMap<NonEvent, u64>,
    /// Per problem: object, offset of the first occurrence, number of occurrences.
    pub problems: BTreeMap<ReadProblem, Vec<(String, u64, u64)>>,
    /// Number of objects with problems beyond `PROBLEMS_NAMED_MAX`.
    pub problems_unnamed: u64,
    /// Number of evicted event ids; a duplicate of such an event is counted again.
    pub ids_evicted: u64,
    /// Number of events that window rules evicted before the end of their window.
    pub window_evicted: u64,
    /// Number of events that came after window rules had evicted others of their time.
    pub window_late: u64,
    /// Number of cases that the log ends too early to decide.
    pub pending: u64,
    /// Number of keys evicted from first-seen memory, and of new keys dropped, at its bound.
    pub first_seen_evicted: u64,
    /// Number of sightings dropped at the bound on findings.
    pub findings_dropped: u64,
}

impl Totals {
    /// Whether nothing was evaluated, so that having no findings means nothing.
    pub fn judged_nothing(&self) -> bool {
        self.events == 0 || self.no_rule
    }

    /// Whether so much was not evaluated that having no findings is no all-clear.
    pub fn unjudged_in_bulk(&self) -> bool {
        self.unjudged_objects > 0
            || self.unjudged * UNJUDGED_ONE_IN >= self.events.max(1) && self.unjudged > 0
    }

    /// Whether events or findings may be missing.
    pub fn is_incomplete(&self) -> bool {
        self.judged_nothing()
            || self.unjudged_in_bulk()
            || self.problems.keys().any(|p| p.loses_events())
    }
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
        let mut again: HashSet<u32, foldhash::fast::RandomState> = HashSet::default();
        let mut number = 0;
        for ids in notes.ids.chunks(IDS_TOUCHED) {
            let mut known = [SeenEventId(0); IDS_TOUCHED];
            for (known, id) in known.iter_mut().zip(ids) {
                *known = self.ids.known(*id);
            }
            let known = &known[..ids.len()];
            self.ids.touch(known);
            for one in known {
                if !self.ids.insert(*one) {
                    again.insert(number);
                }
                number += 1;
            }
        }
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
        notes.ids.clear();
        notes.caller_of.clear();
        notes.texts.clear();
        notes.groups.clear();
        // Large buffers are kept with their capacity; the rest is new.
        let ScanOutput {
            ids,
            caller_of,
            callers,
            acts,
            matches,
            notes,
            groups,
            met,
            texts,
            last,
            ..
        } = notes;
        ScanOutput {
            ids,
            caller_of,
            callers,
            acts,
            matches,
            notes,
            groups,
            met,
            texts,
            last,
            ..ScanOutput::default()
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
        let (windows, first_seens, merger) =
            (&mut self.windows, self.first_seens, &mut self.merger);
        let dropped = first_seens.dropped;
        let (memory, fresh) = std::thread::scope(|scope| {
            let fresh = scope.spawn(|| {
                let mut merger = Merger::default();
                (first_seens.finish(rules, learn, &mut merger), merger)
            });
            windows.finish(rules, merger);
            fresh
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        self.merger.absorb(fresh);
        self.totals.window_evicted = self.windows.evicted;
        self.totals.window_late = self.windows.late;
        self.totals.pending = self.windows.pending;
        self.totals.ids_evicted = self.ids.evicted;
        self.totals.first_seen_evicted = memory.evicted + dropped;
        let (drafts, dropped) = self.merger.finish();
        self.totals.findings_dropped = dropped;
        self.totals.no_rule = rules.iter().all(|rule| matches!(rule.kind, RuleKind::Part));
        let mut findings: Vec<Finding> = Vec::new();
        if !learn {
            findings.extend(
                drafts
                    .into_iter()
                    .map(|(key, draft)| finding(&rules[key.rule as usize], &key, draft, show)),
            );
            findings.extend(unseen(&self.totals, &self.plan.rules.problems));
        }
        findings.sort_by(|a, b| {
            (b.severity, &a.first_time, &a.id).cmp(&(a.severity, &b.first_time, &b.id))
        });
        DetectionResult {
            findings,
            totals: self.totals,
            tally: self.tally,
            memory,
            attribution: self.attribution,
            work: self.work,
        }
    }
}

/// Event ids in two generations, so that memory is bounded and all recent ids are known. Ids are
/// stored as randomly seeded hashes, so that nobody can craft an id that passes for another. Both
/// generations share one table, because a lookup costs one cache miss per table.
struct SeenEventIds {
    hasher: RandomState,
    known: HashSet<SeenEventId, BuildHasherDefault<IdentityHasher>>,
    /// Number of ids in the young and the old generation.
    young: usize,
    old: usize,
    /// Lowest bit of the hashes in the young generation.
    generation: u64,
    evicted: u64,
}

/// Hash of an event id, with the generation in the lowest bit.
#[derive(Clone, Copy)]
struct SeenEventId(u64);

impl PartialEq for SeenEventId {
    fn eq(&self, other: &Self) -> bool {
        self.0 >> 1 == other.0 >> 1
    }
}

impl Eq for SeenEventId {}

impl Hash for SeenEventId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0 >> 1);
    }
}

impl Default for SeenEventIds {
    fn default() -> Self {
        // Full capacity from the start: unused pages are never touched, and growing would write the
        // table twice.
        let known =
            HashSet::with_capacity_and_hasher(2 * EVENT_IDS_MAX, BuildHasherDefault::default());
        Self {
            hasher: RandomState::default(),
            known,
            young: 0,
            old: 0,
            generation: 0,
            evicted: 0,
        }
    }
}

/// Number of event ids looked up per batch.
const IDS_TOUCHED: usize = 64;

impl SeenEventIds {
    /// Hash of an event id.
    fn known(&self, id: EventId) -> SeenEventId {
        SeenEventId(self.hasher.hash_one(id.bits()) & !1)
    }

    /// Prefetches the slots of ids, so that many cache misses overlap.
    fn touch(&self, ids: &[SeenEventId]) {
        std::hint::black_box(ids.iter().filter(|id| self.known.contains(id)).count());
    }

    /// Adds an id; returns false if it was there already.
    fn insert(&mut self, id: SeenEventId) -> bool {
        if !self.known.insert(SeenEventId(id.0 | self.generation)) {
            return false;
        }
        self.young += 1;
        if self.young >= EVENT_IDS_MAX {
            self.evicted += self.old as u64;
            self.known.retain(|known| known.0 & 1 == self.generation);
            (self.old, self.young) = (self.young, 0);
            self.generation ^= 1;
        }
        true
    }
}

/// First and last time of events.
fn span(events: &[(u32, i64)]) -> Option<(i64, i64)> {
    let times = || events.iter().map(|(_, time_s)| *time_s);
    times().min().zip(times().max())
}

fn finding(
    rule: &Rule,
    key: &FindingKey,
    draft: FindingDraft,
    show: &dyn Fn(&str) -> String,
) -> Finding {
    let first = draft.sightings.values().next();
    let call = first.map(|s| &s.context.call);
    // Without a successful call nothing was done: the finding is an attempt, whatever its rule.
    let attempt =
        key.attempt || rule.attempts == AttemptPolicy::Lower && draft.refused == draft.count;
    let actor = first.map(actor);
    let told = FindingText::of(&draft, first, actor.as_ref());
    let event = |s: &Sighting| Evidence::Event {
        id: s.id.to_string(),
        time: known_time(s.time_s).unwrap_or_else(|| "unknown".to_owned()),
        call: s.context.call.name.to_string(),
        error: s.context.call.error.clone(),
    };
    let evidence = evidence(&draft).into_iter().map(event).collect();
    let mut because: Vec<String> = draft.because.into_values().collect();
    because.dedup();
    if draft.untimed > 0 {
        let instead = match known_time(draft.first_s) {
            Some(_) => "the time of their file or of their neighbours stands in for it",
            None => "nothing tells when it was",
        };
        because.push(format!(
            "{} of {} records have no usable time: {instead}",
            draft.untimed, draft.count
        ));
    }
    because.extend(
        [rule.why.clone(), rule.advice.clone()]
            .into_iter()
            .filter(|t| !t.is_empty()),
    );
    Finding {
        id: finding_id(&rule.id, &key.entity, key.attempt, key.window),
        rule: rule.id.clone(),
        title: if attempt {
            format!("Attempt: {}", rule.title)
        } else {
            rule.title.clone()
        },
        summary: told.summary,
        severity: if attempt {
            lower(rule.severity)
        } else {
            rule.severity
        },
        confidence: rule.confidence,
        stage: rule.stage,
        attack: rule.attack.clone(),
        account: call.and_then(|c| c.account.clone()),
        region: call.and_then(|c| c.region.clone()),
        first_time: known_time(draft.first_s),
        last_time: known_time(draft.last_s),
        count: draft.count,
        refused: draft.refused,
        calls: told.calls,
        actor,
        resources: told.resources,
        counterparty: told.counterparty,
        show: first.map(|s| show(&s.id.to_string())).unwrap_or_default(),
        evidence,
        verdict: Verdict::Must,
        because,
    }
}

/// Earliest events, with one successful and one failed event of each API call; the latest others
/// make room for those.
fn evidence(draft: &FindingDraft) -> Vec<&Sighting> {
    let firsts = draft
        .calls
        .values()
        .flat_map(|c| c.sightings.iter().filter_map(|s| s.values().next()));
    let mut firsts: Vec<&Sighting> = firsts.collect();
    firsts.sort_by_key(|s| s.place());
    firsts.truncate(EVIDENCE_MAX);
    let mut all: BTreeMap<_, &Sighting> = firsts.into_iter().map(|s| (s.place(), s)).collect();
    for (place, sighting) in &draft.sightings {
        if all.len() >= EVIDENCE_MAX {
            break;
        }
        all.insert(*place, sighting);
    }
    all.into_values().collect()
}

fn actor(sighting: &Sighting) -> Actor {
    actor_of(&sighting.context.who, &sighting.source)
}

/// Severity one step lower, never below low; info stays info.
fn lower(severity: Severity) -> Severity {
    match severity {
        Severity::Critical => Severity::High,
        Severity::High => Severity::Medium,
        Severity::Medium | Severity::Low => Severity::Low,
        Severity::Info => Severity::Info,
    }
}

/// Findings of stage blind: lost events, requested rules that do not run, and evicted state.
fn unseen(totals: &Totals, problems: &[RuleProblem]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if totals.no_rule {
        let summary = "nothing was judged: no rule is there".to_owned();
        findings.push(blind(
            "no-rule",
            "",
            "no rule was there to judge",
            summary,
            Severity::Medium,
            1,
            Vec::new(),
        ));
    }
    if totals.unjudged_in_bulk() {
        let unjudged = || totals.problems.iter().filter(|(p, _)| p.is_unjudged());
        let named = unjudged().flat_map(|(p, places)| {
            places
                .iter()
                .map(move |(object, _, n)| (object.clone(), format!("{n} × {}", p.text())))
        });
        let what: Vec<&str> = unjudged().map(|(p, _)| p.text()).collect();
        let summary = format!(
            "{} of {} records were read and not judged: {}",
            totals.unjudged,
            totals.events + totals.unjudged,
            what.join("; ")
        );
        findings.push(blind(
            "events-not-judged",
            &what.join(" "),
            "part of the trail was read and not judged",
            summary,
            Severity::Medium,
            totals.unjudged,
            named.take(RESOURCES_MAX).collect(),
        ));
    }
    if totals.events == 0 && totals.objects > 0 && totals.problems.keys().all(|p| !p.loses_events())
    {
        let asked = if totals.outside > 0 {
            format!(": all {} are outside of the time asked for", totals.outside)
        } else {
            String::new()
        };
        let plural = if totals.objects == 1 { "" } else { "s" };
        let summary = format!(
            "no event was judged in {} object{plural}{asked}",
            totals.objects
        );
        findings.push(blind(
            "no-event",
            "",
            "no event was judged",
            summary,
            Severity::Medium,
            totals.objects,
            Vec::new(),
        ));
    }
    for (problem, places) in totals.problems.iter().filter(|(p, _)| p.loses_events()) {
        let count: u64 = places.iter().map(|(_, _, n)| n).sum();
        let evidence = places
            .iter()
            .take(RESOURCES_MAX)
            .map(|(object, offset, _)| {
                (
                    object.clone(),
                    format!("{} at byte {offset}", problem.text()),
                )
            });
        let summary = format!(
            "events may be missing: {} in {}{}",
            problem.text(),
            places[0].0,
            others(places.len())
        );
        findings.push(blind(
            "events-lost",
            problem.text(),
            "part of the trail could not be read",
            summary,
            Severity::Medium,
            count,
            evidence.collect(),
        ));
    }
    let given_up = [
        (
            totals.window_evicted,
            "window-evicted",
            "events that rules with windows gave up for want of room",
        ),
        (
            totals.window_late,
            "window-late",
            "events that came after the window of their time was evaluated and its events were evicted",
        ),
        (
            totals.first_seen_evicted,
            "first-seen-evicted",
            "first-seen keys that were given up for want of room",
        ),
        (
            totals.findings_dropped,
            "findings-dropped",
            "matches that found no room among the findings",
        ),
        (
            totals.problems_unnamed,
            "problems-unnamed",
            "objects with a problem beyond those that are named",
        ),
    ];
    for (count, rule, what) in given_up.into_iter().filter(|(count, ..)| *count > 0) {
        findings.push(blind(
            rule,
            "",
            "the alarm ran out of room",
            format!("{count} {what}"),
            Severity::Medium,
            count,
            vec![(what.to_owned(), count.to_string())],
        ));
    }
    for problem in problems {
        let name = problem
            .rule
            .as_deref()
            .map(|r| format!(" ({r})"))
            .unwrap_or_default();
        let summary = format!("{}{name} does not run: {}", problem.file, problem.text);
        let place = format!("{}{name}", problem.file);
        let entity = format!("{place} {}", problem.text);
        findings.push(blind(
            "rule-not-running",
            &entity,
            "a rule that was asked for does not run",
            summary,
            Severity::Medium,
            1,
            vec![(place, problem.text.clone())],
        ));
    }
    findings
}

fn others(places: usize) -> String {
    if places > 1 {
        format!(" and {} more", places - 1)
    } else {
        String::new()
    }
}

fn blind(
    rule: &str,
    entity: &str,
    title: &str,
    summary: String,
    severity: Severity,
    count: u64,
    evidence: Vec<(String, String)>,
) -> Finding {
    Finding {
        id: finding_id(rule, entity, false, 0),
        rule: rule.to_owned(),
        title: title.to_owned(),
        summary,
        severity,
        confidence: Confidence::High,
        stage: Stage::Blind,
        attack: Vec::new(),
        account: None,
        region: None,
        first_time: None,
        last_time: None,
        count,
        refused: 0,
        calls: Vec::new(),
        actor: None,
        resources: Vec::new(),
        counterparty: Vec::new(),
        evidence: evidence
            .into_iter()
            .map(|(place, what)| Evidence::Coverage { place, what })
            .collect(),
        verdict: Verdict::Unknown,
        because: vec![
            "what could not be read may hold anything: silence about it is no all-clear".to_owned(),
        ],
        show: String::new(),
    }
}

/// Time as text; `None` if unknown.
fn known_time(time_s: i64) -> Option<String> {
    (time_s != NO_TIME).then(|| time_text(time_s))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recent_ids_are_known_and_old_ones_are_counted() {
        let mut ids = SeenEventIds::default();
        let max = EVENT_IDS_MAX as u128;
        assert!((0..max * 5 / 2).all(|n| ids.insert(ids.known(EventId::from(n)))));
        // One generation was evicted; everything after it is known.
        assert_eq!(ids.evicted, EVENT_IDS_MAX as u64);
        assert!((max..max * 5 / 2).all(|n| !ids.insert(ids.known(EventId::from(n)))));
        assert!(ids.insert(ids.known(EventId::from(0))));
        assert_eq!(ids.old + ids.young, ids.known.len());
    }
}
