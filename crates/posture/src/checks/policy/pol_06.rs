//! POL-06: a role trusts an identity provider without saying whom.

use bartizan_iam::{Block, PolicyCondition, Principal, Statement};
use bartizan_model::Severity;

use crate::check::Check;
use crate::missing::{Fault, GLOBAL};
use crate::policies::allows;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "POL-06",
    title: "A role trusts an identity provider without a fixed subject",
    severity: Severity::Critical,
    why: "Anybody with an account at the provider (any GitHub repository, any Cognito pool) can take the role.",
    judged: "A trust of an OIDC provider needs a condition on its sub that fixes whose it is (repo:acme/infra:*; not *, repo:*, repo:acme*), or, for a provider of one tenant, on its aud.",
    fix: "aws iam update-assume-role-policy --role-name {name} --policy-document file://trust.json, with a condition on PROVIDER:sub",
    sources: &[],
    needs: &["iam:role", "iam:assumerolepolicy"],
    judge,
};

/// Providers that everybody can have an account or a pipeline at: an audience fixes nobody there.
const SHARED: [&str; 9] = [
    "token.actions.githubusercontent.com",
    "gitlab.com",
    "app.terraform.io",
    "agent.buildkite.com",
    "oidc.circleci.com",
    "api.bitbucket.org",
    "accounts.google.com",
    "graph.facebook.com",
    "www.amazon.com",
];

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    verdicts.list_read(&view.list("iam:role"));
    for (role, trust) in super::super::trust::trusts(view) {
        let trust = match trust {
            Ok(trust) => trust,
            Err(unread) => {
                verdicts.judge(&role, GLOBAL, [Err(unread)]);
                continue;
            }
        };
        let faults = trust
            .statements
            .iter()
            .filter(|s| allows(s))
            .filter_map(fault);
        verdicts.judge(&role, GLOBAL, faults);
    }
}

/// The fault of a statement that trusts an OIDC provider; nothing for other statements.
fn fault(statement: &Statement) -> Option<Fault> {
    let Some(Block::Is(principals)) = &statement.principal else {
        return None;
    };
    let provider = principals.iter().find_map(|principal| match principal {
        // A SAML provider is one tenant's own.
        Principal::Of(kind, provider)
            if kind == "Federated" && !provider.contains(":saml-provider/") =>
        {
            Some(provider.as_str())
        }
        _ => None,
    })?;
    let host = provider
        .rsplit_once(":oidc-provider/")
        .map_or(provider, |(_, host)| host);
    let is_shared = SHARED.iter().any(|s| host.starts_with(s));
    let fixes = |condition: &PolicyCondition| {
        let claim = condition.key.to_ascii_lowercase();
        let claim = claim.rsplit(':').next().unwrap_or_default();
        let is_fixed = match claim {
            "sub" => condition.values.iter().all(|v| is_fixed_subject(v)),
            "aud" | "oaud" | "app_id" => {
                !is_shared && condition.values.iter().all(|v| !v.contains(['*', '?']))
            }
            "repository" | "repository_id" | "repository_owner_id" | "job_workflow_ref" => {
                condition.values.iter().all(|v| is_fixed_subject(v))
            }
            _ => false,
        };
        is_fixed && is_equality(&condition.operator)
    };
    let reason = format!("trusts {host}, and no condition fixes whose token it is");
    Some(Ok(
        (!statement.conditions.iter().any(fixes)).then_some(reason)
    ))
}

/// Whether an operator asks for equality and for the key to be there.
fn is_equality(operator: &str) -> bool {
    let operator = operator.to_ascii_lowercase();
    let plain = operator.strip_prefix("foranyvalue:").unwrap_or(&operator);
    matches!(
        plain,
        "stringequals" | "stringlike" | "stringequalsignorecase"
    )
}

/// Whether a subject names one owner: no wildcard before the end of its second part
/// (`repo:acme/infra:*`; in `repo:acme*` others can have the name that goes on).
fn is_fixed_subject(subject: &str) -> bool {
    let fixed = subject.split(['*', '?']).next().unwrap_or_default();
    if fixed.len() == subject.len() {
        return !subject.is_empty();
    }
    match fixed.split_once(':') {
        Some((_, owner)) => owner.contains(['/', ':']),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_that_others_can_have_fixes_nobody() {
        for open in ["*", "repo:*", "repo:acme*", "repo:ac?e/infra:*", ""] {
            assert!(!is_fixed_subject(open), "{open}");
        }
        for fixed in [
            "repo:acme/*",
            "repo:acme/infra:ref:refs/heads/main",
            "system:serviceaccount:ci:*",
        ] {
            assert!(is_fixed_subject(fixed), "{fixed}");
        }
    }
}
