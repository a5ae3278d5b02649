//! Parties of a question, as far as they were read: the caller, and the resource with its policy.

use std::collections::BTreeMap;

use super::model::Estate;
use super::owner::Owner;
use super::question::QuestionCaller;
use crate::account::{Account, DocumentId, IamPrincipal, PrincipalKind};
use crate::arn::Arn;
use crate::request::{CallerKind, RequestCaller};
use crate::resource_policies::{PolicySource, policy_source};

/// Caller, as far as it was read.
pub(super) struct Asker<'x, 'a> {
    pub(super) caller: RequestCaller,
    /// Its account.
    pub(super) home: Option<&'x Account<'a>>,
    /// The user or role; of a session, its role.
    pub(super) principal: Option<&'x IamPrincipal>,
    /// Whether an administrator of its account gave it everything before.
    pub(super) is_granted_all: bool,
}

/// Resource, as far as it was read.
pub(super) struct Target<'x, 'a> {
    /// Its account.
    pub(super) there: Option<&'x Account<'a>>,
    /// Id of that account; zeros where nobody knows it.
    pub(super) account: String,
    pub(super) policy: Option<DocumentId>,
    /// Why its policy is not known.
    pub(super) policy_unread: Option<String>,
    /// Its tags; none where they were not read.
    pub(super) tags: Option<BTreeMap<String, String>>,
}

/// Account of a resource that is of no account which was read.
pub(super) const NOBODYS: &str = "000000000000";

impl Asker<'_, '_> {
    pub(super) fn account(&self) -> Option<&str> {
        self.caller.account()
    }

    /// Whether it has identity policies, and they were not read.
    pub(super) fn is_unread(&self) -> bool {
        matches!(self.caller, RequestCaller::Aws(_))
            && self.principal.is_none()
            && !(self.home.is_some() && self.caller.kind() == CallerKind::Root)
    }
}

impl<'x, 'a> Estate<'x, 'a> {
    /// The caller, as far as it was read.
    pub(super) fn asker(&self, caller: &QuestionCaller) -> Asker<'x, 'a> {
        let caller = match caller {
            QuestionCaller::Principal(id) => {
                let (home, principal) = self.of(*id);
                return Asker {
                    caller: RequestCaller::Aws(principal.arn.clone()),
                    home: Some(home),
                    principal: Some(principal),
                    is_granted_all: false,
                };
            }
            QuestionCaller::Other(caller) => caller.clone(),
        };
        let home = caller.account().and_then(|id| self.account(id));
        let session = Some(caller.kind()) == Some(CallerKind::Session);
        let is = |p: &&IamPrincipal| match &caller {
            RequestCaller::Aws(arn) => {
                let is_role = p.kind == PrincipalKind::Role;
                p.arn == *arn || session && is_role && Some(p.name.as_str()) == caller.role()
            }
            _ => false,
        };
        let principal = home.and_then(|home| home.principals.iter().find(is));
        Asker {
            caller,
            home,
            principal,
            is_granted_all: false,
        }
    }
}

impl<'x, 'a> Target<'x, 'a> {
    pub(super) fn new(owner: Owner<'x, 'a>, action: &str, resource: &str) -> Self {
        let (there, account) = match owner {
            Owner::Read(there) => (Some(there), there.id.clone()),
            Owner::NotRead(id) => (None, id),
            Owner::Unknown => (None, NOBODYS.to_owned()),
        };
        Self {
            there,
            account,
            policy: there.and_then(|there| there.policy_of(action, resource)),
            policy_unread: there.and_then(|there| there.own_unread(action, resource)),
            tags: there.and_then(|there| there.tags_of(resource)),
        }
    }
}

impl Account<'_> {
    /// Why the policy that decides about a resource is not known.
    pub(super) fn own_unread(&self, action: &str, resource: &str) -> Option<String> {
        let lower = action.to_ascii_lowercase();
        if lower.starts_with("sts:assumerole") {
            let (arn, name) = (
                Arn::parse(resource)?,
                resource.rsplit('/').next().unwrap_or_default(),
            );
            let known = self.principals.iter().find(|p| p.arn == resource);
            let why = match known {
                Some(role) if role.trust.is_some() || role.kind == PrincipalKind::User => {
                    return None;
                }
                Some(_) if self.asked.is_some() => "it cannot be understood".to_owned(),
                Some(_) => return None,
                None if arn.account == self.id => self.unread_reason("iam:role", "global", name)?,
                None => return None,
            };
            return Some(format!(
                "the trust policy of role {name} was not read ({why})"
            ));
        }
        // Policies of the service itself: what is done to a resource of another service asks for
        // them as well.
        let service = Arn::parse(resource)?.service;
        let own = lower
            .split(':')
            .next()
            .is_some_and(|s| s == service || service == "elasticfilesystem" || service == "s3");
        let (held, why) = self.unread_policy(resource).filter(|_| own)?;
        Some(format!(
            "the policy of {held} was not read ({why}): it may allow or deny it"
        ))
    }

    /// Tags of a resource, as far as conditions may compare them.
    fn tags_of(&self, resource: &str) -> Option<BTreeMap<String, String>> {
        let arn = Arn::parse(resource)?;
        match arn.service {
            "iam" => {
                let is = |p: &&IamPrincipal| p.arn == resource;
                self.principals.iter().find(is)?.tags.clone()
            }
            // Only where the bucket has attribute-based access control do its tags count (S3 user
            // guide, "Using tags with S3 general purpose buckets").
            "s3" if !arn.resource.contains('/') => match self.abac_buckets.get(arn.resource)? {
                false => Some(BTreeMap::new()),
                true => self.bucket_tags.get(arn.resource).cloned(),
            },
            _ => None,
        }
    }

    /// The policy of a resource: of a bucket for its objects, of a role when it is to be assumed.
    pub(super) fn policy_of(&self, action: &str, resource: &str) -> Option<DocumentId> {
        if action.to_ascii_lowercase().starts_with("sts:assumerole") {
            let role = self.principals.iter().find(|p| p.arn == resource)?;
            return role.trust;
        }
        // Something within a resource, such as an object in a bucket, has the policy of that.
        let within = match policy_source(resource) {
            PolicySource::By(_, arn) => arn,
            PolicySource::NeverRead | PolicySource::Not => resource.to_owned(),
        };
        let named = |arn: &str| self.resources.iter().find(|r| r.arn == arn);
        named(resource).or_else(|| named(&within)).map(|r| r.policy)
    }
}
