//! Permissions granted by policy documents in a request.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use bartizan_iam::{
    Actions, AdmittedPrincipal, Bits, Block, ConditionSubject, ExternalPrincipal, OnBehalfOf,
    Policy, PolicyCondition, PolicyLocation, Principal, Statement, TECHNIQUES, Technique,
    TechniqueTarget, Tri, admitted,
};

use super::action::is_change;
use super::document::{PolicyField, documents};
use super::shape::{at, text};
use super::sharing::party;
use super::text::{api, cut, is_account};
use bartizan_model::limits::STATEMENT_ACTIONS_MAX;
use bartizan_trail::json::JsonValue;
use bartizan_trail::{Event, Field};

/// Permissions granted by a request, through policy documents or without one.
pub(super) fn policies(event: &Event<'_>) -> Vec<String> {
    let own = event.text(Field::RecipientAccountId).unwrap_or_default();
    let trust = event
        .text(Field::EventSource)
        .is_some_and(|source| source.starts_with("iam"));
    let place = PolicyLocation {
        account: &own,
        trust,
        now_s: event.time_s().map(|s| s as f64),
        ..PolicyLocation::default()
    };
    let mut found = BTreeSet::new();
    if !is_change(&api(event)) {
        return Vec::new();
    }
    for document in documents(event) {
        let policy = match &document {
            PolicyField::Text(text) => bartizan_iam::parse(text).ok(),
            PolicyField::Unreadable => None,
        };
        match policy {
            Some(policy) if is_whole(&policy) => {
                grants(&policy, &place, &mut found);
                if !found.contains("admin") {
                    found.extend(ways_up(&policy).map(str::to_owned));
                }
            }
            _ => found.extend(["unreadable".to_owned()]),
        }
    }
    if let Some(request) = event.field(Field::RequestParameters) {
        named_grants(request, &place, &mut found);
    }
    found.into_iter().collect()
}

/// Whether a policy was fully parsed. AWS accepts no elements outside of its grammar, so a document
/// with others was not logged as sent, and its grants are unknown.
fn is_whole(policy: &Policy) -> bool {
    let known =
        |s: &Statement| s.unknown.is_empty() && matches!(s.effect.as_str(), "Allow" | "Deny");
    policy.unknown.is_empty()
        && !policy.statements.is_empty()
        && policy.statements.iter().all(known)
}

/// Grants of a request that names only the principal and leaves the statement to the service:
/// AddPermission of Lambda, SNS and SQS, PutPermission of EventBridge.
fn named_grants(request: JsonValue<'_>, place: &PolicyLocation<'_>, found: &mut BTreeSet<String>) {
    for account in ["aWSAccountId", "aWSAccountIds"]
        .iter()
        .flat_map(|path| at(request, path))
        .filter_map(JsonValue::text)
    {
        found.extend(
            party(&account, place.account)
                .map(|p| if p == "all" { "public".to_owned() } else { p }),
        );
    }
    if let Some(policy) = composed(request) {
        grants(&policy, place, found);
    }
}

/// Policy statement that a service creates for a request with only a principal: Lambda's
/// AddPermission and AddLayerVersionPermission, EventBridge's PutPermission (their API references).
fn composed(request: JsonValue<'_>) -> Option<Policy> {
    let text = |path: &str| text(request, path).map(Cow::into_owned);
    let principal = text("principal")?;
    let principal = match principal.as_str() {
        "*" => Principal::Star,
        service if service.ends_with(".amazonaws.com") => {
            Principal::Of("Service".to_owned(), principal)
        }
        _ => Principal::Of("AWS".to_owned(), principal),
    };
    let conditions = [
        ("sourceAccount", "StringEquals", "aws:SourceAccount"),
        ("sourceArn", "ArnLike", "aws:SourceArn"),
        ("principalOrgID", "StringEquals", "aws:PrincipalOrgID"),
        ("organizationId", "StringEquals", "aws:PrincipalOrgID"),
        (
            "functionUrlAuthType",
            "StringEquals",
            "lambda:FunctionUrlAuthType",
        ),
        (
            "eventSourceToken",
            "StringEquals",
            "lambda:EventSourceToken",
        ),
    ];
    let one = |operator: &str, key: String, value: String| PolicyCondition {
        operator: operator.to_owned(),
        key,
        values: vec![value],
    };
    let mut conditions: Vec<PolicyCondition> = conditions
        .into_iter()
        .filter_map(|(name, operator, key)| Some(one(operator, key.to_owned(), text(name)?)))
        .collect();
    if let (Some(operator), Some(key), Some(value)) = (
        text("condition.type"),
        text("condition.key"),
        text("condition.value"),
    ) {
        conditions.push(one(&operator, key, value));
    }
    let statement = Statement {
        effect: "Allow".to_owned(),
        principal: Some(Block::Is(vec![principal])),
        action: Some(Block::Is(text("action").into_iter().collect())),
        resource: None,
        conditions,
        sid: None,
        unknown: Default::default(),
    };
    Some(Policy {
        version: "2012-10-17".to_owned(),
        statements: vec![statement],
        unknown: Default::default(),
    })
}

