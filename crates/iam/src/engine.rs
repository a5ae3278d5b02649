//! The evaluator that programs use: policies are compiled once, then each request costs a few bit tests.
//!
//! Everything that can be worked out before a request is known is: actions become bits, patterns tokens, operators and
//! values numbers and networks. What it decides is what [`crate::evaluate`] decides, which tests compare.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;

use crate::actions::{Action, Actions};
use crate::arn::{Arn, is_unique_id};
use crate::bits::Bits;
use crate::pattern::Pattern;
use crate::policy::{Block, Condition, Policy, Principal, Statement};
use crate::request::{Answer, Because, Caller, CallerKind, Context, Decision, Given, Known, Layer, Layers, Request, Side, starts};
use crate::service;
use crate::tri::Tri;
use crate::value::{Cidr, Operator, Order, Piece, Set, Test, date, number, pieces};

/// A policy, ready for requests.
///
/// ```
/// use bartizan_iam::{Actions, Compiler, Side, parse};
/// let policy = parse(r#"{"Version": "2012-10-17", "Statement": {"Sid": "Read", "Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}"#)?;
/// let compiled = Compiler::new(Actions::builtin()).compile(&policy, Side::Identity);
/// assert_eq!((compiled.sid(0), compiled.not_understood), (Some("Read"), 0));
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Debug)]
pub struct Compiled {
    pub(crate) statements: Vec<CompiledStatement>,
    /// Statements that are not wholly understood: what they touch is unknown.
    pub not_understood: usize,
    /// Patterns of actions that name nothing in the table: decided by their text, in no set.
    pub actions_unlisted: usize,
    /// S3 would call it public.
    is_public: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Allow,
    Deny,
    /// Neither word.
    Other,
}

#[derive(Debug)]
pub(crate) struct CompiledStatement {
    pub(crate) sid: Option<String>,
    pub(crate) effect: Effect,
    /// Whether every element of it is known.
    pub(crate) understood: bool,
    /// The actions it is about; `NotAction` is a complement.
    pub(crate) actions: Bits,
    /// Patterns for actions that the table does not know: service, name.
    pub(crate) unlisted: Block<Vec<(String, Pattern)>>,
    pub(crate) resource: Option<Block<Vec<Resource>>>,
    pub(crate) principal: Option<Block<Vec<Principal>>>,
    pub(crate) conditions: Vec<CompiledCondition>,
    /// Of a resource, and without Resource: as trust policies are.
    pub(crate) is_without_resource: bool,
    /// Of a resource, and without Action: it does nothing in the policy of a key, and is not understood elsewhere.
    lacks_action: bool,
}

