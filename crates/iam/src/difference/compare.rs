//! Comparison of two policies, class by class.

use super::granted_to::whom;
use super::model::{AccessClass, Difference};
use super::pair::{AllowedAccess, PolicyPair, VariableSymbols, WithCompiled, outer};
use super::proof;
use super::trial::{self, TrialResult};

use crate::actions::{Action, Actions};
use crate::bits::Bits;
use crate::engine::{CompiledStatement, Compiler, ResourcePattern, StatementEffect};
use crate::pattern::Pattern;
use crate::policy::{Block, Policy};
use crate::request::PolicyGrammar;
use crate::tri::Tri;

/// Compares two policies that stand in the same place.
///
/// ```
/// use bartizan_iam::{Actions, PolicyGrammar, Tri, difference, parse};
/// let policy = |resource: &str| {
///     parse(&format!(r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow",
///         "Action": "s3:GetObject", "Resource": "{resource}"}}}}"#))
/// };
/// let (old, new) = (policy("arn:aws:s3:::logs/*")?, policy("arn:aws:s3:::logs*")?);
/// let found = difference(&old, &new, PolicyGrammar::Identity, Actions::builtin());
/// assert_eq!((found.gained[0].verdict, found.lost.len()), (Tri::Yes, 0));
/// assert!(found.gained[0].witness.is_some());
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
pub fn difference(
    old: &Policy,
    new: &Policy,
    side: PolicyGrammar,
    actions: &Actions,
) -> Difference {
    let mut compiler = Compiler::new(actions);
    let (a, b) = (
        WithCompiled::new(old, side, &mut compiler),
        WithCompiled::new(new, side, &mut compiler),
    );
    Difference {
        gained: gained(&a, &b, side, actions),
        lost: gained(&b, &a, side, actions),
    }
}

/// Work of all automata together in one comparison (see [`crate::rest_of`]); what is left then is a
/// `may`.
const WORK_MAX: usize = 2_000_000;

fn gained(
    old: &WithCompiled<'_>,
    new: &WithCompiled<'_>,
    side: PolicyGrammar,
    actions: &Actions,
) -> Vec<AccessClass> {
    let statements: Vec<&CompiledStatement> = old
        .compiled
        .statements
        .iter()
        .chain(&new.compiled.statements)
        .collect();
    let symbols = VariableSymbols::of(&statements);
    let mut found: Vec<AccessClass> = Vec::new();
    let mut work_left = WORK_MAX;
    for class in partition(&statements, actions) {
        let first = class.iter().next().unwrap_or_default();
        let of = |both: &WithCompiled<'_>| -> Vec<usize> {
            both.compiled
                .statements
                .iter()
                .enumerate()
                .filter(|(_, s)| s.actions.contains(first))
                .map(|(n, _)| n)
                .collect()
        };
        let (of_old, of_new) = (of(old), of(new));
        let bare = (first as usize) < actions.len() && actions.is_wildcard_only(Action(first));
        let universe = if bare {
            Pattern::exact("*")
        } else {
            Pattern::arn("arn:*:*:*:*:*")
        };
        let pair = PolicyPair {
            old,
            new,
            of_old: &of_old,
            of_new: &of_new,
            universe,
            class: &class,
            side,
            actions,
            symbols: &symbols,
        };
        for &n in &of_new {
            let statement = &new.compiled.statements[n];
            if statement.effect == StatementEffect::Deny {
                continue;
            }
            for whom in whom(statement, side) {
                for (resource, include) in includes(statement) {
                    if work_left == 0 {
                        found.push(undecided(new, n));
                        return found;
                    }
                    let one = AllowedAccess {
                        number: n,
                        statement,
                        whom: &whom,
                        include: include.as_ref(),
                    };
                    if proof::is_covered(&pair, &one, &mut work_left) {
                        continue;
                    }
                    let (verdict, witness) = match trial::run(&pair, &one, &mut work_left) {
                        TrialResult::Nothing => continue,
                        TrialResult::Open => (Tri::Maybe, None),
                        TrialResult::Shown(request) => (Tri::Yes, Some(request)),
                    };
                    let conditions: Vec<String> = statement
                        .conditions
                        .iter()
                        .map(|c| c.text.clone())
                        .collect();
                    let principal = whom.text();
                    // Access that differs by its actions only is one class.
                    let same = |c: &&mut AccessClass| {
                        c.statement == n
                            && c.resource == resource
                            && c.principal == principal
                            && c.verdict == verdict
                    };
                    match found.iter_mut().find(same) {
                        Some(known) => known.actions = known.actions.union(&class),
                        None => found.push(AccessClass {
                            actions: class.clone(),
                            resource,
                            principal,
                            conditions,
                            keys: statement.conditions.iter().map(|c| c.key.clone()).collect(),
                            statement: n,
                            verdict,
                            witness,
                        }),
                    }
                }
            }
        }
    }
    found
}

/// Resources of a statement one by one, as they are shown and as they are.
fn includes(statement: &CompiledStatement) -> Vec<(String, Option<ResourcePattern>)> {
    match &statement.resource {
        None => vec![("*".to_owned(), None)],
        Some(Block::Is(list)) => list
            .iter()
            .map(|r| (outer(r).to_string(), Some(r.clone())))
            .collect(),
        Some(Block::Not(_)) if statement.is_without_resource => vec![("*".to_owned(), None)],
        Some(Block::Not(list)) => {
            let but: Vec<String> = list.iter().map(|r| outer(r).to_string()).collect();
            let all = if but.is_empty() {
                "*".to_owned()
            } else {
                format!("all but {}", but.join(", "))
            };
            vec![(all, None)]
        }
    }
}

/// Class that stands for all that was not compared, from this statement on: whatever the policy
/// allows may be new.
fn undecided(new: &WithCompiled<'_>, statement: usize) -> AccessClass {
    let allows = new
        .compiled
        .statements
        .iter()
        .filter(|s| s.effect != StatementEffect::Deny);
    AccessClass {
        actions: allows.fold(Bits::default(), |all, s| all.union(&s.actions)),
        resource: "more than can be compared".to_owned(),
        principal: None,
        conditions: Vec::new(),
        keys: Vec::new(),
        statement,
        verdict: Tri::Maybe,
        witness: None,
    }
}

/// The universe of actions in classes that the same statements are about. Actions without resources
/// stand apart.
fn partition(statements: &[&CompiledStatement], actions: &Actions) -> Vec<Bits> {
    let all = actions.all();
    let mut bare = Bits::default();
    (0..actions.len() as u32)
        .filter(|n| actions.is_wildcard_only(Action(*n)))
        .for_each(|n| bare.insert(n));
    let mut classes = vec![all.difference(&bare), bare];
    for statement in statements {
        let split = |class: Bits| {
            [
                class.intersection(&statement.actions),
                class.difference(&statement.actions),
            ]
        };
        classes = classes
            .into_iter()
            .flat_map(split)
            .filter(|c| !c.is_empty())
            .collect();
    }
    classes
}
