//! Derived fields `bartizan.*`, which rules need and no record has. Each is computed from one
//! record when a rule reads it.
//!
//! docs/rules.md documents them for users; `rules lint` uses [`FIELDS`].

mod account;
mod action;
mod caller;
mod compute;
mod document;
mod network;
mod objects;
mod policy;
mod recon;
mod selectors;
mod shape;
mod sharing;
mod switch;
pub(crate) mod text;
mod thing;

use crate::derive::account::may_pass_role;
use crate::derive::action::is_change;
use crate::derive::network::may_open;
use crate::derive::selectors::may_select;
use crate::derive::sharing::may_share;
use crate::derive::switch::may_switch;
use crate::derive::text::api;
use account::{names_account, role_passed};
use action::{access, class};
use caller::{family, instance, other_user, outside_account};
use compute::compute;
use network::{open, open_admin, open_console};
use objects::objects;
use policy::policies;
use recon::recon;
use selectors::selectors;
use sharing::{outside_keys, shared_with};
use switch::switched_off;
use thing::{fate, things};

use super::networks::Networks;
use super::touched::resources;
use bartizan_trail::{CallerIdentity, CallerType, Event, Field};

/// Derived fields with a description of their values.
pub const FIELDS: &[(&str, &str)] = &[
    (
        "bartizan.caller",
        "`principal`, or `service` when AWS made the call for itself",
    ),
    (
        "bartizan.actor",
        "what lasts of the caller: ARN of the user or role, name of the service",
    ),
    ("bartizan.role", "ARN of the role of a session"),
    ("bartizan.session", "name of a role session"),
    ("bartizan.api", "`service:Call`"),
    (
        "bartizan.other_user",
        "`true` when `requestParameters.userName` is another user than the caller",
    ),
    (
        "bartizan.outside_account",
        "account of the caller, when it is not the account that was called",
    ),
    ("bartizan.chained", "`true` when a role session calls"),
    (
        "bartizan.instance",
        "instance id, when the session is that of an instance's role",
    ),
    (
        "bartizan.address",
        "`aws`, `private`, `public`, or `service` when there is no address",
    ),
    ("bartizan.network", "/24 or /48 of the address"),
    ("bartizan.country", "ISO code (needs `--geo`)"),
    (
        "bartizan.asn",
        "`AS` and number of the network operator (needs `--geo`)",
    ),
    (
        "bartizan.policy",
        "what a policy document in the request grants: `admin`, `escalation`, `data`, `public`, \
        `public-if`, `vpc`, \
         `account:ID`, `organization:ID`, `unidentified:ID`, `service:NAME`, `owner:ARN`, \
         `federated:NAME`, \
         `federated-anybody:NAME`, `deny-all`; `unreadable` where it was left out of the log, \
         cut, or is no JSON",
    ),
    (
        "bartizan.open",
        "what a request opens to the whole internet: TCP port, `FROM-TO`, `all`, `udp/53`, \
        `icmp`, `protocol/47`, `prefix-list`",
    ),
    (
        "bartizan.open_admin",
        "which ports of administration and databases lie in that, or `all`",
    ),
    (
        "bartizan.open_console",
        "which ports of web consoles and control planes lie in that, or `all`",
    ),
    (
        "bartizan.shared_with",
        "with whom a request shares something: `all`, `account:ID`, `organization:ID`, `unit:ID`",
    ),
    (
        "bartizan.selectors",
        "which management events a trail or event data store leaves out after a request, over all \
        its selectors: `none`, \
         `no-management`, `writes-left-out`, `reads-left-out`, `sources-left-out`, `only-some`",
    ),
    (
        "bartizan.access",
        "what a call does by AWS's table of actions: `list`, `read`, `tagging`, `write`, \
        `permissions`",
    ),
    (
        "bartizan.class",
        "sort of change: `credential`, `permission`, `guard` (of what watches the account), \
        `destroy`",
    ),
    (
        "bartizan.compute",
        "what the caller's credentials belong to: `instance`, `lambda`, `container`, `pod`, \
        `build`, `cloudshell`, …",
    ),
    (
        "bartizan.names_account",
        "accounts in a change that are neither the caller's, nor the called one, nor AWS's own",
    ),
    (
        "bartizan.role_passed",
        "roles and instance profiles that a change hands to a service",
    ),
    (
        "bartizan.switched_off",
        "protective settings that a change of something switches off, `deletionProtection=false`",
    ),
    (
        "bartizan.fate",
        "`made` or `removed`: what a call does to a thing",
    ),
    (
        "bartizan.thing",
        "the thing that a call makes or removes, named the same by both: `volume/vol-1`",
    ),
    (
        "bartizan.recon",
        "what a rare read is about: `mail`, `sms`, `models`, `quotas`, `watchers`, `identities`, \
        `organization`, …",
    ),
    (
        "bartizan.outside_key",
        "account of a KMS key in the request that is not the account that was called",
    ),
    ("bartizan.resource", "ARN or name that the call is about"),
    (
        "bartizan.objects",
        "how many objects a `DeleteObjects` names, or about how many by the size of its request",
    ),
    (
        "bartizan.ua_family",
        "first word of the user agent, without its version",
    ),
];

