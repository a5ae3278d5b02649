//! `bartizan access escalate`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use bartizan_iam::{
    AccessLevel, Account, Bits, Controls, Crossing, CrossingNode, Effects, Escalation, Escalations,
    Estate, EstateEscalations, PrincipalId, TECHNIQUES, Tri, commands, estate_escalations,
};
use bartizan_incident::short_arn;
use serde_json::{Value, json};

use crate::access::{accounts, actions, nobody};
use crate::cli::{AccessEscalateArgs, Format, Global};
use crate::outcome::Outcome;
use crate::render::{
    Out, assumptions, assumptions_but_cut, crossing_json, crossing_lines, is_of_account,
    note_unread, principals_cut, some, unread_lines, word,
};

pub(super) fn run(global: &Global, args: &AccessEscalateArgs) -> Result<Outcome> {
    let actions = actions(&args.on.table)?;
    let accounts = accounts(global, args.on.on.as_deref(), &actions)?;
    note_unread(global, &accounts);
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    let mut out = Out::new();
    let mut values = Vec::new();
    let mut is_found = false;
    let estate = Estate::new(&accounts);
    let all = estate_escalations(&estate, threads);
    let mut asked = None;
    for (number, account) in accounts.iter().enumerate() {
        let only = match &args.principal {
            None => None,
            Some(name) => match account.principal(name) {
                Ok(number) => Some(number as u32),
                Err(e) if accounts.len() == 1 => anyhow::bail!(nobody(account, e)),
                Err(_) => continue,
            },
        };
        is_found = true;
        let found = &all.accounts[number];
        let of_one = only.map(|n| {
            let principal = n as usize;
            let account = number;
            all.of(&estate, PrincipalId { account, principal })
        });
        if global.format == Format::Human {
            human(&mut out, account, found, only)?;
            asked = asked.or(of_one);
        } else {
            let rows = of_one.unwrap_or_else(|| {
                let rows = all.crossings.iter();
                let own = rows.filter(|way| is_of_account(&estate, &accounts, number, way));
                own.cloned().collect()
            });
            let rows = rows.iter().map(|way| crossing_json(&estate, way));
            values.push(value(account, found, only, rows.collect()));
        }
    }
    if global.format == Format::Human {
        between(&mut out, &estate, &all, asked)?;
    }
    if !is_found {
        anyhow::bail!(
            "no account has a user or role {}",
            args.principal.as_deref().unwrap_or_default()
        );
    }
    if global.format != Format::Human {
        out.json(global.format, values)?;
    }
    out.flush()?;
    let whole = |a: &Account<'_>| {
        a.principals_cut().is_none()
            && a.unknown.is_empty()
            && !matches!(a.controls, Controls::Unread(_))
    };
    Ok(if args.on.require_complete && !accounts.iter().all(whole) {
        Outcome::Incomplete
    } else {
        Outcome::Done
    })
}

/// Ways between accounts: all, or those of one principal.
fn between(
    out: &mut Out,
    estate: &Estate<'_, '_>,
    all: &EstateEscalations,
    asked: Option<Vec<Crossing>>,
) -> Result<()> {
    let is_one = asked.is_some();
    let ways = asked.as_ref().unwrap_or(&all.crossings);
    if !ways.is_empty() && !is_one {
        let from: BTreeSet<_> = ways.iter().map(|way| &way.from).collect();
        let is_account = |node: &&&CrossingNode| matches!(node, CrossingNode::Administrator(_));
        let accounts = from.iter().filter(is_account).count();
        out.line(&format!(
            "between accounts: administrators of {accounts} accounts, and {} others, can become \
            administrator of another account",
            from.len() - accounts
        ))?;
    }
    crossing_lines(estate, ways)
        .iter()
        .try_for_each(|line| out.line(line))?;
    unread_lines(&all.unread)
        .iter()
        .try_for_each(|line| out.line(&format!("  {line}")))
}

/// Services that are shown one by one.
const SERVICES_SHOWN: usize = 12;

