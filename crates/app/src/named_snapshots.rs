//! Snapshots that arguments name: an id, a `.facts` file, a folder of AWS CLI output, or none for
//! the last ones of the store.

use std::collections::BTreeMap;
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

/// Pairs of snapshots of one account each, with those of other accounts at both times.
pub(crate) struct PairedSnapshots {
    pub(crate) pairs: Vec<(Loaded, Loaded)>,
    /// Other accounts, before.
    beside_before: Vec<Loaded>,
    /// Other accounts, after.
    beside_after: Vec<Loaded>,
}

impl PairedSnapshots {
    /// All that is known of the time before.
    pub(crate) fn before(&self) -> impl Iterator<Item = &Loaded> {
        let pairs = self.pairs.iter().map(|(before, _)| before);
        pairs.chain(&self.beside_before)
    }

    /// All that is known of the time after.
    pub(crate) fn after(&self) -> impl Iterator<Item = &Loaded> {
        let pairs = self.pairs.iter().map(|(_, after)| after);
        pairs.chain(&self.beside_after)
    }
}

/// The two snapshots that are named; without names the last two of each account.
pub(crate) fn pairs(
    global: &Global,
    before: Option<&str>,
    after: Option<&str>,
) -> Result<PairedSnapshots> {
    match (before, after) {
        (Some(before), Some(after)) => {
            let mut paired = pair(named(global, Some(before))?, named(global, Some(after))?)?;
            paired.beside_before.extend(beside(global, before)?);
            paired.beside_after.extend(beside(global, after)?);
            Ok(paired)
        }
        _ => last_two(global),
    }
}

/// Snapshots of the other accounts of the store at the time of one that is named by its id.
fn beside(global: &Global, name: &str) -> Result<Vec<Loaded>> {
    let Some(id) = name
        .parse::<u64>()
        .ok()
        .filter(|_| !Path::new(name).exists())
    else {
        return Ok(Vec::new());
    };
    let (storage, history) = history(global)?;
    let at = history.iter().find(|kept| kept.index == id);
    let own = at.map(|kept| kept.snapshot.account.as_str());
    standing_at(&history, id)
        .into_iter()
        .filter(|kept| Some(kept.snapshot.account.as_str()) != own)
        .map(|kept| Loaded::kept(&storage, &history, kept))
        .collect()
}

/// The snapshot of each account that stood when one was taken: the last until then, or else the
/// first of all.
pub(crate) fn standing_at(history: &[LoggedSnapshot], id: u64) -> Vec<&LoggedSnapshot> {
    let mut standing: BTreeMap<&str, &LoggedSnapshot> = BTreeMap::new();
    for kept in history {
        let held = standing
            .entry(kept.snapshot.account.as_str())
            .or_insert(kept);
        if kept.index <= id {
            *held = kept;
        }
    }
    standing.into_values().collect()
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
    .context("could not read the account")?;
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

fn last_two(global: &Global) -> Result<PairedSnapshots> {
    let (storage, history) = history(global)?;
    let mut accounts: Vec<&str> = history
        .iter()
        .map(|k| k.snapshot.account.as_str())
        .collect();
    accounts.sort_unstable();
    accounts.dedup();
    let (mut pairs, mut beside) = (Vec::new(), (Vec::new(), Vec::new()));
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
            for kept in own {
                beside.0.push(Loaded::kept(&storage, &history, kept)?);
                beside.1.push(Loaded::kept(&storage, &history, kept)?);
            }
        }
    }
    if pairs.is_empty() {
        bail!(
            "no account has two snapshots in {} yet: take another with bartizan snapshot",
            storage.place()
        );
    }
    Ok(PairedSnapshots {
        pairs,
        beside_before: beside.0,
        beside_after: beside.1,
    })
}

/// Snapshots of one account on both sides.
fn pair(before: Vec<Loaded>, after: Vec<Loaded>) -> Result<PairedSnapshots> {
    let account = |l: &Loaded| {
        l.text
            .lines()
            .find_map(|line| line.strip_prefix("# account\t"))
            .unwrap_or("")
            .to_owned()
    };
    let mut after = after;
    let (mut pairs, mut gone) = (Vec::new(), Vec::new());
    for old in before {
        match after.iter().position(|new| account(new) == account(&old)) {
            Some(at) => pairs.push((old, after.remove(at))),
            None => gone.push(old),
        }
    }
    if pairs.is_empty() {
        bail!("the two are of different accounts: there is nothing to compare");
    }
    Ok(PairedSnapshots {
        pairs,
        beside_before: gone,
        beside_after: after,
    })
}
