//! One tick: what came is read, joined with what is kept, and kept.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use anyhow::Result;
use bartizan_detect::attribution::PlaceRhythm;
use bartizan_detect::{DetectionResult, Evaluator, ScanPlan, Scanner};
use bartizan_model::Finding;
use bartizan_trail::digest::TrailFileName;
use jiff::Timestamp;

use super::super::health::nonce_in;
use super::super::inputs::WatchInputs;
use super::super::judge_cache::{CacheAges, JudgeCache};
use super::super::kept_trail::{KnownObjects, read_and_keep, take_all};
use super::super::queue_losses::QueueLosses;
use super::super::run::{ObjectRow, judge, object_rows, parted};
use super::super::sensors::keep_messages;
use super::arrivals::{Arrival, Brought, Receipt};
use super::touched_parts::TouchedParts;
use crate::collect::PartOfAccount;
use crate::store::{KeptScans, StoreState};
use crate::trail::{TrailObject, delivered_at};
use crate::watch_result::WatchResult;

/// Longest time for which what came without changing a finding is not judged: it can only move
/// coverage and what was too early to tell.
const UNJUDGED_MAX: Duration = Duration::from_secs(30);

/// Time between two looks at what silence is usual in each region.
const RHYTHMS_EVERY: Duration = Duration::from_secs(60);

/// Time between two looks for canaries.
const NONCES_EVERY: Duration = Duration::from_secs(5);

/// Trail that was evaluated so far, in memory, and what is not on the disk yet.
pub(super) struct LiveTrail<'p> {
    plan: &'p ScanPlan,
    fingerprint: [u8; 32],
    evaluator: Evaluator<'p>,
    scanner: Scanner<'p>,
    since: Timestamp,
    /// Version of each object that was taken.
    taken: HashMap<String, Option<String>>,
    cache: JudgeCache,
    /// Rows and entries of the state that are not kept yet.
    rows: Vec<ObjectRow>,
    entries: Vec<(&'static str, Vec<u8>)>,
    /// What came and was not taken yet.
    pending: VecDeque<Arrival>,
    /// Who waits to hear that what came is kept.
    receipts: Vec<Receipt>,
    /// What came that was not judged yet can change a finding, or something else did.
    open: Openness,
    judged_at: Instant,
    judged: JudgedState,
    /// Facts that calls may have changed since they were read.
    touched: TouchedParts,
    /// What queues could not give, once there is something.
    losses: Option<QueueLosses>,
    /// Digests came since the trail was verified.
    unverified: bool,
    came_at: Instant,
    /// Newest events and usual silences, and when they were computed.
    rhythms: Vec<PlaceRhythm>,
    /// Nonces of canaries in the trail.
    nonces: BTreeSet<String>,
    nonces_at: Option<Instant>,
    rhythms_at: Option<Instant>,
    /// What was taken must be evaluated anew after it is kept.
    anew: bool,
}

/// Time without arrivals after which new digests are verified, and not at the next hour only: a
/// digest may come before the logs that it names.
const QUIET: Duration = Duration::from_secs(5);

fn is_digest(name: &str) -> bool {
    matches!(TrailFileName::parse(name), TrailFileName::Digest { .. })
}

/// Whether there is anything to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Openness {
    /// Nothing came.
    Closed,
    /// Events came that matched nothing.
    Later,
    /// Judge at once.
    Now,
}

/// What decides whether new events can change a finding.
#[derive(Debug, Default, PartialEq, Eq)]
struct JudgedState {
    /// Id and number of events of each finding.
    findings: Vec<(String, u64)>,
    mutations: usize,
    issued: usize,
}

impl JudgedState {
    fn of(verdicts: &DetectionResult) -> Self {
        let findings = verdicts.findings.iter();
        Self {
            findings: findings.map(|f| (f.id.clone(), f.count)).collect(),
            mutations: verdicts.attribution.mutations.len(),
            issued: verdicts.attribution.issued.len(),
        }
    }
}