fn human(
    out: &mut Out,
    account: &Account<'_>,
    found: &Escalations,
    only: Option<u32>,
) -> Result<()> {
    let holders = found
        .found
        .iter()
        .filter(|e| e.steps.is_empty() && e.verdict == Tri::Yes)
        .count();
    let sure = found
        .found
        .iter()
        .filter(|e| !e.steps.is_empty() && e.verdict == Tri::Yes)
        .count();
    let perhaps = found
        .found
        .iter()
        .filter(|e| e.verdict == Tri::Maybe)
        .count();
    out.line(&format!(
        "account {}: {} users and roles; {holders} administrators, {sure} can become \
        administrator, {perhaps} possibly",
        account.id,
        account.principals.len()
    ))?;
    if let Some(cut) = principals_cut(account) {
        out.line(&format!("  {cut}"))?;
    }
    let mut list: Vec<&Escalation> = found
        .found
        .iter()
        .filter(|e| only.is_none_or(|n| e.principal == n))
        .collect();
    list.sort_by_key(|e| (std::cmp::Reverse(e.verdict), e.rung, e.principal));
    for escalation in list {
        print_escalation(out, account, escalation, only.is_some())?;
    }
    for limited in found
        .limited
        .iter()
        .filter(|l| only.is_none_or(|n| l.principal == n))
    {
        let me = &account.principals[limited.principal as usize];
        out.line(&format!(
            "held     {}  {} gives no more than {} allows",
            short_arn(&me.arn),
            limited.row,
            limited.by
        ))?;
    }
    if let Some(number) = only {
        if found.of(number).is_none() {
            out.line(&format!(
                "no way found for {}",
                account.principals[number as usize].arn
            ))?;
        }
        print_holdings(out, account, number)?;
    }
    assumptions_but_cut(account)
        .iter()
        .try_for_each(|a| out.line(&format!("  {a}")))
}

/// One principal and its way; `whole`: with what an attacker would type, and all other ways.
fn print_escalation(
    out: &mut Out,
    account: &Account<'_>,
    escalation: &Escalation,
    whole: bool,
) -> Result<()> {
    let me = &account.principals[escalation.principal as usize];
    out.line(&format!(
        "{:4}  {}  {}  {}",
        word(escalation.verdict),
        escalation.rung.letter(),
        short_arn(&me.arn),
        escalation.rung.sentence()
    ))?;
    for step in &escalation.steps {
        let to = step
            .to
            .map(|to| format!(" → {}", short_arn(&account.principals[to as usize].arn)))
            .unwrap_or_default();
        let through = step
            .through
            .as_ref()
            .map(|t| format!(" through {t}"))
            .unwrap_or_default();
        let needs = TECHNIQUES
            .iter()
            .find(|r| r.id == step.row)
            .map(|r| r.needs.join(" + "))
            .unwrap_or_default();
        out.line(&format!(
            "            {needs}{through}{to}  ({}, {})",
            step.row,
            word(step.verdict)
        ))?;
    }
    if whole {
        commands(account, escalation)
            .iter()
            .try_for_each(|c| out.line(&format!("            $ {c}")))?;
        let ways: Vec<String> = escalation
            .ways
            .iter()
            .map(|(id, verdict)| format!("{id} ({})", word(*verdict)))
            .collect();
        if !ways.is_empty() {
            out.line(&format!("            all ways: {}", ways.join(", ")))?;
        }
    }
    Ok(())
}

