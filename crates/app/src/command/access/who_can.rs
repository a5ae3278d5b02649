//! `bartizan access who-can`.

use anyhow::Result;
use bartizan_iam::{AccessHolder, Account, Estate, Extent, Owner, PrincipalId, Tri};
use serde_json::{Value, json};

use crate::access::{accounts, actions, check_question, is_of_many};
use crate::cli::{AccessWhoCanArgs, Format, Global};
use crate::outcome::Outcome;
use crate::render::{
    Out, answer, answer_of_many, assumptions, note_unread, principals_cut, some, word, word_of_many,
};

pub(super) fn run(global: &Global, args: &AccessWhoCanArgs) -> Result<Outcome> {
    let actions = actions(&args.on.table)?;
    check_question(&actions, &args.asked.action, &args.asked.resource)?;
    let mut out = Out::new();
    let mut rows: Vec<Value> = Vec::new();
    let accounts = accounts(global, args.on.on.as_deref(), &actions)?;
    note_unread(global, &accounts);
    let mut open = accounts.iter().any(|a| a.principals_cut().is_some());
    let estate = Estate::new(&accounts);
    if is_of_many(&args.asked.resource) {
        for number in 0..accounts.len() {
            of_many(global, args, &estate, number, &mut out, &mut rows)?;
        }
    } else {
        open |= of_one(global, args, &estate, &mut out, &mut rows)?;
    }
    if global.format != Format::Human {
        out.rows(global.format, &rows)?;
    }
    out.flush()?;
    Ok(if args.on.require_complete && open {
        Outcome::Incomplete
    } else {
        Outcome::Done
    })
}

/// Everybody who may do it to one resource, account by account. True: anybody may be named by a
/// policy that was not read.
fn of_one(
    global: &Global,
    args: &AccessWhoCanArgs,
    estate: &Estate<'_, '_>,
    out: &mut Out,
    rows: &mut Vec<Value>,
) -> Result<bool> {
    let holders = estate.who_can(&args.asked.action, &args.asked.resource);
    let nobody_knows = estate.open_to_anybody(&args.asked.action, &args.asked.resource);
    // Said with the account that owns the resource, where one is known.
    let owners = estate.owners(None, &args.asked.resource);
    let owner = owners.iter().find_map(|owner| match owner {
        Owner::Read(account) => Some(account.id.as_str()),
        Owner::NotRead(_) | Owner::Unknown => None,
    });
    for account in estate.accounts {
        let found: Vec<&AccessHolder> = holders
            .iter()
            .filter(|holder| holder.account == account.id)
            .collect();
        let why = nobody_knows
            .as_deref()
            .filter(|_| owner == Some(account.id.as_str()));
        if global.format == Format::Human {
            human(out, account, &found, why)?;
        } else {
            json_rows(account, &found, why, rows);
        }
    }
    if let (Some(why), None) = (&nobody_knows, owner) {
        if global.format == Format::Human {
            out.line(&format!("may   anybody  {why}: nobody is ruled out"))?;
        } else {
            rows.push(anybody(None, why));
        }
    }
    Ok(nobody_knows.is_some())
}

/// `nobody_knows`: why anybody may be allowed.
fn human(
    out: &mut Out,
    account: &Account<'_>,
    found: &[&AccessHolder],
    nobody_knows: Option<&str>,
) -> Result<()> {
    let shown = if nobody_knows.is_some() {
        CALLERS_SHOWN
    } else {
        usize::MAX
    };
    for AccessHolder { name, said, .. } in found.iter().take(shown) {
        let by: Vec<&str> = said
            .because
            .first()
            .into_iter()
            .chain(said.unread.first())
            .map(String::as_str)
            .collect();
        let by = by.join("; ");
        let conditions = if said.conditions.is_empty() {
            String::new()
        } else {
            format!("  if {}", said.conditions.join(" and "))
        };
        out.line(&format!(
            "{:4}  {name}  {by}{conditions}",
            word(said.verdict)
        ))?;
    }
    if let Some(why) = nobody_knows {
        let more = found.len().saturating_sub(shown);
        let more = if more > 0 {
            format!("  and {more} more of the account")
        } else {
            String::new()
        };
        out.line(&format!("may   anybody  {why}: nobody is ruled out{more}"))?;
    }
    let own = found.iter().filter(|f| f.principal.is_some()).count();
    let outside = if found.len() > own {
        format!(", and {} from outside", found.len() - own)
    } else {
        String::new()
    };
    out.line(&format!(
        "{own} of {} principals of account {}{outside}",
        account.principals.len(),
        account.id
    ))?;
    assumptions(account)
        .iter()
        .try_for_each(|a| out.line(&format!("  {a}")))
}

