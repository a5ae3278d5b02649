//! `bartizan access escalate`.

use anyhow::Result;
use bartizan_iam::{AccessLevel, Account, Bits, Effects, Escalation, Escalations, ROWS, Tri, commands, escalations};
use serde_json::{Value, json};

use super::{Outcome, accounts, actions, assumptions, short, word};
use crate::cli::{AccessEscalate, Format, Global};
use crate::render::Out;

pub(super) fn run(global: &Global, args: &AccessEscalate) -> Result<Outcome> {
    let actions = actions(&args.on.table)?;
    let accounts = accounts(global, args.on.on.as_deref(), &actions)?;
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    let mut out = Out::new();
    let mut values = Vec::new();
    let mut met = false;
    for account in &accounts {
        let only = match &args.principal {
            None => None,
            Some(name) => match account.principal(name) {
                Ok(number) => Some(number as u32),
                Err(e) if accounts.len() == 1 => anyhow::bail!(e),
                Err(_) => continue,
            },
        };
        met = true;
        let found = escalations(account, threads);
        if global.format == Format::Human {
            human(&mut out, account, &found, only)?
        } else {
            values.push(value(account, &found, only))
        }
    }
    if !met {
        anyhow::bail!("no account has a user or role {}", args.principal.as_deref().unwrap_or_default());
    }
    if global.format != Format::Human {
        out.json(global.format, values)?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}

fn human(out: &mut Out, account: &Account<'_>, found: &Escalations, only: Option<u32>) -> Result<()> {
    let holders = found.found.iter().filter(|e| e.steps.is_empty() && e.verdict == Tri::Yes).count();
    let sure = found.found.iter().filter(|e| !e.steps.is_empty() && e.verdict == Tri::Yes).count();
    let perhaps = found.found.iter().filter(|e| e.verdict == Tri::Maybe).count();
    out.line(&format!(
        "account {}: {} users and roles; {holders} may do everything, {sure} can get there, {perhaps} perhaps",
        account.id,
        account.principals.len()
    ))?;
    let mut list: Vec<&Escalation> = found.found.iter().filter(|e| only.is_none_or(|n| e.principal == n)).collect();
    list.sort_by_key(|e| (std::cmp::Reverse(e.verdict), e.rung, e.principal));
    for escalation in list {
        let me = &account.principals[escalation.principal as usize];
        out.line(&format!(
            "{:4}  {}  {}  {}",
            word(escalation.verdict),
            escalation.rung.letter(),
            short(&me.arn),
            escalation.rung.sentence()
        ))?;
        for step in &escalation.steps {
            let to = step.to.map(|to| format!(" → {}", short(&account.principals[to as usize].arn))).unwrap_or_default();
            let through = step.through.as_ref().map(|t| format!(" through {t}")).unwrap_or_default();
            let needs = ROWS.iter().find(|r| r.id == step.row).map(|r| r.needs.join(" + ")).unwrap_or_default();
            out.line(&format!("            {needs}{through}{to}  ({}, {})", step.row, word(step.verdict)))?;
        }
        if only.is_some() {
            commands(account, escalation).iter().try_for_each(|c| out.line(&format!("            $ {c}")))?;
            let ways: Vec<String> = escalation.ways.iter().map(|(id, verdict)| format!("{id} ({})", word(*verdict))).collect();
            if !ways.is_empty() {
                out.line(&format!("            all ways: {}", ways.join(", ")))?;
            }
        }
    }
    for limited in found.limited.iter().filter(|l| only.is_none_or(|n| l.principal == n)) {
        let me = &account.principals[limited.principal as usize];
        out.line(&format!("held     {}  {} gives no more than {} allows", short(&me.arn), limited.row, limited.by))?;
    }
    if let Some(number) = only {
        if found.of(number).is_none() {
            out.line(&format!("no way found for {}", account.principals[number as usize].arn))?;
        }
        let effective = Effects::new(account).of(number as usize);
        out.line(&format!(
            "holds    {} of {} actions for sure, {} with perhaps",
            effective.must.len(),
            account.actions.len(),
            effective.may.len()
        ))?;
        for (service, levels) in account.by_level(&effective.may) {
            let one = |(level, (n, total)): (&AccessLevel, &(usize, usize))| format!("{} {n}/{total}", level.word());
            out.line(&format!("           {service}: {}", levels.iter().map(one).collect::<Vec<_>>().join(", ")))?;
        }
    }
    assumptions(account).iter().try_for_each(|a| out.line(&format!("  {a}")))
}

fn value(account: &Account<'_>, found: &Escalations, only: Option<u32>) -> Value {
    let arn = |number: u32| account.principals[number as usize].arn.as_str();
    let one = |e: &Escalation| {
        let steps: Vec<Value> = e
            .steps
            .iter()
            .map(|s| json!({"way": s.row, "rung": s.rung.letter().to_string(), "verdict": word(s.verdict), "to": s.to.map(arn), "through": s.through}))
            .collect();
        let ways: Vec<Value> = e.ways.iter().map(|(id, verdict)| json!({"way": id, "verdict": word(*verdict)})).collect();
        json!({"principal": arn(e.principal), "rung": e.rung.letter().to_string(), "sentence": e.rung.sentence(), "verdict": word(e.verdict),
               "steps": steps, "commands": commands(account, e), "ways": ways})
    };
    let wanted = |n: u32| only.is_none_or(|only| n == only);
    let limited = |l: &bartizan_iam::Limited| json!({"principal": arn(l.principal), "way": l.row, "by": l.by});
    json!({
        "account": account.id,
        "principals": account.principals.len(),
        "escalations": found.found.iter().filter(|e| wanted(e.principal)).map(one).collect::<Vec<_>>(),
        "limited": found.limited.iter().filter(|l| wanted(l.principal)).map(limited).collect::<Vec<_>>(),
        "holds": holds(account, only),
        "effective": only.map(|n| effective(account, n)),
        "unknown": account.unknown,
        "assumptions": assumptions(account),
    })
}

/// How many actions each principal may do: for sure, and with those that are perhaps.
fn holds(account: &Account<'_>, only: Option<u32>) -> Vec<Value> {
    let effects = Effects::new(account);
    let wanted = (0..account.principals.len()).filter(|n| only.is_none_or(|only| *n as u32 == only));
    let one = |n: usize| {
        let effective = effects.of(n);
        json!({"principal": account.principals[n].arn, "must": effective.must.len(), "may": effective.may.len()})
    };
    wanted.map(one).collect()
}

/// What one principal may do, by service and by what the actions do.
fn effective(account: &Account<'_>, number: u32) -> Value {
    let effective = Effects::new(account).of(number as usize);
    let table = |set: &Bits| {
        let one =
            |(level, (n, total)): (AccessLevel, (usize, usize))| (level.word().to_owned(), json!({"allowed": n, "of": total}));
        account
            .by_level(set)
            .into_iter()
            .map(|(service, levels)| (service, levels.into_iter().map(one).collect()))
            .collect::<serde_json::Map<_, _>>()
    };
    json!({"must": table(&effective.must), "may": table(&effective.may)})
}
