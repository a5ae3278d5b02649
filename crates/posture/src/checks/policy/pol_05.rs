//! POL-05: a policy lets its holder assume any role.

use bartizan_iam::{Block, Pattern, Statement};
use bartizan_model::Severity;

use crate::check::Check;
use crate::policies::{HOLDER_KINDS, allows, is_everything};
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "POL-05",
    title: "A policy allows sts:AssumeRole on every role",
    severity: Severity::High,
    why: "Its holder becomes whatever role trusts the account, also roles that are made tomorrow.",
    judged: "An Allow that covers sts:AssumeRole on every role of the account. A statement that allows everything is POL-01.",
    fix: "Name the roles in the Resource of the statement",
    sources: &[],
    needs: &HOLDER_KINDS,
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let every_role = Pattern::arn(&format!("arn:aws:iam::{}:role/*", view.id));
    super::judge_holders(view, verdicts, |statement| {
        is_assume_any(statement, &every_role)
    });
}

/// Whether a statement allows sts:AssumeRole on every role of the account, and not everything.
fn is_assume_any(statement: &Statement, every_role: &Pattern) -> bool {
    let (Some(Block::Is(actions)), Some(Block::Is(resources))) =
        (&statement.action, &statement.resource)
    else {
        return false;
    };
    const ASSUME: &str = "sts:AssumeRole";
    let is_assume = |action: &String| {
        action.eq_ignore_ascii_case(ASSUME)
            || action.contains(['*', '?'])
                && Pattern::text(&action.to_ascii_lowercase())
                    .covers(&Pattern::exact(&ASSUME.to_ascii_lowercase()))
    };
    allows(statement)
        && actions.iter().any(is_assume)
        && !is_everything(statement)
        && resources.iter().any(|r| Pattern::arn(r).covers(every_role))
}
