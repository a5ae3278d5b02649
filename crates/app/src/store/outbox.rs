//! Outbox: alerts that are to be sent, in the state database. An alert is written in the same
//! transaction as the finding that it tells, and stays until its sink has it.

use std::path::Path;

use anyhow::{Context, Result};
use bartizan_alert::{
    Alert, AlertKind, AlertRoute, AlertSubject, Disposition, OutboxEntry, StormState, digest_keys,
    dispatch, still_open,
};
use bartizan_model::AlertSilence;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use serde::Serialize;

use super::schema::{FILE, VERSION};

/// Days that alerts are kept after they were sent.
const KEPT_DAYS: i64 = 30;
/// Rows that are removed at a time.
const REMOVED_AT_ONCE: i64 = 5_000;
/// Milliseconds that a writer waits for another one.
const BUSY_MS: u64 = 30_000;

/// Alerts of a run, and to whom they go.
#[derive(Clone, Copy)]
pub(crate) struct NewAlerts<'a> {
    pub(crate) alerts: &'a [Alert],
    /// Alerts for everything that is found, for sinks that were not told anything yet.
    pub(crate) first: &'a dyn Fn() -> Vec<Alert>,
    pub(crate) routes: &'a [AlertRoute],
    /// All of the evidence log, with their entries.
    pub(crate) silences: &'a [(u64, AlertSilence)],
    pub(crate) now: Timestamp,
}

/// Outbox with a connection of its own: deliveries run beside the watch.
pub(crate) struct Outbox {
    connection: Connection,
}

/// Entry that may be sent now.
#[derive(Debug)]
pub(crate) struct DueEntry {
    pub(crate) seq: i64,
    pub(crate) attempts: u32,
    pub(crate) alert: Alert,
}

/// Entry as `alerts list` shows it.
#[derive(Debug, Serialize)]
pub(crate) struct ListedEntry {
    pub(crate) key: String,
    pub(crate) sink: String,
    pub(crate) state: String,
    pub(crate) kind: String,
    pub(crate) severity: String,
    pub(crate) subject: String,
    /// RFC 3339.
    pub(crate) created: String,
    /// RFC 3339.
    pub(crate) sent: Option<String>,
    pub(crate) attempts: u32,
    /// RFC 3339, while it waits.
    pub(crate) next_try: Option<String>,
    /// Last error, silence or digest.
    pub(crate) note: Option<String>,
    pub(crate) title: String,
}

/// What waits for one sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SinkBacklog {
    pub(crate) sink: String,
    pub(crate) waiting: u64,
    /// Age in seconds of the oldest entry that waits.
    pub(crate) oldest_s: Option<i64>,
    pub(crate) sent: u64,
    pub(crate) dead: u64,
    pub(crate) silenced: u64,
    pub(crate) folded: u64,
}

/// Selection of entries for `alerts list`.
#[derive(Debug, Default)]
pub(crate) struct EntryFilter<'a> {
    pub(crate) sink: Option<&'a str>,
    pub(crate) state: Option<&'a str>,
    /// Key of the digest that they were folded into.
    pub(crate) digest: Option<&'a str>,
    pub(crate) limit: u32,
}

/// Writes new alerts for all routes, and which subjects are open.
pub(super) fn write(transaction: &Transaction<'_>, new: &NewAlerts<'_>) -> Result<()> {
    transaction.execute("delete from silence", [])?;
    for (entry, silence) in new.silences {
        let row = params![*entry as i64, serde_json::to_string(silence)?];
        transaction.execute("insert or replace into silence values (?1, ?2)", row)?;
    }
    for alert in new.alerts {
        note_subject(transaction, alert)?;
    }
    for route in new.routes {
        let added = transaction.execute("insert or ignore into sink values (?1)", [&route.sink])?;
        let first = if added > 0 { (new.first)() } else { Vec::new() };
        for alert in &first {
            note_subject(transaction, alert)?;
        }
        let alerts = if added > 0 { &first } else { new.alerts };
        let storm = storm_state(transaction, route, new.now)?;
        for entry in dispatch(route, alerts, new.silences, &storm, new.now) {
            add(transaction, &entry, new.now)?;
        }
    }
    remove_old(transaction, new.now)
}

