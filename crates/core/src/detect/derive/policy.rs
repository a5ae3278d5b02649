//! What a policy document in a request grants.

use bartizan_iam::{Block, Policy, Principal, Statement};

use super::{cut, is_account};
use crate::trail::json::{Kind, Value};
use crate::trail::{Event, Field};

/// Request fields that hold a policy document, as text or as an object.
const POLICY_FIELDS: &[&str] = &[
    "policyDocument",
    "assumeRolePolicyDocument",
    "policy",
    "bucketPolicy",
    "policyText",
    "resourcePolicy",
    "repositoryPolicyText",
    "accessPolicies",
    "keyPolicy",
];

pub(super) fn policies(event: &Event<'_>) -> Vec<String> {
    let Some(request) = event.field(Field::RequestParameters) else { return Vec::new() };
    let own = event.text(Field::RecipientAccountId).unwrap_or_default();
    let mut found = std::collections::BTreeSet::new();
    let documents = request.raw_members().filter(|(key, _)| POLICY_FIELDS.iter().any(|f| f.as_bytes() == *key)).map(|(_, v)| v);
    let texts = documents.filter_map(|v| match v.kind() {
        Kind::Object => Some(v.compact()),
        _ => v.text(),
    });
    // SetQueueAttributes and SetTopicAttributes have it one level down.
    let attribute = request.get("attributes").and_then(|a| a.get("Policy"));
    let topic = request.get("attributeName").filter(|n| n.text().as_deref() == Some("Policy")).and(request.get("attributeValue"));
    for text in texts.chain([attribute, topic].into_iter().flatten().filter_map(Value::text)) {
        let Ok(policy) = bartizan_iam::parse(&text) else { continue };
        grants(&policy, &own, &mut found);
    }
    // Lambda's AddPermission names the principal and makes the statement itself.
    match request.get("principal").and_then(Value::text).as_deref() {
        Some("*") => found.extend(["public".to_owned()]),
        Some(principal) => {
            let account = if is_account(principal) { principal } else { principal.split(':').nth(4).unwrap_or_default() };
            if is_account(account) && account != own {
                found.insert(format!("account:{account}"));
            }
        }
        None => {}
    }
    found.into_iter().collect()
}

fn grants(policy: &Policy, own_account: &str, found: &mut std::collections::BTreeSet<String>) {
    for statement in &policy.statements {
        let everything = every_action(statement) && every_resource(statement);
        if statement.effect == "Deny" {
            let anybody = matches!(&statement.principal, Some(Block::Is(p)) if p.iter().any(is_anybody));
            if anybody && everything && statement.conditions.is_empty() {
                found.insert("deny-all".to_owned());
            }
            continue;
        }
        match &statement.principal {
            None if everything => {
                found.insert("admin".to_owned());
            }
            None => {}
            Some(Block::Not(_)) => {
                found.insert("public".to_owned());
            }
            Some(Block::Is(principals)) => {
                for principal in principals {
                    found.extend(opened_to(principal, statement, own_account));
                }
            }
        }
    }
}

/// `*`, or everything but something.
fn every_action(statement: &Statement) -> bool {
    match &statement.action {
        Some(Block::Is(actions)) => actions.iter().any(|a| a.chars().all(|c| c == '*') || a == "*:*"),
        Some(Block::Not(_)) => true,
        None => false,
    }
}

fn every_resource(statement: &Statement) -> bool {
    match &statement.resource {
        Some(Block::Is(resources)) => resources.iter().any(|r| r.chars().all(|c| c == '*')),
        Some(Block::Not(_)) => true,
        // A trust policy has none.
        None => true,
    }
}

fn is_anybody(principal: &Principal) -> bool {
    match principal {
        Principal::Star => true,
        Principal::Of(kind, value) => kind == "AWS" && value == "*",
    }
}

/// Conditions that bind a public grant to somebody.
const BINDING_KEYS: [&str; 9] = [
    "aws:principalorgid",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:principalorgpaths",
];

fn opened_to(principal: &Principal, statement: &Statement, own_account: &str) -> Option<String> {
    if is_anybody(principal) {
        let bound = statement.conditions.iter().any(|c| BINDING_KEYS.contains(&c.key.to_lowercase().as_str()));
        return match (bound, statement.conditions.is_empty()) {
            (true, _) => None,
            (false, true) => Some("public".to_owned()),
            (false, false) => Some("public-if".to_owned()),
        };
    }
    let Principal::Of(kind, value) = principal else { return None };
    match kind.as_str() {
        "AWS" => {
            let account = if is_account(value) { value.as_str() } else { value.split(':').nth(4).unwrap_or_default() };
            (is_account(account) && account != own_account).then(|| format!("account:{account}"))
        }
        "Federated" => Some(format!("federated:{}", cut(value.rsplit_once("provider/").map_or(value, |(_, name)| name)))),
        _ => None,
    }
}
