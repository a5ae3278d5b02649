//! Fields that no record has but rules need: `bartizan.*`. Each is computed from one record when a rule asks for it.
//!
//! The table in docs/rules.md is for people; [`FIELDS`] is what `rules lint` knows.

use bartizan_iam::{Block, Policy, Principal, Statement};

use super::networks::Networks;
use crate::limits::LOG_TEXT_BYTES_MAX;
use crate::trail::json::{Kind, Value};
use crate::trail::{Actor, Caller, Event, Field};

/// Every derived field and what it holds.
pub const FIELDS: &[(&str, &str)] = &[
    ("bartizan.caller", "`principal`, or `service` when AWS made the call for itself"),
    ("bartizan.actor", "what lasts of the caller: ARN of the user or role, name of the service"),
    ("bartizan.role", "ARN of the role of a session"),
    ("bartizan.session", "name of a role session"),
    ("bartizan.api", "`service:Call`"),
    ("bartizan.other_user", "`true` when `requestParameters.userName` is another user than the caller"),
    ("bartizan.outside_account", "account of the caller, when it is not the account that was called"),
    ("bartizan.chained", "`true` when a role session calls"),
    ("bartizan.instance", "instance id, when the session is that of an instance's role"),
    ("bartizan.address", "`aws`, `private`, `public`, or `service` when there is no address"),
    ("bartizan.network", "/24 or /48 of the address"),
    ("bartizan.country", "ISO code (needs `--geo`)"),
    ("bartizan.asn", "`AS` and number of the network operator (needs `--geo`)"),
    (
        "bartizan.policy",
        "what a policy document in the request grants: `admin`, `public`, `public-if`, `account:ID`, `federated:NAME`, `deny-all`",
    ),
    ("bartizan.open", "what a request opens to the whole internet: port, `FROM-TO`, or `all`"),
    ("bartizan.shared_with", "`all` or `account:ID`: with whom a request shares a snapshot or image"),
    ("bartizan.outside_key", "account of a KMS key in the request that is not the account that was called"),
    ("bartizan.resource", "ARN or name that the call is about"),
    ("bartizan.ua_family", "first word of the user agent, without its version"),
];

/// The values of a derived field; none when it does not apply to this record.
pub fn derive(name: &str, event: &Event<'_>, actor: &Actor, networks: &Networks) -> Vec<String> {
    let one = |value: Option<String>| value.into_iter().collect();
    let source = || event.text(Field::SourceIpAddress).unwrap_or_default();
    match name.strip_prefix("bartizan.").unwrap_or_default() {
        "caller" => one(Some(if actor.caller == Caller::Service { "service" } else { "principal" }.to_owned())),
        "actor" => one(Some(actor.key.clone())),
        "role" => one((actor.kind == "AssumedRole").then(|| actor.key.clone())),
        "session" => one(actor.session.clone()),
        "api" => one(Some(api(event))),
        "other_user" => one(other_user(event, actor).map(|b| b.to_string())),
        "outside_account" => one(outside_account(event, actor)),
        "chained" => one((actor.kind == "AssumedRole").then(|| "true".to_owned())),
        "instance" => one(instance(actor)),
        "address" => one(Some(networks.kind(&source()).word().to_owned())),
        "network" => one(event.text(Field::SourceIpAddress).map(|s| Networks::network(&s))),
        "country" => one(networks.place(&source()).country),
        "asn" => one(networks.place(&source()).asn),
        "policy" => policies(event),
        "open" => open_ports(event),
        "shared_with" => shared_with(event),
        "outside_key" => outside_keys(event),
        "resource" => one(resources(event).into_iter().next()),
        "ua_family" => one(event.text(Field::UserAgent).map(|ua| family(&ua))),
        _ => Vec::new(),
    }
}

/// `service:Call` of a record.
pub fn api(event: &Event<'_>) -> String {
    let source = event.text(Field::EventSource).unwrap_or_default();
    let service = source.strip_suffix(".amazonaws.com").unwrap_or(&source);
    cut(&format!("{service}:{}", event.text(Field::EventName).unwrap_or_default()))
}

