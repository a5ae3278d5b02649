//! Terms of access: resources under conditions.

use super::model::LeftOutReason;
use crate::engine::{CompiledStatement, FilledTemplate, ResourcePattern, filled};
use crate::pattern::Pattern;
use crate::policy::{Block, PolicyCondition, Statement};
use crate::request::Context;
use crate::tri::Tri;
use crate::value::{Comparison, ConditionOperator, SetOperator, TemplatePiece};

/// Resources that some of `within` match and none of `except`, under all of `conditions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) within: Vec<Pattern>,
    pub(super) except: Vec<Pattern>,
    pub(super) conditions: Vec<PolicyCondition>,
}

/// Access by actions of one class: terms that allow, less terms that deny.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ClassAccess {
    pub(super) allows: Vec<Term>,
    pub(super) denies: Vec<Term>,
}

/// Terms, or the reason why they cannot be told.
pub(super) type TermResult<T> = Result<T, LeftOutReason>;

impl Term {
    /// Resources of these patterns, without conditions.
    pub(super) fn of(within: Vec<Pattern>) -> Self {
        Self {
            within,
            except: Vec::new(),
            conditions: Vec::new(),
        }
    }

    /// Term of a statement; none where what is known rules it out. `is_bare`: for actions that are
    /// about no resource.
    pub(super) fn of_statement(
        written: &Statement,
        compiled: &CompiledStatement,
        context: &Context,
        is_bare: bool,
    ) -> TermResult<Option<Self>> {
        if !compiled.is_understood() {
            return Err(LeftOutReason::NotUnderstood);
        }
        let mut conditions = Vec::new();
        for (one, written) in compiled.conditions.iter().zip(&written.conditions) {
            match one.holds(context) {
                Tri::Yes => {}
                Tri::No => return Ok(None),
                Tri::Maybe => conditions.push(written.clone()),
            }
        }
        conditions.sort_by(|a, b| (&a.operator, &a.key).cmp(&(&b.operator, &b.key)));
        let (within, except) = match &compiled.resource {
            None => return Err(LeftOutReason::NotUnderstood),
            Some(Block::Is(list)) => (patterns(list, context)?, Vec::new()),
            Some(Block::Not(list)) => (vec![Pattern::arn("*")], patterns(list, context)?),
        };
        let mut term = Self {
            within,
            except,
            conditions,
        };
        if is_bare {
            let is_in = |list: &[Pattern]| list.iter().any(|p| p.matches("*"));
            if !is_in(&term.within) || is_in(&term.except) {
                return Ok(None);
            }
            (term.within, term.except) = (vec![Pattern::arn("*")], Vec::new());
        }
        Ok(term.tidied())
    }

    /// Whether it is everything, whatever the request holds.
    pub(super) fn is_all(&self) -> bool {
        self.conditions.is_empty() && self.is_of_all_resources()
    }

    pub(super) fn is_of_all_resources(&self) -> bool {
        self.except.is_empty() && self.within.iter().any(Pattern::is_all)
    }

    /// Without what it leaves out itself; none where nothing is left.
    pub(super) fn tidied(mut self) -> Option<Self> {
        let except = &self.except;
        self.within.retain(|w| !except.iter().any(|e| e.covers(w)));
        keep_outer(&mut self.within);
        let within = &self.within;
        self.except
            .retain(|e| within.iter().any(|w| w.meets(e).is_some()));
        keep_outer(&mut self.except);
        (!self.within.is_empty()).then_some(self)
    }

    /// Intersection of both; none where it is empty.
    pub(super) fn both(&self, other: &Self) -> TermResult<Option<Self>> {
        if self.is_all() {
            return Ok(Some(other.clone()));
        }
        if other.is_all() {
            return Ok(Some(self.clone()));
        }
        let mut within = Vec::new();
        for one in &self.within {
            for two in &other.within {
                let both = one.intersection(two).ok_or(LeftOutReason::TooLarge)?;
                within.extend(both);
            }
        }
        let Some(conditions) = both_conditions(&self.conditions, &other.conditions)? else {
            return Ok(None);
        };
        let except = self.except.iter().chain(&other.except).cloned().collect();
        let term = Self {
            within,
            except,
            conditions,
        };
        Ok(term.tidied())
    }

