//! State of watching between runs, beside the evidence log: findings, incidents, which objects
//! were read. SQLite, so that a run that is killed leaves what was there before, whole, and people
//! may ask it questions of their own.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result, bail};
use bartizan_incident::{Incident, MergedIncident};
use bartizan_model::Finding;
use rusqlite::{Connection, OptionalExtension, params};

use super::folder::lock_file;
use super::outbox::{self, NewAlerts};
use super::schema::{FILE, OUTBOX_TABLES, TABLES, VERSION};

/// A run that watches holds it to its end.
const LOCK: &str = ".watching";
/// The state of a store, open.
pub(crate) struct StoreState {
    pub(super) connection: Connection,
    _lock: Option<File>,
}

/// Everything that a run leaves.
pub(crate) struct RunState<'a> {
    /// All findings of the time that was looked at.
    pub(crate) findings: &'a [Finding],
    /// Findings that ended before it stay as they are.
    pub(crate) since: &'a str,
    pub(crate) incidents: &'a [Incident],
    pub(crate) merges: &'a [MergedIncident],
    /// Objects that were read: name, bytes, whether they are only in the memory any more.
    pub(crate) objects: &'a [(String, Option<u64>, bool)],
    /// Anything else by name.
    pub(crate) kept: Vec<(&'a str, Vec<u8>)>,
    /// Alerts for what is new.
    pub(crate) alerts: NewAlerts<'a>,
}

impl StoreState {
    /// Opens it to write, making it if it is not there; refuses while another run watches.
    pub(crate) fn watch(store: &str) -> Result<Self> {
        if store.starts_with("s3://") {
            bail!(
                "watching needs a folder as --store: its state is a SQLite file. The evidence log \
                alone can be in a bucket"
            );
        }
        let lock = lock_file(store, LOCK)?;
        let path = Path::new(store).join(FILE);
        let connection = Connection::open(&path).map_err(|e| anyhow::anyhow!(why(&path, &e)))?;
        // A commit is on the disk before it counts.
        connection
            .execute_batch("pragma journal_mode = wal; pragma synchronous = full;")
            .map_err(|e| anyhow::anyhow!(why(&path, &e)))?;
        let state = Self {
            connection,
            _lock: Some(lock),
        };
        match state
            .version()
            .map_err(|e| anyhow::anyhow!(why(&path, &e)))?
        {
            0 => {
                state.connection.execute_batch(&format!(
                    "begin; {TABLES} {OUTBOX_TABLES} pragma user_version = {VERSION}; commit;"
                ))?;
                Ok(state)
            }
            1 => {
                state.upgrade(&path)?;
                Ok(state)
            }
            VERSION => Ok(state),
            other => bail!(
                "{} is of version {other}, this program knows {VERSION}: use the newer bartizan",
                path.display()
            ),
        }
    }

    /// Opens it to read; none where nobody has watched yet.
    pub(crate) fn read(store: &str) -> Result<Option<Self>> {
        let path = Path::new(store).join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let version = |state: &Self| state.version();
        let opened = |connection: rusqlite::Result<Connection>| -> rusqlite::Result<(i64, Self)> {
            let state = Self {
                connection: connection?,
                _lock: None,
            };
            Ok((version(&state)?, state))
        };
        let found = match opened(Connection::open(&path)) {
            // Where nothing may be written SQLite cannot make its own files beside it: it is read
            // as it lies.
            Err(e) if is_read_only(&e) && !holds_more(&path) => opened(immutable(&path)),
            other => other,
        };
        let (version, state) = found.map_err(|e| anyhow::anyhow!(why(&path, &e)))?;
        Ok((1..=VERSION).contains(&version).then_some(state))
    }

