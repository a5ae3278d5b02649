//! Crossings of an estate.

use std::collections::BTreeMap;

use super::super::model::Escalations;
use super::callers::whoever_is_made;
use super::closure::closure;
use super::graph::{CrossingGraph, in_order};
use super::model::{Crossing, CrossingMeans, CrossingNode, CrossingStep, UnreadOfOrganization};
use super::nodes::{NodeKind, organization_role};
use super::paths::steps_within;
use super::walk::{Position, Positions, walk_from};
use crate::estate::{AccessAnswer, AccessQuestion, Estate, PrincipalId, QuestionCaller};
use crate::tri::Tri;

/// Escalations of an estate: within each account, and between accounts.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, CrossingNode, Estate, Tri, estate_escalations};
/// let mut first = AccountBuilder::new("111122223333", Actions::builtin());
/// first.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///         "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "sts:AssumeRole", "Resource": "*"}}}]}]}"#,
/// )?;
/// let mut second = AccountBuilder::new("444455556666", Actions::builtin());
/// second.authorization_details(
///     r#"{"RoleDetailList": [{"RoleName": "ops", "Arn": "arn:aws:iam::444455556666:role/ops",
///         "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": {
///             "Effect": "Allow", "Principal": {"AWS": "111122223333"},
///             "Action": "sts:AssumeRole"}},
///         "RolePolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "*", "Resource": "*"}}}]}]}"#,
/// )?;
/// let accounts = [first.build(), second.build()];
/// let estate = Estate::new(&accounts);
/// let found = estate_escalations(&estate, 1);
/// let bob = estate.principal("bob").unwrap();
/// let ways = found.of(&estate, bob);
/// assert_eq!((ways[0].to.as_str(), ways[0].verdict), ("444455556666", Tri::Yes));
/// // Whoever is administrator of Bob's account can as well.
/// let first = CrossingNode::Administrator("111122223333".to_owned());
/// assert!(found.crossings.iter().any(|crossing| crossing.from == first));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct EstateEscalations {
    /// Escalations within each account, in the order of [`Estate::accounts`].
    pub accounts: Vec<Escalations>,
    /// Ways between accounts, by who has them and where they lead: of administrators of an account
    /// all, of others until they are administrators of an account, from where on they have the ways
    /// of that. [`EstateEscalations::of`] puts them together.
    pub crossings: Vec<Crossing>,
    /// Lists of organizations that were not read.
    pub unread: Vec<UnreadOfOrganization>,
}

/// Finds all escalations within and between the accounts of an estate, with as many threads as
/// asked for. The result does not depend on their number.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Estate, estate_escalations};
/// let accounts = [AccountBuilder::new("111122223333", Actions::builtin()).build()];
/// let estate = Estate::new(&accounts);
/// assert!(estate_escalations(&estate, 1).crossings.is_empty());
/// ```
pub fn estate_escalations(estate: &Estate<'_, '_>, threads: usize) -> EstateEscalations {
    let graph = CrossingGraph::new(estate, threads);
    let count = graph.nodes.accounts.len();
    let found = in_order(count, threads, |account| {
        let positions = walk_from(&graph, account);
        graph.rows(account, &positions)
    });
    let (direct, mut crossings): (Vec<Crossing>, Vec<Crossing>) = found
        .into_iter()
        .flatten()
        .partition(|way| matches!(way.from, CrossingNode::Administrator(_)));
    let direct = direct.into_iter().filter_map(|way| match &way.from {
        CrossingNode::Administrator(from) => Some(((from.clone(), way.to.clone()), way)),
        CrossingNode::Principal(_) | CrossingNode::Workforce(_) => None,
    });
    crossings.extend(closure(&direct.collect()));
    crossings.sort_by(|a, b| (&a.from, &a.to).cmp(&(&b.from, &b.to)));
    let unread = graph.organizations.iter().flat_map(|o| o.unread());
    EstateEscalations {
        unread: unread.collect(),
        crossings,
        accounts: graph.accounts.into_iter().map(|a| a.escalations).collect(),
    }
}

