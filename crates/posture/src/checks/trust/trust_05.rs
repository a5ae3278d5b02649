//! TRUST-05: a policy names a principal that was deleted.

use bartizan_iam::AccountRelationship;
use bartizan_model::Severity;

use crate::check::Check;
use crate::missing::Fault;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "TRUST-05",
    title: "A policy names a principal that was deleted",
    severity: Severity::Low,
    why: "It says whom somebody meant to let in; whoever mends the policy by name lets in the namesake.",
    judged: "A unique id (AIDA…, AROA…) as principal in a trust or resource policy that none of the users and roles has.",
    fix: "Remove the principal from the policy of {resource}",
    sources: &[],
    needs: super::super::public::POLICY_KINDS,
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    for kind in ["iam:user", "iam:role"] {
        verdicts.list_read(&view.list(kind));
    }
    for unread in super::super::public::policies_unread(view, |_| true) {
        verdicts.unread(&[unread]);
    }
    super::judge_roles(view, verdicts, |access| {
        (access.class == AccountRelationship::Deleted).then(|| access.to.sentence())
    });
    for resource in &view.iam.resources {
        let given = view.external_by(&resource.kind, &resource.arn);
        let deleted = given.filter(|e| e.class == AccountRelationship::Deleted);
        let faults = deleted.map(|e| -> Fault { Ok(Some(e.to.sentence())) });
        let region = super::super::region_of(&resource.arn);
        verdicts.judge(&resource.arn, region, faults);
    }
}
