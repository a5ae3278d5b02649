//! The walk from administrators of one account to all who become one.

use std::collections::BTreeMap;

use super::graph::CrossingGraph;
use super::nodes::NodeKind;
use crate::estate::PrincipalId;
use crate::service::is_reserved_role;
use crate::tri::Tri;

/// Step of whom the walk reached, towards the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hop {
    /// It is the administrator of the account.
    Start,
    /// An edge between accounts, by its number among those that lead to a node.
    Edge { to: u32, number: u32 },
    /// An edge within an account, by its number among those of the principal.
    Within { to: u32, edge: u32 },
    /// It becomes administrator of its own account.
    Administers { to: u32 },
    /// As administrator of an account it is a principal of that.
    Takes { to: u32 },
}

/// Position of whom the walk reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    pub(super) distance: u32,
    pub(super) verdict: Tri,
    pub(super) hop: Hop,
}

/// Everybody who becomes administrator of one account, by node.
pub(super) type Positions = BTreeMap<u32, Position>;

struct Walk<'w, 'g, 'x, 'a> {
    graph: &'w CrossingGraph<'g, 'x, 'a>,
    found: Positions,
    /// Nodes to look at, by distance.
    rounds: BTreeMap<u32, Vec<u32>>,
    /// Sureness of the edges that are walked.
    least: Tri,
}

/// Walks backwards from the administrators of an account: sure edges first, so that a sure path goes
/// before a shorter one that is not.
pub(super) fn walk_from(graph: &CrossingGraph<'_, '_, '_>, account: usize) -> Positions {
    let mut walk = Walk {
        graph,
        found: Positions::new(),
        rounds: BTreeMap::new(),
        least: Tri::Yes,
    };
    let start = graph.nodes.administrator(account);
    walk.relax(start, 0, Hop::Start);
    walk.run();
    walk.least = Tri::Maybe;
    for (node, position) in &walk.found {
        walk.rounds
            .entry(position.distance)
            .or_default()
            .push(*node);
    }
    walk.run();
    walk.found
}

impl Walk<'_, '_, '_, '_> {
    fn run(&mut self) {
        while let Some((distance, mut nodes)) = self.rounds.pop_first() {
            nodes.sort_unstable();
            nodes.dedup();
            for node in nodes {
                let is_now = |p: &Position| p.distance == distance;
                if self.found.get(&node).is_some_and(is_now) {
                    self.expand(node, distance);
                }
            }
        }
    }

    fn relax(&mut self, node: u32, distance: u32, hop: Hop) {
        let verdict = self.least;
        let is_further = |p: &Position| p.verdict > verdict || p.distance <= distance;
        if self.found.get(&node).is_some_and(is_further) {
            return;
        }
        let position = Position {
            distance,
            verdict,
            hop,
        };
        self.found.insert(node, position);
        self.rounds.entry(distance).or_default().push(node);
    }

    fn expand(&mut self, node: u32, distance: u32) {
        let graph = self.graph;
        for (number, edge) in (0..).zip(graph.edges_to(node)) {
            if edge.verdict >= self.least {
                self.relax(edge.from, distance + 1, Hop::Edge { to: node, number });
            }
        }
        match graph.nodes.kind(node) {
            NodeKind::Administrator(account) => {
                let Some(read) = graph.accounts.get(account) else {
                    return;
                };
                for &principal in &graph.entries[account] {
                    let principal = principal as usize;
                    let Some((verdict, steps)) = read.administers(principal) else {
                        continue;
                    };
                    if verdict >= self.least {
                        let from = graph.nodes.principal(PrincipalId { account, principal });
                        self.relax(from, distance + steps, Hop::Administers { to: node });
                    }
                }
            }
            NodeKind::Principal(id) => self.expand_principal(node, id, distance),
            NodeKind::Workforce(_) => {}
        }
    }

    fn expand_principal(&mut self, node: u32, id: PrincipalId, distance: u32) {
        let graph = self.graph;
        let account = id.account;
        if !is_reserved_role(graph.estate.arn(id)) {
            let administrator = graph.nodes.administrator(account);
            self.relax(administrator, distance + 1, Hop::Takes { to: node });
        }
        for owner in graph.accounts[account].edges_to(id.principal) {
            if owner.verdict >= self.least {
                let principal = owner.principal as usize;
                let from = graph.nodes.principal(PrincipalId { account, principal });
                let edge = owner.edge;
                self.relax(from, distance + 1, Hop::Within { to: node, edge });
            }
        }
    }
}
