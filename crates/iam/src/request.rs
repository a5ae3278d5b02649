//! A request, what is known about it, and the layers of policies that decide it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::actions::{Action, Actions};
use crate::arn::Arn;

/// Principal who makes a request.
///
/// ```
/// use bartizan_iam::RequestCaller;
/// let session = RequestCaller::Aws("arn:aws:sts::111122223333:assumed-role/build/run-1".into());
/// assert_eq!((session.account(), session.role()), (Some("111122223333"), Some("build")));
/// assert_eq!(session.principal_arn().unwrap(), "arn:aws:iam::111122223333:role/build");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestCaller {
    /// A principal of an account, by its ARN: user, role, session
    /// (`arn:aws:sts::…:assumed-role/NAME/SESSION`), federated user, root.
    Aws(String),
    /// A service of AWS, `ec2.amazonaws.com`.
    Service(String),
    /// A bearer of an identity provider's token: ARN of the provider, or
    /// `cognito-identity.amazonaws.com`.
    Federated(String),
    /// A request without a signature.
    Anonymous,
}

/// Kind of principal that an ARN names.
///
/// ```
/// use bartizan_iam::{CallerKind, RequestCaller};
/// assert_eq!(
///     RequestCaller::Aws("arn:aws:iam::111122223333:root".into()).kind(),
///     CallerKind::Root
/// );
/// assert_eq!(RequestCaller::Anonymous.kind(), CallerKind::Other);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerKind {
    /// The root user.
    Root,
    /// A user.
    User,
    /// A role, in one of its sessions.
    Role,
    /// A session of a role.
    Session,
    /// `sts:GetFederationToken`.
    FederatedUser,
    /// Something else.
    Other,
}

impl RequestCaller {
    /// Kind of the principal, if it is one of an account.
    pub fn kind(&self) -> CallerKind {
        let Self::Aws(arn) = self else {
            return CallerKind::Other;
        };
        let Some(arn) = Arn::parse(arn) else {
            return CallerKind::Other;
        };
        match (arn.service, arn.resource.split('/').next()) {
            ("iam", Some("root")) => CallerKind::Root,
            ("iam", Some("user")) => CallerKind::User,
            ("iam", Some("role")) => CallerKind::Role,
            ("sts", Some("assumed-role")) => CallerKind::Session,
            ("sts", Some("federated-user")) => CallerKind::FederatedUser,
            _ => CallerKind::Other,
        }
    }

    /// Its account.
    pub fn account(&self) -> Option<&str> {
        let Self::Aws(arn) = self else { return None };
        Arn::parse(arn).map(|a| a.account).filter(|a| !a.is_empty())
    }

    /// The name of the role of a role or a session.
    pub fn role(&self) -> Option<&str> {
        let Self::Aws(arn) = self else { return None };
        let resource = Arn::parse(arn)?.resource;
        match self.kind() {
            CallerKind::Role => resource.rsplit('/').next(),
            CallerKind::Session => resource.split('/').nth(1),
            _ => None,
        }
    }

    /// `aws:PrincipalArn`: for a session the ARN of its role (without a path, which a session does
    /// not show).
    pub fn principal_arn(&self) -> Option<Cow<'_, str>> {
        let Self::Aws(text) = self else { return None };
        match (self.kind(), self.role(), Arn::parse(text)) {
            (CallerKind::Session, Some(role), Some(arn)) => Some(Cow::Owned(format!(
                "arn:{}:iam::{}:role/{role}",
                arn.partition, arn.account
            ))),
            _ => Some(Cow::Borrowed(text)),
        }
    }

    /// Whether it is a service-linked role, which SCPs and RCPs do not bind.
    pub fn is_service_linked(&self) -> bool {
        let Self::Aws(arn) = self else { return false };
        match Arn::parse(arn).map(|a| a.resource) {
            Some(resource) => {
                resource.starts_with("role/aws-service-role/")
                    || resource.starts_with("assumed-role/AWSServiceRoleFor")
            }
            None => false,
        }
    }
}

