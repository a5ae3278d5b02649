//! What was not read of an account: by kind of fact, region and thing.

use crate::account::Account;
use crate::places::{Held, held, resource_arn};
use crate::arn::Arn;

/// Facts that were not read: of one kind, in one region, all of them or those of one thing.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Hole};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// let hole = Hole {
///     kind: "s3:bucketpolicy".to_owned(),
///     region: "global".to_owned(),
///     id: "payroll".to_owned(),
///     call: "s3:GetBucketPolicy".to_owned(),
///     why: "denied".to_owned(),
/// };
/// builder.unread(hole);
/// let account = builder.build();
/// assert_eq!(account.hole("s3:bucketpolicy", "global", "payroll").as_deref(), Some("s3:GetBucketPolicy denied"));
/// // One refused answer says nothing about other buckets.
/// assert_eq!(account.hole("s3:bucketpolicy", "global", "payroll-2"), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hole {
    /// `s3:bucketpolicy`.
    pub kind: String,
    /// A region, or `global`.
    pub region: String,
    /// Id of the fact; where it ends in `/` or `:`, how the ids begin; empty for all of the kind.
    pub id: String,
    /// The call that did not come through: `s3:GetBucketPolicy`.
    pub call: String,
    /// What became of it: `denied`, `not in the dump`.
    pub why: String,
}

/// What is not known to have been asked.
pub(crate) const NOT_ASKED: &str = "not asked";

impl Hole {
    /// In words: `s3:GetBucketPolicy denied`.
    pub fn sentence(&self) -> String {
        if self.call.is_empty() { self.why.clone() } else { format!("{} {}", self.call, self.why) }
    }

    fn is_about(&self, id: &str) -> bool {
        let within = |whole: &str, part: &str| {
            let rest = whole.strip_prefix(part);
            rest.is_some_and(|rest| rest.is_empty() || part.ends_with(['/', ':']) || rest.starts_with(['/', ':', '#']))
        };
        // A question about all facts of a user (`bob/`) is open when one of them is.
        within(id, &self.id) || id.ends_with(['/', ':']) && self.id.starts_with(id)
    }

    fn is_of_resource(&self, account: &str, arn: &Arn<'_>, text: &str) -> bool {
        let region = if arn.region.is_empty() { &self.region } else { arn.region };
        let last = |t: &str| t.trim_end_matches(['/', ':']).rsplit(['/', ':']).next().unwrap_or_default().to_owned();
        self.id.is_empty()
            || self.id == text
            || resource_arn(&self.kind, region, account, &self.id).is_some_and(|own| own == text)
            || last(&self.id) == last(text)
    }
}

impl Account<'_> {
    /// Why it is open whether the account has a fact of this kind and id; none when it is known.
    pub fn hole(&self, kind: &str, region: &str, id: &str) -> Option<String> {
        if self.absent.contains(&(kind.to_owned(), id.to_owned())) {
            return None;
        }
        self.hole_where(kind, region, |hole| hole.id.is_empty() || hole.is_about(id))
    }

    /// Why the fact of this kind that belongs to a resource is not known.
    pub(crate) fn hole_of(&self, kind: &str, resource: &str) -> Option<String> {
        let arn = Arn::parse(resource)?;
        let there = self.resources.iter().any(|r| r.kind == kind && r.arn == resource);
        let none = self.absent.iter().any(|(k, id)| {
            k == kind && resource_arn(kind, arn.region, &self.id, id).map_or(arn.resource == *id, |own| own == resource)
        });
        if there || none {
            return None;
        }
        let region = if arn.region.is_empty() { "global" } else { arn.region };
        self.hole_where(kind, region, |hole| hole.is_of_resource(&self.id, &arn, resource))
    }

    fn hole_where(&self, kind: &str, region: &str, is: impl Fn(&Hole) -> bool) -> Option<String> {
        // A region that is off has nothing in it.
        if self.regions_off.iter().any(|r| r == region) {
            return None;
        }
        let here = |r: &str| r == region || r == "global";
        if let Some(hole) = self.holes.iter().find(|h| h.kind == kind && here(&h.region) && is(h)) {
            return Some(hole.sentence());
        }
        let asked = self.asked.as_ref()?;
        (!asked.iter().any(|(k, r)| k == kind && here(r))).then(|| format!("{kind} {NOT_ASKED}"))
    }

    /// What was not read of a kind of fact, in all regions; one that was never asked is one hole.
    pub fn holes_of(&self, kind: &str) -> Vec<Hole> {
        let found: Vec<Hole> = self.holes.iter().filter(|h| h.kind == kind).cloned().collect();
        let asked = self.asked.as_ref().is_none_or(|asked| asked.iter().any(|(k, _)| k == kind));
        if asked || !found.is_empty() {
            return found;
        }
        let never = Hole {
            kind: kind.to_owned(),
            region: String::new(),
            id: String::new(),
            call: String::new(),
            why: NOT_ASKED.to_owned(),
        };
        vec![never]
    }

    /// Whether a bucket is in the account's list, as far as that was read.
    pub fn has_bucket(&self, bucket: &str) -> bool {
        self.buckets.as_ref().is_some_and(|own| own.contains(bucket))
    }

    /// Why the list of users and roles is not whole, so that somebody may be there who is not in it.
    pub fn principals_cut(&self) -> Option<String> {
        ["iam:user", "iam:role"].iter().find_map(|kind| self.holes_of(kind).first().map(Hole::sentence))
    }

    /// What holds the policy of a resource, and why that is not known; none where it is, or where there cannot be one.
    pub(crate) fn unread_policy(&self, resource: &str) -> Option<(String, String)> {
        match held(resource) {
            Held::Not => None,
            // Of an account put together by hand nothing is missing.
            Held::NeverRead => {
                self.asked.as_ref().map(|_| (resource.to_owned(), "no call reads policies of such resources".to_owned()))
            }
            Held::By(kind, arn) => self.hole_of(kind, &arn).map(|why| (arn, why)),
        }
    }
}