impl<'p> LiveTrail<'p> {
    /// Trail with all that is kept.
    pub(super) fn open(
        plan: &'p ScanPlan,
        inputs: &WatchInputs<'_>,
        known: &KnownObjects,
        scans: &KeptScans,
        ages: CacheAges,
    ) -> Result<Self> {
        let since = inputs.since();
        let mut evaluator = Evaluator::new(plan);
        let (leaving, reading) = parted(&inputs.objects, since);
        take_all(inputs, plan, &reading, scans, &mut evaluator)?;
        let taken = inputs.objects.iter();
        let taken = taken.map(|o| (o.name.clone(), o.scan_version()));
        let rows = object_rows(&leaving, true, known).chain(object_rows(&reading, false, known));
        Ok(Self {
            plan,
            fingerprint: plan.fingerprint(),
            evaluator,
            scanner: Scanner::new(plan).standing_alone(),
            since,
            taken: taken.collect(),
            cache: JudgeCache::with_ages(ages),
            rows: rows.collect(),
            entries: Vec::new(),
            pending: VecDeque::new(),
            receipts: Vec::new(),
            open: Openness::Now,
            judged_at: Instant::now(),
            judged: JudgedState::default(),
            touched: TouchedParts::new(plan),
            losses: None,
            unverified: false,
            came_at: Instant::now(),
            rhythms: Vec::new(),
            nonces: BTreeSet::new(),
            nonces_at: None,
            rhythms_at: None,
            anew: false,
        })
    }

    /// Newest event of each account and region with the silence that is usual there, and nonces of
    /// canaries.
    pub(super) fn heard(&self) -> (&[PlaceRhythm], &BTreeSet<String>) {
        (&self.rhythms, &self.nonces)
    }

    /// Findings of the health of this watch. If they are others than before, all is judged anew.
    pub(super) fn set_blind(&mut self, findings: Vec<Finding>) {
        let ids = |findings: &[Finding]| -> Vec<String> {
            findings.iter().map(|f| f.id.clone()).collect()
        };
        if ids(&findings) != ids(&self.cache.blind) {
            self.cache.blind = findings;
            self.reopen();
        }
    }

    /// Version by name of what was taken.
    pub(super) fn taken(&self) -> HashMap<String, Option<String>> {
        self.taken.clone()
    }

