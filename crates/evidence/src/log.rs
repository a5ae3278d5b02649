//! Evidence log: an RFC 6962 tree in tlog-tiles layout.
//!
//! `tlog_tiles` implements the tree. It has the paths of Go's checksum database (`tile/8/0/000`,
//! `tile/8/data/000`), which is older than <https://c2sp.org/tlog-tiles> with `tile/0/000` and
//! `tile/entries/000`: [`tile_name`] converts them.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{
    Checkpoint, HashReader, Tile, TileHashReader, TileReader, stored_hash_index, stored_hashes,
    tree_hash,
};

use super::{EntryKind, LogEntry, LogKey, Storage, StorageError};
use bartizan_inventory::fact::Hash;
use bartizan_model::limits::ENTRY_BYTES_MAX;

/// Height of a tile: 256 hashes.
const HEIGHT: u8 = 8;
pub(super) const TILE_WIDTH: u64 = 1 << HEIGHT;

/// Log, opened at a tree head with a valid signature.
pub struct EvidenceLog<'a> {
    storage: &'a dyn Storage,
    public: String,
    head: Checkpoint,
    head_bytes: Vec<u8>,
}

/// Error in reading or writing a log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// There is no log here.
    #[error("no evidence log in {0}")]
    NoLog(String),
    /// The key belongs to another log.
    #[error(
        "the log in {place} is signed by {theirs}, the key given is {ours}: give the right one \
        with --key"
    )]
    WrongKey {
        /// Location of the store.
        place: String,
        /// Name of the log's key.
        theirs: String,
        /// Name of the given key.
        ours: String,
    },
    /// The log is damaged.
    #[error("{file}: {problem}: run bartizan verify evidence")]
    Broken { file: String, problem: String },
}

impl<'a> EvidenceLog<'a> {
    /// Creates a log, or finishes an interrupted creation.
    ///
    /// # Errors
    /// If the storage fails, or has the log of another key.
    pub fn create(storage: &'a dyn Storage, key: &LogKey) -> Result<Self, LogError> {
        let public = format!("{}\n", key.public());
        match create_same(storage, "log.pub", public.as_bytes()) {
            Err(StorageError::Exists(_)) => {
                let theirs = String::from_utf8_lossy(&storage.read("log.pub")?).into_owned();
                return Err(wrong_key(storage, &theirs, key));
            }
            other => other?,
        }
        let head = sign(key, 0, tlog_tiles::EMPTY_HASH)?;
        match storage.create("checkpoint", &head) {
            Ok(()) | Err(StorageError::Exists(_)) => Self::open(storage),
            Err(e) => Err(e.into()),
        }
    }

    /// Opens a log at its latest tree head.
    ///
    /// # Errors
    /// [`LogError::NoLog`] if there is none; [`LogError::Broken`] if its head is not signed by its
    /// key.
    pub fn open(storage: &'a dyn Storage) -> Result<Self, LogError> {
        let read = |name: &str| match storage.read(name) {
            Err(StorageError::Missing(_)) => Err(LogError::NoLog(storage.place())),
            other => other.map_err(LogError::from),
        };
        let head_bytes = read("checkpoint")?;
        let public = String::from_utf8_lossy(&read("log.pub")?)
            .trim_end()
            .to_owned();
        let head = checkpoint(&public, &head_bytes).map_err(|problem| LogError::Broken {
            file: "checkpoint".into(),
            problem,
        })?;
        Ok(Self {
            storage,
            public,
            head,
            head_bytes,
        })
    }

