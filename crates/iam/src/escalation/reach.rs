//! The walk from administrators to all who reach them.

use std::collections::BTreeMap;

use super::limits::{AccountGraph, prepare};
use super::model::{Escalation, EscalationStep, Escalations, LimitedEscalation, Rung};
use super::principal::{PrincipalFindings, TechniqueGain};
use super::sets::{PrincipalSets, add};
use super::techniques::TECHNIQUES;
use crate::account::{Account, Controls};
use crate::bits::Bits;
use crate::tri::Tri;

/// Finds all escalations of an account, with as many threads as asked for. The result does not
/// depend on their number.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Rung, Tri, escalations};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///         "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "iam:PutUserPolicy", "Resource": "*"}}}]}]}"#,
/// )?;
/// let found = escalations(&builder.build(), 1);
/// assert_eq!((found.found[0].rung, found.found[0].verdict), (Rung::C, Tri::Yes));
/// assert_eq!(found.found[0].steps[0].row, "iam-007");
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn escalations(account: &Account<'_>, threads: usize) -> Escalations {
    let tables = prepare(account);
    let (sets, seen) = analyze_all(
        AccountGraph {
            account,
            tables: &tables,
        },
        threads,
    );
    let mut result = result(&sets, &seen, &walk(&sets, &seen));
    if matches!(account.controls, Controls::Unread(_)) {
        at_most_maybe(&mut result);
    }
    result
}

/// SCPs that were not read may hold each of them back.
pub(super) fn at_most_maybe(result: &mut Escalations) {
    for escalation in &mut result.found {
        escalation.verdict = escalation.verdict.min(Tri::Maybe);
    }
}

/// Analyzes all principals, in pieces on threads; the result is in the order of principals.
pub(super) fn analyze_all(
    graph: AccountGraph<'_, '_>,
    threads: usize,
) -> (PrincipalSets, Vec<PrincipalEdges>) {
    let count = graph.account.principals.len();
    let piece = count.div_ceil(threads.max(1)).max(1);
    let pieces: Vec<Vec<PrincipalFindings>> = std::thread::scope(|scope| {
        let run = |from: usize| {
            let numbers = from..(from + piece).min(count);
            scope.spawn(move || numbers.map(|n| graph.analyze(n as u32)).collect())
        };
        let runs: Vec<_> = (0..count).step_by(piece).map(run).collect();
        runs.into_iter()
            .map(|r| r.join().unwrap_or_default())
            .collect()
    });
    let mut sets = PrincipalSets::default();
    let edges = pieces
        .into_iter()
        .flatten()
        .map(|found| PrincipalEdges::enter(found, &mut sets))
        .collect();
    sets.needed = sets.list.len();
    (sets, edges)
}

/// Edges from one principal.
pub(super) struct PrincipalEdges {
    pub(super) own: Option<(Rung, Tri)>,
    pub(super) edges: Vec<EscalationEdge>,
    pub(super) limited: Vec<LimitedEscalation>,
}

impl PrincipalEdges {
    /// Puts what was found of a principal among the others.
    pub(super) fn enter(found: PrincipalFindings, sets: &mut PrincipalSets) -> Self {
        let edges = found.gains.into_iter().map(|(row, gain)| match gain {
            TechniqueGain::Everything(verdict, through) => EscalationEdge {
                row,
                to: EdgeTarget::Everything(verdict),
                through,
            },
            TechniqueGain::Principals(must, may, through) => {
                let to = EdgeTarget::Principals {
                    must: sets.number(must),
                    may: sets.number(may),
                };
                EscalationEdge { row, to, through }
            }
        });
        Self {
            edges: edges.collect(),
            own: found.own,
            limited: found.limited,
        }
    }
}

/// Edge: a technique and its target.
pub(super) struct EscalationEdge {
    pub(super) row: u16,
    pub(super) to: EdgeTarget,
    /// Service, function or group that it goes through.
    pub(super) through: Option<String>,
}

/// Target of an edge.
#[derive(Clone, Copy)]
pub(super) enum EdgeTarget {
    Everything(Tri),
    /// The access of one of these principals: for sure, perhaps. Numbers of sets.
    Principals {
        must: u32,
        may: u32,
    },
}

/// Position of a principal: its rung, how sure it is, and its first step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReachedBy {
    pub(super) rung: Rung,
    pub(super) verdict: Tri,
    pub(super) step: Option<EscalationStep>,
}

