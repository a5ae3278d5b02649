//! Facts of an account that were not read, by kind, region and resource.

use super::model::Account;
use crate::arn::Arn;
use crate::resource_policies::{PolicySource, policy_source, resource_arn};
use crate::unread::{UnreadFact, UnreadReason};

impl Account<'_> {
    /// Why it is not known whether the account has a fact of this kind and id; none when it is
    /// known.
    pub fn unread_reason(&self, kind: &str, region: &str, id: &str) -> Option<String> {
        if self.absent.contains(&(kind.to_owned(), id.to_owned())) {
            return None;
        }
        self.unread_where(kind, region, |unread| {
            unread.id.is_empty() || unread.is_about(id)
        })
    }

    /// Why the fact of this kind that belongs to a resource is not known.
    pub(crate) fn unread_of(&self, kind: &str, resource: &str) -> Option<String> {
        let arn = Arn::parse(resource)?;
        let there = self
            .resources
            .iter()
            .any(|r| r.kind == kind && r.arn == resource);
        let none = self.absent.iter().any(|(k, id)| {
            k == kind
                && resource_arn(kind, arn.region, &self.id, id)
                    .map_or(arn.resource == *id, |own| own == resource)
        });
        if there || none {
            return None;
        }
        let region = if arn.region.is_empty() {
            "global"
        } else {
            arn.region
        };
        self.unread_where(kind, region, |fact| {
            fact.is_of_resource(&self.id, &arn, resource)
        })
    }

    fn unread_where(
        &self,
        kind: &str,
        region: &str,
        is: impl Fn(&UnreadFact) -> bool,
    ) -> Option<String> {
        // A region that is off has nothing in it.
        if self.regions_off.iter().any(|r| r == region) {
            return None;
        }
        let here = |r: &str| r == region || r == "global";
        if let Some(fact) = self
            .unread_facts
            .iter()
            .find(|h| h.kind == kind && here(&h.region) && is(h))
        {
            return Some(fact.sentence());
        }
        let asked = self.asked.as_ref()?;
        (!asked.iter().any(|(k, r)| k == kind && here(r)))
            .then(|| format!("{kind} {}", UnreadReason::NotAsked))
    }

    /// Unread facts of a kind, in all regions; a kind that was never asked for is one entry.
    pub fn unread_facts_of(&self, kind: &str) -> Vec<UnreadFact> {
        let found: Vec<UnreadFact> = self
            .unread_facts
            .iter()
            .filter(|h| h.kind == kind)
            .cloned()
            .collect();
        let asked = self
            .asked
            .as_ref()
            .is_none_or(|asked| asked.iter().any(|(k, _)| k == kind));
        if asked || !found.is_empty() {
            return found;
        }
        let never = UnreadFact {
            kind: kind.to_owned(),
            region: String::new(),
            id: String::new(),
            call: String::new(),
            why: UnreadReason::NotAsked,
        };
        vec![never]
    }

    /// Whether a bucket is in the account's list, as far as that was read.
    pub fn has_bucket(&self, bucket: &str) -> bool {
        self.buckets
            .as_ref()
            .is_some_and(|own| own.contains(bucket))
    }

    /// Whether a bucket is the account's, by its list, its policy, or that it has none.
    pub(crate) fn owns_bucket(&self, bucket: &str) -> bool {
        let arn = || format!("arn:aws:s3:::{bucket}");
        self.has_bucket(bucket)
            || self
                .absent
                .contains(&("s3:bucketpolicy".to_owned(), bucket.to_owned()))
            || self.resources.iter().any(|r| r.arn == arn())
    }

    /// Whether all its buckets are known; none: of an account put together by hand nobody said.
    pub(crate) fn knows_buckets(&self) -> Option<bool> {
        match (&self.asked, &self.buckets) {
            (None, None) => None,
            _ => Some(self.unread_facts_of("s3:bucket").is_empty()),
        }
    }

    /// Why the list of users and roles is not whole, so that somebody may be there who is not in
    /// it.
    pub fn principals_cut(&self) -> Option<String> {
        ["iam:user", "iam:role"]
            .iter()
            .find_map(|kind| self.unread_facts_of(kind).first().map(UnreadFact::sentence))
    }

    /// Resource whose policy was not read, and why; none where it was read, or where there cannot
    /// be one.
    pub(crate) fn unread_policy(&self, resource: &str) -> Option<(String, String)> {
        match policy_source(resource) {
            PolicySource::Not => None,
            // Of an account put together by hand nothing is missing.
            PolicySource::NeverRead => self.asked.as_ref().map(|_| {
                (
                    resource.to_owned(),
                    "no call reads policies of such resources".to_owned(),
                )
            }),
            PolicySource::By(kind, arn) => self.unread_of(kind, &arn).map(|why| (arn, why)),
        }
    }
}
