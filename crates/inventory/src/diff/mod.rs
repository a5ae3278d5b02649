//! The difference of two snapshots. Its cost grows with the change, not with the account: documents
//! are only read where a hash differs.

mod access;
mod change;
mod content;
mod names;
mod network_rule;
mod parts;
mod verdict;

use crate::diff::change::place;
use std::collections::BTreeMap;

use serde_json::Value;

pub use access::{AccessVerdict, PolicyAccess};
pub use change::{
    Change, ChangeSide, CoverageSummary, Folded, SnapshotDiff, SnapshotVersion, UnknownFacts,
};
pub use content::{ContentChange, FieldChange};
pub use network_rule::{NetworkPeer, NetworkRule, TrafficDirection};
pub use verdict::ChangeVerdict;

use self::names::SnapshotNames;
use crate::fact::{FactKind, FactKinds, FactLine, absent_code, unescape};
use crate::snapshot::{CallStatus, Snapshot};

/// Compares two snapshots of one account.
#[must_use]
pub fn diff(
    kinds: &FactKinds,
    before: &SnapshotVersion<'_>,
    after: &SnapshotVersion<'_>,
) -> SnapshotDiff {
    let mut work = DiffRun {
        kinds,
        before,
        after,
        names_before: SnapshotNames::new(before),
        names_after: SnapshotNames::new(after),
        changes: Vec::new(),
        folded: Folded::default(),
        unknown: BTreeMap::new(),
    };
    let (old, new) = (&before.snapshot.facts, &after.snapshot.facts);
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        let order = match (old.get(i), new.get(j)) {
            (Some(a), Some(b)) => a.key().cmp(&b.key()),
            (Some(_), None) => std::cmp::Ordering::Less,
            _ => std::cmp::Ordering::Greater,
        };
        match order {
            std::cmp::Ordering::Less => work.gone(i),
            std::cmp::Ordering::Greater => work.come(j),
            std::cmp::Ordering::Equal => work.both(i, j),
        }
        i += usize::from(order.is_le());
        j += usize::from(order.is_ge());
    }
    work.finish()
}

struct DiffRun<'a> {
    kinds: &'a FactKinds,
    before: &'a SnapshotVersion<'a>,
    after: &'a SnapshotVersion<'a>,
    names_before: SnapshotNames<'a>,
    names_after: SnapshotNames<'a>,
    changes: Vec<Change>,
    folded: Folded,
    unknown: BTreeMap<(String, String, &'static str, String), Vec<String>>,
}

