//! Ways between accounts, in words and as JSON.

use bartizan_iam::{
    Account, Crossing, CrossingDoubt, CrossingMeans, CrossingNode, CrossingStep, Estate,
    ORGANIZATION_TECHNIQUES, TECHNIQUES, Tri, UnreadOfOrganization, WorkforceSubject,
};
use serde_json::{Value, json};

use super::access::{some, word};

/// Accounts that one line names.
const ACCOUNTS_SHOWN: usize = 6;

/// Ways as lines: those of one kind from one principal are one entry, with the steps to the first.
pub(crate) fn crossing_lines(estate: &Estate<'_, '_>, ways: &[Crossing]) -> Vec<String> {
    let mut groups: Vec<Vec<&Crossing>> = Vec::new();
    for way in ways {
        let is_like = |group: &&mut Vec<&Crossing>| is_alike(group[0], way);
        match groups.iter_mut().find(is_like) {
            Some(group) => group.push(way),
            None => groups.push(vec![way]),
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group[0].verdict));
    let lines = |group: &Vec<&Crossing>| {
        let first = group[0];
        let ids: Vec<String> = group.iter().map(|way| way.to.clone()).collect();
        let accounts = if ids.len() == 1 {
            "account"
        } else {
            "accounts"
        };
        let mut lines = vec![format!(
            "{:4}  {} can become administrator of {accounts} {}",
            word(first.verdict),
            name(estate, &first.from),
            some(&ids, ACCOUNTS_SHOWN)
        )];
        for step in &first.steps {
            let reasons = reasons(estate, step);
            let reasons = if reasons.is_empty() {
                String::new()
            } else {
                format!(": {}", reasons.join("; "))
            };
            lines.push(format!(
                "            {} → {}  ({}{reasons})",
                deed(&step.means),
                name(estate, &step.to),
                word(step.verdict)
            ));
        }
        lines
    };
    groups.iter().flat_map(lines).collect()
}

/// Whether two ways are from one principal and of one kind.
fn is_alike(a: &Crossing, b: &Crossing) -> bool {
    let kind = |step: &CrossingStep| match &step.means {
        CrossingMeans::Technique { row, .. } | CrossingMeans::OverOrganization { row, .. } => *row,
        means => means_word(means),
    };
    (&a.from, a.verdict, a.steps.len()) == (&b.from, b.verdict, b.steps.len())
        && a.steps.iter().map(kind).eq(b.steps.iter().map(kind))
}

/// Somebody, as people read it.
fn name(estate: &Estate<'_, '_>, node: &CrossingNode) -> String {
    match node {
        CrossingNode::Principal(id) => estate.arn(*id).to_owned(),
        CrossingNode::Administrator(account) => format!("administrator of account {account}"),
        CrossingNode::Workforce(WorkforceSubject { is_group, id }) => {
            let kind = if *is_group { "group" } else { "user" };
            format!("{kind} {id} of Identity Center")
        }
    }
}

/// Calls of a step.
fn deed(means: &CrossingMeans) -> String {
    let with = |needs: &[&str], row: &str| format!("{} ({row})", needs.join(" + "));
    match means {
        CrossingMeans::Technique { row, through, .. } => {
            let technique = TECHNIQUES.iter().find(|t| t.id == *row);
            let needs = technique.map_or(&[][..], |t| t.needs);
            let through = through.iter().map(|t| format!(" through {t}"));
            format!("{}{}", with(needs, row), through.collect::<String>())
        }
        CrossingMeans::Takes => "takes as administrator".to_owned(),
        CrossingMeans::Trust => "sts:AssumeRole".to_owned(),
        CrossingMeans::Function { row, function } => {
            let technique = TECHNIQUES.iter().find(|t| t.id == *row);
            let needs = technique.map_or(&[][..], |t| t.needs);
            format!("{} on {function}", with(needs, row))
        }
        CrossingMeans::OrganizationRole => {
            "sts:AssumeRole of role/OrganizationAccountAccessRole".to_owned()
        }
        CrossingMeans::OverOrganization { row, .. } => {
            let technique = ORGANIZATION_TECHNIQUES.iter().find(|t| t.id == *row);
            with(technique.map_or(&[][..], |t| t.needs), row)
        }
        CrossingMeans::Assignment(set) => format!("is assigned {set}"),
    }
}

/// Reasons why a step is no must.
fn reasons(estate: &Estate<'_, '_>, step: &CrossingStep) -> Vec<String> {
    if step.verdict == Tri::Yes {
        return Vec::new();
    }
    let mut reasons: Vec<String> = match &step.means {
        CrossingMeans::OverOrganization {
            doubt: Some(doubt), ..
        } => vec![doubt_text(*doubt).to_owned()],
        _ => Vec::new(),
    };
    if let Some(said) = estate.answer_of_step(step) {
        reasons.extend(said.conditions.iter().map(|c| format!("depends on {c}")));
        reasons.extend(said.unread);
    }
    reasons
}

