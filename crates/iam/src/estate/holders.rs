//! Everybody who may do something: principals that were read, and those outside whom the policy of
//! the resource, an ACL or a grant names.

use std::collections::BTreeSet;

use super::answer::AccessAnswer;
use super::keys::KEYS_OF_ONE;
use super::model::Estate;
use super::owner::{Owner, bucket_of};
use super::parties::Target;
use super::question::{AccessQuestion, PrincipalId, QuestionCaller};
use crate::account::{Account, DocumentId};
use crate::arn::Arn;
use crate::pattern::Pattern;
use crate::policy::{Block, Principal};
use crate::request::{Context, ContextValue, Decision, RequestCaller};
use crate::stranger::{ExternalPrincipal, PolicyLocation, admitted};
use crate::tri::Tri;

/// Somebody who may do something.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Estate, Tri};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// let queue = "arn:aws:sqs:us-east-1:111122223333:orders";
/// builder.resource("sqs:queuepolicy", queue, r#"{"Version": "2012-10-17", "Statement":
///     {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
///     "Action": "sqs:SendMessage", "Resource": "*"}}"#);
/// let accounts = [builder.build()];
/// let holders = Estate::new(&accounts).who_can("sqs:SendMessage", queue);
/// assert_eq!((holders[0].name.as_str(), holders[0].said.verdict),
///     ("sns.amazonaws.com", Tri::Yes));
/// ```
#[derive(Debug, Clone)]
pub struct AccessHolder {
    /// ARN, or the outsider in words: `account 999988887777`.
    pub name: String,
    /// Its account, where it was read; otherwise that of the resource.
    pub account: String,
    /// The user or role, if it was read.
    pub principal: Option<PrincipalId>,
    /// Whether it is everybody, unsigned.
    pub is_anybody: bool,
    /// The answer for it.
    pub said: AccessAnswer,
}

/// An account that AWS gives to nobody, so that no policy names it.
const NOBODY_IN_PARTICULAR: &str = "arn:aws:iam::000000000000:root";

/// Name of a service that a policy lets in by conditions only.
const ANY_SERVICE: &str = "an AWS service";

/// Somebody outside, as a caller.
pub(super) struct NamedOutsider {
    pub(super) name: String,
    pub(super) caller: RequestCaller,
    context: Context,
}

impl Estate<'_, '_> {
    /// Everybody who may do something, by account and name, the surest first within each account.
    pub fn who_can(&self, action: &str, resource: &str) -> Vec<AccessHolder> {
        let anybody = QuestionCaller::Other(RequestCaller::Anonymous);
        self.who_can_given(&AccessQuestion::new(anybody, action, resource))
    }

    /// [`Estate::who_can`] where more is known of the request. The caller of the question does not
    /// matter.
    pub fn who_can_given(&self, question: &AccessQuestion<'_>) -> Vec<AccessHolder> {
        let mut holders = self.principals_who_can(question);
        for owner in self.owners(None, question.resource) {
            if let Owner::Read(there) = owner {
                self.outsiders_who_can(there, question, &mut holders);
            }
        }
        holders.sort_by(|a, b| {
            (&a.account, b.said.verdict, &a.name).cmp(&(&b.account, a.said.verdict, &b.name))
        });
        holders
    }

    /// Why anybody at all may be allowed something: the policy of the resource was not read.
    pub fn open_to_anybody(&self, action: &str, resource: &str) -> Option<String> {
        // What has no resource, and what has no policy, is for its own account only.
        let account = || bucket_of(resource).map(|bucket| format!("bucket {bucket}"));
        self.owners(None, resource)
            .into_iter()
            .find_map(|owner| match owner {
                Owner::Read(there) => there.own_unread(action, resource),
                Owner::NotRead(id) => Some(format!(
                    "account {id} was not read: the policy of {resource} may name anybody"
                )),
                Owner::Unknown => account().map(|bucket| {
                    format!("{bucket} is of no account that was read: its policy may name anybody")
                }),
            })
    }

    /// Users and roles that were read.
    fn principals_who_can(&self, asked: &AccessQuestion<'_>) -> Vec<AccessHolder> {
        let (action, resource) = (asked.action, asked.resource);
        // The side of the resource is the same for all, unless it is whoever asks.
        let mut owners = self.owners(None, resource);
        let same = match (owners.pop(), owners.is_empty()) {
            (Some(owner @ (Owner::Read(_) | Owner::NotRead(_))), true) => {
                Some(Target::new(owner, action, resource))
            }
            _ => None,
        };
        let mut holders = Vec::new();
        for (account, home) in self.accounts.iter().enumerate() {
            for (principal, one) in home.principals.iter().enumerate() {
                let id = PrincipalId { account, principal };
                let question = asked.of(id.into());
                let said = match &same {
                    Some(target) => self.ask_of(&question, &self.asker(&question.caller), target),
                    None => self.ask(&question),
                };
                if is_allowed(&said) {
                    holders.push(AccessHolder {
                        name: one.arn.clone(),
                        account: home.id.clone(),
                        principal: Some(id),
                        is_anybody: false,
                        said,
                    });
                }
            }
        }
        holders
    }