impl DiffRun<'_> {
    fn gone(&mut self, i: usize) {
        let fact = &self.before.snapshot.facts[i];
        if let Some(reason) = open_about(self.after.snapshot, fact) {
            return self.leave_open(fact, "after", reason);
        }
        let document = (self.before.documents)(&fact.raw);
        if document.as_deref().and_then(absent_code).is_none() {
            self.add(ChangeVerdict::Removed, fact, Some(i), None, document, None);
        }
    }

    fn come(&mut self, j: usize) {
        let fact = &self.after.snapshot.facts[j];
        let document = (self.after.documents)(&fact.raw);
        if document.as_deref().and_then(absent_code).is_some() {
            return;
        }
        // A region that was off had nothing in it: what is there now is new.
        let was_off = self
            .before
            .snapshot
            .header
            .coverage
            .iter()
            .any(|c| c.is_region_off() && c.region == fact.region);
        if let Some(reason) = open_about(self.before.snapshot, fact).filter(|_| !was_off) {
            return self.leave_open(fact, "before", reason);
        }
        self.add(ChangeVerdict::Added, fact, None, Some(j), None, document);
    }

    fn both(&mut self, i: usize, j: usize) {
        let (old, new) = (
            &self.before.snapshot.facts[i],
            &self.after.snapshot.facts[j],
        );
        if let (Some(a), Some(b)) = (self.before.side.get(i), self.after.side.get(j)) {
            self.folded.volatile += usize::from(a.volatile != b.volatile);
        }
        if old.raw == new.raw {
            return;
        }
        let (a, b) = (
            (self.before.documents)(&old.raw),
            (self.after.documents)(&new.raw),
        );
        let absent = |d: &Option<Vec<u8>>| d.as_deref().and_then(absent_code).is_some();
        let verdict = match (absent(&a), absent(&b)) {
            (true, true) => return,
            (true, false) => ChangeVerdict::Added,
            (false, true) => ChangeVerdict::Removed,
            (false, false) if old.canonical == new.canonical => ChangeVerdict::Cosmetic,
            (false, false) => ChangeVerdict::Changed,
        };
        let (a, b) = (
            a.filter(|_| verdict != ChangeVerdict::Added),
            b.filter(|_| verdict != ChangeVerdict::Removed),
        );
        self.add(verdict, new, Some(i), Some(j), a, b);
    }

    fn leave_open(&mut self, fact: &FactLine<'_>, unseen_in: &'static str, reason: String) {
        let key = (
            fact.kind.to_owned(),
            fact.region.to_owned(),
            unseen_in,
            reason,
        );
        self.unknown
            .entry(key)
            .or_default()
            .push(unescape(fact.id).into_owned());
    }

    fn add(
        &mut self,
        verdict: ChangeVerdict,
        fact: &FactLine<'_>,
        i: Option<usize>,
        j: Option<usize>,
        before: Option<Vec<u8>>,
        after: Option<Vec<u8>>,
    ) {
        let kind = self.kinds.get(fact.kind);
        let id = unescape(fact.id).into_owned();
        let lost = (i.is_some() && before.is_none() && verdict != ChangeVerdict::Added)
            || (j.is_some() && after.is_none() && verdict != ChangeVerdict::Removed);
        let content = self.content(kind, before.as_deref(), after.as_deref());
        if self.is_folded(verdict, fact, (i.is_some(), j.is_some()), &content, lost) {
            return;
        }
        let (verdict, severity, mut because) = {
            let read_ms = j.map(|j| self.after.snapshot.time_ms(self.after.side.get(j)));
            verdict::weigh(
                verdict,
                kind,
                &content,
                &place(fact.kind, fact.account, read_ms),
            )
        };
        if content.not_comparable > 0 {
            because.push(format!(
                "{} hidden values cannot be compared: another key hid them before",
                content.not_comparable
            ));
        }
        if lost {
            because
                .push("a document is missing from the store: run bartizan verify evidence".into());
        }
        let side = |version: &SnapshotVersion<'_>, index: usize| {
            let fact = &version.snapshot.facts[index];
            ChangeSide {
                canonical_sha256: fact.canonical.to_string(),
                raw_sha256: fact.raw.to_string(),
                read_ms: version.snapshot.time_ms(version.side.get(index)),
            }
        };
        self.changes.push(Change {
            verdict,
            severity,
            kind: fact.kind.to_owned(),
            title: kind.title.clone(),
            account: fact.account.to_owned(),
            region: fact.region.to_owned(),
            id,
            before: i.map(|i| side(self.before, i)),
            after: j.map(|j| side(self.after, j)),
            access: self.access(fact.kind, &content),
            content,
            because,
            part_of: None,
        });
    }

    /// Counts a change that says nothing to people, and whether it is one: made by AWS, of hidden
    /// values only, of the form only, or derived from others.
    fn is_folded(
        &mut self,
        verdict: ChangeVerdict,
        fact: &FactLine<'_>,
        (was, is): (bool, bool),
        content: &ContentChange,
        lost: bool,
    ) -> bool {
        let kind = self.kinds.get(fact.kind);
        let id = unescape(fact.id);
        let (old, new) = (
            &self.before.snapshot.header.new_fields,
            &self.after.snapshot.header.new_fields,
        );
        // A field that came (or, read by an older tool, went) and that only one side's model did
        // not know.
        let unknown = |name: &str, came: bool| {
            let (here, there) = if came { (new, old) } else { (old, new) };
            here.iter().any(|f| f.1 == name && !there.contains(f))
        };
        let by_aws = kind
            .vendor_id
            .as_ref()
            .is_some_and(|prefix| id.starts_with(prefix))
            || content.is_only_fields(unknown)
            || self.is_of_key_of_aws(fact, was, is);
        if by_aws && !lost {
            self.folded.vendor += 1;
            return true;
        }
        if content.not_comparable > 0 && content.before == content.after && !lost {
            self.folded.not_comparable += 1;
            return true;
        }
        // The same principals under their ids and under their names.
        let renamed = verdict == ChangeVerdict::Changed && content.is_same_policy() && !lost;
        // Objects come and go all day: one whose ACL lets in nobody but its owner opens nothing.
        let private = fact.kind == "s3:objectacl" && !lost && is_owners_alone(content);
        if verdict == ChangeVerdict::Cosmetic || renamed || private {
            let derived = content
                .fields
                .iter()
                .any(|f| kind.classes.derived.covers(&f.path));
            *(if derived {
                &mut self.folded.derived
            } else {
                &mut self.folded.cosmetic
            }) += 1;
            return true;
        }
        false
    }

    /// Old and new, each principal under the name that it has in its snapshot.
    fn content(
        &self,
        kind: &FactKind,
        before: Option<&[u8]>,
        after: Option<&[u8]>,
    ) -> ContentChange {
        let old = before.map(|bytes| self.names_before.named(bytes));
        let new = after.map(|bytes| self.names_after.named(bytes));
        ContentChange::of_stored(&kind.classes, old, new)
    }

    /// Whether it grants more or less. An id that is left of a principal which is gone grants
    /// nobody anything.
    fn access(&self, kind: &str, content: &ContentChange) -> Option<PolicyAccess> {
        let old = content
            .before
            .as_ref()
            .map(|v| self.names_before.without_gone(v));
        let new = content
            .after
            .as_ref()
            .map(|v| self.names_after.without_gone(v));
        PolicyAccess::between(kind, old.as_ref(), new.as_ref())
    }

    /// Whether a fact is about a KMS key that AWS made and manages: there is one for each service
    /// that encrypts, nobody can change its policy, and it comes with the first use of the service
    /// (KMS developer guide, "AWS managed keys").
    fn is_of_key_of_aws(&self, fact: &FactLine<'_>, was: bool, is: bool) -> bool {
        if !matches!(
            fact.kind,
            "kms:key" | "kms:keypolicy" | "kms:keyrotationstatus"
        ) {
            return false;
        }
        let is_of_aws = |version: &SnapshotVersion<'_>| {
            let facts = &version.snapshot.facts;
            let key = facts.binary_search_by(|f| {
                f.key()
                    .cmp(&("kms:key", fact.account, fact.region, fact.id))
            });
            let document = key.ok().and_then(|at| (version.documents)(&facts[at].raw));
            let value: Option<Value> = document.and_then(|d| serde_json::from_slice(&d).ok());
            value.is_some_and(|v| {
                v["KeyManager"] == "AWS" || v["KeyMetadata"]["KeyManager"] == "AWS"
            })
        };
        (was || is) && (!was || is_of_aws(self.before)) && (!is || is_of_aws(self.after))
    }

    fn finish(mut self) -> SnapshotDiff {
        self.pair_replaced();
        parts::mark(&mut self.changes);
        self.changes.sort_by(|a, b| {
            b.severity.cmp(&a.severity).then_with(|| {
                (&a.kind, &a.region, &a.id, a.verdict).cmp(&(&b.kind, &b.region, &b.id, b.verdict))
            })
        });
        let unknown = self.unknown.into_iter();
        SnapshotDiff {
            changes: self.changes,
            folded: self.folded,
            unknown: unknown
                .map(|((kind, region, unseen_in, reason), ids)| UnknownFacts {
                    kind,
                    region,
                    unseen_in,
                    reason,
                    ids,
                })
                .collect(),
            coverage: coverage(self.before.snapshot, self.after.snapshot),
        }
    }

    /// A thing that went and a thing that came under one name, where AWS makes the ids: one
    /// replacement.
    fn pair_replaced(&mut self) {
        let name = |kinds: &FactKinds, change: &Change| -> Option<String> {
            let field = kinds.get(&change.kind).name.as_ref()?;
            let document: &Value = match change.verdict {
                ChangeVerdict::Removed => change.content.before.as_ref()?,
                ChangeVerdict::Added => change.content.after.as_ref()?,
                _ => return None,
            };
            Some(format!(
                "{} {} {}",
                change.kind,
                change.region,
                document.get(field)?.as_str()?
            ))
        };
        let mut came: BTreeMap<String, usize> = BTreeMap::new();
        for (index, change) in self
            .changes
            .iter()
            .enumerate()
            .filter(|(_, c)| c.verdict == ChangeVerdict::Added)
        {
            if let Some(name) = name(self.kinds, change) {
                came.insert(name, index);
            }
        }
        let mut drop_at = Vec::new();
        for index in 0..self.changes.len() {
            let change = &self.changes[index];
            if change.verdict != ChangeVerdict::Removed {
                continue;
            }
            let Some(other) = name(self.kinds, change).and_then(|name| came.remove(&name)) else {
                continue;
            };
            let classes = &self.kinds.get(&change.kind).classes;
            let content = ContentChange::of_values(
                classes,
                change.content.before.clone(),
                self.changes[other].content.after.clone(),
            );
            let access = self.access(&self.changes[other].kind, &content);
            let (before, old_id) = (change.before.clone(), change.id.clone());
            let new = &mut self.changes[other];
            new.verdict = ChangeVerdict::Replaced;
            new.before = before;
            new.access = access;
            new.content = content;
            new.because
                .push(format!("{old_id} went, {} came under its name", new.id));
            drop_at.push(index);
        }
        for index in drop_at.into_iter().rev() {
            self.changes.remove(index);
        }
    }
}