/// Values of one condition key.
///
/// ```
/// use bartizan_iam::{Context, ContextLookup, ContextValue};
/// let mut context = Context::default();
/// context.set(
///     "aws:TagKeys",
///     ContextValue::Many(vec!["a".into(), "b".into()]),
/// );
/// assert!(
///     matches!(context.get("aws:tagkeys"), ContextLookup::Is(ContextValue::Many(keys)) if keys.len() == 2)
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum ContextValue {
    /// A key with one value.
    One(#[serde(deserialize_with = "scalar")] String),
    /// A key with several, which only the set operators read.
    Many(Vec<String>),
}

fn scalar<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => Ok(text),
        serde_json::Value::Bool(value) => Ok(value.to_string()),
        serde_json::Value::Number(value) => Ok(value.to_string()),
        _ => Err(serde::de::Error::custom(
            "a condition key needs a text, a number, true, false, or a list of texts",
        )),
    }
}

/// Lookup of a condition key.
///
/// ```
/// use bartizan_iam::{Context, ContextLookup};
/// assert_eq!(Context::default().get("aws:sourceip"), ContextLookup::Absent);
/// // In an open context what is not given may be anything.
/// assert_eq!(Context::open().get("aws:sourceip"), ContextLookup::Unknown);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContextLookup<'a> {
    /// The request has it.
    Is(&'a ContextValue),
    /// The request does not have it.
    Absent,
    /// Nobody knows.
    Unknown,
}

/// Condition keys of a request, in any case.
///
/// ```
/// use bartizan_iam::{Context, ContextLookup, ContextValue};
/// let mut context = Context::open();
/// context.set("aws:SourceIp", ContextValue::One("203.0.113.9".into()));
/// assert_eq!(
///     context.get("aws:sourceip"),
///     ContextLookup::Is(&ContextValue::One("203.0.113.9".into()))
/// );
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    keys: BTreeMap<String, ContextValue>,
    /// Whether keys that are not named may have any value, or none.
    pub open: bool,
}

impl Context {
    /// A context of which only some keys are known.
    pub fn open() -> Self {
        Self {
            open: true,
            ..Self::default()
        }
    }

    /// Adds a key.
    pub fn set(&mut self, key: &str, given: ContextValue) {
        self.keys.insert(key.to_ascii_lowercase(), given);
    }

    /// Adds a key with one value, unless it is there.
    pub fn default_to(&mut self, key: &str, value: impl FnOnce() -> String) {
        self.keys
            .entry(key.to_ascii_lowercase())
            .or_insert_with(|| ContextValue::One(value()));
    }

    /// All keys, in lower case, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ContextValue)> {
        self.keys.iter().map(|(key, given)| (key.as_str(), given))
    }

    /// Lookup of a key, named in lower case.
    pub fn get(&self, lower: &str) -> ContextLookup<'_> {
        match self.keys.get(lower) {
            Some(given) => ContextLookup::Is(given),
            None if self.open => ContextLookup::Unknown,
            None => ContextLookup::Absent,
        }
    }
}

/// Request for one action on one resource.
///
/// ```
/// use bartizan_iam::{Actions, RequestCaller, Context, ContextValue, ContextLookup, Request};
/// let mut request = Request {
///     action: "s3:GetObject".into(),
///     resource: "arn:aws:s3:::bucket/key".into(),
///     resource_account: Some("111122223333".into()),
///     caller: RequestCaller::Aws("arn:aws:iam::111122223333:user/alice".into()),
///     context: Context::default(),
/// };
/// // What AWS always tells of a request follows from who calls.
/// request.complete(Actions::builtin());
/// let account = ContextValue::One("111122223333".into());
/// assert_eq!(request.context.get("aws:principalaccount"), ContextLookup::Is(&account));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `s3:GetObject`.
    pub action: String,
    /// ARN, or `*` for actions that are about no resource.
    pub resource: String,
    /// Account of the resource. None: that of the ARN, or else that of the caller.
    pub resource_account: Option<String>,
    /// Principal who makes the request.
    pub caller: RequestCaller,
    /// Condition keys.
    pub context: Context,
}

