//! Trial: every kind of request that two policies can tell apart.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::KeyStates;
use super::granted_to::{GrantedTo, account_of, aws_account};
use super::pair::{AllowedAccess, PolicyPair, left};
use crate::actions::Action;
use crate::engine::{
    CompiledCondition, CompiledStatement, Evaluation, FilledTemplate, ResourcePattern,
    StatementEffect, WantedValue, filled,
};
use crate::pattern::{Pattern, Rest};
use crate::policy::{Block, Policy, Principal};
use crate::reference::evaluate;
use crate::request::{
    Context, ContextLookup, ContextValue, Decision, Layers, PolicyGrammar, Request, RequestCaller,
};
use crate::service::is_everybody;
use crate::tri::Tri;
use crate::value::TemplatePiece;

/// Actions and their resource types that are tried for a witness.
const TRIES_MAX: usize = 6;

/// Contexts that are tried for one caller.
const CONTEXTS_MAX: usize = 256;

/// Callers that are tried.
const CALLERS_MAX: usize = 16;

/// Requests that the reference evaluator is asked about for one statement: it is slow.
const CHECKS_MAX: usize = 64;

/// Result of trying every kind of request.
pub(super) enum TrialResult {
    /// Nothing is new: proved.
    Nothing,
    /// This request is.
    Shown(Request),
    /// Neither could be said.
    Open,
}

/// Whether what a statement allows is new.
pub(super) fn run(
    pair: &PolicyPair<'_>,
    one: &AllowedAccess<'_>,
    work_left: &mut usize,
) -> TrialResult {
    if !one.statement.is_understood() {
        return TrialResult::Open;
    }
    let statements: Vec<&CompiledStatement> = pair
        .old_statements()
        .chain(pair.new_statements())
        .map(|(_, s)| s)
        .collect();
    let account = account_apart(pair);
    let (mut callers, mut is_open) = (callers(one, &statements, &account), false);
    if callers.len() > CALLERS_MAX {
        callers.truncate(CALLERS_MAX);
        is_open = true;
    }
    let mut checks_left = CHECKS_MAX;
    for caller in callers {
        let first = pair.class.iter().next().unwrap_or_default();
        let request = Request {
            action: pair.actions.bit_name(first).replace("(other)", "Unlisted"),
            resource: "*".to_owned(),
            resource_account: Some(account.clone()),
            caller,
            context: Context::default(),
        };
        let (contexts, is_complete) = contexts(pair, one, &request, &statements, work_left);
        is_open |= !is_complete;
        for context in contexts {
            if *work_left == 0 {
                return TrialResult::Open;
            }
            let mut request = Request {
                context,
                ..request.clone()
            };
            match at(pair, one, &mut request, &mut checks_left, work_left) {
                TrialResult::Nothing => {}
                TrialResult::Open => is_open = true,
                shown @ TrialResult::Shown(_) => return shown,
            }
        }
    }
    if is_open {
        TrialResult::Open
    } else {
        TrialResult::Nothing
    }
}

