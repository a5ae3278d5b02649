//! A request with all its policies as one JSON object, as `bartizan access eval` reads it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::policy::{Policy, PolicyError, parse};
use crate::request::{
    BlockPublicAccess, Context, ContextValue, Layers, PolicyLayer, Request, RequestCaller,
};

/// One case: a request with its policies. A layer that is absent does not limit.
///
/// ```
/// use bartizan_iam::{Actions, Case, Decision, evaluate};
/// let case = r#"{"name": "read", "request": {"action": "s3:GetObject", "resource":
/// {"arn": "arn:aws:s3:::b/k", "account": "111122223333"},
/// "principal": {"arn": "arn:aws:iam::111122223333:user/alice"}},
///   "identity_policies": [{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///   "Action": "s3:Get*", "Resource": "*"}}]}"#;
/// let case = Case::parse(case)?;
/// assert_eq!(
///     evaluate(&case.request, &case.layers, Actions::builtin()).decision,
///     Decision::Allowed
/// );
/// # Ok::<(), bartizan_iam::CaseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case<P> {
    /// Name of the case in answers.
    pub name: Option<String>,
    /// Request of the case.
    pub request: Request,
    /// The policies.
    pub layers: Layers<P>,
    /// Fields that mean nothing here.
    pub ignored: Vec<String>,
}

/// Error in the text of a case.
///
/// ```
/// use bartizan_iam::Case;
/// let error = Case::parse(r#"{"name": "nothing is asked"}"#).unwrap_err();
/// assert!(error.to_string().contains("request"));
/// ```
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// Not JSON, or not of that shape.
    #[error("not a case: {0}")]
    Shape(#[from] serde_json::Error),
    /// A policy in it cannot be read.
    #[error("{layer}, policy {}: {error}", number + 1)]
    Policy {
        /// Layer of the policy, e.g. `identity policy`.
        layer: &'static str,
        /// Number of the policy in the layer, from 0.
        number: usize,
        /// Why it is no policy.
        error: PolicyError,
    },
}

