//! ROOT-03: the root user was used lately.

use bartizan_model::Severity;
use bartizan_model::limits::ROOT_USED_DAYS;

use super::report_row;
use crate::check::{Check, Source};
use crate::missing::{Fault, GLOBAL};
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "ROOT-03",
    title: "The root user was used in the last 30 days",
    severity: Severity::High,
    why: "Daily work needs no root: its use is a habit that hides an intruder, or an intruder.",
    judged: "Last use of the root password and of its keys in the credential report; 30 days.",
    fix: "bartizan detect --since 30d, and look for userIdentity type Root",
    sources: &[Source::Talk, Source::Cis("1.7")],
    needs: &["iam:credentialreport"],
    judge,
};

const USES: [&str; 3] = [
    "password_last_used",
    "access_key_1_last_used_date",
    "access_key_2_last_used_date",
];

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    verdicts.judge(view.id, GLOBAL, USES.map(|field| used(view, field)));
}

fn used(view: &AccountView<'_>, field: &str) -> Fault {
    let row = report_row(view)?;
    let time = row
        .volatile(field)
        .ok_or_else(|| view.missing(row.kind, &row.id, field))?;
    let age_days = view.age_days(time);
    Ok(age_days
        .filter(|days| *days <= ROOT_USED_DAYS)
        .map(|days| format!("{field} is {time}, {days} days before the snapshot")))
}
