//! `bartizan access can`.

use anyhow::{Context, Result};
use bartizan_iam::{AccessAnswer, Account, Arn, Extent, PatternAnswer, RequestCaller, Tri};
use serde_json::json;

use crate::access::{accounts, actions, check_question, is_of_many, nobody, owner};
use crate::cli::{AccessCanArgs, Format, Global};
use crate::outcome::Outcome;
use crate::render::{Out, answer, answer_of_many, assumptions, note_unread, word, word_of_many};

pub(super) fn run(global: &Global, args: &AccessCanArgs) -> Result<Outcome> {
    let actions = actions(&args.on.table)?;
    check_question(&actions, &args.asked.action, &args.asked.resource)?;
    let accounts = accounts(global, args.on.on.as_deref(), &actions)?;
    note_unread(global, &accounts);
    if is_of_many(&args.asked.resource)
        && let Some((account, number)) = accounts
            .iter()
            .find_map(|a| Some((a, a.principal(&args.principal).ok()?)))
    {
        let many = account.may_on(
            number,
            owner(&accounts, &args.asked.resource),
            &args.asked.action,
            &args.asked.resource,
        );
        return of_many(global, args, account, &many);
    }
    let (account, said) = asked(&accounts, args)?;
    let mut out = Out::new();
    if global.format == Format::Human {
        let (can, under) = match said.verdict {
            Tri::Yes => ("can", ""),
            Tri::Maybe if said.conditions.is_empty() && !said.unread.is_empty() => {
                ("can", ", as far as was read")
            }
            Tri::Maybe => ("can", ", under conditions"),
            Tri::No => ("cannot", ""),
        };
        out.line(&format!(
            "{:4}  {} {can} {} on {}{under}",
            word(said.verdict),
            args.principal,
            args.asked.action,
            args.asked.resource
        ))?;
        for because in &said.because {
            out.line(&format!("      {because}"))?;
        }
        for unread in &said.unread {
            out.line(&format!("      {unread}"))?;
        }
        for condition in &said.conditions {
            out.line(&format!("      depends on: {condition}"))?;
        }
        for assumption in assumptions(account) {
            out.line(&format!("      {assumption}"))?;
        }
    } else {
        let mut value = answer(&said);
        value["principal"] = json!(args.principal);
        value["action"] = json!(args.asked.action);
        value["resource"] = json!(args.asked.resource);
        value["account"] = json!(account.id);
        value["assumptions"] = json!(assumptions(account));
        out.json(global.format, vec![value])?;
    }
    if args.on.require_complete && (!said.unread.is_empty() || account.principals_cut().is_some()) {
        return Ok(Outcome::Incomplete);
    }
    Ok(if said.verdict == Tri::No {
        Outcome::Findings
    } else {
        Outcome::Done
    })
}

/// The answer for all resources that a pattern matches.
fn of_many(
    global: &Global,
    args: &AccessCanArgs,
    account: &Account<'_>,
    many: &PatternAnswer,
) -> Result<Outcome> {
    let mut out = Out::new();
    if global.format == Format::Human {
        let (answer, extent) = (word_of_many(many), many.extent.word());
        out.line(&format!(
            "{answer:4}  {} on {extent} of {}: {}",
            args.principal, args.asked.resource, args.asked.action
        ))?;
        for (example, said) in many.classes.iter().take(CLASSES_SHOWN) {
            let by = said
                .unread
                .first()
                .or(said.because.first())
                .map(String::as_str)
                .unwrap_or_default();
            out.line(&format!("      {:4}  {example}  {by}", word(said.verdict)))?;
        }
        if many.cut || many.classes.len() > CLASSES_SHOWN {
            out.line("      and more that are decided otherwise")?;
        }
        assumptions(account)
            .iter()
            .try_for_each(|a| out.line(&format!("      {a}")))?;
        out.flush()?;
    } else {
        let mut value = answer_of_many(many);
        value["principal"] = json!(args.principal);
        value["action"] = json!(args.asked.action);
        value["resource"] = json!(args.asked.resource);
        value["account"] = json!(account.id);
        value["assumptions"] = json!(assumptions(account));
        out.json(global.format, vec![value])?;
    }
    Ok(if many.extent == Extent::None {
        Outcome::Findings
    } else {
        Outcome::Done
    })
}

/// Kinds of resources that one answer shows.
const CLASSES_SHOWN: usize = 12;

fn asked<'x, 'a>(
    accounts: &'x [Account<'a>],
    args: &AccessCanArgs,
) -> Result<(&'x Account<'a>, AccessAnswer)> {
    let mut error = None;
    for account in accounts {
        match account.principal(&args.principal) {
            Ok(number) => {
                let owner = owner(accounts, &args.asked.resource);
                return Ok((
                    account,
                    account.may_there(number, owner, &args.asked.action, &args.asked.resource),
                ));
            }
            Err(e) => error = Some(nobody(account, e)),
        }
    }
    // Somebody else's principal: what this side says.
    let foreign =
        Arn::parse(&args.principal).filter(|a| accounts.iter().all(|own| own.id != a.account));
    let owner = owner(accounts, &args.asked.resource);
    if foreign.is_some()
        && let Some(account) = owner.or(accounts.first())
    {
        let said = account.may_from_outside(
            RequestCaller::Aws(args.principal.clone()),
            &args.asked.action,
            &args.asked.resource,
        );
        return Ok((account, said));
    }
    Err(anyhow::anyhow!(
        error.unwrap_or_else(|| "there is no account to ask".to_owned())
    ))
    .context("cannot tell who is meant; give a name, role/NAME, or an ARN")
}
