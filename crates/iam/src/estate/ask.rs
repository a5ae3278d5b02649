//! One question: the side of the caller and the side of the resource, put together and decided.
//!
//! Of the caller's account are identity policies, boundary and service control policies; of the
//! resource's account the policy of the resource and resource control policies. A side that was not
//! read is taken as allowing everything, and the answer is at most a maybe.

use super::answer::AccessAnswer;
use super::keys::known_keys;
use super::model::Estate;
use super::parties::{Asker, NOBODYS, Target};
use super::question::{AccessQuestion, PrincipalId, QuestionCaller};
use crate::account::{Account, Controls, DocumentId, UnreadPolicy};
use crate::engine::{Compiled, Evaluation};
use crate::request::{
    Because, BlockPublicAccess, Decision, ExplainedDecision, Layers, PolicyLayer, Request,
    RequestCaller,
};
use crate::tri::Tri;

/// Both sides of one question.
struct Sides<'s, 'x, 'a> {
    estate: &'s Estate<'x, 'a>,
    asker: &'s Asker<'x, 'a>,
    target: &'s Target<'x, 'a>,
    request: Request,
    /// Policy of the resource, or what stands for it.
    resource: Option<&'s Compiled>,
    session: &'s [&'s Compiled],
    endpoint: &'s [&'s Compiled],
}

impl<'x, 'a> Estate<'x, 'a> {
    /// Whether somebody may do something, by both sides.
    pub fn ask(&self, question: &AccessQuestion<'_>) -> AccessAnswer {
        let asker = Asker {
            is_granted_all: question.is_granted_all,
            ..self.asker(&question.caller)
        };
        let known = self.actions.find(question.action);
        let is_about_nothing = known.is_some_and(|action| self.actions.is_wildcard_only(action));
        let resource = if is_about_nothing {
            "*"
        } else {
            question.resource
        };
        let owners = self.owners(asker.account(), resource).into_iter();
        let answer = |owner| {
            let target = Target::new(owner, question.action, question.resource);
            self.ask_of(question, &asker, &target)
        };
        joined(owners.map(answer).collect(), resource)
    }

    /// Verdicts for several callers on one resource, whose side is looked up once. With each caller
    /// whether it was given everything before ([`AccessQuestion::is_granted_all`]).
    pub(crate) fn verdicts(
        &self,
        callers: &[(QuestionCaller, bool)],
        action: &str,
        resource: &str,
    ) -> Vec<Tri> {
        let owners = self.owners(None, resource).into_iter();
        let targets: Vec<Target<'x, 'a>> = owners
            .map(|owner| Target::new(owner, action, resource))
            .collect();
        let verdict = |(caller, is_granted_all): &(QuestionCaller, bool)| {
            let question = AccessQuestion {
                is_granted_all: *is_granted_all,
                ..AccessQuestion::new(caller.clone(), action, resource)
            };
            let asker = Asker {
                is_granted_all: *is_granted_all,
                ..self.asker(caller)
            };
            let answers = targets
                .iter()
                .map(|target| self.ask_of(&question, &asker, target));
            joined(answers.collect(), resource).verdict
        };
        callers.iter().map(verdict).collect()
    }

    /// The answer for one account that the resource may be of.
    pub(super) fn ask_of(
        &self,
        question: &AccessQuestion<'_>,
        asker: &Asker<'x, 'a>,
        target: &Target<'x, 'a>,
    ) -> AccessAnswer {
        let (action, resource) = (question.action, question.resource);
        let sides = Sides::new(self, question, asker, target);
        let mut said = sides.decided();
        if let Some(there) = target.there {
            there.by_grant(&asker.caller, action, resource, &mut said);
            // An ACL is for others: what the account's own principals hold is enough for them.
            let alone = if sides.crosses() && said.verdict != Tri::Yes {
                sides.holds_alone()
            } else {
                Tri::No
            };
            if alone == Tri::Yes {
                there.by_acl(&asker.caller, action, resource, &mut said);
            }
        }
        sides.leave_open_resource(&mut said);
        sides.leave_open_caller(&mut said);
        sides.leave_open_accounts(&mut said);
        said
    }
}