/// Keeps which subjects are open, and their latest alert.
fn note_subject(transaction: &Transaction<'_>, alert: &Alert) -> Result<()> {
    match alert.kind {
        kind if kind.is_end() => {
            transaction.execute(
                "delete from open_subject where subject = ?1",
                [&alert.subject],
            )?;
        }
        AlertKind::IncidentOpened
        | AlertKind::IncidentEscalated
        | AlertKind::IncidentUpdated
        | AlertKind::SensorBlind => {
            put_alert(transaction, alert)?;
            transaction.execute(
                "insert or replace into open_subject values (?1, ?2)",
                [&alert.subject, &alert.key],
            )?;
        }
        _ => {}
    }
    Ok(())
}

fn put_alert(connection: &Connection, alert: &Alert) -> Result<()> {
    let time_ms = alert
        .time
        .parse::<Timestamp>()
        .map(Timestamp::as_millisecond);
    connection.execute(
        "insert or replace into alert values (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            alert.key,
            time_ms.unwrap_or_default(),
            alert.kind.name(),
            alert.severity.to_string(),
            alert.subject,
            serde_json::to_string(alert)?
        ],
    )?;
    Ok(())
}

/// Adds an entry once. A digest that was not sent yet is replaced.
fn add(connection: &Connection, entry: &OutboxEntry, now: Timestamp) -> Result<()> {
    let alert = &entry.alert;
    let known: Option<(String, u32)> = connection
        .query_row(
            "select state, attempts from outbox where key = ?1 and sink = ?2",
            [&alert.key, &entry.sink],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let is_digest = matches!(alert.about, AlertSubject::Digest(_));
    match known {
        Some((state, 0)) if is_digest && state == "waiting" => return put_alert(connection, alert),
        Some(_) => return Ok(()),
        None => put_alert(connection, alert)?,
    }
    let now_ms = now.as_millisecond();
    let (state, next_try_ms, note) = match &entry.disposition {
        Disposition::Send { not_before_ms } => ("waiting", *not_before_ms, None),
        Disposition::Silenced { entry } => ("silenced", now_ms, Some(format!("entry {entry}"))),
        Disposition::Folded { digest } => ("folded", now_ms, Some(digest.clone())),
    };
    if state == "waiting" && next_try_ms <= now_ms {
        // What waited for the end of quiet hours goes before what follows it.
        connection.execute(
            "update outbox set next_try_ms = ?3 where sink = ?1 and subject = ?2 and state = \
            'waiting' and attempts = 0",
            params![entry.sink, alert.subject, now_ms],
        )?;
    }
    connection.execute(
        "insert into outbox (key, sink, subject, state, next_try_ms, created_ms, note) values (?1, \
        ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            alert.key,
            entry.sink,
            alert.subject,
            state,
            next_try_ms,
            now_ms,
            note
        ],
    )?;
    Ok(())
}

