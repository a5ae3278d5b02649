//! First-seen memory: a compact set of keys that lasts from run to run.
//!
//! A key is 64 bits of a keyed hash (SipHash with a secret of the store, so that no outsider can
//! make two keys collide), stored with the seconds in which it was first and last seen: 16 bytes,
//! so a million keys take 16 MB on disk.
//!
//! An event that was first stays first: it is new if no key on record is earlier. Reading a trail
//! again, or an older part of it later, therefore gives the same findings as reading it once.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use siphasher::sip::SipHasher13;

use super::networks::Networks;
use super::rule::{FirstSeenRule, Rule, RuleKind};
use super::window_event::{DAY_SECONDS, span_text};
use crate::call::Sighting;
use crate::merge::{FindingKey, Merger};
use bartizan_model::limits::{FIRST_SEEN_FRESH_MAX, FIRST_SEEN_KEYS_MAX};

/// First and last time seen, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seconds {
    first: u32,
    last: u32,
}

/// Hasher for keys that are already hashes or small numbers.
#[derive(Default)]
pub(super) struct IdentityHasher(u64);

impl Hasher for IdentityHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes
            .iter()
            .for_each(|b| self.0 = self.0.rotate_left(8) ^ u64::from(*b));
    }

    fn write_u64(&mut self, value: u64) {
        // Hash tables use the highest and lowest bits; combined numbers differ in others.
        self.0 = value.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
}

pub(super) type ByHash<V> = HashMap<u64, V, BuildHasherDefault<IdentityHasher>>;

/// First-seen keys of all runs so far.
#[derive(Clone, Default)]
pub struct FirstSeenMemory {
    secret: [u8; 16],
    keys: ByHash<Seconds>,
    /// Number of keys evicted at the bound.
    pub evicted: u64,
}

const MAGIC: &[u8; 16] = b"bartizan seen 2\n";

/// Magic of the older format with a resolution of minutes.
const MAGIC_OF_MINUTES: &[u8; 16] = b"bartizan seen 1\n";

impl FirstSeenMemory {
    /// Empty memory with this secret.
    pub fn new(secret: [u8; 16]) -> Self {
        Self {
            secret,
            ..Self::default()
        }
    }