    /// Adds the outbox to a state of version 1, of which a copy is kept beside it.
    fn upgrade(&self, path: &Path) -> Result<()> {
        let copy = path.with_file_name("state-v1.sqlite");
        match std::fs::remove_file(&copy) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                bail!("cannot replace {}: {e}", copy.display())
            }
            _ => {}
        }
        let copied = self
            .connection
            .execute("vacuum into ?1", [copy.display().to_string()])
            .map_err(|e| anyhow::anyhow!(why(&copy, &e)));
        copied.context("the state is upgraded, and first a copy is kept")?;
        self.connection.execute_batch(&format!(
            "begin immediate; {OUTBOX_TABLES} pragma user_version = {VERSION}; commit;"
        ))?;
        Ok(())
    }

    fn version(&self) -> rusqlite::Result<i64> {
        self.connection
            .query_row("pragma user_version", [], |row| row.get(0))
    }

    /// Objects that were read: bytes, and whether they are only in the memory any more.
    pub(crate) fn objects(&self) -> Result<BTreeMap<String, (Option<u64>, bool)>> {
        let mut statement = self
            .connection
            .prepare("select name, bytes, learned from object")?;
        let rows = statement.query_map([], |row| {
            Ok((
                row.get::<_, String>(0)?,
                (
                    row.get::<_, Option<i64>>(1)?.map(|n| n as u64),
                    row.get::<_, bool>(2)?,
                ),
            ))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Something that was kept by name.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(self
            .connection
            .query_row("select value from kept where key = ?1", [key], |row| {
                row.get(0)
            })
            .optional()?)
    }

    /// A finding by its id or the beginning of it.
    pub(crate) fn finding(&self, id: &str) -> Result<Vec<Finding>> {
        self.json(
            "select json from finding where substr(id, 1, length(?1)) = ?1 order by id limit 3",
            [id],
        )
    }

    /// All incidents.
    pub(crate) fn incidents(&self) -> Result<Vec<Incident>> {
        self.json(
            "select json from incident order by score desc, first_time, id",
            [],
        )
    }

    pub(super) fn json<T: serde::de::DeserializeOwned, P: rusqlite::Params>(
        &self,
        query: &str,
        params: P,
    ) -> Result<Vec<T>> {
        let mut statement = self.connection.prepare(query)?;
        let rows = statement.query_map(params, |row| row.get::<_, String>(0))?;
        rows.map(|text| {
            serde_json::from_str(&text?).context(
                "state.sqlite holds what this program did not write: move it aside to \
                look at, and watch again",
            )
        })
        .collect()
    }

    /// Keeps one entry by name.
    pub(crate) fn keep_entry(&self, (key, value): &(&str, Vec<u8>)) -> Result<()> {
        Ok(insert_entry(&self.connection, key, value)?)
    }

    /// Keeps that objects were read, and other entries, without a new result.
    pub(crate) fn keep_objects(
        &mut self,
        objects: &[(String, Option<u64>, bool)],
        entries: &[(&str, Vec<u8>)],
    ) -> Result<()> {
        if objects.is_empty() && entries.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction()?;
        insert_objects(&transaction, objects)?;
        for (key, value) in entries {
            insert_entry(&transaction, key, value)?;
        }
        Ok(transaction.commit()?)
    }

    /// Keeps all that a run found, or nothing.
    pub(crate) fn keep(&mut self, kept: RunState<'_>) -> Result<()> {
        // Deliveries write to the outbox meanwhile: begin as a writer.
        let immediate = rusqlite::TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(immediate)?;
        transaction.execute(
            "delete from finding where last_time is null or last_time >= ?1",
            [kept.since],
        )?;
        for f in kept.findings {
            let row = params![
                f.id,
                f.severity.to_string(),
                f.stage.to_string(),
                f.account,
                f.first_time,
                f.last_time,
                serde_json::to_string(f)?
            ];
            transaction.execute(
                "insert or replace into finding values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                row,
            )?;
        }
        let last = "json_extract(json, '$.last_time')";
        transaction.execute(
            &format!("delete from incident where {last} >= ?1"),
            [kept.since],
        )?;
        for i in kept.incidents {
            let row = params![
                i.id,
                i.score,
                i.first_time,
                i.headline,
                serde_json::to_string(i)?
            ];
            transaction.execute(
                "insert or replace into incident values (?1, ?2, ?3, ?4, ?5)",
                row,
            )?;
        }
        for merge in kept.merges {
            transaction.execute(
                "insert or ignore into merge values (?1, ?2)",
                params![merge.into, merge.from],
            )?;
        }
        insert_objects(&transaction, kept.objects)?;
        for (key, value) in &kept.kept {
            insert_entry(&transaction, key, value)?;
        }
        outbox::write(&transaction, &kept.alerts)?;
        transaction.commit()?;
        Ok(())
    }
}

fn insert_objects(
    connection: &Connection,
    objects: &[(String, Option<u64>, bool)],
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare("insert or replace into object values (?1, ?2, ?3)")?;
    for (name, bytes, learned) in objects {
        insert.execute(params![name, bytes.map(|n| n as i64), learned])?;
    }
    Ok(())
}

fn insert_entry(connection: &Connection, key: &str, value: &[u8]) -> rusqlite::Result<()> {
    connection
        .execute(
            "insert or replace into kept values (?1, ?2)",
            params![key, value],
        )
        .map(drop)
}

/// Whether the place does not let us write, or not even make the files that SQLite needs beside its
/// own.
fn is_read_only(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, PermissionDenied, ReadOnly};
    matches!(
        error.sqlite_error_code(),
        Some(ReadOnly | CannotOpen | PermissionDenied)
    )
}

/// Whether there are changes beside the file that only a writer can take in.
fn holds_more(path: &Path) -> bool {
    path.with_extension("sqlite-wal")
        .metadata()
        .is_ok_and(|m| m.len() > 0)
}

/// Opens a file that nobody changes.
fn immutable(path: &Path) -> rusqlite::Result<Connection> {
    let mut uri = String::from("file:");
    // RFC 3986: what is no letter of a path is written as %XX.
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte))
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("{uri}?immutable=1"), flags)
}

/// Why the state cannot be used, and what helps. It is never thrown away: it may be what somebody
/// wants gone.
fn why(path: &Path, error: &rusqlite::Error) -> String {
    use rusqlite::ErrorCode::{
        DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull, NotADatabase,
    };
    let place = path.display();
    match error.sqlite_error_code() {
        _ if is_read_only(error) => {
            format!(
                "{place} cannot be written ({error}): the store is read-only here; run as its \
                owner, or copy the store to a folder that can be written"
            )
        }
        Some(DatabaseBusy | DatabaseLocked) => {
            format!("{place} is in use by another run ({error}): wait for it to end")
        }
        Some(DiskFull) => format!(
            "{place} cannot be written: the disk is full; make room and run the command again"
        ),
        Some(NotADatabase | DatabaseCorrupt) => format!(
            "{place} is damaged ({error}): move it aside to look at, and watch again; what it \
            held is found again from the evidence log and the trail"
        ),
        _ => format!("{place} cannot be used: {error}"),
    }
}