    /// Number of entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.head.size()
    }

    /// Root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        Hash(self.head.hash().0)
    }

    /// Signed tree head.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.head_bytes
    }

    /// Verifier key.
    #[must_use]
    pub fn public(&self) -> &str {
        &self.public
    }

    /// Text of each entry from `first` on.
    ///
    /// # Errors
    /// If a bundle is missing or damaged.
    pub fn entries(&self, first: u64) -> Result<Vec<(u64, String)>, LogError> {
        let mut out = Vec::new();
        for bundle in first / TILE_WIDTH..self.size().div_ceil(TILE_WIDTH) {
            out.extend(
                self.entries_of(bundle)?
                    .into_iter()
                    .filter(|(index, _)| *index >= first),
            );
        }
        Ok(out)
    }

    /// Entries in bundles of up to 256 from the end of the log backwards, for finding recent
    /// entries in a long log.
    pub(super) fn bundles_from_last(
        &self,
    ) -> impl Iterator<Item = Result<Vec<(u64, String)>, LogError>> {
        (0..self.size().div_ceil(TILE_WIDTH))
            .rev()
            .map(|bundle| self.entries_of(bundle))
    }

    fn entries_of(&self, bundle: u64) -> Result<Vec<(u64, String)>, LogError> {
        let name = entries_name(bundle, (self.size() - bundle * TILE_WIDTH).min(TILE_WIDTH));
        let bytes = self.storage.read(&name)?;
        let entries = split_bundle(&bytes).map_err(|(offset, problem)| LogError::Broken {
            file: name,
            problem: format!("byte {offset}: {problem}"),
        })?;
        let texts = entries
            .into_iter()
            .map(|text| String::from_utf8_lossy(text).into_owned());
        Ok((bundle * TILE_WIDTH..).zip(texts).collect())
    }

    /// Appends entries as one commit. Sets the `log_size` of each.
    ///
    /// A run that was killed may have left tiles that no tree head covers. They are never
    /// overwritten. A commit that fills no tile leaves only partial tiles: the next commit then
    /// starts with a gap entry that reports this, which makes it one entry longer and so gives its
    /// tiles other names. A full tile has only one possible name, so a commit that fills one is
    /// first stored, signed, in `pending/<size>`, and the next run finishes it.
    ///
    /// # Errors
    /// If the storage fails; the log is then unchanged.
    pub fn append(&mut self, key: &LogKey, entries: Vec<LogEntry>) -> Result<(), LogError> {
        if key.public() != self.public {
            return Err(wrong_key(self.storage, &self.public, key));
        }
        while let Some(pending) = self.pending()? {
            let commit = self.commit(pending.entries)?;
            self.publish(commit, pending.head.into_bytes())?;
        }
        let mut entries = entries;
        for _ in 0..=TILE_WIDTH {
            if self.try_append(key, &entries)? {
                return Ok(());
            }
            let Some(first) = entries.first() else { break };
            let reason = "an earlier run was cut short while it wrote to the log".to_owned();
            let gap = LogEntry {
                what: EntryKind::Gap {
                    account: None,
                    reason,
                },
                ..first.clone()
            };
            entries.insert(0, gap);
        }
        Err(LogError::Broken {
            file: "tile".into(),
            problem: "too many leftovers of runs that were cut short".into(),
        })
    }

    /// Returns `false` if a partial tile of that name exists with other content.
    fn try_append(&mut self, key: &LogKey, entries: &[LogEntry]) -> Result<bool, LogError> {
        let old = self.size();
        let mut texts = Vec::new();
        for entry in entries {
            let text = serde_json::to_string(&LogEntry {
                log_size: old,
                ..entry.clone()
            })
            .map_err(|e| broken("entry", e.to_string()))?;
            if text.len() > ENTRY_BYTES_MAX {
                return Err(broken(
                    "entry",
                    format!("longer than {ENTRY_BYTES_MAX} bytes"),
                ));
            }
            texts.push(text);
        }
        let commit = self.commit(texts)?;
        for file in commit.files.iter().filter(|f| !f.whole) {
            match self.storage.read(&file.name) {
                Ok(bytes) if bytes == file.bytes => {}
                Ok(_) => return Ok(false),
                Err(StorageError::Missing(_)) => {}
                Err(e) => return Err(e.into()),
            }
        }
        let head_bytes = sign(key, commit.size, commit.root)?;
        if commit.files.iter().any(|f| f.whole) {
            let head = String::from_utf8_lossy(&head_bytes).into_owned();
            let pending = PendingCommit {
                head,
                entries: commit.texts.clone(),
            };
            let name = pending_name(old);
            let bytes = serde_json::to_vec(&pending).map_err(|e| broken(&name, e.to_string()))?;
            create_same(self.storage, &name, &bytes)?;
        }
        self.publish(commit, head_bytes)?;
        Ok(true)
    }

    /// Tree and files to write for appending these entries.
    fn commit(&self, texts: Vec<String>) -> Result<Commit, LogError> {
        let old = self.size();
        let tiles = StoredTiles(self.storage);
        let mut tree = GrowingTree {
            old: TileHashReader::new(old, *self.head.hash(), &tiles),
            old_size: old,
            new: HashMap::new(),
        };
        for (index, text) in (old..).zip(&texts) {
            let hashes = stored_hashes(index, text.as_bytes(), &tree)
                .map_err(|e| broken("tile", e.to_string()))?;
            for (offset, hash) in (stored_hash_index(0, index)..).zip(hashes) {
                tree.new.insert(offset, hash);
            }
        }
        let size = old + texts.len() as u64;
        let root = tree_hash(size, &tree).map_err(|e| broken("tile", e.to_string()))?;
        let mut files = Vec::new();
        for tile in Tile::new_tiles(HEIGHT, old, size) {
            let whole = u64::from(tile.width()) == TILE_WIDTH;
            if tile.level() == 0 {
                let name = entries_name(tile.level_index(), u64::from(tile.width()));
                files.push(TileFile {
                    name,
                    bytes: self.bundle(&tile, &texts)?,
                    whole,
                });
            }
            let bytes = tile
                .read_data(&tree)
                .map_err(|e| broken(&tile_name(&tile), e.to_string()))?;
            files.push(TileFile {
                name: tile_name(&tile),
                bytes,
                whole,
            });
        }
        Ok(Commit {
            texts,
            size,
            root,
            files,
        })
    }

    /// Writes a commit and publishes its tree head.
    fn publish(&mut self, commit: Commit, head_bytes: Vec<u8>) -> Result<(), LogError> {
        for file in &commit.files {
            match create_same(self.storage, &file.name, &file.bytes) {
                // Left by a version without pending commits.
                Err(StorageError::Exists(_)) if file.whole => {
                    self.storage.replace(&file.name, &file.bytes)?
                }
                other => other?,
            }
        }
        create_same(
            self.storage,
            &checkpoint_name(self.size()),
            &self.head_bytes,
        )?;
        self.storage.replace("checkpoint", &head_bytes)?;
        self.head = checkpoint(&self.public, &head_bytes)
            .map_err(|problem| broken("checkpoint", problem))?;
        self.head_bytes = head_bytes;
        Ok(())
    }

    /// Commit that was interrupted, if its entries are signed by this log's key.
    fn pending(&self) -> Result<Option<PendingCommit>, LogError> {
        let name = pending_name(self.size());
        let bytes = match self.storage.read(&name) {
            Err(StorageError::Missing(_)) => return Ok(None),
            other => other?,
        };
        let problem = |problem: String| broken(&name, problem);
        let pending: PendingCommit =
            serde_json::from_slice(&bytes).map_err(|e| problem(e.to_string()))?;
        let head = checkpoint(&self.public, pending.head.as_bytes()).map_err(problem)?;
        let commit = self.commit(pending.entries.clone())?;
        if pending.entries.is_empty() || (commit.size, commit.root) != (head.size(), *head.hash()) {
            return Err(problem(
                "its entries are not those that its tree head signs for".into(),
            ));
        }
        Ok(Some(pending))
    }

    /// Entry bundle for a tile of level 0: existing entries, followed by `texts`.
    fn bundle(&self, tile: &Tile, texts: &[String]) -> Result<Vec<u8>, LogError> {
        let first = tile.level_index() * TILE_WIDTH;
        let mut bytes = Vec::new();
        if first < self.size() {
            bytes = self
                .storage
                .read(&entries_name(tile.level_index(), self.size() - first))?;
        }
        let from = usize::try_from(first.saturating_sub(self.size())).unwrap_or(usize::MAX);
        let to =
            usize::try_from(first + u64::from(tile.width()) - self.size()).unwrap_or(usize::MAX);
        for text in texts.get(from..to).unwrap_or_default() {
            bytes.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        Ok(bytes)
    }

    /// Hashes that prove that entry `index` is in the tree.
    pub(super) fn prove(&self, index: u64) -> Result<Vec<tlog_tiles::Hash>, LogError> {
        let tiles = StoredTiles(self.storage);
        let reader = TileHashReader::new(self.size(), *self.head.hash(), &tiles);
        tlog_tiles::prove_record(self.size(), index, &reader)
            .map_err(|e| broken("tile", e.to_string()))
    }
}