    /// Everybody else whom the account of the resource lets in.
    fn outsiders_who_can(
        &self,
        there: &Account<'_>,
        asked: &AccessQuestion<'_>,
        holders: &mut Vec<AccessHolder>,
    ) {
        let (action, resource) = (asked.action, asked.resource);
        let mut candidates = Vec::new();
        if let Some(policy) = there.policy_of(action, resource) {
            self.add_named(there, policy, action, &mut candidates);
        }
        self.add_beside(there, resource, &mut candidates);
        for outsider in candidates {
            // Where everybody may, each service may.
            let is_implied = outsider.is_any_service() && holders.iter().any(|h| h.is_anybody);
            if is_implied || holders.iter().any(|h| h.name == outsider.name) {
                continue;
            }
            let is_anybody = outsider.caller == RequestCaller::Anonymous;
            let said = self.ask(&outsider.question(asked));
            if is_allowed(&said) {
                holders.push(AccessHolder {
                    name: outsider.name,
                    account: there.id.clone(),
                    principal: None,
                    is_anybody,
                    said,
                });
            }
        }
    }

    /// Outsiders whom policies, ACLs and grants of an account name, on any resource that a pattern
    /// matches.
    pub(super) fn outsiders_on(
        &self,
        there: &Account<'_>,
        action: &str,
        asked: &Pattern,
    ) -> Vec<NamedOutsider> {
        let mut candidates = Vec::new();
        let is_asked = |arn: &str| {
            asked.matches(arn) || Pattern::arn(&format!("{arn}/*")).meets(asked).is_some()
        };
        for resource in there.resources.iter().filter(|r| is_asked(&r.arn)) {
            self.add_named(there, resource.policy, action, &mut candidates);
            self.add_beside(there, &resource.arn, &mut candidates);
        }
        let beside = there.grants.iter().map(|g| &g.key);
        for arn in beside.chain(there.shares.iter().map(|s| &s.arn)) {
            if is_asked(arn) {
                self.add_beside(there, arn, &mut candidates);
            }
        }
        let assumes = there.actions.matching(action);
        let assumes = [
            "sts:AssumeRole",
            "sts:AssumeRoleWithSAML",
            "sts:AssumeRoleWithWebIdentity",
        ]
        .into_iter()
        .filter(|call| assumes.contains(there.actions.bit(call)));
        for call in assumes {
            for role in there.principals.iter().filter(|p| asked.matches(&p.arn)) {
                if let Some(trust) = role.trust {
                    self.add_named(there, trust, call, &mut candidates);
                }
            }
        }
        let mut names = BTreeSet::new();
        candidates.retain(|one| names.insert(one.name.clone()));
        candidates
    }

    /// Adds those whom the policy of the resource names.
    fn add_named(
        &self,
        there: &Account<'_>,
        policy: DocumentId,
        action: &str,
        candidates: &mut Vec<NamedOutsider>,
    ) {
        let policy = &there.documents[policy as usize].policy;
        let location = PolicyLocation {
            account: &there.id,
            organization: there.organization.1.as_deref(),
            trust: action.to_ascii_lowercase().starts_with("sts:assumerole"),
            now_s: there.time_s,
            buckets: there.buckets.as_ref(),
            ids: Some(&there.ids),
        };
        for statement in &policy.statements {
            for one in admitted(policy, statement, &location) {
                candidates.extend(self.candidate(&one.to));
            }
            // Services and identity providers that act for the account itself as well.
            let (Some(Block::Is(list)), true) = (&statement.principal, statement.effect != "Deny")
            else {
                continue;
            };
            candidates.extend(list.iter().filter_map(named_by_policy));
            // `*` with a condition on `aws:SourceArn` is a service for somebody.
            if list.iter().any(crate::service::is_everybody) {
                candidates.push(NamedOutsider::any_service());
                if action
                    .to_ascii_lowercase()
                    .starts_with("sts:assumerolewith")
                {
                    let caller = RequestCaller::Federated("*".to_owned());
                    let name = "whoever an identity provider vouches for";
                    candidates.push(NamedOutsider::one(name.to_owned(), caller));
                }
            }
        }
    }

