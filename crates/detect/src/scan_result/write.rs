//! A scan output as rows.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use super::rows::{
    ApiCallRow, CollectedRows, ContextRow, DeedRow, IssuedRow, MatchRow, MetRow, MutationRow,
    ScanRows, SharedRows, SightingRow, SourceRow, TouchedRow, WindowNoteRow,
};
use crate::attribution::{IssuedCredential, MutatingCall, TrailCollector};
use crate::call::{ActorContext, ApiCall, CallContext, Sighting, SourceAddress};
use crate::scan_output::{MatchKey, Matches, ScanOutput};
use bartizan_trail::{CallerIdentity, EventId};

/// Rows of an output.
pub(super) fn rows(output: &ScanOutput) -> ScanRows {
    let mut tables = Tables::default();
    let mut rows = ScanRows {
        ids: output
            .ids
            .iter()
            .map(|id| id.bits().to_le_bytes())
            .collect(),
        caller_of: output.caller_of.clone(),
        times: output.times,
        groups: output
            .groups
            .iter()
            .map(|(rule, name)| (*rule, name.to_string()))
            .collect(),
        texts: output.texts.iter().map(ToString::to_string).collect(),
        bytes: (output.bytes.stored, output.bytes.inflated),
        apart: output.apart.clone(),
        problems: output.problems.clone(),
        outside: output.outside,
        ..ScanRows::default()
    };
    rows.callers = output
        .callers
        .iter()
        .map(|c| (tables.context(&c.context), c.count, c.first_s, c.last_s))
        .collect();
    for (event, act) in &output.acts {
        let sighting = SightingRow {
            time_s: act.time_s,
            id: id_bytes(act.event),
            source: source(&act.source),
            context: tables.context(&act.context),
        };
        rows.acts
            .push((*event, sighting, act.acted.rows().to_vec()));
    }
    rows.matches = tables.matches(output);
    rows.notes = output
        .notes
        .iter()
        .map(|note| WindowNoteRow {
            event: note.event,
            group: note.group,
            part: note.seen.part,
            value: note.seen.value,
            tried: note.seen.tried,
            sighting: tables.sighting(&note.seen.sighting),
        })
        .collect();
    rows.met = output
        .met
        .iter()
        .map(|met| MetRow {
            rule: met.rule,
            key: met.key,
            scope: met.scope,
            text: met.text.to_string(),
            first: tables.sighting(&met.first),
            last_s: met.last_s,
        })
        .collect();
    rows.tallied = output
        .tallied
        .iter()
        .map(|(event, context)| (*event, tables.context(context)))
        .collect();
    rows.collected = tables.collected(&output.collector);
    rows.shared = tables.rows;
    rows
}

fn id_bytes(id: EventId) -> [u8; 16] {
    id.bits().to_le_bytes()
}

fn source(source: &SourceAddress) -> SourceRow {
    match source {
        SourceAddress::None => SourceRow::None,
        SourceAddress::V4(bits) => SourceRow::V4(*bits),
        SourceAddress::V6(halves) => SourceRow::V6(*halves),
        SourceAddress::Text(text) => SourceRow::Text(text.to_string()),
    }
}

/// Tables that grow as rows point into them; equal entries are one row.
#[derive(Default)]
struct Tables {
    rows: SharedRows,
    identities: Numbers<CallerIdentity>,
    who: Numbers<ActorContext>,
    calls: Numbers<ApiCall>,
    contexts: Numbers<CallContext>,
    /// By address, as most events share theirs; the outputs keep the contexts alive.
    context_places: HashMap<usize, u32, foldhash::fast::RandomState>,
}

/// Row number of each entry.
type Numbers<T> = HashMap<Arc<T>, u32, foldhash::fast::RandomState>;

/// Number of an entry; a new one is appended by `row`.
fn number<T: Hash + Eq>(numbers: &mut Numbers<T>, one: &Arc<T>, next: usize) -> (u32, bool) {
    if let Some(known) = numbers.get(one) {
        return (*known, false);
    }
    numbers.insert(one.clone(), next as u32);
    (next as u32, true)
}

