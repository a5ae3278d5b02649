//! Policy documents in a request, at any position.

use super::shape::is_named;
use super::text::api;
use bartizan_model::limits::DOCUMENT_DEPTH_MAX;
use bartizan_trail::json::{JsonKind, JsonValue};
use bartizan_trail::{Event, Field};

/// Policy document of a request.
pub(super) enum PolicyField {
    Text(String),
    /// Policy document that cannot be evaluated: omitted from the log, truncated, or ambiguous
    /// JSON.
    Unreadable,
}

/// Members that always hold a policy document.
const ALWAYS: &[&str] = &[
    "policyDocument",
    "assumeRolePolicyDocument",
    "bucketPolicy",
    "keyPolicy",
];

/// Members that may hold one, if they start with a brace. So do all whose name ends in `policy`.
const SOMETIMES: &[&str] = &[
    "policyText",
    "repositoryPolicyText",
    "accessPolicies",
    "policyInJson",
    "resourcePolicyJson",
    "attributeValue",
];

/// Policies that are not in IAM's grammar.
const OTHER_GRAMMAR: &[&str] = &[
    "logs:PutDataProtectionPolicy",
    "logs:PutAccountPolicy",
    "logs:PutIndexPolicy",
    "oam:PutSinkPolicy",
];

/// Calls that set a policy, beyond those whose name says so.
const SETS_POLICY: &[&str] = &[
    "iam:PutUserPolicy",
    "iam:PutRolePolicy",
    "iam:PutGroupPolicy",
    "iam:CreatePolicy",
    "iam:CreatePolicyVersion",
    "iam:CreateRole",
    "iam:UpdateAssumeRolePolicy",
    "s3:PutBucketPolicy",
    "s3:PutAccessPointPolicy",
    "kms:PutKeyPolicy",
    "kms:CreateKey",
    "sns:SetTopicAttributes",
    "sns:CreateTopic",
    "sqs:SetQueueAttributes",
    "sqs:CreateQueue",
    "ecr:SetRepositoryPolicy",
    "ecr:PutRegistryPolicy",
    "sso:PutInlinePolicyToPermissionSet",
    "es:UpdateElasticsearchDomainConfig",
    "es:UpdateDomainConfig",
    "elasticfilesystem:PutFileSystemPolicy",
    "backup:PutBackupVaultAccessPolicy",
    "glacier:SetVaultAccessPolicy",
    "organizations:CreatePolicy",
    "organizations:UpdatePolicy",
    "ec2:ModifyVpcEndpoint",
];

/// Whether a call sets a policy document.
fn sets_policy(call: &str) -> bool {
    let name = call.split_once(':').map_or(call, |(_, name)| name);
    let sets = ["Put", "Set", "Update", "Add"]
        .iter()
        .any(|verb| name.starts_with(verb));
    SETS_POLICY.contains(&call)
        || sets && (name.contains("ResourcePolicy") || name.contains("AccessPolicy"))
}

/// All policy documents of a request.
pub(super) fn documents(event: &Event<'_>) -> Vec<PolicyField> {
    let call = api(event);
    if is_no_grant(&call) {
        return Vec::new();
    }
    let request = event
        .field(Field::RequestParameters)
        .filter(|r| !r.is_null());
    let Some(request) = request else {
        // Denied calls often have no request.
        let failed = event.field(Field::ErrorCode).is_some_and(|e| !e.is_null());
        return if sets_policy(&call) && !failed {
            vec![PolicyField::Unreadable]
        } else {
            Vec::new()
        };
    };
    if is_omitted(request) {
        return if sets_policy(&call) {
            vec![PolicyField::Unreadable]
        } else {
            Vec::new()
        };
    }
    let mut found = Vec::new();
    walk(request, &call, 0, &mut found);
    found
}

/// CloudTrail writes `{"omitted": true, "originalSize": 108321, "reason": "…"}` in place of large
/// requests.
pub(super) fn is_omitted(request: JsonValue<'_>) -> bool {
    request
        .get("omitted")
        .and_then(JsonValue::text)
        .is_some_and(|t| t == "true")
}

/// Policies that only restrict a session or an organization, whatever they allow.
fn is_no_grant(call: &str) -> bool {
    let limits = matches!(
        call,
        "organizations:CreatePolicy" | "organizations:UpdatePolicy"
    ) || call.starts_with("sts:AssumeRole");
    limits || OTHER_GRAMMAR.contains(&call)
}

fn walk(value: JsonValue<'_>, call: &str, depth: usize, found: &mut Vec<PolicyField>) {
    if depth >= DOCUMENT_DEPTH_MAX {
        return;
    }
    let attribute = |name: &str| {
        value
            .get(name)
            .and_then(JsonValue::text)
            .is_some_and(|t| t == "Policy")
    };
    for (name, inner) in value.raw_members() {
        let always = ALWAYS.iter().any(|n| is_named(name, n));
        let policy = name.len() >= 6 && name[name.len() - 6..].eq_ignore_ascii_case(b"policy");
        let sometimes = match name {
            b"attributeValue" => attribute("attributeName"),
            b"content" => call == "organizations:PutResourcePolicy",
            _ => policy || SOMETIMES.iter().any(|n| is_named(name, n)),
        };
        match inner.kind() {
            JsonKind::String if always || sometimes => {
                found.extend(document(&inner.text().unwrap_or_default(), always))
            }
            JsonKind::Object if inner.get("Statement").is_some() => {
                found.push(PolicyField::Text(inner.compact().into_owned()))
            }
            JsonKind::Object => walk(inner, call, depth + 1, found),
            JsonKind::Array => inner
                .elements()
                .for_each(|e| walk(e, call, depth + 1, found)),
            _ => {}
        }
    }
}

/// Policy document in a text; `None` if the text is empty, or a name.
fn document(text: &str, always: bool) -> Option<PolicyField> {
    let text = text.trim();
    let decoded = if text.starts_with("%7B") || text.starts_with("%7b") {
        decode(text)
    } else {
        text.to_owned()
    };
    match decoded.starts_with('{') {
        true => Some(PolicyField::Text(decoded)),
        false => (always && !text.is_empty()).then_some(PolicyField::Unreadable),
    }
}

/// Percent-decoding (RFC 3986): IAM's responses contain encoded documents.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|h| std::str::from_utf8(h).ok())
            .and_then(|h| u8::from_str_radix(h, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(if byte == b'+' { b' ' } else { byte });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
