//! Callers: principals who make requests.

use std::borrow::Cow;

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
