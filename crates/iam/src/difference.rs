//! What one policy allows that another does not: as classes, each with a request that shows it.
//!
//! Actions are taken together that the same statements are about; within such a class resources are languages, and what
//! one leaves of the other is decided exactly. Two steps, for each statement that allows:
//!
//! 1. Proof ([`proof`]): what it allows is allowed by the other policy, whatever the request holds. A variable is a symbol
//!    there, equal to itself; a condition follows from one that asks as much or more.
//! 2. Trial ([`trial`]): otherwise every sort of request is tried. Of each condition key the values that the policies can
//!    tell apart are few, so that all of them, together, are either a proof too, or hold a request that shows the
//!    difference. The reference evaluator checks it: it is denied by one policy and allowed by the other.
//!
//! `may` is left for what neither decides: statements that are not understood, or more than can be tried.

mod condition;
mod proof;
mod trial;

use crate::actions::{Action, Actions};
use crate::bits::Bits;
use crate::engine::{Compiled, CompiledStatement, Compiler, StatementEffect, ResourcePattern, widened};
use crate::pattern::{Pattern, Rest, VARIABLES, rest_within};
use crate::policy::{Block, Policy, Principal};
use crate::arn::Arn;
use crate::request::{Request, PolicySide};
use crate::service::is_everybody;
use crate::tri::Tri;
use crate::value::Piece;

/// A class of requests that one of the policies allows and the other does not.
///
/// ```
/// use bartizan_iam::{Actions, PolicySide, Tri, difference, parse};
/// let policy = |actions: &str| {
///     parse(&format!(r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "{actions}", "Resource": "*"}}}}"#))
/// };
/// let found = difference(&policy("s3:Get*")?, &policy("s3:*")?, PolicySide::Identity, Actions::builtin());
/// let gained = &found.gained[0];
/// assert_eq!((gained.resource.as_str(), gained.verdict), ("*", Tri::Yes));
/// // The reference evaluator denies it by the old policy and allows it by the new one.
/// assert!(gained.witness.as_ref().unwrap().action.starts_with("s3:"));
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessClass {
    /// The actions.
    pub actions: Bits,
    /// The resources, as the policy has them: a pattern, or `all but` some.
    pub resource: String,
    /// For whom, in a policy of a resource.
    pub principal: Option<String>,
    /// Under which conditions.
    pub conditions: Vec<String>,
    /// The keys of these conditions, in lower case.
    pub keys: Vec<String>,
    /// Statement that allows it, from 0.
    pub statement: usize,
    /// Yes: the witness shows it. Maybe: it could not be shown, nor ruled out.
    pub verdict: Tri,
    /// A request that one allows and the other does not.
    pub witness: Option<Request>,
}

impl AccessClass {
    /// Keys of the conditions that the witness does not have, which is what makes the difference or does not matter:
    /// `aws:multifactorauthpresent`, in lower case.
    pub fn absent<'a>(&'a self, witness: &'a Request) -> impl Iterator<Item = &'a str> {
        self.keys.iter().map(String::as_str).filter(|key| witness.context.iter().all(|(known, _)| known != *key))
    }
}

/// The difference of two policies.
///
/// ```
/// use bartizan_iam::{Actions, PolicySide, difference, parse};
/// let policy = |actions: &str| {
///     parse(&format!(r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "{actions}", "Resource": "*"}}}}"#))
/// };
/// let found = difference(&policy("s3:Get*")?, &policy("s3:*")?, PolicySide::Identity, Actions::builtin());
/// assert!(!found.grants_nothing_new() && found.lost.is_empty());
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// What the new one allows and the old one does not.
    pub gained: Vec<AccessClass>,
    /// The reverse.
    pub lost: Vec<AccessClass>,
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
/// use bartizan_iam::{Actions, PolicySide, Tri, difference, parse};
/// let policy = |resource: &str| {
///     parse(&format!(r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "{resource}"}}}}"#))
/// };
/// let (old, new) = (policy("arn:aws:s3:::logs/*")?, policy("arn:aws:s3:::logs*")?);
/// let found = difference(&old, &new, PolicySide::Identity, Actions::builtin());
/// assert_eq!((found.gained[0].verdict, found.lost.len()), (Tri::Yes, 0));
/// assert!(found.gained[0].witness.is_some());
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
pub fn difference(old: &Policy, new: &Policy, side: PolicySide, actions: &Actions) -> Difference {
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
    fn new(policy: &'p Policy, side: PolicySide, compiler: &mut Compiler<'_>) -> Self {
        Self { policy, compiled: compiler.compile(policy, side) }
    }
}