    /// Whether all that the other is about, whatever its conditions, is about this one's resources.
    pub(super) fn covers_resources(&self, other: &Self) -> bool {
        self.except.is_empty()
            && other
                .within
                .iter()
                .all(|o| self.within.iter().any(|w| w.covers(o)))
    }

    /// Whether they have resources in common. True also where that cannot be told.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let here = |w: &Pattern| {
            !self.except.iter().any(|e| e.covers(w)) && !other.except.iter().any(|e| e.covers(w))
        };
        self.within.iter().any(|one| {
            other.within.iter().any(|two| match one.intersection(two) {
                Some(both) => both.iter().any(here),
                None => true,
            })
        })
    }
}

/// Drops patterns that others cover.
pub(super) fn keep_outer(list: &mut Vec<Pattern>) {
    let mut kept: Vec<Pattern> = Vec::new();
    for pattern in list.drain(..) {
        if kept.iter().any(|k| k.covers(&pattern)) {
            continue;
        }
        kept.retain(|k| !pattern.covers(k));
        kept.push(pattern);
    }
    kept.sort_by_key(ToString::to_string);
    *list = kept;
}

/// Resources of a statement, with what is known in place of variables.
fn patterns(list: &[ResourcePattern], context: &Context) -> TermResult<Vec<Pattern>> {
    let mut found = Vec::new();
    for resource in list {
        match resource {
            ResourcePattern::Pattern(pattern) => found.push(pattern.clone()),
            ResourcePattern::Template(pieces) => match filled(pieces, context) {
                FilledTemplate::With(letters) => found.push(Pattern::arn_of(letters.into_iter())),
                FilledTemplate::Missing => {}
                FilledTemplate::Unknown => {
                    let key = pieces.iter().find_map(|piece| match piece {
                        TemplatePiece::Variable(key, _) => Some(key.clone()),
                        TemplatePiece::Letter(..) => None,
                    });
                    return Err(LeftOutReason::Variable(key.unwrap_or_default()));
                }
            },
        }
    }
    Ok(found)
}

/// Conditions that ask for both; none where nothing can meet both.
fn both_conditions(
    one: &[PolicyCondition],
    two: &[PolicyCondition],
) -> TermResult<Option<Vec<PolicyCondition>>> {
    let mut all = one.to_vec();
    for condition in two {
        if all.contains(condition) {
            continue;
        }
        let same = |c: &&mut PolicyCondition| {
            c.operator.eq_ignore_ascii_case(&condition.operator)
                && c.key.eq_ignore_ascii_case(&condition.key)
        };
        let Some(known) = all.iter_mut().find(same) else {
            all.push(condition.clone());
            continue;
        };
        let Some(operator) = ConditionOperator::parse(&condition.operator) else {
            return Err(LeftOutReason::NotUnderstood);
        };
        match operator.test {
            // None of the one and none of the other.
            _ if operator.negated && operator.set == SetOperator::None => {
                known.values.extend(condition.values.iter().cloned());
                known.values.sort();
                known.values.dedup();
            }
            Comparison::Equals if is_one_of(&operator, known, condition) => {
                known.values.retain(|v| condition.values.contains(v));
                if known.values.is_empty() {
                    return Ok(None);
                }
            }
            // The second may leave out that the key is there, as the first asks for that.
            test if test != Comparison::Null && !operator.if_exists => {
                let mut beside = condition.clone();
                beside.operator.push_str("IfExists");
                let is_taken = |c: &PolicyCondition| {
                    c.operator.eq_ignore_ascii_case(&beside.operator)
                        && c.key.eq_ignore_ascii_case(&beside.key)
                        && *c != beside
                };
                if operator.set != SetOperator::None || all.iter().any(is_taken) {
                    return Err(LeftOutReason::NotOneStatement);
                }
                all.push(beside);
            }
            _ => return Err(LeftOutReason::NotOneStatement),
        }
    }
    all.sort_by(|a, b| (&a.operator, &a.key).cmp(&(&b.operator, &b.key)));
    all.dedup();
    Ok(Some(all))
}

/// Whether both conditions ask that a key with one value is one of some texts.
fn is_one_of(operator: &ConditionOperator, a: &PolicyCondition, b: &PolicyCondition) -> bool {
    let plain = |c: &PolicyCondition| c.values.iter().all(|v| !v.contains("${"));
    operator.set == SetOperator::None && !operator.if_exists && plain(a) && plain(b)
}
