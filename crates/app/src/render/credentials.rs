//! The credential inventory as a table.

use anyhow::Result;
use bartizan_incident::short_arn;
use bartizan_posture::{Credential, LastUse, Power};
use serde_json::{Value, json};

use super::Out;
use super::check::missing;
use super::findings::cells;
use super::words::counted;
use crate::cli::{Format, Global};
use crate::posture::AccountCredentials;

/// Prints credentials in the format that is asked for.
pub(crate) fn credentials(
    out: &mut Out,
    global: &Global,
    accounts: &[AccountCredentials],
) -> Result<()> {
    match global.format {
        Format::Human => accounts.iter().try_for_each(|account| table(out, account)),
        Format::Csv => csv(out, accounts),
        format => {
            let all = accounts
                .iter()
                .flat_map(|a| a.credentials.list.iter().map(|c| value(a, c)));
            out.rows(format, &all.collect::<Vec<_>>())
        }
    }
}

fn value(account: &AccountCredentials, credential: &Credential) -> Value {
    let mut value = serde_json::to_value(credential).unwrap_or_default();
    value["account"] = json!(account.account);
    value
}

fn kind(credential: &Credential) -> String {
    let word = serde_json::to_value(credential.kind).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
}

fn table(out: &mut Out, account: &AccountCredentials) -> Result<()> {
    let list = &account.credentials.list;
    let powerful = list
        .iter()
        .filter(|c| c.power.is_some() && c.active != Some(false))
        .count();
    out.line(&format!(
        "account {}: {}, {powerful} of them of root, administrators or those who can become one",
        account.account,
        counted(list.len() as u64, "credential", "credentials"),
    ))?;
    for credential in list {
        let state = match credential.active {
            Some(true) => "",
            Some(false) => "  inactive",
            None => "  state unknown",
        };
        out.line(&format!(
            "{:26} {:32} {:44} {:>9}  {:24} {}{state}",
            kind(credential),
            short_arn(&credential.owner),
            credential.id,
            credential
                .age_days
                .map_or_else(|| "age ?".to_owned(), |days| format!("{days} days")),
            used(credential),
            power(credential),
        ))?;
    }
    if account.hidden > 0 {
        let hidden = counted(account.hidden as u64, "credential", "credentials");
        out.line(&format!("{hidden} not shown (--unused, --of)"))?;
    }
    let unread = &account.credentials.unread;
    unread.iter().try_for_each(|fact| out.line(&missing(fact)))
}

fn used(credential: &Credential) -> String {
    match &credential.last_used {
        None => "use not known".to_owned(),
        Some(LastUse::Never) => "never used".to_owned(),
        Some(LastUse::At { time, service, .. }) => {
            let day = time.get(..10).unwrap_or(time);
            match service {
                Some(service) => format!("used {day} ({service})"),
                None => format!("used {day}"),
            }
        }
    }
}

fn power(credential: &Credential) -> String {
    match credential.power {
        None => String::new(),
        Some(Power::Root) => "root".to_owned(),
        Some(Power::Rung {
            letter: 'A' | 'B',
            proved: true,
        }) => "administrator".to_owned(),
        Some(Power::Rung { letter, proved }) => {
            let can = if proved { "can" } else { "may" };
            format!("{can} become administrator ({letter})")
        }
    }
}

fn csv(out: &mut Out, accounts: &[AccountCredentials]) -> Result<()> {
    out.line("account,kind,owner,id,region,active,created,age_days,last_used,unused_days,power")?;
    for account in accounts {
        for credential in &account.credentials.list {
            let text = |value: Option<i64>| value.map_or_else(String::new, |v| v.to_string());
            let active = credential
                .active
                .map_or_else(String::new, |a| a.to_string());
            out.line(&cells(&[
                account.account.clone(),
                kind(credential),
                credential.owner.clone(),
                credential.id.clone(),
                credential.region.clone(),
                active,
                credential.created.clone().unwrap_or_default(),
                text(credential.age_days),
                used(credential),
                text(credential.unused_days),
                power(credential),
            ]))?;
        }
    }
    Ok(())
}