/// Alerts of a sink in the current span, and its digests.
fn storm_state(connection: &Connection, route: &AlertRoute, now: Timestamp) -> Result<StormState> {
    let since_ms = now.as_millisecond() - i64::from(route.storm.minutes) * 60_000;
    let recent: i64 = connection.query_row(
        "select count(*) from outbox o join alert a using (key) where o.created_ms > ?1 and o.sink \
        = ?2 and o.state in ('waiting', 'sent') and a.kind not in ('digest', 'test')",
        params![since_ms, route.sink],
        |row| row.get(0),
    )?;
    let [current, next] = digest_keys(route, now);
    let digest = |key: &String| -> Result<Option<(bool, Alert)>> {
        let found: Option<(String, u32, String)> = connection
            .query_row(
                "select o.state, o.attempts, a.json from outbox o join alert a using (key) where \
                o.key = ?1 and o.sink = ?2",
                [key, &route.sink],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .optional()?;
        found
            .map(|(state, attempts, json)| {
                let unsent = state == "waiting" && attempts == 0;
                Ok((unsent, serde_json::from_str(&json)?))
            })
            .transpose()
    };
    let mut storm = StormState {
        recent: usize::try_from(recent).unwrap_or(usize::MAX),
        ..StormState::default()
    };
    let mut found = digest(&current)?;
    if matches!(found, Some((false, _))) {
        storm.digest_sent = true;
        found = digest(&next)?;
    }
    if let Some((true, alert)) = found
        && let AlertSubject::Digest(counts) = alert.about
    {
        storm.waiting = Some(counts);
    }
    Ok(storm)
}

/// Removes what was settled long ago.
fn remove_old(transaction: &Transaction<'_>, now: Timestamp) -> Result<()> {
    let before_ms = now.as_millisecond() - KEPT_DAYS * 86_400_000;
    let removed = transaction.execute(
        "delete from outbox where seq in (select seq from outbox where created_ms < ?1 and state \
        in ('sent', 'silenced', 'folded') and subject not in (select subject from open_subject) \
        limit ?2)",
        [before_ms, REMOVED_AT_ONCE],
    )?;
    if removed > 0 {
        transaction.execute(
            "delete from alert where time_ms < ?1 and key not in (select key from outbox) and key \
            not in (select key from open_subject)",
            [before_ms],
        )?;
    }
    Ok(())
}

impl Outbox {
    /// Opens the outbox of a store that somebody watches or watched.
    pub(crate) fn open(store: &str) -> Result<Self> {
        let path = Path::new(store).join(FILE);
        let connection = Connection::open_with_flags(
            &path,
            rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .with_context(|| format!("cannot open {}", path.display()))?;
        connection.busy_timeout(std::time::Duration::from_millis(BUSY_MS))?;
        connection.execute_batch("pragma synchronous = full;")?;
        let version: i64 = connection.query_row("pragma user_version", [], |row| row.get(0))?;
        anyhow::ensure!(
            version == VERSION,
            "{} is of version {version}: run bartizan watch --once, which upgrades it",
            path.display()
        );
        Ok(Self { connection })
    }

    /// Entries of a sink that may be sent, oldest first. None of a subject whose earlier entry has
    /// to wait.
    pub(crate) fn due(&self, sink: &str, now_ms: i64, limit: u32) -> Result<Vec<DueEntry>> {
        let mut statement = self.connection.prepare(
            "select o.seq, o.attempts, a.json from outbox o join alert a using (key) where o.sink \
            = ?1 and o.state = 'waiting' and o.next_try_ms <= ?2 and not exists (select 1 from \
            outbox e where e.sink = o.sink and e.subject = o.subject and e.state = 'waiting' and \
            e.seq < o.seq and e.next_try_ms > ?2) order by o.seq limit ?3",
        )?;
        let rows = statement.query_map(params![sink, now_ms, limit], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, u32>(1)?,
                row.get::<_, String>(2)?,
            ))
        })?;
        rows.map(|row| {
            let (seq, attempts, json) = row?;
            Ok(DueEntry {
                seq,
                attempts,
                alert: serde_json::from_str(&json).context("an alert in state.sqlite")?,
            })
        })
        .collect()
    }

    /// Time of the next entry of a sink, in milliseconds since 1970.
    pub(crate) fn next_due_ms(&self, sink: &str) -> Result<Option<i64>> {
        Ok(self.connection.query_row(
            "select min(next_try_ms) from outbox where sink = ?1 and state = 'waiting'",
            [sink],
            |row| row.get(0),
        )?)
    }

    /// The sink has it.
    pub(crate) fn sent(&self, seq: i64, now_ms: i64) -> Result<()> {
        self.connection.execute(
            "update outbox set state = 'sent', attempts = attempts + 1, sent_ms = ?2, note = null \
            where seq = ?1",
            [seq, now_ms],
        )?;
        Ok(())
    }

    /// It was tried and has to wait.
    pub(crate) fn failed(&self, seq: i64, next_try_ms: i64, note: &str) -> Result<()> {
        self.connection.execute(
            "update outbox set attempts = attempts + 1, next_try_ms = ?2, note = ?3 where seq = ?1",
            params![seq, next_try_ms, note],
        )?;
        Ok(())
    }

    /// The sink does not take it.
    pub(crate) fn dead(&self, seq: i64, note: &str) -> Result<()> {
        self.connection.execute(
            "update outbox set state = 'dead', attempts = attempts + 1, note = ?2 where seq = ?1",
            params![seq, note],
        )?;
        Ok(())
    }

    /// Gives up what has waited since before a time. Gives the number.
    pub(crate) fn expire(&self, sink: &str, before_ms: i64) -> Result<usize> {
        Ok(self.connection.execute(
            "update outbox set state = 'dead', note = 'older than max_age_hours' || case when note \
            is null then '' else ': ' || note end where sink = ?1 and state = 'waiting' and \
            created_ms < ?2",
            params![sink, before_ms],
        )?)
    }

    /// Adds repetitions for subjects that are still open.
    pub(crate) fn repeat(&mut self, route: &AlertRoute, now: Timestamp) -> Result<usize> {
        if route.repeat_hours == 0 {
            return Ok(0);
        }
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let silences = silences(&transaction)?;
        let mut added = 0;
        for (last, told_ms, repeats) in open_subjects(&transaction, &route.sink)? {
            let told = Timestamp::from_millisecond(told_ms).unwrap_or(now);
            let entry = still_open(route, &last, (told, repeats + 1), &silences, now);
            if let Some(entry) = entry {
                add(&transaction, &entry, now)?;
                added += 1;
            }
        }
        transaction.commit()?;
        Ok(added)
    }

    /// What waits and what was done, for each sink of `sinks` and of the outbox.
    pub(crate) fn backlog(&self, sinks: &[String], now_ms: i64) -> Result<Vec<SinkBacklog>> {
        let mut statement = self.connection.prepare(
            "select sink, state, count(*), min(created_ms) from outbox group by sink, state",
        )?;
        let mut all: std::collections::BTreeMap<String, SinkBacklog> = sinks
            .iter()
            .map(|name| (name.clone(), SinkBacklog::of(name)))
            .collect();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (sink, state): (String, String) = (row.get(0)?, row.get(1)?);
            let count = u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0);
            let oldest_ms: i64 = row.get(3)?;
            let one = all
                .entry(sink.clone())
                .or_insert_with(|| SinkBacklog::of(&sink));
            match state.as_str() {
                "waiting" => {
                    one.waiting = count;
                    one.oldest_s = Some((now_ms - oldest_ms).max(0) / 1000);
                }
                "sent" => one.sent = count,
                "dead" => one.dead = count,
                "silenced" => one.silenced = count,
                _ => one.folded = count,
            }
        }
        Ok(all.into_values().collect())
    }

    /// Entries, newest first.
    pub(crate) fn list(&self, filter: &EntryFilter<'_>) -> Result<Vec<ListedEntry>> {
        let mut statement = self.connection.prepare(
            "select o.key, o.sink, o.state, a.json, o.created_ms, o.sent_ms, o.attempts, \
            o.next_try_ms, o.note from outbox o join alert a using (key) where (?1 is null or \
            o.sink = ?1) and (?2 is null or o.state = ?2) and (?3 is null or (o.state = 'folded' \
            and o.note = ?3)) order by o.seq desc limit ?4",
        )?;
        let time = |ms: i64| {
            Timestamp::from_millisecond(ms)
                .map(|t| format!("{t:.3}"))
                .unwrap_or_default()
        };
        let mut rows = statement.query(params![
            filter.sink,
            filter.state,
            filter.digest,
            filter.limit
        ])?;
        let mut listed = Vec::new();
        while let Some(row) = rows.next()? {
            let json: String = row.get(3)?;
            let alert: Alert = serde_json::from_str(&json).context("an alert in state.sqlite")?;
            let state: String = row.get(2)?;
            let next_try: i64 = row.get(7)?;
            listed.push(ListedEntry {
                key: row.get(0)?,
                sink: row.get(1)?,
                kind: alert.kind.to_string(),
                severity: alert.severity.to_string(),
                subject: alert.subject.clone(),
                created: time(row.get(4)?),
                sent: row.get::<_, Option<i64>>(5)?.map(time),
                attempts: row.get(6)?,
                next_try: (state == "waiting").then(|| time(next_try)),
                state,
                note: row.get(8)?,
                title: bartizan_alert::wording(&alert).title,
            });
        }
        Ok(listed)
    }

    /// Makes dead entries wait again, of one sink or of one key. Gives the number.
    pub(crate) fn redrive(
        &self,
        sink: Option<&str>,
        key: Option<&str>,
        now_ms: i64,
    ) -> Result<usize> {
        Ok(self.connection.execute(
            "update outbox set state = 'waiting', attempts = 0, next_try_ms = ?3, created_ms = ?3, \
            note = null where state = 'dead' and (?1 is null or sink = ?1) and (?2 is null or key \
            = ?2)",
            params![sink, key, now_ms],
        )?)
    }

    /// Holds a silence from now on. The next watch reads all of them from the evidence log.
    pub(crate) fn silence(&self, entry: u64, silence: &AlertSilence) -> Result<()> {
        self.connection.execute(
            "insert or replace into silence values (?1, ?2)",
            params![entry as i64, serde_json::to_string(silence)?],
        )?;
        Ok(())
    }

    /// Ends a silence from now on.
    pub(crate) fn end_silence(&self, entry: u64) -> Result<()> {
        self.connection
            .execute("delete from silence where entry = ?1", [entry as i64])?;
        Ok(())
    }
}

