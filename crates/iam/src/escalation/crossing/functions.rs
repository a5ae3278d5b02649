//! Edges by policies of functions: who may change the code of a function of another account has
//! its role (Lambda developer guide, "Granting Lambda function access to other accounts").

use super::super::techniques::{TECHNIQUES, TechniqueTarget};
use super::callers::{HolderIndex, LetIn};
use super::edges::{EdgeMeans, Edges};
use super::nodes::Nodes;
use super::trusts::enter;
use crate::estate::{Estate, PrincipalId};
use crate::service::is_reserved_role;
use crate::tri::Tri;

/// Edges to the roles of things in one account that have a policy of their own.
pub(super) fn function_edges(
    estate: &Estate<'_, '_>,
    nodes: &Nodes,
    indexes: &[HolderIndex],
    home: usize,
) -> Edges {
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
            let (true, [first, more @ ..]) = (is_here, technique.needs) else {
                continue;
            };
            let bit = account.actions.bit(first);
            let let_in = LetIn::new(estate, nodes, (home, policy.policy), bit);
            if let_in.is_empty() {
                continue;
            }
            let (from, callers) = let_in.callers(estate, nodes, indexes, (bit, &consumer.arn));
            let mut verdicts = estate.verdicts(&callers, first, &consumer.arn);
            for need in more {
                let others = estate.verdicts(&callers, need, &consumer.arn);
                let both = verdicts
                    .iter()
                    .zip(others)
                    .map(|(a, b): (&Tri, Tri)| a.and(b));
                verdicts = both.collect();
            }
            let means = EdgeMeans::Function(row, c);
            enter(&mut edges, to, means, from.into_iter().zip(verdicts));
        }
    }
    edges
}
