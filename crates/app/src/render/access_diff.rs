//! The difference in access between two states of an account, for people and as JSON.

use bartizan_iam::{
    AccessClass, Account, AccountDifference, Actions, Difference, EscalationChange, ExternalAccess,
    Presence, PrincipalChange, Tri, actions_text,
};
use bartizan_incident::{escalation_path, escalation_sentence, short_arn};
use serde_json::{Value, json};

use super::access::{outsider, word};

/// Names of actions that one line shows.
const NAMES_SHOWN: usize = 4;

/// Classes that one principal shows.
const CLASSES_SHOWN: usize = 6;

/// Lines for people, the worst first.
pub(crate) fn access_lines(new: &Account<'_>, difference: &AccountDifference) -> Vec<String> {
    let mut lines: Vec<String> = difference
        .escalations
        .iter()
        .map(|change| escalation(new, change))
        .collect();
    for (sign, openings) in [("open  ", &difference.opened), ("shut  ", &difference.shut)] {
        lines.extend(openings.iter().map(|o| opening_line(sign, o)));
    }
    for change in &difference.principals {
        principal_lines(new.actions, change, &mut lines);
    }
    lines.extend(difference.unknown.iter().map(|u| format!("unknown {u}")));
    lines
}

/// `GREW   user/bob can now do everything (rung A)`.
fn escalation(new: &Account<'_>, change: &EscalationChange) -> String {
    let sign = if change.after < change.before {
        "shrank"
    } else {
        "GREW  "
    };
    format!("{sign} {}", escalation_sentence(new, change))
}

/// `open   arn:aws:s3:::payroll for anybody: s3:GetObject (must)`.
fn opening_line(sign: &str, opening: &ExternalAccess) -> String {
    format!(
        "{sign} {} for {}: {} ({}){}",
        opening.arn,
        opening.to.sentence(),
        opening.actions.join(", "),
        word(opening.verdict),
        conditions("  if ", &opening.conditions)
    )
}

fn principal_lines(actions: &Actions, change: &PrincipalChange, lines: &mut Vec<String>) {
    let name = short_arn(&change.arn);
    let what = match change.presence {
        Presence::New => " (new)",
        Presence::Gone => " (gone)",
        Presence::Both => "",
    };
    let before = lines.len();
    for (word, difference) in [
        ("", Some(&change.identity)),
        ("its boundary: ", change.boundary.as_ref()),
    ] {
        let Some(difference) = difference else {
            continue;
        };
        for (sign, classes) in [("grew  ", &difference.gained), ("shrank", &difference.lost)] {
            lines.extend(
                classes
                    .iter()
                    .take(CLASSES_SHOWN)
                    .map(|c| format!("{sign} {name}{what}: {word}{}", class(c, actions))),
            );
            if classes.len() > CLASSES_SHOWN {
                let more = classes.len() - CLASSES_SHOWN;
                lines.push(format!("{sign} {name}{what}: and {more} more"));
            }
        }
    }
    if lines.len() == before {
        lines.push(format!("same   {name}{what}: holds nothing"));
    }
}

/// `s3:GetObject on arn:aws:s3:::payroll/* (must)`.
fn class(class: &AccessClass, actions: &Actions) -> String {
    format!(
        "{} on {}{} ({})",
        actions_text(&class.actions, actions, NAMES_SHOWN),
        class.resource,
        conditions(" if ", &class.conditions),
        word(class.verdict)
    )
}

fn conditions(before: &str, conditions: &[String]) -> String {
    if conditions.is_empty() {
        String::new()
    } else {
        format!("{before}{}", conditions.join(" and "))
    }
}

/// One JSON object with all that the lines say.
pub(crate) fn access_json(
    old: &Account<'_>,
    new: &Account<'_>,
    difference: &AccountDifference,
) -> Value {
    let principals: Vec<Value> = difference
        .principals
        .iter()
        .map(|p| principal_json(p, new.actions))
        .collect();
    let escalations: Vec<Value> = difference
        .escalations
        .iter()
        .map(|e| {
            let account = if e.after == Tri::No { old } else { new };
            json!({
                "principal": e.arn,
                "before": word(e.before),
                "after": word(e.after),
                "rung": e.escalation.rung.letter().to_string(),
                "path": escalation_path(account, &e.escalation),
                "sentence": escalation(new, e),
            })
        })
        .collect();
    let openings = |list: &[ExternalAccess]| list.iter().map(opening_json).collect::<Vec<_>>();
    json!({
        "account": new.id,
        "principals": principals,
        "escalations": escalations,
        "opened": openings(&difference.opened),
        "unknown": difference.unknown,
        "shut": openings(&difference.shut),
    })
}

fn principal_json(change: &PrincipalChange, actions: &Actions) -> Value {
    let class = |c: &AccessClass| {
        json!({
            "actions": actions_text(&c.actions, actions, NAMES_SHOWN),
            "resource": c.resource,
            "conditions": c.conditions,
            "verdict": word(c.verdict),
        })
    };
    let difference = |d: &Difference| {
        json!({
            "gained": d.gained.iter().map(class).collect::<Vec<_>>(),
            "lost": d.lost.iter().map(class).collect::<Vec<_>>(),
        })
    };
    let presence = match change.presence {
        Presence::New => "new",
        Presence::Gone => "gone",
        Presence::Both => "both",
    };
    json!({
        "principal": change.arn,
        "presence": presence,
        "identity": difference(&change.identity),
        "boundary": change.boundary.as_ref().map(difference),
    })
}

fn opening_json(opening: &ExternalAccess) -> Value {
    json!({
        "resource": opening.arn,
        "by": opening.by,
        "to": opening.to.sentence(),
        "outsider": outsider(&opening.to),
        "class": opening.class.word(),
        "actions": opening.actions,
        "verdict": word(opening.verdict),
        "conditions": opening.conditions,
    })
}