/// `escalation` if an identity policy grants, on all resources without a condition, everything that
/// a known escalation path needs; `data` if it grants all of S3 or KMS.
fn ways_up(policy: &Policy) -> Option<&'static str> {
    let actions = Actions::builtin();
    let whole = |s: &&Statement| {
        s.principal.is_none()
            && s.conditions.is_empty()
            && every_resource(s)
            && s.resource.is_some()
    };
    let of = |effect: &str| {
        let statements = policy
            .statements
            .iter()
            .filter(|s| s.effect == effect)
            .filter(whole);
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
    ["s3:*", "kms:*"]
        .iter()
        .any(|all| allowed.covers(&actions.matching(all)))
        .then_some("data")
}

fn all_of(patterns: &[String]) -> Bits {
    let sets = patterns
        .iter()
        .take(STATEMENT_ACTIONS_MAX)
        .map(|p| Actions::builtin().matching(p));
    sets.fold(Bits::default(), |all, set| all.union(&set))
}

/// Actions that each escalation path needs. Of the paths through existing compute, which most
/// operators have, only two are included.
static NEEDS: LazyLock<Vec<Bits>> = LazyLock::new(|| {
    let sure = |row: &&Technique| {
        !matches!(
            row.target,
            TechniqueTarget::RoleConsumer(_) | TechniqueTarget::Service
        ) || matches!(row.id, "ssm-002" | "lambda-003")
    };
    // A path with an action that the table lacks would look as if it needed less.
    let needs = |row: &Technique| {
        let sets = row
            .needs
            .iter()
            .map(|n| Some(Actions::builtin().matching(n)).filter(|set| !set.is_empty()));
        sets.reduce(|a, b| Some(a?.union(&b?))).flatten()
    };
    TECHNIQUES.iter().filter(sure).filter_map(needs).collect()
});

fn grants(policy: &Policy, place: &PolicyLocation<'_>, found: &mut BTreeSet<String>) {
    for statement in &policy.statements {
        let everything = every_action(statement) && every_resource(statement);
        if statement.effect == "Deny" {
            let anybody =
                matches!(&statement.principal, Some(Block::Is(p)) if p.iter().any(is_anybody));
            if anybody && everything && statement.conditions.is_empty() {
                found.insert("deny-all".to_owned());
            }
            continue;
        }
        if statement.principal.is_none() && everything {
            found.insert("admin".to_owned());
        }
        found.extend(
            admitted(policy, statement, place)
                .iter()
                .filter_map(opened_to),
        );
    }
}

/// Label for an admitted party; `None` for the account's own organization.
fn opened_to(one: &AdmittedPrincipal) -> Option<String> {
    let name = |provider: &str| {
        cut(provider
            .rsplit_once("provider/")
            .map_or(provider, |(_, name)| name))
    };
    let through_a_vpc = !one.open.is_empty()
        && one
            .open
            .iter()
            .all(|(_, guard)| *guard == ConditionSubject::Endpoint);
    Some(match &one.to {
        ExternalPrincipal::Anybody | ExternalPrincipal::AnyAccount if one.verdict == Tri::Yes => {
            "public".to_owned()
        }
        ExternalPrincipal::Anybody | ExternalPrincipal::AnyAccount if through_a_vpc => {
            "vpc".to_owned()
        }
        ExternalPrincipal::Anybody | ExternalPrincipal::AnyAccount => "public-if".to_owned(),
        ExternalPrincipal::Account(id, who) if is_account(id) || who.is_empty() => {
            format!("account:{}", cut(id))
        }
        ExternalPrincipal::Account(_, who) => format!("unidentified:{}", cut(who)),
        ExternalPrincipal::Unidentified(id) | ExternalPrincipal::Deleted(id) => {
            format!("unidentified:{}", cut(id))
        }
        ExternalPrincipal::Organization(id)
        | ExternalPrincipal::Service(_, OnBehalfOf::Organization(id))
            if !id.starts_with("o-") =>
        {
            return None;
        }
        ExternalPrincipal::Organization(id) => format!("organization:{}", cut(id)),
        ExternalPrincipal::Service(_, OnBehalfOf::Account(id)) => format!("account:{}", cut(id)),
        ExternalPrincipal::Service(_, OnBehalfOf::Organization(id)) => {
            format!("organization:{}", cut(id))
        }
        ExternalPrincipal::Service(service, OnBehalfOf::Anybody) if service == "*" => {
            "service:any".to_owned()
        }
        ExternalPrincipal::Service(service, OnBehalfOf::Anybody) => {
            format!("service:{}", cut(service))
        }
        ExternalPrincipal::Service(_, OnBehalfOf::Owner(arn)) => format!("owner:{}", cut(arn)),
        ExternalPrincipal::Federated(provider, true) => format!("federated:{}", name(provider)),
        ExternalPrincipal::Federated(provider, false) => {
            format!("federated-anybody:{}", name(provider))
        }
    })
}

/// `*`, or everything except some actions.
fn every_action(statement: &Statement) -> bool {
    match &statement.action {
        Some(Block::Is(actions)) => actions
            .iter()
            .any(|a| a.chars().all(|c| c == '*') || a == "*:*"),
        Some(Block::Not(_)) => true,
        None => false,
    }
}

fn every_resource(statement: &Statement) -> bool {
    match &statement.resource {
        Some(Block::Is(resources)) => resources.iter().any(|r| r.chars().all(|c| c == '*')),
        Some(Block::Not(_)) => true,
        // Trust policies have none.
        None => true,
    }
}

fn is_anybody(principal: &Principal) -> bool {
    match principal {
        Principal::Star => true,
        Principal::Of(kind, value) => kind == "AWS" && value == "*",
    }
}
