//! Actions that a document allows and denies on all resources.

use crate::bits::Bits;
use crate::engine::{CompiledStatement, ResourcePattern, StatementEffect};
use crate::policy::Block;

/// Actions on all resources, of one document.
#[derive(Default)]
pub(super) struct UnrestrictedActions {
    pub(super) allowed: Bits,
    pub(super) perhaps_allowed: Bits,
    pub(super) denied: Bits,
    pub(super) perhaps_denied: Bits,
}

impl UnrestrictedActions {
    pub(super) fn of(statements: &[CompiledStatement]) -> Self {
        let mut wide = Self::default();
        for statement in statements {
            let on_all = match &statement.resource {
                Some(Block::Is(list)) => list
                    .iter()
                    .any(|r| matches!(r, ResourcePattern::Pattern(p) if p.is_all())),
                Some(Block::Not(list)) => list.is_empty(),
                None => false,
            };
            if !on_all {
                continue;
            }
            let sure = statement.understood && statement.conditions.is_empty();
            let (certain, perhaps) = match statement.effect {
                StatementEffect::Allow => (&mut wide.allowed, &mut wide.perhaps_allowed),
                StatementEffect::Deny => (&mut wide.denied, &mut wide.perhaps_denied),
                StatementEffect::Other => continue,
            };
            *perhaps = perhaps.union(&statement.actions);
            if sure {
                *certain = certain.union(&statement.actions);
            }
        }
        wide
    }
}
