//! The reference evaluator: written straight from the rules, slow and short. [`crate::Compiled`] must agree with it.
//!
//! Sources, all of the IAM user guide: "Policy evaluation logic"
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>) and its pages on
//! denying and allowing, single and cross account; "Permissions boundaries"; "AWS JSON policy elements".

use std::net::IpAddr;

use crate::actions::Actions;
use crate::pattern::Pattern;
use crate::policy::{Block, Condition, Policy, Principal, Statement};
use crate::request::{
    Answer, Because, Caller, CallerKind, Context, Decision, Given, Known, Layer, Layers, Request,
    Side, starts,
};
use crate::tri::Tri;
use crate::value::{Cidr, Operator, Piece, Set, Test, date, number, pieces};

/// How a resource policy names a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Named {
    /// Its account: a delegation, no grant.
    Account,
    /// Its role.
    Role,
    /// `*`, the user, the session, the service …: the caller itself.
    Itself,
}

/// Decides one request.
///
/// ```
/// use bartizan_iam::{Actions, Caller, Context, Decision, Layers, Request, evaluate, parse};
/// let deny = parse(r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}}"#)?;
/// let request = Request {
///     action: "s3:GetObject".into(),
///     resource: "arn:aws:s3:::bucket/key".into(),
///     resource_account: None,
///     caller: Caller::Anonymous,
///     context: Context::default(),
/// };
/// let layers = Layers { resource: Some(deny), ..Layers::default() };
/// assert_eq!(evaluate(&request, &layers, Actions::builtin()).decision, Decision::ExplicitlyDenied);
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
pub fn evaluate(request: &Request, layers: &Layers<Policy>, actions: &Actions) -> Answer {
    let mut request = request.clone();
    request.complete(actions);
    Case {
        request: &request,
        layers,
        actions,
        bounded: !layers.boundary.is_empty(),
    }
    .decide()
}

struct Case<'a> {
    request: &'a Request,
    layers: &'a Layers<Policy>,
    actions: &'a Actions,
    bounded: bool,
}

/// What the policies of a layer say.
struct Said {
    verdict: Tri,
    by: Vec<(usize, usize)>,
}