/// A pattern over ARNs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Resource {
    Pattern(Pattern),
    /// With variables: known when the request is.
    Template(Vec<Piece>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CompiledCondition {
    /// As it reads aloud: `aws:SourceIp IpAddress 203.0.113.0/24`.
    pub(crate) text: String,
    /// In lower case.
    pub(crate) key: String,
    /// None: there is no such operator.
    pub(crate) operator: Option<Operator>,
    pub(crate) values: Vec<Wanted>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Wanted {
    Text(String),
    Folded(String),
    Like(Pattern),
    Number(Order, f64),
    Date(Order, f64),
    Net(Cidr),
    Absent(bool),
    /// With variables.
    Template(Test, Vec<Piece>),
    /// Of a wrong type: matches nothing.
    Nothing,
}

/// Compiles policies. It remembers what each pattern of actions means, as accounts repeat a few thousand of them.
///
/// ```
/// use bartizan_iam::{Actions, Compiler, Side, parse};
/// let mut compiler = Compiler::new(Actions::builtin());
/// // An effect that AWS does not know: kept, counted, and never a quiet no.
/// let odd = parse(r#"{"Version": "2012-10-17", "Statement": {"Effect": "Perhaps", "Action": "*", "Resource": "*"}}"#)?;
/// assert_eq!(compiler.compile(&odd, Side::Identity).not_understood, 1);
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
pub struct Compiler<'a> {
    actions: &'a Actions,
    sets: HashMap<String, Bits>,
}

/// Patterns that a compiler remembers.
const SETS_MAX: usize = 50_000;

impl<'a> Compiler<'a> {
    /// A compiler for a table of actions.
    pub fn new(actions: &'a Actions) -> Self {
        Self { actions, sets: HashMap::new() }
    }

    /// Compiles a policy for the place where it stands.
    ///
    /// ```
    /// use bartizan_iam::{Actions, Caller, Compiled, Compiler, Context, Decision, Layers, Request, Side, parse};
    /// let actions = Actions::builtin();
    /// let policy = parse(r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}}"#)?;
    /// let policy = Compiler::new(actions).compile(&policy, Side::Identity);
    /// let request = Request {
    ///     action: "s3:GetObject".into(),
    ///     resource: "arn:aws:s3:::bucket/key".into(),
    ///     resource_account: Some("123456789012".into()),
    ///     caller: Caller::Aws("arn:aws:iam::123456789012:user/alice".into()),
    ///     context: Context::default(),
    /// };
    /// let layers = Layers { identity: vec![&policy], ..Layers::default() };
    /// assert_eq!(Compiled::evaluate(&request, &layers, actions).decision, Decision::Allowed);
    /// # Ok::<(), bartizan_iam::PolicyError>(())
    /// ```
    pub fn compile(&mut self, policy: &Policy, side: Side) -> Compiled {
        let known = policy.unknown.is_empty() && policy.is_version_known();
        let statements: Vec<_> =
            policy.statements.iter().map(|s| self.statement(s, policy.version == "2012-10-17", known, side)).collect();
        let not_understood = statements.iter().filter(|s| !s.is_understood()).count();
        let mut actions_unlisted = 0;
        for statement in &policy.statements {
            if let Some(Block::Is(list) | Block::Not(list)) = &statement.action {
                actions_unlisted += list.iter().filter(|a| self.set(std::slice::from_ref(*a)).is_empty()).count();
            }
        }
        Compiled { statements, not_understood, actions_unlisted, is_public: service::is_public_bucket_policy(policy) }
    }

    /// The actions that some patterns mean.
    pub(crate) fn set(&mut self, patterns: &[String]) -> Bits {
        let mut all = Bits::default();
        for pattern in patterns {
            if self.sets.len() >= SETS_MAX {
                self.sets.clear();
            }
            let set = match self.sets.get(pattern) {
                Some(set) => set,
                None => self.sets.entry(pattern.clone()).or_insert_with(|| self.actions.matching(pattern)),
            };
            all = if all.is_empty() { set.clone() } else { all.union(set) };
        }
        all
    }
}

impl Compiled {
    /// `Sid` of a statement.
    pub fn sid(&self, statement: usize) -> Option<&str> {
        self.statements.get(statement)?.sid.as_deref()
    }

    /// Decides one request.
    pub fn evaluate(request: &Request, layers: &Layers<&Compiled>, actions: &Actions) -> Answer {
        let mut request = request.clone();
        let action = actions.find(&request.action);
        request.complete_for(action, actions);
        Self::decide(&request, layers, action, actions)
    }

    /// The same for a request that [`Request::complete`] has seen.
    pub fn evaluate_complete(request: &Request, layers: &Layers<&Compiled>, actions: &Actions) -> Answer {
        Self::decide(request, layers, actions.find(&request.action), actions)
    }

    fn decide(request: &Request, layers: &Layers<&Compiled>, action: Option<Action>, actions: &Actions) -> Answer {
        if let Some(answer) = service::always(request) {
            return answer;
        }
        Asked::of(request, !layers.boundary.is_empty(), action, actions).decide(layers, actions)
    }
}

impl Compiler<'_> {
    fn statement(&mut self, statement: &Statement, variables: bool, known: bool, side: Side) -> CompiledStatement {
        let patterns = |list: &[String]| -> Vec<(String, Pattern)> {
            let lower = list.iter().map(|a| a.to_ascii_lowercase());
            let pair = |a: String| match a.as_str() {
                "*" | "*:*" => Some(("*".to_owned(), Pattern::text("*"))),
                _ => a.split_once(':').map(|(service, name)| (service.to_owned(), Pattern::text(name))),
            };
            lower.filter_map(pair).collect()
        };
        let (set, unlisted) = match &statement.action {
            None => (Bits::default(), Block::Is(Vec::new())),
            Some(Block::Is(list)) => (self.set(list), Block::Is(patterns(list))),
            Some(Block::Not(list)) => (self.actions.all().difference(&self.set(list)), Block::Not(patterns(list))),
        };
        let resources = |list: &Vec<String>| list.iter().filter_map(|r| Resource::new(r, variables, side)).collect();
        CompiledStatement {
            sid: statement.sid.clone(),
            effect: match statement.effect.as_str() {
                "Allow" => Effect::Allow,
                "Deny" => Effect::Deny,
                _ => Effect::Other,
            },
            understood: known && statement.unknown.is_empty() && statement.action.is_some(),
            actions: if statement.action.is_some() { set } else { self.actions.all() },
            unlisted: if statement.action.is_some() { unlisted } else { Block::Not(Vec::new()) },
            resource: match &statement.resource {
                // In the policy of a key such a statement does nothing; policies of roles and repositories have no Resource.
                None if side == Side::Resource => Some(Block::Not(vec![Resource::Pattern(Pattern::arn(KEYS))])),
                None => None,
                Some(Block::Is(list)) => Some(Block::Is(resources(list))),
                Some(Block::Not(list)) => Some(Block::Not(resources(list))),
            },
            principal: match side {
                Side::Identity | Side::Scp => Some(Block::Is(vec![Principal::Star])),
                Side::Resource | Side::Rcp => statement.principal.clone(),
            },
            conditions: statement.conditions.iter().map(|c| CompiledCondition::new(c, variables)).collect(),
            is_without_resource: side == Side::Resource && statement.resource.is_none(),
            lacks_action: side == Side::Resource && statement.action.is_none(),
        }
    }
}

