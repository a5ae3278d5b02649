//! Analysis of one account, for walks that lead through it.

use std::sync::OnceLock;

use super::super::limits::{AccountGraph, prepare};
use super::super::model::Escalations;
use super::super::reach::{
    EdgeTarget, PrincipalEdges, ReachedBy, analyze_all, at_most_maybe, path, result, walk,
};
use super::super::sets::PrincipalSets;
use super::workforce::set_of_role;
use crate::account::{Account, Controls};
use crate::tri::Tri;

/// Everybody of an account, and how they become each other and administrator.
pub(super) struct AccountReach {
    pub(super) escalations: Escalations,
    pub(super) seen: Vec<PrincipalEdges>,
    pub(super) reach: Vec<Option<ReachedBy>>,
    /// Length of the path to administrator, by principal.
    lengths: Vec<u32>,
    /// Whether SCPs that were not read may hold everybody back.
    is_open: bool,
    /// Whether the SCPs leave somebody everything who is granted everything.
    pub(super) leaves_grants: bool,
    sets: PrincipalSets,
    /// By set: edges that lead to it.
    owners: Vec<Vec<SetOwner>>,
    /// By principal: sets that it is in, worked out when it is asked for.
    containing: Vec<OnceLock<Vec<u32>>>,
}

/// Edge that leads to the principals of a set.
#[derive(Clone, Copy)]
pub(super) struct SetOwner {
    pub(super) principal: u32,
    /// Number among the edges of the principal.
    pub(super) edge: u32,
    pub(super) verdict: Tri,
}

impl AccountReach {
    /// Analyzes an account; `more` is asked with what was worked out of it.
    pub(super) fn new<T>(
        account: &Account<'_>,
        threads: usize,
        more: impl FnOnce(AccountGraph<'_, '_>) -> T,
    ) -> (Self, T) {
        let tables = prepare(account);
        let tables = &tables;
        let graph = AccountGraph { account, tables };
        let (mut sets, mut seen) = analyze_all(graph, threads);
        let mut reach = walk(&sets, &seen);
        let mut escalations = result(&sets, &seen, &reach);
        let is_open = matches!(account.controls, Controls::Unread(_));
        if is_open {
            at_most_maybe(&mut escalations);
        }
        // Roles of Identity Center are nobody's to take, and people have them.
        let mut has_reserved = false;
        for (n, principal) in account.principals.iter().enumerate() {
            if set_of_role(&principal.arn, &principal.name).is_some() {
                seen[n] = PrincipalEdges::enter(graph.analyze_any(n as u32), &mut sets);
                has_reserved = true;
            }
        }
        if has_reserved {
            reach = walk(&sets, &seen);
        }
        let leaves_grants = graph.leaves_grants();
        let more = more(graph);
        let lengths = (0..reach.len()).map(|n| path(&reach, n).len() as u32);
        let lengths = lengths.collect();
        let owners = owners(&sets, &seen);
        let containing = (0..seen.len()).map(|_| OnceLock::new()).collect();
        let found = Self {
            escalations,
            seen,
            reach,
            lengths,
            is_open,
            leaves_grants,
            sets,
            owners,
            containing,
        };
        (found, more)
    }

    /// Whether a principal can become administrator of its account, and how long that path is.
    pub(super) fn administers(&self, principal: usize) -> Option<(Tri, u32)> {
        let found = self.reach[principal].as_ref()?;
        Some((self.as_sure(found.verdict), self.lengths[principal]))
    }

    /// Edges within the account that lead to a principal.
    pub(super) fn edges_to(&self, principal: usize) -> impl Iterator<Item = SetOwner> {
        let sets = self.containing[principal].get_or_init(|| {
            let list = (0..).zip(&self.sets.list);
            let holds = list.filter(|(_, set)| set.contains(principal as u32));
            holds.map(|(n, _)| n).collect()
        });
        let owners = sets.iter().flat_map(|set| &self.owners[*set as usize]);
        owners.map(|owner| SetOwner {
            verdict: self.as_sure(owner.verdict),
            ..*owner
        })
    }

    /// How sure anything within the account can be.
    pub(super) fn sureness(&self) -> Tri {
        self.as_sure(Tri::Yes)
    }

    fn as_sure(&self, verdict: Tri) -> Tri {
        if self.is_open {
            verdict.and(Tri::Maybe)
        } else {
            verdict
        }
    }
}

/// Edges by the set that they lead to.
fn owners(sets: &PrincipalSets, seen: &[PrincipalEdges]) -> Vec<Vec<SetOwner>> {
    let mut owners = vec![Vec::new(); sets.list.len()];
    for (principal, found) in (0..).zip(seen) {
        for (edge, one) in (0..).zip(&found.edges) {
            let EdgeTarget::Principals { must, may } = one.to else {
                continue;
            };
            for (set, verdict) in [(must, Tri::Yes), (may, Tri::Maybe)] {
                owners[set as usize].push(SetOwner {
                    principal,
                    edge,
                    verdict,
                });
            }
        }
    }
    owners
}
