//! A snapshot in which some calls were made again: what they read replaces what they had read
//! before, and all else stays as it was, with the time at which it was read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::file::{Header, Snapshot, SnapshotError};
use super::{Coverage, RecordedSnapshot};
use crate::fact::Hash;

/// Puts a partial collection over a whole snapshot. `side`: side lines of the snapshot.
///
/// A fact is replaced only if every call that may give it was made again: a fact of two calls, of
/// which one was, stays.
///
/// # Errors
/// If one of them is not a snapshot.
pub fn refreshed(
    whole: &str,
    side: &str,
    part: &RecordedSnapshot,
) -> Result<RecordedSnapshot, SnapshotError> {
    let (old, new) = (Snapshot::parse(whole)?, part.snapshot()?);
    let made: BTreeSet<(&str, &str)> = new.header.coverage.iter().map(place).collect();
    let is_read_again = |kind: &str, region: &str| {
        let mut rows = old.header.coverage.iter();
        rows.all(|row| !row.speaks_of(kind, region) || made.contains(&place(row)))
    };
    // Body lines with what their side lines say.
    let mut lines: BTreeMap<&str, (i64, &str)> = BTreeMap::new();
    let shift_ms = new.header.time_ms.0 - old.header.time_ms.0;
    for (text, side, snapshot, shift_ms, again) in [
        (whole, side, &old, 0, false),
        (&part.text, &part.side, &new, shift_ms, true),
    ] {
        let body = text.lines().filter(|l| !l.starts_with("# "));
        for ((line, side), fact) in body.zip(side.lines()).zip(&snapshot.facts) {
            if is_read_again(fact.kind, fact.region) == again {
                let (since_ms, rest) = side.split_once('\t').unwrap_or((side, ""));
                let since_ms = since_ms.parse::<i64>().unwrap_or(0) + shift_ms;
                lines.insert(line, (since_ms, rest));
            }
        }
    }
    let (mut body, mut sides) = (String::new(), String::new());
    for (line, (since_ms, rest)) in lines {
        let _ = writeln!(body, "{line}");
        let _ = writeln!(sides, "{since_ms}\t{rest}");
    }
    let mut coverage: Vec<Coverage> = old
        .header
        .coverage
        .iter()
        .filter(|row| !made.contains(&place(row)))
        .chain(&new.header.coverage)
        .cloned()
        .collect();
    coverage.sort();
    let mut new_fields = old.header.new_fields;
    new_fields.extend(new.header.new_fields);
    let side = Hash::of(sides.as_bytes());
    let mut documents = part.documents.clone();
    documents.remove(&new.header.side);
    documents.insert(side, sides.clone().into_bytes());
    let header = Header {
        time_ms: (old.header.time_ms.0, new.header.time_ms.1),
        coverage,
        new_fields,
        side,
        ..old.header
    };
    Ok(RecordedSnapshot {
        text: format!("{header}{body}"),
        side: sides,
        documents,
    })
}

/// Region and call.
fn place(row: &Coverage) -> (&str, &str) {
    (&row.region, &row.call)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::{Fact, FactKinds, FactSource};
    use crate::snapshot::{CallStatus, Collection};
    use serde_json::json;

    fn fact(kind: &str, region: &str, id: &str, value: u32, time_ms: i64) -> Fact {
        let source = FactSource {
            account: "111122223333",
            region,
            time_ms,
        };
        let (kinds, value) = (FactKinds::builtin(), json!({ "Value": value }));
        Fact::from_json(&kinds, kind, id.to_owned(), value, source)
    }

    fn row(region: &str, call: &str, status: CallStatus, kinds: &[&str]) -> Coverage {
        Coverage {
            region: region.into(),
            call: call.into(),
            status,
            answers: 1,
            kinds: kinds.iter().map(|k| (*k).to_owned()).collect(),
            detail: String::new(),
            unread: Vec::new(),
        }
    }

    fn recorded(
        time_ms: (i64, i64),
        coverage: Vec<Coverage>,
        facts: Vec<Fact>,
    ) -> RecordedSnapshot {
        Collection {
            account: "111122223333".into(),
            time_ms,
            tool: "t".into(),
            table: Hash::of(b"table"),
            source: "aws".into(),
            coverage,
            new_fields: BTreeSet::new(),
            facts,
        }
        .record()
    }

    #[test]
    fn what_was_read_again_is_replaced_and_the_rest_stays() {
        let ok = CallStatus::Ok;
        let whole = recorded(
            (1_000, 2_000),
            vec![
                row("global", "iam:Get", ok, &["iam:user", "iam:role"]),
                row("global", "iam:Keys", ok, &["iam:accesskey"]),
                row("eu-west-1", "ec2:Get", ok, &["ec2:vpc"]),
                row("us-east-1", "ec2:Get", ok, &["ec2:vpc"]),
                row("global", "x:Roles", ok, &["iam:role"]),
            ],
            vec![
                fact("iam:user", "global", "ann", 1, 1_100),
                fact("iam:user", "global", "bob", 1, 1_100),
                fact("iam:role", "global", "r", 1, 1_100),
                fact("iam:accesskey", "global", "ann/A", 1, 1_200),
                fact("ec2:vpc", "eu-west-1", "v1", 1, 1_300),
                fact("ec2:vpc", "us-east-1", "v2", 1, 1_300),
            ],
        );
        let part = recorded(
            (9_000, 9_500),
            vec![
                row("global", "iam:Get", ok, &["iam:user", "iam:role"]),
                row("eu-west-1", "ec2:Get", CallStatus::Denied, &["ec2:vpc"]),
            ],
            vec![
                fact("iam:user", "global", "ann", 2, 9_100),
                fact("iam:role", "global", "r", 2, 9_100),
            ],
        );
        let new = refreshed(&whole.text, &whole.side, &part).unwrap();
        let snapshot = new.snapshot().unwrap();
        let ids: Vec<&str> = snapshot.facts.iter().map(|f| f.id).collect();
        // bob is gone; the role has another call that was not made again; a denied call leaves
        // nothing, and says so.
        assert_eq!(ids, ["v2", "ann/A", "r", "ann"]);
        assert_eq!(snapshot.header.time_ms, (1_000, 9_500));
        let side: Vec<i64> = super::super::side_lines(&new.side)
            .map(|s| snapshot.time_ms(Some(&s)))
            .collect();
        assert_eq!(side, [1_300, 1_200, 1_100, 9_100]);
        assert!(snapshot.open_about("ec2:vpc", "eu-west-1", "v1").is_some());
        assert!(snapshot.open_about("iam:user", "global", "bob").is_none());
        let ann = snapshot.facts.iter().find(|f| f.id == "ann").unwrap();
        assert!(new.documents.contains_key(&ann.raw));
    }
}
