//! Callers, and how the principal element of a statement names them.
//!
//! Sources: IAM user guide, "AWS JSON policy elements: Principal" and "NotPrincipal", "IAM
//! identifiers" (unique ids).

use super::truth::{self, Truth};
use super::values::arn;
use crate::policy::Principal;
use crate::request::{Context, ContextLookup, ContextValue, RequestCaller};

/// How near to the caller a principal names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Nearness {
    /// Its account: a delegation, no grant.
    Account,
    /// Its role.
    Role,
    /// The caller itself: `*`, the user, the session, the service.
    Itself,
}

/// Principal that the ARN of a caller names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ArnKind {
    Root,
    User,
    Role,
    Session,
    FederatedUser,
    /// Nothing of an account: a service, a federated caller, nobody.
    NotOfAccount,
}

/// A caller, with what its ARN says.
pub(super) struct KnownCaller<'a> {
    pub(super) caller: &'a RequestCaller,
    pub(super) kind: ArnKind,
    /// Account of the caller, e.g. `111122223333`; empty where it has none.
    pub(super) account: &'a str,
    /// Role of a role or of a session, by its name without the path.
    pub(super) role: Option<&'a str>,
    /// Unique id (`AIDA…`, `AROA…`), where `aws:userid` of the request has it.
    id: Option<String>,
}

impl<'a> KnownCaller<'a> {
    pub(super) fn read(caller: &'a RequestCaller, context: &Context) -> Self {
        let id = match context.get("aws:userid") {
            ContextLookup::Is(ContextValue::One(id) | ContextValue::StartsWith(id)) => {
                id.split(':').next().map(str::to_owned)
            }
            _ => None,
        };
        let mut known = Self {
            caller,
            kind: ArnKind::NotOfAccount,
            account: "",
            role: None,
            id,
        };
        if let RequestCaller::Aws(text) = caller
            && let Some([_, _, service, _, account, resource]) = arn(text)
        {
            let path: Vec<&str> = resource.split('/').collect();
            known.account = account;
            (known.kind, known.role) = match (service, path[0]) {
                ("iam", "root") => (ArnKind::Root, None),
                ("iam", "user") => (ArnKind::User, None),
                ("iam", "role") => (ArnKind::Role, path.last().copied()),
                ("sts", "assumed-role") => (ArnKind::Session, path.get(1).copied()),
                ("sts", "federated-user") => (ArnKind::FederatedUser, None),
                _ => (ArnKind::NotOfAccount, None),
            };
        }
        known
    }

    /// Whether it is a principal of an account, so that it has identity policies.
    pub(super) fn is_of_account(&self) -> bool {
        matches!(self.caller, RequestCaller::Aws(_))
    }

    pub(super) fn is_root(&self) -> bool {
        self.kind == ArnKind::Root
    }

    /// Whether it is a service-linked role: SCPs and RCPs do not bind it.
    pub(super) fn is_service_linked(&self) -> bool {
        let RequestCaller::Aws(text) = self.caller else {
            return false;
        };
        arn(text).is_some_and(|[.., resource]| {
            resource.starts_with("role/aws-service-role/")
                || resource.starts_with("assumed-role/AWSServiceRoleFor")
        })
    }

    /// Whether a principal names the caller at this level or nearer.
    pub(super) fn is_named(&self, principal: &Principal, least: Nearness) -> Truth {
        if !is_kind_known(principal) {
            return None;
        }
        let levels = [Nearness::Account, Nearness::Role, Nearness::Itself];
        let is_named = levels
            .into_iter()
            .any(|level| level >= least && self.is_named_at(principal, level));
        // Which session of the role it is, nobody knows.
        if !is_named && self.has_session(principal) {
            return None;
        }
        Some(is_named)
    }

    /// Whether the caller is a role and the principal one of its sessions:
    /// `arn:aws:sts::111122223333:assumed-role/app/run-1`.
    pub(super) fn has_session(&self, principal: &Principal) -> bool {
        let Principal::Of(kind, value) = principal else {
            return false;
        };
        let (Some(segments), Some(role)) = (arn(value), self.role) else {
            return false;
        };
        self.kind == ArnKind::Role
            && kind == "AWS"
            && segments[2] == "sts"
            && segments[4] == self.account
            && segments[5].starts_with(&format!("assumed-role/{role}/"))
    }

