//! Decision about a request: explicit denies first, then the ceilings, then what the caller holds
//! and the resource grants.

use super::evaluation::Evaluation;
use super::principal::{ACCOUNT, ITSELF, ROLE};
use super::statement::{Compiled, CompiledStatement, StatementEffect};
use crate::actions::{Action, Actions};
use crate::request::{
    Because, CallerKind, Context, ContextLookup, ContextValue, Decision, ExplainedDecision, Layers,
    OpenReason, PolicyLayer, Request, RequestCaller, starts,
};
use crate::service;
use crate::tri::Tri;

impl Compiled {
    /// Decides one request.
    pub fn evaluate(
        request: &Request,
        layers: &Layers<&Compiled>,
        actions: &Actions,
    ) -> ExplainedDecision {
        let mut request = request.clone();
        let action = actions.find(&request.action);
        request.complete_for(action, actions);
        Self::decide(&request, layers, action, actions)
    }

    /// Decides a request that [`Request::complete`] has completed.
    pub fn evaluate_complete(
        request: &Request,
        layers: &Layers<&Compiled>,
        actions: &Actions,
    ) -> ExplainedDecision {
        Self::decide(request, layers, actions.find(&request.action), actions)
    }

    fn decide(
        request: &Request,
        layers: &Layers<&Compiled>,
        action: Option<Action>,
        actions: &Actions,
    ) -> ExplainedDecision {
        if let Some(answer) = service::always(request) {
            return answer;
        }
        Evaluation::of(request, !layers.boundary.is_empty(), action, actions)
            .decide(layers, actions)
    }
}

/// Decision of the policies of one layer about a request.
struct LayerDecision {
    deny: Tri,
    denied_by: Option<(usize, usize)>,
    /// Allowed by naming the account, the role, the caller itself; each level includes the nearer
    /// ones.
    allow: [Tri; 3],
    allowed_by: [Option<(usize, usize)>; 3],
    /// Allowed by the ARN of the session.
    session: Tri,
}

/// Layer that must allow: its level, where it has several.
type Ceiling<'d> = (PolicyLayer, Option<usize>, &'d LayerDecision);

/// Decisions of all layers.
struct LayerDecisions {
    /// Level by level; empty where no RCP binds.
    rcp: Vec<LayerDecision>,
    /// Level by level; empty where no SCP binds.
    scp: Vec<LayerDecision>,
    resource: LayerDecision,
    endpoint: LayerDecision,
    identity: LayerDecision,
    boundary: LayerDecision,
    session: LayerDecision,
}

/// Allowed by identity policies and limits, each by itself.
struct HeldByCaller {
    identity: Tri,
    boundary: Tri,
    session: Tri,
}

impl HeldByCaller {
    /// All of them.
    fn own(&self) -> Tri {
        self.identity.and(self.boundary).and(self.session)
    }

    /// Layer that does not allow it.
    fn missing(&self) -> PolicyLayer {
        match () {
            () if self.identity == Tri::No => PolicyLayer::Identity,
            () if self.boundary != Tri::Yes => PolicyLayer::Boundary,
            () => PolicyLayer::Session,
        }
    }

    /// Layer that an open answer depends on.
    fn open(&self, resource: Tri) -> PolicyLayer {
        match () {
            () if resource == Tri::Maybe => PolicyLayer::Resource,
            () if self.identity == Tri::Maybe => PolicyLayer::Identity,
            () if self.boundary == Tri::Maybe => PolicyLayer::Boundary,
            () if self.session == Tri::Maybe => PolicyLayer::Session,
            () => PolicyLayer::Resource,
        }
    }
}

fn implicit_deny(layer: PolicyLayer, level: Option<usize>) -> ExplainedDecision {
    ExplainedDecision {
        decision: Decision::ImplicitlyDenied,
        because: vec![Because {
            layer,
            level,
            statement: None,
            text: "does not allow it",
        }],
    }
}