fn json_rows(
    account: &Account<'_>,
    found: &[&AccessHolder],
    nobody_knows: Option<&str>,
    rows: &mut Vec<Value>,
) {
    rows.extend(found.iter().map(|one| {
        let mut value = answer(&one.said);
        value["principal"] = json!(one.name);
        value["account"] = json!(account.id);
        value
    }));
    if let Some(why) = nobody_knows.filter(|_| !found.iter().any(|f| f.is_anybody)) {
        rows.push(anybody(Some(&account.id), why));
    }
    if let Some(why) = principals_cut(account) {
        rows.push(json!({
            "account": account.id,
            "principal": null,
            "verdict": "unknown",
            "because": [why],
        }));
    }
}

/// Row that nobody is ruled out, for a reason. `account`: owner of the resource, where it is known.
fn anybody(account: Option<&str>, why: &str) -> Value {
    json!({
        "account": account,
        "principal": "anybody",
        "verdict": "may",
        "decision": "unknown",
        "because": [format!("{why}: nobody is ruled out")],
        "conditions": [],
    })
}

/// Principals that are allowed on all, or on some, of the resources that a pattern matches.
fn of_many(
    global: &Global,
    args: &AccessWhoCanArgs,
    estate: &Estate<'_, '_>,
    number: usize,
    out: &mut Out,
    rows: &mut Vec<Value>,
) -> Result<()> {
    let account = &estate.accounts[number];
    let one = |principal: usize| {
        let id = PrincipalId {
            account: number,
            principal,
        };
        (
            &account.principals[principal].arn,
            estate.ask_many(id, &args.asked.action, &args.asked.resource),
        )
    };
    let mut found: Vec<_> = (0..account.principals.len())
        .map(one)
        .filter(|(_, many)| many.extent != Extent::None)
        .collect();
    found.sort_by(|a, b| (b.1.extent, b.1.verdict(), a.0).cmp(&(a.1.extent, a.1.verdict(), b.0)));
    if global.format != Format::Human {
        rows.extend(found.iter().map(|(arn, many)| {
            let mut value = answer_of_many(many);
            value["principal"] = json!(arn);
            value["account"] = json!(account.id);
            value
        }));
        return Ok(());
    }
    for (arn, many) in &found {
        let examples = |allowed: bool| {
            let of = many
                .classes
                .iter()
                .filter(|(_, said)| (said.verdict != Tri::No) == allowed);
            of.map(|(example, _)| example.clone()).collect::<Vec<_>>()
        };
        let which = match many.extent {
            Extent::Some => format!(
                "  such as {}; not {}",
                some(&examples(true), 3),
                some(&examples(false), 3)
            ),
            _ => String::new(),
        };
        out.line(&format!(
            "{:4}  {}  {arn}{which}",
            word_of_many(many),
            many.extent.word()
        ))?;
    }
    let (all, total) = (
        found
            .iter()
            .filter(|(_, many)| many.extent == Extent::All)
            .count(),
        account.principals.len(),
    );
    out.line(&format!(
        "{all} of {total} principals of account {} on all of {}, {} on some",
        account.id,
        args.asked.resource,
        found.len() - all
    ))?;
    out.line("  principals of other accounts are told of single resources only")?;
    assumptions(account)
        .iter()
        .try_for_each(|a| out.line(&format!("  {a}")))
}

/// Principals that are shown where nobody is ruled out.
const CALLERS_SHOWN: usize = 50;
