//! CRED-04: a user has two active access keys.

use bartizan_model::Severity;

use super::{is_active, own_id};
use crate::check::{Check, Source};
use crate::missing::{Fault, GLOBAL};
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "CRED-04",
    title: "A user has two active access keys",
    severity: Severity::Low,
    why: "A second key is how an intruder stays: the first one keeps working, and nobody sees a change.",
    judged: "Two keys whose status is Active.",
    fix: "aws iam list-access-keys --user-name {name}",
    sources: &[Source::Talk, Source::Cis("1.13")],
    needs: &["iam:user", "iam:accesskey"],
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
    let keys = view.within("iam:accesskey", GLOBAL, &format!("{user}/"))?;
    let active: Vec<&str> = keys
        .iter()
        .filter(|k| is_active(k))
        .map(|k| own_id(k))
        .collect();
    Ok((active.len() > 1).then(|| format!("active keys {}", active.join(" and "))))
}
