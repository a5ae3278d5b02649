//! Storage of a log: a folder, a bucket, or memory. The implementations of the first two are in
//! crates that do I/O.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Flat store of named files. Names are `/`-separated and created by this crate only.
pub trait Storage: Send + Sync {
    /// Creates a file atomically and durably.
    ///
    /// # Errors
    /// [`StorageError::Exists`] if there is a file with that name, whatever its content.
    fn create(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError>;

    /// Replaces a file atomically. Only `checkpoint` and files left by an interrupted run are ever
    /// replaced.
    ///
    /// # Errors
    /// If the storage fails, or somebody else replaced the file since it was last read.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError>;

    /// Reads a file.
    ///
    /// # Errors
    /// [`StorageError::Missing`] if there is none.
    fn read(&self, name: &str) -> Result<Vec<u8>, StorageError>;

    /// Names of all files, sorted.
    ///
    /// # Errors
    /// If the storage cannot be listed.
    fn list(&self) -> Result<Vec<String>, StorageError>;

    /// Location as shown to users.
    fn place(&self) -> String;
}

/// Error in reading or writing a file.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// A file with that name exists.
    #[error("{0} is there already")]
    Exists(String),
    /// There is no such file.
    #[error("{0} is missing")]
    Missing(String),
    /// Somebody else wrote the file in between.
    #[error("{0} was changed by somebody else: run the command again")]
    Conflict(String),
    /// Any other error.
    #[error("{name}: {problem}")]
    Other {
        name: String,
        /// Cause and suggested fix.
        problem: String,
    },
}

/// In-memory store, for tests and for input without a store.
#[derive(Debug, Default)]
pub struct MemoryStorage(Mutex<BTreeMap<String, Vec<u8>>>);

impl MemoryStorage {
    /// All files, to be modified freely.
    pub fn files(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for MemoryStorage {
    fn create(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        match self.files().entry(name.to_owned()) {
            std::collections::btree_map::Entry::Occupied(_) => {
                Err(StorageError::Exists(name.to_owned()))
            }
            std::collections::btree_map::Entry::Vacant(slot) => {
                slot.insert(bytes.to_vec());
                Ok(())
            }
        }
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        self.files().insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, StorageError> {
        self.files()
            .get(name)
            .cloned()
            .ok_or_else(|| StorageError::Missing(name.to_owned()))
    }

    fn list(&self) -> Result<Vec<String>, StorageError> {
        Ok(self.files().keys().cloned().collect())
    }

    fn place(&self) -> String {
        "memory".to_owned()
    }
}