    /// Whether NotPrincipal of an Allow leaves the caller out by this principal. By its account
    /// alone: not known.
    pub(super) fn is_left_out(&self, principal: &Principal) -> Truth {
        if self.is_named(principal, Nearness::Role)? {
            return Some(true);
        }
        if self.is_named_at(principal, Nearness::Account) {
            None
        } else {
            Some(false)
        }
    }

    /// Whether NotPrincipal of a Deny spares the caller: session, role and account must all be
    /// listed.
    pub(super) fn is_spared(&self, list: &[Principal]) -> Truth {
        let levels: &[Nearness] = match self.kind {
            ArnKind::Session => &[Nearness::Itself, Nearness::Role, Nearness::Account],
            ArnKind::Role if list.iter().any(|one| self.has_session(one)) => {
                &[Nearness::Itself, Nearness::Role, Nearness::Account]
            }
            ArnKind::Role => &[Nearness::Role, Nearness::Account],
            ArnKind::User | ArnKind::FederatedUser => &[Nearness::Itself, Nearness::Account],
            ArnKind::Root => &[Nearness::Account],
            ArnKind::NotOfAccount => &[Nearness::Itself],
        };
        let is_listed = |level: Nearness| {
            truth::any(list.iter().map(|principal| {
                if !is_kind_known(principal)
                    || level == Nearness::Itself && self.has_session(principal)
                {
                    return None;
                }
                Some(is_everybody(principal) || self.is_named_at(principal, level))
            }))
        };
        truth::all(levels.iter().map(|level| is_listed(*level)))
    }

    /// Whether a principal names the caller at exactly this level.
    fn is_named_at(&self, principal: &Principal, level: Nearness) -> bool {
        if is_everybody(principal) {
            return level == Nearness::Itself;
        }
        let Principal::Of(kind, value) = principal else {
            return false;
        };
        match (kind.as_str(), self.caller) {
            ("Service", RequestCaller::Service(name)) => level == Nearness::Itself && value == name,
            ("Federated", RequestCaller::Federated(provider)) => {
                level == Nearness::Itself && value == provider
            }
            ("AWS", RequestCaller::Aws(own)) => match level {
                Nearness::Account => self.is_own_account(value),
                Nearness::Role => {
                    let role = self.role.filter(|role| self.is_own_role(value, role));
                    role.is_some() || self.role.is_some() && self.is_own_id(value)
                }
                Nearness::Itself => match self.kind {
                    // The account stands for its root user.
                    ArnKind::Root => self.is_own_account(value),
                    ArnKind::Role => false,
                    ArnKind::User => value == own || self.is_own_id(value),
                    _ => value == own,
                },
            },
            _ => false,
        }
    }

    /// `111122223333`, or `arn:aws:iam::111122223333:root`.
    fn is_own_account(&self, value: &str) -> bool {
        let is_root = |segments: [&str; 6]| {
            segments[2] == "iam" && segments[4] == self.account && segments[5] == "root"
        };
        !self.account.is_empty() && (value == self.account || arn(value).is_some_and(is_root))
    }

    /// `arn:aws:iam::111122223333:role/path/build`. The ARN of a session does not have the path of
    /// its role.
    fn is_own_role(&self, value: &str, role: &str) -> bool {
        arn(value).is_some_and(|[_, _, service, _, account, resource]| {
            let is_here = service == "iam" && account == self.account;
            is_here
                && resource.starts_with("role/")
                && resource.split('/').next_back() == Some(role)
        })
    }

    /// `AROAEXAMPLE`: a unique id begins with four letters for its kind and has letters and digits
    /// only.
    fn is_own_id(&self, value: &str) -> bool {
        let kinds = ["AROA", "AIDA", "AGPA", "ANPA", "ASIA", "AIPA"];
        let is_id = kinds.iter().any(|kind| value.starts_with(kind))
            && value
                .chars()
                .all(|character| character.is_ascii_alphanumeric());
        is_id && self.id.as_deref() == Some(value)
    }
}

/// Whether AWS has this kind of principal, as far as we know what it means.
fn is_kind_known(principal: &Principal) -> bool {
    match principal {
        Principal::Star => true,
        Principal::Of(kind, _) => ["AWS", "Service", "Federated"].contains(&kind.as_str()),
    }
}

/// `"*"` or `{"AWS": "*"}`.
pub(super) fn is_everybody(principal: &Principal) -> bool {
    match principal {
        Principal::Star => true,
        Principal::Of(kind, value) => kind == "AWS" && value == "*",
    }
}
