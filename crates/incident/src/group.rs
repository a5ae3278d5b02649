//! Which findings belong together.

use crate::bill::{attach, related};
use crate::member::EventIndex;
use crate::member::IncidentInput;
use crate::member::IncidentMember;
use crate::sensor_join::add_sensors;
use std::collections::{BTreeMap, BTreeSet};

use super::incident::Incident;
use super::narrative::tell;
use bartizan_model::Severity;
use bartizan_model::finding_id;
use bartizan_model::{Confidence, Stage};

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
    let parts = parts(&members, material);
    let unseen = blinding(&members);
    let is_spend = |n: &usize| {
        material
            .bill
            .subjects
            .contains_key(members[*n].finding.id.as_str())
    };
    let (spend, parts): (Vec<Vec<usize>>, Vec<Vec<usize>>) = parts
        .into_iter()
        .partition(|part| part.iter().all(is_spend));
    let mut found: Vec<Vec<usize>> = parts
        .into_iter()
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
    add_spend(&mut found, spend, &members, material);
    add_sensors(&mut found, &members, LEVEL_MIN);
    found.sort();
    let (ids, merges) = identify(&found, &members, material);
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

/// Members that share a node, or are spend of one cause, by their numbers.
fn parts(members: &[IncidentMember<'_>], material: &IncidentInput<'_>) -> Vec<Vec<usize>> {
    let mut groups = UnionFind::new(members.len());
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, member) in members
        .iter()
        .enumerate()
        .filter(|(_, m)| m.finding.severity >= Severity::Low && !m.is_sensor)
    {
        for node in &member.nodes {
            let first = *seen.entry(node).or_insert(number);
            groups.join(first, number);
        }
    }
    for (one, other) in related(members, material.bill) {
        groups.join(one, other);
    }
    let mut parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (number, _) in members
        .iter()
        .enumerate()
        .filter(|(_, m)| m.finding.severity >= Severity::Low && !m.is_sensor)
    {
        parts.entry(groups.root(number)).or_default().push(number);
    }
    parts.into_values().collect()
}

/// Adds spend to the incidents that it belongs to. Spend without calls is an incident of its own if
/// it is bad enough.
fn add_spend(
    found: &mut Vec<Vec<usize>>,
    spend: Vec<Vec<usize>>,
    members: &[IncidentMember<'_>],
    material: &IncidentInput<'_>,
) {
    let mut alone = Vec::new();
    for part in spend {
        match attach(&part, found, members, material.bill) {
            Some(incident) => {
                found[incident].extend(part);
                found[incident].sort_unstable();
            }
            None if level(&part, members, material) >= LEVEL_MIN => alone.push(part),
            None => {}
        }
    }
    found.append(&mut alone);
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
/// Findings of other systems count with their own severity only.
fn level(part: &[usize], members: &[IncidentMember<'_>], material: &IncidentInput<'_>) -> i64 {
    let (sensors, own): (Vec<usize>, Vec<usize>) =
        part.iter().partition(|n| members[**n].is_sensor);
    let reported = sensors.iter().map(|n| members[*n].finding.severity as i64);
    own_level(&own, members, material).max(reported.max().unwrap_or(0))
}

fn own_level(part: &[usize], members: &[IncidentMember<'_>], material: &IncidentInput<'_>) -> i64 {
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
    pub(crate) fn new(count: usize) -> Self {
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

/// An id for each, made of its first bad finding, so that it is the same in whatever order findings
/// came. An incident that began before what was read keeps the id that it had. Other ids that it had
/// are merged into it.
fn identify(
    found: &[Vec<usize>],
    members: &[IncidentMember<'_>],
    material: &IncidentInput<'_>,
) -> (Vec<String>, Vec<MergedIncident>) {
    let mut before: BTreeMap<&str, &Incident> = BTreeMap::new();
    for incident in material.known {
        before.extend(incident.findings.iter().map(|f| (f.as_str(), incident)));
    }
    // The bill comes days later than the calls, other systems when they like: the calls name the
    // incident, with them or without.
    let is_beside = |n: usize| {
        let id = members[n].finding.id.as_str();
        members[n].is_sensor || material.bill.subjects.contains_key(id)
    };
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
            let is_bad = |n: &&usize| members[**n].finding.severity >= Severity::Medium;
            let bad = part
                .iter()
                .find(|n| is_bad(n) && !is_beside(**n))
                .or_else(|| part.iter().find(is_bad))
                .unwrap_or(&part[0]);
            finding_id("incident", &members[*bad].finding.id, false, 0)[..12].to_owned()
        };
        let first = part
            .iter()
            .filter_map(|n| members[*n].finding.first_time.as_deref());
        let first = first.min();
        let older = was.iter().find(|i| Some(i.first_time.as_str()) < first);
        let id = older.map_or_else(own, |i| i.id.clone());
        let others = was.iter().filter(|i| i.id != id);
        merges.extend(others.map(|from| MergedIncident {
            into: id.clone(),
            from: from.id.clone(),
        }));
        taken.extend(was.iter().map(|i| i.id.clone()));
        taken.insert(id.clone());
        ids.push(id);
    }
    (ids, merges)
}