/// Every KMS key.
const KEYS: &str = "arn:*:kms:*:*:key/*";

impl CompiledStatement {
    /// Whether resource and conditions fit; what is not understood may.
    pub(crate) fn applies_to(&self, resource: &str, context: &Context) -> Tri {
        let any =
            |list: &[Resource]| list.iter().fold(Tri::No, |v, r| if v == Tri::Yes { v } else { v.or(r.holds(resource, context)) });
        let mut verdict = match &self.resource {
            None => Tri::Maybe,
            Some(Block::Is(list)) => any(list),
            Some(Block::Not(list)) => any(list).not(),
        };
        if self.lacks_action && service::is_key(resource) {
            return Tri::No;
        }
        for condition in &self.conditions {
            if verdict == Tri::No {
                break;
            }
            verdict = verdict.and(condition.holds(context));
        }
        if self.understood { verdict } else { verdict.and(Tri::Maybe) }
    }

    /// Whether it is about an action that the table does not know, in lower case.
    pub(crate) fn is_about_unlisted(&self, service: &str, name: &str) -> bool {
        let any = |list: &[(String, Pattern)]| list.iter().any(|(s, n)| (s == "*" || s == service) && n.matches(name));
        match &self.unlisted {
            Block::Is(list) => any(list),
            Block::Not(list) => !any(list),
        }
    }

    /// Whether a resource in it hangs on the request.
    pub(crate) fn has_templates(&self) -> bool {
        let (Some(Block::Is(list)) | Some(Block::Not(list))) = &self.resource else { return false };
        list.iter().any(|r| matches!(r, Resource::Template(_)))
    }

    pub(crate) fn is_understood(&self) -> bool {
        let principals = match &self.principal {
            None => &[][..],
            Some(Block::Is(list) | Block::Not(list)) => list,
        };
        self.understood
            && self.effect != Effect::Other
            && self.resource.is_some()
            && self.conditions.iter().all(|c| c.operator.is_some())
            && principals.iter().all(is_known_kind)
            && !(self.is_without_resource && matches!(self.principal, Some(Block::Not(_))))
    }
}

fn is_known_kind(principal: &Principal) -> bool {
    match principal {
        Principal::Star => true,
        Principal::Of(kind, _) => matches!(kind.as_str(), "AWS" | "Service" | "Federated"),
    }
}

impl Resource {
    /// None: a text that means no resource in this place.
    fn new(text: &str, variables: bool, side: Side) -> Option<Self> {
        let mut colons = 0;
        for piece in pieces(text, variables) {
            match piece {
                Piece::Letter(':', _) => colons += 1,
                // AWS fills variables behind the fifth colon only ("IAM policy elements: variables and tags"); before it
                // they are letters, which are in no ARN.
                Piece::Variable(..) | Piece::Letter(_, false) if colons < 5 => return None,
                _ => {}
            }
        }
        let segments = (colons + 1).min(6);
        let mut text = Cow::Borrowed(text);
        if text != "*" && segments < 6 {
            let filled = match side {
                Side::Identity => true,
                Side::Resource => text.contains('*'),
                Side::Scp => text.ends_with('*'),
                Side::Rcp => false,
            };
            if !filled {
                return None;
            }
            for _ in segments..6 {
                text.to_mut().push_str(":*");
            }
        }
        let pieces = pieces(&text, variables);
        if pieces.iter().any(|p| matches!(p, Piece::Variable(..))) {
            return Some(Self::Template(pieces));
        }
        Some(Self::Pattern(Pattern::arn_of(letters(&pieces))))
    }

