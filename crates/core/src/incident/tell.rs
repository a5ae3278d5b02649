//! An incident in words.

use std::collections::{BTreeMap, BTreeSet};

use super::group::{Material, Member};
use super::{Incident, Moment, Standing, Suspect, advice};
use crate::detect::time_text;
use crate::fact::Severity;
use crate::finding::{Evidence, Stage};
use crate::join::{Issued, origin_words};

/// Addresses, user agents and the like that are named.
const NAMED_MAX: usize = 8;

pub(super) fn tell(id: String, members: &[&Member<'_>], level: i64, material: &Material<'_>) -> Incident {
    let (first_s, last_s) = span(members);
    let stages: BTreeSet<Stage> = members
        .iter()
        .filter(|m| m.finding.severity >= Severity::Low && m.finding.stage != Stage::Hygiene)
        .map(|m| m.finding.stage)
        .collect();
    let mut standing: Vec<Standing> = standing(members, material);
    standing.extend(sessions(members, material));
    let actor = suspects(members);
    let accounts: BTreeSet<String> = members.iter().filter_map(|m| m.finding.account.clone()).collect();
    let standing_known = accounts.iter().all(|a| material.compared.get(a).is_some_and(|taken_s| *taken_s >= last_s));
    let severity = match level {
        4 => Severity::Critical,
        3 => Severity::High,
        2 => Severity::Medium,
        1 => Severity::Low,
        _ => Severity::Info,
    };
    let score = (level as u32 * 20 + stages.len() as u32 * 3 + (standing.len() as u32).min(8)).min(100);
    let set = |items: &mut dyn Iterator<Item = String>| -> Vec<String> { items.collect::<BTreeSet<_>>().into_iter().collect() };
    Incident {
        id,
        headline: headline(members, &actor, &standing, standing_known),
        severity,
        score,
        stages: stages.into_iter().collect(),
        first_time: time_text(first_s),
        last_time: time_text(last_s),
        accounts: accounts.into_iter().collect(),
        standing_known,
        timeline: timeline(members),
        reached: reached(members),
        blast_radius: blast(members, &standing, material.power),
        unknown: unknown(members, &actor, standing_known),
        todo: advice::todo(members, &actor, &standing),
        attack: set(&mut members.iter().flat_map(|m| m.finding.attack.clone())),
        findings: members.iter().map(|m| m.finding.id.clone()).collect(),
        standing,
        actor,
    }
}

fn span(members: &[&Member<'_>]) -> (i64, i64) {
    // A change without a call has only a window; it does not say when the incident began.
    let dated = || members.iter().filter(|m| m.finding.actor.is_some());
    let first = dated().map(|m| m.first_s).min().or_else(|| members.iter().map(|m| m.first_s).min());
    let last = dated().map(|m| m.last_s).max().or_else(|| members.iter().map(|m| m.last_s).max());
    (first.unwrap_or(0), last.unwrap_or(0))
}

fn suspects(members: &[&Member<'_>]) -> Vec<Suspect> {
    let mut by_key: BTreeMap<&str, (Severity, Suspect)> = BTreeMap::new();
    for member in members {
        let (Some(origin), Some(actor)) = (&member.origin, &member.finding.actor) else { continue };
        let (worst, suspect) = by_key.entry(&origin.key).or_insert_with(|| {
            let suspect = Suspect {
                key: origin.key.clone(),
                name: origin.name.clone(),
                access_key_id: origin.access_key_id.clone(),
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
            if let Some(item) = item.as_ref().filter(|i| !list.contains(i) && list.len() < NAMED_MAX) {
                list.push(item.clone());
            }
        };
        add(&mut suspect.addresses, &actor.source_ip);
        add(&mut suspect.user_agents, &actor.user_agent);
        let chain = origin_words(origin);
        if chain.len() > 1 && !suspect.chains.contains(&chain) && suspect.chains.len() < NAMED_MAX {
            suspect.chains.push(chain);
        }
    }
    let mut list: Vec<(Severity, Suspect)> = by_key.into_values().collect();
    list.sort_by(|(a, x), (b, y)| (b, y.findings, &x.key).cmp(&(a, x.findings, &y.key)));
    list.into_iter().map(|(_, suspect)| suspect).collect()
}

fn timeline(members: &[&Member<'_>]) -> Vec<Moment> {
    let mut moments: Vec<(i64, &Member<'_>)> = members.iter().map(|m| (m.first_s, *m)).collect();
    moments.sort_by_key(|(time, m)| (*time, m.finding.stage, m.finding.id.clone()));
    moments
        .into_iter()
        .map(|(_, m)| Moment {
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

fn standing(members: &[&Member<'_>], material: &Material<'_>) -> Vec<Standing> {
    let bad = members.iter().filter(|m| {
        let f = m.finding;
        f.severity >= Severity::Medium || f.severity == Severity::Low && matches!(f.stage, Stage::Maintain | Stage::Steal)
    });
    // A door that stands open goes before what was carried through it.
    let order = |s: &Standing| DOORS.iter().position(|kind| *kind == s.kind).unwrap_or(DOORS.len());
    let mut list: Vec<Standing> = bad.filter_map(|m| material.standing.get(&m.finding.id).cloned()).collect();
    list.sort_by_key(|s| (order(s), s.since.clone(), s.id.clone()));
    list
}

/// Sessions of the incident that may still be open: those that were used in it, and those that they asked for.
fn sessions(members: &[&Member<'_>], material: &Material<'_>) -> Vec<Standing> {
    let keys: BTreeSet<&str> =
        members.iter().filter_map(|m| m.origin.as_ref()).flat_map(|o| o.keys.iter().map(String::as_str)).collect();
    let theirs = |key: &str, issued: &Issued| {
        keys.contains(key) || issued.who.actor.access_key_id.as_deref().is_some_and(|by| keys.contains(by))
    };
    let mut open: Vec<(i64, Standing)> = Vec::new();
    for (key, issued) in &material.testimony.issued {
        let Some(until_s) = issued.until_s.filter(|until| *until > material.as_of_s && theirs(key, issued)) else { continue };
        let role = issued.of.as_deref().and_then(|arn| arn.rsplit('/').next()).unwrap_or("?");
        let session = issued.session.as_deref().unwrap_or("?");
        let what = format!("session {session} of role {role}, until {}", time_text(until_s));
        let since = time_text(issued.time_s);
        open.push((issued.time_s, Standing { what, kind: "session".to_owned(), id: key.clone(), since, finding: String::new() }));
    }
    open.sort_by(|a, b| (a.0, &a.1.id).cmp(&(b.0, &b.1.id)));
    open.truncate(NAMED_MAX);
    open.into_iter().map(|(_, standing)| standing).collect()
}

/// Kinds that are a way in, the widest first.
const DOORS: [&str; 8] = [
    "iam:assumerolepolicy",
    "iam:accesskey",
    "iam:loginprofile",
    "iam:user",
    "iam:role",
    "iam:oidcprovider",
    "iam:samlprovider",
    "iam:userpolicy",
];

/// Who, the worst of it in the order of an attack, and what stands.
fn headline(members: &[&Member<'_>], actor: &[Suspect], standing: &[Standing], known: bool) -> String {
    let who = match actor.first() {
        Some(Suspect { access_key_id: Some(key), name, .. }) => format!("key {key} of {name}"),
        Some(suspect) => suspect.name.clone(),
        None => "somebody who left no call on record".to_owned(),
    };
    let mut did: Vec<String> = Vec::new();
    let of = |stage: Stage| members.iter().any(|m| m.finding.stage == stage && m.finding.severity >= Severity::Medium);
    let became = members.iter().any(|m| {
        m.finding.severity == Severity::Critical
            && m.finding.because.iter().any(|b| b.contains("administrator") || b.contains("everything"))
    });
    if became {
        did.push("became administrator".to_owned());
    } else if of(Stage::Gain) {
        did.push("got in".to_owned());
    }
    if of(Stage::Maintain) {
        did.push("made ways back in".to_owned());
    }
    if of(Stage::Blind) {
        did.push("hid its tracks".to_owned());
    }
    if of(Stage::Steal) {
        did.push("took or shared things".to_owned());
    }
    let did = match did.as_slice() {
        [] => "did what nobody here does".to_owned(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    };
    let stands = match standing {
        [] if !known => "what still stands is not known: no two snapshots around it".to_owned(),
        [] => "nothing of it stands in the latest snapshot".to_owned(),
        [one] => format!("still there: {}", one.what),
        [one, two] => format!("still there: {} and {}", one.what, two.what),
        [one, rest @ ..] => format!("still there: {} and {} more", one.what, rest.len()),
    };
    format!("{who} {did}; {stands}")
}

/// What was read, taken or used, by call and thing.
fn reached(members: &[&Member<'_>]) -> Vec<String> {
    let mut found = Vec::new();
    for m in members.iter().filter(|m| m.finding.stage == Stage::Steal && !m.finding.resources.is_empty()) {
        let call = m.finding.evidence.iter().find_map(|e| match e {
            Evidence::Event { call, error: None, .. } => Some(call.clone()),
            _ => None,
        });
        let Some(call) = call else { continue };
        let times = if m.finding.count > 1 { format!(" ×{}", m.finding.count) } else { String::new() };
        let more = m.finding.resources.len().saturating_sub(3);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let on = m.finding.resources.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
        let line = format!("{call}{times}: {on}{more}");
        if !found.contains(&line) {
            found.push(line);
        }
    }
    found
}

/// What those who are in it can do.
fn blast(members: &[&Member<'_>], standing: &[Standing], power: &BTreeMap<String, String>) -> Vec<String> {
    let mut arns: BTreeSet<&str> = members.iter().filter_map(|m| m.finding.actor.as_ref()).map(|a| a.key.as_str()).collect();
    for stands in standing {
        let first = stands.id.split('/').next().unwrap_or_default();
        let sort = match stands.kind.as_str() {
            "iam:accesskey" | "iam:loginprofile" | "iam:user" | "iam:userpolicy" => "user",
            "iam:role" | "iam:assumerolepolicy" | "iam:rolepolicy" => "role",
            _ => continue,
        };
        arns.extend(
            power
                .keys()
                .map(String::as_str)
                .filter(|arn| arn.contains(&format!(":{sort}/")) && arn.rsplit('/').next() == Some(first)),
        );
    }
    arns.into_iter()
        .filter_map(|arn| power.get(arn).map(|what| format!("{}: {what}", arn.rsplit(':').next().unwrap_or(arn))))
        .collect()
}

fn unknown(members: &[&Member<'_>], actor: &[Suspect], standing_known: bool) -> Vec<String> {
    let mut list: Vec<String> = members
        .iter()
        .filter(|m| {
            ["trail-gap", "changed-unseen", "changed-otherwise", "changed-without-call", "made-and-gone"]
                .contains(&m.finding.rule.as_str())
        })
        .map(|m| m.finding.summary.clone())
        .collect();
    if !standing_known {
        list.push("what of it still stands: there is no snapshot before and after it".to_owned());
    }
    for suspect in actor.iter().filter(|s| !s.whole) {
        list.push(format!("who stands behind {}: the chain ends there", suspect.name));
    }
    if let Some(suspect) = actor.iter().find(|s| s.access_key_id.is_some()) {
        list.push(format!("how the credentials of {} were come by: no record of AWS shows a leak", suspect.name));
    }
    list.dedup();
    list
}
