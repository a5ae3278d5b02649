//! Permissions of one principal on resources and on other principals, by identity policies,
//! boundary and SCPs.

use std::collections::HashMap;

use super::limits::{AccountGraph, EscalationLimit};
use super::sets::SureAndPossible;
use super::techniques::RoleConsumerKind;
use crate::account::{DocumentId, PrincipalKind};
use crate::bits::Bits;
use crate::engine::{ResourcePattern, StatementEffect};
use crate::limits::EXAMPLES_MAX;
use crate::pattern::Pattern;
use crate::policy::Block;
use crate::request::{Context, ContextValue};
use crate::tri::Tri;

/// Analyzer of one principal, with answers that are worked out once.
pub(super) struct PrincipalAnalyzer<'g, 'a> {
    pub(super) graph: AccountGraph<'g, 'a>,
    pub(super) number: u32,
    context: Option<Context>,
    somewhere: HashMap<u16, Tri>,
    targets: HashMap<(u16, Option<&'static str>), SureAndPossible>,
    limit: Option<Option<EscalationLimit>>,
}

impl<'g, 'a> PrincipalAnalyzer<'g, 'a> {
    pub(super) fn new(graph: AccountGraph<'g, 'a>, number: u32) -> Self {
        let (somewhere, targets) = (HashMap::new(), HashMap::new());
        Self {
            graph,
            number,
            context: None,
            somewhere,
            targets,
            limit: None,
        }
    }

    /// Limit that keeps the principal from everything.
    pub(super) fn limit(&mut self) -> Option<EscalationLimit> {
        let (graph, number) = (self.graph, self.number);
        self.limit
            .get_or_insert_with(|| graph.limit(number))
            .clone()
    }

    fn context(&mut self, service: Option<&str>) -> Context {
        let account = self.graph.account;
        let me = &account.principals[self.number as usize];
        let base = self.context.get_or_insert_with(|| {
            let mut context = Context::open();
            let mut set =
                |key: &str, value: &str| context.set(key, ContextValue::One(value.to_owned()));
            set("aws:PrincipalArn", &me.arn);
            set("aws:PrincipalAccount", &account.id);
            set("aws:ResourceAccount", &account.id);
            set("aws:PrincipalIsAWSService", "false");
            match me.kind {
                PrincipalKind::User => {
                    set("aws:PrincipalType", "User");
                    set("aws:username", &me.name);
                }
                PrincipalKind::Role => {
                    set("aws:PrincipalType", "AssumedRole");
                    context.absent("aws:username");
                }
            }
            context
        });
        let mut context = base.clone();
        if let Some(service) = service {
            context.set("iam:PassedToService", ContextValue::One(service.to_owned()));
        }
        context
    }

    fn layers(&self) -> Vec<Vec<DocumentId>> {
        let me = &self.graph.account.principals[self.number as usize];
        let mut layers = vec![me.policies.clone()];
        layers.extend(self.graph.ceilings(self.number));
        layers
    }

    /// Whether the caller may do something to a resource, as far as identity policies, boundary and
    /// SCPs say.
    pub(super) fn on(&mut self, need: u16, arn: &str, service: Option<&str>) -> Tri {
        let context = self.context(service);
        self.graph.decide(&self.layers(), need, arn, &context)
    }

    /// Whether the caller may do something to a resource, or, where the action is about other
    /// types, to any of those.
    pub(super) fn on_or_somewhere(&mut self, need: u16, arn: &str) -> Tri {
        if self.graph.tables.needs[need as usize]
            .arns
            .iter()
            .any(|p| p.matches(arn))
        {
            self.on(need, arn, None)
        } else {
            self.somewhere(need)
        }
    }

    /// Whether the caller may do something to anything.
    pub(super) fn somewhere(&mut self, need: u16) -> Tri {
        if let Some(verdict) = self.somewhere.get(&need) {
            return *verdict;
        }
        let asked = &self.graph.tables.needs[need as usize];
        let verdict = self.any_of(need, &asked.arns);
        self.somewhere.insert(need, verdict);
        verdict
    }

    /// Whether the caller may do something to a role consumer of a kind, where the action is about
    /// such.
    pub(super) fn somewhere_like(&mut self, need: u16, kind: &RoleConsumerKind) -> Tri {
        let (service, resource) = kind.arn;
        let wanted = Pattern::arn(&format!("arn:*:{service}:*:*:{resource}*"));
        let asked = &self.graph.tables.needs[need as usize];
        let like: Vec<Pattern> = asked
            .arns
            .iter()
            .filter(|a| a.meets(&wanted).is_some())
            .cloned()
            .collect();
        if like.is_empty() {
            self.somewhere(need)
        } else {
            self.any_of(need, &like)
        }
    }

    /// Asks about an example of each kind of ARN, and about examples of what the caller's policies
    /// name.
    fn any_of(&mut self, need: u16, arns: &[Pattern]) -> Tri {
        let asked = &self.graph.tables.needs[need as usize];
        if asked.wildcard_only || arns.is_empty() {
            return self.on(need, "*", None);
        }
        let mut examples: Vec<String> = arns.iter().map(Pattern::example).collect();
        let documents = self.graph.account.principals[self.number as usize]
            .policies
            .clone();
        for (d, s) in self.graph.statements(&documents, need) {
            let statement =
                &self.graph.account.documents[d as usize].compiled.statements[s as usize];
            if let (StatementEffect::Allow, Some(Block::Is(list))) =
                (statement.effect, &statement.resource)
            {
                let patterns = list
                    .iter()
                    .filter_map(|r| {
                        if let ResourcePattern::Pattern(p) = r {
                            Some(p)
                        } else {
                            None
                        }
                    })
                    .filter(|p| !p.is_all());
                // An ARN of a type that the action takes and that the pattern allows.
                examples.extend(
                    patterns
                        .flat_map(|p| arns.iter().filter_map(|a| a.meets(p)))
                        .take(EXAMPLES_MAX),
                );
            }
        }
        let mut verdict = Tri::No;
        for example in examples {
            verdict = verdict.or(self.on(need, &example, None));
            if verdict == Tri::Yes {
                break;
            }
        }
        verdict
    }