/// Whether it is new for a caller in a context.
fn at(
    pair: &PolicyPair<'_>,
    one: &AllowedAccess<'_>,
    request: &mut Request,
    checks_left: &mut usize,
    work_left: &mut usize,
) -> TrialResult {
    let given = request.context.clone();
    request.complete(pair.actions);
    let (asked, context) = (
        Evaluation::new(request, false, pair.actions),
        &request.context,
    );
    let fits = |s: &CompiledStatement| {
        let holds = s
            .conditions
            .iter()
            .fold(Tri::Yes, |v, c| v.and(c.holds(context)));
        holds.and(asked.named(s).0[0]).and(if s.is_understood() {
            Tri::Yes
        } else {
            Tri::Maybe
        })
    };
    if fits(one.statement) == Tri::No {
        return TrialResult::Nothing;
    }
    let mut taken = SubtractedPatterns::default();
    let include = match one.include {
        None => Pattern::text("*"),
        Some(resource) => match concrete(resource, context) {
            Some(pattern) => pattern,
            None => return TrialResult::Nothing,
        },
    };
    if let Some(Block::Not(list)) = &one.statement.resource {
        taken
            .without
            .extend(list.iter().filter_map(|r| concrete(r, context)));
    }
    for (_, s) in pair
        .new_statements()
        .filter(|(_, s)| s.effect == StatementEffect::Deny && fits(s) == Tri::Yes)
    {
        taken.add(&s.resource, context);
    }
    let mut allowed = taken.clone();
    for (_, s) in pair
        .old_statements()
        .filter(|(_, s)| s.effect == StatementEffect::Allow && fits(s) == Tri::Yes)
    {
        allowed.add(&s.resource, context);
    }
    // Not allowed by the old policy; or denied by it.
    let mut tries = vec![(vec![include.clone(), pair.universe.clone()], allowed)];
    for (_, s) in pair
        .old_statements()
        .filter(|(_, s)| s.effect != StatementEffect::Allow && fits(s) != Tri::No)
    {
        let from = || vec![include.clone(), pair.universe.clone()];
        match &s.resource {
            None => tries.push((from(), taken.clone())),
            Some(Block::Is(list)) => {
                let denied = list.iter().filter_map(|r| concrete(r, context));
                tries.extend(denied.map(|d| ([from(), vec![d]].concat(), taken.clone())));
            }
            Some(Block::Not(list)) => {
                let mut taken = taken.clone();
                taken
                    .without
                    .extend(list.iter().filter_map(|r| concrete(r, context)));
                tries.push((from(), taken));
            }
        }
    }
    let mut is_open = false;
    for (from, taken) in tries {
        match taken.leave(&from, work_left) {
            Rest::Nothing => {}
            Rest::TooLarge => is_open = true,
            Rest::Text(text) => {
                let request = Request {
                    context: given.clone(),
                    ..request.clone()
                };
                match shown(
                    pair,
                    one,
                    request,
                    &from,
                    &taken,
                    text,
                    checks_left,
                    work_left,
                ) {
                    Some(witness) => return TrialResult::Shown(witness),
                    None => is_open = true,
                }
            }
        }
    }
    if is_open {
        TrialResult::Open
    } else {
        TrialResult::Nothing
    }
}

/// A request of that kind which the old policy does not allow and the new one does, by the
/// reference evaluator.
#[expect(
    clippy::too_many_arguments,
    reason = "what is asked, what is left, and two budgets"
)]
fn shown(
    pair: &PolicyPair<'_>,
    one: &AllowedAccess<'_>,
    request: Request,
    from: &[Pattern],
    taken: &SubtractedPatterns,
    text: String,
    checks_left: &mut usize,
    work_left: &mut usize,
) -> Option<Request> {
    // Of the class an action that people know, where there is one; with a resource of its type,
    // where that is left.
    let known: Vec<Action> = pair
        .class
        .iter()
        .filter(|n| (*n as usize) < pair.actions.len())
        .map(Action)
        .take(TRIES_MAX)
        .collect();
    let mut tries: Vec<(String, String)> = Vec::new();
    for action in &known {
        for template in pair.actions.resource_arns(*action) {
            let mut from = from.to_vec();
            from.push(Pattern::arn(&shape_of(template)));
            if let Rest::Text(text) = taken.leave(&from, work_left) {
                tries.push((pair.actions.name(*action), text));
            }
        }
    }
    tries.push((
        known
            .first()
            .map_or_else(|| request.action.clone(), |a| pair.actions.name(*a)),
        text,
    ));
    for (action, resource) in tries {
        *checks_left = checks_left.checked_sub(1)?;
        let request = Request {
            action,
            resource,
            ..request.clone()
        };
        let decide = |policy: &Policy| {
            evaluate(&request, &layers(policy, pair.side, one.whom), pair.actions).decision
        };
        if decide(pair.new.policy) == Decision::Allowed
            && matches!(
                decide(pair.old.policy),
                Decision::ImplicitlyDenied | Decision::ExplicitlyDenied
            )
        {
            return Some(request);
        }
    }
    None
}

/// Resources that are taken away, in one context.
#[derive(Default, Clone)]
struct SubtractedPatterns {
    without: Vec<Pattern>,
    /// Complements: all but these.
    all_but: Vec<Vec<Pattern>>,
}

impl SubtractedPatterns {
    fn add(&mut self, block: &Option<Block<Vec<ResourcePattern>>>, context: &Context) {
        match block {
            None => {}
            Some(Block::Is(list)) => self
                .without
                .extend(list.iter().filter_map(|r| concrete(r, context))),
            Some(Block::Not(list)) => self
                .all_but
                .push(list.iter().filter_map(|r| concrete(r, context)).collect()),
        }
    }

    fn leave(&self, from: &[Pattern], work_left: &mut usize) -> Rest {
        if self.all_but.iter().any(Vec::is_empty) {
            return Rest::Nothing;
        }
        left(
            &from.iter().collect::<Vec<_>>(),
            &self.without.iter().collect::<Vec<_>>(),
            &self.all_but,
            work_left,
        )
    }
}

