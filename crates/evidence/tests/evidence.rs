//! The log: what goes in comes out, and nothing can be changed unseen.

use std::collections::BTreeSet;
use std::sync::Arc;

use bartizan_evidence::{Documents, EvidenceLog, FactProof, LogKey, MemoryStorage, Storage};
use bartizan_inventory::fact::{Fact, FactKinds, FactSource, Hash};
use bartizan_inventory::snapshot::{CallStatus, Collection, Coverage, RecordedSnapshot, Snapshot};
use jiff::Timestamp;
use serde_json::json;

pub(crate) fn recorded(account: &str, start_ms: i64, names: &[(&str, i64)]) -> RecordedSnapshot {
    let kinds = FactKinds::builtin();
    let seen = |n: i64| FactSource {
        account,
        region: "global",
        time_ms: start_ms + n,
    };
    let fact = |(n, (name, value)): (usize, &(&str, i64))| {
        Fact::from_json(
            &kinds,
            "iam:user",
            (*name).to_owned(),
            json!({"UserName": name, "Path": value.to_string()}),
            seen(n as i64),
        )
    };
    let coverage = Coverage {
        region: "global".into(),
        call: "iam:GetAccountAuthorizationDetails".into(),
        status: CallStatus::Ok,
        answers: 1,
        kinds: vec!["iam:user".into()],
        detail: String::new(),
        unread: vec![],
    };
    Collection {
        account: account.into(),
        time_ms: (start_ms, start_ms + 1000),
        tool: "test".into(),
        table: Hash::of(b""),
        source: "import".into(),
        coverage: vec![coverage],
        new_fields: BTreeSet::new(),
        facts: names.iter().enumerate().map(fact).collect(),
    }
    .record()
}

fn key() -> LogKey {
    LogKey::from_seed([7; 32]).unwrap()
}

/// A store with `commits` commits of one snapshot each.
fn store(commits: i64) -> MemoryStorage {
    let storage = MemoryStorage::default();
    let key = key();
    let mut log = EvidenceLog::create(&storage, &key).unwrap();
    for n in 0..commits {
        let recorded = recorded(
            "123456789012",
            n * 10_000,
            &[("alice", 0), ("bob", n), ("carol", n / 2)],
        );
        bartizan_evidence::append(
            &storage,
            &mut log,
            &key,
            &[recorded],
            &[],
            ("test", Timestamp::from_second(n).unwrap()),
        )
        .unwrap();
    }
    storage
}

/// The same files in a store of their own.
fn copy(storage: &MemoryStorage) -> MemoryStorage {
    let copy = MemoryStorage::default();
    copy.files().clone_from(&storage.files());
    copy
}

#[test]
fn a_store_of_any_size_verifies_and_gives_back_what_went_in() {
    for commits in [0, 1, 2, 5, 255, 256, 257, 300] {
        let storage = Arc::new(store(commits));
        let report = bartizan_evidence::verify(storage.as_ref(), None, &[]).unwrap();
        assert_eq!(report.problems, [], "{commits} commits");
        assert_eq!(report.unexpected, Vec::<String>::new());
        assert_eq!(
            (report.entries, report.snapshots),
            (commits as u64, commits as u64)
        );
        let log = EvidenceLog::open(storage.as_ref()).unwrap();
        let history = bartizan_evidence::snapshots(&log).unwrap();
        assert_eq!(history.len(), commits as usize);
        if let Some(last) = history.last() {
            let text = bartizan_evidence::facts(storage.as_ref(), last).unwrap();
            let documents = Documents::of(storage.clone(), &history);
            for fact in Snapshot::parse(&text).unwrap().facts {
                assert_eq!(Hash::of(&documents.get(&fact.raw).unwrap()), fact.raw);
            }
        }
    }
}

#[test]
fn a_fact_is_proved_without_the_rest_of_the_store() {
    let storage = store(40);
    let log = EvidenceLog::open(&storage).unwrap();
    for kept in bartizan_evidence::snapshots(&log).unwrap() {
        let text = bartizan_evidence::facts(&storage, &kept).unwrap();
        let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with("# ")).collect();
        for index in 0..lines.len() {
            let proof = FactProof::make(&log, kept.index, &kept.entry, &lines, index).unwrap();
            proof.check(key().public()).unwrap();
            let forged = FactProof {
                fact: proof
                    .fact
                    .replace("carol", "mallory")
                    .replace("bob", "mallory")
                    .replace("alice", "mallory"),
                ..proof.clone()
            };
            assert!(forged.check(key().public()).is_err());
            assert!(
                proof
                    .check(LogKey::from_seed([8; 32]).unwrap().public())
                    .is_err()
            );
        }
    }
}