impl Evaluation<'_> {
    fn decide(&self, layers: &Layers<&Compiled>, actions: &Actions) -> ExplainedDecision {
        let said = self.ask_layers(layers, actions);
        let mut open = match said.deny_pass(layers) {
            Ok(open) => open,
            Err(answer) => return answer,
        };
        if let Some(answer) = service::refused(self.request) {
            return answer;
        }
        for (layer, level, ceiling) in said.ceilings(layers) {
            match ceiling.allow[ACCOUNT] {
                Tri::No => return implicit_deny(layer, level),
                Tri::Maybe => open = Tri::Maybe,
                Tri::Yes => {}
            }
        }
        self.grant(layers, &said, open)
    }

    /// Asks the policies of all layers that bind the caller.
    fn ask_layers(&self, layers: &Layers<&Compiled>, actions: &Actions) -> LayerDecisions {
        let caller = &self.request.caller;
        let free = caller.is_service_linked();
        let is_bound_by_rcp = !free && !layers.rcp.is_empty() && actions.has_rcp(self.service());
        let is_bound_by_scp = matches!(caller, RequestCaller::Aws(_)) && !free;
        let levels = |levels: &[Vec<&Compiled>], bound: bool| -> Vec<LayerDecision> {
            if bound {
                levels.iter().map(|level| self.say(level)).collect()
            } else {
                Vec::new()
            }
        };
        // The root user has no identity policies and no boundary.
        let (identity, boundary): (&[&Compiled], &[&Compiled]) = if self.kind == CallerKind::Root {
            (&[], &[])
        } else {
            (&layers.identity, &layers.boundary)
        };
        LayerDecisions {
            rcp: levels(&layers.rcp, is_bound_by_rcp),
            scp: levels(&layers.scp, is_bound_by_scp),
            resource: self.say(layers.resource.as_slice()),
            endpoint: self.say(&layers.endpoint),
            identity: self.say(identity),
            boundary: self.say(boundary),
            session: self.say(&layers.session),
        }
    }

    /// Service of the action as the request spells it, e.g. `s3`.
    fn service(&self) -> &str {
        self.request.action.split(':').next().unwrap_or_default()
    }

    /// Grants of the caller's policies and of the resource's policy.
    fn grant(
        &self,
        layers: &Layers<&Compiled>,
        said: &LayerDecisions,
        open: Tri,
    ) -> ExplainedDecision {
        let caller = &self.request.caller;
        let is_aws = matches!(caller, RequestCaller::Aws(_));
        let same = is_aws
            && self.request.account().is_some()
            && self.request.account() == caller.account();
        let held = self.held(layers, said);
        let (by_resource, by_identity, missing) = match (is_aws, same) {
            (false, _) => (said.resource.allow[ITSELF], Tri::No, PolicyLayer::Resource),
            (true, false) => {
                let (both, missing) = across_accounts(&held, said.resource.allow[ACCOUNT]);
                (Tri::No, both, missing)
            }
            (true, true) => self.within_account(&held, &said.resource),
        };
        let verdict = by_resource.or(by_identity);
        if verdict != Tri::No && self.is_barred(layers, same) {
            let text = "Block Public Access restricts the bucket to its account";
            let because = vec![Because::of_layer(PolicyLayer::Service, text)];
            return ExplainedDecision {
                decision: Decision::ImplicitlyDenied,
                because,
            };
        }
        match verdict {
            Tri::No => implicit_deny(missing, None),
            Tri::Maybe => {
                let text = "depends on an unresolved condition";
                let because = vec![Because::of_layer(missing, text)];
                ExplainedDecision {
                    decision: Decision::Unknown,
                    because,
                }
            }
            Tri::Yes => {
                let mut because = Vec::new();
                let mut add = |layer, statement: Option<(usize, usize)>| {
                    because.extend(statement.map(|s| Because::of_statement(layer, s, "allows it")));
                };
                if by_resource == Tri::Yes {
                    let level = if is_aws { ROLE } else { ITSELF };
                    add(PolicyLayer::Resource, said.resource.allowed_by[level]);
                }
                if by_identity == Tri::Yes {
                    add(PolicyLayer::Identity, said.identity.allowed_by[ACCOUNT]);
                }
                if is_aws && !same {
                    add(PolicyLayer::Resource, said.resource.allowed_by[ACCOUNT]);
                }
                if because.is_empty() {
                    let text = "the root user may do everything in its account";
                    because.push(Because::of_layer(PolicyLayer::Identity, text));
                }
                let decision = if open == Tri::No {
                    Decision::Allowed
                } else {
                    Decision::Unknown
                };
                ExplainedDecision { decision, because }
            }
        }
    }

    fn held(&self, layers: &Layers<&Compiled>, said: &LayerDecisions) -> HeldByCaller {
        let root = self.kind == CallerKind::Root;
        let limit = |policies: &[&Compiled], decision: &LayerDecision| {
            if policies.is_empty() {
                Tri::Yes
            } else {
                decision.allow[ACCOUNT]
            }
        };
        HeldByCaller {
            identity: if root {
                Tri::Yes
            } else {
                said.identity.allow[ACCOUNT]
            },
            boundary: if root {
                Tri::Yes
            } else {
                limit(&layers.boundary, &said.boundary)
            },
            session: limit(&layers.session, &said.session),
        }
    }

    /// By the resource alone, by identity policies, and the layer that is missing or open.
    fn within_account(
        &self,
        held: &HeldByCaller,
        resource: &LayerDecision,
    ) -> (Tri, Tri, PolicyLayer) {
        let past_session = resource.session.or(held.session);
        let to_role = resource.allow[ROLE].and(held.boundary).and(held.session);
        let direct = resource.allow[ITSELF].and(past_session).or(to_role);
        let needs_delegation = service::needs_delegation(self.request);
        let delegated = if needs_delegation {
            resource.allow[ACCOUNT]
        } else {
            Tri::Yes
        };
        let own = held.own();
        let by_identity = own.and(delegated);
        let missing = match direct.or(by_identity) {
            Tri::Maybe => held.open(direct),
            _ if direct == Tri::No && own == Tri::No => held.missing(),
            _ => PolicyLayer::Resource,
        };
        (direct, by_identity, missing)
    }

    fn is_barred(&self, layers: &Layers<&Compiled>, same: bool) -> bool {
        layers.block_public_access.restrict_public_buckets
            && self.service().eq_ignore_ascii_case("s3")
            && !same
            && !matches!(self.request.caller, RequestCaller::Service(_))
            && layers.resource.is_some_and(|p| p.is_public)
    }

    /// Conditions of statements that may decide, which the request alone can answer.
    pub(crate) fn open_conditions(&self, layers: &Layers<&Compiled>) -> OpenConditions {
        let mut open = OpenConditions::default();
        let policies = layers
            .identity
            .iter()
            .chain(&layers.resource)
            .chain(&layers.boundary)
            .chain(&layers.session);
        for policy in policies
            .chain(layers.scp.iter().flatten())
            .chain(layers.rcp.iter().flatten())
            .chain(&layers.endpoint)
        {
            for statement in &policy.statements {
                if !self.is_about(statement) {
                    continue;
                }
                let applies = statement.applies_to(&self.request.resource, &self.request.context);
                let (names, session) = self.named(statement);
                if names[ACCOUNT] == Tri::No || applies == Tri::No {
                    continue;
                }
                if names[ITSELF] == Tri::Maybe {
                    let reason = if session == Tri::Maybe {
                        OpenReason::SessionName
                    } else {
                        OpenReason::NotUnderstood
                    };
                    open.reasons.push(reason);
                }
                if applies == Tri::Maybe {
                    open.add(statement, &self.request.context);
                }
            }
        }
        open.texts.sort();
        open.texts.dedup();
        open.reasons.sort();
        open.reasons.dedup();
        open
    }

    /// Decision of the policies of a layer.
    fn say(&self, policies: &[&Compiled]) -> LayerDecision {
        let mut said = LayerDecision {
            deny: Tri::No,
            denied_by: None,
            allow: [Tri::No; 3],
            allowed_by: [None; 3],
            session: Tri::No,
        };
        for (p, policy) in policies.iter().enumerate() {
            for (s, statement) in policy.statements.iter().enumerate() {
                if !self.is_about(statement) {
                    continue;
                }
                let (names, session) = self.named(statement);
                if names[ACCOUNT] == Tri::No {
                    continue;
                }
                let mut applies =
                    statement.applies_to(&self.request.resource, &self.request.context);
                if applies == Tri::No {
                    continue;
                }
                if statement.effect == StatementEffect::Other {
                    applies = Tri::Maybe;
                }
                if statement.effect != StatementEffect::Allow {
                    let verdict = applies.and(names[ACCOUNT]);
                    if verdict == Tri::Yes && said.denied_by.is_none() {
                        said.denied_by = Some((p, s));
                    }
                    said.deny = said.deny.or(verdict);
                }
                if statement.effect != StatementEffect::Deny {
                    for level in [ACCOUNT, ROLE, ITSELF] {
                        let verdict = applies.and(names[level]);
                        said.allow[level] = said.allow[level].or(verdict);
                        if verdict == Tri::Yes {
                            said.allowed_by[level].get_or_insert((p, s));
                        }
                    }
                    said.session = said.session.or(applies.and(session));
                }
            }
        }
        said
    }

    /// Whether a statement is about the action.
    fn is_about(&self, statement: &CompiledStatement) -> bool {
        match &self.unlisted {
            None => statement.actions.contains(self.bit),
            Some((service, name)) => statement.is_about_unlisted(service, name),
        }
    }
}

