//! Answers about sets of actions and resources.

use crate::bits::Bits;
use crate::estate::answer::AccessAnswer;
use crate::pattern::Pattern;
use crate::tri::Tri;

/// Extent of an answer: how much of the set is allowed.
///
/// ```
/// use bartizan_iam::{AccessQuestion, AccountBuilder, Actions, Estate, Extent};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///         "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "s3:GetObject",
///         "Resource": "arn:aws:s3:::b/public/*"}}}]}]}"#,
/// )?;
/// let accounts = [builder.build()];
/// let estate = Estate::new(&accounts);
/// let bob = estate.principal("bob").unwrap();
/// let on = |action: &str, resource: &str| {
///     estate.ask_set(&AccessQuestion::new(bob.into(), action, resource)).extent
/// };
/// assert_eq!(on("s3:GetObject", "arn:aws:s3:::b/public/2026/*"), Extent::All);
/// assert_eq!(on("s3:GetObject", "arn:aws:s3:::b/*"), Extent::Some);
/// assert_eq!(on("s3:Get*", "arn:aws:s3:::b/public/*"), Extent::Some);
/// assert_eq!(on("s3:GetObject", "arn:aws:s3:::c/*"), Extent::None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// None of it.
    None,
    /// A part of it.
    Some,
    /// All of it.
    All,
}

impl Extent {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Some => "some",
            Self::All => "all",
        }
    }
}

/// Resources that are answered alike: those that all of `within` match and none of `without`.
///
/// ```
/// use bartizan_iam::{Pattern, ResourceCell};
/// let cell = ResourceCell {
///     account: None,
///     within: vec![Pattern::arn("arn:aws:s3:::b/*")],
///     without: vec![Pattern::arn("arn:aws:s3:::b/secret/*")],
///     without_own_policy: false,
/// };
/// assert!(cell.contains("arn:aws:s3:::b/a") && !cell.contains("arn:aws:s3:::b/secret/a"));
/// assert_eq!(cell.patterns(), ["arn:aws:s3:::b/*"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceCell {
    /// Account that they belong to, where their ARNs do not tell: `111122223333`.
    pub account: Option<String>,
    /// Patterns that all match.
    pub within: Vec<Pattern>,
    /// Patterns none of which matches.
    pub without: Vec<Pattern>,
    /// Only those that have no policy of their own: the others are in other cells.
    pub without_own_policy: bool,
}

impl ResourceCell {
    /// One resource: an ARN, or `*` for actions that are about none.
    pub(super) fn one(resource: &str) -> Self {
        Self {
            account: None,
            within: vec![Pattern::exact(resource)],
            without: Vec::new(),
            without_own_policy: false,
        }
    }

    /// Whether a resource is matched by its patterns.
    pub fn contains(&self, resource: &str) -> bool {
        self.within.iter().all(|p| p.matches(resource))
            && !self.without.iter().any(|p| p.matches(resource))
    }

    /// Its resources as patterns, without those that `exceptions` leaves out. One stands for all
    /// where what all of `within` match can be written as patterns.
    pub fn patterns(&self) -> Vec<String> {
        let mut list: Vec<Pattern> = vec![Pattern::arn("*")];
        for pattern in &self.within {
            let mut next: Vec<Pattern> = Vec::new();
            for one in &list {
                match one.intersection(pattern) {
                    Some(both) => next.extend(both),
                    // More than can be written: the narrower reading is left to the example.
                    None => next.push(one.clone()),
                }
            }
            next.dedup();
            list = next;
        }
        let as_policy = |p: &Pattern| p.as_exact().unwrap_or_else(|| p.to_string());
        list.iter().map(as_policy).collect()
    }

    /// Patterns that are left out, as far as they are about any of its resources.
    pub fn exceptions(&self) -> Vec<String> {
        let as_policy = |p: &Pattern| p.as_exact().unwrap_or_else(|| p.to_string());
        let meets = |p: &&Pattern| self.within.iter().all(|w| w.meets(p).is_some());
        let covered = |p: &Pattern| self.without.iter().any(|o| o != p && o.covers(p));
        let outer = self.without.iter().filter(|p| !covered(p));
        outer.filter(meets).map(as_policy).collect()
    }
}

/// Part of a set that is answered alike.
///
/// ```
/// use bartizan_iam::{AccessQuestion, AccountBuilder, Actions, Estate, RequestCaller};
/// let accounts = [AccountBuilder::new("111122223333", Actions::builtin()).build()];
/// let question = AccessQuestion::new(RequestCaller::Anonymous.into(), "s3:Get*", "arn:aws:s3:::b/*");
/// let part = &Estate::new(&accounts).ask_set(&question).parts[0];
/// assert!(part.example.1.starts_with("arn:aws:s3:::b/"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetPart {
    /// Its actions.
    pub actions: Bits,
    /// Its resources.
    pub cells: Vec<ResourceCell>,
    /// An action and a resource of it.
    pub example: (String, String),
    /// The answer for all of it.
    pub said: AccessAnswer,
}

/// Answer for all actions and resources that patterns match.
///
/// ```
/// use bartizan_iam::{Extent, SetAnswer, Tri};
/// // Nothing was asked of anybody.
/// let said = SetAnswer { extent: Extent::None, parts: Vec::new(), cut: false };
/// assert_eq!(said.verdict(), Tri::No);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAnswer {
    /// How much of it is allowed.
    pub extent: Extent,
    /// Its parts: the surest first.
    pub parts: Vec<SetPart>,
    /// There were more parts than are looked at.
    pub cut: bool,
}

impl SetAnswer {
    pub(super) fn new(mut parts: Vec<SetPart>, cut: bool) -> Self {
        parts.sort_by(|a, b| (b.said.verdict, &a.example).cmp(&(a.said.verdict, &b.example)));
        let allowed = parts.iter().filter(|p| p.said.verdict != Tri::No).count();
        let extent = match allowed {
            _ if cut => Extent::Some,
            0 => Extent::None,
            n if n == parts.len() => Extent::All,
            _ => Extent::Some,
        };
        Self { extent, parts, cut }
    }

    /// How sure it is for what is allowed: `must` only where all of it is.
    pub fn verdict(&self) -> Tri {
        match self.extent {
            Extent::None => Tri::No,
            Extent::Some => Tri::Maybe,
            Extent::All => self
                .parts
                .iter()
                .map(|part| part.said.verdict)
                .min()
                .unwrap_or(Tri::No),
        }
    }
}
