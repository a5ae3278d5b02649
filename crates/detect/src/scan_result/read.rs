//! Rows as a scan output. Whatever the rows say, nothing may point outside of its table.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::pool::ContextPool;
use super::rows::{
    ActRow, CollectedRows, DeedRow, MatchRow, MetRow, ScanRows, SharedRows, SightingRow, SourceRow,
    WindowNoteRow,
};
use crate::attribution::{IssuedCredential, MutatingCall, SeenRange, TouchedFact, TrailCollector};
use crate::call::{ActorContext, ApiCall, CallContext, Sighting, SourceAddress};
use crate::first_seen::FirstSeenHit;
use crate::rule::{Rule, RuleKind};
use crate::scan_output::{MatchKey, Matches, ScanOutput};
use crate::scan_plan::ScanPlan;
use crate::window_event::{WindowEvent, WindowNote};
use crate::work::{CallTally, CallThings, ThingCall};
use bartizan_model::Counterparty;
use bartizan_trail::{EventId, ReadBytes};

/// Output of rows; `None` if they do not belong together or to the plan.
pub(super) fn output(
    rows: ScanRows,
    plan: &ScanPlan,
    pool: &mut ContextPool,
) -> Option<ScanOutput> {
    let shared = SharedContexts::of(rows.shared, pool)?;
    let rules = &plan.rules.rules;
    if rows.caller_of.len() != rows.ids.len() {
        return None;
    }
    let texts: Vec<Arc<str>> = rows.texts.iter().map(|t| pool.text(t)).collect();
    let groups: Vec<(u32, Arc<str>)> = rows
        .groups
        .iter()
        .map(|(rule, name)| (*rule, pool.text(name)))
        .collect();
    let notes = rows.notes.into_iter();
    let notes: Vec<WindowNote> = notes
        .map(|n| note(n, &groups, rules, &shared, pool))
        .collect::<Option<_>>()?;
    let matches = rows.matches.into_iter();
    let matches: Vec<(MatchKey, Matches)> = matches
        .map(|m| matched(m, (rules, texts.len()), &shared, pool))
        .collect::<Option<_>>()?;
    let met = rows.met.into_iter();
    let met: Vec<FirstSeenHit> = met
        .map(|m| hit(m, rules, &shared, pool))
        .collect::<Option<_>>()?;
    Some(ScanOutput {
        notes,
        matches,
        met,
        callers: tallies(rows.callers, &shared)?,
        acts: acts(rows.acts, plan, &shared, pool)?,
        tallied: rows
            .tallied
            .into_iter()
            .map(|(event, context)| Some((event, shared.context(context)?)))
            .collect::<Option<_>>()?,
        collector: collector(rows.collected, plan, &shared, pool)?,
        ids: rows.ids.into_iter().map(event_id).collect(),
        caller_of: rows.caller_of,
        times: rows.times,
        groups,
        texts,
        bytes: ReadBytes {
            stored: rows.bytes.0,
            inflated: rows.bytes.1,
        },
        apart: rows.apart,
        problems: rows.problems,
        outside: rows.outside,
        last: Vec::new(),
    })
}

fn tallies(rows: Vec<(u32, u64, i64, i64)>, shared: &SharedContexts) -> Option<Vec<CallTally>> {
    let tally = |(context, count, first_s, last_s)| {
        Some(CallTally {
            context: shared.context(context)?,
            count,
            first_s,
            last_s,
        })
    };
    rows.into_iter().map(tally).collect()
}

fn acts(
    rows: Vec<ActRow>,
    plan: &ScanPlan,
    shared: &SharedContexts,
    pool: &mut ContextPool,
) -> Option<Vec<(u32, ThingCall)>> {
    let mut act = |(event, sighting, things): ActRow| {
        let Sighting {
            time_s,
            id,
            source,
            context,
        } = shared.sighting(sighting, pool)?;
        let hasher = &plan.rules.decided.hasher;
        let acted = CallThings::of_rows(things.into(), &context.call, hasher)?;
        let act = ThingCall {
            time_s,
            event: id,
            source,
            context,
            acted: Arc::new(acted),
        };
        Some((event, act))
    };
    rows.into_iter().map(&mut act).collect()
}

fn event_id(bytes: [u8; 16]) -> EventId {
    EventId::from(u128::from_le_bytes(bytes))
}

fn source(row: SourceRow, pool: &mut ContextPool) -> SourceAddress {
    match row {
        SourceRow::None => SourceAddress::None,
        SourceRow::V4(bits) => SourceAddress::V4(bits),
        SourceRow::V6(halves) => SourceAddress::V6(halves),
        SourceRow::Text(text) => SourceAddress::Text(pool.text(&text)),
    }
}

fn note(
    row: WindowNoteRow,
    groups: &[(u32, Arc<str>)],
    rules: &[Rule],
    shared: &SharedContexts,
    pool: &mut ContextPool,
) -> Option<WindowNote> {
    let (rule, _) = groups.get(row.group as usize)?;
    let RuleKind::Window(window) = &rules.get(*rule as usize)?.kind else {
        return None;
    };
    if row.part as usize >= window.group_by.len() {
        return None;
    }
    Some(WindowNote {
        event: row.event,
        group: row.group,
        seen: WindowEvent {
            part: row.part,
            value: row.value,
            told: false,
            tried: row.tried,
            sighting: shared.sighting(row.sighting, pool)?,
        },
    })
}

