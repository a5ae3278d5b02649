//! What one policy allows that another does not: as classes, each with a request that shows it.
//!
//! Actions are taken together that the same statements are about; within such a class resources are languages, and what
//! one leaves of the other is decided exactly. Conditions are compared as they are written: a condition that is implied by
//! another is recognised, and what cannot be told that way is a `may`. Every `must` has a witness: a request that the
//! reference evaluator denies by one policy and allows by the other.

use std::collections::BTreeMap;

use crate::actions::{Action, Actions};
use crate::bits::Bits;
use crate::engine::{Compiled, CompiledCondition, CompiledStatement, Compiler, Effect, Resource, Wanted, widened};
use crate::pattern::{Pattern, Rest, rest_within};
use crate::policy::{Block, Policy, Principal};
use crate::reference::evaluate;
use crate::request::{Caller, Context, Decision, Given, Layers, Request, Side};
use crate::tri::Tri;
use crate::value::{Order, Set, Test};

/// A class of requests that one of the policies allows and the other does not.
///
/// ```
/// use bartizan_iam::{Actions, Side, Tri, difference, parse};
/// let policy = |actions: &str| {
///     parse(&format!(r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "{actions}", "Resource": "*"}}}}"#))
/// };
/// let found = difference(&policy("s3:Get*")?, &policy("s3:*")?, Side::Identity, Actions::builtin());
/// let gained = &found.gained[0];
/// assert_eq!((gained.resource.as_str(), gained.verdict), ("*", Tri::Yes));
/// // The reference evaluator denies it by the old policy and allows it by the new one.
/// assert!(gained.witness.as_ref().unwrap().action.starts_with("s3:"));
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// The actions.
    pub actions: Bits,
    /// The resources, as the policy has them: a pattern, or `all but` some.
    pub resource: String,
    /// For whom, in a policy of a resource.
    pub principal: Option<String>,
    /// Under which conditions.
    pub conditions: Vec<String>,
    /// Statement that allows it, from 0.
    pub statement: usize,
    /// Yes: the witness shows it. Maybe: it could not be shown, nor ruled out.
    pub verdict: Tri,
    /// A request that one allows and the other does not.
    pub witness: Option<Request>,
}

/// The difference of two policies.
///
/// ```
/// use bartizan_iam::{Actions, Side, difference, parse};
/// let policy = |actions: &str| {
///     parse(&format!(r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "{actions}", "Resource": "*"}}}}"#))
/// };
/// let found = difference(&policy("s3:Get*")?, &policy("s3:*")?, Side::Identity, Actions::builtin());
/// assert!(!found.grants_nothing_new() && found.lost.is_empty());
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// What the new one allows and the old one does not.
    pub gained: Vec<Class>,
    /// The reverse.
    pub lost: Vec<Class>,
}

impl Difference {
    /// Whether it is proved that the new policy allows nothing that the old one did not.
    pub fn grants_nothing_new(&self) -> bool {
        self.gained.is_empty()
    }
}

/// Compares two policies that stand in the same place.
///
/// ```
/// use bartizan_iam::{Actions, Side, Tri, difference, parse};
/// let policy = |resource: &str| {
///     parse(&format!(r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "{resource}"}}}}"#))
/// };
/// let (old, new) = (policy("arn:aws:s3:::logs/*")?, policy("arn:aws:s3:::logs*")?);
/// let found = difference(&old, &new, Side::Identity, Actions::builtin());
/// assert_eq!((found.gained[0].verdict, found.lost.len()), (Tri::Yes, 0));
/// assert!(found.gained[0].witness.is_some());
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
pub fn difference(old: &Policy, new: &Policy, side: Side, actions: &Actions) -> Difference {
    let mut compiler = Compiler::new(actions);
    let (a, b) = (Both::new(old, side, &mut compiler), Both::new(new, side, &mut compiler));
    Difference { gained: gained(&a, &b, side, actions), lost: gained(&b, &a, side, actions) }
}

/// A policy as written and compiled.
struct Both<'p> {
    policy: &'p Policy,
    compiled: Compiled,
}

impl<'p> Both<'p> {
    fn new(policy: &'p Policy, side: Side, compiler: &mut Compiler<'_>) -> Self {
        Self { policy, compiled: compiler.compile(policy, side) }
    }
}

/// Work of all automata together in one comparison (see [`crate::rest_of`]); what is left then is a `may`.
const WORK_MAX: usize = 2_000_000;

/// Ways to pick one exception of each statement with NotResource that are tried.
const PICKS_MAX: usize = 64;