/// One answer of those for all accounts that may own the resource.
fn joined(mut answers: Vec<AccessAnswer>, resource: &str) -> AccessAnswer {
    let allowed = answers.iter().position(|said| said.verdict != Tri::No);
    let several = answers.len() > 1;
    let mut said = answers.swap_remove(allowed.unwrap_or(0));
    if several && said.verdict == Tri::Yes {
        said.leave_open(format!("which account {resource} belongs to is not known"));
    }
    said
}

impl<'s, 'x, 'a> Sides<'s, 'x, 'a> {
    fn new(
        estate: &'s Estate<'x, 'a>,
        question: &'s AccessQuestion<'_>,
        asker: &'s Asker<'x, 'a>,
        target: &'s Target<'x, 'a>,
    ) -> Self {
        let mut request = Request {
            action: question.action.to_owned(),
            resource: question.resource.to_owned(),
            resource_account: Some(target.account.clone()),
            caller: asker.caller.clone(),
            context: question.context.clone(),
        };
        known_keys(estate, asker, target, &mut request);
        request.complete(estate.actions);
        let mut sides = Self {
            estate,
            asker,
            target,
            request,
            resource: None,
            session: &question.session,
            endpoint: &question.endpoint,
        };
        let is_open = target.there.is_none() || target.policy_unread.is_some() && sides.crosses();
        sides.resource = match (target.there, target.policy) {
            (Some(there), Some(policy)) => Some(&there.documents[policy as usize].compiled),
            _ if is_open => Some(&estate.resource_unread),
            _ => None,
        };
        sides
    }

    /// Whether the caller is of another account than the resource, or of none.
    fn crosses(&self) -> bool {
        self.asker.account() != Some(self.target.account.as_str())
    }

    fn is_aws(&self) -> bool {
        matches!(self.asker.caller, RequestCaller::Aws(_))
    }