fn broken(file: &str, problem: String) -> LogError {
    LogError::Broken {
        file: file.to_owned(),
        problem,
    }
}

fn wrong_key(storage: &dyn Storage, theirs: &str, ours: &LogKey) -> LogError {
    let name = |k: &str| k.split('+').next().unwrap_or("").to_owned();
    LogError::WrongKey {
        place: storage.place(),
        theirs: name(theirs),
        ours: name(ours.public()),
    }
}

/// Commit before it is written.
struct Commit {
    texts: Vec<String>,
    /// Number of entries in the log, including the commit.
    size: u64,
    root: tlog_tiles::Hash,
    files: Vec<TileFile>,
}

/// Hash tile or entry bundle.
struct TileFile {
    name: String,
    bytes: Vec<u8>,
    /// Full with 256 entries: the log will never have another file of that name.
    whole: bool,
}

/// Commit that will fill a tile, stored in `pending/<size before it>`.
#[derive(Serialize, Deserialize)]
pub(super) struct PendingCommit {
    /// Signed tree head after the commit.
    pub(super) head: String,
    /// Text of each entry.
    pub(super) entries: Vec<String>,
}

/// Creates a file, or accepts an existing one with the same bytes, as an interrupted run leaves it.
pub(super) fn create_same(
    storage: &dyn Storage,
    name: &str,
    bytes: &[u8],
) -> Result<(), StorageError> {
    match storage.create(name, bytes) {
        Err(StorageError::Exists(name)) if storage.read(&name)? == bytes => Ok(()),
        other => other,
    }
}

