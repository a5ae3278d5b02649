//! Which findings belong together.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use jiff::Timestamp;

use super::narrative::tell;
use super::{Incident, PersistentChange};
use crate::attribution::{GrantedAccess, Origin, OriginKind, thing, things};
use bartizan_detect::attribution::{
    AttributionIndex, CallMap, IssuedCredential, MutatingCall, SeenRange,
};
use bartizan_detect::work::ActorWork;
use bartizan_model::Severity;
use bartizan_model::finding_id;
use bartizan_model::{Confidence, Evidence, Finding, Stage};
use bartizan_trail::EventId;

/// What incidents are made of.
pub struct IncidentInput<'a> {
    /// All findings, of rules and of changes, in any order.
    pub findings: &'a [Finding],
    /// The map of calls.
    pub map: &'a CallMap,
    /// What was kept of the trail.
    pub attribution: &'a AttributionIndex,
    /// Findings whose change still stands in the latest snapshot.
    pub standing: &'a BTreeMap<String, PersistentChange>,
    /// Accounts that were compared with a snapshot before, and when the latest was taken, seconds
    /// since 1970: only there is it known what stands.
    pub compared: &'a BTreeMap<String, i64>,
    /// The last thing that was read, seconds since 1970: sessions that end later may still be open.
    pub as_of_s: i64,
    /// What the changes of findings give, by the finding's id.
    pub gives: &'a BTreeMap<String, Vec<GrantedAccess>>,
    /// What those who acted did, all of it.
    pub work: &'a [ActorWork],
    /// What principals can do, by ARN.
    pub power: &'a BTreeMap<String, String>,
    /// Findings that somebody has accepted.
    pub accepted: &'a BTreeSet<String>,
    /// Incidents of the runs before: their ids stay.
    pub known: &'a [Incident],
}

/// Two incidents that turned out to be one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct MergedIncident {
    /// The incident that stays.
    pub into: String,
    /// The one that is part of it.
    pub from: String,
}

/// Levels at which an incident begins to be one.
const LEVEL_MIN: i64 = 3;
/// An address is rare if all its calls lie within so many seconds.
const RARE_S: i64 = 86_400;
/// How far apart the stages of one attack may be.
const CAMPAIGN_S: i64 = 7 * 86_400;
/// How far before and after the worse findings a lesser one of the same people belongs to them.
const AROUND_S: i64 = 86_400;

/// Joins findings. Gives the incidents, worst first, and those that became one.
#[must_use]
pub fn incidents(material: &IncidentInput<'_>) -> (Vec<Incident>, Vec<MergedIncident>) {
    let index = EventIndex {
        mutations: material
            .attribution
            .mutations
            .values()
            .map(|d| (d.event, d))
            .collect(),
        issued: material
            .attribution
            .issued
            .values()
            .map(|i| (i.event, i))
            .collect(),
    };
    let mut members: Vec<IncidentMember<'_>> = material
        .findings
        .iter()
        .filter(|f| !material.accepted.contains(&f.id))
        .map(|finding| IncidentMember::new(finding, material, &index))
        .collect();
    members.sort_by_key(|m| (m.first_s, m.finding.id.clone()));
    let mut groups = UnionFind::new(members.len());
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, member) in members
        .iter()
        .enumerate()
        .filter(|(_, m)| m.finding.severity >= Severity::Low)
    {
        for node in &member.nodes {
            let first = *seen.entry(node).or_insert(number);
            groups.join(first, number);
        }
    }
    let mut parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (number, _) in members
        .iter()
        .enumerate()
        .filter(|(_, m)| m.finding.severity >= Severity::Low)
    {
        parts.entry(groups.root(number)).or_default().push(number);
    }
    let unseen = blinding(&members);
    let mut found: Vec<Vec<usize>> = parts
        .into_values()
        .filter(|part| level(part, &members, material) >= LEVEL_MIN)
        .collect();
    // What nobody is known to have done belongs to those who were at work at the time; alone it is
    // an incident only if nobody was.
    let nobody = |part: &[usize]| part.iter().all(|n| members[*n].finding.actor.is_none());
    found.sort_by_key(|part| nobody(part));
    let mut told: BTreeSet<usize> = BTreeSet::new();
    found.retain_mut(|part| {
        if nobody(part) && part.iter().all(|n| told.contains(n)) {
            return false;
        }
        gather(part, &members, &unseen);
        told.extend(part.iter().copied());
        true
    });
    found.sort();
    let (ids, merges) = identify(&found, &members, material.known);
    let mut incidents: Vec<Incident> = found
        .iter()
        .zip(ids)
        .map(|(part, id)| {
            tell(
                id,
                &part.iter().map(|n| &members[*n]).collect::<Vec<_>>(),
                level(part, &members, material),
                material,
            )
        })
        .collect();
    incidents.sort_by(|a, b| (b.score, &a.first_time, &a.id).cmp(&(a.score, &b.first_time, &b.id)));
    (incidents, merges)
}

