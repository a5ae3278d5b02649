//! Bounded per-thread caches of values computed once for many events.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use foldhash::quality::RandomState;

use super::caller_plan::CallerPlans;
use super::condition::ItemAnswers;
use super::derive::text::cut;
use super::first_seen::ByHash;
use super::first_seen::LastSeen;
use super::networks::AddressKind;
use super::route::feed_route;
use super::scan_plan::ScanPlan;
use super::shared_text::SharedTexts;
use super::steps::RecordPlan;
use super::view::EventView;
use crate::call::SourceAddress;
use bartizan_model::limits::{REPORTED_NETWORKS_MAX, SCAN_CACHE_MAX};
use bartizan_trail::{CallerIdentity, Event, Field, RecordTemplate, TimeReader};

/// Caches of one thread. Any entry may be evicted at any time.
#[derive(Default)]
pub(super) struct Caches {
    pub(super) hasher: RandomState,
    /// Identities by the hash of `userIdentity`. All hashes here are randomly seeded, so that
    /// nobody can craft collisions.
    actors: ByHash<Arc<CallerIdentity>>,
    pub(super) caller_plans: CallerPlans,
    /// Indices of cached records, by [`RecordTemplate::of`] and address kind.
    repeats: ByHash<u32>,
    /// Cached records by index.
    known: Vec<CachedRecord>,
    pub(super) shared: SharedTexts,
    /// Hashes of records seen once, used while [`RecordPlan`]s are scarce: only a record that comes
    /// again gets one.
    once: Vec<u64>,
    /// Last-seen times of first-seen keys from evicted caller plans.
    pub(super) last: Vec<LastSeen>,
    pub(super) told: ReportedNetworks,
    /// Texts in place of an address, e.g. `s3.amazonaws.com`, by hash.
    sources: ByHash<Arc<str>>,
    /// Number of the object being read.
    pub(super) object: u64,
    pub(super) clock: TimeReader,
    /// Item answers for the current event.
    pub(super) answers: ItemAnswers,
}

/// Cached record that later events may repeat.
pub(super) struct CachedRecord {
    /// Number of its caller plan.
    pub(super) caller_plan: u32,
    /// [`Event::content`].
    pub(super) content: u64,
    pub(super) repeat: Rc<RecordPlan>,
}

/// Networks already recorded per scope by one thread.
#[derive(Default)]
pub(super) struct ReportedNetworks {
    /// By [`network_hash`].
    networks: ByHash<ReportedNetwork>,
}

struct ReportedNetwork {
    scope: u64,
    key: u64,
    /// Time of the earliest event recorded, in seconds since 1970.
    first_s: i64,
    /// Time of the last event, reported when the networks are flushed.
    last_s: i64,
}

/// Hash of a network in a scope; the scope is a seeded hash, so that nobody can craft collisions.
fn network_hash(scope: u64, network: u64) -> u64 {
    (scope ^ network)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(32)
        ^ scope
}

impl ReportedNetworks {
    /// Whether an event adds nothing to the recorded network; if so, only its time is kept.
    pub(super) fn is_told(&mut self, scope: u64, network: u64, time_s: i64) -> bool {
        let Some(known) = self.networks.get_mut(&network_hash(scope, network)) else {
            return false;
        };
        known.last_s = known.last_s.max(time_s);
        time_s > known.first_s
    }

    /// Marks a network as recorded.
    pub(super) fn tell(
        &mut self,
        scope: u64,
        network: u64,
        key: u64,
        time_s: i64,
        last: &mut Vec<LastSeen>,
    ) {
        if self.networks.len() >= REPORTED_NETWORKS_MAX {
            self.flush(last);
        }
        let new = || ReportedNetwork {
            scope,
            key,
            first_s: time_s,
            last_s: time_s,
        };
        let known = self
            .networks
            .entry(network_hash(scope, network))
            .or_insert_with(new);
        (known.first_s, known.last_s) = (known.first_s.min(time_s), known.last_s.max(time_s));
    }

    /// Moves the last-seen times of all keys to `last`, and clears the table.
    fn flush(&mut self, last: &mut Vec<LastSeen>) {
        let known = self.networks.drain();
        last.extend(known.map(|(_, known)| LastSeen {
            scope: known.scope,
            key: known.key,
            last_s: known.last_s,
        }));
    }
}

impl Caches {
    /// Empty caches.
    pub(super) fn new(plan: &ScanPlan) -> Self {
        Self {
            hasher: plan.rules.decided.hasher.clone(),
            ..Self::default()
        }
    }

    /// Last-seen times that are left after the last object.
    pub(super) fn finish(&mut self) -> Vec<LastSeen> {
        self.forget_combos();
        let mut last = std::mem::take(&mut self.last);
        self.told.flush(&mut last);
        last
    }

    /// Moves the last-seen times of this object's first-seen keys to `last`, and forgets that they
    /// were told.
    pub(super) fn forget_told(&mut self, last: &mut Vec<LastSeen>) {
        self.caller_plans.forget_told(self.object as u32, last);
        self.told.flush(last);
    }