impl Request {
    /// Account of the resource, as far as it is known.
    pub fn account(&self) -> Option<&str> {
        let named = || {
            Arn::parse(&self.resource)
                .map(|a| a.account)
                .filter(|a| a.len() == 12)
        };
        self.resource_account
            .as_deref()
            .or_else(named)
            .or_else(|| self.caller.account())
    }

    /// Adds the keys that every request has and that follow from it (IAM user guide, "global
    /// condition context keys"). A request for an action without resources is about `*` (service
    /// authorization reference).
    pub fn complete(&mut self, actions: &Actions) {
        self.complete_for(actions.find(&self.action), actions);
    }

    /// [`Request::complete`] where the action was looked up.
    pub(crate) fn complete_for(&mut self, action: Option<Action>, actions: &Actions) {
        if action.is_some_and(|a| actions.is_wildcard_only(a)) {
            self.resource = "*".to_owned();
        }
        let Self {
            caller, context, ..
        } = self;
        let (kind, account) = (caller.kind(), caller.account().map(str::to_owned));
        if let RequestCaller::Aws(arn) = &*caller {
            if let Some(principal) = caller.principal_arn() {
                context.default_to("aws:PrincipalArn", || principal.into_owned());
            }
            if let Some(account) = account {
                context.default_to("aws:PrincipalAccount", || account);
            }
            let word = match kind {
                CallerKind::Root => Some("Account"),
                CallerKind::User => Some("User"),
                CallerKind::Role | CallerKind::Session => Some("AssumedRole"),
                CallerKind::FederatedUser => Some("FederatedUser"),
                CallerKind::Other => None,
            };
            if let Some(word) = word {
                context.default_to("aws:PrincipalType", || word.to_owned());
            }
            if kind == CallerKind::User
                && let Some(name) = arn.rsplit('/').next()
            {
                context.default_to("aws:username", || name.to_owned());
            }
        }
        if let RequestCaller::Service(service) = &*caller {
            context.default_to("aws:PrincipalServiceName", || service.clone());
        }
        if matches!(caller, RequestCaller::Anonymous) {
            context.default_to("aws:PrincipalType", || "Anonymous".to_owned());
        }
        context.default_to("aws:PrincipalIsAWSService", || {
            matches!(caller, RequestCaller::Service(_)).to_string()
        });
        if let Some(account) = self.account().map(str::to_owned) {
            self.context.default_to("aws:ResourceAccount", || account);
        }
    }
}

/// Policies that decide a request, by layer. An empty layer was not given and does not limit.
///
/// ```
/// use bartizan_iam::{
///     Actions, Context, Decision, Layers, Request, RequestCaller, evaluate, parse,
/// };
/// let request = Request {
///     action: "s3:GetObject".into(),
///     resource: "arn:aws:s3:::bucket/key".into(),
///     resource_account: Some("111122223333".into()),
///     caller: RequestCaller::Aws("arn:aws:iam::111122223333:user/alice".into()),
///     context: Context::default(),
/// };
/// let allow = parse(
///     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
/// "Action": "s3:*", "Resource": "*"}}"#,
/// )?;
/// let own = Layers {
///     identity: vec![allow.clone()],
///     ..Layers::default()
/// };
/// assert_eq!(
///     evaluate(&request, &own, Actions::builtin()).decision,
///     Decision::Allowed
/// );
/// // An organization that allows nothing at one of its levels.
/// let within = Layers {
///     scp: vec![vec![]],
///     ..own
/// };
/// assert_eq!(
///     evaluate(&request, &within, Actions::builtin()).decision,
///     Decision::ImplicitlyDenied
/// );
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layers<P> {
    /// Of the caller, its groups, or its role.
    pub identity: Vec<P>,
    /// Of the resource: bucket policy, key policy, trust policy …
    pub resource: Option<P>,
    /// Permission boundary of the caller.
    pub boundary: Vec<P>,
    /// Given when the session began.
    pub session: Vec<P>,
    /// Service control policies of the caller's account: root, organizational units, account. Each
    /// level must allow.
    pub scp: Vec<Vec<P>>,
    /// Resource control policies of the resource's account.
    pub rcp: Vec<Vec<P>>,
    /// Of the VPC endpoint that the request comes through.
    pub endpoint: Vec<P>,
    /// S3 only.
    pub block_public_access: BlockPublicAccess,
}