#[derive(Deserialize)]
struct WrittenRequest<'a> {
    action: String,
    resource: WrittenResource,
    #[serde(borrow)]
    principal: WrittenCaller<'a>,
    #[serde(default)]
    context: BTreeMap<String, ContextValue>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenResource {
    Arn(String),
    Known {
        arn: String,
        account: Option<String>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenCaller<'a> {
    #[serde(borrow)]
    Arn(Cow<'a, str>),
    Service(String),
    Federated(String),
    Anonymous(bool),
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct PublicAccessBlocks {
    #[serde(default)]
    account: Option<PublicAccessBlock>,
    #[serde(default)]
    bucket: Option<PublicAccessBlock>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct PublicAccessBlock {
    restrict_public_buckets: bool,
}

impl WrittenRequest<'_> {
    fn into_request(self) -> Result<Request, CaseError> {
        let mut context = Context::default();
        self.context
            .into_iter()
            .for_each(|(key, given)| context.set(&key, given));
        let (resource_arn, resource_account) = match self.resource {
            WrittenResource::Arn(arn) => (arn, None),
            WrittenResource::Known { arn, account } => (arn, account),
        };
        let caller = match self.principal {
            WrittenCaller::Arn(arn) => RequestCaller::Aws(arn.into_owned()),
            WrittenCaller::Service(service) => RequestCaller::Service(service),
            WrittenCaller::Federated(provider) => RequestCaller::Federated(provider),
            WrittenCaller::Anonymous(true) => RequestCaller::Anonymous,
            WrittenCaller::Anonymous(false) => {
                return Err(custom("a principal is anonymous, or it is named"));
            }
        };
        Ok(Request {
            action: self.action,
            resource: resource_arn,
            resource_account,
            caller,
            context,
        })
    }
}

/// Takes a field out; null is the same as its absence.
fn field<'a, T: Deserialize<'a>>(
    fields: &mut BTreeMap<Cow<'_, str>, &'a RawValue>,
    name: &str,
) -> Result<Option<T>, CaseError> {
    match fields.remove(name) {
        None => Ok(None),
        Some(raw) => serde_json::from_str(raw.get()).map_err(|e| custom(&format!("{name}: {e}"))),
    }
}

fn custom(text: &str) -> CaseError {
    CaseError::Shape(serde::de::Error::custom(text))
}

impl<P> Case<P> {
    /// Reads a case; `policy` makes of each document what the evaluator takes.
    ///
    /// # Errors
    /// When it is no case, or a policy in it cannot be read.
    pub fn read(
        text: &str,
        mut policy: impl FnMut(PolicyLayer, &str) -> Result<P, PolicyError>,
    ) -> Result<Self, CaseError> {
        let mut fields: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(text)?;
        let mut read = |layer: PolicyLayer, number: usize, raw: &RawValue| {
            // A document may also be given as the text that some APIs answer with.
            let text = raw.get();
            let inner: Option<String> = if text.starts_with('"') {
                serde_json::from_str(text).ok()
            } else {
                None
            };
            policy(layer, inner.as_deref().unwrap_or(text)).map_err(|error| CaseError::Policy {
                layer: layer.word(),
                number,
                error,
            })
        };
        let mut list = |layer, raws: Vec<&RawValue>| -> Result<Vec<P>, CaseError> {
            raws.into_iter()
                .enumerate()
                .map(|(n, raw)| read(layer, n, raw))
                .collect()
        };
        let name = field(&mut fields, "name")?.unwrap_or_default();
        let request: WrittenRequest<'_> =
            field(&mut fields, "request")?.ok_or_else(|| custom("it has no request"))?;
        let identity = list(
            PolicyLayer::Identity,
            field(&mut fields, "identity_policies")?.unwrap_or_default(),
        )?;
        let resource = list(
            PolicyLayer::Resource,
            field::<&RawValue>(&mut fields, "resource_policy")?
                .into_iter()
                .collect(),
        )?
        .pop();
        let boundary = list(
            PolicyLayer::Boundary,
            field(&mut fields, "permission_boundaries")?.unwrap_or_default(),
        )?;
        let session = list(
            PolicyLayer::Session,
            field(&mut fields, "session_policies")?.unwrap_or_default(),
        )?;
        let endpoint = list(
            PolicyLayer::Endpoint,
            field(&mut fields, "endpoint_policies")?.unwrap_or_default(),
        )?;
        let mut levels = |layer, levels: Option<Vec<Vec<&RawValue>>>| {
            levels
                .unwrap_or_default()
                .into_iter()
                .map(|l| list(layer, l))
                .collect::<Result<Vec<_>, _>>()
        };
        let scp = levels(PolicyLayer::Scp, field(&mut fields, "scp_levels")?)?;
        let rcp = levels(PolicyLayer::Rcp, field(&mut fields, "rcp_levels")?)?;
        let blocks: PublicAccessBlocks =
            field(&mut fields, "block_public_access")?.unwrap_or_default();
        let restricts = [&blocks.account, &blocks.bucket]
            .into_iter()
            .flatten()
            .any(|b| b.restrict_public_buckets);
        let block_public_access = BlockPublicAccess {
            restrict_public_buckets: restricts,
        };
        let request = request.into_request()?;
        let layers = Layers {
            identity,
            resource,
            boundary,
            session,
            scp,
            rcp,
            endpoint,
            block_public_access,
        };
        let ignored = fields.into_keys().map(Cow::into_owned).collect();
        Ok(Self {
            name,
            request,
            layers,
            ignored,
        })
    }
}

impl Case<Policy> {
    /// Reads a case with its policies as they are written.
    ///
    /// ```
    /// use bartizan_iam::{Actions, Case, Decision, evaluate};
    /// let case = Case::parse(
    ///     r#"{"request": {"action": "s3:GetObject", "resource": {"arn": "arn:aws:s3:::b/k",
    ///     "account": "123456789012"},
    ///     "principal": {"arn": "arn:aws:iam::123456789012:user/alice"}},
    ///     "identity_policies": [{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
    ///         "Action": "s3:*", "Resource": "*"}}]}"#,
    /// )?;
    /// assert_eq!(
    ///     evaluate(&case.request, &case.layers, Actions::builtin()).decision,
    ///     Decision::Allowed
    /// );
    /// # Ok::<(), bartizan_iam::CaseError>(())
    /// ```
    ///
    /// # Errors
    /// When it is no case, or a policy in it cannot be read.
    pub fn parse(text: &str) -> Result<Self, CaseError> {
        Self::read(text, |_, text| parse(text))
    }
}