/// A text of at most [`LOG_TEXT_BYTES_MAX`] bytes.
pub fn cut(text: &str) -> String {
    if text.len() <= LOG_TEXT_BYTES_MAX {
        return text.to_owned();
    }
    let mut end = LOG_TEXT_BYTES_MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

/// ARNs and names that a call is about: `resources`, then what the request names.
pub fn resources(event: &Event<'_>) -> Vec<String> {
    let listed = event.field(Field::Resources).into_iter().flat_map(Value::elements);
    let mut found: Vec<String> = listed.filter_map(|r| r.get("ARN").or_else(|| r.get("arn"))?.text().map(|t| cut(&t))).collect();
    if found.is_empty() {
        let members = event.field(Field::RequestParameters).into_iter().flat_map(Value::raw_members);
        let rank = |key: &[u8]| NAMES.iter().position(|n| n.as_bytes() == key);
        let mut named: Vec<_> = members.filter_map(|(key, value)| Some((rank(key)?, value))).collect();
        named.sort_by_key(|(rank, _)| *rank);
        found = named.into_iter().filter_map(|(_, value)| value.text().map(|t| cut(&t))).take(2).collect();
    }
    if found.is_empty()
        && let Some(request) = event.field(Field::RequestParameters)
    {
        // A list of ids: {"instancesSet":{"items":[{"instanceId":"i-1"}]}}.
        let lists = request.members().filter_map(|(_, v)| v.get("items")).flat_map(Value::elements);
        let ids = lists.filter_map(|item| item.members().find(|(k, _)| k.ends_with("Id")).and_then(|(_, v)| v.text()));
        found = ids.map(|t| cut(&t)).take(RESOURCES_LISTED_MAX).collect();
    }
    found
}

const RESOURCES_LISTED_MAX: usize = 5;

/// Request fields that name what a call is about, most telling first.
const NAMES: &[&str] = &[
    "userName",
    "roleName",
    "groupName",
    "policyArn",
    "policyName",
    "secretId",
    "bucketName",
    "key",
    "functionName",
    "name",
    "trailName",
    "instanceId",
    "snapshotId",
    "imageId",
    "groupId",
    "keyId",
    "dBSnapshotIdentifier",
    "dBInstanceIdentifier",
    "dBClusterIdentifier",
    "tableName",
    "queueUrl",
    "topicArn",
    "resourceArn",
    "roleArn",
    "detectorId",
    "logGroupName",
    "target",
    "documentName",
    "repositoryName",
    "vpcId",
    "id",
    "arn",
];

fn other_user(event: &Event<'_>, actor: &Actor) -> Option<bool> {
    let target = event.field(Field::RequestParameters)?.get("userName")?.text()?;
    let own = actor.kind == "IAMUser" && actor.arn.as_deref().is_some_and(|arn| arn.rsplit('/').next() == Some(&*target));
    Some(!own)
}

fn outside_account(event: &Event<'_>, actor: &Actor) -> Option<String> {
    let called = event.text(Field::RecipientAccountId)?;
    actor.account.clone().filter(|own| *own != called && is_account(own) && actor.caller == Caller::Principal)
}

/// The instance that a session belongs to: EC2 names the session of an instance's role after the instance.
fn instance(actor: &Actor) -> Option<String> {
    let session = actor.session.as_deref().filter(|_| actor.kind == "AssumedRole")?;
    let hex = session.strip_prefix("i-")?;
    (matches!(hex.len(), 8 | 17) && hex.bytes().all(|b| b.is_ascii_hexdigit())).then(|| session.to_owned())
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// `aws-cli` of `aws-cli/2.13 Python/3.11`, `Boto3` of `Boto3/1.26`; a browser is `Mozilla`.
fn family(user_agent: &str) -> String {
    let word = user_agent.trim_start_matches('[').split(['/', ' ', ']']).next().unwrap_or_default();
    cut(word)
}

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

fn policies(event: &Event<'_>) -> Vec<String> {
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

/// Accounts of KMS keys in the request that are not the account that was called.
fn outside_keys(event: &Event<'_>) -> Vec<String> {
    let Some(request) = event.field(Field::RequestParameters) else { return Vec::new() };
    let own = event.text(Field::RecipientAccountId).unwrap_or_default();
    let mut found = std::collections::BTreeSet::new();
    let text = request.compact();
    for (at, _) in text.match_indices(":kms:") {
        let account = text[at..].split(':').nth(3).unwrap_or_default();
        if is_account(account) && account != own {
            found.insert(account.to_owned());
        }
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

fn open_ports(event: &Event<'_>) -> Vec<String> {
    let Some(request) = event.field(Field::RequestParameters) else { return Vec::new() };
    let text = |v: Value<'_>, name: &str| v.get(name).and_then(Value::text).map(|t| t.into_owned());
    let world = |cidr: Option<String>| cidr.is_some_and(|c| matches!(c.as_str(), "0.0.0.0/0" | "::/0"));
    let mut found = Vec::new();
    let permissions = request.get("ipPermissions").and_then(|p| p.get("items")).into_iter().flat_map(Value::elements);
    for permission in permissions {
        let ranges =
            ["ipRanges", "ipv6Ranges"].into_iter().filter_map(|r| permission.get(r)?.get("items")).flat_map(Value::elements);
        if ranges.into_iter().any(|r| world(text(r, "cidrIp")) || world(text(r, "cidrIpv6"))) {
            found.push(ports(text(permission, "ipProtocol"), text(permission, "fromPort"), text(permission, "toPort")));
        }
    }
    // The older form of the request, and network ACL entries.
    if world(text(request, "cidrIp")) {
        found.push(ports(text(request, "ipProtocol"), text(request, "fromPort"), text(request, "toPort")));
    }
    if world(text(request, "cidrBlock").or_else(|| text(request, "ipv6CidrBlock")))
        && text(request, "ruleAction").as_deref() == Some("allow")
    {
        let range = request.get("portRange");
        let protocol = text(request, "aclProtocol").or_else(|| text(request, "protocol"));
        found.push(ports(protocol, range.and_then(|r| text(r, "from")), range.and_then(|r| text(r, "to"))));
    }
    found
}

fn ports(protocol: Option<String>, from: Option<String>, to: Option<String>) -> String {
    match (protocol.as_deref(), from, to) {
        (Some("-1"), ..) | (_, None, None) => "all".to_owned(),
        (_, Some(from), Some(to)) if (from.as_str(), to.as_str()) == ("0", "65535") || from == "-1" => "all".to_owned(),
        (_, Some(from), Some(to)) if from == to => from,
        (_, from, to) => format!("{}-{}", from.unwrap_or_default(), to.unwrap_or_default()),
    }
}

/// Whom a snapshot or image is shared with, over the shapes that EC2 and RDS have for it.
fn shared_with(event: &Event<'_>) -> Vec<String> {
    let Some(request) = event.field(Field::RequestParameters) else { return Vec::new() };
    let own = event.text(Field::RecipientAccountId).unwrap_or_default();
    let mut found = std::collections::BTreeSet::new();
    let mut add = |value: &str| match value {
        "all" => found.extend(["all".to_owned()]),
        account if is_account(account) && account != own => found.extend([format!("account:{account}")]),
        _ => {}
    };
    for list in ["launchPermission", "createVolumePermission", "loadPermission"] {
        let added = request.get(list).and_then(|p| p.get("add")).and_then(|a| a.get("items"));
        for item in added.into_iter().flat_map(Value::elements) {
            for (_, value) in item.members() {
                if let Some(text) = value.text() {
                    add(&text);
                }
            }
        }
    }
    for list in ["valuesToAdd", "accountsToAdd", "accountIds", "targetAccounts"] {
        for item in request.get(list).into_iter().flat_map(Value::elements) {
            if let Some(text) = item.text() {
                add(&text);
            }
        }
    }
    found.into_iter().collect()
}
