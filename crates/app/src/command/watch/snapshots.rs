//! Snapshots that a watch takes: of accounts that are read live, and of new dumps.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use bartizan_evidence::{LoggedSnapshot, Storage};
use bartizan_inventory::fact::Hash;
use bartizan_inventory::snapshot::{Collection, RecordedSnapshot, refreshed};
use bartizan_model::limits::CALLS_IN_FLIGHT;
use jiff::Timestamp;

use super::config::{AccountSource, Config};
use super::inputs::history;
use crate::cli::{Global, SnapshotArgs};
use crate::collect::{CollectedSnapshot, PartOfAccount, collect_accounts, collect_part};
use crate::import::{call_table, imported};
use crate::render;
use crate::store::{self, Loaded};

/// Dumps that were looked at, with the time of their newest file.
#[derive(Debug, Default)]
pub(super) struct DumpLooks(HashMap<PathBuf, Option<Timestamp>>);

/// Seconds for which no file of a dump may have been written before it is imported: it may still be
/// copied.
const SETTLED_S: i64 = 2;

/// Takes the snapshots that are new. A dump that is in the log already is not taken again.
pub(super) fn take_snapshots(
    global: &Global,
    config: &Config,
    storage: &dyn Storage,
) -> Result<()> {
    for source in &config.account {
        match &source.from {
            Some(folder) => {
                for (dump, time) in dumps(folder)? {
                    import(global, source, (&dump, time), storage)?;
                }
            }
            None => take_live(global, source, storage)?,
        }
    }
    Ok(())
}

/// Imports the dumps of a folder that are new or changed since the last look.
pub(super) fn import_new(
    global: &Global,
    source: &AccountSource,
    folder: &Path,
    storage: &dyn Storage,
    looks: &mut DumpLooks,
) -> Result<()> {
    for (dump, time) in dumps(folder)? {
        let written = newest(&dump)?;
        if looks.0.get(&dump) == Some(&written) {
            continue;
        }
        let age_s = written.map(|w| Timestamp::now().as_second() - w.as_second());
        if age_s.is_some_and(|s| (0..SETTLED_S).contains(&s)) {
            continue;
        }
        looks.0.insert(dump.clone(), written);
        import(global, source, (&dump, time), storage)?;
    }
    Ok(())
}

/// Reads an account, or those of an organization, and appends the snapshots.
pub(super) fn take_live(
    global: &Global,
    source: &AccountSource,
    storage: &dyn Storage,
) -> Result<()> {
    let mut keep = |batch: CollectedSnapshot| -> Result<()> {
        batch
            .notes
            .iter()
            .for_each(|note| render::note(global, note));
        batch.gaps.iter().for_each(|(account, reason)| {
            render::note(
                global,
                &format!("account {}: {reason}", account.as_deref().unwrap_or("?")),
            );
        });
        let recorded: Vec<RecordedSnapshot> = batch
            .collections
            .into_iter()
            .map(Collection::record)
            .collect();
        store::append(global, storage, &recorded, &batch.gaps, Timestamp::now()).map(drop)
    };
    collect_accounts(global, &live(source), &mut keep)
}

/// Reads a part of an account again, and appends the snapshot that it gives with the last one.
/// Returns false if this source does not read the account, or has not read it whole yet.
pub(super) fn take_part(
    global: &Global,
    source: &AccountSource,
    storage: &Arc<dyn Storage>,
    part: &PartOfAccount,
) -> Result<bool> {
    let Some(collection) = collect_part(global, &live(source), part)? else {
        return Ok(false);
    };
    let history = Arc::new(history(storage.as_ref())?);
    let of_account = |k: &&LoggedSnapshot| k.snapshot.account == part.account;
    let Some(last) = history.iter().rev().find(of_account) else {
        return Ok(false);
    };
    let whole = Loaded::kept(storage, &history, last)?;
    let recorded = refreshed(&whole.text, &whole.side, &collection.record())
        .map_err(|e| anyhow::anyhow!("snapshot {}: {e}", last.index))?;
    store::append(global, storage.as_ref(), &[recorded], &[], Timestamp::now())?;
    Ok(true)
}

/// The arguments of `bartizan snapshot` that mean the same.
fn live(source: &AccountSource) -> SnapshotArgs {
    SnapshotArgs {
        profile: source.profile.clone(),
        role_arn: source.role_arn.iter().cloned().collect(),
        external_id: source.external_id.clone(),
        org: source.org.clone(),
        regions: source.regions.clone(),
        from: None,
        time: None,
        max_rps: None,
        in_flight: CALLS_IN_FLIGHT,
        calls: Vec::new(),
        require_complete: false,
    }
}

/// Imports a dump, unless the log has its snapshots already.
fn import(
    global: &Global,
    source: &AccountSource,
    (dump, time): (&Path, Timestamp),
    storage: &dyn Storage,
) -> Result<()> {
    let (model, table) = call_table(&[])?;
    let (collections, notes) = imported(&model, &table, dump, time, &source.regions, || {
        store::kinds_to_keep(global)
    })
    .with_context(|| format!("could not import {}", dump.display()))?;
    notes
        .iter()
        .for_each(|note| render::note(global, &format!("{}: {note}", dump.display())));
    let known = history(storage)?;
    let recorded: Vec<RecordedSnapshot> = collections.into_iter().map(Collection::record).collect();
    let new: Vec<RecordedSnapshot> = recorded
        .into_iter()
        .filter(|r| {
            !known
                .iter()
                .any(|k| k.snapshot.facts.sha256 == Hash::of(r.text.as_bytes()).to_string())
        })
        .collect();
    if !new.is_empty() {
        store::append(global, storage, &new, &[], time)?;
    }
    Ok(())
}

/// The dumps of a folder, oldest first: folders named by a time, or the folder itself.
fn dumps(folder: &Path) -> Result<Vec<(PathBuf, Timestamp)>> {
    let mut found = Vec::new();
    for entry in
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        let time = path
            .file_name()
            .and_then(|n| dump_time(&n.to_string_lossy()));
        found.extend(time.map(|time| (path, time)));
    }
    found.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    if found.is_empty() {
        // Without a name that tells, the newest file tells when the dump was made.
        let newest = newest(folder)?.unwrap_or(Timestamp::UNIX_EPOCH);
        found.push((folder.to_owned(), newest));
    }
    Ok(found)
}

fn newest(folder: &Path) -> Result<Option<Timestamp>> {
    let mut newest = None;
    for entry in
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let entry = entry?;
        let time = if entry.file_type()?.is_dir() {
            self::newest(&entry.path())?
        } else {
            entry
                .metadata()?
                .modified()
                .ok()
                .and_then(|t| Timestamp::try_from(t).ok())
        };
        newest = newest.max(time);
    }
    Ok(newest)
}

/// `20260310T000000Z`, or RFC 3339.
fn dump_time(name: &str) -> Option<Timestamp> {
    if let Ok(time) = name.parse() {
        return Some(time);
    }
    let (date, time) = name.strip_suffix('Z')?.split_once('T')?;
    let plain = date.len() == 8
        && time.len() == 6
        && (date.to_owned() + time).bytes().all(|b| b.is_ascii_digit());
    if !plain {
        return None;
    }
    format!(
        "{}-{}-{}T{}:{}:{}Z",
        &date[..4],
        &date[4..6],
        &date[6..],
        &time[..2],
        &time[2..4],
        &time[4..]
    )
    .parse()
    .ok()
}