/// Conditions that leave a decision open.
#[derive(Default)]
pub(crate) struct OpenConditions {
    /// `key Operator value`.
    pub(crate) texts: Vec<String>,
    pub(crate) reasons: Vec<OpenReason>,
}

impl OpenConditions {
    fn add(&mut self, statement: &CompiledStatement, context: &Context) {
        if !statement.understood {
            self.texts
                .push("a statement that is not understood".to_owned());
            self.reasons.push(OpenReason::NotUnderstood);
        }
        let effect = if statement.effect == StatementEffect::Deny {
            "not "
        } else {
            ""
        };
        for condition in &statement.conditions {
            if condition.holds(context) != Tri::Maybe {
                continue;
            }
            self.texts.push(format!("{effect}{}", condition.text));
            if condition.operator.is_none() {
                self.reasons.push(OpenReason::NotUnderstood);
            }
            self.add_keys(condition.keys(), context);
        }
        self.add_keys(statement.variables(), context);
    }

    /// Adds those of some keys that nobody knows.
    fn add_keys(&mut self, keys: Vec<&str>, context: &Context) {
        let unknown = |key: &&str| {
            matches!(
                context.get(key),
                ContextLookup::Unknown | ContextLookup::Is(ContextValue::StartsWith(_))
            )
        };
        let keys = keys.into_iter().filter(unknown);
        self.reasons
            .extend(keys.map(|key| OpenReason::Key(key.to_owned())));
    }
}

