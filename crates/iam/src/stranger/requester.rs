//! Requesters from outside who are tried, and the parties that a statement names.

use super::issuers::{TokenBearer, TokenIssuer};
use super::model::PolicyLocation;

/// Requester from outside.
#[derive(Debug, Clone, Copy)]
pub(super) enum ExternalRequester<'w> {
    /// Unsigned request.
    Unsigned,
    /// A principal of an account, which may be in an organization.
    Principal {
        account: &'w str,
        organization: Option<&'w str>,
    },
    /// A service of AWS on behalf of an account.
    Service {
        name: Option<&'w str>,
        account: &'w str,
        organization: Option<&'w str>,
    },
    /// Bearer of a token of an identity provider.
    Token {
        issuer: &'w TokenIssuer<'w>,
        bearer: TokenBearer,
    },
}

/// Accounts and organizations that a statement names, and where it stands.
pub(super) struct NamedParties<'a> {
    pub(super) place: PolicyLocation<'a>,
    /// Without the account that owns the policy.
    pub(super) accounts: Vec<String>,
    pub(super) organizations: Vec<String>,
}

/// Every account that is not named: its ids that match a pattern stand for some of them.
pub(super) const WILD: &str = "????????????";

/// Every organization that is not named.
pub(super) const WILD_ORGANIZATION: &str = "o-?*";

/// The organization of the account itself, where its id is not known: what `${aws:ResourceOrgID}`
/// stands for.
pub(crate) const OWN_ORGANIZATION: &str = "of its own";
