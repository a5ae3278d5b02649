//! AWS CLI output as snapshots: the call table, and folders of dumps.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use bartizan_cloud::collect::{CollectionPlan, collect};
use bartizan_cloud::dump::{Dump, REGION_UNKNOWN};
use bartizan_cloud::model::Model;
use bartizan_cloud::table::CallTable;
use bartizan_inventory::fact::FactKinds;
use bartizan_inventory::snapshot::Collection;
use jiff::Timestamp;

use crate::files::read_text;
use crate::store;

/// The model and the call table, with the rows of `files`.
pub(crate) fn call_table(files: &[PathBuf]) -> Result<(Arc<Model>, CallTable)> {
    let model = Arc::new(Model::builtin());
    let mut texts = Vec::new();
    for file in files {
        texts.push((file.display().to_string(), read_text(file)?));
    }
    let table = CallTable::with(&model, &texts)
        .context("the call table cannot be used, so nothing was read")?;
    Ok((model, table))
}

/// A runtime for talking to AWS. One thread is enough: the waiting is AWS's.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the network runtime")
}

/// Collections of the accounts in a folder of AWS CLI output, and notes on what was left out.
pub(crate) fn imported(
    model: &Arc<Model>,
    table: &CallTable,
    path: &Path,
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
            tool: store::TOOL,
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
