//! CRED-02: an access key is old.

use bartizan_model::Severity;
use bartizan_model::limits::CREDENTIAL_AGE_DAYS;

use super::{is_active, own_id};
use crate::check::{Check, Source};
use crate::missing::{Fault, GLOBAL};
use crate::reading::FactView;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "CRED-02",
    title: "An access key is older than 90 days",
    severity: Severity::Medium,
    why: "The longer a key lives, the more laptops, logs and repositories hold a copy of it.",
    judged: "Active keys, by their date of creation; 90 days.",
    fix: "aws iam update-access-key --user-name {owner} --access-key-id {name} --status Inactive",
    sources: &[
        Source::Talk,
        Source::TrustedAdvisor("DqdJqYeRm5"),
        Source::Fsbp("IAM.3"),
        Source::Cis("1.14"),
    ],
    needs: &["iam:accesskey"],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let keys = view.list("iam:accesskey");
    verdicts.list_read(&keys);
    for key in keys.facts {
        let resource = format!("{}/{}", view.user_arn(key.owner()), own_id(key));
        verdicts.judge(&resource, GLOBAL, [fault(view, key)]);
    }
}

fn fault(view: &AccountView<'_>, key: &FactView<'_>) -> Fault {
    if !is_active(key) {
        return Ok(None);
    }
    let made = key.text("/CreateDate").unwrap_or_default();
    let age_days = view
        .age_days(made)
        .ok_or_else(|| view.missing("iam:accesskey", &key.id, "CreateDate"))?;
    Ok((age_days > CREDENTIAL_AGE_DAYS)
        .then(|| format!("active, made {made}, {age_days} days ago")))
}