    fn layers(&self) -> Layers<&'s Compiled> {
        let of = |account: &'x Account<'a>, d: &DocumentId| -> &'s Compiled {
            &account.documents[*d as usize].compiled
        };
        let levels = |account: Option<&'x Account<'a>>,
                      levels: fn(&'x Account<'a>) -> &'x [Vec<DocumentId>]| {
            let account = account.into_iter();
            account
                .flat_map(|account| levels(account).iter().map(move |level| (account, level)))
                .map(|(account, level)| level.iter().map(|d| of(account, d)).collect())
                .collect()
        };
        let mut layers = Layers {
            resource: self.resource,
            session: self.session.to_vec(),
            endpoint: self.endpoint.to_vec(),
            scp: levels(self.asker.home, |account| &account.scp),
            rcp: levels(self.target.there, |account| &account.rcp),
            ..Layers::default()
        };
        if self.asker.is_granted_all {
            layers.identity.push(&self.estate.identity_unread);
        } else if let (Some(home), Some(principal)) = (self.asker.home, self.asker.principal) {
            layers.identity = principal.policies.iter().map(|d| of(home, d)).collect();
            layers.boundary = principal.boundary.iter().map(|d| of(home, d)).collect();
        } else if self.asker.is_unread() {
            layers.identity.push(&self.estate.identity_unread);
        }
        if let Some(there) = self.target.there {
            layers.block_public_access = BlockPublicAccess {
                restrict_public_buckets: there.restricts_public_buckets(&self.request.resource),
            };
        }
        layers
    }

    /// The decision, with everything that was not read taken as allowing.
    fn decided(&self) -> AccessAnswer {
        let layers = self.layers();
        let mut answer = Compiled::evaluate_complete(&self.request, &layers, self.estate.actions);
        let last_word = answer.because.last().map(|b| b.layer);
        // That somebody else's policy allows was only assumed.
        let stands_for = |layer: PolicyLayer| match layer {
            PolicyLayer::Resource => self.target.policy.is_none(),
            PolicyLayer::Identity => self.asker.is_unread() || self.asker.is_granted_all,
            _ => false,
        };
        answer
            .because
            .retain(|b| b.statement.is_none() || !stands_for(b.layer));
        let verdict = match answer.decision {
            Decision::Allowed => Tri::Yes,
            Decision::Unknown => Tri::Maybe,
            Decision::ExplicitlyDenied | Decision::ImplicitlyDenied => Tri::No,
        };
        let bounded = !layers.boundary.is_empty();
        let mut said = AccessAnswer {
            verdict,
            decision: answer.decision,
            because: self.sentences(&answer, &layers),
            conditions: Vec::new(),
            unread: Vec::new(),
            open: Vec::new(),
            last_word,
        };
        if verdict == Tri::Maybe {
            let evaluation = Evaluation::new(&self.request, bounded, self.estate.actions);
            let open = evaluation.open_conditions(&layers);
            (said.conditions, said.open) = (open.texts, open.reasons);
        }
        said
    }

    /// Verdict of the caller's side, as if the resource allowed everybody.
    fn holds_alone(&self) -> Tri {
        if !self.is_aws() {
            return Tri::Yes;
        }
        let layers = Layers {
            resource: Some(&self.estate.resource_unread),
            ..self.layers()
        };
        let answer = Compiled::evaluate_complete(&self.request, &layers, self.estate.actions);
        match answer.decision {
            Decision::Allowed => Tri::Yes,
            Decision::Unknown => Tri::Maybe,
            Decision::ExplicitlyDenied | Decision::ImplicitlyDenied => Tri::No,
        }
    }

    /// A policy of the resource that was not read may allow what nothing else does, and deny what
    /// something else allows. Across accounts it cannot make up for the caller's side.
    fn leave_open_resource(&self, said: &mut AccessAnswer) {
        let Some(why) = &self.target.policy_unread else {
            return;
        };
        let is_held_back = said.decision == Decision::ImplicitlyDenied
            && (self.crosses() && self.is_aws()
                || said
                    .last_word
                    .is_some_and(|l| matches!(l, PolicyLayer::Scp | PolicyLayer::Service)));
        if said.decision != Decision::ExplicitlyDenied && !is_held_back {
            said.leave_open(why.clone());
        }
    }

    /// Policies of the caller, and of its organization, that were not read.
    fn leave_open_caller(&self, said: &mut AccessAnswer) {
        let home = self.asker.home.filter(|_| self.is_aws());
        let there = self.target.there;
        let apart = there.filter(|there| home.is_none_or(|home| home.id != there.id));
        let has_rcp = self
            .request
            .action
            .split(':')
            .next()
            .is_some_and(|service| self.estate.actions.has_rcp(service));
        for account in home.into_iter().chain(apart.filter(|_| has_rcp)) {
            if let (Controls::Unread(why), Tri::Yes | Tri::Maybe) =
                (&account.controls, said.verdict)
            {
                said.leave_open(format!(
                    "policies of the organization (SCPs, RCPs) of account {} were not read \
                    ({why}): they may deny it",
                    account.id
                ));
            }
        }
        let own = self.asker.principal.filter(|_| !self.asker.is_granted_all);
        let unread = own.map_or(&[][..], |p| &p.unread);
        let denies_only = unread
            .iter()
            .all(|u| matches!(u, UnreadPolicy::Boundary(_)));
        let settled = match (said.decision, said.last_word) {
            (Decision::ExplicitlyDenied, _) => true,
            (Decision::ImplicitlyDenied, Some(PolicyLayer::Scp | PolicyLayer::Service)) => true,
            (Decision::ImplicitlyDenied, Some(PolicyLayer::Resource)) => self.crosses(),
            (Decision::ImplicitlyDenied, _) => denies_only,
            _ => false,
        };
        if !unread.is_empty() && !settled {
            let unread: Vec<String> = unread.iter().map(ToString::to_string).collect();
            said.leave_open(format!("not read: {}", unread.join(", ")));
        }
    }

    /// Accounts that were not read: each must allow it as well.
    fn leave_open_accounts(&self, said: &mut AccessAnswer) {
        if said.verdict == Tri::No {
            return;
        }
        let (asker, target) = (self.asker, self.target);
        if asker.is_unread()
            && let Some(id) = asker.account()
        {
            said.leave_open(match asker.home {
                None => format!(
                    "account {id} was not read: the caller's own policies, and the SCPs of its \
                    organization, must allow it as well and are not visible here"
                ),
                Some(home) => format!(
                    "account {id} has no such principal, as far as it was read{}: its policies \
                    must allow it as well",
                    home.principals_cut()
                        .map(|why| format!(" ({why})"))
                        .unwrap_or_default()
                ),
            });
        }
        if target.there.is_none() {
            let resource = &self.request.resource;
            let whose = if target.account == NOBODYS {
                "it is of no account that was read".to_owned()
            } else {
                format!(
                    "account {} was not read, nor the RCPs of its organization",
                    target.account
                )
            };
            said.leave_open(format!(
                "the policy of {resource} was not read, and must allow it as well: {whose}"
            ));
        }
    }

    /// The reasons with the names of the policies.
    fn sentences(&self, answer: &ExplainedDecision, layers: &Layers<&Compiled>) -> Vec<String> {
        let one = |because: &Because| {
            let (layer, text) = (because.layer, because.text);
            let Some((policy, statement)) = because.statement else {
                if layer == PolicyLayer::Resource && layers.resource.is_none() {
                    return "service: there is no policy of the resource that allows it".to_owned();
                }
                return format!("{}{}: {text}", layer.word(), self.level(because));
            };
            let document = self.document(layer, policy);
            let (name, sid) = document.map_or((String::new(), None), |(account, number)| {
                let document = &account.documents[number as usize];
                (
                    format!(" {}", document.name),
                    document.compiled.sid(statement),
                )
            });
            let sid = sid.map(|sid| format!(" ({sid})")).unwrap_or_default();
            format!(
                "{}{name}, statement {}{sid}: {text}",
                layer.word(),
                statement + 1
            )
        };
        answer.because.iter().map(one).collect()
    }

    /// A policy of a layer, and the account whose documents have it.
    fn document(&self, layer: PolicyLayer, policy: usize) -> Option<(&'x Account<'a>, DocumentId)> {
        let (home, there, principal) = (self.asker.home, self.target.there, self.asker.principal);
        let (account, number) = match layer {
            PolicyLayer::Identity => (home, principal?.policies.get(policy).copied()),
            PolicyLayer::Boundary => (home, principal?.boundary),
            PolicyLayer::Scp => (home, home?.scp.iter().flatten().nth(policy).copied()),
            PolicyLayer::Resource => (there, self.target.policy),
            PolicyLayer::Rcp => (there, there?.rcp.iter().flatten().nth(policy).copied()),
            _ => (None, None),
        };
        Some((account?, number?))
    }

    /// The level of service control policies that does not allow it: ` of ou-1 (p-limit)`.
    fn level(&self, because: &Because) -> String {
        let (Some(level), Some(home)) = (because.level, self.asker.home) else {
            return String::new();
        };
        let names = home.scp.get(level).into_iter().flatten();
        let names: Vec<&str> = names
            .map(|d| home.documents[*d as usize].name.as_str())
            .collect();
        let node = home
            .control_nodes
            .scp
            .get(level)
            .map_or_else(|| format!("level {}", level + 1), String::clone);
        format!(" of {node} ({})", names.join(", "))
    }
}

impl Account<'_> {
    /// Whether a principal of the account may do something, where no other account is known. What a
    /// request would bring along is open.
    pub fn may(&self, principal: usize, action: &str, resource: &str) -> AccessAnswer {
        let estate = Estate::new(std::slice::from_ref(self));
        let caller = PrincipalId {
            account: 0,
            principal,
        };
        estate.ask(&AccessQuestion::new(caller.into(), action, resource))
    }
}
