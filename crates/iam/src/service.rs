//! Service rules beside policies: calls that are always answered, resources that nobody may change,
//! resources that do not trust their account.

use crate::actions::Actions;
use crate::arn::Arn;
use crate::bits::Bits;
use crate::pattern::Pattern;
use crate::policy::{Block, Policy, PolicyCondition, Principal};
use crate::request::{Because, Decision, ExplainedDecision, PolicyLayer, Request, RequestCaller};
use crate::value::{Comparison, ConditionOperator};

/// Resources of AWS itself, and the calls on them that IAM or KMS refuses to everybody, whatever
/// policies allow.
///
/// Sources: the error `UnmodifiableEntity` of the IAM API reference ("service-linked roles are
/// protected AWS resources"); "Update a service-linked role" (its description may be edited, so
/// `UpdateRole` is not here) and `TagRole` ("can be a regular role or a service-linked role");
/// "Cannot perform the operation on the protected role … only modifiable by AWS" (re:Post,
/// AWSReservedSSO); "AWS managed policies" ("you cannot change"); KMS "Alias names" (`alias/aws/`).
const PROTECTED: &[Protected] = &[
    Protected {
        service: "iam",
        account: Some("aws"),
        prefix: "policy/",
        text: "a policy of AWS cannot be changed",
        calls: &[
            "createpolicy",
            "createpolicyversion",
            "deletepolicy",
            "deletepolicyversion",
            "setdefaultpolicyversion",
            "tagpolicy",
            "untagpolicy",
        ],
    },
    Protected {
        service: "iam",
        account: None,
        prefix: "role/aws-reserved/",
        text: "a role that AWS reserves for itself cannot be changed",
        calls: &[
            "addroletoinstanceprofile",
            "attachrolepolicy",
            "createrole",
            "deleterole",
            "deleterolepermissionsboundary",
            "deleterolepolicy",
            "detachrolepolicy",
            "passrole",
            "putrolepermissionsboundary",
            "putrolepolicy",
            "removerolefrominstanceprofile",
            "tagrole",
            "untagrole",
            "updateassumerolepolicy",
            "updaterole",
            "updateroledescription",
        ],
    },
    Protected {
        service: "iam",
        account: None,
        prefix: "role/aws-service-role/",
        text: "only its service may change a service-linked role",
        calls: &[
            "addroletoinstanceprofile",
            "attachrolepolicy",
            "createrole",
            "deleterole",
            "deleterolepermissionsboundary",
            "deleterolepolicy",
            "detachrolepolicy",
            "putrolepermissionsboundary",
            "putrolepolicy",
            "removerolefrominstanceprofile",
            "updateassumerolepolicy",
        ],
    },
    Protected {
        service: "kms",
        account: None,
        prefix: "alias/aws/",
        text: "an alias of AWS cannot be changed",
        calls: &["createalias", "deletealias", "updatealias"],
    },
];

struct Protected {
    /// Of the resource and of the calls.
    service: &'static str,
    /// Of the resource; none: any.
    account: Option<&'static str>,
    /// How the last part of the ARN begins.
    prefix: &'static str,
    /// Why, for people.
    text: &'static str,
    /// In lower case, without the service.
    calls: &'static [&'static str],
}

/// The answer that no policy can change: `sts:GetCallerIdentity` "even if … explicitly denied" (STS
/// API reference).
pub(crate) fn always(request: &Request) -> Option<ExplainedDecision> {
    let text = "always answered, even where a policy denies it";
    request
        .action
        .eq_ignore_ascii_case("sts:GetCallerIdentity")
        .then(|| by_service(Decision::Allowed, text))
}

/// Refusal by the service where no policy denies: of resources that nobody may change. AWS itself
/// changes them by a service-linked role.
pub(crate) fn refused(request: &Request) -> Option<ExplainedDecision> {
    if let Some(text) = not_for_caller(request) {
        return Some(by_service(Decision::ImplicitlyDenied, text));
    }
    if is_key_call_across(request) {
        let text = "KMS does not let other accounts do that";
        return Some(by_service(Decision::ImplicitlyDenied, text));
    }
    let arn = Arn::parse(&request.resource)?;
    let (service, name) = request.action.split_once(':')?;
    if request.caller.is_service_linked() {
        return None;
    }
    let row = PROTECTED.iter().find(|p| {
        arn.service == p.service
            && p.account.is_none_or(|account| account == arn.account)
            && arn.resource.starts_with(p.prefix)
    })?;
    let is_listed = service.eq_ignore_ascii_case(row.service)
        && row.calls.iter().any(|c| c.eq_ignore_ascii_case(name));
    is_listed.then(|| by_service(Decision::ImplicitlyDenied, row.text))
}