    /// Entry of the state to keep with the next tick.
    pub(super) fn keep_next(&mut self, entry: Option<(&'static str, Vec<u8>)>) {
        self.entries.extend(entry);
    }

    /// Something else than the trail changed: a snapshot, an acceptance.
    pub(super) fn reopen(&mut self) {
        self.open = Openness::Now;
    }

    /// Adds what came, to be taken at the next tick.
    pub(super) fn add(&mut self, batch: Vec<Arrival>) {
        self.pending.extend(batch);
    }

    /// Takes what came. What fails is tried again at the next tick.
    pub(super) fn take(
        &mut self,
        inputs: &mut WatchInputs<'_>,
        state: &StoreState,
        scans: &KeptScans,
    ) -> Result<()> {
        let mut messages = Vec::new();
        for arrival in &self.pending {
            if let Brought::Finding { queue, body } = &arrival.brought {
                messages.push((queue.as_str(), body.as_str()));
            }
        }
        if !messages.is_empty() {
            let (entry, _) = keep_messages(state, messages.into_iter(), self.since)?;
            // They are findings at once, so that the next judgement sees them.
            state.keep_entry(&entry)?;
            self.open = Openness::Now;
        }
        while let Some(mut arrival) = self.pending.pop_front() {
            if let Err(e) = self.take_one(inputs, (state, scans), &mut arrival.brought) {
                self.pending.push_front(arrival);
                return Err(e);
            }
            self.receipts.extend(arrival.receipt);
        }
        // Objects that left the lookback are learned, not evaluated.
        self.anew |= inputs.since() > self.since;
        Ok(())
    }

    fn take_one(
        &mut self,
        inputs: &mut WatchInputs<'_>,
        (state, scans): (&StoreState, &KeptScans),
        brought: &mut Brought,
    ) -> Result<()> {
        match brought {
            Brought::Object(object) => {
                if self.take_object(inputs, scans, object)?
                    && let Brought::Object(object) = std::mem::replace(brought, Brought::Nothing)
                {
                    inputs.objects.push(object);
                }
            }
            Brought::Deleted { name } => self.deleted(inputs, state, name)?,
            Brought::Unread {
                queue,
                message,
                body,
                why,
            } => {
                let losses = self.losses(state)?;
                losses.unread(queue, message, body, why, inputs.now);
            }
            // Kept already.
            Brought::Finding { .. } | Brought::Nothing => {}
        }
        Ok(())
    }

    /// Reads an object. Returns false if this version of it was taken before.
    fn take_object(
        &mut self,
        inputs: &WatchInputs<'_>,
        scans: &KeptScans,
        object: &mut TrailObject,
    ) -> Result<bool> {
        let version = object.scan_version();
        match self.taken.get(&object.name) {
            Some(known) if *known == version => return Ok(false),
            Some(_) => self.anew = true,
            None => {}
        }
        let plan = (self.plan, &self.fingerprint);
        let output = read_and_keep(object, plan, &mut self.scanner, scans)?;
        self.touched.see(inputs, output.mutations());
        object.release();
        self.rows.push((object.name.clone(), object.bytes, false));
        self.taken.insert(object.name.clone(), version);
        if !self.anew {
            let spare = self.evaluator.take(&object.name, output);
            self.scanner.reuse(spare);
        }
        self.unverified |= is_digest(&object.name);
        self.came_at = Instant::now();
        self.open = self.open.max(Openness::Later);
        Ok(true)
    }

    /// Notes that an object was deleted. What is older than the lookback expires as it should.
    fn deleted(&mut self, inputs: &WatchInputs<'_>, state: &StoreState, name: &str) -> Result<()> {
        let is_old = delivered_at(name).is_none_or(|time| time < self.since);
        if !is_old && self.taken.contains_key(name) {
            self.losses(state)?.deleted(name, inputs.now);
        }
        Ok(())
    }

    fn losses(&mut self, state: &StoreState) -> Result<&mut QueueLosses> {
        self.open = Openness::Now;
        let losses = match self.losses.take() {
            Some(losses) => losses,
            None => QueueLosses::kept(state)?,
        };
        Ok(self.losses.insert(losses))
    }

    /// Judges and keeps, if there is a reason to. The result is new.
    pub(super) fn tick(
        &mut self,
        inputs: &WatchInputs<'_>,
        state: &mut StoreState,
        scans: &KeptScans,
    ) -> Result<Option<WatchResult>> {
        if let Some(losses) = &mut self.losses {
            losses.forget(self.since);
            state.keep_entry(&losses.entry()?)?;
        }
        if self.anew {
            // The next round judges all of it; what came is on the disk before.
            self.keep_rows(state, scans)?;
            return Ok(None);
        }
        if self.unverified && self.came_at.elapsed() > QUIET {
            self.unverified = false;
            self.cache.verify_again();
        }
        let mut verdicts = match self.open {
            Openness::Closed if !self.cache.is_due() => return Ok(None),
            _ => self.evaluator.so_far(&|id| inputs.show_event(id)),
        };
        if self
            .rhythms_at
            .is_none_or(|at| at.elapsed() >= RHYTHMS_EVERY)
        {
            self.rhythms = verdicts.attribution.rhythms();
            self.rhythms_at = Some(Instant::now());
        }
        let is_due = self.nonces_at.is_none_or(|at| at.elapsed() >= NONCES_EVERY);
        if is_due || self.open == Openness::Now {
            let agents = verdicts.attribution.agents.keys();
            let nonces = agents.filter_map(|agent| nonce_in(agent));
            self.nonces = nonces.map(str::to_owned).collect();
            self.nonces_at = Some(Instant::now());
        }
        let seen = JudgedState::of(&verdicts);
        let may_wait = self.open == Openness::Later
            && seen == self.judged
            && self.judged_at.elapsed() < UNJUDGED_MAX;
        if may_wait {
            self.evaluator.resume(verdicts);
            self.keep_rows(state, scans)?;
            return Ok(None);
        }
        let kept = scans.flush().and_then(|()| {
            let entries = (&*self.rows, self.entries.clone());
            judge(inputs, state, &mut verdicts, &mut self.cache, entries)
        });
        self.evaluator.resume(verdicts);
        let watched = kept?;
        self.rows.clear();
        self.entries.clear();
        self.open = Openness::Closed;
        (self.judged, self.judged_at) = (seen, Instant::now());
        Ok(Some(watched))
    }

    /// Whether the bill has to be read again.
    pub(super) fn bill_is_due(&self) -> bool {
        self.cache.bill.is_due()
    }

    /// Whether the next round has to evaluate what is kept anew.
    pub(super) fn is_outdated(&self) -> bool {
        self.anew
    }

    /// Parts of accounts that should be read again, since the last question.
    pub(super) fn touched(&mut self) -> Vec<PartOfAccount> {
        self.touched.take()
    }

    /// Receipts of what is on the disk now.
    pub(super) fn receipts(&mut self) -> Vec<Receipt> {
        match self.rows.is_empty() {
            true => std::mem::take(&mut self.receipts),
            false => Vec::new(),
        }
    }

    fn keep_rows(&mut self, state: &mut StoreState, scans: &KeptScans) -> Result<()> {
        scans.flush()?;
        state.keep_objects(&self.rows, &self.entries)?;
        self.rows.clear();
        self.entries.clear();
        Ok(())
    }
}