    fn holds(&self, resource: &str, context: &Context) -> Tri {
        match self {
            Self::Pattern(pattern) => Tri::from(pattern.matches(resource)),
            Self::Template(pieces) => match filled(pieces, context) {
                Filled::With(letters) => Tri::from(Pattern::arn_of(letters.into_iter()).matches(resource)),
                Filled::Unknown => Tri::Maybe,
                Filled::Missing => Tri::No,
            },
        }
    }
}

fn letters(pieces: &[Piece]) -> impl Iterator<Item = (char, bool)> {
    pieces.iter().filter_map(|p| match p {
        Piece::Letter(letter, wild) => Some((*letter, *wild && matches!(letter, '*' | '?'))),
        Piece::Variable(..) => None,
    })
}

/// A template with anything in place of its variables.
pub(crate) fn widened(pieces: &[Piece]) -> String {
    pieces.iter().map(|p| if let Piece::Letter(letter, _) = p { *letter } else { '*' }).collect()
}

pub(crate) enum Filled {
    With(Vec<(char, bool)>),
    Missing,
    Unknown,
}

pub(crate) fn filled(pieces: &[Piece], context: &Context) -> Filled {
    let mut out = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece {
            Piece::Letter(letter, wild) => out.push((*letter, *wild && matches!(letter, '*' | '?'))),
            Piece::Variable(key, default) => match (context.get(key), default) {
                (Known::Is(Given::One(value)), _) => out.extend(value.chars().map(|l| (l, false))),
                (Known::Unknown, _) => return Filled::Unknown,
                (_, Some(default)) => out.extend(default.chars().map(|l| (l, false))),
                _ => return Filled::Missing,
            },
        }
    }
    Filled::With(out)
}

impl CompiledCondition {
    fn new(condition: &Condition, variables: bool) -> Self {
        let operator = Operator::parse(&condition.operator);
        let wanted = |value: &String| {
            let test = operator.map_or(Test::Null, |o| o.test);
            let pieces = pieces(value, variables);
            if test != Test::Null && pieces.iter().any(|p| matches!(p, Piece::Variable(..))) {
                return Wanted::Template(test, pieces);
            }
            Wanted::new(test, letters(&pieces).map(|(l, _)| l).collect(), || letters(&pieces).collect())
        };
        let values = condition.values.iter().map(wanted).collect();
        let text = format!("{} {} {}", condition.key, condition.operator, condition.values.join("|"));
        Self { text, key: condition.key.to_ascii_lowercase(), operator, values }
    }

    /// Whether it holds.
    pub(crate) fn holds(&self, context: &Context) -> Tri {
        let Some(operator) = self.operator else { return Tri::Maybe };
        let known = context.get(&self.key);
        let given = match known {
            Known::Unknown => return Tri::Maybe,
            Known::Absent => None,
            Known::Is(given) => Some(given),
        };
        if operator.test == Test::Null {
            return Tri::from(self.values.contains(&Wanted::Absent(given.is_none())));
        }
        let one = |value: &String| {
            let mut any = Tri::No;
            for wanted in &self.values {
                any = any.or(wanted.is(value, context));
                if any == Tri::Yes {
                    break;
                }
            }
            if operator.negated { any.not() } else { any }
        };
        match (given, operator.set) {
            (None, Set::Any) => Tri::from(operator.if_exists),
            (None, Set::All) => Tri::Yes,
            (None, Set::None) => Tri::from(operator.if_exists || operator.negated),
            (Some(Given::One(value)), _) => one(value),
            (Some(Given::Many(values)), Set::All) => values.iter().fold(Tri::Yes, |v, value| v.and(one(value))),
            (Some(Given::Many(values)), Set::Any) => values.iter().fold(Tri::No, |v, value| v.or(one(value))),
            (Some(Given::Many(_)), Set::None) => Tri::No,
        }
    }
}

impl Wanted {
    fn new(test: Test, text: String, letters: impl FnOnce() -> Vec<(char, bool)>) -> Self {
        match test {
            Test::Equals | Test::Binary => Self::Text(text),
            Test::EqualsIgnoreCase | Test::Bool => Self::Folded(text.to_lowercase()),
            Test::Like => Self::Like(Pattern::text_of(letters().into_iter())),
            Test::Number(order) => number(&text).map_or(Self::Nothing, |n| Self::Number(order, n)),
            Test::Date(order) => date(&text).map_or(Self::Nothing, |n| Self::Date(order, n)),
            Test::Ip => Cidr::parse(&text).map_or(Self::Nothing, Self::Net),
            Test::Arn if is_arn(&text) => Self::Like(Pattern::arn_of(letters().into_iter())),
            Test::Arn => Self::Nothing,
            Test::Null if text.eq_ignore_ascii_case("true") => Self::Absent(true),
            Test::Null if text.eq_ignore_ascii_case("false") => Self::Absent(false),
            Test::Null => Self::Nothing,
        }
    }

