//! Index of a trail for attribution.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hasher;
use std::net::IpAddr;
use std::sync::Arc;

use siphasher::sip::SipHasher13;

use super::call_map::{CallMap, FactEffect, TouchedFact, is_omitted};
use crate::call::{ActorContext, ApiCall, SourceAddress};
use bartizan_model::limits::{
    ADDRESSES_MAX, DEED_TEXT_BYTES_MAX, DEEDS_MAX, ISSUED_MAX, LEAVES_DEPTH_MAX, LEAVES_MAX,
};
use bartizan_trail::json::{JsonKind, JsonValue};
use bartizan_trail::{Event, EventId, Field};

/// Successful call that may have changed facts.
#[derive(Debug, Clone)]
pub struct MutatingCall {
    /// Seconds since 1970.
    pub time_s: i64,
    pub event: EventId,
    /// Caller.
    pub who: Arc<ActorContext>,
    /// Source address.
    pub source: SourceAddress,
    pub call: Arc<ApiCall>,
    /// Facts that it may have changed.
    pub touched: Vec<TouchedFact>,
    /// Sorted hashes of all values in request and response, to test whether a fact's new value came
    /// from this call.
    pub leaves: Box<[u64]>,
    /// CloudTrail omitted a part of the request.
    pub cut: bool,
}

/// Issued credential.
#[derive(Debug, Clone)]
pub struct IssuedCredential {
    /// Seconds since 1970.
    pub time_s: i64,
    pub event: EventId,
    /// Principal that requested it.
    pub who: Arc<ActorContext>,
    /// Source address.
    pub source: SourceAddress,
    /// E.g. `sts:AssumeRole`, `iam:CreateAccessKey`.
    pub call: Arc<ApiCall>,
    /// Session name.
    pub session: Option<String>,
    /// ARN of the role, or user of the access key.
    pub of: Option<String>,
    /// `sourceIdentity` that was set.
    pub source_identity: Option<String>,
    /// Expiry of a session, in seconds since 1970; access keys of users do not expire.
    pub until_s: Option<i64>,
}

/// Times of the first and last call from an address or user agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenRange {
    /// Time of the first event, seconds since 1970.
    pub first_s: i64,
    /// Time of the last event, seconds since 1970.
    pub last_s: i64,
}

/// Collects attribution data from one object.
#[derive(Debug, Default)]
pub struct TrailCollector {
    pub(crate) mutations: Vec<MutatingCall>,
    pub(crate) issued: Vec<(String, IssuedCredential)>,
    /// By account and region: five-minute buckets with events.
    pub(crate) presence: BTreeMap<(String, String), BTreeSet<i64>>,
    pub(crate) addresses: SeenRanges<IpAddr>,
    /// User agents seen.
    pub(crate) agents: SeenRanges<String>,
    /// Call and time of the last event.
    last: Option<(Arc<ApiCall>, i64)>,
    /// Caller and time of the last event.
    last_who: Option<(Arc<ActorContext>, i64)>,
}

/// By account and region: spans whose logs are all there and as CloudTrail signed them, sorted, in
/// seconds since 1970. Regions without digests are absent.
pub type VerifiedHours = BTreeMap<(String, String), Vec<(i64, i64)>>;

/// Attribution data of a whole trail.
#[derive(Debug, Default)]
pub struct AttributionIndex {
    /// By time and event.
    pub mutations: BTreeMap<(i64, EventId), MutatingCall>,
    /// By access key id; the record with most detail about the requester.
    pub issued: HashMap<String, IssuedCredential, foldhash::fast::RandomState>,
    /// By account and region: five-minute buckets with events.
    pub presence: BTreeMap<(String, String), BTreeSet<i64>>,
    /// Addresses seen.
    pub addresses: SeenRanges<IpAddr>,
    /// User agents seen.
    pub agents: SeenRanges<String>,
    /// Hours that are verified, for regions that have digests.
    pub verified: VerifiedHours,
    /// Number of calls, credentials and addresses dropped at the bounds.
    pub dropped: u64,
}

/// Length of a bucket in `presence`, in seconds.
pub const BUCKET_S: i64 = 300;

