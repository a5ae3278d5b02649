//! `bartizan access who-can`.

use anyhow::Result;
use bartizan_iam::{Caller, Decision, Neighbours, Outsider, Said, Tri, openings};
use serde_json::json;

use super::can::answer;
use super::{Outcome, accounts, actions, assumptions, check_action, word};
use crate::cli::{AccessWhoCan, Format, Global};
use crate::render::Out;

pub(super) fn run(global: &Global, args: &AccessWhoCan) -> Result<Outcome> {
    check_action(&args.action)?;
    let actions = actions(&args.on.table)?;
    let mut out = Out::new();
    let mut rows = Vec::new();
    for account in accounts(global, args.on.on.as_deref(), &actions)? {
        let mut found: Vec<_> = (0..account.principals.len())
            .map(|n| (account.principals[n].arn.clone(), account.may(n, &args.action, &args.resource)))
            .filter(|(_, said)| is_told(said))
            .collect();
        // Those outside whom a policy of the account names.
        for opening in openings(&account, &Neighbours::default()) {
            let caller = match &opening.to {
                Outsider::Anybody => Caller::Anonymous,
                Outsider::Account(id, who) if who.is_empty() => Caller::Aws(format!("arn:aws:iam::{id}:root")),
                Outsider::Account(_, who) => Caller::Aws(who.clone()),
                Outsider::Federated(provider, _) => Caller::Federated(provider.clone()),
                Outsider::Service(service, _) if service != "*" => Caller::Service(service.clone()),
                // Anybody at all stands for each of them.
                Outsider::AnyAccount => Caller::Aws(NOBODY_IN_PARTICULAR.to_owned()),
                Outsider::Organization(_) | Outsider::Service(..) | Outsider::Deleted(_) | Outsider::Unidentified(_) => continue,
            };
            let name = opening.to.sentence();
            if found.iter().all(|(n, _)| *n != name) {
                let said = account.may_from_outside(caller, &args.action, &args.resource);
                if is_told(&said) {
                    found.push((name, said));
                }
            }
        }
        found.sort_by(|a, b| (b.1.verdict, &a.0).cmp(&(a.1.verdict, &b.0)));
        if global.format == Format::Human {
            for (arn, said) in &found {
                let by = said.because.first().map(String::as_str).unwrap_or_default();
                let hangs =
                    if said.conditions.is_empty() { String::new() } else { format!("  if {}", said.conditions.join(" and ")) };
                out.line(&format!("{:4}  {arn}  {by}{hangs}", word(said.verdict)))?;
            }
            out.line(&format!("{} of {} principals of account {}", found.len(), account.principals.len(), account.id))?;
            assumptions(&account).iter().try_for_each(|a| out.line(&format!("  {a}")))?;
        } else {
            rows.extend(found.iter().map(|(arn, said)| {
                let mut value = answer(said);
                value["principal"] = json!(arn);
                value["account"] = json!(account.id);
                value
            }));
        }
    }
    if global.format != Format::Human {
        out.rows(global.format, &rows)?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}

/// An account that AWS gives to nobody, so that no policy names it.
const NOBODY_IN_PARTICULAR: &str = "arn:aws:iam::000000000000:root";

/// Whether there is something to tell. That grants of keys were not read is told once, and not of everybody.
fn is_told(said: &Said) -> bool {
    said.verdict == Tri::Yes || said.verdict == Tri::Maybe && said.decision == Decision::Unknown
}
