//! Verification: reads a whole store and checks every byte against the signatures.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Serialize;
use tlog_tiles::{Checkpoint, Tile, record_hash, tree_hash};

use super::log::{
    PENDING, PendingCommit, TILE_WIDTH, checkpoint, checkpoint_name, entries_name, pending_name,
    split_bundle, tile_name,
};
use super::proof::MemoryTree;
use super::{EntryKind, FileRef, LogEntry, SnapshotRef, Storage, StorageError, pack};
use bartizan_inventory::fact::Hash;
use bartizan_inventory::snapshot::{Snapshot, SnapshotError, side_lines};

/// Result of verifying a store.
#[derive(Debug, Default, Serialize)]
pub struct VerifyReport {
    /// Problems in the order in which they were found. Empty: the store is as signed.
    pub problems: Vec<VerifyProblem>,
    /// Files that are not in the log: left by an interrupted run, or added by somebody else.
    pub unexpected: Vec<String>,
    /// Gaps recorded in the log itself.
    pub gaps: Vec<String>,
    /// Number of entries in the log.
    pub entries: u64,
    /// Number of snapshots in the log.
    pub snapshots: u64,
    /// Number of fact lines in all snapshots.
    pub facts: u64,
    /// Number of files read.
    pub files: u64,
    /// Number of bytes read.
    pub bytes: u64,
    /// Root of the tree, hex.
    pub root: String,
    /// Signed tree head that was checked.
    pub checkpoint: String,
    /// Verifier key that was used.
    pub log_key: String,
}

/// Problem in a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifyProblem {
    pub file: String,
    /// Offset of the first wrong byte, if known.
    pub offset: Option<u64>,
    pub problem: String,
}

impl std::fmt::Display for VerifyProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.offset {
            Some(offset) => write!(f, "{} byte {offset}: {}", self.file, self.problem),
            None => write!(f, "{}: {}", self.file, self.problem),
        }
    }
}

/// Verifies a store with its own key, or with `public`, and against tree heads remembered from
/// elsewhere.
///
/// # Errors
/// If the storage cannot be listed. Problems inside it are in the report.
pub fn verify(
    storage: &dyn Storage,
    public: Option<&str>,
    remembered: &[Vec<u8>],
) -> Result<VerifyReport, StorageError> {
    let names: BTreeSet<String> = storage.list()?.into_iter().collect();
    // The memory of `detect` is stored next to the evidence, but is not part of it.
    let names: BTreeSet<String> = names
        .into_iter()
        .filter(|name| !BESIDE.iter().any(|b| name.starts_with(b)))
        .collect();
    let mut walk = VerifyWalk {
        storage,
        names,
        expected: BTreeSet::new(),
        report: VerifyReport::default(),
        public: String::new(),
    };
    if walk.names.iter().all(|name| name == "log.pub") {
        // First run, interrupted before it signed anything. Later commits are checked later.
        walk.report.unexpected = walk.names.into_iter().collect();
        return Ok(walk.report);
    }
    walk.key(public);
    if let Some(head) = walk.head() {
        walk.log(&head, remembered);
    }
    walk.unexpected();
    Ok(walk.report)
}

/// Files in a store that are not part of the log.
const BESIDE: [&str; 5] = [
    "detect/",
    "trail/",
    "state.sqlite",
    "scans.sqlite",
    "health.",
];

/// Name and bytes of an entry bundle.
type EntryBundle = (String, Vec<u8>);

struct VerifyWalk<'a> {
    storage: &'a dyn Storage,
    names: BTreeSet<String>,
    expected: BTreeSet<String>,
    report: VerifyReport,
    public: String,
}

