//! Decision: explicit denies first, then the ceilings, then what the caller holds and what the
//! resource grants.

use super::keys::{complete, resource_account};
use super::principals::{ArnKind, KnownCaller, Nearness};
use super::services::{
    is_always_allowed, is_bucket_policy_public, is_key, is_key_call_for_others, is_role_assumed,
    refusal, sts_refusal,
};
use super::statements::Question;
use super::truth::{self, Truth};
use crate::actions::Actions;
use crate::policy::{Block, Policy, Principal, Statement};
use crate::request::{
    Because, Decision, ExplainedDecision, Layers, PolicyLayer, Request, RequestCaller,
};

/// Number of a policy in its layer, and of a statement in that.
type StatementId = (usize, usize);

/// Decides one request.
///
/// ```
/// use bartizan_iam::{Actions, RequestCaller, Context, Decision, Layers, Request, evaluate, parse};
/// let deny = parse(
///     r#"{"Version": "2012-10-17",
///         "Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}}"#,
/// )?;
/// let request = Request {
///     action: "s3:GetObject".into(),
///     resource: "arn:aws:s3:::bucket/key".into(),
///     resource_account: None,
///     caller: RequestCaller::Anonymous,
///     context: Context::default(),
/// };
/// let layers = Layers { resource: Some(deny), ..Layers::default() };
/// let answer = evaluate(&request, &layers, Actions::builtin());
/// assert_eq!(answer.decision, Decision::ExplicitlyDenied);
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
pub fn evaluate(
    request: &Request,
    layers: &Layers<Policy>,
    actions: &Actions,
) -> ExplainedDecision {
    let action = actions.find(&request.action);
    let request = complete(
        request,
        action.is_some_and(|action| actions.is_wildcard_only(action)),
    );
    let caller = KnownCaller::read(&request.caller, &request.context);
    let service = request.action.split(':').next().unwrap_or_default();
    let evaluation = ReferenceEvaluation {
        question: Question {
            request: &request,
            caller,
            has_boundary: !layers.boundary.is_empty(),
        },
        layers,
        has_rcps: actions.has_rcp(service),
    };
    evaluation.decide()
}

/// One request with the policies that decide it.
struct ReferenceEvaluation<'a> {
    question: Question<'a>,
    layers: &'a Layers<Policy>,
    /// Whether resource control policies apply to the service.
    has_rcps: bool,
}

/// Whether some statement of a layer has an effect on the request, and which certainly have.
struct StatementsFound {
    verdict: Truth,
    by: Vec<StatementId>,
}