    /// Reads the format written by [`Self::to_bytes`].
    ///
    /// # Errors
    /// If the bytes are in another format or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let (body, sum) = bytes
            .split_last_chunk::<32>()
            .ok_or("too short for a first-seen memory")?;
        let (rest, unit) = match (
            body.strip_prefix(MAGIC),
            body.strip_prefix(MAGIC_OF_MINUTES),
        ) {
            (Some(rest), _) => (rest, 1),
            (_, Some(rest)) => (rest, 60),
            _ => return Err("not a first-seen memory".to_owned()),
        };
        if <sha2::Sha256 as sha2::Digest>::digest(body).as_slice() != sum {
            return Err("its checksum does not fit: the file is damaged".to_owned());
        }
        let (secret, rest) = rest
            .split_first_chunk::<16>()
            .ok_or("too short for a first-seen memory")?;
        let (rows, rest) = rest.as_chunks::<16>();
        if !rest.is_empty() || rows.len() > FIRST_SEEN_KEYS_MAX {
            return Err("of a wrong length".to_owned());
        }
        let mut keys = ByHash::with_capacity_and_hasher(rows.len(), BuildHasherDefault::default());
        for row in rows {
            let word =
                |at: usize| u32::from_le_bytes([row[at], row[at + 1], row[at + 2], row[at + 3]]);
            let key = u64::from(word(0)) | u64::from(word(4)) << 32;
            // The second within a minute is not known: assume the last one, so that an event that
            // may be the first counts as first.
            let until_end = |n: u32| n.saturating_mul(unit).saturating_add(unit - 1);
            keys.insert(
                key,
                Seconds {
                    first: until_end(word(8)),
                    last: until_end(word(12)),
                },
            );
        }
        Ok(Self {
            secret: *secret,
            keys,
            evicted: 0,
        })
    }

    /// File format: magic, secret, rows sorted by key, SHA-256 of everything before.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut rows: Vec<_> = self.keys.iter().collect();
        rows.sort_unstable_by_key(|(key, _)| **key);
        let mut bytes = Vec::with_capacity(rows.len() * 16 + 64);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.secret);
        for (key, seconds) in rows {
            bytes.extend_from_slice(&key.to_le_bytes());
            bytes.extend_from_slice(&seconds.first.to_le_bytes());
            bytes.extend_from_slice(&seconds.last.to_le_bytes());
        }
        let sum = <sha2::Sha256 as sha2::Digest>::digest(&bytes);
        bytes.extend_from_slice(&sum);
        bytes
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether nothing was learned yet.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Secret of the hashes.
    pub(super) fn secret(&self) -> [u8; 16] {
        self.secret
    }

    /// Hasher keyed with the secret.
    pub(super) fn hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_key(&self.secret)
    }

    fn see(&mut self, key: u64, first: u32, last: u32) {
        if let Some(seconds) = self.keys.get_mut(&key) {
            seconds.first = seconds.first.min(first);
            seconds.last = seconds.last.max(last);
            return;
        }
        if self.keys.len() >= FIRST_SEEN_KEYS_MAX {
            self.make_room();
        }
        self.keys.insert(key, Seconds { first, last });
    }

    /// Evicts the tenth of the keys with the oldest last-seen times.
    fn make_room(&mut self) {
        let mut last: Vec<(u32, u64)> = self.keys.iter().map(|(key, m)| (m.last, *key)).collect();
        let tenth = last.len() / 10;
        last.select_nth_unstable(tenth);
        for (_, key) in &last[..tenth] {
            self.keys.remove(key);
        }
        self.evicted += tenth as u64;
    }
}

/// Separator between scope and key in the text. Without it, the key is the network of the sighting.
pub(super) const SCOPE_END: char = '\u{1f}';

/// Key that a scanning thread found in one object.
pub(super) struct FirstSeenHit {
    pub(super) rule: u32,
    /// Hash of rule, scope and key.
    pub(super) key: u64,
    /// Hash of rule and scope.
    pub(super) scope: u64,
    /// Scope and key as shown to users.
    pub(super) text: Arc<str>,
    pub(super) first: Sighting,
    pub(super) last_s: i64,
}

/// Earliest sighting of a key that previous runs did not have.
struct NewKeys {
    rule: u32,
    scope: u64,
    text: Arc<str>,
    first: Sighting,
}

/// State of all first-seen rules in one run.
#[derive(Default)]
pub(super) struct FirstSeenState {
    memory: FirstSeenMemory,
    /// Earliest sightings of keys that were not in memory, or not within the history.
    fresh: Vec<NewKeys>,
    /// Indices into `fresh` by key.
    fresh_numbers: ByHash<u32>,
    /// First and last time of every key in this run; merged into memory at the end, so that the
    /// order of events does not matter.
    run: ByHash<Seconds>,
    /// Number of new keys dropped at the bound.
    pub(super) dropped: u64,
}

fn second(time_s: i64) -> u32 {
    u32::try_from(time_s.max(0)).unwrap_or(u32::MAX)
}

impl FirstSeenState {
    pub(super) fn new(memory: FirstSeenMemory) -> Self {
        Self {
            memory,
            ..Self::default()
        }
    }

    /// Number of keys that were given up at the bounds.
    pub(super) fn evicted(&self) -> u64 {
        self.memory.evicted + self.dropped
    }

