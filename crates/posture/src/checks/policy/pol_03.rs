//! POL-03: a policy allows by exclusion.

use bartizan_iam::{Block, Statement};
use bartizan_model::Severity;

use crate::check::{Check, Source};
use crate::policies::{HOLDER_KINDS, allows};
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "POL-03",
    title: "A policy allows everything but what it names",
    severity: Severity::High,
    why: "An Allow with NotAction, NotResource or NotPrincipal gives what nobody listed, and whatever AWS adds later.",
    judged: "Such a statement in a policy of a user, group, role, or of a resource.",
    fix: "Name what is allowed: bartizan access eval shows what the statement gives",
    sources: &[Source::Talk],
    needs: &HOLDER_KINDS,
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    super::judge_holders(view, verdicts, is_by_exclusion);
    for resource in &view.iam.resources {
        let policy = &view.iam.documents[resource.policy as usize].policy;
        let at = policy.statements.iter().position(is_by_exclusion);
        let fault = at.map(|n| format!("its policy, statement {}", n + 1));
        verdicts.judge(
            &resource.arn,
            super::super::region_of(&resource.arn),
            [Ok(fault)],
        );
    }
}

fn is_by_exclusion(statement: &Statement) -> bool {
    let is_not = |block: &Option<Block<Vec<String>>>| matches!(block, Some(Block::Not(_)));
    allows(statement)
        && (is_not(&statement.action)
            || is_not(&statement.resource)
            || matches!(statement.principal, Some(Block::Not(_))))
}
