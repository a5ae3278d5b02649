//! Graph of who reaches what: principals on the left, through sessions, keys and roles, to what is
//! reached. Of an incident, of new paths, or of the escalations of an account.

use std::collections::BTreeSet;

use bartizan_detect::work::ThingEffect;
use bartizan_incident::{Incident, Suspect};
use serde::Serialize;

use crate::watch_result::{AccessPath, ChangeSummary, PathVerdict, WatchResult};

/// Nodes that a graph keeps; the rest is counted.
const NODES_SHOWN: usize = 30;
/// Columns: who, up to three steps, what.
const LAYERS_SHOWN: usize = 5;

/// Nodes and edges, layered from left to right.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct AccessGraph {
    pub(crate) nodes: Vec<AccessNode>,
    pub(crate) edges: Vec<AccessEdge>,
    /// Nodes that there was no room for.
    pub(crate) folded: usize,
}

/// Principal, credential, role or resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct AccessNode {
    /// `user ci-deploy`, `snapshot snap-0a12`, `everything`.
    pub(crate) name: String,
    /// Column, 0 on the left.
    pub(crate) layer: usize,
    pub(crate) is_added: bool,
}

/// Step from one node to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct AccessEdge {
    /// Index in `nodes`.
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// Call, actions or way, e.g. `sts:AssumeRole`.
    pub(crate) through: String,
    pub(crate) before: PathVerdict,
    pub(crate) after: PathVerdict,
}

impl AccessEdge {
    /// Whether it was not there before.
    pub(crate) fn is_added(&self) -> bool {
        self.before == PathVerdict::No
    }

    /// Whether it was there before, and is surer now.
    pub(crate) fn is_surer(&self) -> bool {
        !self.is_added() && self.before < self.after
    }
}

/// Graph in the making: edges by name.
#[derive(Default)]
struct GraphBuilder {
    /// Names of what was made.
    made: BTreeSet<String>,
    edges: Vec<(String, String, String, PathVerdict, PathVerdict)>,
}

impl GraphBuilder {
    fn was(&mut self, from: &str, to: &str, through: &str) {
        self.edge(from, to, through, PathVerdict::Must, PathVerdict::Must);
    }

    fn added(&mut self, from: &str, to: &str, through: &str) {
        self.edge(from, to, through, PathVerdict::No, PathVerdict::Must);
    }

    fn edge(
        &mut self,
        from: &str,
        to: &str,
        through: &str,
        before: PathVerdict,
        after: PathVerdict,
    ) {
        let known = |e: &&mut (String, String, String, PathVerdict, PathVerdict)| {
            e.0 == from && e.1 == to && e.2 == through
        };
        if from == to || from.is_empty() || to.is_empty() {
            return;
        }
        match self.edges.iter_mut().find(known) {
            Some(edge) => {
                edge.3 = edge.3.min(before);
                edge.4 = edge.4.max(after);
            }
            None => self.edges.push((
                from.to_owned(),
                to.to_owned(),
                through.to_owned(),
                before,
                after,
            )),
        }
    }

    fn path(&mut self, path: &AccessPath) {
        self.edge(
            &spaced(&path.from),
            &spaced(&path.to),
            &path.through,
            path.before,
            path.after,
        );
    }

    fn build(self) -> AccessGraph {
        let mut graph = AccessGraph::default();
        let mut left_out = BTreeSet::new();
        let mut number = |name: &str, graph: &mut AccessGraph| -> Option<usize> {
            if let Some(known) = graph.nodes.iter().position(|n| n.name == name) {
                return Some(known);
            }
            if graph.nodes.len() >= NODES_SHOWN {
                left_out.insert(name.to_owned());
                return None;
            }
            graph.nodes.push(AccessNode {
                name: name.to_owned(),
                layer: 0,
                is_added: self.made.contains(name),
            });
            Some(graph.nodes.len() - 1)
        };
        for (from, to, through, before, after) in &self.edges {
            let ends = (number(from, &mut graph), number(to, &mut graph));
            if let (Some(from), Some(to)) = ends {
                graph.edges.push(AccessEdge {
                    from,
                    to,
                    through: through.clone(),
                    before: *before,
                    after: *after,
                });
            }
        }
        graph.folded = left_out.len();
        graph.layer();
        graph
    }
}

