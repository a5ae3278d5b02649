//! Crossings of an estate.

use super::super::model::Escalations;
use super::callers::whoever_is_made;
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
    /// Ways between accounts, by who has them and where they lead. Those who become administrator
    /// of their own account first, and go on as such, are not listed one by one.
    pub crossings: Vec<Crossing>,
    /// What of the organizations was not read.
    pub unread: Vec<UnreadOfOrganization>,
}

/// Finds all escalations within and between the accounts of an estate, with as many threads as
/// asked for. The result does not depend on their number.
pub fn estate_escalations(estate: &Estate<'_, '_>, threads: usize) -> EstateEscalations {
    let graph = CrossingGraph::new(estate, threads);
    let count = graph.nodes.accounts.len();
    let found = in_order(count, threads, |account| {
        let positions = walk_from(&graph, account);
        graph.rows(account, &positions)
    });
    let mut crossings: Vec<Crossing> = found.into_iter().flatten().collect();
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
    /// All ways of one principal to administrator of other accounts, as administrator of its own
    /// account as well.
    pub fn of(&self, estate: &Estate<'_, '_>, id: PrincipalId) -> Vec<Crossing> {
        let is_from = |node: &CrossingNode| {
            let node = node.clone();
            self.crossings.iter().filter(move |c| c.from == node)
        };
        let me = CrossingNode::Principal(id);
        let mut ways: Vec<Crossing> = is_from(&me).cloned().collect();
        let own = &self.accounts[id.account];
        if let Some(own) = own.of(id.principal as u32) {
            let account = &estate.accounts[id.account].id;
            let first = steps_within(account, id, &own.steps);
            for further in is_from(&CrossingNode::Administrator(account.clone())) {
                let verdict = further.verdict.and(own.verdict);
                // Its own row is there where that is surer or shorter.
                if ways.iter().any(|c| c.to == further.to) {
                    continue;
                }
                ways.push(Crossing {
                    from: me.clone(),
                    to: further.to.clone(),
                    verdict,
                    steps: first.iter().chain(&further.steps).cloned().collect(),
                });
            }
        }
        ways.sort_by(|a, b| a.to.cmp(&b.to));
        ways
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
