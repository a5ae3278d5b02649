//! API call as shared by findings, windows and attribution: actor, call, source address, resources.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use bartizan_model::{Actor, Counterparty};
use bartizan_trail::EventId;

/// Caller with its user agent.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ActorContext {
    pub actor: Arc<bartizan_trail::CallerIdentity>,
    pub user_agent: Option<String>,
}

/// API call with its target account and region.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ApiCall {
    /// `service:Call`, e.g. `iam:CreateUser`.
    pub name: Arc<str>,
    /// `eventSource`, e.g. `iam.amazonaws.com`.
    pub source: Option<String>,
    /// Account that received the call.
    pub account: Option<String>,
    pub region: Option<String>,
    /// Error code of a failed call.
    pub error: Option<String>,
}

/// `sourceIPAddress`: an address or a service name. Made of whole words, which are copied fastest.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SourceAddress {
    /// Absent from the record.
    None,
    /// Bits of an IPv4 address.
    V4(u32),
    /// Halves of an IPv6 address.
    V6([u64; 2]),
    /// Any other text.
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
    /// Address, if it is one.
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

/// Caller, call and resources, shared by many events.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct CallContext {
    pub who: Arc<ActorContext>,
    pub call: Arc<ApiCall>,
    /// Affected resources.
    pub resources: Box<[String]>,
    /// Principals that were let in, and credentials that were created.
    pub counterparty: Box<[Counterparty]>,
}

/// Event in a finding. Small, because hundreds of thousands are kept until the end of their window.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// Seconds since 1970.
    pub time_s: i64,
    pub id: EventId,
    pub source: SourceAddress,
    pub context: Arc<CallContext>,
}

impl Sighting {
    /// Sort key of events.
    pub fn place(&self) -> (i64, EventId) {
        (self.time_s, self.id)
    }
}

impl CallContext {
    /// Whether AWS denied the call or it failed otherwise.
    pub fn is_refused(&self) -> bool {
        self.call.error.is_some()
    }
}

/// Actor of a call, as far as its record says.
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

#[cfg(test)]
impl CallContext {
    /// A successful `s3:GetObject` of an unknown caller.
    pub(crate) fn sample() -> Arc<Self> {
        let who = ActorContext {
            actor: Arc::new(bartizan_trail::CallerIdentity::of(None)),
            user_agent: None,
        };
        let call = ApiCall {
            name: "s3:GetObject".into(),
            source: None,
            account: None,
            region: None,
            error: None,
        };
        Arc::new(Self {
            who: Arc::new(who),
            call: Arc::new(call),
            resources: Box::default(),
            counterparty: Box::default(),
        })
    }
}