impl AccessGraph {
    /// Sessions that the suspects of an incident came through, things they made, access they gained.
    pub(crate) fn of_incident(incident: &Incident, watched: &WatchResult) -> Self {
        let mut graph = GraphBuilder::default();
        for suspect in &incident.actor {
            for chain in &suspect.chains {
                let mut from = suspect.name.clone();
                for session in chain.iter().skip(1) {
                    graph.was(&from, session, "assumes");
                    from.clone_from(session);
                }
            }
        }
        let changes = watched.changes.iter();
        let changes: Vec<&ChangeSummary> = changes
            .filter(|c| incident.findings.contains(&c.finding))
            .collect();
        let first = incident.actor.first().map(|s| s.name.clone());
        for change in &changes {
            let from = change.by.last().map(|by| suspect_of(incident, by));
            let Some(from) = from.or_else(|| first.clone()) else {
                continue;
            };
            let made = incident
                .left
                .iter()
                .find(|m| change.event.is_some() && Some(&m.event) == change.event.as_ref());
            let what = made.map_or_else(|| changed_thing(change), |m| m.what.clone());
            let call = change.call.as_deref().unwrap_or("no call on record");
            graph.thing(&from, &what, call, change.sign == '+');
            if let Some(user) = user_of(change).filter(|user| *user != from) {
                graph.added(&what, &user, "signs in as");
            }
        }
        let is_told = |event: &str| changes.iter().any(|c| c.event.as_deref() == Some(event));
        for made in incident.left.iter().filter(|m| !is_told(&m.event)) {
            if let Some(who) = &first {
                graph.thing(who, &made.what, &made.call, made.sign == ThingEffect::Made);
            }
        }
        let names: Vec<String> = graph
            .edges
            .iter()
            .flat_map(|e| [e.0.clone(), e.1.clone()])
            .chain(incident.actor.iter().map(|s| s.name.clone()))
            .collect();
        let alone = watched.incidents.len() == 1;
        for path in &watched.paths {
            let is_of = |name: &String| *name == spaced(&path.from) || *name == spaced(&path.to);
            if alone || names.iter().any(is_of) {
                graph.path(path);
            }
        }
        graph.build()
    }

    /// Paths, each an edge.
    pub(crate) fn of_paths(paths: &[AccessPath]) -> Self {
        let mut graph = GraphBuilder::default();
        paths.iter().for_each(|path| graph.path(path));
        graph.build()
    }

    /// Longest way from the left, cut at the last column.
    fn layer(&mut self) {
        for _ in 0..LAYERS_SHOWN {
            for edge in &self.edges {
                let from = self.nodes.get(edge.from).map_or(0, |n| n.layer);
                if let Some(to) = self.nodes.get_mut(edge.to) {
                    to.layer = to.layer.max((from + 1).min(LAYERS_SHOWN - 1));
                }
            }
        }
        // Circles push nodes to the right: columns that nobody is in are closed.
        let mut used: Vec<usize> = self.nodes.iter().map(|n| n.layer).collect();
        used.sort_unstable();
        used.dedup();
        for node in &mut self.nodes {
            node.layer = used.iter().position(|l| *l == node.layer).unwrap_or(0);
        }
    }
}

impl GraphBuilder {
    /// Something that somebody made or changed.
    fn thing(&mut self, who: &str, what: &str, call: &str, is_new: bool) {
        if is_new {
            self.made.insert(what.to_owned());
        }
        self.added(who, what, call);
    }
}

/// Name of the suspect who begins a chain with this credential, or the credential itself.
fn suspect_of(incident: &Incident, by: &str) -> String {
    let is_own = |s: &&Suspect| {
        let mut keys = s.access_keys.iter().chain(&s.access_key_id);
        let is_first = s.chains.iter().any(|c| c.first().is_some_and(|f| f == by));
        is_first || by == s.name || keys.any(|key| by == format!("{} (key {key})", s.name))
    };
    let suspect = incident.actor.iter().find(is_own);
    suspect.map_or_else(|| by.to_owned(), |s| s.name.clone())
}

/// User of a credential that was added, by the id of its fact, e.g. `backup/AKIA…`.
fn user_of(change: &ChangeSummary) -> Option<String> {
    let is_credential = matches!(change.kind.as_str(), "iam:accesskey" | "iam:loginprofile");
    let name = change.id.split('/').next()?;
    is_credential.then(|| format!("user {name}"))
}

/// `snapshot snap-0a12`, `password of user backup`.
fn changed_thing(change: &ChangeSummary) -> String {
    format!("{} {}", kind_word(&change.kind), change.id)
}

/// `role support-readonly` of `role/support-readonly`.
fn spaced(name: &str) -> String {
    match name.split_once('/') {
        Some((kind, rest)) if !kind.contains([':', ' ']) => format!("{kind} {rest}"),
        _ => name.to_owned(),
    }
}

/// `userpolicy` of `iam:userpolicy`.
fn kind_word(kind: &str) -> &str {
    match kind.split_once(':').map_or(kind, |(_, name)| name) {
        "loginprofile" => "password of user",
        "accesskey" => "access key",
        "assumerolepolicy" => "role",
        "snapshotpermission" => "snapshot",
        "userpolicy" => "policy of user",
        "rolepolicy" => "policy of role",
        "security_group" => "security group",
        other => other,
    }
}