impl<P> Default for Layers<P> {
    fn default() -> Self {
        Self {
            identity: Vec::new(),
            resource: None,
            boundary: Vec::new(),
            session: Vec::new(),
            scp: Vec::new(),
            rcp: Vec::new(),
            endpoint: Vec::new(),
            block_public_access: BlockPublicAccess::default(),
        }
    }
}

/// Where the policies of each level begin, when all are numbered one after the other.
pub(crate) fn starts<P>(levels: &[Vec<P>]) -> impl Iterator<Item = usize> {
    levels.iter().scan(0, |next, level| {
        Some(std::mem::replace(next, *next + level.len()))
    })
}

impl<P> Layers<P> {
    /// Layers with each policy replaced.
    pub fn map<'a, Q>(&'a self, mut to: impl FnMut(&'a P) -> Q) -> Layers<Q> {
        let mut list = |policies: &'a [P]| policies.iter().map(&mut to).collect::<Vec<Q>>();
        Layers {
            identity: list(&self.identity),
            boundary: list(&self.boundary),
            session: list(&self.session),
            scp: self.scp.iter().map(|level| list(level)).collect(),
            rcp: self.rcp.iter().map(|level| list(level)).collect(),
            endpoint: list(&self.endpoint),
            block_public_access: self.block_public_access,
            resource: self.resource.as_ref().map(to),
        }
    }
}

/// The switch of S3 Block Public Access that matters to policies. BlockPublicAcls and
/// BlockPublicPolicy only refuse to set what would be public, IgnorePublicAcls is about ACLs (S3
/// user guide, "Blocking public access to your Amazon S3 storage").
///
/// ```
/// use bartizan_iam::{
///     Actions, BlockPublicAccess, Context, Decision, Layers, Request, RequestCaller, evaluate,
///     parse,
/// };
/// let public = parse(
///     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
/// "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}}"#,
/// )?;
/// let request = Request {
///     action: "s3:GetObject".into(),
///     resource: "arn:aws:s3:::site/index.html".into(),
///     resource_account: Some("111122223333".into()),
///     caller: RequestCaller::Anonymous,
///     context: Context::default(),
/// };
/// let decide = |restrict_public_buckets| {
///     let block_public_access = BlockPublicAccess {
///         restrict_public_buckets,
///     };
///     let layers = Layers {
///         resource: Some(public.clone()),
///         block_public_access,
///         ..Layers::default()
///     };
///     evaluate(&request, &layers, Actions::builtin()).decision
/// };
/// assert_eq!(decide(false), Decision::Allowed);
/// assert_ne!(decide(true), Decision::Allowed);
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BlockPublicAccess {
    /// `RestrictPublicBuckets` of the account or the bucket: a bucket with a public policy is for
    /// its own account only.
    pub restrict_public_buckets: bool,
}

/// A layer, for answers.
///
/// ```
/// use bartizan_iam::{PolicyLayer, PolicyGrammar};
/// // A boundary is written as an identity policy is.
/// assert_eq!(PolicyLayer::Boundary.side(), PolicyGrammar::Identity);
/// assert_eq!(PolicyLayer::Scp.side(), PolicyGrammar::Scp);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is the layer of its name")]
pub enum PolicyLayer {
    Identity,
    Resource,
    Boundary,
    Session,
    Scp,
    Rcp,
    Endpoint,
    /// Not a policy: a rule of the service itself.
    Service,
}

impl PolicyLayer {
    /// Name of the layer, e.g. `identity policy`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Identity => "identity policy",
            Self::Resource => "resource policy",
            Self::Boundary => "permission boundary",
            Self::Session => "session policy",
            Self::Scp => "service control policy",
            Self::Rcp => "resource control policy",
            Self::Endpoint => "VPC endpoint policy",
            Self::Service => "service",
        }
    }
}