    fn is(&self, value: &str, context: &Context) -> Tri {
        Tri::from(match self {
            Self::Text(text) => text == value,
            Self::Folded(text) => value.to_lowercase() == *text,
            Self::Like(pattern) => pattern.matches(value),
            Self::Number(order, wanted) => number(value).is_some_and(|n| order.holds(n, *wanted)),
            Self::Date(order, wanted) => date(value).is_some_and(|n| order.holds(n, *wanted)),
            Self::Net(net) => value.parse::<IpAddr>().is_ok_and(|ip| net.holds(ip)),
            Self::Absent(_) | Self::Nothing => false,
            Self::Template(test, pieces) => match filled(pieces, context) {
                Filled::With(letters) => {
                    let text = letters.iter().map(|(l, _)| *l).collect();
                    return Self::new(*test, text, || letters).is(value, context);
                }
                Filled::Missing => false,
                Filled::Unknown => return Tri::Maybe,
            },
        })
    }
}

fn is_arn(text: &str) -> bool {
    text.starts_with("arn:") && text.splitn(6, ':').count() == 6
}

/// A request as statements see it.
pub(crate) struct Asked<'a> {
    request: &'a Request,
    bit: u32,
    /// The name of an action that the table does not know, in lower case.
    unlisted: Option<(String, String)>,
    kind: CallerKind,
    account: &'a str,
    role: Option<&'a str>,
    /// Its unique id, where the request tells it.
    id: Option<&'a str>,
    bounded: bool,
}

/// What the policies of a layer say to a request.
struct Said {
    deny: Tri,
    denied_by: Option<(usize, usize)>,
    /// By naming the account, the role, the caller itself; each with what is nearer.
    allow: [Tri; 3],
    allowed_by: [Option<(usize, usize)>; 3],
    /// By the ARN of the session.
    session: Tri,
}

const ACCOUNT: usize = 0;
const ROLE: usize = 1;
const ITSELF: usize = 2;

impl<'a> Asked<'a> {
    pub(crate) fn new(request: &'a Request, bounded: bool, actions: &Actions) -> Self {
        Self::of(request, bounded, actions.find(&request.action), actions)
    }

    fn of(request: &'a Request, bounded: bool, known: Option<Action>, actions: &Actions) -> Self {
        let caller = &request.caller;
        Self {
            request,
            bit: known.map_or_else(|| actions.bit(&request.action), |a| a.0),
            unlisted: match known {
                Some(_) => None,
                None => {
                    let lower = request.action.to_ascii_lowercase();
                    Some(lower.split_once(':').map_or((String::new(), lower.clone()), |(s, n)| (s.to_owned(), n.to_owned())))
                }
            },
            kind: caller.kind(),
            account: caller.account().unwrap_or_default(),
            role: caller.role(),
            id: match request.context.get("aws:userid") {
                Known::Is(Given::One(id)) => id.split(':').next(),
                _ => None,
            },
            bounded,
        }
    }