impl Case<'_> {
    fn decide(&self) -> Answer {
        if let Some(answer) = crate::service::always(self.request) {
            return answer;
        }
        // 1. An explicit deny anywhere decides.
        let mut open = false;
        for (layer, policies, start) in self.every_layer() {
            let said = self.said("Deny", layer, policies, Named::Account);
            match said.verdict {
                Tri::Yes => {
                    let (policy, statement) = said.by[0];
                    return answer(
                        Decision::ExplicitlyDenied,
                        layer,
                        &[(start + policy, statement)],
                        "denies it",
                    );
                }
                Tri::Maybe => open = true,
                Tri::No => {}
            }
        }
        if let Some(answer) = crate::service::refused(self.request) {
            return answer;
        }
        // 2. Service control policies, level by level, then the endpoint: each must allow.
        let mut gates: Vec<(Layer, &[Policy])> = Vec::new();
        if self.is_bound_by_scp() {
            gates.extend(
                self.layers
                    .scp
                    .iter()
                    .map(|level| (Layer::Scp, level.as_slice())),
            );
        }
        if !self.layers.endpoint.is_empty() {
            gates.push((Layer::Endpoint, &self.layers.endpoint));
        }
        for (layer, policies) in gates {
            match self.said("Allow", layer, policies, Named::Account).verdict {
                Tri::No => {
                    return answer(Decision::ImplicitlyDenied, layer, &[], "does not allow it");
                }
                Tri::Maybe => open = true,
                Tri::Yes => {}
            }
        }
        // 3. What the caller holds and what the resource grants.
        let (verdict, answer) = self.granted();
        if verdict != Tri::No && self.is_barred_by_block_public_access() {
            return answer_of(
                Decision::ImplicitlyDenied,
                Layer::Service,
                "Block Public Access restricts the bucket to its account",
            );
        }
        match verdict {
            Tri::Yes if open => Answer {
                decision: Decision::Unknown,
                ..answer
            },
            _ => answer,
        }
    }

    /// Layers with their policies, and the number of the first of these: the levels of a layer are numbered one after the other.
    fn every_layer(&self) -> Vec<(Layer, &[Policy], usize)> {
        let layers = self.layers;
        let mut all: Vec<(Layer, &[Policy], usize)> = Vec::new();
        if self.is_bound_by_rcp() {
            all.extend(
                layers
                    .rcp
                    .iter()
                    .zip(starts(&layers.rcp))
                    .map(|(level, start)| (Layer::Rcp, level.as_slice(), start)),
            );
        }
        if self.is_bound_by_scp() {
            all.extend(
                layers
                    .scp
                    .iter()
                    .zip(starts(&layers.scp))
                    .map(|(level, start)| (Layer::Scp, level.as_slice(), start)),
            );
        }
        all.push((Layer::Resource, layers.resource.as_slice(), 0));
        all.push((Layer::Endpoint, &layers.endpoint, 0));
        // The root user has no identity policies, no boundary.
        if self.request.caller.kind() != CallerKind::Root {
            all.push((Layer::Identity, &layers.identity, 0));
            all.push((Layer::Boundary, &layers.boundary, 0));
        }
        all.push((Layer::Session, &layers.session, 0));
        all
    }

    fn is_bound_by_scp(&self) -> bool {
        matches!(self.request.caller, Caller::Aws(_)) && !self.request.caller.is_service_linked()
    }

    fn is_bound_by_rcp(&self) -> bool {
        let service = self.request.action.split(':').next().unwrap_or_default();
        self.actions.has_rcp(service) && !self.request.caller.is_service_linked()
    }

    /// Step 3: everything but denies, SCPs, RCPs and endpoints.
    fn granted(&self) -> (Tri, Answer) {
        let Layers {
            identity,
            boundary,
            session,
            resource,
            ..
        } = self.layers;
        let grant = |least| self.said("Allow", Layer::Resource, resource.as_slice(), least);
        let caller = &self.request.caller;
        if !matches!(caller, Caller::Aws(_)) {
            let itself = grant(Named::Itself);
            return self.verdict(
                itself.verdict,
                vec![(Layer::Resource, itself.by)],
                Layer::Resource,
            );
        }
        let kind = caller.kind();
        let same = self.request.account().is_some() && self.request.account() == caller.account();
        let allows =
            |layer, policies: &[Policy]| self.said("Allow", layer, policies, Named::Account);
        let held = if kind == CallerKind::Root {
            Said {
                verdict: Tri::Yes,
                by: Vec::new(),
            }
        } else {
            allows(Layer::Identity, identity)
        };
        let limit = |layer, policies: &[Policy]| {
            if policies.is_empty() {
                Tri::Yes
            } else {
                allows(layer, policies).verdict
            }
        };
        let bound = if kind == CallerKind::Root {
            Tri::Yes
        } else {
            limit(Layer::Boundary, boundary)
        };
        let within = limit(Layer::Session, session);
        let limits = bound.and(within);
        let first_limit = if bound != Tri::Yes {
            Layer::Boundary
        } else {
            Layer::Session
        };
        let own = held.verdict.and(limits);
        let missing = if held.verdict == Tri::No {
            Layer::Identity
        } else {
            first_limit
        };
        let itself = grant(Named::Itself);
        let role = grant(Named::Role);
        let account = grant(Named::Account);
        // Where the answer hangs on something: the layer that has it.
        let hinge = |resource: Tri| match () {
            () if resource == Tri::Maybe => Layer::Resource,
            () if held.verdict == Tri::Maybe => Layer::Identity,
            () if bound == Tri::Maybe => Layer::Boundary,
            () if within == Tri::Maybe => Layer::Session,
            () => Layer::Resource,
        };
        if !same {
            // Both sides must allow.
            let both = own.and(account.verdict);
            let missing = match both {
                Tri::Maybe => hinge(account.verdict),
                _ if account.verdict == Tri::No => Layer::Resource,
                _ => missing,
            };
            return self.verdict(
                both,
                vec![(Layer::Identity, held.by), (Layer::Resource, account.by)],
                missing,
            );
        }
        // The resource alone is enough when it names the caller. What it grants to a role stays within the boundary and the
        // session; what it grants to a user or to everybody is not limited by the boundary; what it grants to a session,
        // by neither ("Permissions boundaries for IAM entities", "Policies and permissions: session policies").
        let past_session = within.or(self.names_session());
        let direct = itself
            .verdict
            .and(past_session)
            .or(role.verdict.and(limits));
        // Key policies and trust policies do not trust the account by themselves.
        let delegated = if crate::service::needs_delegation(self.request) {
            account.verdict
        } else {
            Tri::Yes
        };
        let by_identity = own.and(delegated);
        let missing = match direct.or(by_identity) {
            Tri::Maybe => hinge(direct),
            _ if direct == Tri::No && own == Tri::No => missing,
            _ => Layer::Resource,
        };
        let mut by = Vec::new();
        if direct == Tri::Yes {
            by.push((Layer::Resource, role.by));
        }
        if by_identity == Tri::Yes {
            by.push((Layer::Identity, held.by));
        }
        self.verdict(direct.or(by_identity), by, missing)
    }

    fn verdict(
        &self,
        verdict: Tri,
        by: Vec<(Layer, Vec<(usize, usize)>)>,
        missing: Layer,
    ) -> (Tri, Answer) {
        let answer = match verdict {
            Tri::Yes => {
                let reason = |(layer, by): (Layer, Vec<(usize, usize)>)| {
                    by.into_iter().take(1).map(move |s| Because {
                        layer,
                        statement: Some(s),
                        text: "allows it",
                    })
                };
                let mut because: Vec<_> = by.into_iter().flat_map(reason).collect();
                if because.is_empty() {
                    because.push(Because {
                        layer: Layer::Identity,
                        statement: None,
                        text: "the root user may do everything in its account",
                    });
                }
                Answer {
                    decision: Decision::Allowed,
                    because,
                }
            }
            Tri::No => answer_of(Decision::ImplicitlyDenied, missing, "does not allow it"),
            Tri::Maybe => answer_of(
                Decision::Unknown,
                missing,
                "depends on an unresolved condition",
            ),
        };
        (verdict, answer)
    }

    /// Whether the resource policy allows this by the ARN of the session itself.
    fn names_session(&self) -> Tri {
        let Caller::Aws(arn) = &self.request.caller else {
            return Tri::No;
        };
        let Some(policy) = &self.layers.resource else {
            return Tri::No;
        };
        if !matches!(
            self.request.caller.kind(),
            CallerKind::Session | CallerKind::FederatedUser
        ) {
            return Tri::No;
        }
        let by_arn = |p: &Principal| matches!(p, Principal::Of(kind, value) if kind == "AWS" && value == arn);
        let named = |s: &&Statement| matches!(&s.principal, Some(Block::Is(list)) if list.iter().any(by_arn));
        let one = |s: &Statement| Policy {
            statements: vec![s.clone()],
            ..policy.clone()
        };
        let said = |s: &Statement| {
            self.said("Allow", Layer::Resource, &[one(s)], Named::Itself)
                .verdict
        };
        policy
            .statements
            .iter()
            .filter(named)
            .fold(Tri::No, |v, s| v.or(said(s)))
    }

    /// Whether any statement with this effect applies. `least`: how the principal element must name the caller at least.
    fn said(&self, effect: &str, layer: Layer, policies: &[Policy], least: Named) -> Said {
        let mut said = Said {
            verdict: Tri::No,
            by: Vec::new(),
        };
        for (p, policy) in policies.iter().enumerate() {
            for (s, statement) in policy.statements.iter().enumerate() {
                if statement.effect != effect
                    && matches!(statement.effect.as_str(), "Allow" | "Deny")
                {
                    continue;
                }
                let mut verdict = match layer.side() {
                    Side::Identity | Side::Scp => Tri::Yes,
                    Side::Resource | Side::Rcp => self.names(statement, least),
                };
                verdict = verdict.and(self.applies(policy, statement, layer.side()));
                // An effect that is neither, elements that nobody knows: whatever it means, it is not certain.
                let known = statement.unknown.is_empty()
                    && policy.unknown.is_empty()
                    && policy.is_version_known();
                if statement.effect != effect || !known {
                    verdict = verdict.and(Tri::Maybe);
                }
                if verdict == Tri::Yes {
                    said.by.push((p, s));
                }
                said.verdict = said.verdict.or(verdict);
            }
        }
        said
    }

    /// Whether the principal element names the caller.
    fn names(&self, statement: &Statement, least: Named) -> Tri {
        match &statement.principal {
            // A statement without a principal is skipped in a resource policy.
            None => Tri::No,
            Some(Block::Is(list)) => list
                .iter()
                .fold(Tri::No, |v, p| v.or(self.is_named_by(p, least))),
            // AWS takes none in a trust policy: what it would mean is not known.
            Some(Block::Not(_)) if crate::service::is_trust(self.request) => Tri::Maybe,
            // With Allow, which AWS advises against: everybody but those named.
            Some(Block::Not(list)) if statement.effect == "Allow" => list
                .iter()
                .fold(Tri::No, |v, p| v.or(self.is_left_out(p)))
                .not(),
            Some(Block::Not(list)) => {
                // With Deny and a boundary it spares nobody ("Permissions boundaries", "NotPrincipal").
                if statement.effect == "Deny" && self.bounded {
                    return Tri::Yes;
                }
                // Session, role and account must all be listed to be spared.
                let listed = |least| {
                    list.iter()
                        .fold(Tri::No, |v, p| v.or(self.is_listed(p, least)))
                };
                let every = match self.request.caller.kind() {
                    CallerKind::Session => vec![Named::Itself, Named::Role, Named::Account],
                    CallerKind::Role => vec![Named::Role, Named::Account],
                    CallerKind::User | CallerKind::FederatedUser => {
                        vec![Named::Itself, Named::Account]
                    }
                    CallerKind::Root => vec![Named::Account],
                    CallerKind::Other => vec![Named::Itself],
                };
                every
                    .into_iter()
                    .fold(Tri::Yes, |v, level| v.and(listed(level)))
                    .not()
            }
        }
    }

    /// Whether a principal names the caller at this level or a nearer one.
    fn is_named_by(&self, principal: &Principal, least: Named) -> Tri {
        if let Principal::Of(kind, _) = principal
            && !matches!(kind.as_str(), "AWS" | "Service" | "Federated")
        {
            return Tri::Maybe;
        }
        let levels = [Named::Account, Named::Role, Named::Itself];
        Tri::from(
            levels
                .into_iter()
                .filter(|l| *l >= least)
                .any(|l| self.level(principal, l)),
        )
    }

    fn is_listed(&self, principal: &Principal, level: Named) -> Tri {
        match principal {
            Principal::Of(kind, _) if !matches!(kind.as_str(), "AWS" | "Service" | "Federated") => {
                Tri::Maybe
            }
            _ => Tri::from(self.is_star(principal) || self.level(principal, level)),
        }
    }

    /// Whether NotPrincipal of an Allow leaves the caller out by this principal. By its account alone: perhaps.
    fn is_left_out(&self, principal: &Principal) -> Tri {
        match principal {
            Principal::Of(kind, _) if !matches!(kind.as_str(), "AWS" | "Service" | "Federated") => {
                Tri::Maybe
            }
            _ if self.level(principal, Named::Itself) || self.level(principal, Named::Role) => {
                Tri::Yes
            }
            _ if self.level(principal, Named::Account) => Tri::Maybe,
            _ => Tri::No,
        }
    }

    fn is_star(&self, principal: &Principal) -> bool {
        matches!(principal, Principal::Star)
            || matches!(principal, Principal::Of(kind, v) if kind == "AWS" && v == "*")
    }

    /// Whether a principal names the caller at exactly this level.
    fn level(&self, principal: &Principal, level: Named) -> bool {
        let caller = &self.request.caller;
        if self.is_star(principal) {
            return level == Named::Itself;
        }
        let Principal::Of(kind, value) = principal else {
            return false;
        };
        match (kind.as_str(), caller) {
            ("Service", Caller::Service(service)) => level == Named::Itself && value == service,
            ("Federated", Caller::Federated(provider)) => {
                level == Named::Itself && value == provider
            }
            ("AWS", Caller::Aws(arn)) => {
                let account = caller.account().unwrap_or_default();
                let is_account = value == account || is_root_of(value, account);
                match level {
                    // The account stands for its root user.
                    Named::Itself if caller.kind() == CallerKind::Root => is_account,
                    Named::Itself => {
                        value == arn && caller.kind() != CallerKind::Role
                            || caller.kind() == CallerKind::User && self.has_id(value)
                    }
                    Named::Role => caller
                        .role()
                        .is_some_and(|role| is_role(value, account, role) || self.has_id(value)),
                    Named::Account => is_account && !account.is_empty(),
                }
            }
            _ => false,
        }
    }

    /// Whether the unique id of the caller, where the request tells it (`aws:userid`: `AIDA…`, `AROA…:session`), is this one.
    fn has_id(&self, value: &str) -> bool {
        let Known::Is(Given::One(id)) = self.request.context.get("aws:userid") else {
            return false;
        };
        crate::outside::is_unique_id(value) && id.split(':').next() == Some(value)
    }

    /// Action, resource and conditions.
    fn applies(&self, policy: &Policy, statement: &Statement, side: Side) -> Tri {
        let variables = policy.version == "2012-10-17";
        // In the policy of a key it does nothing.
        let is_lacking = statement.action.is_none() || statement.resource.is_none();
        if side == Side::Resource && is_lacking && crate::service::is_key(&self.request.resource) {
            return Tri::No;
        }
        let action = match &statement.action {
            None => Tri::Maybe,
            Some(Block::Is(list)) => Tri::from(list.iter().any(|a| self.is_action(a))),
            Some(Block::Not(list)) => Tri::from(!list.iter().any(|a| self.is_action(a))),
        };
        let about =
            |list: &[String]| Tri::from(list.iter().any(|r| self.is_resource(r, variables, side)));
        let resource = match (&statement.resource, side) {
            // A trust policy has none; another policy of a resource is about its resource.
            (None, Side::Resource) => Tri::Yes,
            (None, _) => Tri::Maybe,
            (Some(Block::Is(list)), _) => about(list),
            (Some(Block::Not(list)), _) => about(list).not(),
        };
        let conditions = statement.conditions.iter().fold(Tri::Yes, |v, c| {
            v.and(holds(c, &self.request.context, variables))
        });
        action.and(resource).and(conditions)
    }

    fn is_action(&self, pattern: &str) -> bool {
        let (pattern, action) = (
            pattern.to_ascii_lowercase(),
            self.request.action.to_ascii_lowercase(),
        );
        if pattern == "*" || pattern == "*:*" {
            return true;
        }
        let (Some((service, name)), Some((own_service, own_name))) =
            (pattern.split_once(':'), action.split_once(':'))
        else {
            return false;
        };
        service == own_service && Pattern::text(name).matches(own_name)
    }

    fn is_resource(&self, pattern: &str, variables: bool, side: Side) -> bool {
        // Variables are filled behind the fifth colon only; before it they stay letters, which are in no ARN.
        let (mut colons, mut depth) = (0, 0);
        let fifth = pattern.char_indices().find_map(|(at, letter)| {
            match letter {
                '{' if variables && pattern[..at].ends_with('$') => depth = 1,
                '}' => depth = 0,
                ':' if depth == 0 => colons += 1,
                _ => {}
            }
            (colons == 5).then_some(at + 1)
        });
        if variables && pattern[..fifth.unwrap_or(pattern.len())].contains("${") {
            return false;
        }
        let short = pattern != "*" && fifth.is_none();
        let filled = match side {
            _ if !short => pattern.to_owned(),
            Side::Identity => fill(pattern),
            Side::Resource if pattern.contains('*') => fill(pattern),
            Side::Scp if pattern.ends_with('*') => fill(pattern),
            _ => return false,
        };
        let Some(letters) = resolved(&filled, variables, &self.request.context) else {
            return false;
        };
        Pattern::arn_of(letters.into_iter()).matches(&self.request.resource)
    }

    fn is_barred_by_block_public_access(&self) -> bool {
        let same = self.request.caller.account().is_some()
            && self.request.caller.account() == self.request.account();
        self.request.action.to_ascii_lowercase().starts_with("s3:")
            && self.layers.block_public_access.restrict_public_buckets
            && !same
            && !matches!(self.request.caller, Caller::Service(_))
            && self
                .layers
                .resource
                .as_ref()
                .is_some_and(crate::service::is_public_bucket_policy)
    }
}

