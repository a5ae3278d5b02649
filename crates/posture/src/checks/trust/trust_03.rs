//! TRUST-03: a vendor's role has no ExternalId.

use bartizan_iam::{AccountRelationship, Block, ExternalPrincipal, Policy, Principal, Statement};
use bartizan_model::Severity;

use crate::check::Check;
use crate::missing::{Fault, GLOBAL};
use crate::policies::allows;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "TRUST-03",
    title: "A role trusts a third party without an ExternalId",
    severity: Severity::Medium,
    why: "Another customer of the vendor can have the vendor use your role: the confused deputy.",
    judged: "A trust of an account outside the organization needs sts:ExternalId with a fixed value; * is none.",
    fix: "aws iam update-assume-role-policy --role-name {name} --policy-document file://trust.json, with a condition on sts:ExternalId",
    sources: &[],
    needs: &["iam:role", "iam:assumerolepolicy"],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    verdicts.list_read(&view.list("iam:role"));
    for (role, trust) in super::trusts(view) {
        match trust {
            Ok(trust) => verdicts.judge(&role, GLOBAL, faults(view, &trust)),
            Err(unread) => verdicts.judge(&role, GLOBAL, [Err(unread)]),
        }
    }
}

fn faults(view: &AccountView<'_>, trust: &Policy) -> Vec<Fault> {
    let open = trust
        .statements
        .iter()
        .filter(|s| allows(s) && !has_external_id(s));
    let third = open.filter_map(|statement| third_party(view, statement));
    third
        .map(|account| {
            Ok(Some(format!(
                "trusts account {account}, without an ExternalId"
            )))
        })
        .collect()
}

/// The first account that a statement names and that is a third party: not the own, and not of the
/// organization.
fn third_party(view: &AccountView<'_>, statement: &Statement) -> Option<String> {
    let Some(Block::Is(principals)) = &statement.principal else {
        return None;
    };
    principals.iter().find_map(|principal| {
        let Principal::Of(kind, value) = principal else {
            return None;
        };
        let account = value.split(':').nth(4).unwrap_or(value);
        let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        if kind != "AWS" || !is_account {
            return None;
        }
        let outside = ExternalPrincipal::Account(account.to_owned(), String::new());
        let (class, _) = view.known.class(&outside, view.id);
        let is_third = !matches!(class, AccountRelationship::Same | AccountRelationship::Org);
        is_third.then(|| account.to_owned())
    })
}

/// Whether a statement asks for a fixed `sts:ExternalId`.
pub(crate) fn has_external_id(statement: &Statement) -> bool {
    statement.conditions.iter().any(|condition| {
        let operator = condition.operator.to_ascii_lowercase();
        condition.key.eq_ignore_ascii_case("sts:ExternalId")
            && matches!(
                operator.as_str(),
                "stringequals" | "stringlike" | "stringequalsignorecase"
            )
            && condition
                .values
                .iter()
                .all(|v| !v.contains(['*', '?']) && !v.is_empty())
    })
}
