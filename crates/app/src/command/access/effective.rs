//! `bartizan access effective`.

use anyhow::Result;
use bartizan_iam::{Actions, EffectivePolicies, Estate, Policy};
use serde_json::json;

use crate::access::{accounts, actions, of_account};
use crate::cli::{AccessEffectiveArgs, Format, Global};
use crate::outcome::Outcome;
use crate::render::{Out, assumptions, left_out, left_out_json, note_unread};

pub(super) fn run(global: &Global, args: &AccessEffectiveArgs) -> Result<Outcome> {
    let actions = actions(&args.on.table)?;
    let accounts = accounts(global, args.on.on.as_deref(), &actions)?;
    note_unread(global, &accounts);
    let estate = Estate::new(&accounts);
    let id = of_account(&estate, &args.principal)?;
    let said = estate.effective(id);
    let account = &accounts[id.account];
    let mut out = Out::new();
    if global.format == Format::Human {
        human(&mut out, estate.arn(id), &said, &actions)?;
        assumptions(account)
            .iter()
            .try_for_each(|a| out.line(&format!("  {a}")))?;
    } else {
        let left = said.left_out.iter().map(|one| left_out_json(one, &actions));
        let value = json!({
            "principal": estate.arn(id),
            "account": account.id,
            "must": said.must.json(),
            "may": said.may.json(),
            "left_out": left.collect::<Vec<_>>(),
            "assumptions": assumptions(account),
        });
        out.json(global.format, vec![value])?;
    }
    out.flush()?;
    Ok(if args.on.require_complete && !said.left_out.is_empty() {
        Outcome::Incomplete
    } else {
        Outcome::Done
    })
}

fn human(out: &mut Out, arn: &str, said: &EffectivePolicies, actions: &Actions) -> Result<()> {
    let count = |policy: &Policy| {
        let set = policy.allowed_actions(actions);
        actions.known(&set).count()
    };
    let (must, may) = (count(&said.must), count(&said.may));
    out.line(&format!(
        "{arn} must be allowed {must} actions, and may be allowed {may} under conditions"
    ))?;
    for (word, policy) in [("must", &said.must), ("may", &said.may)] {
        if policy.statements.is_empty() {
            continue;
        }
        out.line(word)?;
        for line in serde_json::to_string_pretty(&policy.json())?.lines() {
            out.line(&format!("  {line}"))?;
        }
    }
    for one in &said.left_out {
        out.line(&format!("not all said  {}", left_out(one, actions)))?;
    }
    out.line("  resources of other accounts must let it in as well: bartizan access reach")
}