fn doubt_text(doubt: CrossingDoubt) -> &'static str {
    match doubt {
        CrossingDoubt::WorkforceUser => "needs a user of Identity Center",
        CrossingDoubt::Assigned => "must have the permission set itself",
        CrossingDoubt::StackSet => "needs a stack set that is there",
        CrossingDoubt::TrustedAccess => "services with trusted access were not read",
        CrossingDoubt::IdentityCenter => "whether Identity Center is in use was not read",
    }
}

fn doubt_word(doubt: CrossingDoubt) -> &'static str {
    match doubt {
        CrossingDoubt::WorkforceUser => "workforce-user",
        CrossingDoubt::Assigned => "assigned",
        CrossingDoubt::StackSet => "stack-set",
        CrossingDoubt::TrustedAccess => "trusted-access",
        CrossingDoubt::IdentityCenter => "identity-center",
    }
}

fn means_word(means: &CrossingMeans) -> &'static str {
    match means {
        CrossingMeans::Technique { .. } => "technique",
        CrossingMeans::Takes => "takes",
        CrossingMeans::Trust => "trust",
        CrossingMeans::Function { .. } => "function",
        CrossingMeans::OrganizationRole => "organization-role",
        CrossingMeans::OverOrganization { .. } => "over-organization",
        CrossingMeans::Assignment(_) => "assignment",
    }
}

/// Lists of organizations that were not read, as sentences.
pub(crate) fn unread_lines(unread: &[UnreadOfOrganization]) -> Vec<String> {
    let line = |one: &UnreadOfOrganization| match one {
        UnreadOfOrganization::Accounts(id) => format!(
            "organization {id}: the list of accounts was not read: it may have more accounts"
        ),
        UnreadOfOrganization::Delegation(id) => format!(
            "organization {id}: delegated administrators were not read: members may be such"
        ),
        UnreadOfOrganization::Assignments(id) => format!(
            "organization {id}: permission sets and assignments of Identity Center were not read"
        ),
    };
    unread.iter().map(line).collect()
}

/// A way as JSON.
pub(crate) fn crossing_json(estate: &Estate<'_, '_>, way: &Crossing) -> Value {
    let node = |node: &CrossingNode| match node {
        CrossingNode::Principal(id) => json!({"type": "principal", "arn": estate.arn(*id)}),
        CrossingNode::Administrator(id) => json!({"type": "administrator", "account": id}),
        CrossingNode::Workforce(subject) => {
            let kind = if subject.is_group { "group" } else { "user" };
            json!({"type": format!("workforce-{kind}"), "id": subject.id})
        }
    };
    let step = |step: &CrossingStep| {
        let mut value = json!({
            "by": means_word(&step.means),
            "from": node(&step.from),
            "to": node(&step.to),
            "verdict": word(step.verdict),
            "because": reasons(estate, step),
        });
        match &step.means {
            CrossingMeans::Technique { row, rung, through } => {
                value["way"] = json!(row);
                value["rung"] = json!(rung.letter().to_string());
                value["through"] = json!(through);
            }
            CrossingMeans::Function { row, function } => {
                value["way"] = json!(row);
                value["through"] = json!(function);
            }
            CrossingMeans::OverOrganization { row, doubt } => {
                value["way"] = json!(row);
                value["doubt"] = json!(doubt.map(doubt_word));
            }
            CrossingMeans::Assignment(set) => value["through"] = json!(set),
            CrossingMeans::Takes | CrossingMeans::Trust | CrossingMeans::OrganizationRole => {}
        }
        value
    };
    let steps: Vec<Value> = way.steps.iter().map(step).collect();
    json!({
        "from": node(&way.from),
        "account": way.to,
        "account_read": estate.account(&way.to).is_some(),
        "verdict": word(way.verdict),
        "steps": steps,
    })
}

/// Whether a way is shown with an account: it begins there, or people of Identity Center have it
/// and it ends there.
pub(crate) fn is_of_account(
    estate: &Estate<'_, '_>,
    accounts: &[Account<'_>],
    number: usize,
    way: &Crossing,
) -> bool {
    match &way.from {
        CrossingNode::Principal(id) => id.account == number,
        CrossingNode::Administrator(id) => accounts[number].id == *id,
        CrossingNode::Workforce(_) => match estate.account(&way.to) {
            Some(account) => account.id == accounts[number].id,
            None => number == 0,
        },
    }
}
