//! Snapshots that arguments name: an id, a `.facts` file, a folder of AWS CLI output, or none for
//! the last ones of the store.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use bartizan_evidence::{LoggedSnapshot, Storage};
use bartizan_inventory::snapshot::Collection;
use jiff::Timestamp;

use crate::cli::Global;
use crate::import::{call_table, imported};
use crate::render;
use crate::store::{self, Loaded};

/// The two snapshots that are named; without names the last two of each account.
pub(crate) fn pairs(
    global: &Global,
    before: Option<&str>,
    after: Option<&str>,
) -> Result<Vec<(Loaded, Loaded)>> {
    match (before, after) {
        (Some(before), Some(after)) => {
            pair(named(global, Some(before))?, named(global, Some(after))?)
        }
        _ => last_two(global),
    }
}

/// The snapshots that an argument names; without one, the last of each account.
pub(crate) fn named(global: &Global, name: Option<&str>) -> Result<Vec<Loaded>> {
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
    let (model, table) = call_table(&[])?;
    let (collections, notes) = imported(&model, &table, path, Timestamp::UNIX_EPOCH, &[], || {
        Ok(store::kinds_to_compare(global))
    })
    .with_context(|| format!("could not read {name}"))?;
    for note in notes {
        render::note(global, &note);
    }
    let many = collections.len() > 1;
    let loaded = |c: Collection| {
        let shown = if many {
            format!("{name} ({})", c.account)
        } else {
            name.to_owned()
        };
        Loaded::recorded(shown, c.record())
    };
    Ok(collections.into_iter().map(loaded).collect())
}

/// The snapshots that an argument names, each with the one of its account before it, where the store
/// has one.
pub(crate) fn with_before(
    global: &Global,
    name: Option<&str>,
) -> Result<Vec<(Loaded, Option<Loaded>)>> {
    let named = named(global, name)?;
    if named.iter().all(|loaded| loaded.id.is_none()) {
        return Ok(named.into_iter().map(|loaded| (loaded, None)).collect());
    }
    let (storage, history) = history(global)?;
    let before = |loaded: &Loaded| {
        let own = history.iter().find(|k| Some(k.index) == loaded.id)?;
        let mut earlier = history.iter().rev().filter(|k| k.index < own.index);
        earlier.find(|k| k.snapshot.account == own.snapshot.account)
    };
    named
        .into_iter()
        .map(|loaded| {
            let before = before(&loaded).map(|k| Loaded::kept(&storage, &history, k));
            Ok((loaded, before.transpose()?))
        })
        .collect()
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