#[test]
fn a_rolled_back_or_forked_log_is_found_by_its_remembered_head() {
    let long = store(10);
    let head = long.read("checkpoint").unwrap();
    let short = store(6);
    let report = bartizan_evidence::verify(&short, None, std::slice::from_ref(&head)).unwrap();
    assert!(
        report.problems[0].problem.contains("rolled back"),
        "{:?}",
        report.problems
    );
    let other = MemoryStorage::default();
    let mut log = EvidenceLog::create(&other, &key()).unwrap();
    for n in 0..12 {
        let r = recorded("123456789012", n * 10_000 + 1, &[("mallory", n)]);
        bartizan_evidence::append(
            &other,
            &mut log,
            &key(),
            &[r],
            &[],
            ("test", Timestamp::from_second(n).unwrap()),
        )
        .unwrap();
    }
    let report = bartizan_evidence::verify(&other, None, &[head]).unwrap();
    assert!(
        report.problems[0].problem.contains("rewritten"),
        "{:?}",
        report.problems
    );
}

#[test]
fn another_key_is_refused_and_found() {
    let storage = store(3);
    let other = LogKey::from_seed([9; 32]).unwrap();
    assert!(EvidenceLog::create(&storage, &other).is_err());
    let report = bartizan_evidence::verify(&storage, Some(other.public()), &[]).unwrap();
    assert!(
        report.problems.iter().any(|p| p.file == "log.pub"),
        "{:?}",
        report.problems
    );
}

/// A run that was killed after each of its writes: the store verifies, and the next run works and
/// says so.
#[test]
fn a_commit_cut_short_at_any_write_leaves_a_store_that_verifies() {
    for before in [0, 1, 7, 254, 255, 256] {
        let mut cut = 0;
        let base = store(before);
        loop {
            let storage = Failing {
                inner: copy(&base),
                left: std::sync::atomic::AtomicUsize::new(cut),
            };
            let recorded_new = recorded("123456789012", 99_000_000, &[("alice", 0), ("dave", 1)]);
            let now = Timestamp::from_second(99).unwrap();
            let done = EvidenceLog::create(&storage, &key())
                .and_then(|mut log| {
                    bartizan_evidence::append(
                        &storage,
                        &mut log,
                        &key(),
                        &[recorded_new],
                        &[],
                        ("test", now),
                    )
                })
                .is_ok();
            let report = bartizan_evidence::verify(&storage.inner, None, &[]).unwrap();
            assert_eq!(
                report.problems,
                [],
                "{before} commits, cut after {cut} writes"
            );
            if done {
                break;
            }
            let mut log = EvidenceLog::create(&storage.inner, &key()).unwrap();
            let recorded_next = recorded("123456789012", 99_000_001, &[("alice", 0), ("erin", 1)]);
            bartizan_evidence::append(
                &storage.inner,
                &mut log,
                &key(),
                &[recorded_next],
                &[],
                ("test", now),
            )
            .unwrap();
            let report = bartizan_evidence::verify(&storage.inner, None, &[]).unwrap();
            assert_eq!(
                report.problems,
                [],
                "{before} commits, cut after {cut} writes, then another run"
            );
            cut += 1;
        }
        assert!(cut >= 4, "the commit makes only {cut} writes");
    }
}

/// Where nothing but the latest tree head may be written twice, a run killed while it fills a tile
/// is finished by the next.
#[test]
fn a_commit_that_fills_a_tile_is_finished_without_writing_anything_twice() {
    for before in [254, 255] {
        let base = store(before);
        for cut in 0.. {
            let storage = WriteOnce {
                inner: copy(&base),
                left: std::sync::atomic::AtomicUsize::new(cut),
            };
            let append = |storage: &WriteOnce, name: &str| {
                let new = recorded("123456789012", 99_000_000, &[("alice", 0), (name, 1)]);
                let twice = recorded("210987654321", 99_000_000, &[("zoe", 0)]);
                let now = Timestamp::from_second(99).unwrap();
                let mut log = EvidenceLog::create(storage, &key())?;
                bartizan_evidence::append(
                    storage,
                    &mut log,
                    &key(),
                    &[new, twice],
                    &[],
                    ("test", now),
                )
            };
            let done = append(&storage, "dave").is_ok();
            assert_eq!(
                bartizan_evidence::verify(&storage.inner, None, &[])
                    .unwrap()
                    .problems,
                [],
                "cut after {cut} writes"
            );
            if done {
                break;
            }
            let storage = WriteOnce {
                inner: storage.inner,
                left: usize::MAX.into(),
            };
            append(&storage, "erin").unwrap();
            let report = bartizan_evidence::verify(&storage.inner, None, &[]).unwrap();
            assert_eq!(
                (
                    report.problems,
                    report.unexpected.iter().any(|n| n.starts_with("pending/"))
                ),
                (vec![], false)
            );
        }
    }
}