impl CrossingGraph<'_, '_, '_> {
    /// Ways to administrator of an account that are not listed elsewhere.
    fn rows(&self, account: usize, positions: &Positions) -> Vec<Crossing> {
        let crossing = |(node, position): (&u32, &Position)| {
            let is_row = match self.nodes.kind(*node) {
                NodeKind::Administrator(n) => n != account,
                NodeKind::Workforce(_) => true,
                NodeKind::Principal(id) => {
                    let own = self.by_own_administrator(id, account, positions);
                    own.is_none_or(|(verdict, length)| {
                        verdict < position.verdict
                            || verdict == position.verdict && length > position.distance
                    })
                }
            };
            is_row.then(|| Crossing {
                from: self.nodes.node(*node),
                to: self.nodes.accounts[account].clone(),
                verdict: position.verdict,
                steps: self.steps(positions, *node),
            })
        };
        positions.iter().filter_map(crossing).collect()
    }

    /// How surely a principal becomes administrator of an account as one of its own account, and by
    /// how many steps.
    fn by_own_administrator(
        &self,
        id: PrincipalId,
        account: usize,
        positions: &Positions,
    ) -> Option<(Tri, u32)> {
        let (own, length) = self.accounts[id.account].administers(id.principal)?;
        if id.account == account {
            return Some((own, 0));
        }
        let further = positions.get(&self.nodes.administrator(id.account))?;
        Some((own.and(further.verdict), length + further.distance))
    }
}

impl EstateEscalations {
    /// All ways of one principal to administrator of other accounts, one for each account.
    pub fn of(&self, estate: &Estate<'_, '_>, id: PrincipalId) -> Vec<Crossing> {
        let me = CrossingNode::Principal(id);
        let own = self.accounts[id.account].of(id.principal as u32);
        let home = &estate.accounts[id.account].id;
        let first = own.map(|own| Crossing {
            from: me.clone(),
            to: home.clone(),
            verdict: own.verdict,
            steps: steps_within(home, id, &own.steps),
        });
        let mut best: BTreeMap<String, Crossing> = BTreeMap::new();
        let mut add = |way: Crossing| {
            let rank = |c: &Crossing| (std::cmp::Reverse(c.verdict), c.steps.len());
            let before = best.get(&way.to);
            if before.is_none_or(|before| rank(&way) < rank(before)) {
                best.insert(way.to.clone(), way);
            }
        };
        let is_own = first.is_some();
        for way in first.into_iter().chain(self.from(&me).iter().cloned()) {
            let as_administrator = CrossingNode::Administrator(way.to.clone());
            for further in self.from(&as_administrator) {
                add(Crossing {
                    from: me.clone(),
                    to: further.to.clone(),
                    verdict: way.verdict.and(further.verdict),
                    steps: way.steps.iter().chain(&further.steps).cloned().collect(),
                });
            }
            add(way);
        }
        // Its own account is the account's own analysis, unless another account makes it surer.
        let own = own.map_or(Tri::No, |own| own.verdict);
        if is_own && best.get(home).is_some_and(|way| way.verdict <= own) {
            best.remove(home);
        }
        best.into_values().collect()
    }

    /// Ways that begin with somebody.
    fn from(&self, node: &CrossingNode) -> &[Crossing] {
        let start = self.crossings.partition_point(|way| way.from < *node);
        let end = self.crossings.partition_point(|way| way.from <= *node);
        &self.crossings[start..end]
    }
}

impl Estate<'_, '_> {
    /// The answer behind a step that assumes a role of another account, with its reasons.
    pub fn answer_of_step(&self, step: &CrossingStep) -> Option<AccessAnswer> {
        let role = match (&step.means, &step.to) {
            (CrossingMeans::Trust, CrossingNode::Principal(role)) => self.arn(*role).to_owned(),
            (CrossingMeans::OrganizationRole, CrossingNode::Administrator(account)) => {
                organization_role(account)
            }
            _ => return None,
        };
        let ask = |caller: QuestionCaller, is_granted_all| {
            self.ask(&AccessQuestion {
                is_granted_all,
                ..AccessQuestion::new(caller, "sts:AssumeRole", &role)
            })
        };
        match &step.from {
            CrossingNode::Principal(id) => Some(ask((*id).into(), false)),
            CrossingNode::Administrator(account) => Some(ask(whoever_is_made(account), true)),
            CrossingNode::Workforce(_) => None,
        }
    }
}
