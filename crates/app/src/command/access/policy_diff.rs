//! `bartizan access policy-diff`.

use std::path::Path;

use anyhow::{Context, Result};
use bartizan_iam::{AccessClass, Actions, Caller, Policy, Request, Side, actions_text, difference, parse};
use serde_json::{Value, json};

use super::{Outcome, actions, word};
use crate::cli::{AccessPolicyDiff, Format, Global, PolicySide};
use crate::render::Out;

/// Names of actions that one line shows.
const NAMES_MAX: usize = 12;

pub(super) fn run(global: &Global, args: &AccessPolicyDiff) -> Result<Outcome> {
    let actions = actions(args.iam_data.as_deref())?;
    let (old, new) = (read(&args.old)?, read(&args.new)?);
    let side = match args.side {
        PolicySide::Identity => Side::Identity,
        PolicySide::Resource => Side::Resource,
        PolicySide::Scp => Side::Scp,
        PolicySide::Rcp => Side::Rcp,
    };
    let found = difference(&old, &new, side, &actions);
    let mut out = Out::new();
    if global.format == Format::Human {
        for (sign, classes) in [('+', &found.gained), ('-', &found.lost)] {
            for class in classes {
                human(&mut out, sign, class, &actions)?;
            }
        }
        out.line(match (found.gained.is_empty(), found.lost.is_empty()) {
            (true, true) => "the policies allow the same",
            (true, false) => "the new policy allows nothing that the old one did not",
            (false, true) => "the new policy takes nothing away",
            (false, false) => "the new policy allows more and less than the old one",
        })?;
    } else {
        let list = |classes: &[AccessClass]| classes.iter().map(|c| row(c, &actions)).collect::<Vec<_>>();
        out.json(
            global.format,
            vec![json!({"gained": list(&found.gained), "lost": list(&found.lost), "actions_of": actions.date})],
        )?;
    }
    out.flush()?;
    Ok(if found.grants_nothing_new() { Outcome::Done } else { Outcome::Findings })
}

fn read(path: &Path) -> Result<Policy> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| format!("{} is not a policy", path.display()))
}

fn human(out: &mut Out, sign: char, class: &AccessClass, actions: &Actions) -> Result<()> {
    let names = actions_text(&class.actions, actions, NAMES_MAX);
    let to = class.principal.as_ref().map(|p| format!(" to {p}")).unwrap_or_default();
    let hangs = if class.conditions.is_empty() { String::new() } else { format!("  if {}", class.conditions.join(" and ")) };
    out.line(&format!(
        "{sign} {:4}  {names} on {}{to}{hangs}  (statement {})",
        word(class.verdict),
        class.resource,
        class.statement + 1
    ))?;
    if let Some(witness) = &class.witness {
        out.line(&format!("         for one: {} on {} by {}", witness.action, witness.resource, caller(&witness.caller)))?;
    }
    Ok(())
}

fn caller(caller: &Caller) -> &str {
    match caller {
        Caller::Aws(name) | Caller::Service(name) | Caller::Federated(name) => name,
        Caller::Anonymous => "anybody",
    }
}

fn row(class: &AccessClass, actions: &Actions) -> Value {
    let witness = |r: &Request| {
        let context: serde_json::Map<String, Value> = r.context.iter().map(|(key, given)| (key.to_owned(), json!(given))).collect();
        json!({"action": r.action, "resource": r.resource, "principal": caller(&r.caller), "context": context})
    };
    let names: Vec<String> = class.actions.iter().map(|n| actions.bit_name(n)).collect();
    json!({"actions": actions_text(&class.actions, actions, NAMES_MAX), "action_names": names, "resource": class.resource,
           "principal": class.principal, "conditions": class.conditions, "statement": class.statement + 1, "verdict": word(class.verdict),
           "witness": class.witness.as_ref().map(witness)})
}