/// A finding with what joins it to others.
pub(super) struct IncidentMember<'a> {
    pub(super) finding: &'a Finding,
    pub(super) origin: Option<Origin>,
    pub(super) first_s: i64,
    pub(super) last_s: i64,
    nodes: BTreeSet<String>,
}

impl<'a> IncidentMember<'a> {
    fn new(finding: &'a Finding, material: &IncidentInput<'_>, index: &EventIndex<'_>) -> Self {
        let time = |text: &Option<String>| {
            text.as_ref()
                .and_then(|t| t.parse::<Timestamp>().ok())
                .map_or(0, Timestamp::as_second)
        };
        let (first_s, last_s) = (time(&finding.first_time), time(&finding.last_time));
        let origin = finding
            .actor
            .as_ref()
            .map(|a| crate::attribution::origin_of(material.attribution, a));
        let mut nodes = BTreeSet::new();
        if let (Some(origin), Some(actor)) = (&origin, &finding.actor) {
            if origin.kind != OriginKind::Service {
                nodes.insert(format!("origin {}", origin.key));
            }
            nodes.extend(origin.keys.iter().map(|key| format!("key {key}")));
            // Who uses a principal that somebody else made or opened. What everybody uses joins
            // nobody.
            let stranger = matches!(origin.kind, OriginKind::Account | OriginKind::Session);
            if stranger || finding.severity >= Severity::Medium {
                nodes.extend(principal_node(&actor.key));
            }
            // The role that a stranger took, and what a stranger touched.
            if stranger {
                nodes.extend(finding.resources.iter().map(|r| thing(r)));
                let took = events(finding).filter_map(|id| index.issued.get(&id)?.of.as_deref());
                nodes.extend(took.filter_map(principal_node));
            }
            if let Some(address) = actor
                .source_ip
                .as_ref()
                .and_then(|ip| ip.parse::<IpAddr>().ok())
                && is_rare(
                    material.attribution.addresses.get(&address),
                    material.attribution,
                )
            {
                nodes.insert(format!("address {address}"));
            }
            if let Some(agent) = &actor.user_agent
                && is_rare(material.attribution.agents.get(agent), material.attribution)
            {
                nodes.insert(format!("agent {agent}"));
            }
        }
        if finding.severity >= Severity::Medium {
            nodes.extend(things(
                material.map,
                events(finding).filter_map(|id| index.mutations.get(&id).copied()),
            ));
        }
        // A change without a call still names the key or the principal that it made.
        for evidence in &finding.evidence {
            if let Evidence::Change { fact, id, .. } = evidence
                && fact == "iam:accesskey"
            {
                nodes.extend(id.rsplit('/').next().map(|key| format!("key {key}")));
            }
        }
        Self {
            finding,
            origin,
            first_s,
            last_s: last_s.max(first_s),
            nodes,
        }
    }
}

/// What was kept of the trail, by event.
struct EventIndex<'a> {
    mutations: HashMap<EventId, &'a MutatingCall, foldhash::fast::RandomState>,
    issued: HashMap<EventId, &'a IssuedCredential, foldhash::fast::RandomState>,
}

/// Successful events of a finding.
fn events(finding: &Finding) -> impl Iterator<Item = EventId> {
    finding.evidence.iter().filter_map(|e| match e {
        Evidence::Event {
            id, error: None, ..
        } => parse_id(id),
        _ => None,
    })
}

