//! A folder as the place of an evidence log.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use bartizan_evidence::{Storage, StorageError};
use bartizan_model::limits::EVIDENCE_FILE_BYTES_MAX;

use crate::cli::Global;

/// A file that is being written. It is no part of the store: a killed run leaves it, the next one
/// removes it.
const UNFINISHED: &str = ".unfinished";
const LOCK: &str = ".lock";

/// A folder.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// The folder at `path`, which is made when the first file is.
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Writes a file beside its final place, whole and synced, and gives its name there.
    fn prepare(&self, name: &str, bytes: &[u8]) -> io::Result<(PathBuf, PathBuf)> {
        let path = self.0.join(name);
        let folder = path.parent().unwrap_or(&self.0).to_owned();
        make_folder(&folder)?;
        let unfinished = self.0.join(UNFINISHED);
        let _ = fs::remove_file(&unfinished);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o444);
        let mut file = options.open(&unfinished)?;
        file.write_all(bytes)
            .and_then(|()| file.sync_all())
            .inspect_err(|_| drop(fs::remove_file(&unfinished)))?;
        Ok((unfinished, path))
    }
}

impl Storage for Folder {
    fn create(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        let path = self.0.join(name);
        if path.exists() {
            return Err(StorageError::Exists(name.to_owned()));
        }
        let created = self.prepare(name, bytes).and_then(|(unfinished, path)| {
            // A link fails where a file is: no check-then-write.
            fs::hard_link(&unfinished, &path)?;
            fs::remove_file(&unfinished)?;
            sync_folder(&path)
        });
        created.map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => StorageError::Exists(name.to_owned()),
            _ => error(name, &e),
        })
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        let replaced = self.prepare(name, bytes).and_then(|(unfinished, path)| {
            fs::rename(unfinished, &path)?;
            sync_folder(&path)
        });
        replaced.map_err(|e| error(name, &e))
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, StorageError> {
        // Names come from entries of a log that is perhaps not ours: they stay inside the folder,
        // and lead to plain files.
        let inside = Path::new(name)
            .components()
            .all(|c| matches!(c, Component::Normal(_)));
        let path = self.0.join(name);
        let metadata = if inside {
            fs::symlink_metadata(&path).map_err(|e| error(name, &e))?
        } else {
            return Err(outside(name));
        };
        if !metadata.is_file() {
            return Err(outside(name));
        }
        if metadata.len() > EVIDENCE_FILE_BYTES_MAX as u64 {
            return Err(StorageError::Other {
                name: name.to_owned(),
                problem: "larger than any file that Bartizan writes".to_owned(),
            });
        }
        fs::read(path).map_err(|e| error(name, &e))
    }

    fn list(&self) -> Result<Vec<String>, StorageError> {
        let (mut names, mut folders) = (Vec::new(), vec![PathBuf::new()]);
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(self.0.join(&folder)) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                other => {
                    other.map_err(|e| error(&self.0.join(&folder).display().to_string(), &e))?
                }
            };
            for entry in entries {
                let entry = entry.map_err(|e| error(&folder.display().to_string(), &e))?;
                let name = folder.join(entry.file_name());
                if entry.file_type().is_ok_and(|t| t.is_dir()) {
                    folders.push(name);
                } else if !entry.file_name().to_string_lossy().starts_with('.') {
                    names.push(name.to_string_lossy().into_owned());
                }
            }
        }
        names.sort();
        Ok(names)
    }

    fn place(&self) -> String {
        self.0.display().to_string()
    }
}

/// How long a run waits for another one to finish writing, which takes seconds.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// Keeps every other run out of a folder store until it is dropped; the kernel lets go when the
/// process ends, however.
pub(super) fn lock(global: &Global, storage: &dyn Storage) -> Result<Option<File>> {
    if global.store.starts_with("s3://") {
        return Ok(None); // A bucket has no locks: its conditional writes find the second writer.
    }
    lock_file(&storage.place(), LOCK).map(Some)
}

/// Locks a file of a folder store, which is made if it is not there; waits a little for whoever has
/// it.
pub(super) fn lock_file(place: &str, name: &str) -> Result<File> {
    let path = Path::new(place);
    make_folder(path).map_err(|e| anyhow::anyhow!("cannot make {place}: {}", problem(&e)))?;
    let file = File::create(path.join(name))
        .map_err(|e| anyhow::anyhow!("cannot write in {place}: {}", problem(&e)))?;
    let start = Instant::now();
    while file.try_lock().is_err() {
        anyhow::ensure!(
            start.elapsed() < LOCK_WAIT,
            "another bartizan is writing to {place}: wait for it to end"
        );
        std::thread::sleep(LOCK_WAIT / 100);
    }
    Ok(file)
}

/// A run that delivers alerts holds it to its end.
const DELIVERING: &str = ".delivering";

/// Keeps other runs from delivering the alerts of a store until it is dropped.
pub(crate) fn delivery_lock(place: &str) -> Result<File> {
    lock_file(place, DELIVERING)
}

/// Whether a run delivers the alerts of a store now.
pub(crate) fn is_delivering(place: &str) -> Result<bool> {
    match File::open(Path::new(place).join(DELIVERING)) {
        Ok(file) => Ok(file.try_lock().is_err()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(anyhow::anyhow!("cannot open {place}/{DELIVERING}: {e}")),
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn outside(name: &str) -> StorageError {
    StorageError::Other {
        name: name.to_owned(),
        problem: "not a plain file inside the store".to_owned(),
    }
}

fn error(name: &str, e: &io::Error) -> StorageError {
    match e.kind() {
        io::ErrorKind::NotFound => StorageError::Missing(name.to_owned()),
        _ => StorageError::Other {
            name: name.to_owned(),
            problem: problem(e),
        },
    }
}

/// Reason for an I/O error, with what helps.
fn problem(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the disk is full: make room and run the command again".to_owned()
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "the file system is read-only: copy the store to a folder that can be written"
                .to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "permission denied: run as the owner of the store, or copy it to a folder that can be \
            written"
                .to_owned()
        }
        _ => e.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside_and_lead_to_plain_files() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(&dir.path().join("store"));
        folder.create("a/b", b"x").unwrap();
        assert!(matches!(
            folder.create("a/b", b"y"),
            Err(StorageError::Exists(_))
        ));
        fs::write(dir.path().join("secret"), "s").unwrap();
        std::os::unix::fs::symlink(dir.path().join("secret"), dir.path().join("store/link"))
            .unwrap();
        for name in ["../secret", "/dev/zero", "a/../../secret", "link", "a"] {
            assert!(
                matches!(folder.read(name), Err(StorageError::Other { .. })),
                "{name}"
            );
        }
        assert_eq!(folder.read("a/b").unwrap(), b"x");
        assert!(matches!(folder.read("a/c"), Err(StorageError::Missing(_))));
        assert_eq!(folder.list().unwrap(), ["a/b", "link"]);
    }
}