/// A resource with its variables filled in; none when one of them has no value.
fn concrete(resource: &ResourcePattern, context: &Context) -> Option<Pattern> {
    match resource {
        ResourcePattern::Pattern(pattern) => Some(pattern.clone()),
        ResourcePattern::Template(pieces) => match filled(pieces, context) {
            FilledTemplate::With(letters) => Some(Pattern::arn_of(letters.into_iter())),
            FilledTemplate::Missing | FilledTemplate::Unknown => None,
        },
    }
}

/// The contexts that the statements can tell apart and in which one of them may allow, and whether
/// these are all.
fn contexts(
    pair: &PolicyPair<'_>,
    one: &AllowedAccess<'_>,
    request: &Request,
    statements: &[&CompiledStatement],
    work_left: &mut usize,
) -> (Vec<Context>, bool) {
    let mut keys: BTreeMap<&str, Vec<&CompiledCondition>> = BTreeMap::new();
    let mut variables: BTreeSet<&str> = BTreeSet::new();
    for statement in statements {
        let resources = match &statement.resource {
            None => &[][..],
            Some(Block::Is(list) | Block::Not(list)) => list,
        };
        let of_resources = resources.iter().filter_map(|r| {
            if let ResourcePattern::Template(pieces) = r {
                Some(pieces)
            } else {
                None
            }
        });
        let of_values = statement.conditions.iter().flat_map(|c| &c.values);
        let of_values = of_values.filter_map(|v| {
            if let WantedValue::Template(_, pieces) = v {
                Some(pieces)
            } else {
                None
            }
        });
        for piece in of_resources.chain(of_values).flatten() {
            if let TemplatePiece::Variable(key, _) = piece {
                keys.entry(key).or_default();
                variables.insert(key);
            }
        }
        for condition in &statement.conditions {
            let known = keys.entry(&condition.key).or_default();
            if !known.contains(&condition) {
                known.push(condition);
            }
        }
    }
    let mut complete = request.clone();
    complete.complete(pair.actions);
    let is_aws = matches!(request.caller, RequestCaller::Aws(_));
    let mut all: Vec<(&str, Vec<Option<ContextValue>>)> = Vec::new();
    let mut is_complete = true;
    for (key, conditions) in &keys {
        let given = match complete.context.get(key) {
            ContextLookup::Is(given) => Some(given.clone()),
            ContextLookup::Absent | ContextLookup::Unknown => None,
        };
        let of_principal =
            key.starts_with("aws:principal") && !key.starts_with("aws:principalservicename");
        // Keys that follow from the caller have one value.
        let is_fixed = match *key {
            "aws:principalisawsservice" | "aws:principaltype" => true,
            "aws:username" => given.is_none() || *one.whom != GrantedTo::RoleConsumer,
            "aws:principalaccount" => *one.whom != GrantedTo::RoleConsumer,
            "aws:userid" => !is_aws,
            _ => of_principal && !is_aws,
        };
        let mut states = if is_fixed {
            KeyStates {
                list: vec![given],
                is_complete: true,
            }
        } else {
            KeyStates::of(
                key,
                conditions,
                given.is_some(),
                variables.contains(key),
                work_left,
            )
        };
        is_complete &= states.is_complete;
        let asked = one.statement.conditions.iter().filter(|c| c.key == *key);
        let asked: Vec<_> = asked
            .filter(|c| {
                !c.values
                    .iter()
                    .any(|v| matches!(v, WantedValue::Template(..)))
            })
            .collect();
        states.list.retain(|state| {
            let mut context = Context::default();
            if let Some(given) = state {
                context.set(key, given.clone());
            }
            asked.iter().all(|c| c.holds(&context) != Tri::No)
        });
        if states.list.is_empty() {
            return (Vec::new(), is_complete);
        }
        all.push((key, states.list));
    }
    let combinations = all
        .iter()
        .try_fold(1usize, |n, (_, list)| n.checked_mul(list.len()))
        .unwrap_or(usize::MAX);
    is_complete &= combinations <= CONTEXTS_MAX;
    let context = |pick: &dyn Fn(usize) -> usize| {
        let mut context = Context::default();
        for (n, (key, list)) in all.iter().enumerate() {
            if let Some(given) = &list[pick(n)] {
                context.set(key, given.clone());
            }
        }
        context
    };
    let mut contexts = Vec::new();
    if combinations > CONTEXTS_MAX {
        // One key after the other, the rest as plain as they can be.
        for (n, (_, list)) in all.iter().enumerate() {
            contexts
                .extend((0..list.len()).map(|state| context(&|m| if m == n { state } else { 0 })));
        }
        contexts.truncate(CONTEXTS_MAX);
    }
    for number in 0..combinations.min(CONTEXTS_MAX) {
        let pick = |n: usize| {
            let before: usize = all[..n]
                .iter()
                .map(|(_, list)| list.len())
                .fold(1, usize::saturating_mul);
            number / before % all[n].1.len()
        };
        contexts.push(context(&pick));
    }
    (contexts, is_complete)
}

