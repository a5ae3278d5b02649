//! TRUST-04: a service may act on a resource for anybody (the confused deputy).

use bartizan_iam::{Arn, ExternalPrincipal, OnBehalfOf};
use bartizan_model::Severity;

use crate::check::Check;
use crate::missing::Fault;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "TRUST-04",
    title: "A resource policy lets a service act for anybody",
    severity: Severity::Medium,
    why: "A stranger can have the service send, write or read here on the stranger's behalf.",
    judged: "A service principal in the policy of a resource needs aws:SourceAccount, or aws:SourceArn that fixes an account or bucket. Roles that services assume do not count.",
    fix: "Add a condition on aws:SourceAccount to the statement",
    sources: &[],
    needs: super::super::public::POLICY_KINDS,
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    for unread in super::super::public::policies_unread(view, |_| true) {
        verdicts.unread(&[unread]);
    }
    for resource in &view.iam.resources {
        let given = view.external_by(&resource.kind, &resource.arn);
        let faults = given.filter_map(|access| match &access.to {
            ExternalPrincipal::Service(service, OnBehalfOf::Anybody) => {
                Some(Ok(Some(format!("{service} acts on behalf of anybody"))) as Fault)
            }
            ExternalPrincipal::Service(service, OnBehalfOf::Owner(arn)) if !is_one_owner(arn) => {
                Some(Ok(Some(format!(
                    "{service} acts on behalf of the owner of {arn}"
                ))))
            }
            _ => None,
        });
        verdicts.judge(
            &resource.arn,
            super::super::region_of(&resource.arn),
            faults,
        );
    }
}

/// Whether an ARN without an account has one owner: the name of a bucket without wildcards.
fn is_one_owner(arn: &str) -> bool {
    Arn::parse(arn).is_some_and(|a| {
        let name = a.resource.split('/').next().unwrap_or_default();
        !name.is_empty() && !name.contains(['*', '?'])
    })
}
