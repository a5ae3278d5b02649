//! `bartizan snapshot`.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use bartizan_cloud::collect::{Plan, collect};
use bartizan_cloud::dump::{Dump, REGION_UNKNOWN};
use bartizan_cloud::live::{Identity, Live};
use bartizan_cloud::model::Model;
use bartizan_cloud::table::CallTable;
use bartizan_core::fact::Kinds;
use bartizan_core::snapshot::{Collection, Recorded, Status};
use jiff::Timestamp;
use serde_json::json;

use super::{Outcome, TOOL, runtime, table};
use crate::cli::{Format, Global, Snapshot};
use crate::render::{self, Bar, Out};
use crate::store;

pub(super) fn run(global: &Global, args: &Snapshot) -> Result<Outcome> {
    let (model, table) = table(&args.calls)?;
    let storage = store::open(global)?;
    let taken = match &args.from {
        Some(path) => import(&model, &table, args, path)?,
        None => read(global, &model, &table, args)?,
    };
    let incomplete = taken.collections.iter().any(|c| c.coverage.iter().any(|r| r.status != Status::Ok)) || !taken.gaps.is_empty();
    let summaries: Vec<Summary> = taken.collections.iter().map(Summary::of).collect();
    let recorded: Vec<Recorded> = taken.collections.into_iter().map(Collection::record).collect();
    let now = Timestamp::now();
    let ids = store::append(global, storage.as_ref(), &recorded, &taken.gaps, args.time.unwrap_or(now))?;
    let counts: Vec<usize> = recorded.iter().map(|r| r.side.lines().count()).collect();
    print(global, &ids, &summaries, &counts, &taken.gaps)?;
    for note in &taken.notes {
        render::note(global, note);
    }
    if ids.is_empty() {
        bail!("no account could be read; the gap is in the log");
    }
    Ok(if incomplete && args.require_complete { Outcome::Incomplete } else { Outcome::Done })
}

/// What was brought home.
#[derive(Default)]
struct Taken {
    collections: Vec<Collection>,
    /// Accounts that should have been read and were not.
    gaps: Vec<(Option<String>, String)>,
    /// For stderr.
    notes: Vec<String>,
}

/// Collections from a folder of answers. Also how `diff` and `flat` read one.
pub(super) fn imported(
    model: &Arc<Model>,
    table: &CallTable,
    path: &std::path::Path,
    time: Timestamp,
    regions: &[String],
) -> Result<(Vec<Collection>, Vec<String>)> {
    let dump = Dump::read(model, table, path, time.as_millisecond())?;
    let runtime = runtime()?;
    let kinds = Kinds::builtin();
    let mut collections = Vec::new();
    let mut notes: Vec<String> = dump.broken.iter().map(|b| format!("broken, so left out and open: {b}")).collect();
    for (account, answers) in &dump.accounts {
        let plan = Plan {
            account,
            regions: if regions.is_empty() { answers.regions() } else { regions.to_vec() },
            regions_off: Vec::new(),
            home: "us-east-1",
            in_flight: 1,
            rps_max: None,
            tool: TOOL,
            source: "import",
        };
        if plan.regions.iter().any(|r| r == REGION_UNKNOWN) {
            notes.push(format!(
                "account {account}: some answers lie in no region's folder; their region is called {REGION_UNKNOWN}"
            ));
        }
        collections.push(runtime.block_on(collect(model, &kinds, table, &plan, answers, &|_| {})));
        notes.extend(answers.unused().into_iter().map(|file| format!("recognised, but for no item that was listed: {file}")));
    }
    notes.extend(dump.unrecognised.iter().map(|file| format!("not recognised: {file}")));
    Ok((collections, notes))
}

fn import(model: &Arc<Model>, table: &CallTable, args: &Snapshot, path: &std::path::Path) -> Result<Taken> {
    let time = args.time.unwrap_or_else(Timestamp::now);
    let (collections, notes) = imported(model, table, path, time, &args.regions).context("could not import")?;
    Ok(Taken { collections, gaps: Vec::new(), notes })
}

fn read(global: &Global, model: &Arc<Model>, table: &CallTable, args: &Snapshot) -> Result<Taken> {
    let runtime = runtime()?;
    let bar = Bar::new(global);
    runtime.block_on(async {
        let work = read_all(global, model, table, args, &bar);
        tokio::select! {
            taken = work => taken,
            _ = tokio::signal::ctrl_c() => bail!("stopped; nothing was stored"),
        }
    })
}

async fn read_all(global: &Global, model: &Arc<Model>, table: &CallTable, args: &Snapshot, bar: &Bar) -> Result<Taken> {
    let mut taken = Taken::default();
    for (account, role_arn) in targets(model, args).await? {
        let identity =
            Identity { profile: args.profile.clone(), role_arn: role_arn.clone(), external_id: args.external_id.clone() };
        let live = match Live::connect(Arc::clone(model), &identity).await {
            Ok(live) => live,
            // One account of many: the others are still worth reading, and the gap is evidence too.
            Err(e) if role_arn.is_some() && (args.org.is_some() || args.role_arn.len() > 1) => {
                taken.notes.push(format!("account {}: {e}", account.as_deref().unwrap_or("?")));
                taken.gaps.push((account, e.to_string()));
                continue;
            }
            Err(e) => return Err(e).context("could not read the account"),
        };
        taken.collections.push(one(global, model, table, args, &live, bar, &mut taken.notes).await);
    }
    bar.finish();
    Ok(taken)
}