/// Whether an ACL grants and granted nothing to anybody but the owner.
fn is_owners_alone(content: &ContentChange) -> bool {
    let alone = |acl: &Value| {
        let owner = &acl["Owner"]["ID"];
        let mut grants = acl["Grants"].as_array().into_iter().flatten();
        owner.is_string() && grants.all(|grant| grant["Grantee"]["ID"] == *owner)
    };
    let mut acls = [&content.before, &content.after].into_iter().flatten();
    acls.all(alone)
}

fn open_about(snapshot: &Snapshot<'_>, fact: &FactLine<'_>) -> Option<String> {
    snapshot.open_about(fact.kind, fact.region, &unescape(fact.id))
}

fn coverage(before: &Snapshot<'_>, after: &Snapshot<'_>) -> CoverageSummary {
    let rows = |s: &Snapshot<'_>| -> BTreeMap<(String, String), CallStatus> {
        s.header
            .coverage
            .iter()
            .map(|c| ((c.region.clone(), c.call.clone()), c.status))
            .collect()
    };
    let (old, new) = (rows(before), rows(after));
    let mut moved = Vec::new();
    for ((region, call), status) in &new {
        match old.get(&(region.clone(), call.clone())) {
            Some(was) if was != status => {
                moved.push(format!("{call} in {region}: {was}, now {status}"))
            }
            _ => {}
        }
    }
    for key in old.keys().filter(|k| !new.contains_key(*k)) {
        moved.push(format!(
            "{} in {}: {}, now not asked",
            key.1, key.0, old[key]
        ));
    }
    let calls = || new.iter().filter(|((_, call), _)| call != "*");
    CoverageSummary {
        ok: calls().filter(|(_, s)| **s == CallStatus::Ok).count(),
        total: calls().count(),
        not_ok: calls()
            .filter(|(_, s)| **s != CallStatus::Ok)
            .map(|((region, call), s)| format!("{call} {s} in {region}"))
            .collect(),
        regions_off: new
            .keys()
            .filter(|(_, call)| call == "*")
            .map(|(region, _)| region.clone())
            .collect(),
        moved,
    }
}
