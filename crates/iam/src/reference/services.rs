//! Service rules beside policies, as the pages of the services have them.

use super::operators::ParsedOperator;
use super::values::arn;
use crate::policy::{Block, Policy, PolicyCondition, Principal};
use crate::request::{Request, RequestCaller};

/// "The call is allowed even if a policy denies it" (STS API reference, `GetCallerIdentity`).
pub(super) fn is_always_allowed(request: &Request) -> bool {
    request.action.eq_ignore_ascii_case("sts:getcalleridentity")
}

/// Why a service refuses a call on something that belongs to AWS, whatever policies allow.
///
/// IAM API reference, `UnmodifiableEntity`; IAM user guide, "AWS managed policies", "Service-linked
/// roles"; re:Post on AWSReservedSSO roles; KMS developer guide, "Alias names".
pub(super) fn refusal(request: &Request) -> Option<&'static str> {
    let [_, _, service, _, account, resource] = arn(&request.resource)?;
    let action = request.action.to_ascii_lowercase();
    let is_one_of = |names: &str| {
        names
            .split_whitespace()
            .any(|name| action == format!("{service}:{name}"))
    };
    // Calls that change what a role may do or who may have it.
    let changes_role = "addroletoinstanceprofile attachrolepolicy createrole deleterole
        deleterolepermissionsboundary deleterolepolicy detachrolepolicy putrolepermissionsboundary
        putrolepolicy removerolefrominstanceprofile updateassumerolepolicy";
    if service == "iam" && account == "aws" && resource.starts_with("policy/") {
        let names = "createpolicy createpolicyversion deletepolicy deletepolicyversion
            setdefaultpolicyversion tagpolicy untagpolicy";
        return is_one_of(names).then_some("a policy of AWS cannot be changed");
    }
    if service == "iam" && resource.starts_with("role/aws-reserved/") {
        // Of these roles nobody but AWS may change, tag or pass any.
        let more = "passrole tagrole untagrole updaterole updateroledescription";
        let is_refused = is_one_of(changes_role) || is_one_of(more);
        return is_refused.then_some("a role that AWS reserves for itself cannot be changed");
    }
    if service == "iam" && resource.starts_with("role/aws-service-role/") {
        // Its description and its tags may be changed.
        return is_one_of(changes_role)
            .then_some("only its service may change a service-linked role");
    }
    if service == "kms" && resource.starts_with("alias/aws/") {
        return is_one_of("createalias deletealias updatealias")
            .then_some("an alias of AWS cannot be changed");
    }
    None
}

/// Why STS does not take a call from such a caller (STS API reference: what needs credentials, and
/// what takes a token in their place).
pub(super) fn sts_refusal(request: &Request) -> Option<&'static str> {
    let action = request.action.to_ascii_lowercase();
    let takes_token = ["sts:assumerolewithsaml", "sts:assumerolewithwebidentity"];
    let takes_token = takes_token.contains(&action.as_str());
    let has_token = matches!(request.caller, RequestCaller::Federated(_));
    if takes_token && !has_token {
        return Some("it is for federated principals only");
    }
    if has_token && action == "sts:assumerole" {
        return Some("it needs credentials, which a federated principal does not have");
    }
    let is_unsigned = request.caller == RequestCaller::Anonymous;
    (is_unsigned && action.starts_with("sts:")).then_some("it needs a signature")
}

/// Whether KMS takes a call on a key from a principal of another account (KMS developer guide,
/// "Allowing users in other accounts to use a KMS key": cryptographic operations and a few more).
pub(super) fn is_key_call_for_others(action: &str) -> bool {
    let cryptographic = "decrypt encrypt derivesharedsecret generatedatakey generatedatakeypair
        generatedatakeypairwithoutplaintext generatedatakeywithoutplaintext generatemac
        reencryptfrom reencryptto sign verify verifymac";
    let others = "creategrant describekey getkeyrotationstatus getpublickey listgrants retiregrant
        revokegrant";
    let action = action.to_ascii_lowercase();
    let mut names = cryptographic
        .split_whitespace()
        .chain(others.split_whitespace());
    names.any(|name| action == format!("kms:{name}"))
}

/// `arn:aws:kms:us-east-1:111122223333:key/…`
pub(super) fn is_key(resource: &str) -> bool {
    arn(resource).is_some_and(|segments| segments[2] == "kms" && segments[5].starts_with("key/"))
}

/// Whether a role is to be assumed, so that the policy of the resource is its trust policy.
pub(super) fn is_role_assumed(request: &Request) -> bool {
    let is_role = arn(&request.resource)
        .is_some_and(|segments| segments[2] == "iam" && segments[5].starts_with("role/"));
    is_role
        && request
            .action
            .to_ascii_lowercase()
            .starts_with("sts:assumerole")
}

/// S3 user guide, "The meaning of public": condition keys which, with fixed values, make a bucket
/// policy not public.
const KEYS_OF_NON_PUBLIC: [&str; 13] = [
    "aws:sourceowner",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:sourceip",
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceaccount",
    "aws:principalorgid",
    "aws:userid",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
];

/// Whether S3 calls a bucket policy public.
pub(super) fn is_bucket_policy_public(policy: &Policy) -> bool {
    for statement in &policy.statements {
        let is_for_everybody = match &statement.principal {
            None => false,
            Some(Block::Is(list)) => list.iter().any(has_wildcard),
            Some(Block::Not(_)) => true,
        };
        let is_narrowed = statement.conditions.iter().any(is_fixed);
        if statement.effect == "Allow" && is_for_everybody && !is_narrowed {
            return true;
        }
    }
    false
}

/// Whether a principal is for more than one: `*`, `{"AWS": "*"}`, `{"Federated": "*"}`.
fn has_wildcard(principal: &Principal) -> bool {
    match principal {
        Principal::Star => true,
        Principal::Of(_, value) => value.contains('*'),
    }
}

/// Whether a condition compares one of these keys with fixed values.
fn is_fixed(condition: &PolicyCondition) -> bool {
    let Some(operator) = ParsedOperator::read(&condition.operator) else {
        return false;
    };
    if operator.is_not || operator.if_exists || operator.base == "null" {
        return false;
    }
    let key = condition.key.to_ascii_lowercase();
    let split_arn = |value: &str| -> Option<[String; 6]> {
        let parts: Vec<String> = value.splitn(6, ':').map(str::to_owned).collect();
        parts.try_into().ok()
    };
    let is_value_fixed = |value: &String| {
        // "This value can contain a wildcard for the access point name … as long as the account id
        // is fixed."
        if key == "s3:dataaccesspointarn" && operator.base != "ipaddress" {
            let Some([partition, region, service, zone, account, _]) = split_arn(value) else {
                return false;
            };
            let has_account = !account.is_empty();
            let fixed = [partition, region, service, zone, account].concat();
            return has_account
                && !fixed.contains('*')
                && !fixed.contains('?')
                && !value.contains("${");
        }
        if operator.base != "ipaddress" {
            return !value.contains('*') && !value.contains('?') && !value.contains("${");
        }
        // A wide network is no fixed value: at least /8 of IPv4 or /32 of IPv6.
        let Some((address, length)) = value.split_once('/') else {
            return true;
        };
        let least: u32 = if address.contains(':') { 32 } else { 8 };
        length.parse::<u32>().is_ok_and(|length| length >= least)
    };
    KEYS_OF_NON_PUBLIC.contains(&key.as_str()) && condition.values.iter().all(is_value_fixed)
}