/// Grammar of the policies of a layer: principals or not, and ARNs that are too short.
///
/// ```
/// use bartizan_iam::{Actions, Compiler, PolicyGrammar, parse};
/// let policy = parse(r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///     "Principal": "*", "Action": "sqs:*", "Resource": "*"}}"#)?;
/// let compiled = Compiler::new(Actions::builtin()).compile(&policy, PolicyGrammar::Resource);
/// assert_eq!(compiled.not_understood, 0);
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyGrammar {
    /// No principals; ARNs that are too short are filled up with `*`.
    Identity,
    /// Principals; short ARNs only where they have a wildcard.
    Resource,
    /// No principals; short ARNs only where they end in `*`.
    Scp,
    /// Principals; short ARNs mean nothing.
    Rcp,
}

impl PolicyLayer {
    /// Grammar that its policies are written in.
    pub fn side(self) -> PolicyGrammar {
        match self {
            Self::Identity | Self::Boundary | Self::Session => PolicyGrammar::Identity,
            Self::Scp => PolicyGrammar::Scp,
            Self::Rcp => PolicyGrammar::Rcp,
            Self::Resource | Self::Endpoint | Self::Service => PolicyGrammar::Resource,
        }
    }
}

/// Decision about a request.
///
/// ```
/// use bartizan_iam::Decision;
/// assert_eq!(Decision::ImplicitlyDenied.word(), "implicitly-denied");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// Allowed.
    Allowed,
    /// Something denies it.
    ExplicitlyDenied,
    /// Nothing allows it, in some layer that must.
    ImplicitlyDenied,
    /// It depends on something that is not understood or not known.
    Unknown,
}

impl Decision {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::ExplicitlyDenied => "explicitly-denied",
            Self::ImplicitlyDenied => "implicitly-denied",
            Self::Unknown => "unknown",
        }
    }
}

/// Why: a statement, or the lack of one.
///
/// ```
/// use bartizan_iam::{
///     Actions, Context, Layers, PolicyLayer, Request, RequestCaller, evaluate, parse,
/// };
/// let request = Request {
///     action: "s3:GetObject".into(),
///     resource: "arn:aws:s3:::bucket/key".into(),
///     resource_account: Some("111122223333".into()),
///     caller: RequestCaller::Aws("arn:aws:iam::111122223333:user/alice".into()),
///     context: Context::default(),
/// };
/// let allow = parse(
///     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
/// "Action": "s3:*", "Resource": "*"}}"#,
/// )?;
/// let answer = evaluate(
///     &request,
///     &Layers {
///         identity: vec![allow],
///         ..Layers::default()
///     },
///     Actions::builtin(),
/// );
/// // The first statement of the first identity policy.
/// assert_eq!(
///     (answer.because[0].layer, answer.because[0].statement),
///     (PolicyLayer::Identity, Some((0, 0)))
/// );
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Because {
    /// The layer that decided.
    pub layer: PolicyLayer,
    /// Number of the policy within it (levels from the root on, one after the other), and of the
    /// statement in the policy; none when no statement is meant.
    pub statement: Option<(usize, usize)>,
    /// The reason, as a sentence without the statement.
    pub text: &'static str,
}

/// A decision with its reasons.
///
/// ```
/// use bartizan_iam::{Actions, RequestCaller, Context, Decision, Layers, Request, evaluate};
/// let request = Request {
///     action: "s3:GetObject".into(),
///     resource: "arn:aws:s3:::bucket/key".into(),
///     resource_account: Some("111122223333".into()),
///     caller: RequestCaller::Aws("arn:aws:iam::111122223333:user/alice".into()),
///     context: Context::default(),
/// };
/// let answer = evaluate(&request, &Layers::default(), Actions::builtin());
/// assert_eq!(answer.decision, Decision::ImplicitlyDenied);
/// assert!(!answer.because.is_empty());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedDecision {
    /// The decision.
    pub decision: Decision,
    /// The statements that allow it; or the one that denies it; or the layer that does not allow
    /// it.
    pub because: Vec<Because>,
}
