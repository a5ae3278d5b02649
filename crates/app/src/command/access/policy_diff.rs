//! `bartizan access policy-diff`.

use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use bartizan_iam::{
    AccessClass, Actions, ContextValue, Policy, PolicyGrammar, Request, RequestCaller,
    actions_text, difference, parse, spans,
};
use serde_json::{Value, json};

use crate::access::actions;
use crate::cli::{AccessPolicyDiffArgs, Format, Global, PolicySide};
use crate::files::read_text;
use crate::outcome::Outcome;
use crate::render::{Out, word};

/// Names of actions that one line shows.
const NAMES_SHOWN: usize = 12;

pub(super) fn run(global: &Global, args: &AccessPolicyDiffArgs) -> Result<Outcome> {
    let actions = actions(&args.table)?;
    let ((old, old_lines), (new, new_lines)) = (read(&args.old)?, read(&args.new)?);
    let side = side(args, &old, &new)?;
    let found = difference(&old, &new, side, &actions);
    let mut out = Out::new();
    if global.format == Format::Human {
        for (sign, classes, lines) in [
            ('+', &found.gained, &new_lines),
            ('-', &found.lost, &old_lines),
        ] {
            for class in classes {
                human(&mut out, sign, class, lines, &actions)?;
            }
        }
        out.line(match (found.gained.is_empty(), found.lost.is_empty()) {
            (true, true) => "the policies allow the same",
            (true, false) => "the new policy allows nothing that the old one did not",
            (false, true) => "the new policy takes nothing away",
            (false, false) => "the new policy allows more and less than the old one",
        })?;
    } else {
        let list = |classes: &[AccessClass], lines: &[usize]| {
            classes
                .iter()
                .map(|c| row(c, lines, &actions))
                .collect::<Vec<_>>()
        };
        let (gained, lost) = (
            list(&found.gained, &new_lines),
            list(&found.lost, &old_lines),
        );
        out.json(
            global.format,
            vec![json!({"gained": gained, "lost": lost, "actions_of": actions.date})],
        )?;
    }
    out.flush()?;
    Ok(if found.grants_nothing_new() {
        Outcome::Done
    } else {
        Outcome::Findings
    })
}

/// Where the policies stand: as was said, or by whether their statements name principals. Policies
/// of users, groups and roles, and service control policies, have no Principal; all others have one
/// in every statement (IAM user guide, "Principal").
fn side(args: &AccessPolicyDiffArgs, old: &Policy, new: &Policy) -> Result<PolicyGrammar> {
    let (mut with, mut without) = (None, None);
    for (path, policy) in [(&args.old, old), (&args.new, new)] {
        for (n, statement) in policy.statements.iter().enumerate() {
            let place = || format!("statement {} of {}", n + 1, path.display());
            if statement.principal.is_some() {
                with.get_or_insert_with(place);
            } else {
                ensure!(
                    statement.resource.is_some()
                        || matches!(args.side, Some(PolicySide::Identity | PolicySide::Scp)),
                    "{} has neither Principal nor Resource: it is no policy of an identity, nor \
                    of a resource",
                    place()
                );
                without.get_or_insert_with(place);
            }
        }
    }
    match (args.side, with, without) {
        (None, Some(with), Some(without)) => bail!(
            "{with} names a principal and {without} names none: a policy of a resource names one \
            in every statement, a policy of an identity in none"
        ),
        (Some(PolicySide::Identity | PolicySide::Scp), Some(with), _) => {
            bail!(
                "{with} names a principal, which AWS refuses in such a policy: compare them with \
                --as resource"
            )
        }
        (Some(PolicySide::Resource | PolicySide::Rcp), _, Some(without)) => {
            bail!("{without} names no principal, which every statement of such a policy must")
        }
        (Some(PolicySide::Scp), ..) => Ok(PolicyGrammar::Scp),
        (Some(PolicySide::Rcp), ..) => Ok(PolicyGrammar::Rcp),
        (Some(PolicySide::Resource), ..) | (None, Some(_), _) => Ok(PolicyGrammar::Resource),
        (Some(PolicySide::Identity), ..) | (None, None, _) => Ok(PolicyGrammar::Identity),
    }
}