/// Adds the segments that an ARN lacks.
fn fill(pattern: &str) -> String {
    let missing = 6 - pattern.splitn(6, ':').count();
    format!("{pattern}{}", ":*".repeat(missing))
}

pub(crate) fn is_root_of(value: &str, account: &str) -> bool {
    crate::request::Arn::parse(value)
        .is_some_and(|a| a.service == "iam" && a.account == account && a.resource == "root")
}

/// Whether an ARN is that of the role; a session does not show the path of its role.
pub(crate) fn is_role(value: &str, account: &str, role: &str) -> bool {
    crate::request::Arn::parse(value).is_some_and(|a| {
        a.service == "iam"
            && a.account == account
            && a.resource.starts_with("role/")
            && a.resource.rsplit('/').next() == Some(role)
    })
}

/// Puts values in place of variables. None: one of them has no value.
fn resolved(text: &str, variables: bool, context: &Context) -> Option<Vec<(char, bool)>> {
    let mut letters = Vec::new();
    for piece in pieces(text, variables) {
        match piece {
            Piece::Letter(letter, wild) => {
                letters.push((letter, wild && matches!(letter, '*' | '?')))
            }
            Piece::Variable(key, default) => {
                let value = match context.get(&key) {
                    Known::Is(Given::One(value)) => value.clone(),
                    _ => default?,
                };
                letters.extend(value.chars().map(|l| (l, false)));
            }
        }
    }
    Some(letters)
}

