//! Edges by trust policies: principals that may assume roles of other accounts.

use super::callers::{HolderIndex, LetIn, whoever_is_made};
use super::edges::{EdgeMeans, Edges, InEdge};
use super::nodes::{Nodes, organization_role};
use super::organizations::SeenOrganization;
use crate::estate::{Estate, PrincipalId, QuestionCaller};
use crate::tri::Tri;

const ASSUME: &str = "sts:AssumeRole";

/// Edges to the roles of one account.
pub(super) fn trust_edges(
    estate: &Estate<'_, '_>,
    nodes: &Nodes,
    indexes: &[HolderIndex],
    home: usize,
) -> Edges {
    let account = &estate.accounts[home];
    let bit = account.actions.bit(ASSUME);
    let mut edges = Edges::new();
    for (principal, role) in account.principals.iter().enumerate() {
        let Some(trust) = role.trust else { continue };
        let let_in = LetIn::new(estate, nodes, (home, trust), bit);
        if let_in.is_empty() {
            continue;
        }
        let (from, callers) = let_in.callers(estate, nodes, indexes, (bit, &role.arn));
        let verdicts = estate.verdicts(&callers, ASSUME, &role.arn);
        let to = nodes.principal(PrincipalId {
            account: home,
            principal,
        });
        enter(
            &mut edges,
            to,
            EdgeMeans::Trust,
            from.into_iter().zip(verdicts),
        );
    }
    edges
}

/// Edges to administrator of accounts that were not read, by the role that Organizations makes in
/// each account that it creates (Organizations user guide, "Accessing member accounts in an
/// organization"). Whether it is still there, nobody knows.
pub(super) fn organization_role_edges(
    estate: &Estate<'_, '_>,
    nodes: &Nodes,
    indexes: &[HolderIndex],
    organization: &SeenOrganization,
) -> Edges {
    let mut edges = Edges::new();
    let management = nodes.account(&organization.management);
    let Some(home) = management.filter(|n| *n < estate.accounts.len()) else {
        return edges;
    };
    let account = &estate.accounts[home];
    let bit = account.actions.bit(ASSUME);
    let unread = organization.members.iter();
    for id in unread.filter(|id| estate.account(id).is_none()) {
        let Some(to) = nodes.account(id) else {
            continue;
        };
        let role = organization_role(id);
        let may = indexes[home].may(account, bit, &role);
        let ids = may.into_iter().map(|n| PrincipalId {
            account: home,
            principal: n as usize,
        });
        let (mut from, mut callers): (Vec<u32>, Vec<(QuestionCaller, bool)>) = ids
            .map(|id| (nodes.principal(id), (id.into(), false)))
            .unzip();
        from.push(nodes.administrator(home));
        callers.push((whoever_is_made(&account.id), true));
        let verdicts = estate.verdicts(&callers, ASSUME, &role);
        let to = nodes.administrator(to);
        let means = EdgeMeans::OrganizationRole;
        enter(&mut edges, to, means, from.into_iter().zip(verdicts));
    }
    edges
}

/// Enters edges that are not a no.
pub(super) fn enter(
    edges: &mut Edges,
    to: u32,
    means: EdgeMeans,
    from: impl Iterator<Item = (u32, Tri)>,
) {
    for (from, verdict) in from.filter(|(_, verdict)| *verdict != Tri::No) {
        edges.push((
            to,
            InEdge {
                from,
                means,
                verdict,
            },
        ));
    }
}
