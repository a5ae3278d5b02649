//! Accounts as snapshots, read live or from a folder of AWS CLI output.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use bartizan_cloud::collect::{CollectionPlan, Progress, collect};
use bartizan_cloud::dump::REGION_UNKNOWN;
use bartizan_cloud::live::{ConnectError, Identity, Live};
use bartizan_cloud::model::Model;
use bartizan_cloud::table::CallTable;
use bartizan_inventory::fact::FactKinds;
use bartizan_inventory::snapshot::{CallStatus, Collection};
use bartizan_model::limits::{ACCOUNTS_AT_ONCE, ACCOUNTS_PER_COMMIT};
use futures::StreamExt;
use jiff::Timestamp;

use crate::cli::{Global, SnapshotArgs};
use crate::import::{call_table, imported, runtime};
use crate::render::{self, Bar};
use crate::store;

/// Collects the accounts, a few at a time, and hands over each batch.
pub(crate) fn collect_accounts(
    global: &Global,
    args: &SnapshotArgs,
    keep: &mut dyn FnMut(CollectedSnapshot) -> Result<()>,
) -> Result<()> {
    let (model, table) = call_table(&args.calls)?;
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
                let batch = runtime.block_on(stoppable(work))??;
                bar.clear();
                keep(batch)?;
            }
        }
    }
    Ok(())
}

/// Some kinds of facts of one account, in some regions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PartOfAccount {
    /// Twelve digits.
    pub(crate) account: String,
    /// `iam:userpolicy`.
    pub(crate) kinds: BTreeSet<String>,
    /// Regions of facts that are not of the whole account.
    pub(crate) regions: BTreeSet<String>,
}

/// Reads only the calls that give these facts. `None` if the identity does not reach the account.
pub(crate) fn collect_part(
    global: &Global,
    args: &SnapshotArgs,
    part: &PartOfAccount,
) -> Result<Option<Collection>> {
    let (model, table) = call_table(&args.calls)?;
    let table = table.for_kinds(&part.kinds);
    let runtime = runtime()?;
    let kinds = store::kinds_to_keep(global)?;
    runtime.block_on(async {
        let targets = targets(&model, args).await?;
        let may_be = |t: &&AccountTarget| t.account.as_ref().is_none_or(|a| *a == part.account);
        for target in targets.iter().filter(may_be) {
            let reached = connect(&model, args, std::slice::from_ref(target)).await;
            let Some(Ok(live)) = reached.into_iter().next() else {
                continue;
            };
            if live.account != part.account {
                continue;
            }
            let plan = CollectionPlan {
                account: &live.account,
                regions: part.regions.iter().cloned().collect(),
                regions_off: Vec::new(),
                home: live.client().endpoints().home(),
                in_flight: args.in_flight.clamp(1, 256),
                rps_max: args.max_rps.filter(|n| *n > 0.0),
                tool: store::TOOL,
                source: "aws",
            };
            let collection = collect(&model, &kinds, &table, &plan, &live, &|_| ()).await;
            return Ok(Some(collection));
        }
        Ok(None)
    })
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

/// One batch of collected accounts.
#[derive(Default)]
pub(crate) struct CollectedSnapshot {
    pub(crate) collections: Vec<Collection>,
    /// Accounts that should have been read and were not.
    pub(crate) gaps: Vec<(Option<String>, String)>,
    /// For stderr.
    pub(crate) notes: Vec<String>,
}

impl CollectedSnapshot {
    /// Whether everything that was asked for was read.
    pub(crate) fn is_complete(&self) -> bool {
        let whole = |c: &Collection| {
            c.coverage
                .iter()
                .all(|r| r.status == CallStatus::Ok || r.is_region_off())
        };
        self.gaps.is_empty() && self.collections.iter().all(whole)
    }
}

fn import(
    global: &Global,
    model: &Arc<Model>,
    table: &CallTable,
    args: &SnapshotArgs,
    path: &Path,
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
    let mut batch = CollectedSnapshot::default();
    let mut next = targets.iter();
    while let (Some(result), Some(target)) = (results.next().await, next.next()) {
        match result {
            Ok((collection, notes)) => {
                batch.collections.push(collection);
                batch.notes.extend(notes);
            }
            Err(e) if only => return Err(e).context("could not read the account"),
            Err(e) => batch.gaps.push((target.account.clone(), e.to_string())),
        }
    }
    Ok(batch)
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
        tool: store::TOOL,
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
