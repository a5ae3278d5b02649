//! Layers of a principal put together, for actions that the same statements are about.

use super::layers::{BindingLayers, LayerStatement, Naming, NamingResource, NamingStatement};
use super::model::{EffectivePolicies, LeftOut, LeftOutReason};
use super::term::{ClassAccess, Term, TermResult};
use super::write::{PolicyDraft, words_of};
use crate::actions::{Action, Actions};
use crate::bits::Bits;
use crate::estate::model::Estate;
use crate::estate::question::PrincipalId;
use crate::limits::TERMS_MAX;
use crate::pattern::Pattern;
use crate::request::Context;
use crate::service::{is_key_call_for_others, protected_calls};

impl Estate<'_, '_> {
    /// Effective access of a principal, as policies.
    pub fn effective(&self, id: PrincipalId) -> EffectivePolicies {
        let layers = self.binding_layers(id);
        let (_, me) = self.of(id);
        let (mut groups, mut left_out): (Vec<(Bits, ClassAccess)>, Vec<LeftOut>) =
            Default::default();
        for class in classes(&layers) {
            match (FoldedClass {
                layers: &layers,
                class: &class,
            })
            .access()
            {
                Ok(access) if access.allows.is_empty() => {}
                Ok(access) => match groups.iter_mut().find(|(_, known)| *known == access) {
                    Some((actions, _)) => *actions = actions.union(&class),
                    None => groups.push((class, access)),
                },
                Err(why) => add(&mut left_out, class, why),
            }
        }
        let words = words_of(&layers);
        let mut draft = PolicyDraft::new(layers.actions, &words);
        for (actions, access) in &groups {
            if let Err(why) = draft.add(actions, access) {
                add(&mut left_out, actions.clone(), why);
            }
        }
        let unread = me
            .unread
            .iter()
            .map(|u| LeftOutReason::Unread(format!("not read: {u}")));
        for why in unread {
            add(&mut left_out, layers.actions.all(), why);
        }
        let (must, may) = draft.finish();
        EffectivePolicies {
            must,
            may,
            left_out,
        }
    }
}

fn add(left_out: &mut Vec<LeftOut>, actions: Bits, why: LeftOutReason) {
    match left_out.iter_mut().find(|one| one.why == why) {
        Some(known) => known.actions = known.actions.union(&actions),
        None => left_out.push(LeftOut { actions, why }),
    }
}

/// All actions in classes that no statement and no rule of a service tells apart.
fn classes(layers: &BindingLayers<'_>) -> Vec<Bits> {
    let actions = layers.actions;
    let mut bare = Bits::default();
    let mut of_rcp = Bits::default();
    for number in 0..actions.len() as u32 {
        let action = Action(number);
        if actions.is_wildcard_only(action) {
            bare.insert(number);
        }
        if actions.has_rcp(actions.service_of(action)) {
            of_rcp.insert(number);
        }
    }
    let mut apart = vec![
        bare,
        of_rcp,
        actions.matching("kms:*"),
        for_other_accounts(actions),
    ];
    let assume = actions.matching("sts:AssumeRole*");
    apart.extend(
        assume
            .iter()
            .map(|bit| actions.matching(&actions.bit_name(bit))),
    );
    apart.extend(protected_calls(actions).into_iter().map(|(calls, _)| calls));
    let mut classes = vec![actions.all()];
    for set in apart.iter().chain(layers.action_sets()) {
        let split = |class: Bits| [class.intersection(set), class.difference(set)];
        classes = classes
            .into_iter()
            .flat_map(split)
            .filter(|c| !c.is_empty())
            .collect();
    }
    classes
}

/// Calls of KMS that it lets other accounts make.
fn for_other_accounts(actions: &Actions) -> Bits {
    let mut set = Bits::default();
    for action in actions.known(&actions.matching("kms:*")) {
        if is_key_call_for_others(&actions.name(action)) {
            set.insert(action.0);
        }
    }
    set
}

/// A class of actions within the layers of a principal.
struct FoldedClass<'f, 'x> {
    layers: &'f BindingLayers<'x>,
    class: &'f Bits,
}