impl TrailCollector {
    /// Adds one event.
    pub fn see(
        &mut self,
        map: &CallMap,
        event: &Event<'_>,
        at: (EventId, i64),
        who: &Arc<ActorContext>,
        call: &Arc<ApiCall>,
        source: SourceAddress,
    ) {
        let (id, time_s) = at;
        self.range(time_s, who, call, &source);
        if call.error.is_some() {
            return;
        }
        if let Some((key, issued)) = issued(event, id, time_s, who, call, &source) {
            self.issued.push((key, issued));
        }
        if !map.concerns(event) {
            return;
        }
        let mut touched = map.touched(event, own_user_name(&who.actor));
        for fact in &mut touched {
            fact.content = fact
                .content
                .take()
                .filter(|c| c.len() <= DEED_TEXT_BYTES_MAX);
        }
        if touched.is_empty() {
            return;
        }
        let leaves = leaves_of(event, &touched);
        let cut = event
            .field(Field::RequestParameters)
            .is_some_and(is_omitted);
        let mutation = MutatingCall {
            time_s,
            event: id,
            who: who.clone(),
            source,
            call: call.clone(),
            touched,
            leaves: leaves.into(),
            cut,
        };
        self.mutations.push(mutation);
    }

    /// Widens the times at which the call's place, address and user agent were seen.
    fn range(
        &mut self,
        time_s: i64,
        who: &Arc<ActorContext>,
        call: &Arc<ApiCall>,
        source: &SourceAddress,
    ) {
        let bucket = time_s.div_euclid(BUCKET_S);
        if !self
            .last
            .as_ref()
            .is_some_and(|(last, at)| *at == bucket && Arc::ptr_eq(last, call))
        {
            let place = (
                call.account.clone().unwrap_or_default(),
                call.region.clone().unwrap_or_default(),
            );
            self.presence.entry(place).or_default().insert(bucket);
            self.last = Some((call.clone(), bucket));
        }
        if let Some(address) = source.address() {
            self.addresses
                .entry(address)
                .or_insert(SeenRange::at(time_s))
                .widen(SeenRange::at(time_s));
        }
        if !self
            .last_who
            .as_ref()
            .is_some_and(|(last, at)| *at == bucket && Arc::ptr_eq(last, who))
        {
            if let Some(agent) = &who.user_agent {
                match self.agents.get_mut(agent) {
                    Some(seen_range) => seen_range.widen(SeenRange::at(time_s)),
                    None => drop(self.agents.insert(agent.clone(), SeenRange::at(time_s))),
                }
            }
            self.last_who = Some((who.clone(), bucket));
        }
    }
}

/// Hashed values that a call set, sorted. Created and deleted resources are matched by id, policies
/// by text.
fn leaves_of(event: &Event<'_>, touched: &[TouchedFact]) -> Vec<u64> {
    let (request, response) = (
        event.field(Field::RequestParameters),
        event.field(Field::ResponseElements),
    );
    let mut leaves = Vec::new();
    if touched
        .iter()
        .any(|t| t.effect == FactEffect::Set && t.content.is_none())
    {
        [request, response]
            .into_iter()
            .flatten()
            .for_each(|v| gather(v, &mut leaves, 0));
    }
    touched
        .iter()
        .flat_map(|t| &t.sets)
        .filter_map(|s| s.split_once('='))
        .for_each(|(_, value)| leaves.push(leaf(value)));
    leaves.sort_unstable();
    leaves.dedup();
    leaves
}

impl AttributionIndex {
    /// Key of a call: time and event. Where event ids were redacted, several calls may have the
    /// same one.
    fn place(&self, mutation: &MutatingCall) -> (i64, EventId) {
        let same = |known: &MutatingCall| {
            let touched = |d: &MutatingCall| {
                d.touched
                    .iter()
                    .map(|t| format!("{t:?}"))
                    .collect::<Vec<_>>()
            };
            (&known.call, &known.who, &known.source, &known.leaves)
                == (
                    &mutation.call,
                    &mutation.who,
                    &mutation.source,
                    &mutation.leaves,
                )
                && touched(known) == touched(mutation)
        };
        let mut place = (mutation.time_s, mutation.event);
        while self.mutations.get(&place).is_some_and(|known| !same(known)) {
            place.1 = EventId::from(place.1.bits().wrapping_add(1));
        }
        place
    }

    /// Merges the data of one object. The order of objects does not matter below the bounds.
    pub fn take(&mut self, collector: TrailCollector) {
        for mutation in collector.mutations {
            let place = self.place(&mutation);
            if self.mutations.len() >= DEEDS_MAX && !self.mutations.contains_key(&place) {
                self.dropped += 1;
            } else {
                self.mutations.insert(place, mutation);
            }
        }
        for (key, issued) in collector.issued {
            if let Some(known) = self.issued.get_mut(&key) {
                if issued.rank() > known.rank() {
                    *known = issued;
                }
            } else if self.issued.len() >= ISSUED_MAX {
                self.dropped += 1;
            } else {
                self.issued.insert(key, issued);
            }
        }
        for (place, buckets) in collector.presence {
            self.presence.entry(place).or_default().extend(buckets);
        }
        self.dropped += keep(&mut self.addresses, collector.addresses)
            + keep(&mut self.agents, collector.agents);
    }
}

