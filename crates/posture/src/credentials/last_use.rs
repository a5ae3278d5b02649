//! Last use of passwords and access keys.

use super::model::LastUse;
use crate::missing::GLOBAL;
use crate::reading::FactView;
use crate::view::AccountView;

/// Last use at a time; never where there is none.
pub(super) fn last_use(time: Option<&str>, region: Option<&str>, service: Option<&str>) -> LastUse {
    match time {
        Some(time) => LastUse::At {
            time: time.to_owned(),
            region: region.filter(|r| *r != "N/A").map(str::to_owned),
            service: service.filter(|s| *s != "N/A").map(str::to_owned),
        },
        None => LastUse::Never,
    }
}

/// Last use of an access key, where it was read.
pub(super) fn key_use(view: &AccountView<'_>, key: &FactView<'_>) -> Option<LastUse> {
    let used = view
        .fact("iam:accesskeylastused", GLOBAL, &key.id)
        .ok()
        .flatten()?;
    let last = used.volatile_json("AccessKeyLastUsed")?;
    let text = |name: &str| last.get(name).and_then(|v| v.as_str());
    Some(last_use(
        text("LastUsedDate"),
        text("Region"),
        text("ServiceName"),
    ))
}

/// Last use of a password, where it was read.
pub(super) fn password_use(view: &AccountView<'_>, profile: &FactView<'_>) -> Option<LastUse> {
    let user = view.fact("iam:user", GLOBAL, &profile.id).ok().flatten();
    let row = view
        .fact("iam:credentialreport", GLOBAL, &profile.id)
        .ok()
        .flatten();
    let of_user = user.and_then(|u| u.volatile("PasswordLastUsed"));
    let of_row = || row.and_then(|r| r.volatile("password_last_used"));
    let time = of_user
        .or_else(of_row)
        .filter(|t| view.age_days(t).is_some());
    (user.is_some() || row.is_some()).then(|| last_use(time, None, None))
}
