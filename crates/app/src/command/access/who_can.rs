//! `bartizan access who-can`.

use anyhow::Result;
use bartizan_iam::{
    AccessAnswer, Account, Decision, Extent, ExternalPrincipal, KnownAccounts, RequestCaller, Tri,
    external_access,
};
use serde_json::{Value, json};

use crate::access::{accounts, actions, check_question, is_of_many, owner};
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
    let mut open = false;
    for account in &accounts {
        let owner = owner(&accounts, &args.asked.resource);
        if is_of_many(&args.asked.resource) {
            open |= account.principals_cut().is_some();
            of_many(global, args, account, owner, &mut out, &mut rows)?;
            continue;
        }
        let mut found = allowed(account, owner, args);
        // Anybody may be named by a policy that was not read.
        let nobody_knows = account.open_to_anybody(&args.asked.action, &args.asked.resource);
        open |= nobody_knows.is_some() || account.principals_cut().is_some();
        found.sort_by(|a, b| (b.said.verdict, &a.name).cmp(&(a.said.verdict, &b.name)));
        if global.format == Format::Human {
            human(&mut out, account, &found, nobody_knows.as_deref())?;
        } else {
            json_rows(account, &found, nobody_knows.as_deref(), &mut rows);
        }
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

/// Somebody who may do it, and why.
struct AllowedCaller {
    /// ARN of a principal of the account, or the outsider in words.
    name: String,
    /// Whether it is a principal of the account.
    is_own: bool,
    /// Whether it is everybody, unsigned.
    is_anybody: bool,
    said: AccessAnswer,
}

/// Principals of the account, and those outside whom one of its policies names, that may do it.
fn allowed(
    account: &Account<'_>,
    owner: Option<&Account<'_>>,
    args: &AccessWhoCanArgs,
) -> Vec<AllowedCaller> {
    let own = |n: usize| AllowedCaller {
        name: account.principals[n].arn.clone(),
        is_own: true,
        is_anybody: false,
        said: account.may_there(n, owner, &args.asked.action, &args.asked.resource),
    };
    let mut found: Vec<AllowedCaller> = (0..account.principals.len())
        .map(own)
        .filter(|one| is_allowed(&one.said))
        .collect();
    for opening in external_access(account, &KnownAccounts::default()) {
        let Some(caller) = caller(&opening.to) else {
            continue;
        };
        let name = opening.to.sentence();
        if found.iter().any(|f| f.name == name) {
            continue;
        }
        let said = account.may_from_outside(caller, &args.asked.action, &args.asked.resource);
        if is_allowed(&said) {
            found.push(AllowedCaller {
                is_own: account.principals.iter().any(|p| p.arn == name),
                is_anybody: opening.to == ExternalPrincipal::Anybody,
                name,
                said,
            });
        }
    }
    found
}

/// The caller that stands for an outsider in a request.
fn caller(outsider: &ExternalPrincipal) -> Option<RequestCaller> {
    Some(match outsider {
        ExternalPrincipal::Anybody => RequestCaller::Anonymous,
        ExternalPrincipal::Account(id, who) if who.is_empty() => {
            RequestCaller::Aws(format!("arn:aws:iam::{id}:root"))
        }
        ExternalPrincipal::Account(_, who) => RequestCaller::Aws(who.clone()),
        ExternalPrincipal::Federated(provider, _) => RequestCaller::Federated(provider.clone()),
        ExternalPrincipal::Service(service, _) if service != "*" => {
            RequestCaller::Service(service.clone())
        }
        // Anybody at all stands for each of them.
        ExternalPrincipal::AnyAccount => RequestCaller::Aws(NOBODY_IN_PARTICULAR.to_owned()),
        ExternalPrincipal::Organization(_)
        | ExternalPrincipal::Service(..)
        | ExternalPrincipal::Deleted(_)
        | ExternalPrincipal::Unidentified(_) => return None,
    })
}

/// `nobody_knows`: why anybody may be allowed.
fn human(
    out: &mut Out,
    account: &Account<'_>,
    found: &[AllowedCaller],
    nobody_knows: Option<&str>,
) -> Result<()> {
    let shown = if nobody_knows.is_some() {
        CALLERS_SHOWN
    } else {
        usize::MAX
    };
    for AllowedCaller { name, said, .. } in found.iter().take(shown) {
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
    let own = found.iter().filter(|f| f.is_own).count();
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
    found: &[AllowedCaller],
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
        rows.push(json!({
            "account": account.id,
            "principal": "anybody",
            "verdict": "may",
            "decision": "unknown",
            "because": [format!("{why}: nobody is ruled out")],
            "conditions": [],
        }));
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

/// Principals that are allowed on all, or on some, of the resources that a pattern matches.
fn of_many(
    global: &Global,
    args: &AccessWhoCanArgs,
    account: &Account<'_>,
    owner: Option<&Account<'_>>,
    out: &mut Out,
    rows: &mut Vec<Value>,
) -> Result<()> {
    let one = |n: usize| {
        (
            &account.principals[n].arn,
            account.may_on(n, owner, &args.asked.action, &args.asked.resource),
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

/// An account that AWS gives to nobody, so that no policy names it.
const NOBODY_IN_PARTICULAR: &str = "arn:aws:iam::000000000000:root";

/// Whether it is worth a line. That grants of keys were not read is said once, and not of
/// everybody.
fn is_allowed(said: &AccessAnswer) -> bool {
    said.verdict == Tri::Yes || said.verdict == Tri::Maybe && said.decision == Decision::Unknown
}