fn gained(old: &Both<'_>, new: &Both<'_>, side: Side, actions: &Actions) -> Vec<Class> {
    let statements: Vec<&CompiledStatement> = old.compiled.statements.iter().chain(&new.compiled.statements).collect();
    let mut found: Vec<Class> = Vec::new();
    let mut work_left = WORK_MAX;
    for class in partition(&statements, actions) {
        let first = class.iter().next().unwrap_or_default();
        let about = |s: &&CompiledStatement| s.actions.contains(first);
        let of_old: Vec<&CompiledStatement> = old.compiled.statements.iter().filter(about).collect();
        let of_new: Vec<&CompiledStatement> = new.compiled.statements.iter().filter(about).collect();
        for (n, statement) in new.compiled.statements.iter().enumerate().filter(|(_, s)| s.actions.contains(first)) {
            if statement.effect == Effect::Deny {
                continue;
            }
            for one in principals(statement, side) {
                if work_left == 0 {
                    found.push(undecided(new, n));
                    return found;
                }
                for more in by_resource(statement, &one, &of_old, &of_new, &class, actions, &mut work_left) {
                    let (verdict, witness) = more.witness(old, new, statement, &one, &class, side, actions, &mut work_left);
                    if witness.is_none() && more.proved_nothing {
                        continue;
                    }
                    let conditions: Vec<String> = statement.conditions.iter().map(|c| c.text.clone()).collect();
                    let principal = one.as_ref().map(principal_text);
                    // The same access by other actions is one class.
                    let same = |c: &&mut Class| {
                        c.statement == n && c.resource == more.resource && c.principal == principal && c.verdict == verdict
                    };
                    match found.iter_mut().find(same) {
                        Some(known) => known.actions = known.actions.union(&class),
                        None => found.push(Class {
                            actions: class.clone(),
                            resource: more.resource.clone(),
                            principal,
                            conditions,
                            statement: n,
                            verdict,
                            witness,
                        }),
                    }
                }
            }
        }
    }
    found
}

/// What stands for all that was not compared, from this statement on: whatever the policy allows may be new.
fn undecided(new: &Both<'_>, statement: usize) -> Class {
    let allows = new.compiled.statements.iter().filter(|s| s.effect != Effect::Deny);
    Class {
        actions: allows.fold(Bits::default(), |all, s| all.union(&s.actions)),
        resource: "more than can be compared".to_owned(),
        principal: None,
        conditions: Vec::new(),
        statement,
        verdict: Tri::Maybe,
        witness: None,
    }
}

/// The universe of actions in classes that the same statements are about. Actions without resources stand apart.
fn partition(statements: &[&CompiledStatement], actions: &Actions) -> Vec<Bits> {
    let all = actions.all();
    let mut bare = Bits::default();
    (0..actions.len() as u32).filter(|n| actions.is_wildcard_only(Action(*n))).for_each(|n| bare.insert(n));
    let mut classes = vec![all.difference(&bare), bare];
    for statement in statements {
        let split = |class: Bits| [class.intersection(&statement.actions), class.difference(&statement.actions)];
        classes = classes.into_iter().flat_map(split).filter(|c| !c.is_empty()).collect();
    }
    classes
}

/// The principals that a statement names, one by one; none where there is no such element.
fn principals(statement: &CompiledStatement, side: Side) -> Vec<Option<Principal>> {
    match (side, &statement.principal) {
        (Side::Identity | Side::Scp, _) => vec![None],
        (_, Some(Block::Is(list))) => list.iter().cloned().map(Some).collect(),
        // Everybody but some.
        (_, Some(Block::Not(_))) => vec![Some(Principal::Star)],
        (_, None) => Vec::new(),
    }
}

fn principal_text(principal: &Principal) -> String {
    match principal {
        Principal::Star => "anybody".to_owned(),
        Principal::Of(kind, value) if kind == "AWS" && value == "*" => "anybody".to_owned(),
        Principal::Of(kind, value) if kind == "AWS" => value.clone(),
        Principal::Of(kind, value) => format!("{kind} {value}"),
    }
}

/// What a statement may allow anew on one of its patterns.
struct More {
    resource: String,
    /// The patterns whose texts it is about: all must match.
    from: Vec<Pattern>,
    /// Those that must not.
    without: Vec<Pattern>,
    /// Nothing is left, whatever the conditions.
    proved_nothing: bool,
    too_large: bool,
    text: Option<String>,
}

