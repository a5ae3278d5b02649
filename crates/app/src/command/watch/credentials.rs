//! Credentials as the trail shows them, for `bartizan credentials`.

use std::collections::BTreeMap;

use anyhow::Result;
use bartizan_detect::DetectionResult;
use bartizan_detect::attribution::{AttributionIndex, CallMap, FactEffect, IssuedCredential};
use bartizan_detect::call::{ApiCall, SourceAddress};
use bartizan_incident::attribution::origin;
use bartizan_model::limits::SESSIONS_MAX;
use bartizan_model::time_text;
use bartizan_posture::{
    CredentialTrail, MadeBy, MadeCredential, OpenSession, UsedKey, credential_kinds,
};

use super::inputs::WatchInputs;
use crate::posture::TRAIL;

/// Trails by account.
type AccountTrails = BTreeMap<String, CredentialTrail>;

/// Entry of the state: what the trail shows of the credentials of each account that there are
/// snapshots of.
pub(super) fn kept_credentials(
    inputs: &WatchInputs<'_>,
    map: &CallMap,
    verdicts: &DetectionResult,
) -> Result<(&'static str, Vec<u8>)> {
    let as_of_s = verdicts.totals.last_s.unwrap_or(0);
    let trail = |account: String| {
        let empty = CredentialTrail {
            account: account.clone(),
            as_of: time_text(as_of_s),
            ..CredentialTrail::default()
        };
        (account, empty)
    };
    let accounts = inputs.history.iter().map(|k| k.snapshot.account.clone());
    let mut trails: AccountTrails = accounts.map(trail).collect();
    let index = &verdicts.attribution;
    add_sessions(&mut trails, index, as_of_s);
    add_made(&mut trails, index, map);
    // An id is of one key, whosever account it is.
    let used = verdicts.work.access_keys().map(|used| UsedKey {
        access_key_id: used.access_key_id,
        time: used.last_time,
    });
    let used: Vec<UsedKey> = used.collect();
    trails.values_mut().for_each(|t| t.used.clone_from(&used));
    // Without a trail nothing is known, which is not the same as no session.
    let seen: Vec<&CredentialTrail> = match verdicts.totals.last_s {
        Some(_) => trails.values().collect(),
        None => Vec::new(),
    };
    Ok((TRAIL, serde_json::to_vec(&seen)?))
}

/// Sessions that had not expired when the trail ended, those of one role and origin together.
fn add_sessions(trails: &mut AccountTrails, index: &AttributionIndex, as_of_s: i64) {
    let mut open: BTreeMap<(&str, String), Vec<(&String, &IssuedCredential)>> = BTreeMap::new();
    for (key, issued) in &index.issued {
        let is_open = issued.until_s.is_some_and(|until| until > as_of_s);
        if let (true, Some(role)) = (is_open, issued.of.as_deref()) {
            let who = origin(index, &issued.who.actor).key;
            open.entry((role, who)).or_default().push((key, issued));
        }
    }
    for ((role, who), sessions) in open {
        let account = role.split(':').nth(4).unwrap_or_default();
        let Some(trail) = trails.get_mut(account) else {
            continue;
        };
        let newest = sessions.iter().max_by_key(|(key, s)| (s.time_s, *key));
        let until_s = sessions.iter().filter_map(|(_, s)| s.until_s).max();
        let (Some((key, newest)), Some(until_s)) = (newest, until_s) else {
            continue;
        };
        if trail.sessions.len() == SESSIONS_MAX {
            trail.left_out += sessions.len();
            continue;
        }
        let made = (&*newest.call, &newest.source);
        trail.sessions.push(OpenSession {
            role: role.to_owned(),
            access_key_id: (*key).clone(),
            count: sessions.len() as u64,
            made: made_by(who, newest.time_s, made),
            until: time_text(until_s),
        });
    }
}

/// Credentials that calls made.
fn add_made(trails: &mut AccountTrails, index: &AttributionIndex, map: &CallMap) {
    let kinds: BTreeMap<u16, &str> = credential_kinds()
        .filter_map(|kind| Some((map.number(kind)?, kind)))
        .collect();
    for mutation in index.mutations.values() {
        let account = mutation.call.account.as_deref().unwrap_or_default();
        let Some(trail) = trails.get_mut(account) else {
            continue;
        };
        let touched = mutation.touched.iter();
        let added = touched.filter(|t| t.effect == FactEffect::Add && !t.id.ends_with('*'));
        for fact in added {
            let Some(kind) = kinds.get(&fact.kind) else {
                continue;
            };
            let who = origin(index, &mutation.who.actor).key;
            let made = (&*mutation.call, &mutation.source);
            trail.made.push(MadeCredential {
                kind: (*kind).to_owned(),
                id: fact.id.clone(),
                made: made_by(who, mutation.time_s, made),
            });
        }
    }
}

fn made_by(who: String, time_s: i64, (call, source): (&ApiCall, &SourceAddress)) -> MadeBy {
    MadeBy {
        who,
        source: source.to_string(),
        call: call.name.to_string(),
        time: time_text(time_s),
    }
}