impl<'f> FoldedClass<'f, '_> {
    fn first(&self) -> u32 {
        self.class.iter().next().unwrap_or_default()
    }

    fn name(&self) -> String {
        self.layers.actions.bit_name(self.first())
    }

    fn is_bare(&self) -> bool {
        let first = self.first();
        (first as usize) < self.layers.actions.len()
            && self.layers.actions.is_wildcard_only(Action(first))
    }

    fn is_bound_by_rcp(&self) -> bool {
        let name = self.name();
        let service = name.split(':').next().unwrap_or_default();
        self.layers.actions.has_rcp(service)
    }

    fn about<'l, 'x: 'l>(
        &self,
        statements: impl IntoIterator<Item = &'l LayerStatement<'x>>,
    ) -> Vec<LayerStatement<'x>> {
        let first = self.first();
        let about = |s: &&LayerStatement<'x>| s.compiled.actions.contains(first);
        statements.into_iter().filter(about).copied().collect()
    }

    /// Terms of a layer that allow, or that deny.
    fn terms<'l, 'x: 'l>(
        &self,
        statements: impl IntoIterator<Item = &'l LayerStatement<'x>>,
        context: &Context,
        denies: bool,
    ) -> TermResult<Vec<Term>> {
        let mut terms: Vec<Term> = Vec::new();
        for statement in self.about(statements) {
            if denies && !statement.may_deny() || !denies && !statement.may_allow() {
                continue;
            }
            let (written, compiled) = (statement.written, statement.compiled);
            let term = Term::of_statement(written, compiled, context, self.is_bare())?;
            terms.extend(term.filter(|t| !terms.contains(t)));
        }
        // What is allowed without a condition needs no other term for the same.
        let whole: Vec<Term> = terms
            .iter()
            .filter(|t| t.conditions.is_empty())
            .cloned()
            .collect();
        terms.retain(|t| !whole.iter().any(|w| w != t && w.covers_resources(t)));
        Ok(terms)
    }

    /// Terms of statements that name the principal, or some of its sessions.
    fn named_terms<'l, 'x: 'l>(
        &self,
        statements: impl IntoIterator<Item = &'l NamingStatement<'x>>,
        context: &Context,
        denies: bool,
    ) -> TermResult<Vec<Term>> {
        let mut found = Vec::new();
        for one in statements {
            let terms = self.terms([&one.statement], context, denies)?;
            let Some(sessions) = &one.sessions else {
                found.extend(terms);
                continue;
            };
            let mut all = Term::of(vec![Pattern::arn("*")]);
            all.conditions.push(sessions.clone());
            found.extend(products(&terms, &[all])?);
        }
        Ok(found)
    }

    fn access(&self) -> TermResult<ClassAccess> {
        let name = self.name().to_ascii_lowercase();
        let is_trust = name.starts_with("sts:assumerole");
        if is_trust && name != "sts:assumerole" {
            return Ok(ClassAccess::default());
        }
        let mut access = ClassAccess::default();
        if is_trust {
            self.add_deciding(&self.layers.roles, &mut access)?;
        } else if name.starts_with("kms:") && !self.is_bare() {
            let aliases = [Term::of(vec![Pattern::arn("arn:*:kms:*:*:alias/*")])];
            access.allows = products(&self.own_allows()?, &aliases)?;
            access.denies = products(&self.own_denies()?, &aliases)?;
            self.add_deciding(&self.layers.keys, &mut access)?;
        } else {
            access.allows = self.own_allows()?;
            access.denies = self.own_denies()?;
            if !self.is_bare() {
                self.add_resources(&mut access)?;
            }
        }
        for (calls, pattern) in protected_calls(self.layers.actions) {
            if calls.contains(self.first()) {
                access.denies.push(Term::of(vec![pattern]));
            }
        }
        access
            .denies
            .retain(|d| access.allows.iter().any(|a| a.meets(d)));
        let all = access.denies.iter().any(Term::is_all);
        if all {
            access.allows.clear();
        }
        Ok(access)
    }

    /// Access by identity policies within all ceilings, on resources of the own account.
    fn own_allows(&self) -> TermResult<Vec<Term>> {
        self.own_side(&self.layers.context, &[&self.layers.rcp])
    }

    /// Access by identity policies within all ceilings.
    fn own_side(
        &self,
        context: &Context,
        rcp: &[&[Vec<LayerStatement<'_>>]],
    ) -> TermResult<Vec<Term>> {
        let identity = self.terms(&self.layers.identity, context, false)?;
        let limited = self.within_boundary(identity, context)?;
        self.within_controls(limited, context, rcp)
    }

    fn within_boundary(&self, terms: Vec<Term>, context: &Context) -> TermResult<Vec<Term>> {
        match &self.layers.boundary {
            Some(boundary) => products(&terms, &self.terms(boundary, context, false)?),
            None => Ok(terms),
        }
    }

    fn within_controls(
        &self,
        mut terms: Vec<Term>,
        context: &Context,
        rcp: &[&[Vec<LayerStatement<'_>>]],
    ) -> TermResult<Vec<Term>> {
        for level in &self.layers.scp {
            terms = products(&terms, &self.terms(level, context, false)?)?;
        }
        if self.is_bound_by_rcp() {
            for level in rcp.iter().copied().flatten() {
                terms = products(&terms, &self.terms(level, context, false)?)?;
            }
        }
        Ok(terms)
    }

    /// Denies of all layers that bind the principal, and of its own account's control policies.
    fn own_denies(&self) -> TermResult<Vec<Term>> {
        self.denies(&self.layers.context, &self.layers.rcp)
    }

    /// Denies of all layers that bind the principal, and of control policies of a resource.
    fn denies(&self, context: &Context, rcp: &[Vec<LayerStatement<'_>>]) -> TermResult<Vec<Term>> {
        let layers = self.layers;
        let own = layers
            .identity
            .iter()
            .chain(layers.boundary.iter().flatten());
        let mut denies = self.terms(own.chain(layers.scp.iter().flatten()), context, true)?;
        if self.is_bound_by_rcp() {
            denies.extend(self.terms(rcp.iter().flatten(), context, true)?);
        }
        Ok(denies)
    }

    /// Adds what policies of resources of the own account allow and deny.
    fn add_resources(&self, access: &mut ClassAccess) -> TermResult<()> {
        for resource in &self.layers.resources {
            if !self.about(&resource.unclear).is_empty() {
                return Err(LeftOutReason::NotUnderstood);
            }
            if self
                .about(resource.statements.iter().map(|s| &s.statement))
                .is_empty()
            {
                continue;
            }
            access.allows.extend(self.direct(resource)?);
            access.denies.extend(self.denied_by(resource)?);
        }
        Ok(())
    }

    /// Access that the policy of a resource gives the principal by itself.
    fn direct(&self, resource: &NamingResource<'_>) -> TermResult<Vec<Term>> {
        let named = |naming: Naming| {
            let statements = resource.statements.iter();
            statements.filter(move |s| s.naming == naming)
        };
        let here = [Term::of(resource.within.clone())];
        let context = &resource.context;
        let itself = self.named_terms(named(Naming::Itself), context, false)?;
        let role = self.named_terms(named(Naming::Role), context, false)?;
        let mut terms = self.within_boundary(role, context)?;
        terms.extend(itself);
        products(
            &self.within_controls(terms, context, &[&resource.rcp])?,
            &here,
        )
    }

    fn denied_by(&self, resource: &NamingResource<'_>) -> TermResult<Vec<Term>> {
        let denies = self.named_terms(&resource.statements, &resource.context, true)?;
        products(&denies, &[Term::of(resource.within.clone())])
    }

    /// Adds access to resources whose policy must bring in the account before its policies count.
    fn add_deciding(
        &self,
        list: &[NamingResource<'_>],
        access: &mut ClassAccess,
    ) -> TermResult<()> {
        for resource in list {
            if !self.about(&resource.unclear).is_empty() {
                return Err(LeftOutReason::NotUnderstood);
            }
            if self
                .about(resource.statements.iter().map(|s| &s.statement))
                .is_empty()
            {
                continue;
            }
            if !resource.is_own && !self.is_for_others() {
                continue;
            }
            let (context, here) = (&resource.context, [Term::of(resource.within.clone())]);
            let delegated = self.named_terms(&resource.statements, context, false)?;
            let own = products(&self.own_side(context, &[&resource.rcp])?, &here)?;
            let mut allows = products(&own, &delegated)?;
            if resource.is_own {
                allows.extend(self.direct(resource)?);
            }
            let mut denies = self.denied_by(resource)?;
            denies.extend(products(&self.denies(context, &resource.rcp)?, &here)?);
            for term in allows {
                if !access.allows.contains(&term) {
                    access.allows.push(term);
                }
            }
            access.denies.extend(denies);
        }
        Ok(())
    }

    /// Whether other accounts may make the call: of keys only some.
    fn is_for_others(&self) -> bool {
        let name = self.name();
        !name.starts_with("kms:") || is_key_call_for_others(&name)
    }
}

/// Intersections of each of some terms with each of others.
fn products(some: &[Term], others: &[Term]) -> TermResult<Vec<Term>> {
    let mut found: Vec<Term> = Vec::new();
    for one in some {
        for other in others {
            if let Some(both) = one.both(other)?
                && !found.contains(&both)
            {
                found.push(both);
            }
            if found.len() > TERMS_MAX {
                return Err(LeftOutReason::TooLarge);
            }
        }
    }
    Ok(found)
}
