//! TRUST-01: anybody may assume a role.

use bartizan_iam::ExternalPrincipal;
use bartizan_model::Severity;

use crate::check::{Check, Source};
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "TRUST-01",
    title: "A role trusts everybody",
    severity: Severity::Critical,
    why: "Anybody with an AWS account can take the role and all that it may do.",
    judged: "A trust policy that lets in any account, also where its conditions fix nobody (an ExternalId, o-*, arn:aws:iam::*:role/ci).",
    fix: "aws iam update-assume-role-policy --role-name {name} --policy-document file://trust.json, with the accounts that need it",
    sources: &[Source::Talk],
    needs: &["iam:role", "iam:assumerolepolicy"],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    super::judge_roles(view, verdicts, |access| {
        let everybody = [ExternalPrincipal::Anybody, ExternalPrincipal::AnyAccount];
        everybody.contains(&access.to).then(|| {
            let statement = access.statement.as_deref().unwrap_or_default();
            if access.conditions.is_empty() {
                format!("statement {statement}")
            } else {
                let conditions = access.conditions.join(" and ");
                format!("statement {statement}; anybody can meet {conditions}")
            }
        })
    });
}