/// Whether a condition holds.
fn holds(condition: &Condition, context: &Context, variables: bool) -> Tri {
    let Some(operator) = Operator::parse(&condition.operator) else {
        return Tri::Maybe;
    };
    let known = context.get(&condition.key.to_ascii_lowercase());
    if known == Known::Unknown {
        return Tri::Maybe;
    }
    let Operator {
        set,
        test,
        negated,
        if_exists,
    } = operator;
    if test == Test::Null {
        let absent = known == Known::Absent;
        return condition.values.iter().fold(Tri::No, |v, wanted| {
            match wanted.to_ascii_lowercase().as_str() {
                "true" => v.or(Tri::from(absent)),
                "false" => v.or(Tri::from(!absent)),
                _ => v,
            }
        });
    }
    let one = |value: &str| {
        let matched = condition
            .values
            .iter()
            .any(|wanted| is_match(test, wanted, value, context, variables));
        matched != negated
    };
    Tri::from(match (known, set) {
        (Known::Absent, _) if if_exists => true,
        (Known::Absent, Set::All) => true,
        (Known::Absent, Set::Any) => false,
        (Known::Absent, Set::None) => negated,
        (Known::Is(Given::One(value)), _) => one(value),
        (Known::Is(Given::Many(values)), Set::All) => values.iter().all(|v| one(v)),
        (Known::Is(Given::Many(values)), Set::Any) => values.iter().any(|v| one(v)),
        // A key with several values is nothing for an operator on one.
        (Known::Is(Given::Many(_)), Set::None) => false,
        (Known::Unknown, _) => return Tri::Maybe,
    })
}

