//! Edges by trust policies: principals that may assume roles of other accounts.

use std::sync::Arc;

use super::callers::{AskedCallers, CallerClasses, LetIn, whoever_is_made};
use super::edges::{EdgeMeans, Edges, InEdge};
use super::nodes::{Nodes, organization_role};
use super::organizations::SeenOrganization;
use crate::estate::{Estate, PrincipalId};
use crate::tri::Tri;

pub(super) const ASSUME: &str = "sts:AssumeRole";

/// Edges to the roles of one account.
pub(super) fn trust_edges(
    estate: &Estate<'_, '_>,
    nodes: &Nodes,
    classes: &[Arc<CallerClasses>],
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
        let of = |account: usize| classes[account].clone();
        let asked = let_in.callers(estate, nodes, of, (bit, &role.arn));
        let verdicts = estate.verdicts(&asked.callers, ASSUME, &role.arn);
        let to = nodes.principal(PrincipalId {
            account: home,
            principal,
        });
        enter(&mut edges, to, EdgeMeans::Trust, asked.said(&verdicts));
    }
    edges
}

/// Edges to administrator of accounts that were not read, by the role that Organizations makes in
/// each account that it creates (Organizations user guide, "Accessing member accounts in an
/// organization"). Whether it is still there, nobody knows.
pub(super) fn organization_role_edges(
    estate: &Estate<'_, '_>,
    nodes: &Nodes,
    classes: &[Arc<CallerClasses>],
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
        let mut asked = AskedCallers::default();
        for members in classes[home].may(account, bit, &role) {
            asked.ask_class(nodes, home, members.iter().copied(), false);
        }
        asked.ask(
            whoever_is_made(&account.id),
            true,
            nodes.administrator(home),
        );
        let verdicts = estate.verdicts(&asked.callers, ASSUME, &role);
        let to = nodes.administrator(to);
        let means = EdgeMeans::OrganizationRole;
        enter(&mut edges, to, means, asked.said(&verdicts));
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