async fn one(
    global: &Global,
    model: &Arc<Model>,
    table: &CallTable,
    args: &Snapshot,
    live: &Live,
    bar: &Bar,
    notes: &mut Vec<String>,
) -> Collection {
    let (on, off) = match live.regions().await {
        Ok(regions) => regions,
        Err(e) => {
            notes.push(format!("account {}: cannot list regions ({}); asking all that this build knows", live.account, e.detail));
            let known = model.partition(&live.client().endpoints().partition);
            (known.map(|p| p.regions.clone()).unwrap_or_default(), Vec::new())
        }
    };
    let regions = if args.regions.is_empty() { on } else { args.regions.clone() };
    render::talk(global, &format!("account {} as {}, {} regions", live.account, live.arn, regions.len()));
    let plan = Plan {
        account: &live.account,
        regions_off: off.into_iter().filter(|r| !regions.contains(r)).collect(),
        regions,
        home: live.client().endpoints().home(),
        in_flight: args.in_flight.clamp(1, 256),
        rps_max: args.max_rps.filter(|n| *n > 0.0),
        tool: TOOL,
        source: "aws",
    };
    collect(model, &Kinds::builtin(), table, &plan, live, &|progress| bar.show(progress)).await
}

/// Account (where it is known) and role of each account to read.
async fn targets(model: &Arc<Model>, args: &Snapshot) -> Result<Vec<(Option<String>, Option<String>)>> {
    if let Some(role) = &args.org {
        let identity = Identity { profile: args.profile.clone(), ..Identity::default() };
        let live = Live::connect(Arc::clone(model), &identity).await.context("could not reach the organization")?;
        let accounts = live.organization_accounts().await.map_err(|e| {
            anyhow::anyhow!(
                "could not list the organization's accounts: {}: run it in the management account or a delegated administrator",
                e.detail
            )
        })?;
        let partition = live.client().endpoints().partition.clone();
        let arn = |account: &String| format!("arn:{partition}:iam::{account}:role/{role}");
        return Ok(accounts.iter().map(|a| (Some(a.clone()), Some(arn(a)))).collect());
    }
    if args.role_arn.is_empty() {
        return Ok(vec![(None, None)]);
    }
    for arn in &args.role_arn {
        if !arn.starts_with("arn:") || !arn.contains(":role/") {
            bail!("{arn:?} is not the ARN of a role: expected arn:aws:iam::ACCOUNT:role/NAME");
        }
    }
    Ok(args.role_arn.iter().map(|arn| (arn.split(':').nth(4).map(str::to_owned), Some(arn.clone()))).collect())
}

/// What is said of a snapshot when it is taken.
struct Summary {
    account: String,
    ok: usize,
    total: usize,
    /// Status word and calls.
    not_ok: Vec<(Status, Vec<String>)>,
    new_fields: usize,
}

impl Summary {
    fn of(collection: &Collection) -> Self {
        let mut by_status: std::collections::BTreeMap<Status, Vec<String>> = std::collections::BTreeMap::new();
        for row in collection.coverage.iter().filter(|r| r.status != Status::Ok) {
            by_status.entry(row.status).or_default().push(format!(
                "{} in {}{}",
                row.call,
                row.region,
                if row.detail.is_empty() { String::new() } else { format!(" ({})", row.detail) }
            ));
        }
        Self {
            account: collection.account.clone(),
            ok: collection.coverage.iter().filter(|r| r.status == Status::Ok).count(),
            total: collection.coverage.len(),
            not_ok: by_status.into_iter().collect(),
            new_fields: collection.new_fields.len(),
        }
    }
}

fn print(global: &Global, ids: &[u64], summaries: &[Summary], counts: &[usize], gaps: &[(Option<String>, String)]) -> Result<()> {
    let mut out = Out::new();
    if global.format != Format::Human {
        let one = |((id, s), count): ((&u64, &Summary), &usize)| {
            let not_ok: serde_json::Map<String, serde_json::Value> =
                s.not_ok.iter().map(|(status, calls)| (status.to_string(), json!(calls))).collect();
            json!({"snapshot": id, "account": s.account, "facts": count, "coverage": {"ok": s.ok, "total": s.total, "not_ok": not_ok}, "new_fields": s.new_fields})
        };
        let rows: Vec<_> = ids.iter().zip(summaries).zip(counts).map(one).collect();
        let gaps: Vec<_> =
            gaps.iter().map(|(account, reason)| json!({"gap": true, "account": account, "reason": reason})).collect();
        return out.json(global.format, rows.into_iter().chain(gaps).collect());
    }
    for ((id, s), count) in ids.iter().zip(summaries).zip(counts) {
        out.line(&format!("snapshot {id}  account {}  {count} facts  {} of {} calls read", s.account, s.ok, s.total))?;
        for (status, calls) in &s.not_ok {
            if global.verbose {
                out.line(&format!("  {status:<12} {} calls", calls.len()))?;
                calls.iter().try_for_each(|call| out.line(&format!("    {call}")))?;
            } else {
                let more = if calls.len() > 2 { ", …" } else { "" };
                let shown = calls.iter().take(2).map(String::as_str).collect::<Vec<_>>().join(", ");
                out.line(&format!("  {status:<12} {:>3} calls: {shown}{more}", calls.len()))?;
            }
        }
        if s.new_fields > 0 {
            out.line(&format!("  {} fields that this build does not know; kept", s.new_fields))?;
        }
    }
    for (account, reason) in gaps {
        out.line(&format!("gap  account {}  {reason}", account.as_deref().unwrap_or("?")))?;
    }
    Ok(())
}
