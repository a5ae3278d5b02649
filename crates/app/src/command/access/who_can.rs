//! `bartizan access who-can`.

use anyhow::Result;
use bartizan_iam::{
    AccessHolder, AccessQuestion, Account, Actions, Estate, Extent, Owner, SetHolder,
};
use serde_json::{Value, json};

use crate::access::{KnownRequest, accounts, actions, check_question, is_of_set};
use crate::cli::{AccessQuestionArgs, AccessWhoCanArgs, Format, Global};
use crate::outcome::Outcome;
use crate::render::{
    Out, allowed_of_set, answer, answer_of_set, assumptions, note_unread, principals_cut, word,
    word_of_set,
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
    let request = KnownRequest::of_anybody(&estate, &args.asked)?;
    let question = request.question(&args.asked);
    if is_of_set(&actions, &args.asked.action, &args.asked.resource) {
        open |= of_set(global, args, &estate, &question, &actions)?;
        return Ok(outcome(args, open));
    }
    open |= of_one(global, &question, &estate, &mut out, &mut rows)?;
    if global.format != Format::Human {
        out.rows(global.format, &rows)?;
    }
    out.flush()?;
    Ok(outcome(args, open))
}

fn outcome(args: &AccessWhoCanArgs, open: bool) -> Outcome {
    if args.on.require_complete && open {
        Outcome::Incomplete
    } else {
        Outcome::Done
    }
}

/// Everybody who may do it to one resource, account by account. True: anybody may be named by a
/// policy that was not read.
fn of_one(
    global: &Global,
    question: &AccessQuestion<'_>,
    estate: &Estate<'_, '_>,
    out: &mut Out,
    rows: &mut Vec<Value>,
) -> Result<bool> {
    let holders = estate.who_can_given(question);
    let nobody_knows = estate.open_to_anybody(question.action, question.resource);
    // Said with the account that owns the resource, where one is known.
    let owners = estate.owners(None, question.resource);
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
    rows.extend(row_of_cut(account));
}

/// Row that somebody may be there who was not read.
fn row_of_cut(account: &Account<'_>) -> Option<Value> {
    let why = principals_cut(account)?;
    Some(json!({
        "account": account.id,
        "principal": null,
        "verdict": "unknown",
        "because": [why],
    }))
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

/// Everybody who may do all, or some, of what patterns of actions and resources match.
fn of_set(
    global: &Global,
    args: &AccessWhoCanArgs,
    estate: &Estate<'_, '_>,
    question: &AccessQuestion<'_>,
    actions: &Actions,
) -> Result<bool> {
    let holders = estate.who_can_set_given(question);
    let (mut out, mut rows) = (Out::new(), Vec::new());
    for account in estate.accounts {
        let found: Vec<&SetHolder> = holders
            .iter()
            .filter(|holder| holder.account == account.id)
            .collect();
        if global.format == Format::Human {
            human_of_set(&mut out, account, &args.asked, &found, actions)?;
            continue;
        }
        rows.extend(found.iter().map(|holder| {
            let mut value = answer_of_set(&holder.said, actions);
            value["principal"] = json!(holder.name);
            value["account"] = json!(account.id);
            value
        }));
        rows.extend(row_of_cut(account));
    }
    if global.format != Format::Human {
        out.rows(global.format, &rows)?;
    }
    out.flush()?;
    let unread = |holder: &SetHolder| {
        let mut parts = holder.said.parts.iter();
        holder.said.cut || parts.any(|part| !part.said.unread.is_empty())
    };
    Ok(holders.iter().any(unread))
}

fn human_of_set(
    out: &mut Out,
    account: &Account<'_>,
    asked: &AccessQuestionArgs,
    found: &[&SetHolder],
    actions: &Actions,
) -> Result<()> {
    for holder in found {
        let which = match holder.said.extent {
            Extent::Some => format!("  {}", allowed_of_set(&holder.said, actions)),
            _ => String::new(),
        };
        out.line(&format!(
            "{:4}  {}  {}{which}",
            word_of_set(&holder.said),
            holder.said.extent.word(),
            holder.name
        ))?;
    }
    let own = || found.iter().filter(|holder| holder.principal.is_some());
    let all = own().filter(|h| h.said.extent == Extent::All).count();
    let (some, outside) = (own().count() - all, found.len() - own().count());
    let outside = if outside > 0 {
        format!(", and {outside} from outside")
    } else {
        String::new()
    };
    out.line(&format!(
        "{all} of {} principals of account {} on all of {}, {some} on some{outside}",
        account.principals.len(),
        account.id,
        asked.resource,
    ))?;
    assumptions(account)
        .iter()
        .try_for_each(|a| out.line(&format!("  {a}")))
}

/// Principals that are shown where nobody is ruled out.
const CALLERS_SHOWN: usize = 50;
