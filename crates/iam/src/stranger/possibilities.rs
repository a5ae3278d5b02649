//! Possibilities of a condition key for an external requester: presence, values, and who decides
//! them.

use super::model::ConditionSubject;
use crate::pattern::Pattern;

/// Possibilities of a condition key.
pub(super) struct KeyPossibilities {
    pub(super) absent: KeyAbsence,
    pub(super) values: ValueRange,
    pub(super) control: ValueControl,
    pub(super) guard: ConditionSubject,
    /// Values that no external requester has.
    pub(super) not: Vec<Pattern>,
}

/// When a request is without the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyAbsence {
    Always,
    Never,
    /// When the requester likes.
    Chosen,
    /// Some services do not send it.
    Seldom,
    /// Nobody knows.
    Perhaps,
}

/// Which values it has when it is there.
pub(super) enum ValueRange {
    /// Texts of any of these patterns.
    Texts(Vec<Pattern>),
    /// Addresses.
    Address,
    /// The time of the request, as text or number: now, in seconds since 1970, or later.
    Time(Option<f64>),
}

/// Control over which of the values it is.
pub(super) enum ValueControl {
    /// The requester chooses.
    Chosen,
    /// The requester cannot choose: the value is given.
    ContextValue,
    /// The requester chooses, but a value written out without a wildcard belongs to somebody else
    /// already (a bucket, an endpoint, a secret); also where that is an ARN with an account in it.
    Taken { with_account: bool },
    /// Likewise for the start of a value that names a tenant of an identity provider: `repo:acme/`.
    Tenant(Vec<TenantShape>, /* Strangers only. */ bool),
}

/// Beginning of a claim, and the character that ends the tenant's name behind it: `repo:` and `/`
/// for `repo:acme/app:ref:refs/heads/main`. Empty: the whole value is the name.
#[derive(Debug, Clone, Copy)]
pub(super) struct TenantShape(pub(super) &'static str, pub(super) &'static str);

impl KeyPossibilities {
    pub(super) fn new(absent: KeyAbsence, values: Vec<Pattern>, control: ValueControl) -> Self {
        Self {
            absent,
            values: ValueRange::Texts(values),
            control,
            guard: ConditionSubject::Other,
            not: Vec::new(),
        }
    }

    /// Absent from every request.
    pub(super) fn none() -> Self {
        Self::new(KeyAbsence::Always, Vec::new(), ValueControl::ContextValue)
    }

    /// It may be there or not, with any value.
    pub(super) fn unknown() -> Self {
        Self::new(
            KeyAbsence::Perhaps,
            vec![Pattern::text("*")],
            ValueControl::ContextValue,
        )
    }

    /// Always this value; `WILD` stands for those that are not named.
    pub(super) fn is(value: &str) -> Self {
        Self::new(
            KeyAbsence::Never,
            vec![Pattern::text(value)],
            ValueControl::ContextValue,
        )
    }

    pub(super) fn seldom(value: &str) -> Self {
        Self {
            absent: KeyAbsence::Seldom,
            ..Self::is(value)
        }
    }

    /// Any of these as the requester chooses, or absent.
    pub(super) fn chosen(values: &[&str]) -> Self {
        Self::new(
            KeyAbsence::Chosen,
            values.iter().map(|v| Pattern::text(v)).collect(),
            ValueControl::Chosen,
        )
    }

    pub(super) fn guarded(self, guard: ConditionSubject) -> Self {
        Self { guard, ..self }
    }

    pub(super) fn but(self, not: impl IntoIterator<Item = Pattern>) -> Self {
        Self {
            not: not.into_iter().collect(),
            ..self
        }
    }
}
