//! CRED-07: AWS has put a user under quarantine, because a key of it is public.

use bartizan_model::Severity;

use crate::check::{Check, Source};
use crate::missing::GLOBAL;
use crate::policies::HolderKind;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "CRED-07",
    title: "AWS found an access key in public and put its user under quarantine",
    severity: Severity::Critical,
    why: "The key is known to strangers; the quarantine policy stops only some of what they can do.",
    judged: "A policy of AWS whose name begins with AWSCompromisedKeyQuarantine is attached.",
    fix: "aws iam list-access-keys --user-name {name}, then delete the key that is public",
    sources: &[Source::Talk, Source::TrustedAdvisor("12Fnkpl8Y5")],
    needs: &["iam:user"],
    judge,
};

const PREFIX: &str = "AWSCompromisedKeyQuarantine";

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    verdicts.list_read(&view.list("iam:user"));
    for user in view.holders().iter().filter(|h| h.kind == HolderKind::User) {
        // AWS's own: one of the same name in the account is somebody's own policy.
        let quarantine = user.policies.iter().find_map(|held| {
            let (owner, name) = held.name.rsplit_once(":policy/")?;
            let is_aws = owner.ends_with("::aws");
            (is_aws && name.rsplit('/').next()?.starts_with(PREFIX)).then_some(name)
        });
        let fault = quarantine.map(|name| format!("{name} is attached"));
        verdicts.judge(&user.arn, GLOBAL, [Ok(fault)]);
    }
}