impl VerifyWalk<'_> {
    fn problem(&mut self, file: &str, offset: Option<u64>, problem: impl Into<String>) {
        self.report.problems.push(VerifyProblem {
            file: file.to_owned(),
            offset,
            problem: problem.into(),
        });
    }

    /// Reads a file that must exist.
    fn read(&mut self, name: &str) -> Option<Vec<u8>> {
        self.expected.insert(name.to_owned());
        match self.storage.read(name) {
            Ok(bytes) => {
                self.report.files += 1;
                self.report.bytes += bytes.len() as u64;
                Some(bytes)
            }
            Err(StorageError::Missing(_)) => {
                self.problem(name, None, "missing");
                None
            }
            Err(e) => {
                self.problem(name, None, e.to_string());
                None
            }
        }
    }

    /// Reads a file and reports the first byte that differs from `want`.
    fn compare(&mut self, name: &str, want: &[u8]) {
        let Some(have) = self.read(name) else { return };
        if have != want {
            let at = have
                .iter()
                .zip(want)
                .position(|(a, b)| a != b)
                .unwrap_or(have.len().min(want.len()));
            self.problem(name, Some(at as u64), "not what the log says");
        }
    }

    fn key(&mut self, given: Option<&str>) {
        let own = self.read("log.pub");
        let own = own
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default();
        if let Some(given) = given
            && own.trim_end() != given.trim_end()
        {
            self.problem("log.pub", Some(0), "not the key that was given");
        }
        if !own.ends_with('\n') || own.trim_end().len() + 1 != own.len() {
            self.problem("log.pub", Some(own.len() as u64), "not one line");
        }
        self.public = given.unwrap_or(&own).trim_end().to_owned();
        self.report.log_key.clone_from(&self.public);
    }

    fn head(&mut self) -> Option<Checkpoint> {
        let bytes = self.read("checkpoint")?;
        self.report.checkpoint = String::from_utf8_lossy(&bytes).into_owned();
        match checkpoint(&self.public, &bytes) {
            Ok(head) => Some(head),
            Err(problem) => {
                self.problem("checkpoint", Some(0), problem);
                None
            }
        }
    }

    fn log(&mut self, head: &Checkpoint, remembered: &[Vec<u8>]) {
        self.report.entries = head.size();
        self.report.root = Hash(head.hash().0).to_string();
        let (bundles, entries) = self.bundles(head.size());
        let tree = MemoryTree::of(entries.iter().map(Vec::as_slice));
        let whole = entries.len() as u64 == head.size()
            && tree_hash(head.size(), &tree).is_ok_and(|root| root == *head.hash());
        if !whole {
            self.blame(head, &bundles);
            return;
        }
        let parsed = self.parse(&entries);
        self.tiles(head.size(), &tree, &entries, &parsed);
        self.later_heads(head.size());
        self.pending(head.size(), &tree, &entries);
        for note in remembered {
            self.remembered(head, &tree, note);
        }
        self.files(&parsed);
    }

    /// All entries, from the latest bundles.
    fn bundles(&mut self, size: u64) -> (Vec<EntryBundle>, Vec<Vec<u8>>) {
        let (mut bundles, mut entries) = (Vec::new(), Vec::new());
        for index in 0..size.div_ceil(TILE_WIDTH) {
            let width = (size - index * TILE_WIDTH).min(TILE_WIDTH);
            let name = entries_name(index, width);
            let Some(bytes) = self.read(&name) else {
                continue;
            };
            match split_bundle(&bytes) {
                Ok(list) if list.len() as u64 == width => {
                    entries.extend(list.into_iter().map(<[u8]>::to_vec))
                }
                Ok(list) => self.problem(
                    &name,
                    Some(bytes.len() as u64),
                    format!("{} entries, not {width}", list.len()),
                ),
                Err((offset, problem)) => self.problem(&name, Some(offset as u64), problem),
            }
            bundles.push((name, bytes));
        }
        (bundles, entries)
    }

    /// Finds the first wrong entry by the hash tiles, after the entries did not hash to the signed
    /// root.
    fn blame(&mut self, head: &Checkpoint, bundles: &[EntryBundle]) {
        let mut leaves = Vec::new();
        for index in 0..head.size().div_ceil(TILE_WIDTH) {
            let width = (head.size() - index * TILE_WIDTH).min(TILE_WIDTH);
            let tile = Tile::new(8, 0, index, u32::try_from(width).unwrap_or(1), false);
            let Some(bytes) = self.read(&tile_name(&tile)) else {
                continue;
            };
            leaves.extend(
                bytes
                    .chunks_exact(32)
                    .map(|c| tlog_tiles::Hash(c.try_into().unwrap_or_default())),
            );
        }
        let mut tree = MemoryTree::default();
        leaves.iter().for_each(|leaf| tree.push(*leaf));
        if leaves.len() as u64 != head.size()
            || tree_hash(head.size(), &tree).map_or(true, |root| root != *head.hash())
        {
            self.problem(
                "tile/0",
                None,
                "neither the entries nor their hashes lead to the signed root",
            );
            return;
        }
        let mut leaves = leaves.iter();
        for (name, bytes) in bundles {
            let mut offset = 0;
            for entry in split_bundle(bytes).unwrap_or_default() {
                if leaves.next().is_none_or(|leaf| *leaf != record_hash(entry)) {
                    self.problem(
                        name,
                        Some(offset),
                        "an entry is not the one that was signed",
                    );
                    return;
                }
                offset += 2 + entry.len() as u64;
            }
        }
    }

    fn parse(&mut self, entries: &[Vec<u8>]) -> Vec<Option<LogEntry>> {
        let mut parsed = Vec::new();
        for (index, text) in entries.iter().enumerate() {
            let entry = serde_json::from_slice::<LogEntry>(text);
            if let Err(e) = &entry {
                self.problem(
                    "tile/entries",
                    None,
                    format!("entry {index} is signed but cannot be read: {e}"),
                );
            }
            parsed.push(entry.ok());
        }
        parsed
    }

    /// Checks that every published tile and tree head exists and is consistent.
    fn tiles(
        &mut self,
        size: u64,
        tree: &MemoryTree,
        entries: &[Vec<u8>],
        parsed: &[Option<LogEntry>],
    ) {
        let mut sizes: Vec<u64> = parsed
            .iter()
            .flatten()
            .map(|e| e.log_size)
            .filter(|s| *s < size)
            .collect();
        sizes.sort_unstable();
        sizes.dedup();
        for published in &sizes {
            self.old_head(*published, tree);
        }
        sizes.push(size);
        if sizes[0] != 0 {
            sizes.insert(0, 0);
        }
        for pair in sizes.windows(2) {
            for tile in Tile::new_tiles(8, pair[0], pair[1]) {
                let Ok(want) = tile.read_data(tree) else {
                    continue;
                };
                self.compare(&tile_name(&tile), &want);
                if tile.level() == 0 {
                    let first =
                        usize::try_from(tile.level_index() * TILE_WIDTH).unwrap_or(usize::MAX);
                    let mut want = Vec::new();
                    for entry in entries.iter().skip(first).take(tile.width() as usize) {
                        want.extend_from_slice(
                            &u16::try_from(entry.len()).unwrap_or(u16::MAX).to_be_bytes(),
                        );
                        want.extend_from_slice(entry);
                    }
                    self.compare(
                        &entries_name(tile.level_index(), u64::from(tile.width())),
                        &want,
                    );
                }
            }
        }
    }

    fn old_head(&mut self, size: u64, tree: &MemoryTree) {
        let name = checkpoint_name(size);
        let Some(bytes) = self.read(&name) else {
            return;
        };
        match checkpoint(&self.public, &bytes) {
            Err(problem) => self.problem(&name, Some(0), problem),
            Ok(head) if head.size() != size => self.problem(
                &name,
                Some(0),
                format!("a tree head of size {}", head.size()),
            ),
            Ok(head) if tree_hash(size, tree).map_or(true, |root| root != *head.hash()) => {
                self.problem(
                    &name,
                    Some(0),
                    "its root is not the root of the first entries of this log: two histories \
                    were signed",
                );
            }
            Ok(_) => {}
        }
    }

    /// Reports unexpected tree heads. An interrupted run leaves a copy of the latest one; a later
    /// one means that `checkpoint` was reset.
    fn later_heads(&mut self, size: u64) {
        let names: Vec<String> = self
            .names
            .iter()
            .filter(|n| n.starts_with("checkpoints/") && !self.expected.contains(*n))
            .cloned()
            .collect();
        for name in names {
            let bytes = self.storage.read(&name).unwrap_or_default();
            if name == checkpoint_name(size) && bytes == self.report.checkpoint.as_bytes() {
                continue;
            }
            match checkpoint(&self.public, &bytes) {
                Ok(head) if head.size() > size => {
                    self.problem(
                        "checkpoint",
                        Some(0),
                        format!(
                            "{name} is a later head, of size {}: the log was rolled back",
                            head.size()
                        ),
                    );
                }
                _ => self.problem(&name, Some(0), "no head that this log ever published"),
            }
        }
    }

    /// Checks pending commits, which were stored before they were made: each must match the log's
    /// entries. The last one may have been interrupted; the next run finishes it.
    fn pending(&mut self, size: u64, tree: &MemoryTree, entries: &[Vec<u8>]) {
        let names: Vec<String> = self
            .names
            .iter()
            .filter(|n| n.starts_with(PENDING))
            .cloned()
            .collect();
        for name in names {
            let Some(bytes) = self.read(&name) else {
                continue;
            };
            if let Err(problem) = self.pending_commit(&name, &bytes, size, tree, entries) {
                self.problem(&name, Some(0), problem);
            }
        }
    }

    fn pending_commit(
        &self,
        name: &str,
        bytes: &[u8],
        size: u64,
        tree: &MemoryTree,
        entries: &[Vec<u8>],
    ) -> Result<(), String> {
        let pending: PendingCommit = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        if serde_json::to_vec(&pending).is_ok_and(|own| own != bytes) {
            return Err("not as it was written".into());
        }
        let head = checkpoint(&self.public, pending.head.as_bytes())?;
        let from = head
            .size()
            .checked_sub(pending.entries.len() as u64)
            .filter(|from| name == pending_name(*from));
        let from = from.ok_or("its tree head is not of the size that its entries lead to")?;
        let mut grown = tree.clone();
        if from == size {
            pending
                .entries
                .iter()
                .for_each(|entry| grown.push(record_hash(entry.as_bytes())));
        } else {
            let logged = entries
                .iter()
                .skip(usize::try_from(from).unwrap_or(usize::MAX))
                .map(Vec::as_slice);
            if !pending
                .entries
                .iter()
                .map(String::as_bytes)
                .eq(logged.take(pending.entries.len()))
            {
                return Err(
                    "its entries are not those of this log: two histories were signed".into(),
                );
            }
        }
        match tree_hash(head.size(), &grown) {
            Ok(root) if root == *head.hash() => Ok(()),
            _ => Err(
                "its root is not the root of the first entries of this log: two histories \
            were signed"
                    .into(),
            ),
        }
    }

    fn remembered(&mut self, head: &Checkpoint, tree: &MemoryTree, note: &[u8]) {
        match checkpoint(&self.public, note) {
            Err(problem) => self.problem(
                "checkpoint",
                None,
                format!("the remembered tree head cannot be used: {problem}"),
            ),
            Ok(old) if old.size() > head.size() => self.problem(
                "checkpoint",
                Some(0),
                format!(
                    "the log has {} entries; it had {} when it was last seen: it was rolled back",
                    head.size(),
                    old.size()
                ),
            ),
            Ok(old) if tree_hash(old.size(), tree).map_or(true, |root| root != *old.hash()) => {
                self.problem(
                    "checkpoint",
                    Some(0),
                    "the log does not continue the one that was last seen: its history was \
                    rewritten",
                );
            }
            Ok(_) => {}
        }
    }

    /// Checks snapshots and packs against the hashes in the entries.
    fn files(&mut self, parsed: &[Option<LogEntry>]) {
        let mut documents: HashSet<Hash> = HashSet::new();
        let mut side_of: BTreeMap<Hash, Vec<u8>> = BTreeMap::new();
        for entry in parsed.iter().flatten() {
            match &entry.what {
                EntryKind::Snapshot(snapshot) => {
                    self.snapshot(snapshot, &mut documents, &mut side_of)
                }
                EntryKind::Gap { account, reason } => {
                    self.report.gaps.push(format!(
                        "{} {}{reason}",
                        entry.time,
                        account
                            .as_ref()
                            .map_or(String::new(), |a| format!("account {a}: "))
                    ));
                }
                EntryKind::Justification(_)
                | EntryKind::Silence(_)
                | EntryKind::SilenceEnded { .. }
                | EntryKind::Note(_)
                | EntryKind::Trail { .. }
                | EntryKind::Other => {}
            }
        }
    }

    fn snapshot(
        &mut self,
        snapshot: &SnapshotRef,
        documents: &mut HashSet<Hash>,
        side_of: &mut BTreeMap<Hash, Vec<u8>>,
    ) {
        self.report.snapshots += 1;
        side_of.clear();
        self.packs(snapshot, documents, side_of);
        let Some(bytes) = self.read(&snapshot.facts.name) else {
            return;
        };
        let text = String::from_utf8_lossy(&bytes);
        let parsed = Snapshot::parse(&text);
        if !same(&bytes, &snapshot.facts) {
            let (offset, problem) = first_difference(&text, &parsed, side_of);
            return self.problem(&snapshot.facts.name, Some(offset as u64), problem);
        }
        let Ok(parsed) = parsed else {
            return self.problem(
                &snapshot.facts.name,
                None,
                "signed, but this version cannot read it",
            );
        };
        self.report.facts += parsed.facts.len() as u64;
        let leaves: Vec<_> = text
            .lines()
            .filter(|l| !l.starts_with("# "))
            .map(|l| record_hash(l.as_bytes()))
            .collect();
        if bartizan_inventory::merkle::merkle_root(&leaves).to_string() != snapshot.root
            || leaves.len() as u64 != snapshot.count
        {
            self.problem(
                &snapshot.facts.name,
                None,
                "its fact lines do not have the root that the entry says",
            );
        }
        if let Some(lost) = parsed.facts.iter().find(|f| !documents.contains(&f.raw)) {
            self.problem(
                &snapshot.facts.name,
                None,
                format!(
                    "the document {} of {} {} is in no pack",
                    lost.raw, lost.kind, lost.id
                ),
            );
        }
    }

    /// Reads the packs of a snapshot: which documents they hold, and the side lines among them.
    fn packs(
        &mut self,
        snapshot: &SnapshotRef,
        documents: &mut HashSet<Hash>,
        side_of: &mut BTreeMap<Hash, Vec<u8>>,
    ) {
        for reference in &snapshot.packs {
            let Some(bytes) = self.read(&reference.name) else {
                continue;
            };
            let intact = same(&bytes, reference);
            let walked = pack::records(&bytes, |hash, document| {
                documents.insert(hash);
                if document
                    .first()
                    .is_some_and(|b| b.is_ascii_digit() || *b == b'-')
                {
                    side_of.insert(hash, document.to_vec());
                }
            });
            match walked {
                Err(e) => self.problem(&reference.name, Some(e.offset), e.problem),
                Ok(()) if !intact => {
                    let at = (bytes.len() as u64).min(reference.bytes);
                    self.problem(
                        &reference.name,
                        Some(at),
                        "its documents are whole, but the file is not the one that was signed",
                    );
                }
                Ok(()) => {}
            }
        }
    }

    fn unexpected(&mut self) {
        self.report.unexpected = self.names.difference(&self.expected).cloned().collect();
        self.report.problems.dedup();
    }
}

