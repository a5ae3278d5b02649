//! Users, groups and roles with the policies that they hold themselves.

use std::collections::HashMap;
use std::rc::Rc;

use crate::missing::{MissingFact, MissingReason};
use bartizan_iam::{Block, Policy, Statement};

use crate::verdicts::GLOBAL;
use crate::view::AccountView;

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

const HOLDERS: [(HolderKind, &str, &str); 3] = [
    (HolderKind::User, "iam:user", "iam:userpolicy"),
    (HolderKind::Group, "iam:group", "iam:grouppolicy"),
    (HolderKind::Role, "iam:role", "iam:rolepolicy"),
];

/// All policy holders of an account.
pub(crate) fn policy_holders(view: &AccountView<'_>) -> Vec<PolicyHolder> {
    let mut managed: HashMap<String, Result<Rc<Policy>, MissingFact>> = HashMap::new();
    let mut holders = Vec::new();
    for (kind, fact_kind, policy_kind) in HOLDERS {
        for fact in view.list(fact_kind).facts {
            let mut policies = inline(view, policy_kind, &fact.id);
            for attached in fact.list("/AttachedManagedPolicies") {
                let arn = attached["PolicyArn"].as_str().unwrap_or_default();
                let policy = managed
                    .entry(arn.to_owned())
                    .or_insert_with(|| managed_policy(view, arn));
                policies.push(HeldPolicy {
                    name: arn.to_owned(),
                    policy: policy.clone(),
                });
            }
            holders.push(PolicyHolder {
                kind,
                arn: fact.text("/Arn").unwrap_or(&fact.id).to_owned(),
                policies,
            });
        }
    }
    holders
}

fn inline(view: &AccountView<'_>, kind: &str, holder: &str) -> Vec<HeldPolicy> {
    let held = |name: &str, policy| HeldPolicy {
        name: name.to_owned(),
        policy,
    };
    match view.within(kind, GLOBAL, &format!("{holder}/")) {
        Ok(facts) => facts
            .into_iter()
            .map(|f| held(&f.id[holder.len() + 1..], f.policy().map(Rc::new)))
            .collect(),
        Err(unread) => vec![held("", Err(unread))],
    }
}

fn managed_policy(view: &AccountView<'_>, arn: &str) -> Result<Rc<Policy>, MissingFact> {
    const KIND: &str = "iam:managedpolicy";
    match view.fact(KIND, GLOBAL, arn)? {
        Some(fact) => fact.policy().map(Rc::new),
        None => Err(MissingFact::new(
            KIND,
            GLOBAL,
            arn,
            MissingReason::NotListed,
        )),
    }
}

impl PolicyHolder {
    /// The faults of a holder: a policy of which `fault` is true, with the number of the statement.
    pub(crate) fn faults<'h>(
        &'h self,
        fault: impl Fn(&Statement) -> bool + 'h,
    ) -> impl Iterator<Item = crate::verdicts::Fault> + 'h {
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