    fn decide(&self, layers: &Layers<&Compiled>, actions: &Actions) -> Answer {
        let caller = &self.request.caller;
        let is_aws = matches!(caller, Caller::Aws(_));
        let free = caller.is_service_linked();
        let root = self.kind == CallerKind::Root;
        let service = self.request.action.split(':').next().unwrap_or_default();

        let rcp: Vec<Said> = if free || layers.rcp.is_empty() || !actions.has_rcp(service) {
            Vec::new()
        } else {
            layers.rcp.iter().map(|level| self.say(level)).collect()
        };
        let scp: Vec<Said> = if is_aws && !free { layers.scp.iter().map(|level| self.say(level)).collect() } else { Vec::new() };
        let resource = self.say(layers.resource.as_slice());
        let endpoint = self.say(&layers.endpoint);
        let (identity, boundary) =
            if root { (self.say(&[]), self.say(&[])) } else { (self.say(&layers.identity), self.say(&layers.boundary)) };
        let session = self.say(&layers.session);

        // A deny anywhere decides, and one that is not certain leaves it open.
        let mut open = Tri::No;
        let in_turn = rcp.iter().map(|s| (Layer::Rcp, s)).chain(scp.iter().map(|s| (Layer::Scp, s))).chain([
            (Layer::Resource, &resource),
            (Layer::Endpoint, &endpoint),
            (Layer::Identity, &identity),
            (Layer::Boundary, &boundary),
            (Layer::Session, &session),
        ]);
        for (layer, said) in in_turn {
            if said.deny == Tri::Yes {
                // Policies of the levels of a layer are numbered one after the other.
                let start = |all: &[Said], levels: &[Vec<&Compiled>]| {
                    let mut levels = all.iter().zip(starts(levels));
                    levels.find(|(one, _)| std::ptr::eq(*one, said)).map_or(0, |(_, start)| start)
                };
                let start = match layer {
                    Layer::Rcp => start(&rcp, &layers.rcp),
                    Layer::Scp => start(&scp, &layers.scp),
                    _ => 0,
                };
                let statement = said.denied_by.map(|(policy, statement)| (start + policy, statement));
                let because = vec![Because { layer, statement, text: "denies it" }];
                return Answer { decision: Decision::ExplicitlyDenied, because };
            }
            open = open.or(said.deny);
        }
        if let Some(answer) = service::refused(self.request) {
            return answer;
        }
        let no = |layer| Answer {
            decision: Decision::ImplicitlyDenied,
            because: vec![Because { layer, statement: None, text: "does not allow it" }],
        };
        for (layer, said) in
            scp.iter().map(|s| (Layer::Scp, s)).chain((!layers.endpoint.is_empty()).then_some((Layer::Endpoint, &endpoint)))
        {
            match said.allow[ACCOUNT] {
                Tri::No => return no(layer),
                Tri::Maybe => open = Tri::Maybe,
                Tri::Yes => {}
            }
        }

        let same = is_aws && self.request.account().is_some() && self.request.account() == caller.account();
        let limit = |policies: &[&Compiled], said: &Said| if policies.is_empty() { Tri::Yes } else { said.allow[ACCOUNT] };
        let bound = if root { Tri::Yes } else { limit(&layers.boundary, &boundary) };
        let within = limit(&layers.session, &session);
        let held = if root { Tri::Yes } else { identity.allow[ACCOUNT] };
        let own = held.and(bound).and(within);
        let missing = match () {
            () if held == Tri::No => Layer::Identity,
            () if bound != Tri::Yes => Layer::Boundary,
            () => Layer::Session,
        };
        // Where the answer hangs on something: the layer that has it.
        let hinge = |resource: Tri| match () {
            () if resource == Tri::Maybe => Layer::Resource,
            () if held == Tri::Maybe => Layer::Identity,
            () if bound == Tri::Maybe => Layer::Boundary,
            () if within == Tri::Maybe => Layer::Session,
            () => Layer::Resource,
        };
        let (by_resource, by_identity, missing) = if !is_aws {
            (resource.allow[ITSELF], Tri::No, Layer::Resource)
        } else if !same {
            let both = own.and(resource.allow[ACCOUNT]);
            let missing = match both {
                Tri::Maybe => hinge(resource.allow[ACCOUNT]),
                _ if resource.allow[ACCOUNT] == Tri::No => Layer::Resource,
                _ => missing,
            };
            (Tri::No, both, missing)
        } else {
            let past_session = resource.session.or(within);
            let direct = resource.allow[ITSELF].and(past_session).or(resource.allow[ROLE].and(bound).and(within));
            let delegated = if service::needs_delegation(self.request) { resource.allow[ACCOUNT] } else { Tri::Yes };
            let by_identity = own.and(delegated);
            let missing = match direct.or(by_identity) {
                Tri::Maybe => hinge(direct),
                _ if direct == Tri::No && own == Tri::No => missing,
                _ => Layer::Resource,
            };
            (direct, by_identity, missing)
        };
        let verdict = by_resource.or(by_identity);
        if verdict != Tri::No && self.is_barred(layers, same, service) {
            let text = "Block Public Access restricts the bucket to its account";
            let because = vec![Because { layer: Layer::Service, statement: None, text }];
            return Answer { decision: Decision::ImplicitlyDenied, because };
        }
        match verdict {
            Tri::No => no(missing),
            Tri::Maybe => Answer {
                decision: Decision::Unknown,
                because: vec![Because { layer: missing, statement: None, text: "depends on an unresolved condition" }],
            },
            Tri::Yes => {
                let mut because = Vec::new();
                let mut add = |layer, statement: Option<(usize, usize)>| {
                    because.extend(statement.map(|s| Because { layer, statement: Some(s), text: "allows it" }));
                };
                if by_resource == Tri::Yes {
                    add(Layer::Resource, resource.allowed_by[if is_aws { ROLE } else { ITSELF }]);
                }
                if by_identity == Tri::Yes {
                    add(Layer::Identity, identity.allowed_by[ACCOUNT]);
                }
                if is_aws && !same {
                    add(Layer::Resource, resource.allowed_by[ACCOUNT]);
                }
                if because.is_empty() {
                    let text = "the root user may do everything in its account";
                    because.push(Because { layer: Layer::Identity, statement: None, text });
                }
                Answer { decision: if open == Tri::No { Decision::Allowed } else { Decision::Unknown }, because }
            }
        }
    }

