//! Nodes and edges of an estate, put together.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::callers::HolderIndex;
use super::central::CentralAccount;
use super::edges::{Edges, InEdge};
use super::functions::function_edges;
use super::nodes::{NodeKind, Nodes};
use super::organizations::SeenOrganization;
use super::reach::AccountReach;
use super::trusts::{organization_role_edges, trust_edges};
use super::workforce::{WorkforceRoles, assignment_edges};
use crate::estate::Estate;
use crate::tri::Tri;

/// Everybody of an estate, and how they become each other and administrators.
pub(super) struct CrossingGraph<'g, 'x, 'a> {
    pub(super) estate: &'g Estate<'x, 'a>,
    pub(super) nodes: Nodes,
    pub(super) organizations: Vec<SeenOrganization>,
    /// By account that was read.
    pub(super) accounts: Vec<AccountReach>,
    /// By node.
    edges: Vec<Vec<InEdge>>,
    /// By account that was read: principals that edges of other accounts lead to.
    pub(super) entries: Vec<Vec<u32>>,
}

impl<'g, 'x, 'a> CrossingGraph<'g, 'x, 'a> {
    pub(super) fn new(estate: &'g Estate<'x, 'a>, threads: usize) -> Self {
        let organizations = SeenOrganization::all(estate);
        let nodes = Nodes::new(estate, &organizations);
        let roles = WorkforceRoles::new(estate);
        let indexes = in_order(estate.accounts.len(), threads, |n| {
            HolderIndex::new(&estate.accounts[n])
        });
        let within = (threads / estate.accounts.len().max(1)).max(1);
        let found = in_order(estate.accounts.len(), threads, |number| {
            let account = &estate.accounts[number];
            let (reach, mut edges) = AccountReach::new(account, within, |graph| {
                let members = organizations.iter();
                let own = members.filter(|o| o.members.contains(&account.id));
                let (nodes, roles) = (&nodes, &roles);
                let central = own.map(|organization| CentralAccount {
                    graph,
                    number,
                    organization,
                    nodes,
                    roles,
                });
                central.flat_map(|c| c.edges()).collect::<Edges>()
            });
            edges.extend(trust_edges(estate, &nodes, &indexes, number));
            edges.extend(function_edges(estate, &nodes, &indexes, number));
            (reach, edges)
        });
        let mut all: Edges = assignment_edges(&nodes, &organizations, &roles);
        for organization in &organizations {
            all.extend(organization_role_edges(
                estate,
                &nodes,
                &indexes,
                organization,
            ));
        }
        let mut accounts = Vec::new();
        for (reach, edges) in found {
            accounts.push(reach);
            all.extend(edges);
        }
        let mut graph = Self {
            estate,
            edges: vec![Vec::new(); nodes.len()],
            entries: vec![Vec::new(); accounts.len()],
            nodes,
            organizations,
            accounts,
        };
        graph.enter(all);
        graph
    }

    fn enter(&mut self, edges: Edges) {
        for (to, mut edge) in edges {
            if let NodeKind::Administrator(account) = self.nodes.kind(to) {
                let is_by_grant = !matches!(edge.means, super::edges::EdgeMeans::Assignment(..));
                match self.accounts.get(account) {
                    None => edge.verdict = edge.verdict.and(Tri::Maybe),
                    Some(read) if is_by_grant && !read.leaves_grants => continue,
                    Some(read) => edge.verdict = edge.verdict.and(read.sureness()),
                }
            }
            let list = &mut self.edges[to as usize];
            if let NodeKind::Principal(id) = self.nodes.kind(to)
                && list.is_empty()
            {
                self.entries[id.account].push(id.principal as u32);
            }
            list.push(edge);
        }
        for list in &mut self.edges {
            list.sort_unstable_by_key(|e| (e.from, std::cmp::Reverse(e.verdict), e.means));
            list.dedup_by_key(|e| e.from);
        }
        self.entries
            .iter_mut()
            .for_each(|list| list.sort_unstable());
    }

    /// Edges of other accounts that lead to a node.
    pub(super) fn edges_to(&self, node: u32) -> &[InEdge] {
        &self.edges[node as usize]
    }
}

/// Works something out for each number, on threads, in the order of numbers.
pub(super) fn in_order<T: Send>(
    count: usize,
    threads: usize,
    of: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let run = || {
        let mut found = Vec::new();
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= count {
                return found;
            }
            found.push((n, of(n)));
        }
    };
    let mut all: Vec<(usize, T)> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..threads.clamp(1, count.max(1)))
            .map(|_| scope.spawn(run))
            .collect();
        let found = runs.into_iter().map(|run| run.join().unwrap_or_default());
        found.flatten().collect()
    });
    all.sort_by_key(|(n, _)| *n);
    all.into_iter().map(|(_, found)| found).collect()
}