/// A policy, and the line on which each of its statements begins.
fn read(path: &Path) -> Result<(Policy, Vec<usize>)> {
    let text = read_text(path)?;
    let policy = parse(&text).with_context(|| format!("{} is not a policy", path.display()))?;
    ensure!(
        !policy.statements.is_empty() || text.contains("Statement"),
        "{} is not a policy: it has no Statement",
        path.display()
    );
    policy
        .check_version()
        .with_context(|| format!("{} cannot be compared", path.display()))?;
    let line = |span: Range<usize>| text[..span.start].matches('\n').count() + 1;
    Ok((
        policy,
        spans(&text)
            .unwrap_or_default()
            .into_iter()
            .map(line)
            .collect(),
    ))
}

fn human(
    out: &mut Out,
    sign: char,
    class: &AccessClass,
    lines: &[usize],
    actions: &Actions,
) -> Result<()> {
    let names = actions_text(&class.actions, actions, NAMES_SHOWN);
    let to = class
        .principal
        .as_ref()
        .map(|p| format!(" to {p}"))
        .unwrap_or_default();
    let conditions = if class.conditions.is_empty() {
        String::new()
    } else {
        format!("  if {}", class.conditions.join(" and "))
    };
    let line = lines
        .get(class.statement)
        .map(|n| format!(", line {n}"))
        .unwrap_or_default();
    let statement = class.statement + 1;
    out.line(&format!(
        "{sign} {:4}  {names} on {}{to}{conditions}  (statement {statement}{line})",
        word(class.verdict),
        class.resource
    ))?;
    if let Some(witness) = &class.witness {
        let context: Vec<String> = witness
            .context
            .iter()
            .map(|(key, given)| format!("{key} {}", text(given)))
            .collect();
        let with = if context.is_empty() {
            String::new()
        } else {
            format!(" with {}", context.join(", "))
        };
        let without: Vec<&str> = class.absent(witness).collect();
        let without = if without.is_empty() {
            String::new()
        } else {
            format!(" without {}", without.join(", "))
        };
        out.line(&format!(
            "         for one: {} on {} by {}{with}{without}",
            witness.action,
            witness.resource,
            caller(&witness.caller)
        ))?;
    }
    Ok(())
}

fn text(given: &ContextValue) -> String {
    match given {
        ContextValue::One(value) => value.clone(),
        ContextValue::Many(values) => format!("[{}]", values.join(", ")),
        ContextValue::StartsWith(value) => format!("{value}…"),
    }
}

fn caller(caller: &RequestCaller) -> &str {
    match caller {
        RequestCaller::Aws(name)
        | RequestCaller::Service(name)
        | RequestCaller::Federated(name) => name,
        RequestCaller::Anonymous => "anybody",
    }
}

fn row(class: &AccessClass, lines: &[usize], actions: &Actions) -> Value {
    let witness = |r: &Request| {
        let context: serde_json::Map<String, Value> = r
            .context
            .iter()
            .map(|(key, given)| (key.to_owned(), json!(given)))
            .collect();
        json!({
            "action": r.action,
            "resource": r.resource,
            "principal": caller(&r.caller),
            "context": context,
        })
    };
    let names: Vec<String> = class.actions.iter().map(|n| actions.bit_name(n)).collect();
    json!({
        "actions": actions_text(&class.actions, actions, NAMES_SHOWN),
        "action_names": names,
        "resource": class.resource,
        "principal": class.principal,
        "conditions": class.conditions,
        "statement": class.statement + 1,
        "line": lines.get(class.statement),
        "verdict": word(class.verdict),
        "witness": class.witness.as_ref().map(witness),
    })
}
