//! ROOT-01: the root user has no MFA.

use bartizan_model::Severity;

use crate::check::{Check, Source};
use crate::missing::GLOBAL;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "ROOT-01",
    title: "The root user has no MFA",
    severity: Severity::Critical,
    why: "Whoever learns the root password owns the account, and no policy can stop the root user.",
    judged: "Passes with any MFA device of the root user (AccountMFAEnabled of the account summary).",
    fix: "Sign in as root, and add a security key or passkey: https://console.aws.amazon.com/iam/home#/security_credentials",
    sources: &[
        Source::Talk,
        Source::TrustedAdvisor("7DAFEmoDos"),
        Source::Fsbp("IAM.9"),
        Source::Fsbp("IAM.6"),
        Source::Cis("1.5"),
        Source::Cis("1.6"),
    ],
    needs: &["iam:accountsummary"],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let fault = super::summary(view, "AccountMFAEnabled")
        .map(|enabled| (enabled == 0).then(|| "AccountMFAEnabled is 0".to_owned()));
    verdicts.judge(view.id, GLOBAL, [fault]);
}