impl SinkBacklog {
    fn of(sink: &str) -> Self {
        Self {
            sink: sink.to_owned(),
            waiting: 0,
            oldest_s: None,
            sent: 0,
            dead: 0,
            silenced: 0,
            folded: 0,
        }
    }
}

fn silences(connection: &Connection) -> Result<Vec<(u64, AlertSilence)>> {
    let mut statement = connection.prepare("select entry, json from silence")?;
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    })?;
    rows.map(|row| {
        let (entry, json) = row?;
        Ok((entry.unsigned_abs(), serde_json::from_str(&json)?))
    })
    .collect()
}

/// Open subjects with their latest alert, when the sink was last told, and how often it was told
/// again. What waits counts as told.
fn open_subjects(connection: &Connection, sink: &str) -> Result<Vec<(Alert, i64, u64)>> {
    let mut statement = connection.prepare(
        "select a.json, a.time_ms, (select max(coalesce(o.sent_ms, o.created_ms)) from outbox o \
        where o.sink = ?1 and o.subject = s.subject and o.state in ('waiting', 'sent')), (select \
        count(*) from outbox o join alert r using (key) where o.sink = ?1 and o.subject = \
        s.subject and r.kind = 'still-open') from open_subject s join alert a using (key)",
    )?;
    let mut rows = statement.query([sink])?;
    let mut open = Vec::new();
    while let Some(row) = rows.next()? {
        let alert: Alert = serde_json::from_str(&row.get::<_, String>(0)?)?;
        let raised_ms: i64 = row.get(1)?;
        let told_ms = row.get::<_, Option<i64>>(2)?.unwrap_or(raised_ms);
        let repeats = u64::try_from(row.get::<_, i64>(3)?).unwrap_or(0);
        open.push((alert, told_ms, repeats));
    }
    Ok(open)
}
