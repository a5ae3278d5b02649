//! Scan results that are kept, so that an object is read once. SQLite beside the state; whoever
//! deletes it costs the next run a reading of the lookback, nothing else.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use rusqlite::{Connection, OptionalExtension, params};

/// Its name in the store.
const FILE: &str = "scans.sqlite";

/// Number of the tables' shape; another number makes the file anew.
const VERSION: i64 = 1;

/// Results that are written at once.
const BATCH: usize = 256;

const TABLES: &str = "
create table scan (name text primary key, version text, plan blob not null, result blob not null) \
without rowid;
";

/// Kept scan results of a store. Threads share it.
pub(crate) struct KeptScans {
    inner: Mutex<ScanTable>,
}

struct ScanTable {
    connection: Connection,
    /// Results that are not written yet.
    waiting: Vec<KeptScan>,
}

/// Scan result to keep.
pub(crate) struct KeptScan {
    /// Name of the object.
    pub(crate) name: String,
    /// ETag or time of the last write.
    pub(crate) version: Option<String>,
    /// Fingerprint of the plan.
    pub(crate) plan: [u8; 32],
    /// `bartizan_detect::write_scan_result`.
    pub(crate) result: Vec<u8>,
}

impl KeptScans {
    /// Opens the results of a store, making the file if it is not there. A damaged file is made
    /// anew: it holds nothing that the trail does not.
    pub(crate) fn open(store: &str) -> Result<Self> {
        let path = Path::new(store).join(FILE);
        let connection = match Self::connect(&path) {
            Ok(connection) => connection,
            Err(e) if is_damaged(&e) => {
                for suffix in ["", "-wal", "-shm"] {
                    let mut name = path.clone().into_os_string();
                    name.push(suffix);
                    match std::fs::remove_file(&name) {
                        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                            return Err(e).with_context(|| {
                                format!("{} is damaged and cannot be removed", path.display())
                            });
                        }
                        _ => {}
                    }
                }
                Self::connect(&path).with_context(|| path.display().to_string())?
            }
            Err(e) => return Err(e).with_context(|| path.display().to_string()),
        };
        Ok(Self {
            inner: Mutex::new(ScanTable {
                connection,
                waiting: Vec::new(),
            }),
        })
    }

    fn connect(path: &Path) -> rusqlite::Result<Connection> {
        let connection = Connection::open(path)?;
        connection.execute_batch("pragma journal_mode = wal; pragma synchronous = normal;")?;
        let version: i64 = connection.query_row("pragma user_version", [], |row| row.get(0))?;
        if version != VERSION {
            connection.execute_batch(&format!(
                "begin; drop table if exists scan; {TABLES} pragma user_version = {VERSION}; \
                commit;"
            ))?;
        }
        connection.query_row("select count(*) from scan where name = ''", [], |_| Ok(()))?;
        Ok(connection)
    }

    /// Result of this version of an object with this plan.
    pub(crate) fn get(
        &self,
        name: &str,
        version: Option<&str>,
        plan: &[u8; 32],
    ) -> Result<Option<Vec<u8>>> {
        let table = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut statement = table
            .connection
            .prepare("select result from scan where name = ?1 and version is ?2 and plan = ?3")?;
        Ok(statement
            .query_row(params![name, version, plan.as_slice()], |row| row.get(0))
            .optional()?)
    }

    /// Version of each object by name, of all that are kept.
    pub(crate) fn versions(&self) -> Result<BTreeMap<String, Option<String>>> {
        let table = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut statement = table.connection.prepare("select name, version from scan")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Keeps a result; written at the latest by [`Self::flush`].
    pub(crate) fn put(&self, scan: KeptScan) -> Result<()> {
        let mut table = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        table.waiting.push(scan);
        match table.waiting.len() >= BATCH {
            true => table.write(),
            false => Ok(()),
        }
    }

    /// Writes what is waiting.
    pub(crate) fn flush(&self) -> Result<()> {
        let mut table = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        table.write()
    }

    /// Removes the results of objects that are not needed any more.
    pub(crate) fn remove<'n>(&self, names: impl Iterator<Item = &'n str>) -> Result<()> {
        let mut table = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = table.connection.transaction()?;
        for name in names {
            transaction.execute("delete from scan where name = ?1", [name])?;
        }
        Ok(transaction.commit()?)
    }
}

impl ScanTable {
    fn write(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction()?;
        let mut insert =
            transaction.prepare("insert or replace into scan values (?1, ?2, ?3, ?4)")?;
        for scan in self.waiting.drain(..) {
            insert.execute(params![
                scan.name,
                scan.version,
                scan.plan.as_slice(),
                scan.result
            ])?;
        }
        drop(insert);
        Ok(transaction.commit()?)
    }
}

fn is_damaged(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(
        error.sqlite_error_code(),
        Some(NotADatabase | DatabaseCorrupt)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(name: &str, version: &str) -> KeptScan {
        KeptScan {
            name: name.to_owned(),
            version: Some(version.to_owned()),
            plan: [1; 32],
            result: version.as_bytes().to_vec(),
        }
    }

    #[test]
    fn results_are_of_one_version_and_one_plan() {
        let home = tempfile::tempdir().unwrap();
        let store = home.path().display().to_string();
        let scans = KeptScans::open(&store).unwrap();
        scans.put(scan("a", "v1")).unwrap();
        scans.flush().unwrap();
        let got = |version: &str, plan: u8| scans.get("a", Some(version), &[plan; 32]).unwrap();
        assert_eq!(got("v1", 1), Some(b"v1".to_vec()));
        assert_eq!([got("v2", 1), got("v1", 2)], [None, None]);
        scans.remove(["a"].into_iter()).unwrap();
        assert_eq!(got("v1", 1), None);
    }

    #[test]
    fn a_damaged_file_is_made_anew() {
        let home = tempfile::tempdir().unwrap();
        let store = home.path().display().to_string();
        std::fs::write(home.path().join(FILE), vec![7; 9000]).unwrap();
        let scans = KeptScans::open(&store).unwrap();
        scans.put(scan("a", "v1")).unwrap();
        scans.flush().unwrap();
        drop(scans);
        let scans = KeptScans::open(&store).unwrap();
        assert!(scans.get("a", Some("v1"), &[1; 32]).unwrap().is_some());
    }
}