    fn is_barred(&self, layers: &Layers<&Compiled>, same: bool, service: &str) -> bool {
        layers.block_public_access.restrict_public_buckets
            && service.eq_ignore_ascii_case("s3")
            && !same
            && !matches!(self.request.caller, Caller::Service(_))
            && layers.resource.is_some_and(|p| p.is_public)
    }

    /// Conditions of statements that may decide, which the request alone can answer: `key Operator value`.
    pub(crate) fn open_conditions(&self, layers: &Layers<&Compiled>) -> Vec<String> {
        let mut open = Vec::new();
        let policies = layers.identity.iter().chain(&layers.resource).chain(&layers.boundary).chain(&layers.session);
        for policy in policies.chain(layers.scp.iter().flatten()).chain(layers.rcp.iter().flatten()).chain(&layers.endpoint) {
            for statement in &policy.statements {
                let fits = self.is_about(statement) && self.named(statement).0[ACCOUNT] != Tri::No;
                if !fits || statement.applies_to(&self.request.resource, &self.request.context) != Tri::Maybe {
                    continue;
                }
                if !statement.understood {
                    open.push("a statement that is not understood".to_owned());
                }
                let unknown = statement.conditions.iter().filter(|c| c.holds(&self.request.context) == Tri::Maybe);
                let effect = if statement.effect == Effect::Deny { "not " } else { "" };
                open.extend(unknown.map(|c| format!("{effect}{}", c.text)));
            }
        }
        open.sort();
        open.dedup();
        open
    }

