//! Effective access and reach, in words and as JSON.

use std::collections::BTreeSet;

use bartizan_iam::{Actions, Bits, LeftOut, LeftOutReason, ReachKind, ReachRow, Tri, actions_text};
use serde_json::{Value, json};

use super::access::{some, word};
use super::access_set::{cell_json, cell_text};

/// Names of actions that one line shows.
const NAMES_SHOWN: usize = 6;

/// Services that one line shows.
const SERVICES_SHOWN: usize = 12;

/// Resources that one line shows.
const SHOWN: usize = 4;

/// Actions that a document does not say all about, and why.
pub(crate) fn left_out(one: &LeftOut, actions: &Actions) -> String {
    format!(
        "{}: {}",
        actions_text(&one.actions, actions, NAMES_SHOWN),
        reason(&one.why)
    )
}

pub(crate) fn left_out_json(one: &LeftOut, actions: &Actions) -> Value {
    let names = actions_text(&one.actions, actions, usize::MAX);
    let names: Vec<&str> = names.split(", ").collect();
    json!({"actions": names, "because": reason(&one.why)})
}

fn reason(why: &LeftOutReason) -> String {
    match why {
        LeftOutReason::NotUnderstood => "a statement about them is not understood".to_owned(),
        LeftOutReason::Variable(key) => {
            format!("a resource depends on ${{{key}}}, which is not known")
        }
        LeftOutReason::NotOneStatement => {
            "layers ask what no single statement can ask together".to_owned()
        }
        LeftOutReason::TooLarge => "there are more combinations than are written".to_owned(),
        LeftOutReason::Unread(what) => what.clone(),
    }
}

/// Heading of rows of a kind.
pub(crate) fn reach_word(kind: ReachKind) -> &'static str {
    match kind {
        ReachKind::Become => "can become, or hand to a service",
        ReachKind::Permit => "can change who has access",
        ReachKind::Change => "can change",
        ReachKind::Read => "can read",
    }
}

/// `must  s3: s3:GetObject on arn:aws:s3:::b/*`. `roles`: those that it can become.
pub(crate) fn reach_line(row: &ReachRow, roles: &[&str], actions: &Actions) -> String {
    let names = actions_text(&row.actions, actions, NAMES_SHOWN);
    let cells: Vec<String> = if row.kind == ReachKind::Become && !roles.is_empty() {
        roles.iter().map(|role| (*role).to_owned()).collect()
    } else {
        row.cells.iter().map(cell_text).collect()
    };
    let mut line = format!(
        "{:4}  {names} on {}",
        word(row.verdict),
        some(&cells, SHOWN)
    );
    if !row.conditions.is_empty() {
        line.push_str(&format!("  if {}", some(&row.conditions, SHOWN)));
    }
    if let Some(unread) = row.unread.first() {
        line.push_str(&format!("  {unread}"));
    }
    line
}

/// Many services in one line: `must  1,204 actions of 213 services: acm, apigateway …`.
pub(crate) fn reach_summary(rows: &[&ReachRow], actions: &Actions) -> String {
    let all = rows
        .iter()
        .fold(Bits::default(), |all, row| all.union(&row.actions));
    let services: BTreeSet<&str> = rows.iter().map(|row| row.service.as_str()).collect();
    let services: Vec<String> = services.into_iter().map(str::to_owned).collect();
    let first = rows.first().map_or(word(Tri::No), |row| word(row.verdict));
    let mut line = format!(
        "{first:4}  {} actions of {} services: {}",
        actions.known(&all).count(),
        services.len(),
        some(&services, SERVICES_SHOWN)
    );
    let conditions = rows.first().map_or(&[][..], |row| &row.conditions);
    if !conditions.is_empty() {
        line.push_str(&format!("  if {}", some(conditions, SHOWN)));
    }
    let unread = rows.iter().find_map(|row| row.unread.first());
    if let Some(unread) = unread {
        line.push_str(&format!("  {unread}"));
    }
    line.push_str(" (--format json has each)");
    line
}

pub(crate) fn reach_json(row: &ReachRow, roles: &[&str], actions: &Actions) -> Value {
    let kind = match row.kind {
        ReachKind::Become => "become",
        ReachKind::Permit => "permit",
        ReachKind::Change => "change",
        ReachKind::Read => "read",
    };
    let names = actions_text(&row.actions, actions, usize::MAX);
    let cells: Vec<Value> = row.cells.iter().map(cell_json).collect();
    let roles = if row.kind == ReachKind::Become {
        roles
    } else {
        &[]
    };
    json!({
        "account": row.account,
        "kind": kind,
        "service": row.service,
        "verdict": word(row.verdict),
        "actions": names.split(", ").collect::<Vec<_>>(),
        "resources": cells,
        "roles": roles,
        "conditions": row.conditions,
        "unread": row.unread,
    })
}
