//! Which incident a finding of another system belongs to.
//!
//! By credential always; by user within a week; by role, instance or address only within the time
//! of the incident, and by an address only if it is rare for the account. They never join two
//! incidents, and what joins nothing is an incident of its own only if it is bad enough by itself.

use std::collections::{BTreeMap, BTreeSet};

use bartizan_model::{Party, Severity};

use crate::member::{IncidentMember, principal_node};

/// Seconds around an incident in which what a user did belongs to it.
const USER_S: i64 = 7 * 86_400;
/// Seconds around an incident in which an address, an instance or a role is the intruder's.
const NEAR_S: i64 = 86_400;

/// Adds findings of other systems to the incidents that they belong to. The others become incidents
/// of their own, those about the same thing one, if they reach `level_min` by themselves.
pub(crate) fn add_sensors(
    found: &mut Vec<Vec<usize>>,
    members: &[IncidentMember<'_>],
    level_min: i64,
) {
    let about: Vec<IncidentSigns> = found
        .iter()
        .map(|part| IncidentSigns::of(part, members))
        .collect();
    let mut alone: Vec<Vec<usize>> = Vec::new();
    let sensors = (0..members.len()).filter(|n| members[*n].is_sensor);
    for number in sensors.filter(|n| members[*n].finding.severity >= Severity::Low) {
        let member = &members[number];
        let closest = about.iter().enumerate();
        let closest = closest.filter_map(|(n, signs)| Some((signs.distance(member)?, n)));
        match closest.min() {
            Some((_, incident)) => found[incident].push(number),
            None => alone.push(vec![number]),
        }
    }
    found.iter_mut().for_each(|part| part.sort_unstable());
    let worst = |part: &[usize]| {
        part.iter()
            .map(|n| members[*n].finding.severity as i64)
            .max()
    };
    let own = together(alone, members).into_iter();
    found.extend(own.filter(|part| worst(part) >= Some(level_min)));
}

/// Parts that share a node become one.
fn together(parts: Vec<Vec<usize>>, members: &[IncidentMember<'_>]) -> Vec<Vec<usize>> {
    let mut groups: Vec<(BTreeSet<&str>, Vec<usize>)> = Vec::new();
    let mut of_node: BTreeMap<&str, usize> = BTreeMap::new();
    for part in parts {
        let nodes = || {
            part.iter()
                .flat_map(|n| &members[*n].nodes)
                .map(String::as_str)
        };
        let shared: BTreeSet<usize> = nodes().filter_map(|n| of_node.get(n).copied()).collect();
        let into = shared.first().copied().unwrap_or(groups.len());
        if into == groups.len() {
            groups.push((BTreeSet::new(), Vec::new()));
        }
        groups[into].0.extend(nodes());
        groups[into].1.extend(part.iter().copied());
        for from in shared.into_iter().skip(1) {
            let (nodes, numbers) = std::mem::take(&mut groups[from]);
            groups[into].0.extend(nodes);
            groups[into].1.extend(numbers);
        }
        for node in groups[into].0.clone() {
            of_node.insert(node, into);
        }
    }
    let mut parts: Vec<Vec<usize>> = groups.into_iter().map(|(_, numbers)| numbers).collect();
    parts.retain(|numbers| !numbers.is_empty());
    parts.iter_mut().for_each(|numbers| numbers.sort_unstable());
    parts
}

/// Nodes and time by which an incident is recognized.
struct IncidentSigns {
    from_s: i64,
    to_s: i64,
    nodes: BTreeSet<String>,
}

impl IncidentSigns {
    fn of(part: &[usize], members: &[IncidentMember<'_>]) -> Self {
        let bad = || {
            part.iter()
                .map(|n| &members[*n])
                .filter(|m| m.finding.severity >= Severity::Medium)
        };
        let dated = || bad().filter(|m| m.finding.actor.is_some());
        let from_s = dated().map(|m| m.first_s).min();
        let from_s = from_s.or_else(|| bad().map(|m| m.first_s).min());
        let to_s = dated().map(|m| m.last_s).max();
        let to_s = to_s.or_else(|| bad().map(|m| m.last_s).max());
        let mut signs = Self {
            from_s: from_s.unwrap_or(i64::MAX),
            to_s: to_s.unwrap_or(i64::MIN),
            nodes: bad().flat_map(|m| m.nodes.iter().cloned()).collect(),
        };
        for member in bad() {
            let keys = member.origin.iter().flat_map(|o| &o.keys);
            signs.nodes.extend(keys.map(|key| format!("key {key}")));
            let actor = member.finding.actor.iter().map(|a| a.key.as_str());
            let origin = member.origin.iter().map(|o| o.key.as_str());
            let principals = actor.chain(origin).filter_map(principal_node);
            signs.nodes.extend(principals);
        }
        signs.add_instances(part, members);
        signs
    }

    /// Instances that the intruder started, stopped or used.
    fn add_instances(&mut self, part: &[usize], members: &[IncidentMember<'_>]) {
        let mut add = |text: &str| {
            let id = text.rsplit('/').next().unwrap_or(text);
            if is_instance(id) {
                self.nodes.insert(format!("instance {id}"));
            }
        };
        for member in part.iter().map(|n| &members[*n]) {
            let finding = member.finding;
            finding.resources.iter().for_each(|r| add(r));
            let made = finding.counterparty.iter();
            made.filter(|c| c.kind == Party::Instance)
                .for_each(|c| add(&c.id));
            if let Some(actor) = &finding.actor {
                actor.origin.iter().for_each(|o| add(o));
                actor.arn.iter().for_each(|arn| add(arn));
            }
        }
    }

    /// How far a finding is from the incident: less is closer. None if it does not belong to it.
    fn distance(&self, member: &IncidentMember<'_>) -> Option<(u8, i64)> {
        let apart_s = (member.first_s - self.to_s)
            .max(self.from_s.saturating_sub(member.last_s))
            .max(0);
        let rank = |node: &String| {
            let (sort, name) = node.split_once(' ')?;
            match sort {
                "key" => Some(0),
                "principal" if name.contains("user/") && apart_s <= USER_S => Some(1),
                _ if apart_s <= NEAR_S => Some(2),
                _ => None,
            }
        };
        let shared = member.nodes.intersection(&self.nodes);
        Some((shared.filter_map(rank).min()?, apart_s))
    }
}

/// `i-0123456789abcdef0`.
fn is_instance(id: &str) -> bool {
    let digits = id.strip_prefix("i-").unwrap_or_default();
    (8..=17).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit())
}