fn by_resource(
    statement: &CompiledStatement,
    principal: &Option<Principal>,
    old: &[&CompiledStatement],
    new: &[&CompiledStatement],
    class: &Bits,
    actions: &Actions,
    work_left: &mut usize,
) -> Vec<More> {
    let universe = if class.iter().next().is_some_and(|n| (n as usize) < actions.len() && actions.is_wildcard_only(Action(n))) {
        Pattern::exact("*")
    } else {
        Pattern::arn("arn:*:*:*:*:*")
    };
    let (includes, excludes) = match &statement.resource {
        None => (vec![Pattern::text("*")], Vec::new()),
        Some(Block::Is(list)) => (list.iter().map(outer).collect(), Vec::new()),
        Some(Block::Not(list)) => (vec![Pattern::text("*")], list.iter().map(outer).collect()),
    };
    // What takes access away for sure: allows of the old policy that ask no more than this statement does, denies of the new
    // one that ask nothing.
    let by_allow = |s: &&&CompiledStatement| {
        s.effect == Effect::Allow
            && s.understood
            && covers_principal(s, principal)
            && s.conditions.iter().all(|c| implied(c, &statement.conditions))
    };
    let by_deny = |s: &&&CompiledStatement| {
        s.effect == Effect::Deny && s.understood && s.conditions.is_empty() && covers_principal(s, principal)
    };
    let mut without = excludes.clone();
    let mut picks: Vec<Vec<Pattern>> = Vec::new();
    for taken in old.iter().filter(by_allow).chain(new.iter().filter(by_deny)) {
        match &taken.resource {
            Some(Block::Is(list)) => without.extend(list.iter().filter_map(inner)),
            // Everything but these: what is left is in one of them.
            Some(Block::Not(list)) => picks.push(list.iter().map(outer).collect()),
            None => {}
        }
    }
    // Old denies give access back where the new policy has none: there an old allow takes nothing away.
    let denied: Vec<Pattern> = old
        .iter()
        .filter(|s| s.effect == Effect::Deny)
        .flat_map(|s| match &s.resource {
            Some(Block::Is(list)) => list.iter().map(outer).collect::<Vec<_>>(),
            _ => vec![Pattern::text("*")],
        })
        .collect();
    let mut new_denies: Vec<Pattern> = excludes.clone();
    new.iter().filter(by_deny).for_each(|s| {
        if let Some(Block::Is(list)) = &s.resource {
            new_denies.extend(list.iter().filter_map(inner));
        }
    });
    let shown = |include: &Pattern| {
        let but: Vec<String> = excludes.iter().map(ToString::to_string).collect();
        if but.is_empty() { include.to_string() } else { format!("all but {}", but.join(", ")) }
    };
    let mut found = Vec::new();
    for include in &includes {
        let mut more = More {
            resource: shown(include),
            from: vec![include.clone(), universe.clone()],
            without: without.clone(),
            proved_nothing: true,
            too_large: false,
            text: None,
        };
        let mut tries: Vec<(Vec<Pattern>, &Vec<Pattern>)> = Vec::new();
        let combinations = picks.iter().map(Vec::len).product::<usize>();
        if combinations > PICKS_MAX {
            more.too_large = true;
        } else {
            for n in 0..combinations {
                let mut rest = n;
                let mut from = more.from.clone();
                for pick in &picks {
                    from.push(pick[rest % pick.len()].clone());
                    rest /= pick.len();
                }
                tries.push((from, &without));
            }
        }
        for deny in &denied {
            tries.push((vec![include.clone(), universe.clone(), deny.clone()], &new_denies));
        }
        for (from, without) in tries {
            if *work_left == 0 {
                more.too_large = true;
                break;
            }
            let (from_refs, without_refs): (Vec<&Pattern>, Vec<&Pattern>) = (from.iter().collect(), without.iter().collect());
            match rest_within(&from_refs, &without_refs, work_left) {
                Rest::Nothing => {}
                Rest::TooLarge => more.too_large = true,
                Rest::Text(text) => {
                    more.text = Some(text);
                    (more.from, more.without) = (from, without.clone());
                    break;
                }
            }
        }
        more.proved_nothing = more.text.is_none() && !more.too_large;
        if !more.proved_nothing {
            found.push(more);
        }
    }
    found
}

/// A pattern that matches at least what the resource does.
fn outer(resource: &Resource) -> Pattern {
    match resource {
        Resource::Pattern(pattern) => pattern.clone(),
        Resource::Template(pieces) => Pattern::arn(&widened(pieces)),
    }
}