/// Calls on keys of other accounts that KMS knows: for others permissions "have no effect" (KMS
/// developer guide, "Allowing users in other accounts to use a KMS key").
const KEY_CALLS_ACROSS: &[&str] = &[
    "creategrant",
    "decrypt",
    "derivesharedsecret",
    "describekey",
    "encrypt",
    "generatedatakey",
    "generatedatakeypair",
    "generatedatakeypairwithoutplaintext",
    "generatedatakeywithoutplaintext",
    "generatemac",
    "getkeyrotationstatus",
    "getpublickey",
    "listgrants",
    "reencryptfrom",
    "reencryptto",
    "retiregrant",
    "revokegrant",
    "sign",
    "verify",
    "verifymac",
];

/// Whether KMS lets other accounts make a call on a key, by its name as `kms:Decrypt`.
pub(crate) fn is_key_call_for_others(action: &str) -> bool {
    let name = action.split(':').nth(1).unwrap_or_default();
    KEY_CALLS_ACROSS
        .iter()
        .any(|call| call.eq_ignore_ascii_case(name))
}

/// Calls that are refused on resources of AWS itself, with these resources.
pub(crate) fn protected_calls(actions: &Actions) -> Vec<(Bits, Pattern)> {
    let row = |row: &Protected| {
        let mut calls = Bits::default();
        for call in row.calls {
            if let Some(action) = actions.find(&format!("{}:{call}", row.service)) {
                calls.insert(action.0);
            }
        }
        let account = row.account.unwrap_or("*");
        let arn = format!("arn:*:{}:*:{account}:{}*", row.service, row.prefix);
        (calls, Pattern::arn(&arn))
    };
    PROTECTED.iter().map(row).collect()
}

/// Whether a principal calls something on a key of another account that KMS lets only its own do.
fn is_key_call_across(request: &Request) -> bool {
    let Some((service, name)) = request.action.split_once(':') else {
        return false;
    };
    let caller = request.caller.account();
    service.eq_ignore_ascii_case("kms")
        && is_key(&request.resource)
        && caller.is_some()
        && caller != request.account()
        && !KEY_CALLS_ACROSS
            .iter()
            .any(|call| call.eq_ignore_ascii_case(name))
}

/// Calls that ACLs of buckets may allow (S3 user guide, "Mapping of ACL permissions and access
/// policy permissions"), in lower case.
const ACL_CALLS: &[&str] = &[
    "getbucketacl",
    "listbucket",
    "listbucketmultipartuploads",
    "listbucketversions",
    "putbucketacl",
    "putobject",
];

/// Calls of a service that no rule beside policies tells apart, by a name for their group: calls
/// with rules of their own are alone.
pub(crate) fn rule_group(service: &str, name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let is_protected = PROTECTED
        .iter()
        .any(|p| p.service == service && p.calls.contains(&name.as_str()));
    let is_alone = match service {
        "sts" | "kms" => true,
        "s3" => ACL_CALLS.contains(&name.as_str()),
        _ => is_protected,
    };
    if is_alone { name } else { String::new() }
}

/// Why a call of STS is not for a caller: `AssumeRoleWithSAML` and `AssumeRoleWithWebIdentity` are
/// unsigned, and take a token of an identity provider in place of credentials; `AssumeRole` needs
/// credentials (STS API reference).
fn not_for_caller(request: &Request) -> Option<&'static str> {
    let (service, name) = request.action.split_once(':')?;
    if !service.eq_ignore_ascii_case("sts") {
        return None;
    }
    let is = |call: &str| name.eq_ignore_ascii_case(call);
    let by_token = is("AssumeRoleWithSAML") || is("AssumeRoleWithWebIdentity");
    match &request.caller {
        RequestCaller::Federated(_) if is("AssumeRole") => {
            Some("it needs credentials, which a federated principal does not have")
        }
        RequestCaller::Federated(_) => None,
        _ if by_token => Some("it is for federated principals only"),
        RequestCaller::Anonymous => Some("it needs a signature"),
        RequestCaller::Aws(_) | RequestCaller::Service(_) => None,
    }
}

