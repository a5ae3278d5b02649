//! POL-04: a user holds policies itself.

use bartizan_model::Severity;

use crate::check::{Check, Source};
use crate::missing::{Fault, GLOBAL};
use crate::policies::HolderKind;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "POL-04",
    title: "A policy is attached to a user, not to a group or role",
    severity: Severity::Low,
    why: "Access that is given one by one is the access that nobody takes back.",
    judged: "Any inline or attached policy of a user.",
    fix: "aws iam detach-user-policy --user-name {name} --policy-arn POLICY",
    sources: &[Source::Fsbp("IAM.2"), Source::Cis("1.15")],
    needs: &["iam:user", "iam:userpolicy"],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    verdicts.list_read(&view.list("iam:user"));
    for user in view.holders().iter().filter(|h| h.kind == HolderKind::User) {
        let faults = user.policies.iter().map(|held| -> Fault {
            // The name alone decides; where the list of inline policies was not read there is none.
            match &held.policy {
                Err(unread) if held.name.is_empty() => Err(unread.clone()),
                _ => Ok(Some(format!("policy {}", held.name))),
            }
        });
        verdicts.judge(&user.arn, GLOBAL, faults);
    }
}