    pub(super) fn meet(&mut self, rules: &[Rule], met: FirstSeenHit) {
        let RuleKind::FirstSeen(rule) = &rules[met.rule as usize].kind else {
            return;
        };
        let (first, last) = (second(met.first.time_s), second(met.last_s));
        let new = self.see(met.key, first, last);
        self.see(met.scope, first, last);
        let history = u32::try_from(rule.history_s).unwrap_or(u32::MAX);
        // An event that was first before stays first when it is read again.
        let before = |m: &Seconds| m.first < first && m.last >= first.saturating_sub(history);
        let known = self.memory.keys.get(&met.key).is_some_and(before);
        if known {
            return;
        }
        if let Some(number) = self.fresh_numbers.get(&met.key) {
            let fresh = &mut self.fresh[*number as usize];
            if (met.first.time_s, met.first.id) < (fresh.first.time_s, fresh.first.id) {
                fresh.first = met.first;
            }
        } else if self.fresh.len() < FIRST_SEEN_FRESH_MAX {
            self.fresh_numbers.insert(met.key, self.fresh.len() as u32);
            self.fresh.push(NewKeys {
                rule: met.rule,
                scope: met.scope,
                text: met.text,
                first: met.first,
            });
        } else {
            self.dropped += u64::from(new);
        }
    }

    /// Updates the last-seen times of known keys.
    pub(super) fn last(&mut self, all: &mut Vec<LastSeen>) {
        // Many keys have the same scope.
        let mut scopes: ByHash<Seconds> = ByHash::default();
        for LastSeen { scope, key, last_s } in all.drain(..) {
            let last = second(last_s);
            self.see(key, last, last);
            let seconds = scopes.entry(scope).or_insert(Seconds { first: last, last });
            *seconds = Seconds {
                first: seconds.first.min(last),
                last: seconds.last.max(last),
            };
        }
        for (scope, Seconds { first, last }) in scopes {
            self.see(scope, first, last);
        }
    }

    /// Updates the times of a key; returns whether it is new.
    fn see(&mut self, key: u64, first: u32, last: u32) -> bool {
        if let Some(seconds) = self.run.get_mut(&key) {
            seconds.first = seconds.first.min(first);
            seconds.last = seconds.last.max(last);
            return false;
        }
        if self.run.len() >= FIRST_SEEN_KEYS_MAX / 5 {
            self.spill();
        }
        self.run.insert(key, Seconds { first, last });
        true
    }

    /// Seconds for which the scope of a new key is known; `None` in its learning period.
    fn known_s(&self, rules: &[Rule], fresh: &NewKeys) -> Option<i64> {
        let RuleKind::FirstSeen(rule) = &rules[fresh.rule as usize].kind else {
            return None;
        };
        let born = [&self.memory.keys, &self.run]
            .into_iter()
            .filter_map(|keys| keys.get(&fresh.scope))
            .map(|m| m.first)
            .min();
        let known_s = fresh.first.time_s - i64::from(born.unwrap_or(u32::MAX));
        (known_s >= rule.learning_s.max(60)).then_some(known_s)
    }

    fn spill(&mut self) {
        if self.memory.is_empty() {
            self.memory.keys = std::mem::take(&mut self.run);
        }
        for (key, seconds) in std::mem::take(&mut self.run) {
            self.memory.see(key, seconds.first, seconds.last);
        }
    }

    /// Reports new keys.
    pub(super) fn report(&self, rules: &[Rule], merger: &mut Merger) {
        let fresh: Vec<_> = self
            .fresh
            .iter()
            .filter_map(|f| Some((f, self.known_s(rules, f)?)))
            .collect();
        let crowded = crowded(rules, &fresh);
        for ((fresh, known_s), _) in fresh.iter().zip(crowded).filter(|(_, crowded)| *crowded) {
            let RuleKind::FirstSeen(rule) = &rules[fresh.rule as usize].kind else {
                continue;
            };
            // New keys of one actor in one scope make one finding, even if a stolen access key is
            // used from a thousand networks.
            let network = || {
                (
                    &*fresh.text,
                    Networks::network(&fresh.first.source.to_string()),
                )
            };
            let told = fresh
                .text
                .split_once(SCOPE_END)
                .map(|(scope, new)| (scope, new.to_owned()));
            let (scope, new) = told.unwrap_or_else(network);
            let key = FindingKey {
                rule: fresh.rule,
                entity: format!("{} · {scope}", fresh.first.context.who.actor.key).into(),
                attempt: false,
                window: fresh.first.time_s.div_euclid(DAY_SECONDS),
            };
            merger.add(key, fresh.first.clone(), || {
                Some(sentence(rule, scope, &new, *known_s))
            });
        }
    }

