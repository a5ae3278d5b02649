//! What a policy document in a request grants.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use bartizan_iam::{Actions, Bits, Block, Policy, Principal, ROWS, Row, Statement, Target};

use super::action::is_change;
use super::document::{Document, documents};
use super::shape::{at, text};
use super::sharing::party;
use super::{api, cut, is_account};
use crate::trail::json::Value;
use crate::trail::{Event, Field};

/// What the policy documents of a request grant, and what it grants without one.
pub(super) fn policies(event: &Event<'_>) -> Vec<String> {
    let own = event.text(Field::RecipientAccountId).unwrap_or_default();
    let mut found = BTreeSet::new();
    if !is_change(&api(event)) {
        return Vec::new();
    }
    for document in documents(event) {
        let policy = match &document {
            Document::Text(text) => bartizan_iam::parse(text).ok(),
            Document::Unreadable => None,
        };
        match policy {
            Some(policy) => {
                grants(&policy, &own, &mut found);
                if !found.contains("admin") {
                    found.extend(ways_up(&policy).map(str::to_owned));
                }
            }
            None => found.extend(["unreadable".to_owned()]),
        }
    }
    if let Some(request) = event.field(Field::RequestParameters) {
        named_grants(request, &own, &mut found);
    }
    found.into_iter().collect()
}

/// What a request grants that names whom it lets in and leaves the statement to the service: AddPermission of Lambda, SNS and
/// SQS, PutPermission of EventBridge.
fn named_grants(request: Value<'_>, own: &str, found: &mut BTreeSet<String>) {
    for account in ["aWSAccountId", "aWSAccountIds"].iter().flat_map(|path| at(request, path)).filter_map(Value::text) {
        found.extend(party(&account, own).map(|p| if p == "all" { "public".to_owned() } else { p }));
    }
    let Some(principal) = request.get("principal").and_then(Value::text) else { return };
    let text = |path: &str| text(request, path);
    let condition = text("condition.key").map(|k| k.to_ascii_lowercase());
    let organization = text("principalOrgID").or_else(|| text("organizationId")).is_some_and(|o| o.starts_with("o-"))
        || condition.as_deref() == Some("aws:principalorgid");
    // The account that a service must call for. An ARN without an account (S3) binds nobody.
    let source = text("sourceAccount")
        .filter(|a| is_account(a))
        .map(Cow::into_owned)
        .or_else(|| text("sourceArn").and_then(|arn| arn.split(':').nth(4).filter(|a| is_account(a)).map(str::to_owned)));
    match (&*principal, source) {
        (_, Some(account)) if account != own => found.extend([format!("account:{account}")]),
        ("*", None) if !organization => found.extend(["public".to_owned()]),
        ("*", _) => {}
        (principal, _) => found.extend(party(principal, own)),
    }
}

/// `escalation` when a policy without a principal gives, for everything and without a condition, what one of the known ways
/// up needs; `data` when it gives all of S3 or of KMS.
fn ways_up(policy: &Policy) -> Option<&'static str> {
    let actions = Actions::builtin();
    let whole = |s: &&Statement| s.principal.is_none() && s.conditions.is_empty() && every_resource(s) && s.resource.is_some();
    let of = |effect: &str| {
        let statements = policy.statements.iter().filter(|s| s.effect == effect).filter(whole);
        let sets = statements.map(|s| match &s.action {
            Some(Block::Is(patterns)) => all_of(patterns),
            Some(Block::Not(patterns)) => actions.all().difference(&all_of(patterns)),
            None => Bits::default(),
        });
        sets.fold(Bits::default(), |all, set| all.union(&set))
    };
    let allowed = of("Allow");
    if allowed.is_empty() {
        return None;
    }
    let allowed = allowed.difference(&of("Deny"));
    if NEEDS.iter().any(|needs| allowed.covers(needs)) {
        return Some("escalation");
    }
    ["s3:*", "kms:*"].iter().any(|all| allowed.covers(&actions.matching(all))).then_some("data")
}

fn all_of(patterns: &[String]) -> Bits {
    let sets = patterns.iter().take(ACTIONS_MAX).map(|p| Actions::builtin().matching(p));
    sets.fold(Bits::default(), |all, set| all.union(&set))
}

/// Patterns of actions that a statement is read for: the largest policy of AWS has room for fewer.
const ACTIONS_MAX: usize = 4096;

/// What each way up needs. Of those through compute that is there already, which most operators may do, only two.
static NEEDS: LazyLock<Vec<Bits>> = LazyLock::new(|| {
    let sure =
        |row: &&Row| !matches!(row.target, Target::Holder(_) | Target::Service) || matches!(row.id, "ssm-002" | "lambda-003");
    // A way of which the table does not know an action cannot be told from one that needs less.
    let needs = |row: &Row| {
        let sets = row.needs.iter().map(|n| Some(Actions::builtin().matching(n)).filter(|set| !set.is_empty()));
        sets.reduce(|a, b| Some(a?.union(&b?))).flatten()
    };
    ROWS.iter().filter(sure).filter_map(needs).collect()
});

fn grants(policy: &Policy, own_account: &str, found: &mut BTreeSet<String>) {
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
