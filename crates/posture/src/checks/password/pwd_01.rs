//! PWD-01: the password policy is missing or weak.

use bartizan_model::Severity;
use bartizan_model::limits::{PASSWORD_LENGTH_MIN, PASSWORD_REUSE_MIN};

use crate::check::{Check, Source};
use crate::missing::GLOBAL;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "PWD-01",
    title: "The password policy is missing or weak",
    severity: Severity::Medium,
    why: "Short and repeated passwords are guessed, or known from other break-ins.",
    judged: "Passes with at least 14 characters and no repetition of the last 24; nothing else counts.",
    fix: "aws iam update-account-password-policy --minimum-password-length 14 --password-reuse-prevention 24",
    sources: &[
        Source::Talk,
        Source::TrustedAdvisor("Yw2K9puPzl"),
        Source::Fsbp("IAM.7"),
        Source::Cis("1.8"),
        Source::Cis("1.9"),
    ],
    needs: &["iam:passwordpolicy"],
    judge,
};

const RULES: [(&str, i64); 2] = [
    ("MinimumPasswordLength", PASSWORD_LENGTH_MIN),
    ("PasswordReusePrevention", PASSWORD_REUSE_MIN),
];

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let policy = match view.fact("iam:passwordpolicy", GLOBAL, "account") {
        Ok(Some(policy)) => policy,
        Ok(None) => return verdicts.fail(view.id, GLOBAL, "there is no password policy".into()),
        Err(unread) => return verdicts.judge(view.id, GLOBAL, [Err(unread)]),
    };
    let faults = RULES.map(|(field, min)| {
        let value = policy.json()[field].as_i64().unwrap_or(0);
        Ok((value < min).then(|| format!("{field} is {value}, below {min}")))
    });
    verdicts.judge(view.id, GLOBAL, faults);
}
