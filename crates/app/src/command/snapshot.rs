//! `bartizan snapshot`.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use bartizan_evidence::Storage;
use bartizan_inventory::snapshot::{CallStatus, Collection, RecordedSnapshot};
use jiff::Timestamp;
use serde_json::json;

use crate::cli::{Format, Global, SnapshotArgs};
use crate::collect::{CollectedSnapshot, collect_accounts};
use crate::outcome::Outcome;
use crate::render::{self, Out};
use crate::store;

pub(super) fn run(global: &Global, args: &SnapshotArgs) -> Result<Outcome> {
    let storage = store::open(global)?;
    let mut taken = 0;
    let mut complete = true;
    collect_accounts(global, args, &mut |batch| {
        complete &= batch.is_complete();
        taken += batch.collections.len();
        store_and_print(
            global,
            storage.as_ref(),
            batch,
            args.time.unwrap_or_else(Timestamp::now),
        )
    })?;
    if taken == 0 {
        bail!("no account could be read; the gap is in the log");
    }
    Ok(if args.require_complete && !complete {
        Outcome::Incomplete
    } else {
        Outcome::Done
    })
}

fn store_and_print(
    global: &Global,
    storage: &dyn Storage,
    batch: CollectedSnapshot,
    now: Timestamp,
) -> Result<()> {
    let summaries: Vec<Summary> = batch.collections.iter().map(Summary::of).collect();
    let recorded: Vec<RecordedSnapshot> = batch
        .collections
        .into_iter()
        .map(Collection::record)
        .collect();
    let ids = store::append(global, storage, &recorded, &batch.gaps, now)?;
    let counts: Vec<usize> = recorded.iter().map(|r| r.side.lines().count()).collect();
    print(global, &ids, &summaries, &counts, &batch.gaps, &batch.notes)?;
    batch
        .notes
        .iter()
        .for_each(|note| render::note(global, note));
    Ok(())
}

/// Counts of a snapshot, printed when it is taken.
struct Summary {
    account: String,
    ok: usize,
    total: usize,
    /// Status word and calls.
    not_ok: Vec<(CallStatus, Vec<String>)>,
    regions_off: Vec<String>,
    new_fields: usize,
}

impl Summary {
    fn of(collection: &Collection) -> Self {
        let mut by_status: BTreeMap<CallStatus, Vec<String>> = BTreeMap::new();
        let calls = || collection.coverage.iter().filter(|r| !r.is_region_off());
        for row in calls().filter(|r| r.status != CallStatus::Ok) {
            let detail = if row.detail.is_empty() {
                String::new()
            } else {
                format!(" ({})", row.detail)
            };
            by_status
                .entry(row.status)
                .or_default()
                .push(format!("{} in {}{detail}", row.call, row.region));
        }
        Self {
            account: collection.account.clone(),
            ok: calls().filter(|r| r.status == CallStatus::Ok).count(),
            total: calls().count(),
            not_ok: by_status.into_iter().collect(),
            regions_off: collection
                .coverage
                .iter()
                .filter(|r| r.is_region_off())
                .map(|r| r.region.clone())
                .collect(),
            new_fields: collection.new_fields.len(),
        }
    }
}

fn print(
    global: &Global,
    ids: &[u64],
    summaries: &[Summary],
    counts: &[usize],
    gaps: &[(Option<String>, String)],
    notes: &[String],
) -> Result<()> {
    let mut out = Out::new();
    if global.format != Format::Human {
        let one = |((id, s), count): ((&u64, &Summary), &usize)| {
            let not_ok: serde_json::Map<String, serde_json::Value> = s
                .not_ok
                .iter()
                .map(|(status, calls)| (status.to_string(), json!(calls)))
                .collect();
            let coverage = json!({
                "ok": s.ok,
                "total": s.total,
                "not_ok": not_ok,
                "regions_off": s.regions_off,
            });
            json!({
                "snapshot": id,
                "account": s.account,
                "facts": count,
                "coverage": coverage,
                "new_fields": s.new_fields,
                "notes": notes,
            })
        };
        let rows: Vec<_> = ids.iter().zip(summaries).zip(counts).map(one).collect();
        let gaps: Vec<_> = gaps
            .iter()
            .map(|(account, reason)| json!({"gap": true, "account": account, "reason": reason}))
            .collect();
        return out.json(global.format, rows.into_iter().chain(gaps).collect());
    }
    for ((id, s), count) in ids.iter().zip(summaries).zip(counts) {
        print_summary(&mut out, global, (*id, *count), s)?;
    }
    for (account, reason) in gaps {
        out.line(&format!(
            "gap  account {}  {reason}",
            account.as_deref().unwrap_or("?")
        ))?;
    }
    Ok(())
}

fn print_summary(
    out: &mut Out,
    global: &Global,
    (id, count): (u64, usize),
    s: &Summary,
) -> Result<()> {
    out.line(&format!(
        "snapshot {id}  account {}  {count} facts  {} of {} calls read",
        s.account, s.ok, s.total
    ))?;
    for (status, calls) in &s.not_ok {
        if global.verbose {
            out.line(&format!("  {status:<12} {} calls", calls.len()))?;
            calls
                .iter()
                .try_for_each(|call| out.line(&format!("    {call}")))?;
        } else {
            let more = if calls.len() > 2 { ", …" } else { "" };
            let shown = calls
                .iter()
                .take(2)
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ");
            out.line(&format!(
                "  {status:<12} {:>3} calls: {shown}{more}",
                calls.len()
            ))?;
        }
    }
    if !s.regions_off.is_empty() {
        out.line(&format!(
            "  regions off  {}: {}",
            s.regions_off.len(),
            s.regions_off.join(", ")
        ))?;
    }
    if s.new_fields > 0 {
        out.line(&format!(
            "  {} fields that this build does not know; kept",
            s.new_fields
        ))?;
    }
    Ok(())
}
