//! One call of the API as findings, windows and attribution share it: who, what, from where, to
//! what.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use bartizan_model::{Actor, Counterparty};
use bartizan_trail::EventId;

/// Who made a call, as far as findings tell it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ActorContext {
    /// The actor.
    pub actor: Arc<bartizan_trail::CallerIdentity>,
    /// `userAgent`.
    pub user_agent: Option<String>,
}

/// What was called and where.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ApiCall {
    /// `service:Call`.
    pub name: Arc<str>,
    /// `eventSource`.
    pub source: Option<String>,
    /// Account that was called.
    pub account: Option<String>,
    /// Region that was called.
    pub region: Option<String>,
    /// Error of a call that failed.
    pub error: Option<String>,
}

/// `sourceIPAddress`: an address, or the name of a service. Of whole words, which are copied
/// soonest.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SourceAddress {
    /// The record has none.
    None,
    /// An address of IPv4, as its bits.
    V4(u32),
    /// An address of IPv6, as the halves of its bits.
    V6([u64; 2]),
    /// Anything else.
    Text(Arc<str>),
}

impl From<IpAddr> for SourceAddress {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::V4(v4.to_bits()),
            IpAddr::V6(v6) => Self::V6([(v6.to_bits() >> 64) as u64, v6.to_bits() as u64]),
        }
    }
}

impl SourceAddress {
    /// The address, if it is one.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Self::V4(bits) => Some(Ipv4Addr::from_bits(*bits).into()),
            Self::V6([high, low]) => {
                Some(Ipv6Addr::from_bits(u128::from(*high) << 64 | u128::from(*low)).into())
            }
            Self::None | Self::Text(_) => None,
        }
    }
}

impl std::fmt::Display for SourceAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.address(), self) {
            (Some(address), _) => address.fmt(f),
            (None, Self::Text(text)) => f.write_str(text),
            (None, _) => Ok(()),
        }
    }
}

/// Who did what to what. Many events share one.
#[derive(Debug)]
pub struct CallContext {
    /// Who did it.
    pub who: Arc<ActorContext>,
    /// What was done.
    pub call: Arc<ApiCall>,
    /// What it was done to.
    pub resources: Box<[String]>,
    /// Whom it let in, what it made.
    pub counterparty: Box<[Counterparty]>,
}

/// One event in a finding. Small, for hundreds of thousands wait for the end of their window.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// Seconds since 1970.
    pub time_s: i64,
    /// The event.
    pub id: EventId,
    /// From where.
    pub source: SourceAddress,
    /// Who did what.
    pub context: Arc<CallContext>,
}

impl Sighting {
    /// What events are ordered by.
    pub fn place(&self) -> (i64, EventId) {
        (self.time_s, self.id)
    }
}

impl CallContext {
    /// Whether AWS refused it, or it failed otherwise.
    pub fn is_refused(&self) -> bool {
        self.call.error.is_some()
    }
}

/// Who made a call, as far as its record tells.
#[must_use]
pub fn actor_of(who: &ActorContext, source: &SourceAddress) -> Actor {
    let (actor, source) = (&who.actor, source.to_string());
    let session = actor.session.as_ref().map(|s| format!("session {s}"));
    let service = actor
        .invoked_by
        .as_ref()
        .map(|s| format!("by means of {s}"));
    let named = actor
        .source_identity
        .as_ref()
        .map(|s| format!("source identity {s}"));
    Actor {
        key: actor.key.clone(),
        name: actor.name.clone(),
        arn: actor.arn.clone(),
        kind: actor.kind.clone(),
        account: actor.account.clone(),
        access_key_id: actor.access_key_id.clone(),
        origin: [session, actor.through.clone(), service, named]
            .into_iter()
            .flatten()
            .collect(),
        session_issuer: actor.through.clone(),
        source_identity: actor.source_identity.clone(),
        source_ip: (!source.is_empty()).then_some(source),
        user_agent: who.user_agent.clone(),
    }
}