impl Tables {
    fn who(&mut self, who: &Arc<ActorContext>) -> u32 {
        let (identity, new) = number(&mut self.identities, &who.actor, self.rows.identities.len());
        if new {
            self.rows.identities.push((*who.actor).clone());
        }
        let (at, new) = number(&mut self.who, who, self.rows.who.len());
        if new {
            self.rows.who.push((identity, who.user_agent.clone()));
        }
        at
    }

    fn call(&mut self, call: &Arc<ApiCall>) -> u32 {
        let (at, new) = number(&mut self.calls, call, self.rows.calls.len());
        if new {
            self.rows.calls.push(ApiCallRow {
                name: call.name.to_string(),
                source: call.source.clone(),
                account: call.account.clone(),
                region: call.region.clone(),
                error: call.error.clone(),
            });
        }
        at
    }

    fn context(&mut self, context: &Arc<CallContext>) -> u32 {
        let place = Arc::as_ptr(context) as usize;
        if let Some(known) = self.context_places.get(&place) {
            return *known;
        }
        let (at, new) = number(&mut self.contexts, context, self.rows.contexts.len());
        if new {
            let row = ContextRow {
                who: self.who(&context.who),
                call: self.call(&context.call),
                resources: context.resources.to_vec(),
                counterparty: context
                    .counterparty
                    .iter()
                    .map(|c| (c.relation, c.kind, c.id.clone(), c.detail.clone()))
                    .collect(),
            };
            self.rows.contexts.push(row);
        }
        self.context_places.insert(place, at);
        at
    }

    fn sighting(&mut self, sighting: &Sighting) -> SightingRow {
        SightingRow {
            time_s: sighting.time_s,
            id: id_bytes(sighting.id),
            source: source(&sighting.source),
            context: self.context(&sighting.context),
        }
    }

    fn matches(&mut self, output: &ScanOutput) -> Vec<MatchRow> {
        let row = |(key, matches): &(MatchKey, Matches)| {
            let earliest = matches.earliest.iter();
            MatchRow {
                rule: key.rule,
                text: key.text,
                attempt: key.attempt,
                day: key.day,
                call: key.call,
                refused: key.refused,
                events: matches.events.clone(),
                earliest: earliest.map(|(n, s)| (*n, self.sighting(s))).collect(),
                untimed: matches.untimed,
            }
        };
        output.matches.iter().map(row).collect()
    }

    fn mutation(&mut self, m: &MutatingCall) -> MutationRow {
        let touched = m.touched.iter().map(|t| TouchedRow {
            kind: t.kind,
            effect: t.effect,
            id: t.id.clone(),
            content: t.content.clone(),
            sets: t.sets.clone(),
        });
        MutationRow {
            deed: DeedRow {
                time_s: m.time_s,
                id: id_bytes(m.event),
                who: self.who(&m.who),
                source: source(&m.source),
                call: self.call(&m.call),
            },
            touched: touched.collect(),
            leaves: m.leaves.to_vec(),
            cut: m.cut,
        }
    }

    fn issued(&mut self, i: &IssuedCredential) -> IssuedRow {
        IssuedRow {
            deed: DeedRow {
                time_s: i.time_s,
                id: id_bytes(i.event),
                who: self.who(&i.who),
                source: source(&i.source),
                call: self.call(&i.call),
            },
            session: i.session.clone(),
            of: i.of.clone(),
            source_identity: i.source_identity.clone(),
            until_s: i.until_s,
        }
    }

    fn collected(&mut self, collector: &TrailCollector) -> CollectedRows {
        let mut addresses: Vec<_> = collector
            .addresses
            .iter()
            .map(|(address, seen)| (*address, seen.first_s, seen.last_s))
            .collect();
        addresses.sort_unstable();
        let mut agents: Vec<_> = collector
            .agents
            .iter()
            .map(|(agent, seen)| (agent.clone(), seen.first_s, seen.last_s))
            .collect();
        agents.sort_unstable();
        CollectedRows {
            mutations: collector
                .mutations
                .iter()
                .map(|m| self.mutation(m))
                .collect(),
            issued: collector
                .issued
                .iter()
                .map(|(key, issued)| (key.clone(), self.issued(issued)))
                .collect(),
            presence: collector
                .presence
                .iter()
                .map(|(place, buckets)| (place.clone(), buckets.iter().copied().collect()))
                .collect(),
            addresses,
            agents,
        }
    }
}
