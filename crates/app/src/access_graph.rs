//! Graph of who reaches what: principals on the left, through sessions, keys and roles, to what is
//! reached. Of an incident, of new paths, or of the escalations of an account.

use std::collections::BTreeSet;

use bartizan_incident::Incident;
use serde::Serialize;

use crate::watch_result::{AccessPath, ChangeSummary, PathVerdict, WatchResult};

/// Nodes that a graph keeps; the rest is counted.
const NODES_MAX: usize = 30;
/// Columns: who, up to three steps, what.
const LAYERS_MAX: usize = 5;

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
    /// Whether only edges that were added lead to it.
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
            if graph.nodes.len() >= NODES_MAX {
                left_out.insert(name.to_owned());
                return None;
            }
            graph.nodes.push(AccessNode {
                name: name.to_owned(),
                layer: 0,
                is_added: false,
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
    /// What the suspects of an incident came through, made and gained.
    pub(crate) fn of_incident(incident: &Incident, watched: &WatchResult) -> Self {
        let mut graph = GraphBuilder::default();
        for suspect in &incident.actor {
            let chains = suspect.chains.iter();
            for chain in chains {
                for pair in chain.windows(2) {
                    if let [from, to] = pair {
                        graph.was(&principal(from), &principal(to), "assumes");
                    }
                }
            }
        }
        let of_incident = |c: &&ChangeSummary| incident.findings.contains(&c.finding);
        let changes: Vec<&ChangeSummary> = watched.changes.iter().filter(of_incident).collect();
        let who = incident.actor.first().map(|s| s.name.clone());
        for change in &changes {
            let from = change.by.last().map(|by| principal(by));
            let Some(from) = from.or_else(|| who.clone()) else {
                continue;
            };
            let made = incident
                .left
                .iter()
                .find(|m| change.event.is_some() && Some(&m.event) == change.event.as_ref());
            let what = made.map_or_else(
                || format!("{} {}", kind_word(&change.kind), change.id),
                |m| m.what.clone(),
            );
            graph.thing(
                &from,
                &what,
                change.call.as_deref().unwrap_or("no call on record"),
            );
        }
        for made in &incident.left {
            let is_told = |c: &&ChangeSummary| c.event.as_ref() == Some(&made.event);
            if let (Some(who), None) = (&who, changes.iter().copied().find(|c| is_told(&c))) {
                graph.thing(who, &made.what, &made.call);
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
        for _ in 0..LAYERS_MAX {
            for edge in &self.edges {
                let from = self.nodes.get(edge.from).map_or(0, |n| n.layer);
                if let Some(to) = self.nodes.get_mut(edge.to) {
                    to.layer = to.layer.max((from + 1).min(LAYERS_MAX - 1));
                }
            }
        }
        for (n, node) in self.nodes.iter_mut().enumerate() {
            let mut into = self.edges.iter().filter(|e| e.to == n).peekable();
            node.is_added = into.peek().is_some() && into.all(AccessEdge::is_added);
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
    /// Something that somebody made; what it is a credential or a policy of comes after it.
    fn thing(&mut self, who: &str, what: &str, call: &str) {
        self.added(who, what, call);
        let credential = ["access key ", "password ", "login profile "];
        if let Some((_, owner)) = what.rsplit_once(" of ")
            && credential.iter().any(|c| what.starts_with(c))
            && owner != who
        {
            self.added(what, owner, "signs in as");
        }
    }
}

/// `user ci-deploy` of `user ci-deploy (key AKIA…)`, `session render of role batch` of the same
/// with call and time.
fn principal(words: &str) -> String {
    let name = words.split(" (key ").next().unwrap_or(words);
    name.split(" by ").next().unwrap_or(name).to_owned()
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