impl ReferenceEvaluation<'_> {
    fn decide(&self) -> ExplainedDecision {
        if is_always_allowed(self.question.request) {
            let text = "always answered, even where a policy denies it";
            return answer(Decision::Allowed, PolicyLayer::Service, None, text);
        }
        // 1. An explicit deny anywhere decides; one that is not certain leaves the answer open.
        let mut is_open = false;
        for (layer, policies, start) in self.all_layers() {
            let denies = self.ask("Deny", layer, policies, Nearness::Account);
            match denies.verdict {
                Some(true) => {
                    let by = denies
                        .by
                        .first()
                        .map(|(policy, statement)| (start + policy, *statement));
                    return answer(Decision::ExplicitlyDenied, layer, by, "denies it");
                }
                None => is_open = true,
                Some(false) => {}
            }
        }
        if let Some(why) = sts_refusal(self.question.request) {
            return answer(Decision::ImplicitlyDenied, PolicyLayer::Service, None, why);
        }
        if self.is_key_call_across() {
            let text = "KMS does not let other accounts do that";
            return answer(Decision::ImplicitlyDenied, PolicyLayer::Service, None, text);
        }
        if let Some(why) = refusal(self.question.request)
            && !self.question.caller.is_service_linked()
        {
            return answer(Decision::ImplicitlyDenied, PolicyLayer::Service, None, why);
        }
        // 2. Each level of service control policies, and the endpoint, must allow.
        for (layer, level, policies) in self.ceilings() {
            match self
                .ask("Allow", layer, policies, Nearness::Account)
                .verdict
            {
                Some(false) => {
                    let text = "does not allow it";
                    let mut refused = answer(Decision::ImplicitlyDenied, layer, None, text);
                    refused.because[0].level = level;
                    return refused;
                }
                None => is_open = true,
                Some(true) => {}
            }
        }
        // 3. What the caller holds and what the resource grants.
        let granted = self.grant();
        if granted.decision != Decision::ImplicitlyDenied && self.is_barred_by_block_public_access()
        {
            let text = "Block Public Access restricts the bucket to its account";
            return answer(Decision::ImplicitlyDenied, PolicyLayer::Service, None, text);
        }
        if granted.decision == Decision::Allowed && is_open {
            return ExplainedDecision {
                decision: Decision::Unknown,
                ..granted
            };
        }
        granted
    }

    /// Whether a principal asks KMS for what only the account of a key may do.
    fn is_key_call_across(&self) -> bool {
        let request = self.question.request;
        let account = self.question.caller.account;
        let is_of_kms = request.action.to_ascii_lowercase().starts_with("kms:");
        is_of_kms
            && is_key(&request.resource)
            && !account.is_empty()
            && resource_account(request).as_deref() != Some(account)
            && !is_key_call_for_others(&request.action)
    }

    /// Layers that can deny, with the number of the first policy: levels of a layer are numbered
    /// one after the other.
    fn all_layers(&self) -> Vec<(PolicyLayer, &[Policy], usize)> {
        let mut all: Vec<(PolicyLayer, &[Policy], usize)> = Vec::new();
        for (layer, levels, binds) in [
            (PolicyLayer::Rcp, &self.layers.rcp, self.is_bound_by_rcps()),
            (PolicyLayer::Scp, &self.layers.scp, self.is_bound_by_scps()),
        ] {
            let mut start = 0;
            for level in levels.iter().filter(|_| binds) {
                all.push((layer, level, start));
                start += level.len();
            }
        }
        all.push((PolicyLayer::Resource, self.layers.resource.as_slice(), 0));
        all.push((PolicyLayer::Endpoint, &self.layers.endpoint, 0));
        // The root user has no identity policies and no boundary.
        if !self.question.caller.is_root() {
            all.push((PolicyLayer::Identity, &self.layers.identity, 0));
            all.push((PolicyLayer::Boundary, &self.layers.boundary, 0));
        }
        all.push((PolicyLayer::Session, &self.layers.session, 0));
        all
    }

    /// Layers that must allow, with the level of those that have several.
    fn ceilings(&self) -> Vec<(PolicyLayer, Option<usize>, &[Policy])> {
        let mut all: Vec<(PolicyLayer, Option<usize>, &[Policy])> = Vec::new();
        if self.is_bound_by_scps() {
            let levels = self.layers.scp.iter().enumerate();
            all.extend(levels.map(|(n, level)| (PolicyLayer::Scp, Some(n), level.as_slice())));
        }
        if !self.layers.endpoint.is_empty() {
            all.push((PolicyLayer::Endpoint, None, &self.layers.endpoint));
        }
        all
    }

    fn is_bound_by_scps(&self) -> bool {
        self.question.caller.is_of_account() && !self.question.caller.is_service_linked()
    }

    fn is_bound_by_rcps(&self) -> bool {
        self.has_rcps && !self.question.caller.is_service_linked()
    }

    /// Asks all statements of some policies. `least`: how near a principal element must name the
    /// caller.
    fn ask(
        &self,
        effect: &str,
        layer: PolicyLayer,
        policies: &[Policy],
        least: Nearness,
    ) -> StatementsFound {
        let mut verdicts = Vec::new();
        let mut by = Vec::new();
        for (p, policy) in policies.iter().enumerate() {
            for (s, statement) in policy.statements.iter().enumerate() {
                let applies = self
                    .question
                    .applies(effect, layer, policy, statement, least);
                verdicts.push(applies);
                if applies == Some(true) {
                    by.push((p, s));
                }
            }
        }
        StatementsFound {
            verdict: truth::any(verdicts),
            by,
        }
    }

    fn resource_grants(&self, least: Nearness) -> StatementsFound {
        self.ask(
            "Allow",
            PolicyLayer::Resource,
            self.layers.resource.as_slice(),
            least,
        )
    }

    fn grant(&self) -> ExplainedDecision {
        let caller = &self.question.caller;
        if !caller.is_of_account() {
            // Services, federated callers and nobody hold nothing: the resource decides.
            let itself = self.resource_grants(Nearness::Itself);
            return granted(
                itself.verdict,
                &[(PolicyLayer::Resource, itself.by)],
                PolicyLayer::Resource,
            );
        }
        let held = if caller.is_root() {
            StatementsFound {
                verdict: Some(true),
                by: Vec::new(),
            }
        } else {
            self.ask(
                "Allow",
                PolicyLayer::Identity,
                &self.layers.identity,
                Nearness::Account,
            )
        };
        let limit = |layer: PolicyLayer, policies: &[Policy]| {
            if policies.is_empty() {
                Some(true)
            } else {
                self.ask("Allow", layer, policies, Nearness::Account)
                    .verdict
            }
        };
        let boundary = if caller.is_root() {
            Some(true)
        } else {
            limit(PolicyLayer::Boundary, &self.layers.boundary)
        };
        let session = limit(PolicyLayer::Session, &self.layers.session);
        let holdings = Holdings {
            held: held.verdict,
            boundary,
            session,
            held_by: held.by,
        };
        let account = resource_account(self.question.request);
        if account.is_some() && account.as_deref() == Some(caller.account) {
            self.grant_in_account(holdings)
        } else {
            self.grant_across_accounts(holdings)
        }
    }

    /// Across accounts both sides must allow.
    fn grant_across_accounts(&self, holdings: Holdings) -> ExplainedDecision {
        let account = self.resource_grants(Nearness::Account);
        let verdict = truth::all([holdings.own(), account.verdict]);
        let missing = match verdict {
            None => holdings.first_open(account.verdict),
            _ if account.verdict == Some(false) => PolicyLayer::Resource,
            _ => holdings.first_missing(),
        };
        granted(
            verdict,
            &[
                (PolicyLayer::Identity, holdings.held_by),
                (PolicyLayer::Resource, account.by),
            ],
            missing,
        )
    }

    /// Within an account the resource alone is enough when it names the caller. What it grants to a
    /// role stays within the boundary and the session; what it grants to a user or to everybody is
    /// not limited by the boundary; what it grants to a session, by neither ("Permissions
    /// boundaries for IAM entities", "Session policies").
    fn grant_in_account(&self, holdings: Holdings) -> ExplainedDecision {
        let itself = self.resource_grants(Nearness::Itself).verdict;
        let role = self.resource_grants(Nearness::Role);
        let limits = truth::all([holdings.boundary, holdings.session]);
        let direct = truth::any([
            truth::all([itself, truth::any([holdings.session, self.names_session()])]),
            truth::all([role.verdict, limits]),
        ]);
        // Key policies and trust policies do not trust the account by themselves.
        let needs_delegation =
            is_key(&self.question.request.resource) || is_role_assumed(self.question.request);
        let delegated = if needs_delegation {
            self.resource_grants(Nearness::Account).verdict
        } else {
            Some(true)
        };
        let by_identity = truth::all([holdings.own(), delegated]);
        let verdict = truth::any([direct, by_identity]);
        let missing = match verdict {
            None => holdings.first_open(direct),
            _ if direct == Some(false) && holdings.own() == Some(false) => holdings.first_missing(),
            _ => PolicyLayer::Resource,
        };
        let mut by = Vec::new();
        if direct == Some(true) {
            by.push((PolicyLayer::Resource, role.by));
        }
        if by_identity == Some(true) {
            by.push((PolicyLayer::Identity, holdings.held_by));
        }
        granted(verdict, &by, missing)
    }

    /// Whether the resource policy allows this by the ARN of the session itself.
    fn names_session(&self) -> Truth {
        let caller = &self.question.caller;
        let (RequestCaller::Aws(arn), Some(policy)) = (caller.caller, &self.layers.resource) else {
            return Some(false);
        };
        let has_sessions = [ArnKind::Role, ArnKind::Session, ArnKind::FederatedUser];
        if !has_sessions.contains(&caller.kind) {
            return Some(false);
        }
        let by_arn = |principal: &Principal| match principal {
            Principal::Star => false,
            Principal::Of(_, _) if caller.kind == ArnKind::Role => caller.has_session(principal),
            Principal::Of(kind, value) => kind == "AWS" && value == arn,
        };
        let is_named = |statement: &&Statement| match &statement.principal {
            Some(Block::Is(list)) => list.iter().any(by_arn),
            Some(Block::Not(_)) | None => false,
        };
        let named = policy.statements.iter().filter(is_named);
        let by_name = truth::any(named.map(|statement| {
            self.question.applies(
                "Allow",
                PolicyLayer::Resource,
                policy,
                statement,
                Nearness::Itself,
            )
        }));
        if caller.kind == ArnKind::Role {
            return truth::at_most_unknown(by_name);
        }
        by_name
    }

    /// `RestrictPublicBuckets`: a bucket with a public policy is for its own account and for
    /// services only.
    fn is_barred_by_block_public_access(&self) -> bool {
        let caller = &self.question.caller;
        let account = resource_account(self.question.request);
        let is_own = !caller.account.is_empty() && account.as_deref() == Some(caller.account);
        self.layers.block_public_access.restrict_public_buckets
            && self
                .question
                .request
                .action
                .to_ascii_lowercase()
                .starts_with("s3:")
            && !is_own
            && !matches!(caller.caller, RequestCaller::Service(_))
            && self
                .layers
                .resource
                .as_ref()
                .is_some_and(is_bucket_policy_public)
    }
}