    /// Adds those whom grants of the key and the ACL of the bucket name.
    fn add_beside(&self, there: &Account<'_>, resource: &str, candidates: &mut Vec<NamedOutsider>) {
        for grant in there.grants.iter().filter(|g| g.key == resource) {
            let caller = match Arn::parse(&grant.grantee) {
                Some(_) => RequestCaller::Aws(grant.grantee.clone()),
                None => RequestCaller::Service(grant.grantee.clone()),
            };
            candidates.push(NamedOutsider::one(grant.grantee.clone(), caller));
        }
        let bucket = bucket_of(resource).map(|bucket| format!("arn:aws:s3:::{bucket}"));
        let shares = there
            .shares
            .iter()
            .filter(|share| Some(&share.arn) == bucket.as_ref());
        for share in shares {
            let to = if share.with == "*" {
                ExternalPrincipal::Anybody
            } else {
                ExternalPrincipal::AnyAccount
            };
            candidates.extend(self.candidate(&to));
        }
    }

    /// The caller that stands for an outsider; none for principals that were asked by themselves.
    fn candidate(&self, outsider: &ExternalPrincipal) -> Option<NamedOutsider> {
        let name = outsider.sentence();
        Some(match outsider {
            ExternalPrincipal::Anybody => NamedOutsider::one(name, RequestCaller::Anonymous),
            ExternalPrincipal::Account(id, who) if who.is_empty() => {
                if self.account(id).is_some_and(Account::knows_principals) {
                    return None;
                }
                NamedOutsider::many(
                    format!("whoever account {id} lets"),
                    format!("arn:aws:iam::{id}:root"),
                )
            }
            ExternalPrincipal::Account(_, who) => {
                NamedOutsider::one(name, RequestCaller::Aws(who.clone()))
            }
            ExternalPrincipal::Organization(id) => {
                let mut one = NamedOutsider::many(name, NOBODY_IN_PARTICULAR.to_owned());
                one.context
                    .set("aws:PrincipalOrgID", ContextValue::One(id.clone()));
                one.context.unknown("aws:PrincipalAccount");
                one
            }
            ExternalPrincipal::AnyAccount => {
                let mut one = NamedOutsider::many(name, NOBODY_IN_PARTICULAR.to_owned());
                one.context.unknown("aws:PrincipalAccount");
                one
            }
            ExternalPrincipal::Federated(provider, _) => {
                NamedOutsider::one(name, RequestCaller::Federated(provider.clone()))
            }
            ExternalPrincipal::Service(name, _) if name == "*" => NamedOutsider::any_service(),
            ExternalPrincipal::Service(name, _) => {
                NamedOutsider::one(name.clone(), RequestCaller::Service(name.clone()))
            }
            ExternalPrincipal::Deleted(_) | ExternalPrincipal::Unidentified(_) => return None,
        })
    }
}

/// A service or an identity provider that a policy names.
fn named_by_policy(principal: &Principal) -> Option<NamedOutsider> {
    let Principal::Of(kind, value) = principal else {
        return None;
    };
    let caller = match kind.as_str() {
        "Service" => RequestCaller::Service(value.clone()),
        "Federated" => RequestCaller::Federated(value.clone()),
        _ => return None,
    };
    Some(NamedOutsider::one(value.clone(), caller))
}

impl NamedOutsider {
    /// The question whether it may do something.
    pub(super) fn question<'q>(&self, asked: &AccessQuestion<'q>) -> AccessQuestion<'q> {
        AccessQuestion {
            context: self.context.clone().given(&asked.context),
            ..asked.of(QuestionCaller::Other(self.caller.clone()))
        }
    }

    /// Whether it stands for services that conditions let in.
    pub(super) fn is_any_service(&self) -> bool {
        self.name == ANY_SERVICE
    }

    fn one(name: String, caller: RequestCaller) -> Self {
        Self {
            name,
            caller,
            context: Context::open(),
        }
    }

    /// Any service of AWS.
    fn any_service() -> Self {
        let mut one = Self::one(
            ANY_SERVICE.to_owned(),
            RequestCaller::Service("*".to_owned()),
        );
        one.context.unknown("aws:PrincipalServiceName");
        one
    }

    /// Somebody who stands for many, of whom nothing is known but the account.
    fn many(name: String, arn: String) -> Self {
        let mut one = Self::one(name, RequestCaller::Aws(arn));
        KEYS_OF_ONE.iter().for_each(|key| one.context.unknown(key));
        one
    }
}

/// Whether it is worth a row. That grants of keys were not read is said once, and not of everybody.
pub(super) fn is_allowed(said: &AccessAnswer) -> bool {
    said.verdict == Tri::Yes || said.verdict == Tri::Maybe && said.decision == Decision::Unknown
}
