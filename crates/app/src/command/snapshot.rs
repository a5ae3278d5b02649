//! `bartizan snapshot`.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use bartizan_cloud::collect::{CollectionPlan, Progress, collect};
use bartizan_cloud::dump::{Dump, REGION_UNKNOWN};
use bartizan_cloud::live::{ConnectError, Identity, Live};
use bartizan_cloud::model::Model;
use bartizan_cloud::table::CallTable;
use bartizan_evidence::Storage;
use bartizan_inventory::fact::FactKinds;
use bartizan_inventory::snapshot::{CallStatus, Collection, RecordedSnapshot};
use bartizan_model::limits::{ACCOUNTS_AT_ONCE, ACCOUNTS_PER_COMMIT};
use futures::StreamExt;
use jiff::Timestamp;
use serde_json::json;

use super::{Outcome, TOOL, runtime, table};
use crate::cli::{Format, Global, SnapshotArgs};
use crate::render::{self, Bar, Out};
use crate::store;

pub(super) fn run(global: &Global, args: &SnapshotArgs) -> Result<Outcome> {
    let storage = store::open(global)?;
    let mut taken = 0;
    let mut complete = true;
    take(global, args, &mut |brought| {
        complete &= brought.is_complete();
        taken += brought.collections.len();
        store_and_print(
            global,
            storage.as_ref(),
            brought,
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

/// Reads the accounts, a few at a time, and hands over what was brought home.
pub(super) fn take(
    global: &Global,
    args: &SnapshotArgs,
    keep: &mut dyn FnMut(CollectedSnapshot) -> Result<()>,
) -> Result<()> {
    let (model, table) = table(&args.calls)?;
    known_regions(&model, &args.regions)?;
    match &args.from {
        Some(path) => keep(import(global, &model, &table, args, path)?)?,
        None => {
            let runtime = runtime()?;
            let bar = Bar::new(global);
            let targets = runtime.block_on(targets(&model, args))?;
            for (n, some) in targets.chunks(ACCOUNTS_PER_COMMIT).enumerate() {
                let reached = runtime.block_on(stoppable(connect(&model, args, some)))?;
                // Not before an account answers: a run without credentials leaves no empty store
                // behind.
                let kinds = match reached.iter().any(Result::is_ok) {
                    true => store::kinds_to_keep(global)?,
                    false => FactKinds::builtin(),
                };
                let work = read(
                    global,
                    &model,
                    &table,
                    args,
                    (some, reached, &kinds),
                    &bar,
                    n * ACCOUNTS_PER_COMMIT,
                );
                let brought = runtime.block_on(stoppable(work))??;
                bar.clear();
                keep(brought)?;
            }
        }
    }
    Ok(())
}

/// Does the work unless somebody presses Ctrl-C.
async fn stoppable<T>(work: impl Future<Output = T>) -> Result<T> {
    tokio::select! {
        done = work => Ok(done),
        _ = tokio::signal::ctrl_c() => bail!("stopped; what was being read was not stored"),
    }
}

/// Reaches some accounts, a few at once.
async fn connect(
    model: &Arc<Model>,
    args: &SnapshotArgs,
    targets: &[AccountTarget],
) -> Vec<Result<Live, ConnectError>> {
    let work = targets.iter().map(|target| async move {
        let role_arn = target.role_arn.clone();
        let identity = Identity {
            profile: args.profile.clone(),
            role_arn,
            external_id: args.external_id.clone(),
        };
        Live::connect(Arc::clone(model), &identity).await
    });
    futures::stream::iter(work)
        .buffered(ACCOUNTS_AT_ONCE)
        .collect()
        .await
}

fn store_and_print(
    global: &Global,
    storage: &dyn Storage,
    brought: CollectedSnapshot,
    now: Timestamp,
) -> Result<()> {
    let summaries: Vec<Summary> = brought.collections.iter().map(Summary::of).collect();
    let recorded: Vec<RecordedSnapshot> = brought
        .collections
        .into_iter()
        .map(Collection::record)
        .collect();
    let ids = store::append(global, storage, &recorded, &brought.gaps, now)?;
    let counts: Vec<usize> = recorded.iter().map(|r| r.side.lines().count()).collect();
    print(
        global,
        &ids,
        &summaries,
        &counts,
        &brought.gaps,
        &brought.notes,
    )?;
    brought
        .notes
        .iter()
        .for_each(|note| render::note(global, note));
    Ok(())
}

/// What was brought home.
#[derive(Default)]
pub(super) struct CollectedSnapshot {
    pub(super) collections: Vec<Collection>,
    /// Accounts that should have been read and were not.
    pub(super) gaps: Vec<(Option<String>, String)>,
    /// For stderr.
    pub(super) notes: Vec<String>,
}

impl CollectedSnapshot {
    fn is_complete(&self) -> bool {
        let whole = |c: &Collection| {
            c.coverage
                .iter()
                .all(|r| r.status == CallStatus::Ok || r.is_region_off())
        };
        self.gaps.is_empty() && self.collections.iter().all(whole)
    }
}

/// Collections from a folder of answers. Also how `diff` and `flat` read one.
pub(super) fn imported(
    model: &Arc<Model>,
    table: &CallTable,
    path: &std::path::Path,
    time: Timestamp,
    regions: &[String],
    kinds: impl FnOnce() -> Result<FactKinds>,
) -> Result<(Vec<Collection>, Vec<String>)> {
    // One region named is that of answers that lie in no region's folder.
    let region = (regions.len() == 1).then(|| regions[0].as_str());
    let dump = Dump::read(model, table, path, region, time.as_millisecond())?;
    let runtime = runtime()?;
    let kinds = kinds()?;
    let mut collections = Vec::new();
    let mut notes: Vec<String> = dump
        .broken
        .iter()
        .map(|b| format!("broken, so left out and open: {b}"))
        .collect();
    for (account, answers) in &dump.accounts {
        let plan = CollectionPlan {
            account,
            regions: if regions.is_empty() {
                answers.regions()
            } else {
                regions.to_vec()
            },
            regions_off: Vec::new(),
            home: "us-east-1",
            in_flight: 1,
            rps_max: None,
            tool: TOOL,
            source: "import",
        };
        if plan.regions.iter().any(|r| r == REGION_UNKNOWN) {
            notes.push(format!(
                "account {account}: some answers lie in no region's folder; their region is \
                called {REGION_UNKNOWN} (name it with --regions)"
            ));
        }
        collections.push(runtime.block_on(collect(model, &kinds, table, &plan, answers, &|_| {})));
        notes.extend(
            answers
                .unused()
                .into_iter()
                .map(|file| format!("recognised, but for no item that was listed: {file}")),
        );
    }
    notes.extend(
        dump.unrecognised
            .iter()
            .map(|file| format!("not recognised: {file}")),
    );
    Ok((collections, notes))
}

fn import(
    global: &Global,
    model: &Arc<Model>,
    table: &CallTable,
    args: &SnapshotArgs,
    path: &std::path::Path,
) -> Result<CollectedSnapshot> {
    let time = args.time.unwrap_or_else(Timestamp::now);
    let (collections, notes) = imported(model, table, path, time, &args.regions, || {
        store::kinds_to_keep(global)
    })
    .context("could not import")?;
    Ok(CollectedSnapshot {
        collections,
        gaps: Vec::new(),
        notes,
    })
}

/// Reads some accounts, a few at once. One of many that cannot be read is a gap; the only one is an
/// error.
async fn read(
    global: &Global,
    model: &Arc<Model>,
    table: &CallTable,
    args: &SnapshotArgs,
    (targets, reached, kinds): (
        &[AccountTarget],
        Vec<Result<Live, ConnectError>>,
        &FactKinds,
    ),
    bar: &Bar,
    first: usize,
) -> Result<CollectedSnapshot> {
    let only = args.org.is_none() && args.role_arn.len() <= 1;
    let work = reached.into_iter().enumerate().map(|(n, live)| async move {
        let live = live?;
        Ok::<_, ConnectError>(
            one(global, model, table, args, (&live, kinds), &|progress| {
                bar.show(first + n, progress)
            })
            .await,
        )
    });
    let mut results = futures::stream::iter(work).buffered(ACCOUNTS_AT_ONCE);
    let mut brought = CollectedSnapshot::default();
    let mut next = targets.iter();
    while let (Some(result), Some(target)) = (results.next().await, next.next()) {
        match result {
            Ok((collection, notes)) => {
                brought.collections.push(collection);
                brought.notes.extend(notes);
            }
            Err(e) if only => return Err(e).context("could not read the account"),
            Err(e) => brought.gaps.push((target.account.clone(), e.to_string())),
        }
    }
    Ok(brought)
}

async fn one(
    global: &Global,
    model: &Arc<Model>,
    table: &CallTable,
    args: &SnapshotArgs,
    (live, kinds): (&Live, &FactKinds),
    progress: &dyn Fn(Progress),
) -> (Collection, Vec<String>) {
    let mut notes = Vec::new();
    let (on, off) = match live.regions().await {
        Ok(regions) => regions,
        Err(e) => {
            notes.push(format!(
                "account {}: cannot list regions ({}); asking all that this build knows",
                live.account, e.detail
            ));
            let known = model.partition(&live.client().endpoints().partition);
            (
                known.map(|p| p.regions.clone()).unwrap_or_default(),
                Vec::new(),
            )
        }
    };
    let regions = if args.regions.is_empty() {
        on
    } else {
        args.regions.clone()
    };
    render::talk(
        global,
        &format!(
            "account {} as {}, {} regions",
            live.account,
            live.arn,
            regions.len()
        ),
    );
    let plan = CollectionPlan {
        account: &live.account,
        regions_off: off.into_iter().filter(|r| !regions.contains(r)).collect(),
        regions,
        home: live.client().endpoints().home(),
        in_flight: args.in_flight.clamp(1, 256),
        rps_max: args.max_rps.filter(|n| *n > 0.0),
        tool: TOOL,
        source: "aws",
    };
    (
        collect(model, kinds, table, &plan, live, progress).await,
        notes,
    )
}

/// An account to read.
struct AccountTarget {
    /// Twelve digits, where they are known before.
    account: Option<String>,
    /// The role to become there.
    role_arn: Option<String>,
}

async fn targets(model: &Arc<Model>, args: &SnapshotArgs) -> Result<Vec<AccountTarget>> {
    if let Some(role) = &args.org {
        let identity = Identity {
            profile: args.profile.clone(),
            ..Identity::default()
        };
        let live = Live::connect(Arc::clone(model), &identity)
            .await
            .context("could not reach the organization")?;
        let accounts = live.organization_accounts().await.map_err(|e| {
            let hint = "run it in the management account or a delegated administrator";
            anyhow::anyhow!(
                "could not list the organization's accounts: {}: {hint}",
                e.detail
            )
        })?;
        let partition = live.client().endpoints().partition.clone();
        let target = |account: String| {
            let role_arn = format!("arn:{partition}:iam::{account}:role/{role}");
            AccountTarget {
                account: Some(account),
                role_arn: Some(role_arn),
            }
        };
        return Ok(accounts.into_iter().map(target).collect());
    }
    if args.role_arn.is_empty() {
        return Ok(vec![AccountTarget {
            account: None,
            role_arn: None,
        }]);
    }
    if let Some(arn) = args
        .role_arn
        .iter()
        .find(|arn| !arn.starts_with("arn:") || !arn.contains(":role/"))
    {
        bail!("{arn:?} is not the ARN of a role: expected arn:aws:iam::ACCOUNT:role/NAME");
    }
    let target = |arn: &String| AccountTarget {
        account: arn.split(':').nth(4).map(str::to_owned),
        role_arn: Some(arn.clone()),
    };
    Ok(args.role_arn.iter().map(target).collect())
}

/// Refuses what is no region: the request would be signed for a place that is not there, and all of
/// it be denied.
fn known_regions(model: &Model, regions: &[String]) -> Result<()> {
    let mut known: Vec<&str> = model
        .partitions()
        .flat_map(|p| p.regions.iter().map(String::as_str))
        .collect();
    known.sort_unstable();
    let wrong: Vec<&str> = regions
        .iter()
        .map(String::as_str)
        .filter(|r| !known.contains(r) && *r != REGION_UNKNOWN)
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    bail!(
        "{} is no region of AWS; --regions takes {}",
        wrong.join(", "),
        known.join(", ")
    )
}

/// What is said of a snapshot when it is taken.
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
    }
    for (account, reason) in gaps {
        out.line(&format!(
            "gap  account {}  {reason}",
            account.as_deref().unwrap_or("?")
        ))?;
    }
    Ok(())
}