    /// Merges the run into memory.
    pub(super) fn remember(mut self) -> FirstSeenMemory {
        let reborn: Vec<(u64, u32)> = self
            .fresh_numbers
            .iter()
            .map(|(key, n)| (*key, second(self.fresh[*n as usize].first.time_s)))
            .collect();
        self.spill();
        for (key, first) in reborn {
            // A key that came back after a long time is first seen at this event from now on.
            if let Some(seconds) = self.memory.keys.get_mut(&key) {
                seconds.first = first;
            }
        }
        self.memory
    }
}

/// Whether each key comes with as many other new keys of its actor, within as short a time, as its
/// rule requires.
fn crowded(rules: &[Rule], fresh: &[(&NewKeys, i64)]) -> Vec<bool> {
    let mut crowded = vec![false; fresh.len()];
    let mut groups: std::collections::BTreeMap<(u32, &str), Vec<usize>> =
        std::collections::BTreeMap::new();
    for (n, (one, _)) in fresh.iter().enumerate() {
        match &rules[one.rule as usize].kind {
            RuleKind::FirstSeen(rule) if rule.at_least > 1 => {
                groups
                    .entry((one.rule, &one.first.context.who.actor.key))
                    .or_default()
                    .push(n);
            }
            _ => crowded[n] = true,
        }
    }
    for ((rule, _), mut group) in groups {
        let RuleKind::FirstSeen(FirstSeenRule {
            at_least, within_s, ..
        }) = &rules[rule as usize].kind
        else {
            continue;
        };
        let time = |n: usize| fresh[n].0.first.time_s;
        group.sort_unstable_by_key(|n| time(*n));
        for window in group.windows(*at_least) {
            if let (Some(first), Some(last)) = (window.first(), window.last())
                && time(*last) - time(*first) <= *within_s
            {
                window.iter().for_each(|n| crowded[*n] = true);
            }
        }
    }
    crowded
}

fn sentence(rule: &FirstSeenRule, scope: &str, new: &str, known_s: i64) -> String {
    let known = span_text(known_s / DAY_SECONDS * DAY_SECONDS);
    let known = if known_s >= DAY_SECONDS {
        known
    } else {
        span_text(known_s / 3600 * 3600)
    };
    let scope = if scope.is_empty() { "the log" } else { scope };
    format!(
        "first time in {}: {new} for {scope}, which is known for {known}",
        span_text(rule.history_s)
    )
}

/// First-seen key and its last-seen time.
pub(super) struct LastSeen {
    pub(super) scope: u64,
    pub(super) key: u64,
    pub(super) last_s: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_keys_fit() {
        let mut memory = FirstSeenMemory::new([7; 16]);
        for n in 0..1_000_000u64 {
            let mut hasher = memory.hasher();
            hasher.write_u64(n);
            memory.see(hasher.finish(), n as u32, n as u32);
        }
        assert_eq!(memory.len(), 1_000_000);
        let bytes = memory.to_bytes();
        assert_eq!(bytes.len(), 16_000_064);
        // A table of 16-byte rows with a control byte each, and at most twice as many slots as
        // keys.
        let in_memory = memory.keys.capacity().next_power_of_two() * (16 + 1);
        assert!(in_memory <= 64 << 20, "{in_memory}");
        let back = FirstSeenMemory::from_bytes(&bytes).unwrap();
        assert_eq!(back.to_bytes(), bytes);
        memory.see(u64::MAX, 5_000_000, 5_000_000);
        assert_eq!((memory.len(), memory.evicted), (900_001, 100_000));
        for cut in [0, 15, 40, bytes.len() - 1] {
            assert!(FirstSeenMemory::from_bytes(&bytes[..cut]).is_err());
        }
    }
}