/// Offset of the first byte of a snapshot that is not as it was signed, as far as its side lines
/// tell, and what is wrong there.
fn first_difference(
    text: &str,
    parsed: &Result<Snapshot<'_>, SnapshotError>,
    side_of: &BTreeMap<Hash, Vec<u8>>,
) -> (usize, String) {
    let side = text
        .lines()
        .find_map(|l| l.strip_prefix("# side\t"))
        .and_then(Hash::parse);
    let bad = side
        .and_then(|side| side_of.get(&side))
        .and_then(|side| first_bad_line(text, side));
    match (bad, parsed) {
        (Some(offset), _) => (
            offset,
            "a fact line is not the one that was signed".to_owned(),
        ),
        (None, Err(e)) => (e.offset, e.problem.clone()),
        (None, Ok(_)) => (0, "the header is not the one that was signed".to_owned()),
    }
}

fn same(bytes: &[u8], reference: &FileRef) -> bool {
    bytes.len() as u64 == reference.bytes && Hash::of(bytes).to_string() == reference.sha256
}

/// Offset of the first fact line whose checksum in the side lines is wrong.
fn first_bad_line(text: &str, side: &[u8]) -> Option<usize> {
    let side = str::from_utf8(side).ok()?;
    let mut checks = side_lines(side);
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if !line.starts_with("# ") {
            let line = line.strip_suffix('\n').unwrap_or(line);
            if checks
                .next()
                .is_none_or(|side| side.check != bartizan_inventory::snapshot::check(line))
            {
                return Some(offset);
            }
        }
        offset += line.len();
    }
    checks.next().map(|_| offset)
}
