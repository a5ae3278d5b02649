//! Where the log lies: a folder, a bucket, or memory. The implementations for the first two live
//! where I/O may.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A flat store of named files. Names are `/`-separated and made by this crate only.
pub trait Storage: Send + Sync {
    /// Creates a file, whole or not at all, and makes it durable.
    ///
    /// # Errors
    /// [`StorageError::Exists`] if there is one of that name, whatever it holds.
    fn create(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError>;

    /// Replaces a file, whole or not at all. Only `checkpoint` is ever replaced, and what a killed
    /// run left behind.
    ///
    /// # Errors
    /// When the storage refuses, or somebody else replaced it since it was last read.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError>;

    /// Reads a file.
    ///
    /// # Errors
    /// [`StorageError::Missing`] if there is none.
    fn read(&self, name: &str) -> Result<Vec<u8>, StorageError>;

    /// The names of all files, sorted.
    ///
    /// # Errors
    /// When the storage cannot be listed.
    fn list(&self) -> Result<Vec<String>, StorageError>;

    /// How people call this place.
    fn place(&self) -> String;
}

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// There is a file of that name.
    #[error("{0} is there already")]
    Exists(String),
    /// There is none.
    #[error("{0} is missing")]
    Missing(String),
    /// Somebody else wrote in between.
    #[error("{0} was changed by somebody else: run the command again")]
    Conflict(String),
    /// Anything else.
    #[error("{name}: {problem}")]
    Other {
        /// The file.
        name: String,
        /// What happened, and what to do.
        problem: String,
    },
}

/// A store in memory, for tests and for reading input that has no store.
#[derive(Debug, Default)]
pub struct MemoryStorage(Mutex<BTreeMap<String, Vec<u8>>>);

impl MemoryStorage {
    /// All files, to be changed at will.
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
