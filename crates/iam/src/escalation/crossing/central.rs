//! Edges by services that reach a whole organization: from principals of its management account
//! and of delegated administrators to administrator of the other accounts.

use std::collections::BTreeSet;

use super::super::limits::AccountGraph;
use super::super::permissions::PrincipalAnalyzer;
use super::super::techniques::{
    ORGANIZATION_TECHNIQUES, OrganizationTarget, OrganizationTechnique,
};
use super::edges::{EdgeMeans, Edges, InEdge};
use super::model::CrossingDoubt;
use super::nodes::Nodes;
use super::organizations::{CentralStanding, SeenOrganization};
use super::workforce::WorkforceRoles;
use crate::estate::PrincipalId;
use crate::request::Context;
use crate::tri::Tri;

/// An account that manages services for an organization.
pub(super) struct CentralAccount<'c, 'g, 'a> {
    pub(super) graph: AccountGraph<'g, 'a>,
    /// Number of the account.
    pub(super) number: usize,
    pub(super) organization: &'c SeenOrganization,
    pub(super) nodes: &'c Nodes,
    pub(super) roles: &'c WorkforceRoles,
}

/// A technique that the account has the standing for.
struct OpenTechnique {
    /// Number in the table.
    row: u8,
    technique: &'static OrganizationTechnique,
    /// What keeps it from being sure, beside policies.
    doubt: Option<CrossingDoubt>,
    /// Whether trusted access was read and is not there: an administrator of the management account
    /// can activate it.
    is_inactive: bool,
    /// Numbers of the accounts that it reaches.
    reached: Vec<usize>,
}

