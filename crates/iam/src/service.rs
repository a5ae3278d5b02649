//! What services decide beside policies: calls that are always answered, things that nobody may change, resources that do
//! not trust their account.

use crate::policy::{Block, Condition, Policy, Principal};
use crate::request::{Answer, Arn, Because, Decision, Layer, Request};
use crate::value::{Operator, Test};

/// Calls that change policies of AWS (`arn:aws:iam::aws:policy/…`), which nobody may.
const POLICY_WRITES: &[&str] = &[
    "iam:createpolicyversion",
    "iam:deletepolicy",
    "iam:deletepolicyversion",
    "iam:setdefaultpolicyversion",
    "iam:tagpolicy",
    "iam:untagpolicy",
];

/// Calls that change a role; on roles that AWS reserves for itself (`role/aws-reserved/…`, and service-linked ones) only
/// the service may (IAM user guide, "Create a service-linked role": "you cannot attach … only the service").
const ROLE_WRITES: &[&str] = &[
    "iam:attachrolepolicy",
    "iam:deleterolepermissionsboundary",
    "iam:deleterolepolicy",
    "iam:detachrolepolicy",
    "iam:putrolepermissionsboundary",
    "iam:putrolepolicy",
    "iam:updateassumerolepolicy",
];

/// Calls that change a KMS alias; on `alias/aws/…` nobody may.
const ALIAS_WRITES: &[&str] = &["kms:createalias", "kms:deletealias", "kms:updatealias"];

/// The answer where no policy is asked.
pub(crate) fn settled(request: &Request) -> Option<Answer> {
    let action = request.action.to_ascii_lowercase();
    let because = |decision, text| Answer { decision, because: vec![Because { layer: Layer::Service, statement: None, text }] };
    if action == "sts:getcalleridentity" {
        return Some(because(Decision::Allowed, "always answered, even where a policy denies it"));
    }
    let arn = Arn::parse(&request.resource)?;
    let denied = |text| Some(because(Decision::ImplicitlyDenied, text));
    match arn.service {
        "iam" if arn.account == "aws" && POLICY_WRITES.contains(&action.as_str()) => denied("a policy of AWS cannot be changed"),
        "iam" if is_reserved_role(&request.resource) && ROLE_WRITES.contains(&action.as_str()) => {
            denied("a role that AWS reserves for itself cannot be changed")
        }
        "kms" if arn.resource.starts_with("alias/aws/") && ALIAS_WRITES.contains(&action.as_str()) => {
            denied("an alias of AWS cannot be changed")
        }
        _ => None,
    }
}

/// Whether a role belongs to AWS: its path is `aws-reserved` or `aws-service-role`.
pub(crate) fn is_reserved_role(arn: &str) -> bool {
    Arn::parse(arn)
        .is_some_and(|a| a.resource.starts_with("role/aws-reserved/") || a.resource.starts_with("role/aws-service-role/"))
}

/// Whether the policy of the resource must bring in the account before identity policies count: KMS keys ("Key policies in
/// AWS KMS") and the trust policies of roles.
pub(crate) fn needs_delegation(request: &Request) -> bool {
    let action = request.action.to_ascii_lowercase();
    let Some(arn) = Arn::parse(&request.resource) else { return false };
    match arn.service {
        "kms" => arn.resource.starts_with("key/"),
        "iam" => arn.resource.starts_with("role/") && action.starts_with("sts:assumerole"),
        _ => false,
    }
}

/// Keys that make a grant to everybody one to somebody, when compared with fixed values (S3 user guide, "The meaning of
/// public").
const FIXING_KEYS: &[&str] = &[
    "aws:principalorgid",
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceaccount",
    "aws:sourceip",
    "aws:userid",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:dataaccesspointarn",
    "s3:dataaccesspointaccount",
];

/// Whether S3 calls a bucket policy public: it allows something to everybody, without a fixed value in the condition.
pub(crate) fn is_public_bucket_policy(policy: &Policy) -> bool {
    policy.statements.iter().any(|s| {
        let everybody = match &s.principal {
            Some(Block::Is(list)) => list.iter().any(is_everybody),
            Some(Block::Not(_)) => true,
            None => false,
        };
        s.effect == "Allow" && everybody && !s.conditions.iter().any(fixes)
    })
}

/// `*`, as a principal.
pub(crate) fn is_everybody(principal: &Principal) -> bool {
    match principal {
        Principal::Star => true,
        Principal::Of(kind, value) => kind == "AWS" && value == "*",
    }
}

fn fixes(condition: &Condition) -> bool {
    let Some(operator) = Operator::parse(&condition.operator) else { return false };
    let fixed = |value: &String| match operator.test {
        // A wide range is no fixed value: S3 asks for at least /8, or /32 of IPv6.
        Test::Ip => value
            .split_once('/')
            .is_none_or(|(ip, bits)| bits.parse::<u32>().is_ok_and(|bits| if ip.contains(':') { bits >= 32 } else { bits >= 8 })),
        _ => !value.contains(['*', '?']) && !value.contains("${"),
    };
    !operator.negated
        && !operator.if_exists
        && !matches!(operator.test, Test::Null)
        && FIXING_KEYS.contains(&condition.key.to_ascii_lowercase().as_str())
        && condition.values.iter().all(fixed)
}