/// A pattern that matches at most what the resource does; none when nothing is certain.
fn inner(resource: &Resource) -> Option<Pattern> {
    match resource {
        Resource::Pattern(pattern) => Some(pattern.clone()),
        Resource::Template(_) => None,
    }
}

/// Whether a statement is about everybody whom the principal means.
fn covers_principal(statement: &CompiledStatement, principal: &Option<Principal>) -> bool {
    let Some(principal) = principal else { return true };
    match &statement.principal {
        Some(Block::Is(list)) => list.iter().any(|p| p == principal || crate::service::is_everybody(p)),
        _ => false,
    }
}

/// Whether a condition follows from others: one of them is the same with no other values.
fn implied(condition: &CompiledCondition, by: &[CompiledCondition]) -> bool {
    by.iter().any(|other| {
        other.key == condition.key
            && other.operator == condition.operator
            && match condition.operator.map(|o| o.negated) {
                Some(false) => other.values.iter().all(|v| condition.values.iter().any(|w| covers_value(w, v))),
                Some(true) => condition.values.iter().all(|v| other.values.iter().any(|w| covers_value(w, v))),
                None => other.values == condition.values,
            }
    })
}

/// Whether one wanted value admits all that another does.
fn covers_value(wide: &Wanted, narrow: &Wanted) -> bool {
    match (wide, narrow) {
        (Wanted::Like(wide), Wanted::Like(narrow)) => wide.covers(narrow),
        (Wanted::Net(wide), Wanted::Net(narrow)) => wide.covers(narrow),
        _ => wide == narrow,
    }
}

impl More {
    /// A request that the old policy does not allow and the new one does.
    #[expect(clippy::too_many_arguments, reason = "both policies and all coordinates of the class")]
    fn witness(
        &self,
        old: &Both<'_>,
        new: &Both<'_>,
        statement: &CompiledStatement,
        principal: &Option<Principal>,
        class: &Bits,
        side: Side,
        actions: &Actions,
        work_left: &mut usize,
    ) -> (Tri, Option<Request>) {
        let Some(text) = &self.text else { return (Tri::Maybe, None) };
        // Of the class an action that people know, where there is one; with a resource of its type, where that is left.
        let known: Vec<Action> = class.iter().filter(|n| (*n as usize) < actions.len()).map(Action).take(TRIES_MAX).collect();
        let mut tries: Vec<(String, String)> = Vec::new();
        for action in &known {
            for template in actions.resource_arns(*action) {
                let shape = Pattern::arn(&shape_of(template));
                let mut from: Vec<&Pattern> = self.from.iter().collect();
                from.push(&shape);
                if let Rest::Text(text) = rest_within(&from, &self.without.iter().collect::<Vec<_>>(), work_left) {
                    tries.push((actions.name(*action), text));
                }
            }
        }
        let unnamed = || class.iter().next().map(|n| actions.bit_name(n).replace("(other)", "Unlisted")).unwrap_or_default();
        tries.push((known.first().map_or_else(unnamed, |a| actions.name(*a)), text.clone()));
        let caller = match principal {
            None => Caller::Aws("arn:aws:iam::123456789012:user/witness".to_owned()),
            Some(principal) => caller_of(principal),
        };
        for (action, resource) in tries {
            for context in contexts(statement, old, new) {
                let request = Request {
                    action: action.clone(),
                    resource: resource.clone(),
                    resource_account: Some("123456789012".to_owned()),
                    caller: caller.clone(),
                    context,
                };
                let decide = |policy: &Policy| evaluate(&request, &layers(policy, side, principal), actions).decision;
                if decide(new.policy) == Decision::Allowed
                    && matches!(decide(old.policy), Decision::ImplicitlyDenied | Decision::ExplicitlyDenied)
                {
                    return (Tri::Yes, Some(request));
                }
            }
        }
        (Tri::Maybe, None)
    }
}

/// Actions and their resource types that are tried for a witness.
const TRIES_MAX: usize = 6;

/// The policy alone in its place. A caller from another account has what it needs at home.
fn layers(policy: &Policy, side: Side, principal: &Option<Principal>) -> Layers<Policy> {
    let mut layers = Layers::default();
    match side {
        Side::Identity => layers.identity.push(policy.clone()),
        Side::Scp => {
            layers.identity.extend(everything());
            layers.scp.push(vec![policy.clone()]);
        }
        Side::Resource | Side::Rcp => {
            let foreign = principal.as_ref().map(caller_of).is_some_and(|c| c.account().is_some_and(|a| a != "123456789012"));
            if foreign {
                layers.identity.extend(everything());
            }
            layers.resource = Some(policy.clone());
        }
    }
    layers
}