fn by_service(decision: Decision, text: &'static str) -> ExplainedDecision {
    ExplainedDecision {
        decision,
        because: vec![Because {
            layer: PolicyLayer::Service,
            level: None,
            statement: None,
            text,
        }],
    }
}

/// Whether the resource is a KMS key. In its policy a statement without Resource, or without
/// Action, "has no effect" (KMS API reference, `PutKeyPolicy`); policies of other resources may
/// leave Resource out.
pub(crate) fn is_key(resource: &str) -> bool {
    Arn::parse(resource).is_some_and(|a| a.service == "kms" && a.resource.starts_with("key/"))
}

/// Whether the policy of the resource is a trust policy: AWS takes no NotPrincipal there (IAM user
/// guide, "NotPrincipal").
pub(crate) fn is_trust(request: &Request) -> bool {
    let (action, assume) = (request.action.as_bytes(), b"sts:assumerole");
    action.len() >= assume.len()
        && action[..assume.len()].eq_ignore_ascii_case(assume)
        && Arn::parse(&request.resource)
            .is_some_and(|a| a.service == "iam" && a.resource.starts_with("role/"))
}

/// Whether a role belongs to AWS: its path is `aws-reserved` or `aws-service-role`.
pub(crate) fn is_reserved_role(arn: &str) -> bool {
    Arn::parse(arn).is_some_and(|a| {
        a.resource.starts_with("role/aws-reserved/")
            || a.resource.starts_with("role/aws-service-role/")
    })
}

/// Whether the policy of the resource must bring in the account before identity policies count: KMS
/// keys ("Key policies in AWS KMS") and the trust policies of roles.
pub(crate) fn needs_delegation(request: &Request) -> bool {
    is_key(&request.resource) || is_trust(request)
}

/// Keys that make a grant to everybody one to somebody, when compared with fixed values (S3 user
/// guide, "The meaning of public").
const FIXING_KEYS: &[&str] = &[
    "aws:principalorgid",
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceaccount",
    "aws:sourceip",
    "aws:userid",
    "aws:sourceowner",
    "aws:principalaccount",
    "aws:principalarn",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:dataaccesspointarn",
    "s3:dataaccesspointaccount",
];

/// Whether a policy is public as S3 calls it: it allows something to everybody, without a fixed
/// value in the condition (S3 user guide, "The meaning of public").
///
/// ```
/// let policy = bartizan_iam::parse(r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///     "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::site/*"}}"#)?;
/// assert!(bartizan_iam::is_public_policy(&policy));
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
pub fn is_public_policy(policy: &Policy) -> bool {
    policy.statements.iter().any(|s| {
        let everybody = match &s.principal {
            // A principal is a fixed value, unless it has a wildcard: `{"Federated": "*"}`.
            Some(Block::Is(list)) => list.iter().any(|principal| match principal {
                Principal::Star => true,
                Principal::Of(_, value) => value.contains('*'),
            }),
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

fn fixes(condition: &PolicyCondition) -> bool {
    let Some(operator) = ConditionOperator::parse(&condition.operator) else {
        return false;
    };
    let key = condition.key.to_ascii_lowercase();
    let fixed = |value: &String| match operator.test {
        // A wide range is no fixed value: S3 asks for at least /8, or /32 of IPv6.
        Comparison::Ip => value.split_once('/').is_none_or(|(ip, bits)| {
            bits.parse::<u32>().is_ok_and(|bits| {
                if ip.contains(':') {
                    bits >= 32
                } else {
                    bits >= 8
                }
            })
        }),
        _ if value.contains("${") => false,
        // The name of an access point may have a wildcard, where its account is fixed.
        _ if key == "s3:dataaccesspointarn" => {
            let parts: Vec<&str> = value.splitn(6, ':').collect();
            let account = parts.get(4).copied().unwrap_or_default();
            let names = parts.iter().take(5).any(|part| part.contains(['*', '?']));
            parts.len() == 6 && !account.is_empty() && !names
        }
        _ => !value.contains(['*', '?']),
    };
    !operator.negated
        && !operator.if_exists
        && !matches!(operator.test, Comparison::Null)
        && FIXING_KEYS.contains(&key.as_str())
        && condition.values.iter().all(fixed)
}
