//! TRUST-02: a role trusts an account that nobody knows.

use bartizan_iam::{AccountRelationship, ExternalPrincipal};
use bartizan_model::Severity;

use crate::check::{Check, Source};
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "TRUST-02",
    title: "A role trusts an unknown account",
    severity: Severity::High,
    why: "A role that trusts the intruder's account is a way back in that no password change closes.",
    judged: "An account, or another organization, that is not the own, of the organization, friendly, or a known vendor.",
    fix: "aws iam get-role --role-name {name}; if it is known: bartizan check --friendly ACCOUNT",
    sources: &[Source::Talk],
    needs: &["iam:role", "iam:assumerolepolicy"],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    super::judge_roles(view, verdicts, |access| {
        let is_account = matches!(
            access.to,
            ExternalPrincipal::Account(..)
                | ExternalPrincipal::Organization(_)
                | ExternalPrincipal::Unidentified(_)
        );
        let is_unknown = access.class == AccountRelationship::Unknown;
        (is_account && is_unknown).then(|| format!("trusts {}", access.to.sentence()))
    });
}