/// Grants of the caller's own policies, and their limits.
struct Holdings {
    held: Truth,
    boundary: Truth,
    session: Truth,
    held_by: Vec<StatementId>,
}

impl Holdings {
    fn own(&self) -> Truth {
        truth::all([self.held, self.boundary, self.session])
    }

    /// Layer that does not allow it.
    fn first_missing(&self) -> PolicyLayer {
        if self.held == Some(false) {
            PolicyLayer::Identity
        } else if self.boundary != Some(true) {
            PolicyLayer::Boundary
        } else {
            PolicyLayer::Session
        }
    }

    /// Layer that the answer depends on.
    fn first_open(&self, resource: Truth) -> PolicyLayer {
        let order = [
            (PolicyLayer::Resource, resource),
            (PolicyLayer::Identity, self.held),
            (PolicyLayer::Boundary, self.boundary),
            (PolicyLayer::Session, self.session),
        ];
        order
            .iter()
            .find(|(_, verdict)| verdict.is_none())
            .map_or(PolicyLayer::Resource, |(layer, _)| *layer)
    }
}

/// The answer of the last step. `by`: layers that allow it, with their statements.
fn granted(
    verdict: Truth,
    by: &[(PolicyLayer, Vec<StatementId>)],
    missing: PolicyLayer,
) -> ExplainedDecision {
    match verdict {
        Some(false) => answer(
            Decision::ImplicitlyDenied,
            missing,
            None,
            "does not allow it",
        ),
        None => answer(
            Decision::Unknown,
            missing,
            None,
            "depends on an unresolved condition",
        ),
        Some(true) => {
            let mut because = Vec::new();
            for (layer, statements) in by {
                if let Some(first) = statements.first() {
                    because.push(Because {
                        layer: *layer,
                        level: None,
                        statement: Some(*first),
                        text: "allows it",
                    });
                }
            }
            if because.is_empty() {
                let text = "the root user may do everything in its account";
                because.push(Because {
                    layer: PolicyLayer::Identity,
                    level: None,
                    statement: None,
                    text,
                });
            }
            ExplainedDecision {
                decision: Decision::Allowed,
                because,
            }
        }
    }
}

fn answer(
    decision: Decision,
    layer: PolicyLayer,
    statement: Option<StatementId>,
    text: &'static str,
) -> ExplainedDecision {
    ExplainedDecision {
        decision,
        because: vec![Because {
            layer,
            level: None,
            statement,
            text,
        }],
    }
}
