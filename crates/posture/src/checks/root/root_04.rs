//! ROOT-04: root credentials of member accounts are not managed centrally.

use bartizan_model::Severity;

use crate::check::Check;
use crate::missing::{Fault, GLOBAL};
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "ROOT-04",
    title: "Root credentials of member accounts are not removed centrally",
    severity: Severity::Medium,
    why: "Each member account then keeps a root password that can be reset through its mailbox.",
    judged: "In the management account of an organization: the feature RootCredentialsManagement is on.",
    fix: "aws iam enable-organizations-root-credentials-management",
    sources: &[],
    needs: &["organizations:organization", "iam:organizationsfeatures"],
    judge,
};

const FEATURES: &str = "iam:organizationsfeatures";
const NOT_TRUSTED: &str = "ServiceAccessNotEnabledException";

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    match view.fact("organizations:organization", GLOBAL, "organization") {
        Ok(Some(organization)) if organization.text("/MasterAccountId") == Some(view.id) => {
            verdicts.judge(view.id, GLOBAL, [fault(view)]);
        }
        // A member, or no organization: the question is not one of this account.
        Ok(_) => {}
        Err(unread) => verdicts.judge(view.id, GLOBAL, [Err(unread)]),
    }
}

fn fault(view: &AccountView<'_>) -> Fault {
    if view.absent(FEATURES, GLOBAL, "account") == Some(NOT_TRUSTED) {
        return Ok(Some(format!("IAM says {NOT_TRUSTED}")));
    }
    let features = view.fact(FEATURES, GLOBAL, "account")?;
    let is_on = features.is_some_and(|f| {
        let enabled = f.list("/EnabledFeatures");
        enabled
            .iter()
            .any(|name| name == "RootCredentialsManagement")
    });
    Ok((!is_on).then(|| "RootCredentialsManagement is not among the enabled features".to_owned()))
}
