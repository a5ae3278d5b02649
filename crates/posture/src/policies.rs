//! Users, groups and roles with the policies that they hold themselves.

use std::rc::Rc;

use crate::missing::{Fault, MissingFact};
use bartizan_iam::{Block, Policy, Statement};

/// Kind of a policy holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HolderKind {
    User,
    Group,
    Role,
}

/// A user, group or role and its own policies: not those of its groups.
pub(crate) struct PolicyHolder {
    pub(crate) kind: HolderKind,
    pub(crate) arn: String,
    /// Inline policies first.
    pub(crate) policies: Vec<HeldPolicy>,
}

/// A policy of a holder.
pub(crate) struct HeldPolicy {
    /// ARN of a managed policy; name of an inline one.
    pub(crate) name: String,
    pub(crate) policy: Result<Rc<Policy>, MissingFact>,
}

/// Kinds of facts that policy holders are made of.
pub(crate) const HOLDER_KINDS: [&str; 7] = [
    "iam:user",
    "iam:group",
    "iam:role",
    "iam:userpolicy",
    "iam:grouppolicy",
    "iam:rolepolicy",
    "iam:managedpolicy",
];

impl PolicyHolder {
    /// The faults of a holder: a policy of which `fault` is true, with the number of the statement.
    pub(crate) fn faults<'h>(
        &'h self,
        fault: impl Fn(&Statement) -> bool + 'h,
    ) -> impl Iterator<Item = Fault> + 'h {
        self.policies.iter().map(move |held| {
            let policy = held.policy.as_ref().map_err(Clone::clone)?;
            let at = policy.statements.iter().position(&fault);
            Ok(at.map(|n| format!("policy {}, statement {}", held.name, n + 1)))
        })
    }
}

/// Whether a statement allows every action on every resource, without a condition.
pub(crate) fn is_everything(statement: &Statement) -> bool {
    allows(statement)
        && statement.conditions.is_empty()
        && is_any(&statement.action, &["*", "*:*"])
        && is_any(&statement.resource, &["*"])
}

/// Whether a statement is an Allow.
pub(crate) fn allows(statement: &Statement) -> bool {
    statement.effect == "Allow"
}

/// Whether one value of a block is one of these, with runs of `*` taken as one.
pub(crate) fn is_any(block: &Option<Block<Vec<String>>>, values: &[&str]) -> bool {
    let Some(Block::Is(list)) = block else {
        return false;
    };
    list.iter().any(|value| {
        let mut short = value.clone();
        while short.contains("**") {
            short = short.replace("**", "*");
        }
        values.iter().any(|v| v.eq_ignore_ascii_case(&short))
    })
}