/// Callers whom the statements can tell apart, among the grantees of one statement.
fn callers(
    one: &AllowedAccess<'_>,
    statements: &[&CompiledStatement],
    account: &str,
) -> Vec<RequestCaller> {
    let mut found = Vec::new();
    let stranger = || RequestCaller::Aws("arn:aws:iam::999999999999:user/witness".to_owned());
    match one.whom {
        GrantedTo::RoleConsumer => {
            let of = |name: &str| RequestCaller::Aws(format!("arn:aws:iam::{account}:{name}"));
            return vec![of("user/witness"), of("role/witness")];
        }
        GrantedTo::One(principal) if is_everybody(principal) => {
            found.extend([RequestCaller::Anonymous, stranger()])
        }
        GrantedTo::One(principal) => found.push(caller_of(principal)),
        GrantedTo::AllBut(_) => found.extend([RequestCaller::Anonymous, stranger()]),
    }
    let named = statements.iter().flat_map(|s| match &s.principal {
        None => &[][..],
        Some(Block::Is(list) | Block::Not(list)) => list,
    });
    // Callers whom another statement names, where this one is for them as well.
    for principal in named {
        let caller = caller_of(principal);
        let is_meant = match one.whom {
            GrantedTo::RoleConsumer => false,
            GrantedTo::One(own) if is_everybody(own) => true,
            GrantedTo::One(own) => {
                account_of(own).is_some_and(|account| caller.account() == Some(account))
            }
            GrantedTo::AllBut(_) => true,
        };
        if is_meant && !found.contains(&caller) {
            found.push(caller);
        }
    }
    found
}

/// An account that no policy names: where the resource is, so that its account is not its caller's.
fn account_apart(pair: &PolicyPair<'_>) -> String {
    let statements = pair
        .old
        .compiled
        .statements
        .iter()
        .chain(&pair.new.compiled.statements);
    let named: BTreeSet<String> = statements
        .filter_map(|s| s.principal.as_ref())
        .flat_map(|(Block::Is(list) | Block::Not(list))| list)
        .filter_map(|p| aws_account(p).map(str::to_owned))
        .collect();
    let mut account = 123_456_789_012u64;
    while named.contains(&account.to_string()) {
        account += 1;
    }
    account.to_string()
}

/// The policy alone in its place. A caller from another account has what it needs at home.
fn layers(policy: &Policy, side: PolicyGrammar, whom: &GrantedTo) -> Layers<Policy> {
    let mut layers = Layers::default();
    match side {
        PolicyGrammar::Identity => layers.identity.push(policy.clone()),
        PolicyGrammar::Scp => {
            layers.identity.extend(everything());
            layers.scp.push(vec![policy.clone()]);
        }
        PolicyGrammar::Resource | PolicyGrammar::Rcp => {
            if *whom != GrantedTo::RoleConsumer {
                layers.identity.extend(everything());
            }
            layers.resource = Some(policy.clone());
        }
    }
    layers
}

fn everything() -> Option<Policy> {
    crate::policy::parse(
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
    )
    .ok()
}

fn caller_of(principal: &Principal) -> RequestCaller {
    match principal {
        Principal::Star => RequestCaller::Anonymous,
        Principal::Of(kind, value) => match kind.as_str() {
            "AWS" if value == "*" => RequestCaller::Anonymous,
            "AWS" => match account_of(principal) {
                Some(account) => RequestCaller::Aws(format!("arn:aws:iam::{account}:root")),
                None => RequestCaller::Aws(value.clone()),
            },
            "Service" => RequestCaller::Service(value.clone()),
            _ => RequestCaller::Federated(value.clone()),
        },
    }
}

/// `arn:${Partition}:s3:::${BucketName}` as a pattern.
fn shape_of(template: &str) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let (name, behind) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(match name {
            "Partition" => "aws",
            "Region" => "us-east-1",
            "Account" => "123456789012",
            _ => "?*",
        });
        rest = behind;
    }
    out + rest
}