fn matched(
    row: MatchRow,
    (rules, texts): (&[Rule], usize),
    shared: &SharedContexts,
    pool: &mut ContextPool,
) -> Option<(MatchKey, Matches)> {
    if row.rule as usize >= rules.len() || row.text.max(row.call) as usize >= texts {
        return None;
    }
    let key = MatchKey {
        rule: row.rule,
        text: row.text,
        attempt: row.attempt,
        day: row.day,
        call: row.call,
        refused: row.refused,
    };
    let earliest = row.earliest.into_iter();
    let matches = Matches {
        events: row.events,
        earliest: earliest
            .map(|(event, s)| Some((event, shared.sighting(s, pool)?)))
            .collect::<Option<_>>()?,
        untimed: row.untimed,
    };
    Some((key, matches))
}

fn hit(
    row: MetRow,
    rules: &[Rule],
    shared: &SharedContexts,
    pool: &mut ContextPool,
) -> Option<FirstSeenHit> {
    rules.get(row.rule as usize)?;
    Some(FirstSeenHit {
        rule: row.rule,
        key: row.key,
        scope: row.scope,
        text: pool.text(&row.text),
        first: shared.sighting(row.first, pool)?,
        last_s: row.last_s,
    })
}

fn collector(
    rows: CollectedRows,
    plan: &ScanPlan,
    shared: &SharedContexts,
    pool: &mut ContextPool,
) -> Option<TrailCollector> {
    let kinds = plan.calls.as_ref().map_or(0, |map| map.kind_count());
    let mut collector = TrailCollector::default();
    for row in rows.mutations {
        if row.touched.iter().any(|t| usize::from(t.kind) >= kinds) {
            return None;
        }
        let deed = shared.deed(row.deed, pool)?;
        let touched = row.touched.into_iter().map(|t| TouchedFact {
            kind: t.kind,
            effect: t.effect,
            id: t.id,
            content: t.content,
            sets: t.sets,
        });
        collector.mutations.push(MutatingCall {
            time_s: deed.time_s,
            event: deed.event,
            who: deed.who,
            source: deed.source,
            call: deed.call,
            touched: touched.collect(),
            leaves: row.leaves.into(),
            cut: row.cut,
        });
    }
    for (key, row) in rows.issued {
        let deed = shared.deed(row.deed, pool)?;
        let issued = IssuedCredential {
            time_s: deed.time_s,
            event: deed.event,
            who: deed.who,
            source: deed.source,
            call: deed.call,
            session: row.session,
            of: row.of,
            source_identity: row.source_identity,
            until_s: row.until_s,
        };
        collector.issued.push((key, issued));
    }
    let range = |first_s, last_s| SeenRange { first_s, last_s };
    collector.presence = rows
        .presence
        .into_iter()
        .map(|(place, buckets)| (place, buckets.into_iter().collect()))
        .collect::<BTreeMap<_, _>>();
    collector.addresses = rows
        .addresses
        .into_iter()
        .map(|(address, first, last)| (address, range(first, last)))
        .collect();
    collector.agents = rows
        .agents
        .into_iter()
        .map(|(agent, first, last)| (agent, range(first, last)))
        .collect();
    Some(collector)
}

/// Tables of a result, shared with the pool.
struct SharedContexts {
    who: Vec<Arc<ActorContext>>,
    calls: Vec<Arc<ApiCall>>,
    contexts: Vec<Arc<CallContext>>,
}

/// Who did what when, resolved.
struct CallDetails {
    time_s: i64,
    event: EventId,
    who: Arc<ActorContext>,
    source: SourceAddress,
    call: Arc<ApiCall>,
}

impl SharedContexts {
    fn of(rows: SharedRows, pool: &mut ContextPool) -> Option<Self> {
        let identities: Vec<_> = rows
            .identities
            .into_iter()
            .map(|one| pool.identity(one))
            .collect();
        let mut shared = Self {
            who: Vec::with_capacity(rows.who.len()),
            calls: Vec::with_capacity(rows.calls.len()),
            contexts: Vec::with_capacity(rows.contexts.len()),
        };
        for (identity, user_agent) in rows.who {
            let actor = identities.get(identity as usize)?.clone();
            shared
                .who
                .push(pool.who(ActorContext { actor, user_agent }));
        }
        for row in rows.calls {
            shared.calls.push(pool.call(ApiCall {
                name: row.name.into(),
                source: row.source,
                account: row.account,
                region: row.region,
                error: row.error,
            }));
        }
        for row in rows.contexts {
            let counterparty = row.counterparty.into_iter();
            let context = CallContext {
                who: shared.who.get(row.who as usize)?.clone(),
                call: shared.calls.get(row.call as usize)?.clone(),
                resources: row.resources.into(),
                counterparty: counterparty
                    .map(|(relation, kind, id, detail)| Counterparty {
                        relation,
                        kind,
                        id,
                        detail,
                    })
                    .collect(),
            };
            shared.contexts.push(pool.context(context));
        }
        Some(shared)
    }

    fn context(&self, number: u32) -> Option<Arc<CallContext>> {
        self.contexts.get(number as usize).cloned()
    }

    fn sighting(&self, row: SightingRow, pool: &mut ContextPool) -> Option<Sighting> {
        Some(Sighting {
            time_s: row.time_s,
            id: event_id(row.id),
            source: source(row.source, pool),
            context: self.context(row.context)?,
        })
    }

    fn deed(&self, row: DeedRow, pool: &mut ContextPool) -> Option<CallDetails> {
        Some(CallDetails {
            time_s: row.time_s,
            event: event_id(row.id),
            who: self.who.get(row.who as usize)?.clone(),
            source: source(row.source, pool),
            call: self.calls.get(row.call as usize)?.clone(),
        })
    }
}
