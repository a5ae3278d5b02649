//! An incident in words.

use bartizan_inventory::fact::FactKinds;
use std::collections::{BTreeMap, BTreeSet};

use super::incident::{Incident, PersistentChange, Suspect, TimelineEntry};
use super::member::{IncidentInput, IncidentMember};
use super::{advice, bill};
use crate::attribution::{GrantedAccess, origin_words};
use bartizan_detect::attribution::IssuedCredential;
use bartizan_detect::work::{ActorWork, MadeThing};
use bartizan_model::Severity;
use bartizan_model::limits::MADE_OF_ACTOR_MAX;
use bartizan_model::time_text;
use bartizan_model::{Evidence, Finding, Party, Relation, Stage};

/// Addresses, user agents and the like that are named.
const NAMED_SHOWN: usize = 8;

pub(super) fn tell(
    id: String,
    members: &[&IncidentMember<'_>],
    level: i64,
    material: &IncidentInput<'_>,
) -> Incident {
    let (first_s, last_s) = span(members);
    let stages: BTreeSet<Stage> = members
        .iter()
        .filter(|m| m.finding.severity >= Severity::Low && m.finding.stage != Stage::Hygiene)
        .map(|m| m.finding.stage)
        .collect();
    let mut standing: Vec<PersistentChange> = standing(members, material);
    standing.extend(sessions(members, material));
    let actor = suspects(members);
    let theirs = theirs(members, material.work);
    let (left, taken_away) = mades(members, &theirs, (first_s, last_s));
    let accounts: BTreeSet<String> = members
        .iter()
        .filter_map(|m| m.finding.account.clone())
        .collect();
    let standing_known = accounts.iter().all(|a| {
        material
            .compared
            .get(a)
            .is_some_and(|taken_s| *taken_s >= last_s)
    });
    let severity = match level {
        4 => Severity::Critical,
        3 => Severity::High,
        2 => Severity::Medium,
        1 => Severity::Low,
        _ => Severity::Info,
    };
    let stands = standing.len().max(left.len()).min(8) as u32;
    let score = (level as u32 * 20 + stages.len() as u32 * 3 + stands).min(100);
    let set = |items: &mut dyn Iterator<Item = String>| -> Vec<String> {
        items.collect::<BTreeSet<_>>().into_iter().collect()
    };
    Incident {
        id,
        headline: headline(
            members,
            &actor,
            (&standing, standing_known, &left),
            material,
        ),
        severity,
        score,
        stages: stages.into_iter().collect(),
        first_time: time_text(first_s),
        last_time: time_text(last_s),
        accounts: accounts.into_iter().collect(),
        standing_known,
        timeline: timeline(members, material),
        bill: bill::notes(members, material.bill),
        reached: reached(members),
        blast_radius: blast(members, &standing, material.power),
        unknown: unknown(members, &actor, standing_known, &theirs),
        todo: advice::todo(
            members,
            &actor,
            &standing,
            (if standing_known { &[] } else { &left }, &taken_away),
        ),
        attack: set(&mut members.iter().flat_map(|m| m.finding.attack.clone())),
        findings: members.iter().map(|m| m.finding.id.clone()).collect(),
        actors: theirs.iter().map(|w| w.key.clone()).collect(),
        left,
        taken_away,
        standing,
        actor,
    }
}

fn span(members: &[&IncidentMember<'_>]) -> (i64, i64) {
    // A change without a call has only a window; it does not say when the incident began.
    let is_dated = |m: &&&IncidentMember<'_>| m.finding.actor.is_some() && !m.is_sensor;
    let dated = || members.iter().filter(is_dated);
    let first = dated()
        .map(|m| m.first_s)
        .min()
        .or_else(|| members.iter().map(|m| m.first_s).min());
    let last = dated()
        .map(|m| m.last_s)
        .max()
        .or_else(|| members.iter().map(|m| m.last_s).max());
    (first.unwrap_or(0), last.unwrap_or(0))
}

fn suspects(members: &[&IncidentMember<'_>]) -> Vec<Suspect> {
    let mut by_key: BTreeMap<&str, (Severity, Suspect)> = BTreeMap::new();
    for member in members {
        let (Some(origin), Some(actor)) = (&member.origin, &member.finding.actor) else {
            continue;
        };
        let (worst, suspect) = by_key.entry(&origin.key).or_insert_with(|| {
            let suspect = Suspect {
                key: origin.key.clone(),
                name: origin.name.clone(),
                access_key_id: origin.access_key_id.clone(),
                access_keys: Vec::new(),
                chains: Vec::new(),
                whole: true,
                addresses: Vec::new(),
                user_agents: Vec::new(),
                findings: 0,
            };
            (Severity::Info, suspect)
        });
        *worst = (*worst).max(member.finding.severity);
        suspect.findings += 1;
        suspect.whole &= origin.whole;
        let add = |list: &mut Vec<String>, item: &Option<String>| {
            if let Some(item) = item
                .as_ref()
                .filter(|i| !list.contains(i) && list.len() < NAMED_SHOWN)
            {
                list.push(item.clone());
            }
        };
        if let Some(key) = origin
            .access_key_id
            .as_ref()
            .filter(|k| !suspect.access_keys.contains(k))
        {
            suspect.access_keys.push(key.clone());
        }
        add(&mut suspect.addresses, &actor.source_ip);
        add(&mut suspect.user_agents, &actor.user_agent);
        let chain = origin_words(origin);
        if chain.len() > 1 && !suspect.chains.contains(&chain) && suspect.chains.len() < NAMED_SHOWN
        {
            suspect.chains.push(chain);
        }
    }
    let mut list: Vec<(Severity, Suspect)> = by_key.into_values().collect();
    list.sort_by(|(a, x), (b, y)| (b, y.findings, &x.key).cmp(&(a, x.findings, &y.key)));
    list.into_iter().map(|(_, suspect)| suspect).collect()
}

fn timeline(members: &[&IncidentMember<'_>], material: &IncidentInput<'_>) -> Vec<TimelineEntry> {
    let is_spend =
        |m: &IncidentMember<'_>| material.bill.subjects.contains_key(m.finding.id.as_str());
    // A bill has days, not hours: it stands at the end of its day.
    let order = |m: &IncidentMember<'_>| m.first_s + if is_spend(m) { 86_399 } else { 0 };
    let mut moments: Vec<(i64, &IncidentMember<'_>)> =
        members.iter().map(|m| (order(m), *m)).collect();
    moments.sort_by_key(|(time, m)| (*time, m.finding.stage, m.finding.id.clone()));
    moments
        .into_iter()
        .map(|(_, m)| TimelineEntry {
            time: time_text(m.first_s),
            until: time_text(m.last_s),
            stage: m.finding.stage,
            severity: m.finding.severity,
            title: m.finding.title.clone(),
            summary: m.finding.summary.clone(),
            finding: m.finding.id.clone(),
            rule: m.finding.rule.clone(),
            event: m.finding.evidence.iter().find_map(|e| match e {
                Evidence::Event { id, .. } => Some(id.clone()),
                _ => None,
            }),
        })
        .collect()
}

fn standing(
    members: &[&IncidentMember<'_>],
    material: &IncidentInput<'_>,
) -> Vec<PersistentChange> {
    let bad = members.iter().filter(|m| {
        let f = m.finding;
        f.severity >= Severity::Medium
            || f.severity == Severity::Low && matches!(f.stage, Stage::Maintain | Stage::Steal)
    });
    // A door that stands open goes before what was carried through it.
    let order = |s: &PersistentChange| FactKinds::shared().get(&s.kind).way_in.unwrap_or(u32::MAX);
    let mut list: Vec<PersistentChange> = bad
        .filter_map(|m| material.standing.get(&m.finding.id).cloned())
        .collect();
    list.sort_by_key(|s| (order(s), s.since.clone(), s.id.clone()));
    list
}

/// Sessions of the incident that may still be open: those that were used in it, and those that they
/// asked for.
fn sessions(
    members: &[&IncidentMember<'_>],
    material: &IncidentInput<'_>,
) -> Vec<PersistentChange> {
    let keys: BTreeSet<&str> = members
        .iter()
        .filter_map(|m| m.origin.as_ref())
        .flat_map(|o| o.keys.iter().map(String::as_str))
        .collect();
    let theirs = |key: &str, issued: &IssuedCredential| {
        keys.contains(key)
            || issued
                .who
                .actor
                .access_key_id
                .as_deref()
                .is_some_and(|by| keys.contains(by))
    };
    let mut open: Vec<(i64, PersistentChange)> = Vec::new();
    for (key, issued) in &material.attribution.issued {
        let Some(until_s) = issued
            .until_s
            .filter(|until| *until > material.as_of_s && theirs(key, issued))
        else {
            continue;
        };
        let role = issued
            .of
            .as_deref()
            .and_then(|arn| arn.rsplit('/').next())
            .unwrap_or("?");
        let what = match (&*issued.call.name, issued.session.as_deref()) {
            ("sts:AssumeRoot", _) => format!("root session in account {role}"),
            (_, Some(session)) => format!("session {session} of role {role}"),
            (call, None) => format!("session by {call}"),
        };
        let what = format!("{what}, until {}", time_text(until_s));
        let since = time_text(issued.time_s);
        open.push((
            issued.time_s,
            PersistentChange {
                what,
                kind: "session".to_owned(),
                id: key.clone(),
                since,
                finding: String::new(),
            },
        ));
    }
    open.sort_by(|a, b| (a.0, &a.1.id).cmp(&(b.0, &b.1.id)));
    open.truncate(NAMED_SHOWN);
    open.into_iter().map(|(_, standing)| standing).collect()
}

/// Calls of the suspects of an incident.
fn theirs<'a>(members: &[&IncidentMember<'_>], work: &'a [ActorWork]) -> Vec<&'a ActorWork> {
    let keys: BTreeSet<&str> = members
        .iter()
        .filter(|m| m.finding.severity >= Severity::Low)
        .filter_map(|m| Some(m.finding.actor.as_ref()?.key.as_str()))
        .collect();
    work.iter()
        .filter(|w| keys.contains(w.key.as_str()))
        .collect()
}

/// Seconds around an incident in which what its people make belongs to it.
const AROUND_S: i64 = 3600;

/// Things that the suspects made or opened and that still stand, and things that they removed.
/// Daily work of a stolen key goes on beside the theft: a thing is theirs if it came from an
/// address, or by a credential, of the incident.
fn mades(
    members: &[&IncidentMember<'_>],
    theirs: &[&ActorWork],
    span: (i64, i64),
) -> (Vec<MadeThing>, Vec<MadeThing>) {
    let addresses: BTreeSet<&str> = members
        .iter()
        .filter_map(|m| m.finding.actor.as_ref())
        .filter_map(|a| a.source_ip.as_deref())
        .collect();
    let (from, to) = (time_text(span.0 - AROUND_S), time_text(span.1 + AROUND_S));
    let within = |made: &&MadeThing| {
        let there = made
            .source_ip
            .as_deref()
            .is_none_or(|a| addresses.contains(a));
        there && (from.as_str()..=to.as_str()).contains(&made.time.as_str())
    };
    // A door goes before what was carried through it.
    let order = |m: &MadeThing| {
        (
            DOOR_CALLS
                .iter()
                .position(|c| *c == m.call)
                .unwrap_or(DOOR_CALLS.len()),
            m.time.clone(),
            m.what.clone(),
        )
    };
    let mut left: Vec<MadeThing> = theirs
        .iter()
        .flat_map(|w| w.standing())
        .filter(within)
        .cloned()
        .collect();
    left.sort_by_key(order);
    let mut away: Vec<MadeThing> = theirs
        .iter()
        .flat_map(|w| w.taken_away())
        .filter(within)
        .cloned()
        .collect();
    away.sort_by_key(order);
    left.truncate(MADE_OF_ACTOR_MAX);
    away.truncate(MADE_OF_ACTOR_MAX);
    (left, away)
}

/// Calls that make a way in, the widest first; then those that switch off who watches.
const DOOR_CALLS: [&str; 16] = [
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:UpdateLoginProfile",
    "iam:UpdateAccessKey",
    "iam:UpdateAssumeRolePolicy",
    "iam:AttachUserPolicy",
    "iam:PutUserPolicy",
    "iam:AddUserToGroup",
    "iam:CreateUser",
    "iam:AttachRolePolicy",
    "iam:PutRolePolicy",
    "iam:CreateRole",
    "iam:CreateSAMLProvider",
    "iam:CreateOpenIDConnectProvider",
    "cloudtrail:StopLogging",
    "cloudtrail:DeleteTrail",
];

/// Whether a finding made somebody administrator.
fn administrator(finding: &Finding, material: &IncidentInput<'_>) -> bool {
    let given = material
        .gives
        .get(&finding.id)
        .is_some_and(|g| g.contains(&GrantedAccess::Administrator));
    let attached = finding.count > finding.refused
        && finding.counterparty.iter().any(|c| {
            c.relation == Relation::Given
                && c.kind == Party::Policy
                && c.id.ends_with(":aws:policy/AdministratorAccess")
        });
    given && finding.severity == Severity::Critical || attached
}

/// Who, the worst of it in the order of an attack, and what stands.
fn headline(
    members: &[&IncidentMember<'_>],
    actor: &[Suspect],
    (standing, known, left): (&[PersistentChange], bool, &[MadeThing]),
    material: &IncidentInput<'_>,
) -> String {
    let spend =
        |m: &&&IncidentMember<'_>| material.bill.subjects.contains_key(m.finding.id.as_str());
    if members.iter().all(|m| spend(&m)) {
        return spend_headline(members);
    }
    let who = match actor.first() {
        Some(Suspect {
            access_key_id: Some(key),
            name,
            ..
        }) => format!("key {key} of {name}"),
        Some(suspect) => suspect.name.clone(),
        None => "changes with no matching CloudTrail event".to_owned(),
    };
    let mut did: Vec<&str> = Vec::new();
    let of = |stage: Stage| {
        let bad = |f: &Finding| {
            f.stage == stage
                && f.severity >= Severity::Medium
                && (f.refused == 0 || f.refused < f.count)
        };
        members.iter().any(|m| bad(m.finding))
    };
    if members.iter().any(|m| administrator(m.finding, material)) {
        did.push("became administrator");
    } else if of(Stage::Gain) {
        did.push("gained access");
    }
    if of(Stage::Maintain) {
        did.push("set up persistence");
    }
    if of(Stage::Blind) {
        did.push("tampered with logging or detection");
    }
    let bills = members.iter().filter(|m| spend(m));
    let other = members
        .iter()
        .filter(|m| !spend(m) && m.finding.severity >= Severity::Medium);
    if other.clone().any(|m| m.finding.stage == Stage::Steal) && of(Stage::Steal) {
        did.push("reached or destroyed data");
    }
    if bills.clone().any(|m| m.finding.stage == Stage::Steal) && of(Stage::Steal) {
        did.push("ran up the bill");
    }
    let did = match did.as_slice() {
        [] if actor.is_empty() => String::new(),
        [] => " did something unusual".to_owned(),
        [one] => format!(" {one}"),
        [rest @ .., last] => format!(" {} and {last}", rest.join(", ")),
    };
    let did = if actor.is_empty() { String::new() } else { did };
    let several = |all: &[&str]| match all {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [one, two] => format!("{one} and {two}"),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
    };
    let stands = match standing {
        [] if !known && !left.is_empty() => {
            format!(
                "not removed in this trail: {}",
                several(&left.iter().map(|m| m.what.as_str()).collect::<Vec<_>>())
            )
        }
        [] if !known => "remaining access unknown: needs a snapshot before and after".to_owned(),
        [] => "no remaining access found in the latest snapshot".to_owned(),
        all => format!(
            "still there: {}",
            several(&all.iter().map(|s| s.what.as_str()).collect::<Vec<_>>())
        ),
    };
    format!("{who}{did}; {stands}")
}

/// Worst spend of an incident that has nothing else.
fn spend_headline(members: &[&IncidentMember<'_>]) -> String {
    let worst = members.iter().max_by_key(|m| m.finding.severity);
    let summary = worst.map_or("", |m| m.finding.summary.as_str());
    format!("{summary}; no CloudTrail event explains it")
}

/// Things that were read, copied or used: each call that worked, with how often and on what.
fn reached(members: &[&IncidentMember<'_>]) -> Vec<String> {
    let mut found: BTreeMap<&str, (u64, Vec<&str>)> = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    for m in members.iter().filter(|m| m.finding.stage == Stage::Steal) {
        for call in m.finding.calls.iter().filter(|c| c.count > c.refused) {
            if !order.contains(&call.call.as_str()) {
                order.push(&call.call);
            }
            let (count, on) = found.entry(&call.call).or_default();
            *count = (*count).max(call.count - call.refused);
            let more = call
                .resources
                .iter()
                .map(String::as_str)
                .filter(|r| !on.contains(r))
                .collect::<Vec<_>>();
            on.extend(more);
        }
    }
    order
        .into_iter()
        .filter_map(|call| {
            let (count, on) = found.get(call)?;
            let times = if *count > 1 {
                format!(" ×{count}")
            } else {
                String::new()
            };
            let more = on.len().saturating_sub(3);
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            let on = on.iter().take(3).copied().collect::<Vec<_>>().join(", ");
            Some(if on.is_empty() {
                format!("{call}{times}")
            } else {
                format!("{call}{times}: {on}{more}")
            })
        })
        .collect()
}

/// Access of the suspects.
fn blast(
    members: &[&IncidentMember<'_>],
    standing: &[PersistentChange],
    power: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut arns: BTreeSet<&str> = members
        .iter()
        .filter_map(|m| m.finding.actor.as_ref())
        .map(|a| a.key.as_str())
        .collect();
    for stands in standing {
        let first = stands.id.split('/').next().unwrap_or_default();
        let Some(principal) = FactKinds::shared().get(&stands.kind).principal else {
            continue;
        };
        let sort = principal.word();
        arns.extend(power.keys().map(String::as_str).filter(|arn| {
            arn.contains(&format!(":{sort}/")) && arn.rsplit('/').next() == Some(first)
        }));
    }
    arns.into_iter()
        .filter_map(|arn| {
            power
                .get(arn)
                .map(|what| format!("{}: {what}", arn.rsplit(':').next().unwrap_or(arn)))
        })
        .collect()
}

fn unknown(
    members: &[&IncidentMember<'_>],
    actor: &[Suspect],
    standing_known: bool,
    theirs: &[&ActorWork],
) -> Vec<String> {
    let mut list: Vec<String> = members
        .iter()
        .filter(|m| {
            [
                "trail-gap",
                "changed-unseen",
                "changed-mismatch",
                "changed-without-call",
                "made-and-gone",
            ]
            .contains(&m.finding.rule.as_str())
        })
        .map(|m| m.finding.summary.clone())
        .collect();
    if !standing_known {
        list.push("remaining access: needs a snapshot before and after".to_owned());
    }
    for suspect in actor.iter().filter(|s| !s.whole) {
        list.push(format!(
            "who is behind {}: the chain of sessions ends there",
            suspect.name
        ));
    }
    if let Some(suspect) = actor.iter().find(|s| s.access_key_id.is_some()) {
        list.push(format!(
            "initial access: nothing shows how the key of {} was compromised",
            suspect.name
        ));
    }
    list.extend(
        theirs
            .iter()
            .flat_map(|w| w.not_visible.iter().cloned())
            .take(NAMED_SHOWN),
    );
    let mut seen = BTreeSet::new();
    list.retain(|line| seen.insert(line.clone()));
    list
}
