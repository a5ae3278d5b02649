//! Layers of policies that decide a request.

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