/// The node of a user or role, by its ARN.
fn principal_node(arn: &str) -> Option<String> {
    let (sort, name) = match (arn.split_once(":user/"), arn.split_once(":role/")) {
        (Some((_, name)), _) => ("user", name),
        (_, Some((_, name))) => ("role", name),
        _ => return None,
    };
    let account = arn.split(':').nth(4).unwrap_or_default();
    Some(format!(
        "principal {account} {sort}/{}",
        name.rsplit('/').next().unwrap_or(name)
    ))
}

fn parse_id(text: &str) -> Option<EventId> {
    u128::from_str_radix(&text.replace('-', ""), 16)
        .ok()
        .map(EventId::from)
}

/// Heard within one day, of a trail that is longer, and not on its first day.
fn is_rare(seen_range: Option<&SeenRange>, attribution: &AttributionIndex) -> bool {
    let Some(seen_range) = seen_range else {
        return false;
    };
    let begin = attribution
        .presence
        .values()
        .filter_map(|b| b.first())
        .min()
        .map_or(0, |b| b * 300);
    seen_range.last_s - seen_range.first_s <= RARE_S && seen_range.first_s - begin > RARE_S
}

/// Stretches in which the trail was made blind, by the finding.
fn blinding(members: &[IncidentMember<'_>]) -> Vec<(usize, i64, i64)> {
    let gap = |m: &IncidentMember<'_>| {
        m.finding.rule == "trail-gap"
            || m.finding.rule == "changed-unseen"
            || m.finding.rule == "changed-without-call"
    };
    members
        .iter()
        .enumerate()
        .filter(|(_, m)| gap(m))
        .map(|(n, m)| (n, m.first_s, m.last_s))
        .collect()
}

