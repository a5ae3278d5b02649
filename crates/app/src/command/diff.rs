//! `bartizan diff`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use bartizan_evidence::{LoggedSnapshot, Storage};
use bartizan_iam::Actions;
use bartizan_inventory::diff::{SnapshotDiff, SnapshotVersion, diff};
use bartizan_inventory::fact::FactKinds;
use bartizan_inventory::snapshot::{Snapshot, side_lines};
use jiff::Timestamp;

use super::{Outcome, access, snapshot::imported, table};
use crate::cli::{DiffArgs, Format, Global};
use crate::render::{self, Out, SnapshotPair};
use crate::store::{self, Loaded};

pub(super) fn run(global: &Global, args: &DiffArgs) -> Result<Outcome> {
    let pairs = pairs(global, args.before.as_deref(), args.after.as_deref())?;
    let mut out = Out::new();
    let mut outcome = Outcome::Done;
    let mut rows = Vec::new();
    for (before, after) in &pairs {
        let mut difference = between(before, after)?;
        if let Some(fact) = &args.fact {
            let (kind, id) = fact
                .split_once(' ')
                .context("--fact wants a kind and an id, such as 'iam:role admin'")?;
            difference.changes.retain(|c| c.kind == kind && c.id == id);
            if difference.changes.is_empty() {
                bail!(
                    "{kind} {id} did not change between {} and {}",
                    before.name,
                    after.name
                );
            }
        }
        if difference
            .changes
            .iter()
            .any(|c| args.fail_on.is_some_and(|at| c.severity >= at))
        {
            outcome = Outcome::Findings;
        } else if outcome == Outcome::Done
            && args.require_complete
            && (difference.coverage.ok < difference.coverage.total
                || !difference.unknown.is_empty())
        {
            outcome = Outcome::Incomplete;
        }
        let shown = SnapshotPair::new(global, before, after)?;
        // What it means for who can do what: only where something that grants changed.
        let grants = difference.changes.iter().any(|c| access::wanted(&c.kind));
        let access = if grants && args.fact.is_none() {
            Some(access::diff::changed(before, after, Actions::builtin())?)
        } else {
            None
        };
        match global.format {
            Format::Human => {
                let lines = access
                    .as_ref()
                    .map(access::diff::AccountChange::lines)
                    .unwrap_or_default();
                render::diff(&mut out, &shown, &difference, &lines, args.fact.is_some())?;
            }
            _ => {
                let access = access.as_ref().map(access::diff::AccountChange::value);
                match global.format {
                    Format::Ndjson => rows.extend(render::diff_rows(&shown, &difference, access)?),
                    _ => rows.push(render::diff_json(&shown, &difference, access)?),
                }
            }
        }
    }
    if global.format != Format::Human {
        out.json(global.format, rows)?;
    }
    Ok(outcome)
}

/// The two snapshots that are named; without names the last two of each account.
pub(super) fn pairs(
    global: &Global,
    before: Option<&str>,
    after: Option<&str>,
) -> Result<Vec<(Loaded, Loaded)>> {
    match (before, after) {
        (Some(before), Some(after)) => {
            pair(inputs(global, Some(before))?, inputs(global, Some(after))?)
        }
        _ => last_two(global),
    }
}

fn between(before: &Loaded, after: &Loaded) -> Result<SnapshotDiff> {
    let old = Snapshot::parse(&before.text).map_err(|e| anyhow::anyhow!("{}: {e}", before.name))?;
    let new = Snapshot::parse(&after.text).map_err(|e| anyhow::anyhow!("{}: {e}", after.name))?;
    Ok(diff(
        &FactKinds::builtin(),
        &SnapshotVersion {
            snapshot: &old,
            side: side_lines(&before.side).collect(),
            documents: &before.documents,
        },
        &SnapshotVersion {
            snapshot: &new,
            side: side_lines(&after.side).collect(),
            documents: &after.documents,
        },
    ))
}

