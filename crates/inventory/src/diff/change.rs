//! Changes between two snapshots.

use crate::diff::access::PolicyAccess;
use crate::diff::content::ContentChange;
use crate::diff::verdict::ChangeVerdict;
use crate::fact::{FactKinds, Hash, PolicyAttachment};
use crate::snapshot::{SideLine, Snapshot};
use bartizan_iam::PolicyLocation;
use bartizan_model::Severity;
use serde::Serialize;

/// One of the two snapshots, with a way to its documents.
pub struct SnapshotVersion<'a> {
    /// The fact lines and the header.
    pub snapshot: &'a Snapshot<'a>,
    /// The side lines, in the order of the facts; empty if they are lost.
    pub side: Vec<SideLine<'a>>,
    /// A document by its raw hash.
    pub documents: &'a dyn Fn(&Hash) -> Option<Vec<u8>>,
}

/// Changes between two snapshots, and what could not be compared.
#[derive(Debug, Serialize)]
pub struct SnapshotDiff {
    /// Worst first.
    pub changes: Vec<Change>,
    /// Changes that say nothing to people: counted, never listed.
    pub folded: Folded,
    /// Facts of which nothing can be said, by kind, region and reason.
    pub unknown: Vec<UnknownFacts>,
    /// Calls read in the later snapshot, and all calls.
    pub coverage: CoverageSummary,
}

/// One fact that changed.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// Added, removed, replaced or changed.
    pub verdict: ChangeVerdict,
    /// How bad.
    pub severity: Severity,
    /// `iam:userpolicy`, ….
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// Twelve digits.
    pub account: String,
    /// A region, or `global`.
    pub region: String,
    /// Stable id.
    pub id: String,
    /// Before, if it was there.
    pub before: Option<ChangeSide>,
    /// After, if it is there.
    pub after: Option<ChangeSide>,
    /// Old and new grants and fields.
    pub content: ContentChange,
    /// For policies: whether they grant more or less.
    pub access: Option<PolicyAccess>,
    /// Why it is as bad as it is, and what else is to be said.
    pub because: Vec<String>,
    /// The thing that it came or went with: `s3:bucket audit-logs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_of: Option<String>,
}

impl Change {
    /// Location of its policy, by which external principals are decided.
    pub fn place(&self) -> PolicyLocation<'_> {
        place(
            &self.kind,
            &self.account,
            self.after.as_ref().map(|side| side.read_ms),
        )
    }
}

/// Where the policy of a fact stands. An import that has no time has none here.
pub(crate) fn place<'a>(kind: &str, account: &'a str, read_ms: Option<i64>) -> PolicyLocation<'a> {
    let now_s = read_ms.filter(|ms| *ms > 0).map(|ms| ms as f64 / 1000.0);
    PolicyLocation {
        account,
        trust: FactKinds::shared().get(kind).policy == Some(PolicyAttachment::Trust),
        now_s,
        ..PolicyLocation::default()
    }
}

/// One side of a change.
#[derive(Debug, Clone, Serialize)]
pub struct ChangeSide {
    /// Hash of what matters.
    pub canonical_sha256: String,
    /// Hash of the document.
    pub raw_sha256: String,
    /// When AWS gave the answer, milliseconds since 1970.
    pub read_ms: i64,
}

/// Counts of what is not listed.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Folded {
    /// Facts whose volatile fields moved (last used, sizes, status).
    pub volatile: usize,
    /// Facts whose derived fields moved (attachment counts).
    pub derived: usize,
    /// Facts that AWS itself changed (its managed policies, fields that it added).
    pub vendor: usize,
    /// Documents that say the same in another order or form.
    pub cosmetic: usize,
    /// Facts that differ in nothing but values that were hidden with two keys: whether those differ
    /// cannot be said.
    pub not_comparable: usize,
}

/// Facts that can neither be said to be there nor to be gone.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct UnknownFacts {
    /// Kind of the facts.
    pub kind: String,
    /// A region, or `global`.
    pub region: String,
    /// Which snapshot could not see them.
    pub unseen_in: &'static str,
    /// `s3:GetBucketPolicy denied`.
    pub reason: String,
    /// Which.
    pub ids: Vec<String>,
}

/// Coverage of the later snapshot, and how it moved.
#[derive(Debug, Serialize)]
pub struct CoverageSummary {
    /// Calls (per region) that were read whole.
    pub ok: usize,
    /// Calls (per region) in all.
    pub total: usize,
    /// Rows that are not ok, in words.
    pub not_ok: Vec<String>,
    /// Regions that the account has not enabled.
    pub regions_off: Vec<String>,
    /// Rows whose status moved since the earlier snapshot.
    pub moved: Vec<String>,
}
