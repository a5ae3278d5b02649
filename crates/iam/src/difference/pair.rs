//! Two policies side by side, with variables as symbols.

use super::granted_to::GrantedTo;
use crate::actions::Actions;
use crate::bits::Bits;
use crate::engine::{Compiled, CompiledStatement, Compiler, ResourcePattern, widened};
use crate::pattern::{Pattern, Rest, VARIABLES, rest_within};
use crate::policy::{Block, Policy};
use crate::request::PolicyGrammar;
use crate::value::TemplatePiece;

/// Ways to pick one exception of each statement with NotResource that are tried.
const PICKS_MAX: usize = 64;

/// A policy as written and compiled.
pub(super) struct WithCompiled<'p> {
    pub(super) policy: &'p Policy,
    pub(super) compiled: Compiled,
}

impl<'p> WithCompiled<'p> {
    pub(super) fn new(
        policy: &'p Policy,
        side: PolicyGrammar,
        compiler: &mut Compiler<'_>,
    ) -> Self {
        Self {
            policy,
            compiled: compiler.compile(policy, side),
        }
    }
}

/// Two policies, compared for one class of actions.
pub(super) struct PolicyPair<'a> {
    pub(super) old: &'a WithCompiled<'a>,
    pub(super) new: &'a WithCompiled<'a>,
    /// Numbers of the statements that are about the class.
    pub(super) of_old: &'a [usize],
    pub(super) of_new: &'a [usize],
    /// The resources that the actions may be about.
    pub(super) universe: Pattern,
    pub(super) class: &'a Bits,
    pub(super) side: PolicyGrammar,
    pub(super) actions: &'a Actions,
    pub(super) symbols: &'a VariableSymbols,
}

impl<'a> PolicyPair<'a> {
    pub(super) fn old_statements(&self) -> impl Iterator<Item = (usize, &'a CompiledStatement)> {
        let (numbers, old) = (self.of_old, self.old);
        numbers
            .iter()
            .map(move |n| (*n, &old.compiled.statements[*n]))
    }

    pub(super) fn new_statements(&self) -> impl Iterator<Item = (usize, &'a CompiledStatement)> {
        let (numbers, new) = (self.of_new, self.new);
        numbers
            .iter()
            .map(move |n| (*n, &new.compiled.statements[*n]))
    }
}

/// Access by one statement of the new policy: for somebody, on one of its resources.
pub(super) struct AllowedAccess<'a> {
    pub(super) number: usize,
    pub(super) statement: &'a CompiledStatement,
    pub(super) whom: &'a GrantedTo,
    /// None: on everything but what the statement leaves out.
    pub(super) include: Option<&'a ResourcePattern>,
}

/// Variables of the policies by number.
pub(super) struct VariableSymbols {
    known: Vec<(String, Option<String>)>,
    /// Whether a policy has characters that would be taken for variables: then none is.
    is_taken: bool,
}

impl VariableSymbols {
    pub(super) fn of(statements: &[&CompiledStatement]) -> Self {
        let (mut known, mut is_taken) = (Vec::new(), false);
        for statement in statements {
            let (Some(Block::Is(list)) | Some(Block::Not(list))) = &statement.resource else {
                continue;
            };
            for resource in list {
                match resource {
                    ResourcePattern::Pattern(pattern) => is_taken |= pattern.has(&VARIABLES),
                    ResourcePattern::Template(pieces) => {
                        for piece in pieces {
                            match piece {
                                TemplatePiece::Letter(letter, _) => {
                                    is_taken |= VARIABLES.contains(letter)
                                }
                                TemplatePiece::Variable(key, default) => {
                                    let one = (key.clone(), default.clone());
                                    if !known.contains(&one) {
                                        known.push(one);
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        is_taken |= known.len() >= SYMBOLS_MAX;
        Self { known, is_taken }
    }

    /// Pattern of a resource with a character in place of each variable; none where there are too
    /// many variables.
    pub(super) fn pattern(&self, resource: &ResourcePattern) -> Option<Pattern> {
        let pieces = match resource {
            ResourcePattern::Pattern(pattern) => return Some(pattern.clone()),
            ResourcePattern::Template(_) if self.is_taken => return None,
            ResourcePattern::Template(pieces) => pieces,
        };
        let letter = |piece: &TemplatePiece| match piece {
            TemplatePiece::Letter(letter, wild) => {
                Some((*letter, *wild && matches!(letter, '*' | '?')))
            }
            TemplatePiece::Variable(key, default) => {
                let number = self
                    .known
                    .iter()
                    .position(|(k, d)| k == key && d == default)?;
                Some((
                    char::from_u32(VARIABLES.start as u32 + u32::try_from(number).ok()?)?,
                    false,
                ))
            }
        };
        let letters: Option<Vec<_>> = pieces.iter().map(letter).collect();
        Some(Pattern::arn_of(letters?.into_iter()))
    }
}

/// Variables of two policies that are told apart.
const SYMBOLS_MAX: usize = 10_000;

/// A pattern that matches at least what the resource does.
pub(super) fn outer(resource: &ResourcePattern) -> Pattern {
    match resource {
        ResourcePattern::Pattern(pattern) => pattern.clone(),
        ResourcePattern::Template(pieces) => Pattern::arn(&widened(pieces)),
    }
}

/// Remainder of `from` when `without` is taken away, and all but one of each of `picks`: the
/// complements that `NotResource` takes away.
pub(super) fn left(
    from: &[&Pattern],
    without: &[&Pattern],
    picks: &[Vec<Pattern>],
    work_left: &mut usize,
) -> Rest {
    let combinations = picks.iter().try_fold(1usize, |all, p| {
        all.checked_mul(p.len()).filter(|n| *n <= PICKS_MAX)
    });
    let Some(combinations) = combinations else {
        return Rest::TooLarge;
    };
    let mut answer = Rest::Nothing;
    for n in 0..combinations {
        if *work_left == 0 {
            return Rest::TooLarge;
        }
        let (mut rest, mut from) = (n, from.to_vec());
        for pick in picks {
            from.push(&pick[rest % pick.len()]);
            rest /= pick.len();
        }
        match rest_within(&from, without, work_left) {
            Rest::Nothing => {}
            Rest::TooLarge => answer = Rest::TooLarge,
            text @ Rest::Text(_) => return text,
        }
    }
    answer
}
