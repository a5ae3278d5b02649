//! Who began it: from the credential of a call back to the person, the key or the machine at the
//! start of the chain.

use std::collections::BTreeSet;

use serde::Serialize;

use bartizan_detect::attribution::{AttributionIndex, IssuedCredential};
use bartizan_model::limits::CHAIN_LINKS_MAX;
use bartizan_model::time_text;
use bartizan_trail::CallerIdentity;

/// Who stands at the start of a chain of sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// Lasting key: ARN of a user, `instance i-0a1b`, subject of an outside
    /// identity.
    pub key: String,
    /// For people.
    pub name: String,
    pub kind: OriginKind,
    /// The first credential of the chain, where there is one.
    pub access_key_id: Option<String>,
    /// How it got from there to the call, first step first.
    pub chain: Vec<String>,
    /// Access keys on the way, that of the call first.
    pub keys: Vec<String>,
    /// Whether the chain was followed to its start; if not, the origin is the last known link.
    pub whole: bool,
}

/// Kind of an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OriginKind {
    /// A user of the account, or its root.
    User,
    /// A person known to an identity provider, or a job known to one.
    Outside,
    /// An instance, a function, a task.
    Machine,
    /// Another account.
    Account,
    /// An AWS service.
    Service,
    /// A session of which nobody knows who began it.
    Session,
}

/// Who stands behind a call of this actor.
#[must_use]
pub fn origin(index: &AttributionIndex, actor: &CallerIdentity) -> Origin {
    let (mut chain, mut keys, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut at = actor.clone();
    for _ in 0..CHAIN_LINKS_MAX {
        keys.extend(at.access_key_id.clone().filter(|k| !keys.contains(k)));
        let (key, name) = (at.key.clone(), at.name.clone());
        let end = |kind, key: String, name: String, whole| (kind, key, name, whole);
        let ended = match at.kind.as_str() {
            "IAMUser" | "Root" => Some(end(OriginKind::User, key, name, true)),
            "SAMLUser" | "WebIdentityUser" | "IdentityCenterUser" | "Directory" => {
                Some(end(OriginKind::Outside, key, name, true))
            }
            "AWSService" => Some(end(OriginKind::Service, key, name, true)),
            "AWSAccount" => Some(end(OriginKind::Account, key, name, false)),
            "AssumedRole" | "AssumedRoot" | "FederatedUser" | "Role" => {
                before(index, &at, &mut chain, &mut seen, &mut keys).err()
            }
            _ => Some(end(OriginKind::Session, key, name, false)),
        };
        if let Some((kind, key, name, whole)) = ended {
            chain.reverse();
            let access_key_id = at.access_key_id.filter(|_| kind == OriginKind::User);
            return Origin {
                key,
                name,
                kind,
                access_key_id,
                chain,
                keys,
                whole,
            };
        }
        // `before` found who asked for the session.
        let by = at
            .access_key_id
            .as_deref()
            .and_then(|k| index.issued.get(k))
            .map(|i| (*i.who.actor).clone());
        let Some(by) = by else { break };
        at = by;
    }
    chain.reverse();
    Origin {
        key: at.key,
        name: at.name,
        kind: OriginKind::Session,
        access_key_id: None,
        chain,
        keys,
        whole: false,
    }
}

/// End of a chain: kind, key and name of the origin, and whether the chain is complete.
type ChainEnd = (OriginKind, String, String, bool);

/// Session of an EC2 instance.
fn instance(session: &str) -> ChainEnd {
    let name = format!("instance {session}");
    (OriginKind::Machine, name.clone(), name, true)
}

/// Looks one link back. `Ok`: the record that issued the session says who asked. `Err`: here the
/// chain ends.
fn before(
    index: &AttributionIndex,
    actor: &CallerIdentity,
    chain: &mut Vec<String>,
    seen: &mut BTreeSet<String>,
    keys: &mut Vec<String>,
) -> Result<(), ChainEnd> {
    let session = actor.session.clone().unwrap_or_default();
    let role = actor
        .key
        .rsplit('/')
        .next()
        .unwrap_or(&actor.key)
        .to_owned();
    let root = actor.kind == "AssumedRoot";
    let account = actor.account.as_deref().unwrap_or("?");
    let what = if root {
        format!("root session in account {account}")
    } else {
        format!("session {session} of role {role}")
    };
    // The key of such a session is the ARN of its role, and the session.
    let mut ends = actor.key.rsplit('/').skip(1);
    if ends
        .next()
        .is_some_and(|role| role.starts_with("AWSReservedSSO_"))
    {
        return Err((
            OriginKind::Outside,
            format!("identity-center:{session}"),
            format!("{session} of IAM Identity Center"),
            true,
        ));
    }
    let issued = actor
        .access_key_id
        .as_ref()
        .and_then(|k| index.issued.get(k));
    let again = actor
        .access_key_id
        .as_ref()
        .is_some_and(|k| !seen.insert(k.clone()));
    match issued.filter(|_| !again) {
        Some(issued) => issued_by(issued, &session, &what, chain, keys),
        None if session.starts_with("i-") => {
            chain.push(format!("session {session} of role {role}"));
            Err(instance(&session))
        }
        // The record of a federated session names the user who asked for it.
        None if actor.kind == "FederatedUser" && actor.through.is_some() => {
            let user = actor.through.clone().unwrap_or_default();
            chain.extend([format!("federated session {session}"), user.clone()]);
            let name = format!("user {}", user.rsplit('/').next().unwrap_or(&user));
            Err((OriginKind::User, user, name, true))
        }
        None => Err(beyond(actor, &session, what, chain)),
    }
}

/// Follows the record that issued a session to its caller.
fn issued_by(
    issued: &IssuedCredential,
    session: &str,
    what: &str,
    chain: &mut Vec<String>,
    keys: &mut Vec<String>,
) -> Result<(), ChainEnd> {
    let by = &issued.who.actor;
    let how = issued.call.name.rsplit(':').next().unwrap_or_default();
    let named = issued
        .source_identity
        .as_ref()
        .map(|s| format!(" as {s} (source identity)"))
        .unwrap_or_default();
    chain.push(format!(
        "{what} by {how}{named} at {}",
        time_text(issued.time_s)
    ));
    keys.extend(by.access_key_id.clone().filter(|k| !keys.contains(k)));
    if by.kind == "AWSService" {
        if session.starts_with("i-") {
            return Err(instance(session));
        }
        let service = by.key.split('.').next().unwrap_or(&by.key);
        return Err((
            OriginKind::Machine,
            format!("{service} {session}"),
            format!("{service} {session}"),
            true,
        ));
    }
    Ok(())
}

/// End of a chain at a session that was issued where this trail does not reach.
fn beyond(
    actor: &CallerIdentity,
    session: &str,
    what: String,
    chain: &mut Vec<String>,
) -> ChainEnd {
    chain.push(format!("{what}, issued where this trail does not reach"));
    // A name that the session carries from its start; good only as far as a trust policy
    // demanded it.
    if let Some(name) = &actor.source_identity {
        chain.push(format!("source identity {name}"));
        return (
            OriginKind::Session,
            format!("source-identity:{name}"),
            format!("{name} (by source identity)"),
            false,
        );
    }
    let key = if session.is_empty() {
        actor.key.clone()
    } else {
        format!("{}/{session}", actor.key)
    };
    (OriginKind::Session, key, what, false)
}