/// Across accounts both sides must allow.
fn across_accounts(held: &HeldByCaller, resource: Tri) -> (Tri, PolicyLayer) {
    let both = held.own().and(resource);
    let missing = match both {
        Tri::Maybe => held.open(resource),
        _ if resource == Tri::No => PolicyLayer::Resource,
        _ => held.missing(),
    };
    (both, missing)
}

impl LayerDecisions {
    /// A certain deny anywhere decides, and one that is not certain leaves the answer open.
    fn deny_pass(&self, layers: &Layers<&Compiled>) -> Result<Tri, ExplainedDecision> {
        let rcp = self
            .rcp
            .iter()
            .zip(starts(&layers.rcp))
            .map(|(one, start)| (PolicyLayer::Rcp, one, start));
        let scp = self
            .scp
            .iter()
            .zip(starts(&layers.scp))
            .map(|(one, start)| (PolicyLayer::Scp, one, start));
        let others = [
            (PolicyLayer::Resource, &self.resource, 0),
            (PolicyLayer::Endpoint, &self.endpoint, 0),
            (PolicyLayer::Identity, &self.identity, 0),
            (PolicyLayer::Boundary, &self.boundary, 0),
            (PolicyLayer::Session, &self.session, 0),
        ];
        let mut open = Tri::No;
        // Policies of the levels of a layer are numbered one after the other.
        for (layer, decision, start) in rcp.chain(scp).chain(others) {
            if decision.deny == Tri::Yes {
                let statement = decision
                    .denied_by
                    .map(|(policy, statement)| (start + policy, statement));
                let because = vec![Because {
                    layer,
                    level: None,
                    statement,
                    text: "denies it",
                }];
                return Err(ExplainedDecision {
                    decision: Decision::ExplicitlyDenied,
                    because,
                });
            }
            open = open.or(decision.deny);
        }
        Ok(open)
    }

    /// Service control policies, level by level, and the endpoint: each must allow.
    fn ceilings(&self, layers: &Layers<&Compiled>) -> impl Iterator<Item = Ceiling<'_>> {
        let endpoint =
            (!layers.endpoint.is_empty()).then_some((PolicyLayer::Endpoint, None, &self.endpoint));
        self.scp
            .iter()
            .enumerate()
            .map(|(n, level)| (PolicyLayer::Scp, Some(n), level))
            .chain(endpoint)
    }
}

impl Because {
    fn of_layer(layer: PolicyLayer, text: &'static str) -> Self {
        Self {
            layer,
            level: None,
            statement: None,
            text,
        }
    }

    fn of_statement(layer: PolicyLayer, statement: (usize, usize), text: &'static str) -> Self {
        Self {
            layer,
            level: None,
            statement: Some(statement),
            text,
        }
    }

    /// The reason with its statement: `identity policy 1, statement 2 (ReadLogs): allows it`.
    pub fn sentence<P: AsRef<crate::engine::Compiled>>(&self, layers: &Layers<P>) -> String {
        let layer = self.layer.word();
        let Some((policy, statement)) = self.statement else {
            return format!("{layer}: {}", self.text);
        };
        let policies = match self.layer {
            PolicyLayer::Identity => &layers.identity[..],
            PolicyLayer::Resource => layers.resource.as_slice(),
            PolicyLayer::Boundary => &layers.boundary,
            PolicyLayer::Session => &layers.session,
            PolicyLayer::Endpoint => &layers.endpoint,
            PolicyLayer::Scp | PolicyLayer::Rcp | PolicyLayer::Service => &[],
        };
        let levels = match self.layer {
            PolicyLayer::Scp => &layers.scp[..],
            PolicyLayer::Rcp => &layers.rcp,
            _ => &[],
        };
        let found = policies.iter().chain(levels.iter().flatten()).nth(policy);
        let sid = found
            .and_then(|p| p.as_ref().sid(statement))
            .map(|s| format!(" ({s})"))
            .unwrap_or_default();
        format!(
            "{layer} {}, statement {}{sid}: {}",
            policy + 1,
            statement + 1,
            self.text
        )
    }
}
