//! Coverage: what was asked, and what could not be read.

use std::fmt;

use serde::Serialize;

/// How a call went, in one region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallStatus {
    /// Everything was read, or AWS said that there is nothing.
    Ok,
    /// AWS refused.
    Denied,
    /// AWS kept saying "slower" until the attempts ran out.
    Throttled,
    /// The service does not know the call there, or is not there.
    Unsupported,
    /// The region is not enabled for the account.
    RegionOff,
    /// The credentials ran out and no new ones could be had.
    Expired,
    /// The answer was broken, too large, or never came.
    Failed,
    /// Part was read; a bound of ours, or a dump without the file, cut the rest.
    Cut,
    /// Never asked, because a call that it needs failed.
    NotCalled,
}

impl CallStatus {
    const ALL: [(Self, &str); 9] = [
        (Self::Ok, "ok"),
        (Self::Denied, "denied"),
        (Self::Throttled, "throttled"),
        (Self::Unsupported, "unsupported"),
        (Self::RegionOff, "region-off"),
        (Self::Expired, "expired"),
        (Self::Failed, "failed"),
        (Self::Cut, "cut"),
        (Self::NotCalled, "not-called"),
    ];

    /// The word in the file.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(s, _)| *s == self)
            .map_or("failed", |(_, w)| w)
    }

    /// The status that a word stands for.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, w)| *w == word).map(|(s, _)| *s)
    }
}

impl fmt::Display for CallStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Detail of a [`CallStatus::Cut`] row whose answer a dump does not have. It is a word of the file
/// format, as the words of statuses are.
pub const NOT_IN_DUMP: &str = "not in the dump";

/// One call in one region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Coverage {
    /// A region, or `global`.
    pub region: String,
    /// `s3:GetBucketPolicy`; `*` for a whole region.
    pub call: String,
    /// The worst that happened.
    pub status: CallStatus,
    /// Answers read.
    pub answers: u64,
    /// The kinds of fact that it would have given; `*` for all.
    pub kinds: Vec<String>,
    /// AWS's error code and text, or what stopped us.
    pub detail: String,
    /// If only some items failed: how the ids of their facts begin. Empty with a status other than
    /// ok: all are unread.
    pub unread: Vec<String>,
}

impl Coverage {
    /// Whether this row leaves open if a fact is there.
    #[must_use]
    pub fn leaves_open(&self, id: &str) -> bool {
        self.status != CallStatus::Ok
            && (self.unread.is_empty() || self.unread.iter().any(|prefix| is_within(prefix, id)))
    }

    /// Whether a dump has no file with the answer.
    #[must_use]
    pub fn is_not_in_dump(&self) -> bool {
        self.status == CallStatus::Cut && self.detail == NOT_IN_DUMP
    }

    /// Call that this one waited for and that failed: `s3:ListBuckets` of `s3:GetBucketPolicy`. The
    /// detail of such a row is `CALL STATUS`, e.g. `ListBuckets denied`.
    #[must_use]
    pub fn waited_for(&self) -> Option<String> {
        let (service, _) = self.call.split_once(':')?;
        let (call, status) = self.detail.rsplit_once(' ')?;
        (self.status == CallStatus::NotCalled && CallStatus::parse(status).is_some())
            .then(|| format!("{service}:{call}"))
    }

    /// Whether AWS said that there can be nothing: the region is off, or has no such service or
    /// call.
    #[must_use]
    pub fn nothing_is_there(&self) -> bool {
        matches!(self.status, CallStatus::RegionOff | CallStatus::Unsupported)
    }

    /// Whether this row is about a region that is off, and not about a call. Such a row is no hole:
    /// there is nothing to read.
    #[must_use]
    pub fn is_region_off(&self) -> bool {
        self.status == CallStatus::RegionOff && self.call == "*"
    }

    /// Whether this row speaks of facts of `kind` in `region`.
    #[must_use]
    pub fn speaks_of(&self, kind: &str, region: &str) -> bool {
        self.region == region && self.kinds.iter().any(|k| k == kind || k == "*")
    }
}

/// Whether an id is the one that was not read, or of a thing within it: `payroll` is, `payroll-2`
/// is another bucket.
fn is_within(unread: &str, id: &str) -> bool {
    let rest = id.strip_prefix(unread);
    rest.is_some_and(|rest| {
        rest.is_empty() || unread.ends_with(['/', ':']) || rest.starts_with(['/', ':', '#'])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_was_not_made_names_the_call_that_failed() {
        let row = |status, detail: &str| Coverage {
            region: "global".to_owned(),
            call: "s3:GetBucketPolicy".to_owned(),
            status,
            answers: 0,
            kinds: Vec::new(),
            detail: detail.to_owned(),
            unread: Vec::new(),
        };
        let waited = row(CallStatus::NotCalled, "ListBuckets denied").waited_for();
        assert_eq!(waited.as_deref(), Some("s3:ListBuckets"));
        assert_eq!(row(CallStatus::NotCalled, "who knows").waited_for(), None);
        let denied = row(CallStatus::Denied, "AccessDenied denied");
        assert_eq!(denied.waited_for(), None);
        assert!(row(CallStatus::Cut, NOT_IN_DUMP).is_not_in_dump());
        assert!(!row(CallStatus::Cut, "1,000 items").is_not_in_dump());
    }

    #[test]
    fn one_unread_item_says_nothing_about_another_with_a_longer_name() {
        let row = |unread: &[&str]| Coverage {
            region: "global".to_owned(),
            call: "s3:GetBucketPolicy".to_owned(),
            status: CallStatus::Denied,
            answers: 1,
            kinds: vec!["s3:bucketpolicy".to_owned()],
            detail: String::new(),
            unread: unread.iter().map(|u| (*u).to_owned()).collect(),
        };
        assert!(row(&[]).leaves_open("payroll"));
        assert!(
            row(&["payroll"]).leaves_open("payroll") && row(&["payroll"]).leaves_open("payroll#2")
        );
        assert!(!row(&["payroll"]).leaves_open("payroll-2"));
        assert!(
            row(&["bob/"]).leaves_open("bob/AKIA") && !row(&["bob/"]).leaves_open("bobby/AKIA")
        );
    }
}