/// Values of a derived field; `None` if it does not apply to this record.
pub fn derive(
    name: &str,
    event: &Event<'_>,
    actor: &CallerIdentity,
    networks: &Networks,
) -> Vec<String> {
    let one = |value: Option<String>| value.into_iter().collect();
    let source = || event.text(Field::SourceIpAddress).unwrap_or_default();
    match name.strip_prefix("bartizan.").unwrap_or_default() {
        "caller" => one(Some(
            if actor.caller_of(event) == CallerType::Service {
                "service"
            } else {
                "principal"
            }
            .to_owned(),
        )),
        "actor" => one(Some(actor.key.clone())),
        "role" => one((actor.kind == "AssumedRole").then(|| actor.key.clone())),
        "session" => one(actor.session.clone()),
        "api" => one(Some(api(event))),
        "other_user" => one(other_user(event, actor).map(|b| b.to_string())),
        "outside_account" => one(outside_account(event, actor)),
        "chained" => one((actor.kind == "AssumedRole").then(|| "true".to_owned())),
        "instance" => one(instance(actor)),
        "address" => one(Some(networks.kind(&source()).word().to_owned())),
        "network" => one(event
            .text(Field::SourceIpAddress)
            .map(|s| Networks::network(&s))),
        "country" => one(networks.place(&source()).country),
        "asn" => one(networks.place(&source()).asn),
        "policy" => policies(event),
        "open" => open(event),
        "open_admin" => open_admin(event),
        "open_console" => open_console(event),
        "shared_with" => shared_with(event),
        "selectors" => selectors(event),
        "access" => one(Some(access(&api(event)).to_owned())),
        "class" => class(&api(event)),
        "compute" => one(compute(event, actor).map(str::to_owned)),
        "names_account" => names_account(event, actor),
        "role_passed" => role_passed(event),
        "switched_off" => switched_off(event),
        "fate" => one(fate(&api(event)).map(str::to_owned)),
        "thing" => things(event),
        "recon" => one(recon(&api(event)).map(str::to_owned)),
        "outside_key" => outside_keys(event),
        "resource" => one(resources(event).into_iter().next()),
        "objects" => one(objects(event).map(|n| n.to_string())),
        "ua_family" => one(event.text(Field::UserAgent).map(|ua| family(&ua))),
        _ => Vec::new(),
    }
}

/// Whether a derived field is absent from all records of a call, so that rules on it can be decided
/// early.
pub(crate) fn is_never(name: &str, call: &str) -> bool {
    let may = match name.strip_prefix("bartizan.").unwrap_or_default() {
        "policy" | "names_account" => is_change(call),
        "open" | "open_admin" | "open_console" => may_open(call),
        "shared_with" => may_share(call),
        "selectors" => may_select(call),
        "role_passed" => may_pass_role(call),
        "switched_off" => may_switch(call),
        "thing" => fate(call).is_some(),
        _ => true,
    };
    !may
}