/// Merges entries up to the bound; returns the number dropped.
fn keep<K: std::hash::Hash + Eq>(all: &mut SeenRanges<K>, some: SeenRanges<K>) -> u64 {
    let mut dropped = 0;
    for (key, seen_range) in some {
        if let Some(known) = all.get_mut(&key) {
            known.widen(seen_range);
        } else if all.len() >= ADDRESSES_MAX {
            dropped += 1;
        } else {
            all.insert(key, seen_range);
        }
    }
    dropped
}

type SeenRanges<K> = HashMap<K, SeenRange, foldhash::fast::RandomState>;

impl SeenRange {
    fn at(time_s: i64) -> Self {
        Self {
            first_s: time_s,
            last_s: time_s,
        }
    }

    fn widen(&mut self, other: Self) {
        self.first_s = self.first_s.min(other.first_s);
        self.last_s = self.last_s.max(other.last_s);
    }
}

impl IssuedCredential {
    /// The record in the caller's own account has more detail than that in the role's account;
    /// among equals the earliest wins.
    fn rank(&self) -> (bool, std::cmp::Reverse<(i64, EventId)>) {
        (
            self.who.actor.kind != "AWSAccount",
            std::cmp::Reverse((self.time_s, self.event)),
        )
    }
}

/// Name of the calling user, if the caller is a user.
pub fn own_user_name(actor: &bartizan_trail::CallerIdentity) -> Option<&str> {
    (actor.kind == "IAMUser")
        .then(|| actor.key.rsplit('/').next())
        .flatten()
}

/// Credential in the response of a call.
fn issued(
    event: &Event<'_>,
    id: EventId,
    time_s: i64,
    who: &Arc<ActorContext>,
    call: &Arc<ApiCall>,
    source: &SourceAddress,
) -> Option<(String, IssuedCredential)> {
    let iam = match &*call.name {
        "iam:CreateAccessKey" => true,
        name if name.starts_with("sts:") => false,
        _ => return None,
    };
    let (request, response) = (
        event.field(Field::RequestParameters),
        event.field(Field::ResponseElements)?,
    );
    let text = |value: Option<JsonValue<'_>>, name: &str| {
        value?.get(name)?.text().map(std::borrow::Cow::into_owned)
    };
    let credential = response.get(if iam { "accessKey" } else { "credentials" })?;
    let key = text(Some(credential), "accessKeyId")?;
    let of = if iam {
        text(Some(credential), "userName").or_else(|| text(request, "userName"))
    } else {
        text(request, "roleArn").or_else(|| text(request, "targetPrincipal"))
    };
    let session = text(request, "roleSessionName");
    let source_identity = text(request, "sourceIdentity");
    let asked_s = text(request, "durationSeconds").and_then(|t| t.parse::<i64>().ok());
    let until_s = (!iam).then(|| time_s + asked_s.unwrap_or(SESSION_S));
    let issued = IssuedCredential {
        time_s,
        event: id,
        who: who.clone(),
        source: source.clone(),
        call: call.clone(),
        session,
        of,
        source_identity,
        until_s,
    };
    Some((key, issued))
}

/// Default duration of a role session in seconds (STS API reference, "AssumeRole").
const SESSION_S: i64 = 3600;

/// Collects the hashes of all scalars in a value.
fn gather(value: JsonValue<'_>, leaves: &mut Vec<u64>, depth: usize) {
    if leaves.len() >= LEAVES_MAX || depth > LEAVES_DEPTH_MAX {
        return;
    }
    match value.kind() {
        JsonKind::Object => value
            .raw_members()
            .for_each(|(_, v)| gather(v, leaves, depth + 1)),
        JsonKind::Array => value.elements().for_each(|v| gather(v, leaves, depth + 1)),
        _ => {
            if let Some(text) = value.text() {
                leaves.push(leaf(&text));
                // The name in an ARN is a value too: a fact contains the name of an attached policy
                // next to its ARN.
                if text.starts_with("arn:")
                    && let Some((_, name)) = text.rsplit_once(['/', ':'])
                {
                    leaves.push(leaf(name));
                }
            }
        }
    }
}

/// Hash of a value; equal for a string and for the number or literal with the same text.
pub fn leaf(text: &str) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(0x6261_7274, 0x697a_616e);
    hasher.write(text.as_bytes());
    hasher.finish()
}
