//! Steps of whom a walk has reached.

use super::super::model::EscalationStep;
use super::super::reach::path;
use super::super::techniques::{ORGANIZATION_TECHNIQUES, TECHNIQUES};
use super::edges::{EdgeMeans, InEdge};
use super::graph::CrossingGraph;
use super::model::{CrossingMeans, CrossingNode, CrossingStep};
use super::nodes::NodeKind;
use super::walk::{Hop, Positions};
use crate::estate::PrincipalId;
use crate::tri::Tri;

impl CrossingGraph<'_, '_, '_> {
    /// Steps from a node to the administrator that a walk began with.
    pub(super) fn steps(&self, positions: &Positions, from: u32) -> Vec<CrossingStep> {
        let mut steps = Vec::new();
        let mut node = from;
        while let Some(position) = positions.get(&node) {
            node = match position.hop {
                Hop::Start => break,
                Hop::Edge { to, number } => {
                    let edge = self.edges_to(to)[number as usize];
                    steps.push(CrossingStep {
                        from: self.nodes.node(node),
                        means: self.means(to, &edge),
                        to: self.nodes.node(to),
                        verdict: edge.verdict,
                    });
                    to
                }
                Hop::Within { to, edge } => {
                    steps.extend(self.step_within(node, to, edge));
                    to
                }
                Hop::Administers { to } => {
                    if let NodeKind::Principal(id) = self.nodes.kind(node) {
                        steps.extend(self.own_steps(id));
                    }
                    to
                }
                Hop::Takes { to } => {
                    steps.push(CrossingStep {
                        from: self.nodes.node(node),
                        means: CrossingMeans::Takes,
                        to: self.nodes.node(to),
                        verdict: Tri::Yes,
                    });
                    to
                }
            };
        }
        steps
    }

    /// Steps by which a principal becomes administrator of its own account.
    pub(super) fn own_steps(&self, id: PrincipalId) -> Vec<CrossingStep> {
        let own = path(&self.accounts[id.account].reach, id.principal);
        steps_within(&self.nodes.accounts[id.account], id, &own)
    }

    fn step_within(&self, node: u32, to: u32, edge: u32) -> Option<CrossingStep> {
        let NodeKind::Principal(id) = self.nodes.kind(node) else {
            return None;
        };
        let NodeKind::Principal(target) = self.nodes.kind(to) else {
            return None;
        };
        let account = &self.accounts[id.account];
        let edge_of = &account.seen[id.principal].edges[edge as usize];
        let technique = &TECHNIQUES[edge_of.row as usize];
        let own = |owner: &super::reach::SetOwner| {
            owner.principal as usize == id.principal && owner.edge == edge
        };
        let verdicts = account.edges_to(target.principal).filter(own);
        let verdict = verdicts.map(|owner| owner.verdict).max();
        Some(CrossingStep {
            from: CrossingNode::Principal(id),
            means: CrossingMeans::Technique {
                row: technique.id,
                rung: technique.rung,
                through: edge_of.through.clone(),
            },
            to: CrossingNode::Principal(target),
            verdict: verdict.unwrap_or(Tri::Maybe),
        })
    }

    fn means(&self, to: u32, edge: &InEdge) -> CrossingMeans {
        match edge.means {
            EdgeMeans::Trust => CrossingMeans::Trust,
            EdgeMeans::OrganizationRole => CrossingMeans::OrganizationRole,
            EdgeMeans::OverOrganization(row, doubt) => CrossingMeans::OverOrganization {
                row: ORGANIZATION_TECHNIQUES[row as usize].id,
                doubt,
            },
            EdgeMeans::Assignment(organization, number) => {
                let assignments = &self.organizations[organization as usize].assignments;
                let set = &assignments[number as usize].permission_set;
                CrossingMeans::Assignment(set.clone())
            }
            EdgeMeans::Function(row, consumer) => {
                let function = match self.nodes.kind(to) {
                    NodeKind::Principal(id) => {
                        let there = &self.estate.accounts[id.account];
                        there.role_consumers[consumer as usize].arn.clone()
                    }
                    NodeKind::Administrator(_) | NodeKind::Workforce(_) => String::new(),
                };
                let row = TECHNIQUES[row as usize].id;
                CrossingMeans::Function { row, function }
            }
        }
    }
}

/// Steps within an account as steps between accounts; the last gives everything where it leads to
/// nobody.
pub(super) fn steps_within(
    account: &str,
    from: PrincipalId,
    own: &[EscalationStep],
) -> Vec<CrossingStep> {
    let mut at = CrossingNode::Principal(from);
    let mut steps = Vec::new();
    for step in own {
        let to = match step.to {
            Some(principal) => CrossingNode::Principal(PrincipalId {
                principal: principal as usize,
                ..from
            }),
            None => CrossingNode::Administrator(account.to_owned()),
        };
        steps.push(CrossingStep {
            from: at,
            means: CrossingMeans::Technique {
                row: step.row,
                rung: step.rung,
                through: step.through.clone(),
            },
            to: to.clone(),
            verdict: step.verdict,
        });
        at = to;
    }
    steps
}
