//! Inputs of incidents: findings, and the nodes that join them.

use super::incident::{Incident, PersistentChange};
use crate::attribution::{GrantedAccess, Origin, OriginKind, thing, things};
use crate::bill_input::BillInput;
use crate::sensor_input::SensorInput;
use bartizan_detect::attribution::{
    AttributionIndex, CallMap, IssuedCredential, MutatingCall, SeenRange,
};
use bartizan_detect::work::ActorWork;
use bartizan_inventory::fact::{FactKinds, JoinNode};
use bartizan_model::Severity;
use bartizan_model::{Evidence, Finding};
use bartizan_sensors::SensorSubject;
use bartizan_trail::EventId;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

/// Inputs of incidents.
pub struct IncidentInput<'a> {
    /// All findings, of rules and of changes, in any order.
    pub findings: &'a [Finding],
    /// The map of calls.
    pub map: &'a CallMap,
    /// Calls kept from the trail.
    pub attribution: &'a AttributionIndex,
    /// Findings whose change still stands in the latest snapshot.
    pub standing: &'a BTreeMap<String, PersistentChange>,
    /// Accounts that were compared with a snapshot before, and when the latest was taken, seconds
    /// since 1970: only there is it known what stands.
    pub compared: &'a BTreeMap<String, i64>,
    /// The last thing that was read, seconds since 1970: sessions that end later may still be open.
    pub as_of_s: i64,
    /// Access that the changes of findings gave, by the finding's id.
    pub gives: &'a BTreeMap<String, Vec<GrantedAccess>>,
    /// All calls of the suspects.
    pub work: &'a [ActorWork],
    /// Access of principals, by ARN.
    pub power: &'a BTreeMap<String, String>,
    /// Findings that somebody has accepted.
    pub accepted: &'a BTreeSet<String>,
    /// Incidents of the runs before: their ids stay.
    pub known: &'a [Incident],
    pub bill: &'a BillInput<'a>,
    pub sensors: &'a SensorInput<'a>,
}

/// A finding with what joins it to others.
pub(super) struct IncidentMember<'a> {
    pub(super) finding: &'a Finding,
    pub(super) origin: Option<Origin>,
    pub(super) first_s: i64,
    pub(super) last_s: i64,
    pub(crate) nodes: BTreeSet<String>,
    /// It is a finding of another system.
    pub(crate) is_sensor: bool,
}

impl<'a> IncidentMember<'a> {
    /// Finding of another system: it has no origin, and joins by its own rules.
    fn of_sensor(
        finding: &'a Finding,
        subject: &SensorSubject,
        (first_s, last_s): (i64, i64),
    ) -> Self {
        Self {
            finding,
            origin: None,
            first_s,
            last_s: last_s.max(first_s),
            nodes: sensor_nodes(subject),
            is_sensor: true,
        }
    }

    pub(crate) fn new(
        finding: &'a Finding,
        material: &IncidentInput<'_>,
        index: &EventIndex<'_>,
    ) -> Self {
        let time = |text: &Option<String>| {
            text.as_ref()
                .and_then(|t| t.parse::<Timestamp>().ok())
                .map_or(0, Timestamp::as_second)
        };
        let (first_s, last_s) = (time(&finding.first_time), time(&finding.last_time));
        if let Some(subject) = material.sensors.subjects.get(finding.id.as_str()) {
            return Self::of_sensor(finding, subject, (first_s, last_s));
        }
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
            // The role that an external principal assumed, and the resources that it used.
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
                && FactKinds::shared().get(fact).joins == Some(JoinNode::Key)
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
            is_sensor: false,
        }
    }
}

/// An address is rare if all its calls lie within so many seconds.
const RARE_S: i64 = 86_400;

/// Calls kept from the trail, by event.
pub(crate) struct EventIndex<'a> {
    pub(crate) mutations: HashMap<EventId, &'a MutatingCall, foldhash::fast::RandomState>,
    pub(crate) issued: HashMap<EventId, &'a IssuedCredential, foldhash::fast::RandomState>,
}

/// Successful events of a finding.
pub(crate) fn events(finding: &Finding) -> impl Iterator<Item = EventId> {
    finding.evidence.iter().filter_map(|e| match e {
        Evidence::Event {
            id, error: None, ..
        } => parse_id(id),
        _ => None,
    })
}

/// Nodes of a finding of another system.
fn sensor_nodes(subject: &SensorSubject) -> BTreeSet<String> {
    let keys = subject.access_keys.iter().map(|key| format!("key {key}"));
    let principals = subject.principals.iter().filter_map(|p| principal_node(p));
    let instances = subject.instances.iter().map(|i| format!("instance {i}"));
    let addresses = subject.addresses.iter().map(|a| format!("address {a}"));
    keys.chain(principals)
        .chain(instances)
        .chain(addresses)
        .collect()
}

/// The node of a user or role, by its ARN.
pub(crate) fn principal_node(arn: &str) -> Option<String> {
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
pub(crate) fn is_rare(seen_range: Option<&SeenRange>, attribution: &AttributionIndex) -> bool {
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
