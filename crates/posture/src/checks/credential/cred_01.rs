//! CRED-01: a console user has no MFA.

use crate::missing::{Fault, GLOBAL, MissingFact};
use bartizan_model::Severity;

use crate::check::{Check, Source};
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "CRED-01",
    title: "A user with a console password has no MFA",
    severity: Severity::High,
    why: "A password that is guessed, phished or known from another break-in is then enough to sign in.",
    judged: "Passes without a password, or with any MFA device.",
    fix: "aws iam enable-mfa-device --user-name {name} --serial-number SERIAL --authentication-code1 CODE --authentication-code2 CODE",
    sources: &[Source::Talk, Source::Cis("1.10"), Source::Fsbp("IAM.5")],
    needs: &["iam:user", "iam:loginprofile", "iam:mfadevice"],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let users = view.list("iam:user");
    verdicts.list_read(&users);
    for user in users.facts {
        verdicts.judge(&view.user_arn(&user.id), GLOBAL, [fault(view, &user.id)]);
    }
}

fn fault(view: &AccountView<'_>, user: &str) -> Fault {
    if !has_password(view, user)? || has_mfa(view, user)? {
        return Ok(None);
    }
    Ok(Some("a console password, and no MFA device".to_owned()))
}

/// Whether a user has a console password: from its login profile, else from the credential report.
fn has_password(view: &AccountView<'_>, user: &str) -> Result<bool, MissingFact> {
    view.fact("iam:loginprofile", GLOBAL, user)
        .map(|profile| profile.is_some())
        .or_else(|unread| reported(view, user, "/password_enabled").ok_or(unread))
}

fn has_mfa(view: &AccountView<'_>, user: &str) -> Result<bool, MissingFact> {
    view.within("iam:mfadevice", GLOBAL, &format!("{user}/"))
        .map(|devices| !devices.is_empty())
        .or_else(|unread| reported(view, user, "/mfa_active").ok_or(unread))
}

fn reported(view: &AccountView<'_>, user: &str, field: &str) -> Option<bool> {
    let row = view
        .fact("iam:credentialreport", GLOBAL, user)
        .ok()
        .flatten()?;
    row.text(field)
        .map(|value| value.eq_ignore_ascii_case("true"))
}
