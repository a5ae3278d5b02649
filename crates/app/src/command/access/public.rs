//! `bartizan access public`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use bartizan_iam::{Neighbours, Opening, openings};
use serde_json::{Value, json};

use super::{Outcome, accounts, actions, assumptions, word};
use crate::cli::{AccessPublic, Format, Global};
use crate::render::Out;

pub(super) fn run(global: &Global, args: &AccessPublic) -> Result<Outcome> {
    let actions = actions(&args.on.table)?;
    let accounts = accounts(global, args.on.on.as_deref(), &actions)?;
    let mut neighbours = Neighbours::default();
    accounts.iter().for_each(|account| neighbours.learn(account));
    neighbours.friendly.extend(args.friendly.iter().map(|id| (id.clone(), id.clone())));
    if let Some(file) = &args.vendors {
        neighbours.vendors = vendors(file)?;
    }
    let mut out = Out::new();
    let mut rows = Vec::new();
    for account in &accounts {
        let found = openings(account, &neighbours);
        if global.format == Format::Human {
            for opening in &found {
                let name = opening.name.as_ref().map(|n| format!(" {n}")).unwrap_or_default();
                let hangs = if opening.conditions.is_empty() {
                    String::new()
                } else {
                    format!("  if {}", opening.conditions.join(" and "))
                };
                out.line(&format!(
                    "{:4}  {:8}{name}  {} for {}: {}{hangs}",
                    word(opening.verdict),
                    opening.class.word(),
                    opening.arn,
                    opening.to.sentence(),
                    opening.actions.join(", ")
                ))?;
            }
            out.line(&format!("account {}: {} ways in from outside", account.id, found.len()))?;
            assumptions(account).iter().try_for_each(|a| out.line(&format!("  {a}")))?;
        } else {
            rows.extend(found.iter().map(|o| row(&account.id, o)));
        }
    }
    if global.format != Format::Human {
        out.rows(global.format, &rows)?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}

fn row(account: &str, opening: &Opening) -> Value {
    json!({"account": account, "resource": opening.arn, "by": opening.by, "to": opening.to.sentence(), "class": opening.class.word(),
           "name": opening.name, "actions": opening.actions, "verdict": word(opening.verdict), "conditions": opening.conditions,
           "statement": opening.statement})
}

/// Accounts of vendors: a list of `name` with `accounts` (or `id`), as public lists have it.
pub(in crate::command) fn vendors(file: &Path) -> Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let list: Value = yaml_serde::from_str(&text).with_context(|| format!("{} is not YAML", file.display()))?;
    let mut vendors = BTreeMap::new();
    for vendor in list.as_array().with_context(|| format!("{}: expected a list of vendors", file.display()))? {
        let name = vendor["name"].as_str().unwrap_or("?");
        let ids = vendor["accounts"].as_array().into_iter().flatten().chain([&vendor["id"]]);
        vendors.extend(ids.filter_map(Value::as_str).map(|id| (id.to_owned(), name.to_owned())));
    }
    Ok(vendors)
}
