//! Counters filled while a trail is read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::things::CallThings;
use crate::call::{ActorContext, CallContext, SourceAddress};
use bartizan_model::limits::{ACTS_MAX, CALL_TALLIES_MAX, REGIONS_NAMED_MAX, SCAN_CACHE_MAX};
use bartizan_trail::{CallerType, EventId};

/// Number of events of one object with the same caller, API call and error.
#[derive(Debug)]
pub(crate) struct CallTally {
    pub(crate) context: Arc<CallContext>,
    pub(crate) count: u64,
    pub(crate) first_s: i64,
    pub(crate) last_s: i64,
}

/// Call that created or removed a thing.
#[derive(Debug, Clone)]
pub(crate) struct ThingCall {
    pub(crate) time_s: i64,
    pub(crate) event: EventId,
    pub(crate) source: SourceAddress,
    pub(crate) context: Arc<CallContext>,
    pub(crate) acted: Arc<CallThings>,
}

/// Activity of all actors.
#[derive(Debug, Default)]
pub struct WorkIndex {
    numbers: BTreeMap<CallKey, usize>,
    counts: Vec<CallSpan>,
    /// Index of the counter for each known context, by the context's address. The contexts are kept
    /// alive, so that an address is never reused.
    known: HashMap<usize, (usize, Arc<CallContext>), foldhash::fast::RandomState>,
    pub(super) names: BTreeMap<Arc<str>, Arc<ActorContext>>,
    /// Use of long-term access keys, by actor and key.
    pub(super) keys: BTreeMap<(String, String), CallSpan>,
    acts: Vec<ThingCall>,
    /// Number of events dropped at the bound.
    pub dropped: u64,
    /// Number of calls on things dropped at the bound.
    pub acts_dropped: u64,
}

/// Key of the actor, API call, error code.
type CallKey = (String, Arc<str>, Option<String>);

/// Number and time range of events.
#[derive(Debug, Clone, Default)]
pub(super) struct CallSpan {
    pub(super) count: u64,
    pub(super) first_s: i64,
    pub(super) last_s: i64,
    pub(super) regions: BTreeSet<String>,
    pub(super) accounts: BTreeSet<String>,
}

impl CallSpan {
    fn new() -> Self {
        Self {
            first_s: i64::MAX,
            last_s: i64::MIN,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, count: u64, first_s: i64, last_s: i64) {
        self.count += count;
        self.first_s = self.first_s.min(first_s);
        self.last_s = self.last_s.max(last_s);
    }
}

impl WorkIndex {
    /// Counts the events of a caller.
    pub(crate) fn count(&mut self, caller: CallTally) {
        let CallTally {
            context,
            count,
            first_s,
            last_s,
        } = caller;
        if count == 0 {
            return;
        }
        let address = Arc::as_ptr(&context) as usize;
        let at = match self.known.get(&address) {
            Some((at, _)) => *at,
            None => {
                if self.known.len() >= 8 * SCAN_CACHE_MAX {
                    self.known.clear();
                }
                let at = self.number(&context);
                self.known.insert(address, (at, context.clone()));
                at
            }
        };
        let Some(found) = self.counts.get_mut(at) else {
            self.dropped += count;
            return;
        };
        found.add(count, first_s, last_s);
        let actor = &context.who.actor;
        // Session keys are many, and cannot be disabled one by one.
        if let Some(key) = actor
            .access_key_id
            .as_ref()
            .filter(|k| k.starts_with("AKIA"))
        {
            let place = (actor.key.clone(), key.clone());
            if let Some(found) = self.keys.get_mut(&place) {
                found.add(count, first_s, last_s);
            } else {
                let mut new = CallSpan::new();
                new.add(count, first_s, last_s);
                self.keys.insert(place, new);
                if self.keys.len() > CALL_TALLIES_MAX {
                    self.keys.pop_last();
                }
            }
        }
    }

    /// Index of a caller's counter. At the bound, the first ones by name are kept, so that the
    /// order of events does not matter.
    fn number(&mut self, context: &Arc<CallContext>) -> usize {
        let CallContext { who, call, .. } = &**context;
        let key = (who.actor.key.clone(), call.name.clone(), call.error.clone());
        let at = match self.numbers.get(&key) {
            Some(at) => *at,
            None => {
                self.numbers.insert(key.clone(), self.counts.len());
                self.counts.push(CallSpan::new());
                if self.numbers.len() > CALL_TALLIES_MAX {
                    self.numbers.pop_last();
                }
                let name: Arc<str> = who.actor.key.as_str().into();
                // Among equal names the choice must not depend on the order of events.
                let named = self.names.entry(name).or_insert_with(|| who.clone());
                let order = |w: &ActorContext| {
                    (
                        w.actor.name.clone(),
                        w.actor.kind.clone(),
                        w.actor.account.clone(),
                    )
                };
                if order(who) < order(named) {
                    *named = who.clone();
                }
                if self.names.len() > CALL_TALLIES_MAX {
                    self.names.pop_last();
                }
                match self.numbers.get(&key) {
                    Some(at) => *at,
                    None => return usize::MAX,
                }
            }
        };
        let found = &mut self.counts[at];
        for (set, one) in [
            (&mut found.regions, &call.region),
            (&mut found.accounts, &call.account),
        ] {
            if let Some(one) = one {
                set.insert(one.clone());
                if set.len() > REGIONS_NAMED_MAX {
                    set.pop_last();
                }
            }
        }
        at
    }

    /// Adds a call that created or removed a thing. Calls by AWS on its own behalf are skipped.
    pub(crate) fn act(&mut self, act: ThingCall) {
        let service = act.context.who.actor.caller == CallerType::Service;
        if service
            && act
                .acted
                .things()
                .all(|(n, _)| act.acted.sign(n) != super::ThingEffect::TookAway)
        {
            return;
        }
        self.acts.push(act);
        if self.acts.len() >= 2 * ACTS_MAX {
            self.settle();
        }
    }

    /// Sorts and deduplicates the calls; the earliest are kept at the bound.
    pub(super) fn settle(&mut self) {
        let order = |a: &ThingCall, b: &ThingCall| {
            (a.time_s, a.event, &a.acted).cmp(&(b.time_s, b.event, &b.acted))
        };
        self.acts.sort_unstable_by(order);
        self.acts.dedup_by(|a, b| order(a, b).is_eq());
        self.acts_dropped += self.acts.len().saturating_sub(ACTS_MAX) as u64;
        self.acts.truncate(ACTS_MAX);
    }

    pub(super) fn acts(&self) -> &[ThingCall] {
        &self.acts
    }

    /// Counters by actor, API call and error.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&CallKey, &CallSpan)> {
        self.numbers
            .iter()
            .map(|(key, at)| (key, &self.counts[*at]))
    }
}