/// Adds lesser findings of the same people around the same time, and what nobody is known to have
/// done while they were at work.
fn gather(part: &mut Vec<usize>, members: &[IncidentMember<'_>], unseen: &[(usize, i64, i64)]) {
    let worse = || {
        part.iter()
            .filter(|n| members[**n].finding.severity >= Severity::Medium)
    };
    let from = worse().map(|n| members[*n].first_s).min().unwrap_or(0) - AROUND_S;
    let to = worse().map(|n| members[*n].last_s).max().unwrap_or(0) + AROUND_S;
    let worst: BTreeSet<&str> = worse()
        .filter_map(|n| members[*n].origin.as_ref())
        .map(|o| o.key.as_str())
        .collect();
    let account = members[part[0]].finding.account.clone();
    let addresses: BTreeSet<&str> = worse()
        .filter_map(|n| members[*n].finding.actor.as_ref())
        .filter_map(|a| a.source_ip.as_deref())
        .collect();
    let origins: BTreeSet<String> = part
        .iter()
        .filter_map(|n| members[*n].origin.as_ref())
        .map(|o| o.key.clone())
        .collect();
    for (number, member) in members.iter().enumerate() {
        // Daily work of a stolen key goes on beside the theft: a lesser finding is theirs if it
        // came from where they came from.
        let address = member
            .finding
            .actor
            .as_ref()
            .and_then(|a| a.source_ip.as_deref());
        let theirs = member
            .origin
            .as_ref()
            .is_some_and(|o| origins.contains(&o.key))
            && address.is_some_and(|a| addresses.contains(a));
        if theirs && member.first_s >= from && member.last_s <= to && !part.contains(&number) {
            part.push(number);
        }
    }
    for (number, first_s, last_s) in unseen {
        let near = *first_s < to && *last_s > from && last_s - first_s < 2 * AROUND_S;
        if near && members[*number].finding.account == account && !part.contains(number) {
            part.push(*number);
        }
    }
    // What is far from the worse findings, or came from elsewhere, is another story of the same
    // people. Others came with what they did.
    let kept = |n: &usize| {
        let member = &members[*n];
        let near = member.last_s >= from && member.first_s <= to;
        let there = member
            .finding
            .actor
            .as_ref()
            .and_then(|a| a.source_ip.as_deref())
            .is_none_or(|a| addresses.contains(a));
        let other = member
            .origin
            .as_ref()
            .is_some_and(|o| !worst.contains(o.key.as_str()));
        member.finding.severity >= Severity::Medium || near && (there || other)
    };
    let kept: Vec<usize> = part.iter().copied().filter(kept).collect();
    *part = kept;
    part.sort_unstable();
}

/// 0 info to 4 critical: the worst finding, raised by stages, by what stands and by blinding.
fn level(part: &[usize], members: &[IncidentMember<'_>], material: &IncidentInput<'_>) -> i64 {
    let findings = || part.iter().map(|n| members[*n].finding);
    let Some(worst) = findings().map(|f| f.severity).max() else {
        return 0;
    };
    let mut level = worst as i64;
    if worst < Severity::Medium {
        return level;
    }
    let stages = stages_within(part, members);
    level = match stages.len() {
        0 | 1 => level,
        2 => (level + 1).max(3),
        _ => 4,
    };
    let stands =
        findings().any(|f| f.severity >= Severity::Medium && material.standing.contains_key(&f.id));
    level += i64::from(stands && stages.len() > 1)
        + i64::from(stages.contains(&Stage::Blind) && stages.len() > 1);
    let unsure = findings()
        .filter(|f| f.severity == worst)
        .all(|f| f.confidence == Confidence::Low);
    (level - i64::from(unsure)).clamp(0, 4)
}

/// The most stages that were reached within [`CAMPAIGN_S`]: what the same people did months apart
/// is not one attack for that.
fn stages_within(part: &[usize], members: &[IncidentMember<'_>]) -> BTreeSet<Stage> {
    let mut bad: Vec<(i64, i64, Stage)> = part
        .iter()
        .map(|n| &members[*n])
        .filter(|m| m.finding.severity >= Severity::Medium && m.finding.stage != Stage::Hygiene)
        .map(|m| (m.first_s, m.last_s, m.finding.stage))
        .collect();
    bad.sort_unstable();
    let mut most = BTreeSet::new();
    for (n, (first_s, ..)) in bad.iter().enumerate() {
        let stages: BTreeSet<Stage> = bad[n..]
            .iter()
            .take_while(|(at, ..)| at - first_s <= CAMPAIGN_S)
            .map(|b| b.2)
            .collect();
        if stages.len() > most.len() {
            most = stages;
        }
    }
    most
}

/// Sets of numbers that grow together.
struct UnionFind(Vec<usize>);

impl UnionFind {
    fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    fn root(&mut self, mut number: usize) -> usize {
        while self.0[number] != number {
            self.0[number] = self.0[self.0[number]];
            number = self.0[number];
        }
        number
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}

/// An id for each: that of the incident it was before, else one of its own, made of its first bad
/// finding.
fn identify(
    found: &[Vec<usize>],
    members: &[IncidentMember<'_>],
    known: &[Incident],
) -> (Vec<String>, Vec<MergedIncident>) {
    let mut before: BTreeMap<&str, &Incident> = BTreeMap::new();
    for incident in known {
        before.extend(incident.findings.iter().map(|f| (f.as_str(), incident)));
    }
    let (mut ids, mut merges, mut taken) = (Vec::new(), Vec::new(), BTreeSet::new());
    for part in found {
        let mut was: Vec<&Incident> = part
            .iter()
            .filter_map(|n| before.get(members[*n].finding.id.as_str()).copied())
            .collect();
        was.sort_by_key(|i| (i.first_time.clone(), i.id.clone()));
        was.dedup_by_key(|i| i.id.clone());
        was.retain(|i| !taken.contains(&i.id));
        let own = || {
            let bad = part
                .iter()
                .find(|n| members[**n].finding.severity >= Severity::Medium)
                .unwrap_or(&part[0]);
            finding_id("incident", &members[*bad].finding.id, false, 0)[..12].to_owned()
        };
        let id = was.first().map_or_else(own, |i| i.id.clone());
        merges.extend(was.iter().skip(1).map(|from| MergedIncident {
            into: id.clone(),
            from: from.id.clone(),
        }));
        taken.extend(was.iter().map(|i| i.id.clone()));
        taken.insert(id.clone());
        ids.push(id);
    }
    (ids, merges)
}