/// What a stranger writes where a pending commit is looked for is never signed.
#[test]
fn a_pending_commit_that_nobody_signed_is_refused_and_found() {
    let storage = store(255);
    let head = String::from_utf8(storage.read("checkpoint").unwrap()).unwrap();
    let forged = json!({"head": head, "entries": ["{\"kind\":\"justification\"}"]}).to_string();
    storage
        .create("pending/0000000255", forged.as_bytes())
        .unwrap();
    let mut log = EvidenceLog::create(&storage, &key()).unwrap();
    let new = recorded("123456789012", 99_000_000, &[("alice", 0)]);
    let failed = bartizan_evidence::append(
        &storage,
        &mut log,
        &key(),
        &[new],
        &[],
        ("test", Timestamp::from_second(9).unwrap()),
    );
    assert!(
        failed
            .unwrap_err()
            .to_string()
            .contains("pending/0000000255")
    );
    assert_eq!(
        bartizan_evidence::verify(&storage, None, &[])
            .unwrap()
            .problems[0]
            .file,
        "pending/0000000255"
    );
}

/// An append to a long log reads what stands at its end.
#[test]
fn appending_to_a_long_log_reads_its_end_only() {
    let storage = Counting {
        inner: store(1),
        reads: 0.into(),
    };
    let append = |gaps: usize| {
        let mut log = EvidenceLog::create(&storage, &key()).unwrap();
        let new = recorded("123456789012", 99_000_000, &[("alice", 0)]);
        let gaps = vec![(None, "nothing".to_owned()); gaps];
        storage.reads.store(0, std::sync::atomic::Ordering::SeqCst);
        bartizan_evidence::append(
            &storage,
            &mut log,
            &key(),
            &[new],
            &gaps,
            ("test", Timestamp::from_second(9).unwrap()),
        )
        .unwrap();
        storage.reads.load(std::sync::atomic::Ordering::SeqCst)
    };
    append(20 * 256);
    append(0);
    assert!(
        append(0) <= 3,
        "the account's last snapshot stands in the last bundle"
    );
}

/// Counts the bundles of entries that are read.
struct Counting {
    inner: MemoryStorage,
    reads: std::sync::atomic::AtomicUsize,
}

impl Storage for Counting {
    fn create(&self, name: &str, bytes: &[u8]) -> Result<(), bartizan_evidence::StorageError> {
        self.inner.create(name, bytes)
    }
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), bartizan_evidence::StorageError> {
        self.inner.replace(name, bytes)
    }
    fn read(&self, name: &str) -> Result<Vec<u8>, bartizan_evidence::StorageError> {
        self.reads.fetch_add(
            usize::from(name.starts_with("tile/entries/")),
            std::sync::atomic::Ordering::SeqCst,
        );
        self.inner.read(name)
    }
    fn list(&self) -> Result<Vec<String>, bartizan_evidence::StorageError> {
        self.inner.list()
    }
    fn place(&self) -> String {
        self.inner.place()
    }
}

/// A bucket whose policy lets nothing but the latest tree head be written twice; killed after some
/// writes.
struct WriteOnce {
    inner: MemoryStorage,
    left: std::sync::atomic::AtomicUsize,
}

impl Storage for WriteOnce {
    fn create(&self, name: &str, bytes: &[u8]) -> Result<(), bartizan_evidence::StorageError> {
        spend(&self.left, name)?;
        self.inner.create(name, bytes)
    }
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), bartizan_evidence::StorageError> {
        spend(&self.left, name)?;
        if name != "checkpoint" {
            return Err(bartizan_evidence::StorageError::Other {
                name: name.into(),
                problem: "access denied by the bucket policy".into(),
            });
        }
        self.inner.replace(name, bytes)
    }
    fn read(&self, name: &str) -> Result<Vec<u8>, bartizan_evidence::StorageError> {
        self.inner.read(name)
    }
    fn list(&self) -> Result<Vec<String>, bartizan_evidence::StorageError> {
        self.inner.list()
    }
    fn place(&self) -> String {
        self.inner.place()
    }
}

fn spend(
    left: &std::sync::atomic::AtomicUsize,
    name: &str,
) -> Result<(), bartizan_evidence::StorageError> {
    use std::sync::atomic::Ordering::SeqCst;
    left.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1))
        .map(drop)
        .map_err(|_| bartizan_evidence::StorageError::Other {
            name: name.into(),
            problem: "killed".into(),
        })
}

struct Failing {
    inner: MemoryStorage,
    left: std::sync::atomic::AtomicUsize,
}

impl Storage for Failing {
    fn create(&self, name: &str, bytes: &[u8]) -> Result<(), bartizan_evidence::StorageError> {
        spend(&self.left, name)?;
        self.inner.create(name, bytes)
    }
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), bartizan_evidence::StorageError> {
        spend(&self.left, name)?;
        self.inner.replace(name, bytes)
    }
    fn read(&self, name: &str) -> Result<Vec<u8>, bartizan_evidence::StorageError> {
        self.inner.read(name)
    }
    fn list(&self) -> Result<Vec<String>, bartizan_evidence::StorageError> {
        self.inner.list()
    }
    fn place(&self) -> String {
        self.inner.place()
    }
}