/// Walks from those who hold everything to all who reach them, round by round.
pub(super) fn walk(sets: &PrincipalSets, seen: &[PrincipalEdges]) -> Vec<Option<ReachedBy>> {
    let mut reach: Vec<Option<ReachedBy>> = vec![None; seen.len()];
    let mut reached = Bits::default();
    // Those who are sure first: a sure path goes before a shorter one that is not.
    for sure in [true, false] {
        for (n, s) in seen
            .iter()
            .enumerate()
            .filter(|(n, _)| !reached.contains(*n as u32))
            .collect::<Vec<_>>()
        {
            if let Some((rung, verdict)) =
                s.own.filter(|(_, verdict)| *verdict == Tri::Yes || !sure)
            {
                reach[n] = Some(ReachedBy {
                    rung,
                    verdict,
                    step: None,
                });
                reached.insert(n as u32);
            }
        }
        // The first of each set that is reached.
        let mut hits: Vec<Option<u32>> = vec![None; sets.list.len()];
        let mut left: Vec<usize> = (0..seen.len())
            .filter(|n| reach[*n].is_none() && !seen[*n].edges.is_empty())
            .collect();
        loop {
            for (hit, set) in hits
                .iter_mut()
                .zip(&sets.list)
                .filter(|(hit, _)| hit.is_none())
            {
                if set.meets(&reached) {
                    *hit = set.intersection(&reached).iter().next();
                }
            }
            let mut fresh = Vec::new();
            left.retain(|n| {
                match seen[*n]
                    .edges
                    .iter()
                    .find_map(|edge| edge.step(&hits, sure))
                {
                    Some(step) => {
                        fresh.push((*n, step));
                        false
                    }
                    None => true,
                }
            });
            if fresh.is_empty() {
                break;
            }
            for (n, step) in fresh {
                reached.insert(n as u32);
                let behind = step
                    .to
                    .and_then(|to| reach[to as usize].as_ref())
                    .map_or(Tri::Yes, |r| r.verdict);
                reach[n] = Some(ReachedBy {
                    rung: step.rung,
                    verdict: step.verdict.and(behind),
                    step: Some(step),
                });
            }
        }
    }
    reach
}

/// Result of a walk, with whole paths and all first steps.
pub(super) fn result(
    sets: &PrincipalSets,
    seen: &[PrincipalEdges],
    reach: &[Option<ReachedBy>],
) -> Escalations {
    let mut reached = (Bits::default(), Bits::default());
    for (n, r) in reach.iter().enumerate() {
        add(
            &mut reached,
            r.as_ref().map_or(Tri::No, |r| r.verdict),
            n as u32,
        );
    }
    let verdicts: Vec<(bool, bool)> = sets
        .list
        .iter()
        .map(|set| (set.meets(&reached.0), set.meets(&reached.1)))
        .collect();
    let mut found = Vec::new();
    for (n, r) in reach.iter().enumerate() {
        let Some(r) = r else { continue };
        let mut ways: BTreeMap<&'static str, Tri> = BTreeMap::new();
        for edge in &seen[n].edges {
            let verdict = match edge.to {
                EdgeTarget::Everything(verdict) => verdict,
                EdgeTarget::Principals { must, .. } if verdicts[must as usize].0 => Tri::Yes,
                EdgeTarget::Principals { may, .. } if verdicts[may as usize].1 => Tri::Maybe,
                EdgeTarget::Principals { .. } => Tri::No,
            };
            if verdict != Tri::No {
                let way = ways
                    .entry(TECHNIQUES[edge.row as usize].id)
                    .or_insert(verdict);
                *way = (*way).or(verdict);
            }
        }
        found.push(Escalation {
            principal: n as u32,
            rung: r.rung,
            verdict: r.verdict,
            steps: path(reach, n),
            ways,
        });
    }
    let mut limited: Vec<LimitedEscalation> = seen
        .iter()
        .flat_map(|s| s.limited.iter().cloned())
        .collect();
    limited.sort();
    Escalations { found, limited }
}

/// The steps of a principal.
pub(super) fn path(reach: &[Option<ReachedBy>], from: usize) -> Vec<EscalationStep> {
    let mut steps = Vec::new();
    let mut at = Some(from);
    while let Some(step) = at
        .and_then(|n| reach[n].as_ref())
        .and_then(|r| r.step.clone())
    {
        at = step.to.map(|to| to as usize);
        steps.push(step);
    }
    steps
}

impl EscalationEdge {
    /// A step to somebody who reaches everything.
    fn step(&self, hits: &[Option<u32>], sure: bool) -> Option<EscalationStep> {
        let row = &TECHNIQUES[self.row as usize];
        let step = |to, verdict| EscalationStep {
            row: row.id,
            rung: row.rung,
            to,
            through: self.through.clone(),
            verdict,
        };
        match self.to {
            EdgeTarget::Everything(verdict) => {
                (verdict == Tri::Yes || !sure).then(|| step(None, verdict))
            }
            EdgeTarget::Principals { must, may } => match (hits[must as usize], hits[may as usize])
            {
                (Some(to), _) => Some(step(Some(to), Tri::Yes)),
                (None, Some(to)) if !sure => Some(step(Some(to), Tri::Maybe)),
                _ => None,
            },
        }
    }
}