impl CentralAccount<'_, '_, '_> {
    /// All edges from the account.
    pub(super) fn edges(&self) -> Edges {
        let open = self.open_techniques();
        let mut edges = Edges::new();
        if open.is_empty() {
            return edges;
        }
        for n in 0..self.graph.account.principals.len() as u32 {
            self.of_principal(n, &open, &mut edges);
        }
        self.of_administrators(&open, &mut edges);
        self.of_workforce(&open, &mut edges);
        edges
    }

    fn open_techniques(&self) -> Vec<OpenTechnique> {
        let (own, organization) = (&self.graph.account.id, self.organization);
        let mut open = Vec::new();
        for (row, technique) in (0..).zip(ORGANIZATION_TECHNIQUES) {
            let Some(standing) = organization.standing(own, technique.service) else {
                continue;
            };
            let is_of_stacks = matches!(technique.target, OrganizationTarget::Stacks { .. });
            let is_management = standing == CentralStanding::Management;
            let (doubt, is_inactive) = if is_of_stacks {
                match organization.trusts(technique.service) {
                    Tri::Yes => (None, false),
                    Tri::Maybe => (Some(CrossingDoubt::TrustedAccess), false),
                    Tri::No if is_management => (None, true),
                    Tri::No => continue,
                }
            } else {
                match organization.identity_center {
                    Some(true) => (None, false),
                    Some(false) => continue,
                    None => (Some(CrossingDoubt::IdentityCenter), false),
                }
            };
            // The management account is for its own principals only.
            let others = organization.members.iter();
            let others = others.filter(|id| *id != own && **id != organization.management);
            let reached = others.filter_map(|id| self.nodes.account(id)).collect();
            open.push(OpenTechnique {
                row,
                technique,
                doubt,
                is_inactive,
                reached,
            });
        }
        open
    }

    fn of_principal(&self, number: u32, open: &[OpenTechnique], edges: &mut Edges) {
        let graph = self.graph;
        let me = &graph.account.principals[number as usize];
        if me.arn.contains(":role/aws-service-role/") {
            return;
        }
        let touched = |need: &u16| {
            let has = |d: &u32| {
                let list = &graph.tables.touched[*d as usize];
                list.binary_search_by_key(need, |(n, _)| *n).is_ok()
            };
            me.policies.iter().any(has)
        };
        let mut analyzer = PrincipalAnalyzer::new(graph, number);
        let mut best: Vec<Option<InEdge>> = vec![None; self.nodes.accounts.len()];
        for one in open.iter().filter(|one| !one.is_inactive) {
            let needs = &graph.tables.organization_needs[one.row as usize];
            if !needs.iter().all(touched) {
                continue;
            }
            let anywhere = needs
                .iter()
                .fold(Tri::Yes, |v, need| v.and(analyzer.somewhere(*need)));
            if anywhere == Tri::No {
                continue;
            }
            for &account in &one.reached {
                let (on, doubt) = self.on_account(one, account, needs, &mut analyzer);
                let doubt = one.doubt.or(doubt);
                let verdict = anywhere.and(on).and(sure_without(doubt));
                let from = self.node(number);
                let means = EdgeMeans::OverOrganization(one.row, doubt);
                let is_better = best[account].is_none_or(|before| before.verdict < verdict);
                if verdict != Tri::No && is_better {
                    best[account] = Some(InEdge {
                        from,
                        means,
                        verdict,
                    });
                }
            }
        }
        for (account, edge) in best.into_iter().enumerate() {
            edges.extend(edge.map(|edge| (self.nodes.administrator(account), edge)));
        }
    }

    /// Whether the policies of a principal allow a technique towards an account, and what is not
    /// known beside.
    fn on_account(
        &self,
        one: &OpenTechnique,
        account: usize,
        needs: &[u16],
        analyzer: &mut PrincipalAnalyzer<'_, '_>,
    ) -> (Tri, Option<CrossingDoubt>) {
        let id = &self.nodes.accounts[account];
        // The last action of the techniques of Identity Center is about the account.
        let assign = needs.last().copied().unwrap_or_default();
        let to_account = format!("arn:aws:sso:::account/{id}");
        match one.technique.target {
            OrganizationTarget::Stacks { is_change: false } => (Tri::Yes, None),
            OrganizationTarget::Stacks { is_change: true } => {
                (Tri::Maybe, Some(CrossingDoubt::StackSet))
            }
            OrganizationTarget::NewPermissionSet => {
                let doubt = Some(CrossingDoubt::WorkforceUser);
                (analyzer.on(assign, &to_account, None), doubt)
            }
            OrganizationTarget::AdministratorSet => {
                let sets = self.organization.administrator_sets.iter();
                let any = { sets }.fold(Tri::No, |v, set| v.or(analyzer.on(assign, set, None)));
                let on = any.and(analyzer.on(assign, &to_account, None));
                (on, Some(CrossingDoubt::WorkforceUser))
            }
            OrganizationTarget::AssignedSets => {
                let on = self.on_sets(self.sets_in(id, |_| true), needs, analyzer);
                (on, Some(CrossingDoubt::Assigned))
            }
        }
    }

    /// Permission sets that are assigned in an account to some people, without those that are in
    /// the management account, which only that may change.
    fn sets_in(
        &self,
        account: &str,
        is: impl Fn(&crate::account::WorkforceSubject) -> bool,
    ) -> BTreeSet<&str> {
        let (organization, own) = (self.organization, &self.graph.account.id);
        let mut sets = BTreeSet::new();
        for one in &organization.assignments {
            if one.account == account && is(&one.subject) {
                sets.insert(one.permission_set.as_str());
            }
        }
        if *own != organization.management {
            for one in &organization.assignments {
                if one.account == organization.management {
                    sets.remove(one.permission_set.as_str());
                }
            }
        }
        sets
    }

    fn on_sets(
        &self,
        sets: BTreeSet<&str>,
        needs: &[u16],
        analyzer: &mut PrincipalAnalyzer<'_, '_>,
    ) -> Tri {
        let mut any = Tri::No;
        for set in sets {
            let all = needs
                .iter()
                .fold(Tri::Yes, |v, need| v.and(analyzer.on(*need, set, None)));
            any = any.or(all);
        }
        any
    }

    /// An administrator has all actions that the organization leaves to the account, and can make
    /// itself a user of Identity Center.
    fn of_administrators(&self, open: &[OpenTechnique], edges: &mut Edges) {
        let graph = self.graph;
        let context = Context::open();
        for one in open {
            let assigned = one.technique.target == OrganizationTarget::AssignedSets;
            let is_change = one.technique.target == OrganizationTarget::Stacks { is_change: true };
            if assigned || is_change {
                continue;
            }
            let needs = &graph.tables.organization_needs[one.row as usize];
            let allowed = needs.iter().fold(Tri::Yes, |v, need| {
                v.and(graph.decide(&graph.account.scp, *need, "*", &context))
            });
            let verdict = allowed.and(sure_without(one.doubt));
            let means = EdgeMeans::OverOrganization(one.row, one.doubt);
            let from = self.nodes.administrator(self.number);
            for &account in one.reached.iter().filter(|_| verdict != Tri::No) {
                let edge = InEdge {
                    from,
                    means,
                    verdict,
                };
                edges.push((self.nodes.administrator(account), edge));
            }
        }
    }

    /// People who may change a permission set that they have themselves.
    fn of_workforce(&self, open: &[OpenTechnique], edges: &mut Edges) {
        let organization = self.organization;
        let own = organization.assignments.iter();
        for held in own.filter(|a| a.account == self.graph.account.id) {
            let role = { self.roles }.of(organization, &held.permission_set, self.number);
            let (Some(role), Some(from)) = (role, self.nodes.subject(&held.subject)) else {
                continue;
            };
            let mut analyzer = PrincipalAnalyzer::new(self.graph, role.principal as u32);
            let assigned =
                |one: &&OpenTechnique| one.technique.target == OrganizationTarget::AssignedSets;
            for one in open.iter().filter(assigned) {
                let needs = &self.graph.tables.organization_needs[one.row as usize];
                for &account in &one.reached {
                    let id = &self.nodes.accounts[account];
                    let sets = self.sets_in(id, |subject| *subject == held.subject);
                    let verdict = self.on_sets(sets, needs, &mut analyzer);
                    let verdict = verdict.and(sure_without(one.doubt));
                    if verdict != Tri::No {
                        let means = EdgeMeans::OverOrganization(one.row, one.doubt);
                        let edge = InEdge {
                            from,
                            means,
                            verdict,
                        };
                        edges.push((self.nodes.administrator(account), edge));
                    }
                }
            }
        }
    }

    fn node(&self, number: u32) -> u32 {
        self.nodes.principal(PrincipalId {
            account: self.number,
            principal: number as usize,
        })
    }
}

fn sure_without(doubt: Option<CrossingDoubt>) -> Tri {
    doubt.map_or(Tri::Yes, |_| Tri::Maybe)
}