/// Work of all automata together in one comparison (see [`crate::rest_of`]); what is left then is a `may`.
const WORK_MAX: usize = 2_000_000;

/// Ways to pick one exception of each statement with NotResource that are tried.
const PICKS_MAX: usize = 64;

fn gained(old: &Both<'_>, new: &Both<'_>, side: PolicySide, actions: &Actions) -> Vec<AccessClass> {
    let statements: Vec<&CompiledStatement> = old.compiled.statements.iter().chain(&new.compiled.statements).collect();
    let symbols = Symbols::of(&statements);
    let mut found: Vec<AccessClass> = Vec::new();
    let mut work_left = WORK_MAX;
    for class in partition(&statements, actions) {
        let first = class.iter().next().unwrap_or_default();
        let of = |both: &Both<'_>| -> Vec<usize> {
            both.compiled.statements.iter().enumerate().filter(|(_, s)| s.actions.contains(first)).map(|(n, _)| n).collect()
        };
        let (of_old, of_new) = (of(old), of(new));
        let bare = (first as usize) < actions.len() && actions.is_wildcard_only(Action(first));
        let universe = if bare { Pattern::exact("*") } else { Pattern::arn("arn:*:*:*:*:*") };
        let pair = Pair { old, new, of_old: &of_old, of_new: &of_new, universe, class: &class, side, actions, symbols: &symbols };
        for &n in &of_new {
            let statement = &new.compiled.statements[n];
            if statement.effect == StatementEffect::Deny {
                continue;
            }
            for whom in whom(statement, side) {
                for (resource, include) in includes(statement) {
                    if work_left == 0 {
                        found.push(undecided(new, n));
                        return found;
                    }
                    let one = One { number: n, statement, whom: &whom, include: include.as_ref() };
                    if proof::is_covered(&pair, &one, &mut work_left) {
                        continue;
                    }
                    let (verdict, witness) = match trial::run(&pair, &one, &mut work_left) {
                        Trial::Nothing => continue,
                        Trial::Open => (Tri::Maybe, None),
                        Trial::Shown(request) => (Tri::Yes, Some(request)),
                    };
                    let conditions: Vec<String> = statement.conditions.iter().map(|c| c.text.clone()).collect();
                    let principal = whom.text();
                    // The same access by other actions is one class.
                    let same = |c: &&mut AccessClass| {
                        c.statement == n && c.resource == resource && c.principal == principal && c.verdict == verdict
                    };
                    match found.iter_mut().find(same) {
                        Some(known) => known.actions = known.actions.union(&class),
                        None => found.push(AccessClass {
                            actions: class.clone(),
                            resource,
                            principal,
                            conditions,
                            keys: statement.conditions.iter().map(|c| c.key.clone()).collect(),
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

/// Two policies, and what is asked of them: a class of actions.
struct Pair<'a> {
    old: &'a Both<'a>,
    new: &'a Both<'a>,
    /// Numbers of the statements that are about the class.
    of_old: &'a [usize],
    of_new: &'a [usize],
    /// The resources that the actions may be about.
    universe: Pattern,
    class: &'a Bits,
    side: PolicySide,
    actions: &'a Actions,
    symbols: &'a Symbols,
}

impl<'a> Pair<'a> {
    fn old_statements(&self) -> impl Iterator<Item = (usize, &'a CompiledStatement)> {
        let (numbers, old) = (self.of_old, self.old);
        numbers.iter().map(move |n| (*n, &old.compiled.statements[*n]))
    }

    fn new_statements(&self) -> impl Iterator<Item = (usize, &'a CompiledStatement)> {
        let (numbers, new) = (self.of_new, self.new);
        numbers.iter().map(move |n| (*n, &new.compiled.statements[*n]))
    }
}

/// What a statement of the new policy allows: to somebody, on one of its resources.
struct One<'a> {
    number: usize,
    statement: &'a CompiledStatement,
    whom: &'a Whom,
    /// None: on everything but what the statement leaves out.
    include: Option<&'a ResourcePattern>,
}

/// What trying every sort of request comes to.
enum Trial {
    /// Nothing is new: proved.
    Nothing,
    /// This request is.
    Shown(Request),
    /// Neither could be said.
    Open,
}

/// Resources of a statement one by one, as they are shown and as they are.
fn includes(statement: &CompiledStatement) -> Vec<(String, Option<ResourcePattern>)> {
    match &statement.resource {
        None => vec![("*".to_owned(), None)],
        Some(Block::Is(list)) => list.iter().map(|r| (outer(r).to_string(), Some(r.clone()))).collect(),
        Some(Block::Not(_)) if statement.is_without_resource => vec![("*".to_owned(), None)],
        Some(Block::Not(list)) => {
            let but: Vec<String> = list.iter().map(|r| outer(r).to_string()).collect();
            let all = if but.is_empty() { "*".to_owned() } else { format!("all but {}", but.join(", ")) };
            vec![(all, None)]
        }
    }
}

/// Variables of the policies by number.
struct Symbols {
    known: Vec<(String, Option<String>)>,
    /// Whether a policy has letters that would be taken for variables: then none is.
    is_taken: bool,
}

impl Symbols {
    fn of(statements: &[&CompiledStatement]) -> Self {
        let (mut known, mut is_taken) = (Vec::new(), false);
        for statement in statements {
            let (Some(Block::Is(list)) | Some(Block::Not(list))) = &statement.resource else { continue };
            for resource in list {
                match resource {
                    ResourcePattern::Pattern(pattern) => is_taken |= pattern.has(&VARIABLES),
                    ResourcePattern::Template(pieces) => {
                        for piece in pieces {
                            match piece {
                                Piece::Letter(letter, _) => is_taken |= VARIABLES.contains(letter),
                                Piece::Variable(key, default) => {
                                    let one = (key.clone(), default.clone());
                                    if !known.contains(&one) {
                                        known.push(one);
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        is_taken |= known.len() >= SYMBOLS_MAX;
        Self { known, is_taken }
    }

    /// The pattern of a resource with a letter in place of each variable; none where that cannot be told.
    fn pattern(&self, resource: &ResourcePattern) -> Option<Pattern> {
        let pieces = match resource {
            ResourcePattern::Pattern(pattern) => return Some(pattern.clone()),
            ResourcePattern::Template(_) if self.is_taken => return None,
            ResourcePattern::Template(pieces) => pieces,
        };
        let letter = |piece: &Piece| match piece {
            Piece::Letter(letter, wild) => Some((*letter, *wild && matches!(letter, '*' | '?'))),
            Piece::Variable(key, default) => {
                let number = self.known.iter().position(|(k, d)| k == key && d == default)?;
                Some((char::from_u32(VARIABLES.start as u32 + u32::try_from(number).ok()?)?, false))
            }
        };
        let letters: Option<Vec<_>> = pieces.iter().map(letter).collect();
        Some(Pattern::arn_of(letters?.into_iter()))
    }
}

/// Variables of two policies that are told apart.
const SYMBOLS_MAX: usize = 10_000;

/// A pattern that matches at least what the resource does.
fn outer(resource: &ResourcePattern) -> Pattern {
    match resource {
        ResourcePattern::Pattern(pattern) => pattern.clone(),
        ResourcePattern::Template(pieces) => Pattern::arn(&widened(pieces)),
    }
}

/// What is left of `from` when `without` is taken away, and all but one of each of `picks`: the complements that
/// `NotResource` takes away.
fn left(from: &[&Pattern], without: &[&Pattern], picks: &[Vec<Pattern>], work_left: &mut usize) -> Rest {
    let combinations = picks.iter().try_fold(1usize, |all, p| all.checked_mul(p.len()).filter(|n| *n <= PICKS_MAX));
    let Some(combinations) = combinations else { return Rest::TooLarge };
    let mut answer = Rest::Nothing;
    for n in 0..combinations {
        if *work_left == 0 {
            return Rest::TooLarge;
        }
        let (mut rest, mut from) = (n, from.to_vec());
        for pick in picks {
            from.push(&pick[rest % pick.len()]);
            rest /= pick.len();
        }
        match rest_within(&from, without, work_left) {
            Rest::Nothing => {}
            Rest::TooLarge => answer = Rest::TooLarge,
            text @ Rest::Text(_) => return text,
        }
    }
    answer
}

/// What stands for all that was not compared, from this statement on: whatever the policy allows may be new.
fn undecided(new: &Both<'_>, statement: usize) -> AccessClass {
    let allows = new.compiled.statements.iter().filter(|s| s.effect != StatementEffect::Deny);
    AccessClass {
        actions: allows.fold(Bits::default(), |all, s| all.union(&s.actions)),
        resource: "more than can be compared".to_owned(),
        principal: None,
        conditions: Vec::new(),
        keys: Vec::new(),
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

/// For whom a statement is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Whom {
    /// For him who has the policy.
    RoleConsumer,
    /// For a principal.
    One(Principal),
    /// `NotPrincipal`: for everybody else.
    AllBut(Vec<Principal>),
}

impl Whom {
    fn text(&self) -> Option<String> {
        match self {
            Self::RoleConsumer => None,
            Self::One(principal) => Some(principal_text(principal)),
            Self::AllBut(list) => Some(format!("anybody but {}", list.iter().map(principal_text).collect::<Vec<_>>().join(", "))),
        }
    }

    /// Whether a principal element names all of these. What is not certain is no.
    fn is_within(&self, element: &Option<Block<Vec<Principal>>>) -> bool {
        match (self, element) {
            (Self::RoleConsumer, _) => true,
            (_, None) => false,
            (Self::One(one), Some(Block::Is(list))) => list.iter().any(|p| is_named_by(one, p)),
            (Self::One(one), Some(Block::Not(list))) => list.iter().all(|p| is_apart(one, p)),
            (Self::AllBut(_), Some(Block::Is(list))) => list.iter().any(is_everybody),
            // Who is left out there is left out here.
            (Self::AllBut(own), Some(Block::Not(list))) => list.iter().all(|p| own.iter().any(|o| is_same(o, p))),
        }
    }
}

/// Those for whom a statement is, one by one.
fn whom(statement: &CompiledStatement, side: PolicySide) -> Vec<Whom> {
    match (side, &statement.principal) {
        (PolicySide::Identity | PolicySide::Scp, _) => vec![Whom::RoleConsumer],
        (_, Some(Block::Is(list))) => list.iter().cloned().map(Whom::One).collect(),
        (_, Some(Block::Not(list))) => vec![Whom::AllBut(list.clone())],
        (_, None) => Vec::new(),
    }
}

/// The account that a principal stands for: its id and the ARN of its root are one (IAM user guide, "Principal").
fn account_of(principal: &Principal) -> Option<&str> {
    let Principal::Of(kind, value) = principal else { return None };
    let is_id = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if kind != "AWS" {
        return None;
    }
    if is_id(value) {
        return Some(value);
    }
    Arn::parse(value).filter(|a| a.service == "iam" && a.resource == "root" && is_id(a.account)).map(|a| a.account)
}

fn is_same(a: &Principal, b: &Principal) -> bool {
    a == b || (is_everybody(a) && is_everybody(b)) || account_of(a).is_some_and(|account| account_of(b) == Some(account))
}

/// Whether whoever is `one` is named by `by` as well: the same, everybody, or its account. The resource of a comparison is
/// in another account than all of its principals, where naming an account is as good as naming its users.
fn is_named_by(one: &Principal, by: &Principal) -> bool {
    is_same(one, by) || is_everybody(by) || account_of(by).is_some_and(|account| aws_account(one) == Some(account))
}

/// Whether two principals have nobody in common.
fn is_apart(a: &Principal, b: &Principal) -> bool {
    match (a, b) {
        (Principal::Of(x, own), Principal::Of(y, other)) => {
            let known = |kind: &str| matches!(kind, "AWS" | "Service" | "Federated");
            let both = known(x) && known(y) && !is_everybody(a) && !is_everybody(b);
            match (aws_account(a), aws_account(b)) {
                _ if !both => false,
                (Some(one), Some(two)) => one != two,
                _ => x != y || own != other && x != "AWS",
            }
        }
        _ => false,
    }
}

/// Account of a principal of an account.
fn aws_account(principal: &Principal) -> Option<&str> {
    let Principal::Of(kind, value) = principal else { return None };
    account_of(principal).or_else(|| Arn::parse(value).filter(|_| kind == "AWS").map(|a| a.account))
}

fn principal_text(principal: &Principal) -> String {
    match principal {
        Principal::Star => "anybody".to_owned(),
        Principal::Of(kind, value) if kind == "AWS" && value == "*" => "anybody".to_owned(),
        Principal::Of(kind, value) if kind == "AWS" => account_of(principal).unwrap_or(value).to_owned(),
        Principal::Of(kind, value) => format!("{kind} {value}"),
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
