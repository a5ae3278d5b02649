//! Condition keys that follow from who asks and what for, as far as that was read (IAM user guide,
//! "AWS global condition context keys"). Keys that only the request has stay open.

use super::model::Estate;
use super::parties::{Asker, Target};
use crate::account::{Account, IamPrincipal, Membership, PrincipalKind};
use crate::engine::StatementEffect;
use crate::request::{CallerKind, Context, ContextValue, Request, RequestCaller};

/// Keys of a call that a service makes for itself or for somebody: callers of accounts do not have
/// them.
const OF_SERVICES: &[&str] = &[
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "aws:SourceOwner",
];

/// Keys of a principal of an account: services, federated callers and nobody do not have them.
const OF_PRINCIPALS: &[&str] = &[
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:username",
    "kms:CallerAccount",
];

/// Keys of a caller who stands for many.
pub(super) const KEYS_OF_ONE: &[&str] = &[
    "aws:PrincipalArn",
    "aws:PrincipalType",
    "aws:userid",
    "aws:username",
];

/// Adds the keys that are known to a request.
pub(super) fn known_keys(
    estate: &Estate<'_, '_>,
    asker: &Asker<'_, '_>,
    target: &Target<'_, '_>,
    request: &mut Request,
) {
    let context = &mut request.context;
    let absent = |context: &mut Context, keys: &[&str]| {
        keys.iter().for_each(|key| context.default_absent(key));
    };
    match &asker.caller {
        RequestCaller::Aws(_) => {
            absent(context, OF_SERVICES);
            of_account(estate, asker, context);
        }
        RequestCaller::Service(_) => {
            absent(context, OF_PRINCIPALS);
            context.complete_prefix("aws:PrincipalTag/");
        }
        RequestCaller::Federated(_) | RequestCaller::Anonymous => {
            absent(context, OF_SERVICES);
            absent(context, OF_PRINCIPALS);
            context.complete_prefix("aws:PrincipalTag/");
        }
    }
    if let Some(there) = target.there {
        context.default_to("s3:ResourceAccount", || there.id.clone());
        let keys = ("aws:ResourceOrgID", "aws:ResourceOrgPaths");
        organization(&estate.membership(&there.id), keys, context);
    }
    if let Some(tags) = &target.tags {
        let service = request.action.split(':').next().unwrap_or_default();
        let own = match service {
            "s3" => "s3:BucketTag/".to_owned(),
            _ => format!("{service}:ResourceTag/"),
        };
        for prefix in ["aws:ResourceTag/", own.as_str()] {
            for (key, value) in tags {
                context.default_to(&format!("{prefix}{key}"), || value.clone());
            }
            context.complete_prefix(prefix);
        }
    }
}

/// Keys of a caller that belongs to an account.
fn of_account(estate: &Estate<'_, '_>, asker: &Asker<'_, '_>, context: &mut Context) {
    let Some(account) = asker.caller.account() else {
        return;
    };
    let keys = ("aws:PrincipalOrgID", "aws:PrincipalOrgPaths");
    organization(&estate.membership(account), keys, context);
    context.default_to("kms:CallerAccount", || account.to_owned());
    if asker.is_granted_all && asker.principal.is_none() {
        // Whoever the administrator makes has the name and the tags that are wanted.
        return KEYS_OF_ONE.iter().for_each(|key| context.unknown(key));
    }
    if asker.caller.kind() != CallerKind::User {
        context.default_absent("aws:username");
    }
    if asker.caller.kind() == CallerKind::Root {
        // The root user has neither tags nor another id than its account.
        context.default_to("aws:userid", || account.to_owned());
        context.complete_prefix("aws:PrincipalTag/");
    }
    let (Some(home), Some(principal)) = (asker.home, asker.principal) else {
        return;
    };
    // The ARN of a session does not have the path of its role.
    context.default_to("aws:PrincipalArn", || principal.arn.clone());
    if let Some(id) = &principal.id {
        let session = match &asker.caller {
            RequestCaller::Aws(arn) if asker.caller.kind() == CallerKind::Session => {
                arn.rsplit('/').next()
            }
            _ => None,
        };
        let value = match (principal.kind, session) {
            (PrincipalKind::User, _) => ContextValue::One(id.clone()),
            (PrincipalKind::Role, Some(session)) => ContextValue::One(format!("{id}:{session}")),
            (PrincipalKind::Role, None) => ContextValue::StartsWith(format!("{id}:")),
        };
        context.default_value("aws:userid", value);
    }
    if let Some(tags) = principal
        .tags
        .as_ref()
        .filter(|_| !asker.is_granted_all && !takes_session_tags(home, principal))
    {
        for (key, value) in tags {
            context.default_to(&format!("aws:PrincipalTag/{key}"), || value.clone());
        }
        context.complete_prefix("aws:PrincipalTag/");
    }
}

/// Whether a session of a role may have tags that replace the role's: its trust policy allows
/// `sts:TagSession` to somebody (IAM user guide, "Pass session tags in AWS STS").
fn takes_session_tags(home: &Account<'_>, principal: &IamPrincipal) -> bool {
    if principal.kind == PrincipalKind::User {
        return false;
    }
    let Some(trust) = principal.trust else {
        return true;
    };
    let bit = home.actions.bit("sts:TagSession");
    let statements = &home.documents[trust as usize].compiled.statements;
    statements
        .iter()
        .any(|s| s.effect != StatementEffect::Deny && s.actions.contains(bit))
}

/// Organization and way in it of an account.
fn organization(membership: &Membership, keys: (&str, &str), context: &mut Context) {
    match membership {
        Membership::Unknown => {}
        Membership::Alone => {
            context.default_absent(keys.0);
            context.default_absent(keys.1);
        }
        Membership::Member { organization, path } => {
            context.default_to(keys.0, || organization.clone());
            if let Some(path) = path {
                context.default_value(keys.1, ContextValue::Many(vec![path.clone()]));
            }
        }
    }
}
