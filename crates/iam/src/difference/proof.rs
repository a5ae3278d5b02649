//! That what a statement allows is allowed by the other policy, whatever the request holds.

use super::condition::implied;
use super::granted_to::GrantedTo;
use super::pair::{AllowedAccess, PolicyPair, left, outer};
use crate::engine::{CompiledStatement, ResourcePattern, StatementEffect};
use crate::pattern::{Pattern, Rest, rest_within};
use crate::policy::Block;

/// Whether it is proved. False says nothing.
pub(super) fn is_covered(
    pair: &PolicyPair<'_>,
    one: &AllowedAccess<'_>,
    work_left: &mut usize,
) -> bool {
    // Of a statement that is not understood nothing is known but that it is itself.
    let is_itself = |n: usize| is_same(pair, n, one.number);
    let (asked, whom) = (&one.statement.conditions, one.whom);
    let mut taken = SubtractedResources::default();
    if let Some(Block::Not(list)) = &one.statement.resource {
        taken.add(pair, list);
    }
    for (_, s) in pair.new_statements() {
        let denies =
            s.effect == StatementEffect::Deny && s.is_understood() && whom.is_within(&s.principal);
        if denies && s.conditions.iter().all(|c| implied(c, asked)) {
            taken.add_block(pair, &s.resource);
        }
    }
    let itself = pair.old_statements().any(|(n, _)| is_itself(n));
    if !itself {
        if !one.statement.is_understood() {
            return false;
        }
        let mut allowed = taken.clone();
        for (_, s) in pair.old_statements() {
            let allows = s.effect == StatementEffect::Allow
                && s.is_understood()
                && whom.is_within(&s.principal);
            if allows && s.conditions.iter().all(|c| implied(c, asked)) {
                allowed.add_block(pair, &s.resource);
            }
        }
        if !allowed.takes(pair, one.include, None, work_left) {
            return false;
        }
    }
    // What the old policy denies must be denied by the new one.
    for (n, denied) in pair
        .old_statements()
        .filter(|(_, s)| s.effect != StatementEffect::Allow)
    {
        if pair
            .new_statements()
            .any(|(m, s)| s.effect == denied.effect && is_same(pair, n, m))
        {
            continue;
        }
        let mut by = taken.clone();
        for (_, s) in pair
            .new_statements()
            .filter(|(_, s)| s.effect == StatementEffect::Deny && s.is_understood())
        {
            let named = whom.is_within(&s.principal) || is_wider(s, denied);
            let holds = |c| implied(c, &denied.conditions) || implied(c, asked);
            if named && s.conditions.iter().all(holds) {
                by.add_block(pair, &s.resource);
            }
        }
        let gone = match &denied.resource {
            None => false,
            Some(Block::Is(list)) => list
                .iter()
                .all(|d| by.takes(pair, one.include, Some(d), work_left)),
            Some(Block::Not(list)) => {
                by.add(pair, list);
                by.takes(pair, one.include, None, work_left)
            }
        };
        if !gone {
            return false;
        }
    }
    true
}

/// Whether a statement of the old policy is one of the new one, but for its actions and its name.
fn is_same(pair: &PolicyPair<'_>, old: usize, new: usize) -> bool {
    let (a, b) = (&pair.old.policy, &pair.new.policy);
    let (x, y) = (&a.statements[old], &b.statements[new]);
    let (p, q) = (
        &pair.old.compiled.statements[old],
        &pair.new.compiled.statements[new],
    );
    a.version == b.version
        && a.unknown == b.unknown
        && (&x.effect, &x.unknown, &x.action.is_some())
            == (&y.effect, &y.unknown, &y.action.is_some())
        && p.resource == q.resource
        && p.principal == q.principal
        && x.conditions == y.conditions
}

/// Whether the principals of one are all named by the other.
fn is_wider(wide: &CompiledStatement, narrow: &CompiledStatement) -> bool {
    match &narrow.principal {
        None => true,
        Some(Block::Is(list)) => list
            .iter()
            .all(|p| GrantedTo::One(p.clone()).is_within(&wide.principal)),
        // Of two denials that spare some, the one that spares fewer.
        Some(Block::Not(list)) => GrantedTo::AllBut(list.clone()).is_within(&wide.principal),
    }
}

/// Resources that are taken away.
#[derive(Default, Clone)]
struct SubtractedResources {
    /// With a character for each variable.
    without: Vec<Pattern>,
    /// Complements: all but these.
    all_but: Vec<Vec<ResourcePattern>>,
}

impl SubtractedResources {
    fn add(&mut self, pair: &PolicyPair<'_>, list: &[ResourcePattern]) {
        self.without
            .extend(list.iter().filter_map(|r| pair.symbols.pattern(r)));
    }

    fn add_block(&mut self, pair: &PolicyPair<'_>, block: &Option<Block<Vec<ResourcePattern>>>) {
        match block {
            None => {}
            Some(Block::Is(list)) => self.add(pair, list),
            Some(Block::Not(list)) => self.all_but.push(list.clone()),
        }
    }

    /// Whether it takes away all of a resource, or of what is in that and in another.
    fn takes(
        &self,
        pair: &PolicyPair<'_>,
        include: Option<&ResourcePattern>,
        also: Option<&ResourcePattern>,
        work_left: &mut usize,
    ) -> bool {
        let without: Vec<&Pattern> = self.without.iter().collect();
        let mut is_nothing =
            |from: &[&Pattern]| rest_within(from, &without, work_left) == Rest::Nothing;
        // Either of the two alone may be gone; a character for a variable is right as long as
        // nothing is compared with it.
        for alone in [include, also].into_iter().flatten() {
            if pair
                .symbols
                .pattern(alone)
                .is_some_and(|p| is_nothing(&[&p, &pair.universe]))
            {
                return true;
            }
        }
        // What complements leave: those of their exceptions that are not gone in any case.
        let mut picks: Vec<Vec<Pattern>> = Vec::new();
        for list in &self.all_but {
            let stays =
                |r: &&ResourcePattern| !pair.symbols.pattern(r).is_some_and(|p| is_nothing(&[&p]));
            let left: Vec<Pattern> = list.iter().filter(stays).map(outer).collect();
            if left.is_empty() {
                return true;
            }
            picks.push(left);
        }
        let from: Vec<Pattern> = [include, also]
            .into_iter()
            .flatten()
            .map(outer)
            .chain([pair.universe.clone()])
            .collect();
        left(
            &from.iter().collect::<Vec<_>>(),
            &without,
            &picks,
            work_left,
        ) == Rest::Nothing
    }
}
