//! Facts of an account that were not read.

use crate::arn::Arn;
use crate::resource_policies::resource_arn;

/// Facts that were not read: of one kind, in one region, all of them or those of one resource.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, UnreadFact, UnreadReason};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// let policy = UnreadFact {
///     kind: "s3:bucketpolicy".to_owned(),
///     region: "global".to_owned(),
///     id: "payroll".to_owned(),
///     call: "s3:GetBucketPolicy".to_owned(),
///     why: UnreadReason::Failed("denied".to_owned()),
/// };
/// builder.unread(policy);
/// let account = builder.build();
/// assert_eq!(
///     account
///         .unread_reason("s3:bucketpolicy", "global", "payroll")
///         .as_deref(),
///     Some("s3:GetBucketPolicy denied")
/// );
/// // One refused answer says nothing about other buckets.
/// assert_eq!(
///     account.unread_reason("s3:bucketpolicy", "global", "payroll-2"),
///     None
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnreadFact {
    /// `s3:bucketpolicy`.
    pub kind: String,
    /// A region, or `global`.
    pub region: String,
    /// Id of the fact; where it ends in `/` or `:`, how the ids begin; empty for all of the kind.
    pub id: String,
    /// Call that failed, e.g. `s3:GetBucketPolicy`.
    pub call: String,
    pub why: UnreadReason,
}

/// Reason why a fact was not read.
///
/// ```
/// use bartizan_iam::UnreadReason;
/// let denied = UnreadReason::Failed("denied".to_owned());
/// assert_eq!((denied.word(), denied.is_never_tried()), ("denied", false));
/// // Nobody saved the answer, which says nothing about what AWS would say.
/// assert!(UnreadReason::NotInDump.is_never_tried());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnreadReason {
    /// No call asked for facts of its kind.
    NotAsked,
    /// The dump has no file with the answer.
    NotInDump,
    /// Its document is not in the store.
    NoDocument,
    /// Its policy cannot be parsed.
    NotUnderstood,
    /// The call was answered in part, with what cut it.
    Cut(String),
    /// The call failed, with its status, e.g. `denied`.
    Failed(String),
}

impl UnreadReason {
    /// Word in JSON, e.g. `not-in-dump`.
    pub fn word(&self) -> &str {
        match self {
            Self::NotAsked => "not-asked",
            Self::NotInDump => "not-in-dump",
            Self::NoDocument => "no-document",
            Self::NotUnderstood => "not-understood",
            Self::Cut(_) => "cut",
            Self::Failed(status) => status,
        }
    }

    /// Whether nobody tried to read it: no call was made, or its answer was not saved.
    pub fn is_never_tried(&self) -> bool {
        matches!(self, Self::NotAsked | Self::NotInDump)
    }
}

impl std::fmt::Display for UnreadReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotAsked => f.write_str("not asked"),
            Self::NotInDump => f.write_str("not in the dump"),
            Self::NoDocument => f.write_str("its document is not in the store"),
            Self::NotUnderstood => f.write_str("it cannot be understood"),
            Self::Cut(by) if by.is_empty() => f.write_str("cut"),
            Self::Cut(by) => write!(f, "cut: {by}"),
            Self::Failed(status) => f.write_str(status),
        }
    }
}

impl UnreadFact {
    /// Reason as text, e.g. `s3:GetBucketPolicy denied`.
    pub fn sentence(&self) -> String {
        if self.call.is_empty() {
            self.why.to_string()
        } else {
            format!("{} {}", self.call, self.why)
        }
    }

    pub(crate) fn is_about(&self, id: &str) -> bool {
        let within = |whole: &str, part: &str| {
            let rest = whole.strip_prefix(part);
            rest.is_some_and(|rest| {
                rest.is_empty() || part.ends_with(['/', ':']) || rest.starts_with(['/', ':', '#'])
            })
        };
        // A question about all facts of a user (`bob/`) is open when one of them is.
        within(id, &self.id) || id.ends_with(['/', ':']) && self.id.starts_with(id)
    }

    pub(crate) fn is_of_resource(&self, account: &str, arn: &Arn<'_>, text: &str) -> bool {
        let region = if arn.region.is_empty() {
            &self.region
        } else {
            arn.region
        };
        let last = |t: &str| {
            t.trim_end_matches(['/', ':'])
                .rsplit(['/', ':'])
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        self.id.is_empty()
            || self.id == text
            || resource_arn(&self.kind, region, account, &self.id).is_some_and(|own| own == text)
            || last(&self.id) == last(text)
    }
}