    /// What the policies of a layer say.
    fn say(&self, policies: &[&Compiled]) -> Said {
        let mut said = Said { deny: Tri::No, denied_by: None, allow: [Tri::No; 3], allowed_by: [None; 3], session: Tri::No };
        for (p, policy) in policies.iter().enumerate() {
            for (s, statement) in policy.statements.iter().enumerate() {
                if !self.is_about(statement) {
                    continue;
                }
                let (names, session) = self.named(statement);
                if names[ACCOUNT] == Tri::No {
                    continue;
                }
                let mut applies = statement.applies_to(&self.request.resource, &self.request.context);
                if applies == Tri::No {
                    continue;
                }
                if statement.effect == Effect::Other {
                    applies = Tri::Maybe;
                }
                if statement.effect != Effect::Allow {
                    let verdict = applies.and(names[ACCOUNT]);
                    if verdict == Tri::Yes && said.denied_by.is_none() {
                        said.denied_by = Some((p, s));
                    }
                    said.deny = said.deny.or(verdict);
                }
                if statement.effect != Effect::Deny {
                    for level in [ACCOUNT, ROLE, ITSELF] {
                        let verdict = applies.and(names[level]);
                        said.allow[level] = said.allow[level].or(verdict);
                        if verdict == Tri::Yes {
                            said.allowed_by[level].get_or_insert((p, s));
                        }
                    }
                    if session {
                        said.session = said.session.or(applies);
                    }
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

    /// How the principal element names the caller: by account, role, itself, each with what is nearer; and whether it does by
    /// the ARN of the session.
    pub(crate) fn named(&self, statement: &CompiledStatement) -> ([Tri; 3], bool) {
        match &statement.principal {
            None => ([Tri::No; 3], false),
            Some(Block::Is(list)) => {
                let (mut names, mut session) = ([Tri::No; 3], false);
                for principal in list {
                    let near = self.nearest(principal);
                    for (level, verdict) in names.iter_mut().enumerate() {
                        *verdict = verdict.or(match near {
                            Near::Nobody => Tri::No,
                            Near::Perhaps => Tri::Maybe,
                            Near::At(at) => Tri::from(at >= level),
                        });
                    }
                    let by_arn = matches!((principal, &self.request.caller), (Principal::Of(_, v), Caller::Aws(arn)) if v == arn);
                    session |= by_arn && matches!(self.kind, CallerKind::Session | CallerKind::FederatedUser);
                }
                (names, session)
            }
            Some(Block::Not(_)) if service::is_trust(self.request) => ([Tri::Maybe; 3], false),
            // Everybody but those named; who is named by the account alone may be left out.
            Some(Block::Not(list)) if statement.effect == Effect::Allow => {
                let left_out = list.iter().fold(Tri::No, |v, p| {
                    v.or(match self.nearest(p) {
                        Near::At(at) if at >= ROLE => Tri::Yes,
                        Near::At(_) | Near::Perhaps => Tri::Maybe,
                        Near::Nobody => Tri::No,
                    })
                });
                ([left_out.not(); 3], false)
            }
            Some(Block::Not(list)) => {
                if statement.effect == Effect::Deny && self.bounded {
                    return ([Tri::Yes; 3], false);
                }
                let levels: &[usize] = match self.kind {
                    CallerKind::Session => &[ITSELF, ROLE, ACCOUNT],
                    CallerKind::Role => &[ROLE, ACCOUNT],
                    CallerKind::User | CallerKind::FederatedUser => &[ITSELF, ACCOUNT],
                    CallerKind::Root => &[ACCOUNT],
                    CallerKind::Other => &[ITSELF],
                };
                let nears: Vec<(bool, Near)> = list.iter().map(|p| (service::is_everybody(p), self.nearest(p))).collect();
                let listed = levels.iter().fold(Tri::Yes, |v, level| {
                    let any = nears.iter().fold(Tri::No, |v, (star, near)| {
                        v.or(match near {
                            Near::Perhaps => Tri::Maybe,
                            // The account stands for its root user at either level.
                            Near::At(at) => Tri::from(*star || at == level || self.kind == CallerKind::Root),
                            Near::Nobody => Tri::No,
                        })
                    });
                    v.and(any)
                });
                ([listed.not(); 3], false)
            }
        }
    }

    fn nearest(&self, principal: &Principal) -> Near {
        let Principal::Of(kind, value) = principal else { return Near::At(ITSELF) };
        if !is_known_kind(principal) {
            return Near::Perhaps;
        }
        if kind == "AWS" && value == "*" {
            return Near::At(ITSELF);
        }
        let found = match (kind.as_str(), &self.request.caller) {
            ("Service", Caller::Service(name)) | ("Federated", Caller::Federated(name)) => (value == name).then_some(ITSELF),
            ("AWS", Caller::Aws(arn)) => {
                let is_account = !self.account.is_empty() && (value == self.account || Arn::is_root_of(value, self.account));
                if is_account {
                    Some(if self.kind == CallerKind::Root { ITSELF } else { ACCOUNT })
                } else if value == arn && !matches!(self.kind, CallerKind::Role | CallerKind::Root) {
                    Some(ITSELF)
                } else if self.role.is_some_and(|role| Arn::is_role_of(value, self.account, role)) {
                    Some(ROLE)
                } else if self.id == Some(value) && is_unique_id(value) {
                    match self.kind {
                        CallerKind::User => Some(ITSELF),
                        CallerKind::Role | CallerKind::Session => Some(ROLE),
                        CallerKind::Root | CallerKind::FederatedUser | CallerKind::Other => None,
                    }
                } else {
                    None
                }
            }
            _ => None,
        };
        found.map_or(Near::Nobody, Near::At)
    }
}

enum Near {
    Nobody,
    At(usize),
    /// A kind of principal that nobody knows.
    Perhaps,
}

impl Because {
    /// The reason with its statement: `identity policy 1, statement 2 (ReadLogs): allows it`.
    pub fn sentence<P: AsRef<crate::engine::Compiled>>(&self, layers: &Layers<P>) -> String {
        let layer = self.layer.word();
        let Some((policy, statement)) = self.statement else { return format!("{layer}: {}", self.text) };
        let policies = match self.layer {
            Layer::Identity => &layers.identity[..],
            Layer::Resource => layers.resource.as_slice(),
            Layer::Boundary => &layers.boundary,
            Layer::Session => &layers.session,
            Layer::Endpoint => &layers.endpoint,
            Layer::Scp | Layer::Rcp | Layer::Service => &[],
        };
        let levels = match self.layer {
            Layer::Scp => &layers.scp[..],
            Layer::Rcp => &layers.rcp,
            _ => &[],
        };
        let found = policies.iter().chain(levels.iter().flatten()).nth(policy);
        let sid = found.and_then(|p| p.as_ref().sid(statement)).map(|s| format!(" ({s})")).unwrap_or_default();
        format!("{layer} {}, statement {}{sid}: {}", policy + 1, statement + 1, self.text)
    }
}
