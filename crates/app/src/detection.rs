//! A run of the detections, as `detect`, `rules` and `watch` share it: rule files, networks, the
//! first-seen memory, scanning, and the work of the actors that were found.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use bartizan_detect::work::{ActorWork, WorkIndex};
use bartizan_detect::{
    Evaluator, FirstSeenMemory, Networks, RuleFile, ScanOutput, ScanPlan, Scanner, builtin_files,
    scan_in_order,
};
use bartizan_evidence::{Storage, StorageError};
use bartizan_model::encoding::decode_lossy;
use bartizan_model::limits::RESOURCES_MAX;
use bartizan_model::{Finding, Severity};

use crate::files::read_text;
use crate::trail::TrailObject;

/// Our own rules, and the files under `paths`.
pub(crate) fn rule_files(paths: &[PathBuf], builtin: bool) -> Result<Vec<RuleFile>> {
    let mut files = if builtin { builtin_files() } else { Vec::new() };
    for path in paths {
        let mut found = Vec::new();
        gather(path, &mut found)?;
        found.sort();
        if found.is_empty() {
            anyhow::bail!("no .yml or .yaml file in {}", path.display());
        }
        for file in found {
            let bytes =
                std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let text = decode_lossy(&bytes);
            files.push(RuleFile {
                name: file.display().to_string(),
                text,
                builtin: false,
            });
        }
    }
    Ok(files)
}

/// Rule files of a folder, or the file itself whatever its name.
fn gather(path: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let about =
        std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    if !about.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    for entry in
        std::fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?
    {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            gather(&path, found)?;
        } else if path.extension().is_some_and(|e| e == "yml" || e == "yaml") {
            found.push(path);
        }
    }
    Ok(())
}

/// Networks of AWS, of `ip_ranges`, and of databases in MaxMind's format.
pub(crate) fn networks(geo: &[PathBuf], ip_ranges: Option<&Path>) -> Result<Networks> {
    let mut networks = Networks::builtin();
    if let Some(file) = ip_ranges {
        let text = read_text(file)?;
        networks = networks
            .with_aws_ranges(&text)
            .map_err(anyhow::Error::msg)
            .with_context(|| file.display().to_string())?;
    }
    for file in geo {
        let bytes =
            std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        networks = networks
            .with_database(bytes)
            .map_err(anyhow::Error::msg)
            .with_context(|| file.display().to_string())?;
    }
    Ok(networks)
}

/// Place of the first-seen memory in the store.
pub(crate) const MEMORY: &str = "detect/first-seen";

/// The first-seen memory of the store, or an empty one.
pub(crate) fn remembered(storage: &dyn Storage) -> Result<FirstSeenMemory> {
    match storage.read(MEMORY) {
        Ok(bytes) => FirstSeenMemory::from_bytes(&bytes)
            .map_err(anyhow::Error::msg)
            .with_context(|| {
                format!(
                    "the first-seen memory {MEMORY} in {} is damaged: move it aside to look at, \
                    and begin anew with --learn",
                    storage.place()
                )
            }),
        Err(StorageError::Missing(_)) => {
            let mut secret = [0; 16];
            getrandom::fill(&mut secret)
                .map_err(|e| anyhow::anyhow!("no random numbers from the system: {e}"))?;
            Ok(FirstSeenMemory::new(secret))
        }
        Err(e) => Err(e).context("cannot read the first-seen memory"),
    }
}

/// Scans all objects, and evaluates them in their order. `stored` is called with the stored bytes
/// of each.
pub(crate) fn scan(
    objects: &[&TrailObject],
    (plan, threads): (&ScanPlan, usize),
    stored: impl Fn(u64) + Sync,
    evaluator: &mut Evaluator<'_>,
) {
    scan_in_order(
        objects,
        |object| &object.name,
        |object, scanner| {
            let output = match object.open() {
                Ok(mut source) => scanner.scan_part(&mut source, &object.about),
                Err(_) => ScanOutput::unreadable(),
            };
            stored(output.bytes.stored);
            output
        },
        (|| Scanner::new(plan), threads),
        evaluator,
    );
}

/// Threads that an option asks for, or as many as there are processors.
pub(crate) fn thread_count(option: Option<u16>) -> usize {
    option.map_or_else(
        || std::thread::available_parallelism().map_or(1, Into::into),
        usize::from,
    )
}

/// The activity of every actor with a finding above info.
pub(crate) fn work_of(work: &mut WorkIndex, findings: &[Finding]) -> Vec<ActorWork> {
    let mut on: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    let mut actors = BTreeSet::new();
    for finding in findings.iter().filter(|f| f.severity >= Severity::Low) {
        let Some(actor) = finding.actor.as_ref().filter(|a| a.kind != "AWSService") else {
            continue;
        };
        actors.insert(actor.key.clone());
        for call in &finding.calls {
            let known = on.entry((&actor.key, &call.call)).or_default();
            known.extend(
                call.resources
                    .iter()
                    .map(String::as_str)
                    .take(RESOURCES_MAX.saturating_sub(known.len())),
            );
        }
    }
    work.of(&actors, &|actor, call| {
        on.get(&(actor, call))
            .into_iter()
            .flatten()
            .take(RESOURCES_MAX)
            .map(|r| (*r).to_owned())
            .collect()
    })
}
