//! Condition keys that every request has and that follow from who calls and what is called.
//!
//! Source: IAM user guide, "AWS global condition context keys".

use super::principals::{ArnKind, KnownCaller};
use super::values::arn;
use crate::request::{Request, RequestCaller};

/// Account of the resource: the one that is told, or that of its ARN, or else that of the caller.
pub(super) fn resource_account(request: &Request) -> Option<String> {
    if let Some(account) = &request.resource_account {
        return Some(account.clone());
    }
    if let Some([_, _, _, _, account, _]) = arn(&request.resource)
        && account.len() == 12
    {
        return Some(account.to_owned());
    }
    let caller = KnownCaller::read(&request.caller, &request.context);
    (!caller.account.is_empty()).then(|| caller.account.to_owned())
}

/// Adds the keys that the request does not have yet. An action without resources is about `*`.
pub(super) fn complete(request: &Request, is_without_resources: bool) -> Request {
    let mut complete = request.clone();
    if is_without_resources {
        complete.resource = "*".to_owned();
    }
    let caller = KnownCaller::read(&request.caller, &request.context);
    let mut add = |key: &str, value: &str| complete.context.default_to(key, || value.to_owned());
    add(
        "aws:PrincipalIsAWSService",
        if matches!(request.caller, RequestCaller::Service(_)) {
            "true"
        } else {
            "false"
        },
    );
    match &request.caller {
        RequestCaller::Service(service) => add("aws:PrincipalServiceName", service),
        RequestCaller::Federated(_) => {}
        RequestCaller::Anonymous => add("aws:PrincipalType", "Anonymous"),
        RequestCaller::Aws(own) => {
            let partition = arn(own).map_or("aws", |segments| segments[1]);
            match (caller.kind, caller.role) {
                // A session has the ARN of its role, without a path.
                (ArnKind::Session, Some(role)) => {
                    add(
                        "aws:PrincipalArn",
                        &format!("arn:{partition}:iam::{}:role/{role}", caller.account),
                    );
                }
                _ => add("aws:PrincipalArn", own),
            }
            if !caller.account.is_empty() {
                add("aws:PrincipalAccount", caller.account);
            }
            match caller.kind {
                ArnKind::Root => add("aws:PrincipalType", "Account"),
                ArnKind::User => {
                    add("aws:PrincipalType", "User");
                    add(
                        "aws:username",
                        own.split('/').next_back().unwrap_or_default(),
                    );
                }
                ArnKind::Role | ArnKind::Session => add("aws:PrincipalType", "AssumedRole"),
                ArnKind::FederatedUser => add("aws:PrincipalType", "FederatedUser"),
                ArnKind::NotOfAccount => {}
            }
        }
    }
    if let Some(account) = resource_account(&complete) {
        complete
            .context
            .default_to("aws:ResourceAccount", || account);
    }
    complete
}