/// How many actions a principal holds, by service.
fn print_holdings(out: &mut Out, account: &Account<'_>, number: u32) -> Result<()> {
    let effective = Effects::new(account).of(number as usize);
    let known = |set: &Bits| account.actions.known(set).count();
    out.line(&format!(
        "holds    {} of {} actions, {} more possibly",
        known(&effective.must),
        known(&account.actions.all()),
        known(&effective.may).saturating_sub(known(&effective.must))
    ))?;
    // Services of which it holds all are one line: an administrator has hundreds.
    let services = account.by_level(&effective.may);
    let is_whole = |name: &str, levels: &BTreeMap<AccessLevel, (usize, usize)>| {
        let all: usize = levels.values().map(|(n, _)| n).sum();
        all == account
            .actions
            .known(&account.actions.matching(&format!("{name}:*")))
            .count()
    };
    let (whole, partly): (Vec<_>, Vec<_>) = services
        .iter()
        .partition(|(name, levels)| is_whole(name, levels));
    if !whole.is_empty() {
        let names: Vec<String> = whole.iter().map(|(name, _)| (*name).clone()).collect();
        out.line(&format!(
            "           all of {} services: {}",
            names.len(),
            some(&names, SERVICES_SHOWN)
        ))?;
    }
    for (service, levels) in partly.iter().take(SERVICES_SHOWN) {
        let one = |(level, (n, total)): (&AccessLevel, &(usize, usize))| {
            format!("{} {n}/{total}", level.word())
        };
        out.line(&format!(
            "           {service}: {}",
            levels.iter().map(one).collect::<Vec<_>>().join(", ")
        ))?;
    }
    if partly.len() > SERVICES_SHOWN {
        let names: Vec<String> = partly
            .iter()
            .skip(SERVICES_SHOWN)
            .map(|(name, _)| (*name).clone())
            .collect();
        out.line(&format!(
            "           part of {} more services: {}",
            names.len(),
            some(&names, SERVICES_SHOWN)
        ))?;
    }
    Ok(())
}

fn value(
    account: &Account<'_>,
    found: &Escalations,
    only: Option<u32>,
    crossings: Vec<Value>,
) -> Value {
    let arn = |number: u32| account.principals[number as usize].arn.as_str();
    let one = |e: &Escalation| {
        let steps: Vec<Value> = e
            .steps
            .iter()
            .map(|s| {
                json!({
                    "way": s.row,
                    "rung": s.rung.letter().to_string(),
                    "verdict": word(s.verdict),
                    "to": s.to.map(arn),
                    "through": s.through,
                })
            })
            .collect();
        let ways: Vec<Value> = e
            .ways
            .iter()
            .map(|(id, verdict)| json!({"way": id, "verdict": word(*verdict)}))
            .collect();
        json!({
            "principal": arn(e.principal),
            "rung": e.rung.letter().to_string(),
            "sentence": e.rung.sentence(),
            "verdict": word(e.verdict),
            "steps": steps,
            "commands": commands(account, e),
            "ways": ways,
        })
    };
    let wanted = |n: u32| only.is_none_or(|only| n == only);
    let limited = |l: &bartizan_iam::LimitedEscalation| {
        json!({
            "principal": arn(l.principal),
            "way": l.row,
            "by": l.by,
        })
    };
    let escalations: Vec<Value> = found
        .found
        .iter()
        .filter(|e| wanted(e.principal))
        .map(one)
        .collect();
    let limits: Vec<Value> = found
        .limited
        .iter()
        .filter(|l| wanted(l.principal))
        .map(limited)
        .collect();
    json!({
        "account": account.id,
        "principals": account.principals.len(),
        "escalations": escalations,
        "limited": limits,
        "crossings": crossings,
        "holds": holds(account, only),
        "effective": only.map(|n| effective(account, n)),
        "unknown": account.unknown,
        "assumptions": assumptions(account),
    })
}

/// How many actions each principal may do: for sure, and with those that are perhaps.
fn holds(account: &Account<'_>, only: Option<u32>) -> Vec<Value> {
    let effects = Effects::new(account);
    let wanted =
        (0..account.principals.len()).filter(|n| only.is_none_or(|only| *n as u32 == only));
    let one = |n: usize| {
        let effective = effects.of(n);
        json!({
            "principal": account.principals[n].arn,
            "must": account.actions.known(&effective.must).count(),
            "may": account.actions.known(&effective.may).count(),
        })
    };
    wanted.map(one).collect()
}

/// Actions of one principal, by service and access level.
fn effective(account: &Account<'_>, number: u32) -> Value {
    let effective = Effects::new(account).of(number as usize);
    let table = |set: &Bits| {
        let one = |(level, (n, total)): (AccessLevel, (usize, usize))| {
            (level.word().to_owned(), json!({"allowed": n, "of": total}))
        };
        account
            .by_level(set)
            .into_iter()
            .map(|(service, levels)| (service, levels.into_iter().map(one).collect()))
            .collect::<serde_json::Map<_, _>>()
    };
    json!({"must": table(&effective.must), "may": table(&effective.may)})
}