fn everything() -> Option<Policy> {
    crate::policy::parse(r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#).ok()
}

fn caller_of(principal: &Principal) -> Caller {
    match principal {
        Principal::Star => Caller::Anonymous,
        Principal::Of(kind, value) => match kind.as_str() {
            "AWS" if value == "*" => Caller::Anonymous,
            "AWS" if value.len() == 12 && value.bytes().all(|b| b.is_ascii_digit()) => {
                Caller::Aws(format!("arn:aws:iam::{value}:root"))
            }
            "AWS" => Caller::Aws(value.clone()),
            "Service" => Caller::Service(value.clone()),
            _ => Caller::Federated(value.clone()),
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

/// Contexts in which the conditions of a statement hold: as little as it takes, and the same with other keys that the
/// policies ask for set to something that they do not name.
fn contexts(statement: &CompiledStatement, old: &Both<'_>, new: &Both<'_>) -> Vec<Context> {
    let mut wanted: BTreeMap<&str, Given> = BTreeMap::new();
    for condition in &statement.conditions {
        if let Some(given) = satisfying(condition) {
            wanted.insert(&condition.key, given);
        }
    }
    let mut least = Context::default();
    wanted.iter().for_each(|(key, given)| least.set(key, given.clone()));
    let mut filled = least.clone();
    for condition in old.compiled.statements.iter().chain(&new.compiled.statements).flat_map(|s| &s.conditions) {
        if !wanted.contains_key(condition.key.as_str()) {
            filled.set(&condition.key, Given::One("something else".to_owned()));
        }
    }
    vec![least, filled]
}

/// A value with which a condition holds; none when it holds without the key.
fn satisfying(condition: &CompiledCondition) -> Option<Given> {
    let operator = condition.operator?;
    let wanted = condition.values.first()?;
    let text = if operator.negated {
        match operator.test {
            Test::Ip => "192.0.2.255".to_owned(),
            Test::Arn => "arn:aws:none:::nobody".to_owned(),
            Test::Number(_) | Test::Date(_) => "1234567".to_owned(),
            _ => "something else".to_owned(),
        }
    } else {
        match wanted {
            Wanted::Text(text) | Wanted::Folded(text) => text.clone(),
            Wanted::Like(pattern) => {
                let example = pattern.example();
                if example.is_empty() { "x".to_owned() } else { example }
            }
            Wanted::Number(order, n) | Wanted::Date(order, n) => match order {
                Order::Equal | Order::LessEqual | Order::GreaterEqual => format!("{n}"),
                Order::Less => format!("{}", n - 1.0),
                Order::Greater => format!("{}", n + 1.0),
            },
            Wanted::Net(net) => net.first().to_string(),
            Wanted::Absent(true) => return None,
            Wanted::Absent(false) => "x".to_owned(),
            Wanted::Template(..) | Wanted::Nothing => return None,
        }
    };
    Some(if operator.set == Set::None { Given::One(text) } else { Given::Many(vec![text]) })
}

/// Actions for people: whole services as `s3:*`, others by name, at most so many.
///
/// ```
/// use bartizan_iam::{Actions, actions_text};
/// let actions = Actions::builtin();
/// assert_eq!(actions_text(&actions.matching("iam:PassRole"), actions, 3), "iam:PassRole");
/// assert_eq!(actions_text(&actions.matching("s3:*"), actions, 3), "s3:*");
/// ```
pub fn actions_text(set: &Bits, actions: &Actions, names_max: usize) -> String {
    if *set == actions.all() {
        return "*".to_owned();
    }
    let mut left = set.clone();
    let mut words = Vec::new();
    for service in actions.services() {
        let whole = actions.matching(&format!("{service}:*"));
        if left.covers(&whole) {
            left = left.difference(&whole);
            words.push(format!("{service}:*"));
        }
    }
    let rest = left.len();
    let room = names_max.saturating_sub(words.len());
    let names: Vec<String> = left.iter().take(room).map(|n| actions.bit_name(n)).collect();
    let (whole, shown) = (words.len().saturating_sub(names_max), rest.saturating_sub(names.len()));
    words.truncate(names_max);
    words.extend(names);
    let more = whole + shown;
    if more > 0 { format!("{} and {more} more", words.join(", ")) } else { words.join(", ") }
}