/// Parses a signed tree head and checks its signature.
pub(super) fn checkpoint(public: &str, bytes: &[u8]) -> Result<Checkpoint, String> {
    let verifier =
        StandardVerifier::new(public).map_err(|e| format!("log.pub is not a verifier key: {e}"))?;
    let name = public.split('+').next().unwrap_or("");
    let note = Note::from_bytes(bytes).map_err(|e| e.to_string())?;
    note.verify(&VerifierList::new(vec![Box::new(verifier)]))
        .map_err(|e| format!("the signature does not verify: {e}"))?;
    let head = Checkpoint::from_bytes(note.text()).map_err(|e| e.to_string())?;
    if head.origin() != name {
        return Err(format!("its origin is {:?}, not {name:?}", head.origin()));
    }
    Ok(head)
}

/// Whether a text has the form of a signed tree head, whoever signed it.
#[must_use]
pub fn is_head(bytes: &[u8]) -> bool {
    Note::from_bytes(bytes).is_ok_and(|note| Checkpoint::from_bytes(note.text()).is_ok())
}

fn sign(key: &LogKey, size: u64, root: tlog_tiles::Hash) -> Result<Vec<u8>, LogError> {
    let broken = |e: String| LogError::Broken {
        file: "checkpoint".into(),
        problem: e,
    };
    let head = Checkpoint::new(key.name(), size, root, "").map_err(|e| broken(e.to_string()))?;
    let mut note = Note::new(&head.to_bytes(), &[]).map_err(|e| broken(e.to_string()))?;
    note.add_sigs(&[key.signer()])
        .map_err(|e| broken(e.to_string()))?;
    Ok(note.to_bytes())
}

/// File name of a hash tile.
pub(super) fn tile_name(tile: &Tile) -> String {
    tile.path().replacen("tile/8/", "tile/", 1)
}

/// File name of an entry bundle.
pub(super) fn entries_name(index: u64, width: u64) -> String {
    let tile = Tile::new(HEIGHT, 0, index, u32::try_from(width).unwrap_or(1), true);
    tile.path().replacen("tile/8/data/", "tile/entries/", 1)
}

/// File name of an earlier tree head.
pub(super) fn checkpoint_name(size: u64) -> String {
    format!("checkpoints/{size:010}")
}

/// File name of a pending commit to a log of `size` entries.
pub(super) fn pending_name(size: u64) -> String {
    format!("{PENDING}{size:010}")
}

/// Prefix of the names of pending commits.
pub(super) const PENDING: &str = "pending/";

/// Entries of a bundle, or offset and description of the error.
pub(super) fn split_bundle(bytes: &[u8]) -> Result<Vec<&[u8]>, (usize, String)> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while let Some((length, tail)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length));
        let offset = bytes.len() - rest.len();
        out.push(
            tail.get(..length)
                .ok_or_else(|| (offset, "the bundle ends inside an entry".to_owned()))?,
        );
        rest = &tail[length..];
    }
    if rest.is_empty() {
        Ok(out)
    } else {
        Err((
            bytes.len() - rest.len(),
            "the bundle ends inside an entry".into(),
        ))
    }
}

struct StoredTiles<'a>(&'a dyn Storage);

impl TileReader for StoredTiles<'_> {
    fn height(&self) -> u8 {
        HEIGHT
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = |tile: &Tile| {
            let bytes = self
                .0
                .read(&tile_name(tile))
                .map_err(|e| tlog_tiles::Error::InvalidInput(e.to_string()))?;
            if bytes.len() != tile.width() as usize * tlog_tiles::HASH_SIZE {
                return Err(tlog_tiles::Error::InvalidInput(format!(
                    "{} has the wrong length",
                    tile_name(tile)
                )));
            }
            Ok(bytes)
        };
        tiles.iter().map(read).collect()
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

/// Tree being extended: authenticated hashes of the old tree, and new hashes.
struct GrowingTree<'a> {
    old: TileHashReader<'a>,
    old_size: u64,
    new: HashMap<u64, tlog_tiles::Hash>,
}

impl HashReader for GrowingTree<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        let old: Vec<u64> = indexes
            .iter()
            .copied()
            .filter(|i| !self.new.contains_key(i))
            .collect();
        let mut read = if old.is_empty() || self.old_size == 0 {
            Vec::new()
        } else {
            self.old.read_hashes(&old)?
        }
        .into_iter();
        let one = |i: &u64| {
            self.new
                .get(i)
                .copied()
                .or_else(|| read.next())
                .ok_or(tlog_tiles::Error::IndexesNotInTree)
        };
        indexes.iter().map(one).collect()
    }
}
