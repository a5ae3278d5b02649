//! POL-05: a policy lets its holder assume any role.

use bartizan_iam::Statement;
use bartizan_model::Severity;

use crate::check::Check;
use crate::policies::{HOLDER_KINDS, allows, is_any};

pub(crate) const CHECK: Check = Check {
    id: "POL-05",
    title: "A policy allows sts:AssumeRole on every role",
    severity: Severity::High,
    why: "Its holder becomes whatever role trusts the account, also roles that are made tomorrow.",
    judged: "An Allow that covers sts:AssumeRole on Resource *, or on every role of any account. A statement that allows everything is POL-01.",
    fix: "Name the roles in the Resource of the statement",
    sources: &[],
    needs: &HOLDER_KINDS,
    judge: |view, verdicts| super::judge_holders(view, verdicts, is_assume_any),
};

const ACTIONS: [&str; 5] = [
    "sts:AssumeRole",
    "sts:AssumeRole*",
    "sts:Assume*",
    "sts:*",
    "*",
];
const RESOURCES: [&str; 4] = [
    "*",
    "arn:aws:iam::*:role/*",
    "arn:*:iam::*:role/*",
    "arn:aws:iam::*:*",
];

fn is_assume_any(statement: &Statement) -> bool {
    allows(statement)
        && is_any(&statement.action, &ACTIONS)
        && is_any(&statement.resource, &RESOURCES)
}
