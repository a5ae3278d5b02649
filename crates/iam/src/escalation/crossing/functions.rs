//! Edges by policies of functions: who may change the code of a function of another account has
//! its role (Lambda developer guide, "Granting Lambda function access to other accounts").

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::techniques::{TECHNIQUES, TechniqueTarget};
use super::callers::{CallerClasses, LetIn};
use super::edges::{EdgeMeans, Edges};
use super::nodes::Nodes;
use super::trusts::enter;
use crate::account::DocumentId;
use crate::estate::{Estate, PrincipalId};
use crate::service::is_reserved_role;
use crate::tri::Tri;

/// Edges to the roles of things in one account that have a policy of their own.
pub(super) fn function_edges(estate: &Estate<'_, '_>, nodes: &Nodes, home: usize) -> Edges {
    let account = &estate.accounts[home];
    let mut edges = Edges::new();
    for (c, consumer) in (0..).zip(&account.role_consumers) {
        let named = |kind: &str| kind == consumer.kind;
        let policy = account.resources.iter().find(|r| r.arn == consumer.arn);
        let role = account.principals.iter();
        let role = { role }.position(|p| p.arn == consumer.role && !is_reserved_role(&p.arn));
        let (Some(policy), Some(principal)) = (policy, role) else {
            continue;
        };
        let to = nodes.principal(PrincipalId {
            account: home,
            principal,
        });
        for (row, technique) in (0..).zip(TECHNIQUES) {
            let is_here = matches!(technique.target, TechniqueTarget::RoleConsumer(k) if named(k));
            if !is_here {
                continue;
            }
            let policy = (home, policy.policy);
            let mut needs = technique.needs.iter();
            let needed = |need: &&str| callers_of(estate, nodes, policy, need, &consumer.arn);
            let mut verdicts = needs.next().map(needed).unwrap_or_default();
            for need in needs.by_ref() {
                let more = needed(need);
                let both = |(node, verdict): (u32, Tri)| {
                    (
                        node,
                        verdict.and(more.get(&node).copied().unwrap_or(Tri::No)),
                    )
                };
                verdicts = verdicts.into_iter().map(both).collect();
            }
            let means = EdgeMeans::Function(row, c);
            enter(&mut edges, to, means, verdicts.into_iter());
        }
    }
    edges
}

/// Verdicts of those in other accounts who may do something to a resource, by node.
fn callers_of(
    estate: &Estate<'_, '_>,
    nodes: &Nodes,
    (home, policy): (usize, DocumentId),
    action: &str,
    resource: &str,
) -> BTreeMap<u32, Tri> {
    let bit = estate.accounts[home].actions.bit(action);
    let let_in = LetIn::new(estate, nodes, (home, policy), bit);
    let of = |account: usize| Arc::new(CallerClasses::new(&estate.accounts[account], bit));
    let asked = let_in.callers(estate, nodes, of, (bit, resource));
    let verdicts = estate.verdicts(&asked.callers, action, resource);
    let mut found = BTreeMap::new();
    for (node, verdict) in asked.said(&verdicts) {
        let best = found.entry(node).or_insert(verdict);
        *best = (*best).or(verdict);
    }
    found
}
