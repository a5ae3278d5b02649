//! CRED-03: a credential is not used.

use bartizan_model::Severity;
use bartizan_model::limits::CREDENTIAL_AGE_DAYS;

use super::{is_active, own_id};
use crate::check::{Check, Source};
use crate::missing::{Fault, GLOBAL};
use crate::reading::FactView;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "CRED-03",
    title: "A credential was not used for 90 days",
    severity: Severity::Medium,
    why: "Nobody misses a credential that nobody uses, and nobody notices when a stranger starts to.",
    judged: "Active keys, passwords and certificates: last use, or their making if they were never used; 90 days.",
    fix: "aws iam update-access-key --user-name {owner} --access-key-id {name} --status Inactive",
    sources: &[
        Source::Talk,
        Source::Fsbp("IAM.8"),
        Source::Fsbp("IAM.22"),
        Source::Cis("1.12"),
    ],
    needs: &[
        "iam:user",
        "iam:accesskey",
        "iam:accesskeylastused",
        "iam:loginprofile",
        "iam:credentialreport",
    ],
    judge,
};

const REPORT: &str = "iam:credentialreport";

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let keys = view.list("iam:accesskey");
    verdicts.list_read(&keys);
    for key in keys.facts {
        let resource = format!("{}/{}", view.user_arn(key.owner()), own_id(key));
        verdicts.judge(&resource, GLOBAL, [key_fault(view, key)]);
    }
    let users = view.list("iam:user");
    verdicts.list_read(&users);
    for user in users.facts {
        let mut faults = vec![password_fault(view, user)];
        faults.extend(["cert_1", "cert_2"].map(|cert| certificate_fault(view, &user.id, cert)));
        verdicts.judge(&view.user_arn(&user.id), GLOBAL, faults);
    }
}

fn key_fault(view: &AccountView<'_>, key: &FactView<'_>) -> Fault {
    if !is_active(key) {
        return Ok(None);
    }
    let used = view
        .fact("iam:accesskeylastused", GLOBAL, &key.id)?
        .ok_or_else(|| view.missing("iam:accesskeylastused", &key.id, "its last use"))?;
    const USE: &str = "AccessKeyLastUsed";
    let last = used.volatile_json(USE);
    let last = last.ok_or_else(|| view.missing(used.kind, &used.id, USE))?;
    let last = last.get("LastUsedDate").and_then(|v| v.as_str());
    unused(view, "the key", last, key.text("/CreateDate"), &key.id)
}

fn password_fault(view: &AccountView<'_>, user: &FactView<'_>) -> Fault {
    let row = view.fact(REPORT, GLOBAL, &user.id);
    let profile = match view.fact("iam:loginprofile", GLOBAL, &user.id) {
        Ok(None) => return Ok(None),
        Ok(Some(profile)) => Some(profile),
        Err(unread) => {
            let row = row.as_ref().ok().and_then(|r| *r).ok_or(unread)?;
            if !row.is("/password_enabled") {
                return Ok(None);
            }
            None
        }
    };
    let row = row?.ok_or_else(|| view.missing(REPORT, &user.id, "its row"))?;
    const USED: &str = "password_last_used";
    let last = row
        .volatile(USED)
        .or_else(|| user.volatile("PasswordLastUsed"));
    let last = Some(last.ok_or_else(|| view.missing(REPORT, &user.id, USED))?);
    let changed = row
        .text("/password_last_changed")
        .filter(|t| view.age_days(t).is_some());
    let made = changed.or_else(|| profile.and_then(|p| p.text("/CreateDate")));
    unused(view, "the password", last, made, &user.id)
}

/// A signing certificate has no last use: its date counts.
fn certificate_fault(view: &AccountView<'_>, user: &str, cert: &str) -> Fault {
    let row = match view.fact(REPORT, GLOBAL, user)? {
        Some(row) => row,
        None => return Ok(None),
    };
    if !row.is(&format!("/{cert}_active")) {
        return Ok(None);
    }
    let made = row.text(&format!("/{cert}_last_rotated"));
    unused(view, "the signing certificate", None, made, user)
}

/// The fault of a credential by its last use, or by its making where it was never used.
fn unused(
    view: &AccountView<'_>,
    what: &str,
    last: Option<&str>,
    made: Option<&str>,
    id: &str,
) -> Fault {
    let used_days = last.and_then(|time| view.age_days(time));
    let made_days = made.and_then(|time| view.age_days(time));
    let reason = |days: i64, since: &str| {
        (days > CREDENTIAL_AGE_DAYS).then(|| format!("{what} was {since} {days} days ago"))
    };
    match (used_days, made_days) {
        (Some(days), _) => Ok(reason(days, "last used")),
        (None, Some(days)) => Ok(reason(days, "never used; it was made")),
        (None, None) => Err(view.missing(REPORT, id, "when it was made or used")),
    }
}