    /// Users and roles to which the caller may do something.
    pub(super) fn targets(&mut self, need: u16, service: Option<&'static str>) -> SureAndPossible {
        if let Some(sets) = self.targets.get(&(need, service)) {
            return sets.clone();
        }
        let context = self.context(service);
        let result = self
            .allowed(&self.layers(), need, &context)
            .unwrap_or_default();
        self.targets.insert((need, service), result.clone());
        result
    }

    /// Users and roles to which the SCPs and the boundary of the caller allow something; none where
    /// it has none.
    pub(super) fn left(&mut self, need: u16) -> Option<SureAndPossible> {
        let context = self.context(None);
        self.allowed(&self.graph.ceilings(self.number), need, &context)
    }

    /// Users and roles to which all layers allow something.
    fn allowed(
        &self,
        layers: &[Vec<DocumentId>],
        need: u16,
        context: &Context,
    ) -> Option<SureAndPossible> {
        let mut result: Option<SureAndPossible> = None;
        for layer in layers {
            let (allow, deny) = self.sets(layer, need, context);
            let own = (allow.0.difference(&deny.1), allow.1.difference(&deny.0));
            result = Some(match result {
                None => own,
                Some(before) => (before.0.intersection(&own.0), before.1.intersection(&own.1)),
            });
        }
        result
    }

    /// Users and roles to which something is denied: for sure, perhaps.
    pub(super) fn denied(&mut self, need: u16) -> SureAndPossible {
        let context = self.context(None);
        let mut all = (Bits::default(), Bits::default());
        for layer in self.layers() {
            let (_, deny) = self.sets(&layer, need, &context);
            all = (all.0.union(&deny.0), all.1.union(&deny.1));
        }
        all
    }

    /// Principals to whom a layer allows and denies something: for sure, perhaps.
    fn sets(
        &self,
        layer: &[DocumentId],
        need: u16,
        context: &Context,
    ) -> (SureAndPossible, SureAndPossible) {
        let (mut allow, mut deny) = (
            (Bits::default(), Bits::default()),
            (Bits::default(), Bits::default()),
        );
        for (d, s) in self.graph.statements(layer, need) {
            let statement =
                &self.graph.account.documents[d as usize].compiled.statements[s as usize];
            let mut verdict = statement
                .conditions
                .iter()
                .fold(Tri::from(true), |v, c| v.and(c.holds(context)));
            if !statement.understood || statement.effect == StatementEffect::Other {
                verdict = verdict.and(Tri::Maybe);
            }
            let about = &self.graph.tables.about[&(d, s)];
            // Variables are those of this caller: `user/${aws:username}` is its own user.
            let has_variables = statement.has_templates();
            let filled = has_variables
                .then(|| self.graph.tables.index.set_for(statement, context))
                .flatten();
            let exact = filled.is_some() || !has_variables;
            let (sure, perhaps) = filled.as_ref().map_or((about, about), |(s, p)| (s, p));
            let put = |sets: &mut SureAndPossible| {
                if verdict == Tri::Yes && exact {
                    sets.0 = sets.0.union(sure);
                }
                if verdict != Tri::No {
                    sets.1 = sets.1.union(perhaps);
                }
            };
            if statement.effect != StatementEffect::Deny {
                put(&mut allow);
            }
            if statement.effect != StatementEffect::Allow {
                put(&mut deny);
            }
        }
        (allow, deny)
    }
}

impl AccountGraph<'_, '_> {
    /// Statements of some documents that are about an action.
    pub(super) fn statements(&self, documents: &[DocumentId], need: u16) -> Vec<(DocumentId, u16)> {
        let mut list = Vec::new();
        for &d in documents {
            let touched = &self.tables.touched[d as usize];
            let from = touched.partition_point(|(n, _)| *n < need);
            list.extend(
                touched[from..]
                    .iter()
                    .take_while(|(n, _)| *n == need)
                    .map(|(_, s)| (d, *s)),
            );
        }
        list
    }

    /// Whether all layers allow something on a resource and none denies it.
    pub(super) fn decide(
        &self,
        layers: &[Vec<DocumentId>],
        need: u16,
        arn: &str,
        context: &Context,
    ) -> Tri {
        let mut verdict = Tri::Yes;
        for layer in layers {
            let (mut allow, mut deny) = (Tri::No, Tri::No);
            for (d, s) in self.statements(layer, need) {
                let statement = &self.account.documents[d as usize].compiled.statements[s as usize];
                let applies = statement.applies_to(arn, context);
                match statement.effect {
                    StatementEffect::Allow => allow = allow.or(applies),
                    StatementEffect::Deny => deny = deny.or(applies),
                    StatementEffect::Other => {
                        (allow, deny) = (
                            allow.or(applies.and(Tri::Maybe)),
                            deny.or(applies.and(Tri::Maybe)),
                        )
                    }
                }
            }
            verdict = verdict.and(allow).and(deny.not());
        }
        verdict
    }
}
