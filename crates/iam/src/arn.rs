//! ARNs and unique ids of principals.

/// ARN, taken apart.
///
/// ```
/// use bartizan_iam::Arn;
/// let arn = Arn::parse("arn:aws:lambda:us-east-1:111122223333:function:f:prod").unwrap();
/// assert_eq!((arn.service, arn.region, arn.resource), ("lambda", "us-east-1", "function:f:prod"));
/// assert!(Arn::parse("bucket").is_none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arn<'a> {
    /// Partition, e.g. `aws`, `aws-cn`.
    pub partition: &'a str,
    /// `s3`, `iam`, …
    pub service: &'a str,
    /// Empty for global resources.
    pub region: &'a str,
    /// Empty for some (`arn:aws:s3:::bucket`).
    pub account: &'a str,
    /// Everything else, with its colons.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Takes an ARN apart; none for any other text.
    ///
    /// ```
    /// let arn = bartizan_iam::Arn::parse("arn:aws:iam::111122223333:user/path/alice").unwrap();
    /// assert_eq!((arn.service, arn.account), ("iam", "111122223333"));
    /// assert_eq!(arn.resource, "user/path/alice");
    /// ```
    pub fn parse(text: &'a str) -> Option<Self> {
        // Every request is taken apart several times, and the parts are short: looking at the bytes
        // is soonest.
        let mut rest = text.strip_prefix("arn:")?;
        let mut next = || {
            let colon = rest.bytes().position(|byte| byte == b':')?;
            let part = &rest[..colon];
            rest = &rest[colon + 1..];
            Some(part)
        };
        let (partition, service, region, account) = (next()?, next()?, next()?, next()?);
        Some(Self {
            partition,
            service,
            region,
            account,
            resource: rest,
        })
    }
}

impl Arn<'_> {
    /// Whether the root user of an account is named: `arn:aws:iam::111122223333:root`.
    pub(crate) fn is_root_of(text: &str, account: &str) -> bool {
        Arn::parse(text)
            .is_some_and(|a| a.service == "iam" && a.account == account && a.resource == "root")
    }

    /// Whether a session of a role is named: `arn:aws:sts::111122223333:assumed-role/app/run-1`.
    pub(crate) fn is_session_of(text: &str, account: &str, role: &str) -> bool {
        Arn::parse(text).is_some_and(|a| {
            let named = a.resource.strip_prefix("assumed-role/");
            a.service == "sts"
                && a.account == account
                && named
                    .and_then(|n| n.split_once('/'))
                    .is_some_and(|(name, _)| name == role)
        })
    }

    /// Whether a role is named, with any path: the ARN of a session does not have the path of its
    /// role.
    pub(crate) fn is_role_of(text: &str, account: &str, role: &str) -> bool {
        Arn::parse(text).is_some_and(|a| {
            let is_here = a.service == "iam" && a.account == account;
            is_here
                && a.resource.starts_with("role/")
                && a.resource.rsplit('/').next() == Some(role)
        })
    }
}

/// Whether a text is a unique id: `AROAEXAMPLE` of a role, `AIDAEXAMPLE` of a user (IAM user guide,
/// "IAM identifiers").
pub(crate) fn is_unique_id(text: &str) -> bool {
    let known = ["AROA", "AIDA", "AGPA", "ANPA", "ASIA", "AIPA"]
        .iter()
        .any(|p| text.starts_with(p));
    known && text.bytes().all(|b| b.is_ascii_alphanumeric())
}
