//! Answers about sets of actions and resources, in words and as JSON.

use bartizan_iam::{
    AccessAnswer, Actions, Extent, ResourceCell, SetAnswer, SetPart, Tri, actions_text,
};
use serde_json::{Value, json};

use super::access::{answer, some, word};

/// Parts that one answer shows.
const PARTS_SHOWN: usize = 12;

/// Names of actions that one part shows.
const ACTIONS_SHOWN: usize = 4;

/// Patterns of resources that one part shows.
const PATTERNS_SHOWN: usize = 3;

/// `must` and `may` of all, `some`, or `no`.
pub(crate) fn word_of_set(said: &SetAnswer) -> &'static str {
    if said.extent == Extent::Some {
        "some"
    } else {
        word(said.verdict())
    }
}

/// The parts of an answer, one a line, with the reason.
pub(crate) fn lines_of_set(said: &SetAnswer, actions: &Actions) -> Vec<String> {
    let line = |part: &SetPart| {
        let by = part.said.unread.first().or(part.said.because.first());
        let by = by.map(|by| format!("  {by}")).unwrap_or_default();
        let conditions = if part.said.conditions.is_empty() {
            String::new()
        } else {
            format!("  if {}", part.said.conditions.join(" and "))
        };
        let what = what(part, actions);
        format!("{:4}  {what}{by}{conditions}", word(part.said.verdict))
    };
    let mut lines: Vec<String> = said.parts.iter().take(PARTS_SHOWN).map(line).collect();
    if said.parts.len() > PARTS_SHOWN {
        let more = said.parts.len() - PARTS_SHOWN;
        lines.push(format!("and {more} more parts (--format json has all)"));
    }
    if said.cut {
        lines.push("and more that was not looked at: ask about less at once".to_owned());
    }
    lines
}

/// Allowed part of a set, in one line.
pub(crate) fn allowed_of_set(said: &SetAnswer, actions: &Actions) -> String {
    let allowed = said.parts.iter().filter(|p| p.said.verdict != Tri::No);
    let texts: Vec<String> = allowed.map(|part| what(part, actions)).collect();
    some(&texts, PATTERNS_SHOWN)
}

/// `s3:GetObject, s3:PutObject on arn:aws:s3:::b/* but arn:aws:s3:::b/secret/*`.
fn what(part: &SetPart, actions: &Actions) -> String {
    let names = actions_text(&part.actions, actions, ACTIONS_SHOWN);
    let cells: Vec<String> = part.cells.iter().map(cell_text).collect();
    format!("{names} on {}", some(&cells, PATTERNS_SHOWN))
}

pub(super) fn cell_json(cell: &ResourceCell) -> Value {
    json!({
        "account": cell.account,
        "patterns": cell.patterns(),
        "but": cell.exceptions(),
        "without_own_policy": cell.without_own_policy,
    })
}

pub(super) fn cell_text(cell: &ResourceCell) -> String {
    let mut text = some(&cell.patterns(), PATTERNS_SHOWN);
    let but = cell.exceptions();
    if !but.is_empty() {
        text.push_str(&format!(" but {}", some(&but, PATTERNS_SHOWN)));
    }
    if let Some(account) = &cell.account {
        text.push_str(&format!(" (other buckets of account {account})"));
    }
    text
}

/// The answer as JSON, without the question.
pub(crate) fn answer_of_set(said: &SetAnswer, actions: &Actions) -> Value {
    let class = |part: &SetPart| {
        let mut value = answer(&part.said);
        let names = actions_text(&part.actions, actions, usize::MAX);
        value["actions"] = names.split(", ").collect();
        value["resources"] = part.cells.iter().map(cell_json).collect();
        value["example"] = json!({"action": part.example.0, "resource": part.example.1});
        value
    };
    let all = |of: fn(&AccessAnswer) -> &Vec<String>| {
        let mut list: Vec<&String> = Vec::new();
        for one in said.parts.iter().flat_map(|part| of(&part.said)) {
            if !list.contains(&one) {
                list.push(one);
            }
        }
        json!(list)
    };
    json!({
        "because": all(|said| &said.because),
        "conditions": all(|said| &said.conditions),
        "unread": all(|said| &said.unread),
        "verdict": word(said.verdict()),
        "extent": said.extent.word(),
        "classes": said.parts.iter().map(class).collect::<Vec<_>>(),
        "whole": !said.cut,
    })
}