    fn forget_combos(&mut self) {
        // Repeats would continue with evicted plans, whose last-seen times are lost.
        self.forget_repeats();
        self.last.extend(self.caller_plans.last());
        self.caller_plans = CallerPlans::default();
    }

    /// Number of the event's caller plan, the plan of the record that it repeats, and
    /// [`Event::content`].
    pub(super) fn caller_plan(
        &mut self,
        plan: &ScanPlan,
        event: &Event<'_>,
        address: Option<IpAddr>,
    ) -> (u32, Option<Rc<RecordPlan>>, u64) {
        let kind = plan.networks.kind_of(address);
        let Some((hash, holes)) = RecordTemplate::of(event, &self.hasher) else {
            return (
                self.combo_of(plan, event, address, kind),
                None,
                event.content(),
            );
        };
        let lasting = hash ^ kind as u64;
        if let Some(number) = self.number(hash, kind) {
            let CachedRecord {
                caller_plan,
                repeat,
                content,
            } = self.known(number);
            return (*caller_plan, Some(repeat.clone()), *content);
        }
        let content = event.content();
        let caller_plan = self.combo_of(plan, event, address, kind);
        // While there is room, every record gets a plan.
        if self.repeats.len() >= SCAN_CACHE_MAX / 2 && !self.came_before(lasting) {
            return (caller_plan, None, content);
        }
        if self.repeats.len() >= SCAN_CACHE_MAX {
            self.forget_repeats();
        }
        let repeat = Rc::new(RecordPlan {
            lasting: RecordTemplate::keep(event, holes),
            steps: OnceCell::new(),
        });
        self.repeats.insert(lasting, self.known.len() as u32);
        self.known.push(CachedRecord {
            caller_plan,
            content,
            repeat: repeat.clone(),
        });
        (caller_plan, Some(repeat), content)
    }

    /// Whether the record was among the latest ones.
    fn came_before(&mut self, lasting: u64) -> bool {
        self.once.resize(SCAN_CACHE_MAX, 0);
        std::mem::replace(&mut self.once[lasting as usize % SCAN_CACHE_MAX], lasting) == lasting
    }

    /// Source of a call: an address, or the text in its place, e.g. `s3.amazonaws.com`.
    pub(super) fn source<'t>(
        &mut self,
        address: Option<IpAddr>,
        text: impl FnOnce() -> Option<Cow<'t, str>>,
    ) -> SourceAddress {
        let text = match (address, text) {
            (Some(address), text) => match text().filter(|t| t.contains(',')) {
                // Both are shown.
                Some(two) => two,
                None => return address.into(),
            },
            (None, text) => match text() {
                Some(text) => text,
                None => return SourceAddress::None,
            },
        };
        if self.sources.len() >= SCAN_CACHE_MAX {
            self.sources.clear();
        }
        let hash = self.hasher.hash_one(text.as_bytes());
        SourceAddress::Text(
            self.sources
                .entry(hash)
                .or_insert_with(|| cut(&text).into())
                .clone(),
        )
    }

    /// Index of the cached record with this hash and address kind.
    pub(super) fn number(&self, hash: u64, kind: AddressKind) -> Option<u32> {
        self.repeats.get(&(hash ^ kind as u64)).copied()
    }

    pub(super) fn known(&self, number: u32) -> &CachedRecord {
        &self.known[number as usize]
    }

    fn forget_repeats(&mut self) {
        self.repeats.clear();
        self.known.clear();
    }

    fn combo_of(
        &mut self,
        plan: &ScanPlan,
        event: &Event<'_>,
        address: Option<IpAddr>,
        kind: AddressKind,
    ) -> u32 {
        let mut hasher = self.hasher.build_hasher();
        feed_route(event, kind, &mut hasher);
        let (route, identity) = (hasher.finish(), self.hasher.hash_one(event.identity()));
        let key = route ^ identity.rotate_left(32);
        if let Some(caller_plan) = self.caller_plans.number(key) {
            return caller_plan;
        }
        if self.caller_plans.is_full() {
            self.forget_combos();
        }
        let actor = self.actor(event, identity);
        let view = EventView::with_address(event, &actor, &plan.networks, address);
        let refined = plan
            .rules
            .decided
            .route(plan.rules.set(), &view, route, &self.answers)
            .refine(plan.rules.set(), &view, &self.answers);
        self.caller_plans
            .add(key, plan, refined, &view, &mut self.shared)
    }

    fn actor(&mut self, event: &Event<'_>, hash: u64) -> Arc<CallerIdentity> {
        if self.actors.len() >= SCAN_CACHE_MAX {
            self.actors.clear();
        }
        // Without an account in the identity, the record's account stands in, and it may differ
        // between records.
        let hash = self
            .hasher
            .hash_one((hash, event.raw_scalar(Field::RecipientAccountId)));
        self.actors
            .entry(hash)
            .or_insert_with(|| Arc::new(CallerIdentity::of_event(event)))
            .clone()
    }
}
