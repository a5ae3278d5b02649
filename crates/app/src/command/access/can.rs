//! `bartizan access can`.

use anyhow::{Context, Result};
use bartizan_iam::{Account, Arn, Caller, Said, Tri};
use serde_json::{Value, json};

use super::{Outcome, accounts, actions, assumptions, check_action, word};
use crate::cli::{AccessCan, Format, Global};
use crate::render::Out;

pub(super) fn run(global: &Global, args: &AccessCan) -> Result<Outcome> {
    check_action(&args.action)?;
    let actions = actions(&args.on.table)?;
    let accounts = accounts(global, args.on.on.as_deref(), &actions)?;
    let (account, said) = asked(&accounts, args)?;
    let mut out = Out::new();
    if global.format == Format::Human {
        let known = if actions.find(&args.action).is_some() { "" } else { "  (an action that AWS's reference does not know)" };
        let (can, under) = match said.verdict {
            Tri::Yes => ("can", ""),
            Tri::Maybe => ("can", ", under conditions"),
            Tri::No => ("cannot", ""),
        };
        out.line(&format!(
            "{:4}  {} {can} {} on {}{under}{known}",
            word(said.verdict),
            args.principal,
            args.action,
            args.resource
        ))?;
        for because in &said.because {
            out.line(&format!("      {because}"))?;
        }
        for condition in &said.conditions {
            out.line(&format!("      hangs on: {condition}"))?;
        }
        for assumption in assumptions(account) {
            out.line(&format!("      {assumption}"))?;
        }
    } else {
        let mut value = answer(&said);
        value["principal"] = json!(args.principal);
        value["action"] = json!(args.action);
        value["resource"] = json!(args.resource);
        value["account"] = json!(account.id);
        value["assumptions"] = json!(assumptions(account));
        out.json(global.format, vec![value])?;
    }
    Ok(if said.verdict == Tri::No { Outcome::Findings } else { Outcome::Done })
}

/// The answer as JSON, without the question.
pub(super) fn answer(said: &Said) -> Value {
    json!({"verdict": word(said.verdict), "decision": said.decision.word(), "because": said.because, "conditions": said.conditions})
}

fn asked<'x, 'a>(accounts: &'x [Account<'a>], args: &AccessCan) -> Result<(&'x Account<'a>, Said)> {
    let mut error = None;
    for account in accounts {
        match account.principal(&args.principal) {
            Ok(number) => return Ok((account, account.may(number, &args.action, &args.resource))),
            Err(e) => error = Some(e),
        }
    }
    // Somebody else's principal: what this side says.
    let foreign = Arn::parse(&args.principal).filter(|a| accounts.iter().all(|own| own.id != a.account));
    let owner = Arn::parse(&args.resource).and_then(|r| accounts.iter().find(|a| a.id == r.account));
    if foreign.is_some()
        && let Some(account) = owner.or(accounts.first())
    {
        let said = account.may_from_outside(Caller::Aws(args.principal.clone()), &args.action, &args.resource);
        return Ok((account, said));
    }
    Err(anyhow::anyhow!(error.unwrap_or_else(|| "there is no account to ask".to_owned())))
        .context("cannot tell who is meant; give a name, role/NAME, or an ARN")
}