/// Whether one value is what one value of the policy asks for.
fn is_match(test: Test, wanted: &str, value: &str, context: &Context, variables: bool) -> bool {
    let Some(letters) = resolved(wanted, variables, context) else {
        return false;
    };
    let text = || letters.iter().map(|(l, _)| *l).collect::<String>();
    match test {
        Test::Equals => text() == value,
        Test::EqualsIgnoreCase => text().to_lowercase() == value.to_lowercase(),
        Test::Like => Pattern::text_of(letters.iter().copied()).matches(value),
        Test::Number(order) => number(value)
            .zip(number(&text()))
            .is_some_and(|(a, b)| order.holds(a, b)),
        Test::Date(order) => date(value)
            .zip(date(&text()))
            .is_some_and(|(a, b)| order.holds(a, b)),
        Test::Bool => text().eq_ignore_ascii_case(value),
        Test::Binary => text() == value,
        Test::Ip => Cidr::parse(&text())
            .zip(value.parse::<IpAddr>().ok())
            .is_some_and(|(net, ip)| net.holds(ip)),
        Test::Arn => {
            let is_arn = |t: &str| t.starts_with("arn:") && t.splitn(6, ':').count() == 6;
            // Pattern::arn would read `*` as everything; here it is no ARN.
            is_arn(&text())
                && is_arn(value)
                && Pattern::arn_of(letters.iter().copied()).matches(value)
        }
        Test::Null => false,
    }
}

fn answer(decision: Decision, layer: Layer, by: &[(usize, usize)], text: &'static str) -> Answer {
    let mut because: Vec<_> = by
        .iter()
        .map(|s| Because {
            layer,
            statement: Some(*s),
            text,
        })
        .collect();
    if because.is_empty() {
        because.push(Because {
            layer,
            statement: None,
            text,
        });
    }
    Answer { decision, because }
}

fn answer_of(decision: Decision, layer: Layer, text: &'static str) -> Answer {
    answer(decision, layer, &[], text)
}
