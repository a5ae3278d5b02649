//! Escalations of an account that changes, a policy at a time, without analyzing every principal
//! again.

use super::limits::{AccountGraph, prepare};
use super::model::{Escalation, Escalations};
use super::reach::{
    EdgeTarget, EscalationEdge, PrincipalEdges, ReachedBy, analyze_all, path, result, walk,
};
use super::sets::{PrincipalSets, set_of};
use super::tables::EscalationTables;
use crate::account::{Account, DocumentId};
use crate::engine::Compiler;
use crate::policy::{PolicyError, parse};

/// Account that changes, with the escalations of its principals.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, IncrementalEscalations, Tri};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///         "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "s3:*", "Resource": "*"}}}]}]}"#,
/// )?;
/// let mut standing = IncrementalEscalations::new(builder.build(), 1);
/// assert!(standing.escalations().found.is_empty());
/// let policy = standing.document("user/bob/p").unwrap();
/// let changed = standing.replace(
///     policy,
///     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///         "Action": "iam:PutUserPolicy", "Resource": "*"}}"#,
/// )?;
/// assert_eq!(changed, [0]);
/// assert_eq!(standing.escalation(0).unwrap().verdict, Tri::Yes);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct IncrementalEscalations<'a> {
    account: Account<'a>,
    tables: EscalationTables,
    sets: PrincipalSets,
    seen: Vec<PrincipalEdges>,
    reach: Vec<Option<ReachedBy>>,
    /// For each document the principals that have it as a policy or as their boundary.
    role_consumers: Vec<Vec<u32>>,
    threads: usize,
}

impl<'a> IncrementalEscalations<'a> {
    /// Analyzes every principal once.
    pub fn new(account: Account<'a>, threads: usize) -> Self {
        let tables = prepare(&account);
        let (sets, seen) = analyze_all(
            AccountGraph {
                account: &account,
                tables: &tables,
            },
            threads,
        );
        let reach = walk(&sets, &seen);
        let mut role_consumers = vec![Vec::new(); account.documents.len()];
        for (n, principal) in account.principals.iter().enumerate() {
            for document in principal.policies.iter().chain(&principal.boundary) {
                role_consumers[*document as usize].push(n as u32);
            }
        }
        Self {
            account,
            tables,
            sets,
            seen,
            reach,
            role_consumers,
            threads,
        }
    }

    /// The account as it is now.
    pub fn account(&self) -> &Account<'a> {
        &self.account
    }

    /// The document of that name.
    pub fn document(&self, name: &str) -> Option<DocumentId> {
        self.account
            .documents
            .iter()
            .position(|d| d.name == name)
            .map(|n| n as DocumentId)
    }

    /// All escalations.
    pub fn escalations(&self) -> Escalations {
        result(&self.sets, &self.seen, &self.reach)
    }

    /// Escalation of one principal, without the other techniques of its first step.
    pub fn escalation(&self, principal: u32) -> Option<Escalation> {
        let reach = self.reach[principal as usize].as_ref()?;
        let steps = path(&self.reach, principal as usize);
        Some(Escalation {
            principal,
            rung: reach.rung,
            verdict: reach.verdict,
            steps,
            ways: Default::default(),
        })
    }

    /// Replaces the text of a policy. Returns the principals whose escalation changed, by number.
    ///
    /// Analyzes the principals who have the policy, and all when others depend on it: a trust
    /// policy, a service control policy, a policy of a group, one that gives or takes a limit.
    ///
    /// # Errors
    /// When the text is no policy; then nothing changes.
    pub fn replace(&mut self, document: DocumentId, text: &str) -> Result<Vec<u32>, PolicyError> {
        let d = document as usize;
        let policy = parse(text)?;
        let side = self.account.documents[d].side;
        let compiled = Compiler::new(self.account.actions).compile(&policy, side);
        (
            self.account.documents[d].policy,
            self.account.documents[d].compiled,
        ) = (policy, compiled);
        self.tables.enter(&self.account, d);

        let graph = AccountGraph {
            account: &self.account,
            tables: &self.tables,
        };
        let role_consumers = self.role_consumers[d].clone();
        let free = set_of(
            role_consumers
                .iter()
                .copied()
                .filter(|n| graph.limit(*n).is_none()),
        );
        let was_free = |n: &u32| self.tables.free.contains(*n);
        let moved = role_consumers
            .iter()
            .any(|n| was_free(n) != free.contains(*n));
        let of_group = self
            .account
            .groups
            .iter()
            .any(|g| g.policies.contains(&document));
        let of_all = self.account.scp.iter().flatten().any(|p| *p == document);
        let bounded = role_consumers
            .iter()
            .any(|n| self.account.principals[*n as usize].boundary.is_some());
        let of_version = self.account.versions.iter().any(|(_, v)| *v == document);
        if role_consumers.is_empty() || moved || of_group || of_all || bounded || of_version {
            self.tables = prepare(&self.account);
            let graph = AccountGraph {
                account: &self.account,
                tables: &self.tables,
            };
            (self.sets, self.seen) = analyze_all(graph, self.threads);
        } else {
            for number in role_consumers {
                let found = graph.analyze(number);
                self.seen[number as usize] = PrincipalEdges::enter(found, &mut self.sets);
            }
            self.forget_sets();
        }
        let reach = walk(&self.sets, &self.seen);
        let changed = (0..reach.len())
            .filter(|n| reach[*n] != self.reach[*n])
            .map(|n| n as u32)
            .collect();
        self.reach = reach;
        Ok(changed)
    }

    /// Drops sets that no edge leads to any more, once there are twice as many as needed.
    fn forget_sets(&mut self) {
        if self.sets.list.len() < SETS_MIN || self.sets.list.len() < 2 * self.sets.needed {
            return;
        }
        let mut kept = PrincipalSets::default();
        for edge in self
            .seen
            .iter_mut()
            .flat_map(|s: &mut PrincipalEdges| &mut s.edges)
        {
            let EscalationEdge {
                to: EdgeTarget::Principals { must, may },
                ..
            } = edge
            else {
                continue;
            };
            *must = kept.number(self.sets.list[*must as usize].clone());
            *may = kept.number(self.sets.list[*may as usize].clone());
        }
        kept.needed = kept.list.len();
        self.sets = kept;
    }
}

/// PrincipalSets that are not worth dropping.
const SETS_MIN: usize = 10_000;
