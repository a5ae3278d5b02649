//! Questions about many resources at once: `arn:aws:s3:::payroll/*` is asked of all that it
//! matches, not of a key called `*`.

use std::collections::BTreeSet;

use super::answer::AccessAnswer;
use super::model::Estate;
use super::owner::Owner;
use super::question::{AccessQuestion, PrincipalId};
use crate::account::{Account, DocumentId};
use crate::arn::Arn;
use crate::engine::ResourcePattern;
use crate::limits::{CLASSES_MAX, PATTERNS_MAX};
use crate::pattern::{Pattern, Rest, rest_of};
use crate::policy::Block;
use crate::tri::Tri;

/// Extent of an answer: on how many of the resources that a pattern matches it is allowed.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Estate, Extent};
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
/// let on = |pattern: &str| estate.ask_many(bob, "s3:GetObject", pattern).extent;
/// assert_eq!(on("arn:aws:s3:::b/public/2026/*"), Extent::All);
/// assert_eq!(on("arn:aws:s3:::b/*"), Extent::Some);
/// assert_eq!(on("arn:aws:s3:::c/*"), Extent::None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// On none of it.
    None,
    /// On some, and not on others.
    Some,
    /// On all of it.
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

/// The answer for all resources that a pattern matches.
///
/// ```
/// use bartizan_iam::{Extent, PatternAnswer};
///
/// // Nobody was asked about anything.
/// let said = PatternAnswer { extent: Extent::None, classes: Vec::new(), cut: false };
/// assert_eq!(said.extent.word(), "none");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternAnswer {
    /// On how much of it.
    pub extent: Extent,
    /// The answer for resources that differ, with one of each: those that are allowed first.
    pub classes: Vec<(String, AccessAnswer)>,
    /// There were more classes than are looked at.
    pub cut: bool,
}

impl PatternAnswer {
    /// How sure it is for what is allowed: `must` only where all of it is.
    pub fn verdict(&self) -> Tri {
        match self.extent {
            Extent::None => Tri::No,
            Extent::Some => Tri::Maybe,
            Extent::All => self
                .classes
                .iter()
                .map(|(_, said)| said.verdict)
                .min()
                .unwrap_or(Tri::No),
        }
    }
}

impl Estate<'_, '_> {
    /// Whether a principal may do something on all, some or none of the resources that a pattern
    /// with `*` and `?` matches.
    pub fn ask_many(&self, id: PrincipalId, action: &str, pattern: &str) -> PatternAnswer {
        let (home, me) = self.of(id);
        let side = match self.owners(Some(&home.id), pattern).into_iter().next() {
            Some(Owner::Read(there)) => there,
            _ => home,
        };
        let (mut classes, mut cut) = (Vec::new(), false);
        for part in side.parts_of(pattern, &mut cut) {
            let asked = Pattern::arn(&part);
            let mut apart = Vec::new();
            let own = me
                .policies
                .iter()
                .chain(&me.boundary)
                .chain(home.scp.iter().flatten());
            own.for_each(|d| home.tell_apart(*d, action, &mut apart));
            let theirs = side
                .resources
                .iter()
                .filter(|r| Pattern::arn(&format!("{}*", r.arn)).meets(&asked).is_some());
            theirs
                .map(|r| r.policy)
                .chain(side.rcp.iter().flatten().copied())
                .for_each(|d| side.tell_apart(d, action, &mut apart));
            // Each role has a trust policy of its own.
            if action.to_ascii_lowercase().starts_with("sts:assumerole") {
                apart.extend(side.principals.iter().map(|p| Pattern::exact(&p.arn)));
            }
            apart.retain(|p| p.meets(&asked).is_some() && !p.covers(&asked));
            cut |= apart.len() > PATTERNS_MAX;
            apart.truncate(PATTERNS_MAX);
            let mut examples = Vec::new();
            cut |= !walk(&mut vec![&asked], &mut Vec::new(), &apart, &mut examples);
            for example in examples {
                let said = self.ask(&AccessQuestion::new(id.into(), action, &example));
                classes.push((example, said));
            }
        }
        classes.sort_by(|a, b| (b.1.verdict, &a.0).cmp(&(a.1.verdict, &b.0)));
        let allowed = classes
            .iter()
            .filter(|(_, said)| said.verdict != Tri::No)
            .count();
        let extent = match allowed {
            _ if cut => Extent::Some,
            0 => Extent::None,
            n if n == classes.len() => Extent::All,
            _ => Extent::Some,
        };
        PatternAnswer {
            extent,
            classes,
            cut,
        }
    }
}

impl Account<'_> {
    /// The pattern, or, where it leaves open which bucket is meant and all are known, one for each
    /// bucket.
    fn parts_of(&self, pattern: &str, cut: &mut bool) -> Vec<String> {
        let whole = || vec![pattern.to_owned()];
        let Some(arn) = Arn::parse(pattern).filter(|a| a.service == "s3" && a.region.is_empty())
        else {
            return whole();
        };
        let (bucket, key) = arn
            .resource
            .split_once('/')
            .map_or((arn.resource, None), |(b, k)| (b, Some(k)));
        if !bucket.contains(['*', '?']) || self.buckets.as_ref().is_none_or(BTreeSet::is_empty) {
            return whole();
        }
        let named = Pattern::text(bucket);
        let mut parts: Vec<String> = Vec::new();
        for own in self.buckets.iter().flatten().filter(|b| named.matches(b)) {
            match key {
                Some(key) => parts.push(format!("arn:aws:s3:::{own}/{key}")),
                // A star without a slash is for buckets and for what is in them.
                None if bucket.ends_with('*') => parts.extend([
                    format!("arn:aws:s3:::{own}"),
                    format!("arn:aws:s3:::{own}/*"),
                ]),
                None => parts.push(format!("arn:aws:s3:::{own}")),
            }
        }
        *cut |= parts.len() > CLASSES_MAX || !self.unread_facts_of("s3:bucket").is_empty();
        parts.truncate(CLASSES_MAX);
        if parts.is_empty() { whole() } else { parts }
    }

    /// Adds the resource patterns of the statements about an action.
    fn tell_apart(&self, document: DocumentId, action: &str, apart: &mut Vec<Pattern>) {
        let bit = self.actions.bit(action);
        let statements = &self.documents[document as usize].compiled.statements;
        for statement in statements.iter().filter(|s| s.actions.contains(bit)) {
            let (Some(Block::Is(list)) | Some(Block::Not(list))) = &statement.resource else {
                continue;
            };
            for resource in list {
                if let ResourcePattern::Pattern(pattern) = resource
                    && !apart.contains(pattern)
                {
                    apart.push(pattern.clone());
                }
            }
        }
    }
}

/// One text of each class: what all of `within` match, none of `without`, and each of the others or
/// not. False: there are more.
fn walk<'p>(
    within: &mut Vec<&'p Pattern>,
    without: &mut Vec<&'p Pattern>,
    others: &'p [Pattern],
    found: &mut Vec<String>,
) -> bool {
    let text = match rest_of(within, without) {
        Rest::Nothing => return true,
        Rest::TooLarge => return false,
        Rest::Text(text) => text,
    };
    if found.len() >= CLASSES_MAX {
        return false;
    }
    let Some((first, others)) = others.split_first() else {
        found.push(text);
        return true;
    };
    within.push(first);
    let with = walk(within, without, others, found);
    within.pop();
    without.push(first);
    let apart = walk(within, without, others, found);
    without.pop();
    with && apart
}
