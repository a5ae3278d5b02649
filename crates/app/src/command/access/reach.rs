//! `bartizan access reach`.

use anyhow::Result;
use bartizan_iam::{Estate, ReachRow};
use serde_json::json;

use crate::access::{accounts, actions, of_account};
use crate::cli::{AccessReachArgs, Format, Global};
use crate::outcome::Outcome;
use crate::render::{
    Out, assumptions, note_unread, reach_json, reach_line, reach_summary, reach_word,
};

pub(super) fn run(global: &Global, args: &AccessReachArgs) -> Result<Outcome> {
    let actions = actions(&args.on.table)?;
    let accounts = accounts(global, args.on.on.as_deref(), &actions)?;
    note_unread(global, &accounts);
    let estate = Estate::new(&accounts);
    let id = of_account(&estate, &args.principal)?;
    let (rows, whole) = estate.reach(id);
    let mut out = Out::new();
    if global.format == Format::Human {
        let others = rows.iter().filter(|r| r.account != accounts[id.account].id);
        let mut others: Vec<&str> = others.map(|r| r.account.as_str()).collect();
        others.dedup();
        out.line(&format!(
            "{} reaches {} services in its account, and {} of {} other accounts",
            estate.arn(id),
            services(&rows, &accounts[id.account].id),
            others.len(),
            accounts.len() - 1
        ))?;
        let mut heading = None;
        for group in reach_groups(&rows) {
            let first = group[0];
            let here = (first.account.as_str(), first.kind);
            if heading != Some(here) {
                let (account, kind) = (&first.account, reach_word(first.kind));
                out.line(&format!("account {account}: {kind}"))?;
                heading = Some(here);
            }
            if group.len() > SERVICES_SHOWN {
                out.line(&format!("  {}", reach_summary(&group, &actions)))?;
                continue;
            }
            for row in group {
                let roles = estate.roles_in(row);
                out.line(&format!("  {}", reach_line(row, &roles, &actions)))?;
            }
        }
        if !whole {
            out.line("and more that was not looked at: ask with access can about less at once")?;
        }
        assumptions(&accounts[id.account])
            .iter()
            .try_for_each(|a| out.line(&format!("  {a}")))?;
    } else {
        let one = |row: &ReachRow| {
            let mut value = reach_json(row, &estate.roles_in(row), &actions);
            value["principal"] = json!(estate.arn(id));
            value["whole"] = json!(whole);
            value
        };
        out.rows(global.format, &rows.iter().map(one).collect::<Vec<_>>())?;
    }
    out.flush()?;
    let unread = rows.iter().any(|row| !row.unread.is_empty());
    Ok(if args.on.require_complete && (!whole || unread) {
        Outcome::Incomplete
    } else {
        Outcome::Done
    })
}

/// Services that are shown one by one, of those that are alike.
const SERVICES_SHOWN: usize = 8;

/// Rows that differ by their services and resources only.
fn reach_groups(rows: &[ReachRow]) -> Vec<Vec<&ReachRow>> {
    let mut groups: Vec<Vec<&ReachRow>> = Vec::new();
    for row in rows {
        let alike = |group: &&mut Vec<&ReachRow>| {
            let first = group[0];
            (&first.account, first.kind, first.verdict, &first.conditions)
                == (&row.account, row.kind, row.verdict, &row.conditions)
                && first.unread.is_empty() == row.unread.is_empty()
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

/// Number of services of an account.
fn services(rows: &[ReachRow], account: &str) -> usize {
    let own = rows.iter().filter(|row| row.account == account);
    let services: std::collections::BTreeSet<&str> = own.map(|row| row.service.as_str()).collect();
    services.len()
}
