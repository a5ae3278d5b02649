//! A snapshot: all facts of one collection of one account, and its coverage.

mod coverage;
mod file;
mod refresh;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

pub use file::check;
pub use refresh::refreshed;

pub use coverage::{CallStatus, Coverage, NOT_IN_DUMP};
pub use file::{Header, SideLine, Snapshot, SnapshotError, side_lines};

use crate::fact::{Fact, Hash};

/// Facts and coverage that a collector or an importer read from one account.
#[derive(Debug, Clone)]
pub struct Collection {
    /// Twelve digits.
    pub account: String,
    /// First and last answer, milliseconds since 1970.
    pub time_ms: (i64, i64),
    /// `bartizan 0.1.0`.
    pub tool: String,
    /// Hash of the call table that was used.
    pub table: Hash,
    /// `aws`, or `import`.
    pub source: String,
    /// One row for each region and call.
    pub coverage: Vec<Coverage>,
    /// Fields that AWS's own model did not know when this build was made:
    /// `iam:GetAccountAuthorizationDetails`, name.
    pub new_fields: BTreeSet<(String, String)>,
    /// In any order.
    pub facts: Vec<Fact>,
}

/// A collection in the form in which it is kept.
#[derive(Debug)]
pub struct RecordedSnapshot {
    /// The `.facts` file.
    pub text: String,
    /// The side lines: time, check and volatile fields of each fact, in the order of the file.
    pub side: String,
    /// Every document by its hash, and the side lines by theirs.
    pub documents: BTreeMap<Hash, Vec<u8>>,
}

impl Collection {
    /// Sorts the facts, names the ambiguous apart, and writes the file.
    #[must_use]
    pub fn record(mut self) -> RecordedSnapshot {
        name_apart(&mut self.facts);
        let mut lines: Vec<(String, Fact)> =
            self.facts.into_iter().map(|f| (f.to_string(), f)).collect();
        lines.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        lines.dedup_by(|a, b| a.0 == b.0);
        let mut documents = BTreeMap::new();
        let (mut side, mut body) = (String::new(), String::new());
        for (line, fact) in lines {
            let volatile = if fact.volatile.is_null() {
                String::new()
            } else {
                fact.volatile.to_string()
            };
            let since_start_ms = fact.time_ms - self.time_ms.0;
            let _ = writeln!(side, "{since_start_ms}\t{}\t{volatile}", file::check(&line));
            body.push_str(&line);
            body.push('\n');
            documents.entry(fact.raw).or_insert(fact.document);
        }
        let side_hash = Hash::of(side.as_bytes());
        documents.insert(side_hash, side.clone().into_bytes());
        self.coverage.sort();
        let header = Header {
            account: self.account,
            time_ms: self.time_ms,
            tool: self.tool,
            table: self.table,
            source: self.source,
            coverage: self.coverage,
            new_fields: self.new_fields,
            side: side_hash,
        };
        RecordedSnapshot {
            text: format!("{header}{body}"),
            side,
            documents,
        }
    }
}

impl RecordedSnapshot {
    /// The snapshot, read back.
    ///
    /// # Errors
    /// Never in practice: the text was written by [`Collection::record`].
    pub fn snapshot(&self) -> Result<Snapshot<'_>, SnapshotError> {
        Snapshot::parse(&self.text)
    }
}

/// Two different facts under one kind and id (two subscriptions of one endpoint): the second and
/// further get `#2`, `#3`.
fn name_apart(facts: &mut [Fact]) {
    facts.sort_by(|a, b| {
        (&a.kind, &a.region, &a.id, &a.canonical, &a.raw).cmp(&(
            &b.kind,
            &b.region,
            &b.id,
            &b.canonical,
            &b.raw,
        ))
    });
    let mut i = 0;
    while i < facts.len() {
        let same = |f: &Fact| {
            (&f.kind, &f.region, &f.id) == (&facts[i].kind, &facts[i].region, &facts[i].id)
        };
        let end = i + facts[i..].iter().take_while(|f| same(f)).count();
        let mut number = 1;
        let mut previous = (facts[i].canonical, facts[i].raw);
        for fact in &mut facts[i + 1..end] {
            if (fact.canonical, fact.raw) != previous {
                number += 1;
                previous = (fact.canonical, fact.raw);
            }
            if number > 1 {
                let _ = write!(fact.id, "#{number}");
            }
        }
        i = end;
    }
}

/// The RFC 6962 root over the fact lines of a `.facts` file (one leaf a line, without its line
/// feed), and their number.
#[must_use]
pub fn fact_root(text: &str) -> (Hash, u64) {
    let lines = text.lines().filter(|l| !l.starts_with("# "));
    let leaves: Vec<_> = lines
        .map(|l| tlog_tiles::record_hash(l.as_bytes()))
        .collect();
    (crate::merkle::merkle_root(&leaves), leaves.len() as u64)
}