/// The snapshots that an argument names; without one, the last of each account.
pub(super) fn inputs(global: &Global, name: Option<&str>) -> Result<Vec<Loaded>> {
    let Some(name) = name else {
        let (storage, history) = history(global)?;
        let mut last: Vec<&LoggedSnapshot> = Vec::new();
        for kept in history.iter().rev() {
            if !last
                .iter()
                .any(|k| k.snapshot.account == kept.snapshot.account)
            {
                last.push(kept);
            }
        }
        last.reverse();
        return last
            .into_iter()
            .map(|kept| Loaded::kept(&storage, &history, kept))
            .collect();
    };
    let path = Path::new(name);
    path.try_exists()
        .with_context(|| format!("cannot read {name}"))?;
    if let Ok(id) = name.parse::<u64>()
        && !path.exists()
    {
        let (storage, history) = history(global)?;
        let kept = history.iter().find(|k| k.index == id).with_context(|| {
            let ids: Vec<String> = history
                .iter()
                .rev()
                .take(10)
                .map(|k| k.index.to_string())
                .collect();
            format!(
                "there is no snapshot {id} in {}; the last ones are {}",
                storage.place(),
                ids.join(", ")
            )
        })?;
        return Ok(vec![Loaded::kept(&storage, &history, kept)?]);
    }
    if !path.exists() {
        bail!("{name:?} is neither a snapshot id nor a path");
    }
    if name.ends_with(".facts") {
        return Ok(vec![Loaded::facts_file(path)?]);
    }
    let (model, table) = table(&[])?;
    let (collections, notes) = imported(&model, &table, path, Timestamp::UNIX_EPOCH, &[], || {
        Ok(store::kinds_to_compare(global))
    })
    .with_context(|| format!("could not read {name}"))?;
    for note in notes {
        render::note(global, &note);
    }
    let many = collections.len() > 1;
    let loaded = |c: bartizan_inventory::snapshot::Collection| {
        let shown = if many {
            format!("{name} ({})", c.account)
        } else {
            name.to_owned()
        };
        Loaded::recorded(shown, c.record())
    };
    Ok(collections.into_iter().map(loaded).collect())
}

type History = (Arc<dyn Storage>, Arc<Vec<LoggedSnapshot>>);

fn history(global: &Global) -> Result<History> {
    let storage: Arc<dyn Storage> = Arc::from(store::open(global)?);
    let history = bartizan_evidence::snapshots(&store::log(storage.as_ref())?)?;
    Ok((storage, Arc::new(history)))
}

fn last_two(global: &Global) -> Result<Vec<(Loaded, Loaded)>> {
    let (storage, history) = history(global)?;
    let mut accounts: Vec<&str> = history
        .iter()
        .map(|k| k.snapshot.account.as_str())
        .collect();
    accounts.sort_unstable();
    accounts.dedup();
    let mut pairs = Vec::new();
    for account in accounts {
        let own: Vec<&LoggedSnapshot> = history
            .iter()
            .filter(|k| k.snapshot.account == account)
            .collect();
        if let [.., before, after] = own.as_slice() {
            pairs.push((
                Loaded::kept(&storage, &history, before)?,
                Loaded::kept(&storage, &history, after)?,
            ));
        } else {
            render::note(
                global,
                &format!("account {account} has one snapshot only: nothing to compare it with yet"),
            );
        }
    }
    if pairs.is_empty() {
        bail!(
            "no account has two snapshots in {} yet: take another with bartizan snapshot",
            storage.place()
        );
    }
    Ok(pairs)
}

/// Snapshots of one account on both sides.
fn pair(before: Vec<Loaded>, after: Vec<Loaded>) -> Result<Vec<(Loaded, Loaded)>> {
    let account = |l: &Loaded| {
        l.text
            .lines()
            .find_map(|line| line.strip_prefix("# account\t"))
            .unwrap_or("")
            .to_owned()
    };
    let mut after = after;
    let mut pairs = Vec::new();
    for old in before {
        if let Some(at) = after.iter().position(|new| account(new) == account(&old)) {
            pairs.push((old, after.remove(at)));
        }
    }
    if pairs.is_empty() {
        bail!("the two are of different accounts: there is nothing to compare");
    }
    Ok(pairs)
}
