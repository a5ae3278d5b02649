//! Fields that no record has but rules need: `bartizan.*`. Each is computed from one record when a rule asks for it.
//!
//! The table in docs/rules.md is for people; [`FIELDS`] is what `rules lint` knows.

mod caller;
mod network;
mod policy;
mod resource;
mod sharing;

use caller::{family, instance, other_user, outside_account};
use network::open_ports;
use policy::policies;
pub use resource::resources;
use sharing::{outside_keys, shared_with};

use super::networks::Networks;
use crate::limits::LOG_TEXT_BYTES_MAX;
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

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}
