//! The credential inventory as a table.

use anyhow::Result;
use bartizan_incident::short_arn;
use bartizan_posture::{Credential, LastUse, MadeBy, Power};
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
        if let Some(made) = made(credential) {
            out.line(&format!("{:26} {made}", ""))?;
        }
    }
    match &account.trail {
        None => out.line(
            "open sessions of roles, and who made what, are not known: no trail was watched \
            (bartizan watch)",
        )?,
        Some((as_of, left_out)) => {
            let more = match left_out {
                0 => String::new(),
                n => format!("; {n} open sessions are not shown"),
            };
            out.line(&format!(
                "sessions and makers by the trail until {as_of}{more}"
            ))?;
        }
    }
    if account.hidden > 0 {
        let hidden = counted(account.hidden as u64, "credential", "credentials");
        out.line(&format!("{hidden} not shown (--unused, --of)"))?;
    }
    let unread = &account.credentials.unread;
    unread.iter().try_for_each(|fact| out.line(&missing(fact)))
}

/// Who made it, by which call and from where, e.g. `made by user/eve, iam:CreateAccessKey from
/// 203.0.113.9`; of sessions also how many are open, and until when.
fn made(credential: &Credential) -> Option<String> {
    let by = credential.made_by.as_ref()?;
    let from = match by.source.as_str() {
        "" => String::new(),
        source => format!(" from {source}"),
    };
    let who = short_arn(&by.who);
    let made = format!("made by {who}, {}{from}, {}", by.call, by.time);
    let open = credential.sessions.map(|n| {
        let until = credential.until.as_deref().unwrap_or("?");
        format!("{} until {until}; ", counted(n, "session", "sessions"))
    });
    Some(open.unwrap_or_default() + &made)
}

fn used(credential: &Credential) -> String {
    if credential.sessions.is_some() {
        return "open".to_owned();
    }
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
    out.line(
        "account,kind,owner,id,region,active,created,age_days,last_used,unused_days,power,made_by,\
        made_call,made_from,made_time,sessions,until",
    )?;
    for account in accounts {
        for credential in &account.credentials.list {
            let text = |value: Option<i64>| value.map_or_else(String::new, |v| v.to_string());
            let by = |field: fn(&MadeBy) -> &String| {
                let by = credential.made_by.as_ref();
                by.map(|m| field(m).clone()).unwrap_or_default()
            };
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
                by(|m| &m.who),
                by(|m| &m.call),
                by(|m| &m.source),
                by(|m| &m.time),
                credential
                    .sessions
                    .map_or_else(String::new, |n| n.to_string()),
                credential.until.clone().unwrap_or_default(),
            ]))?;
        }
    }
    Ok(())
}
