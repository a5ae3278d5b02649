//! The trail as a watch reads it: each object once, by the scan results that are kept.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use bartizan_detect::attribution::CallMap;
use bartizan_detect::{
    ContextPool, DetectionResult, Evaluator, FirstSeenMemory, Rules, ScanOutput, ScanPlan, Scanner,
    read_scan_result, scan_in_order, write_scan_result,
};
use bartizan_trail::ReadProblem;

use super::health::queue_rule;
use super::inputs::WatchInputs;
use crate::detection::{networks, remembered, rule_files, thread_count};
use crate::render::Bytes;
use crate::store::{KeptScan, KeptScans, StoreState};
use crate::trail::TrailObject;

/// Name under which the state keeps the first-seen memory of objects before the lookback.
const FIRST_SEEN: &str = "memory";

/// Bytes and whether it is only in the memory any more, by name of the object.
pub(super) type KnownObjects = BTreeMap<String, (Option<u64>, bool)>;

/// First-seen memory of objects before the lookback.
pub(super) struct LearnedMemory {
    pub(super) memory: FirstSeenMemory,
    /// Entry of the state, where it is new.
    pub(super) kept: Option<(&'static str, Vec<u8>)>,
}

/// Rules, networks and memory of a watch.
pub(super) fn scan_plan(inputs: &WatchInputs<'_>, memory: FirstSeenMemory) -> Result<ScanPlan> {
    let config = &inputs.config.rules;
    let mut files = rule_files(&config.paths, config.builtin)?;
    files.extend(queue_rule(&inputs.config.trail.queues));
    Ok(ScanPlan {
        rules: Rules::load(&files),
        networks: networks(
            &inputs.config.networks.geo,
            inputs.config.networks.ip_ranges.as_deref(),
        )?,
        memory,
        tally: false,
        calls: Some(CallMap::builtin()),
    })
}

/// Lets an evaluator take all objects, in their order: from kept results, or by reading them.
pub(super) fn take_all(
    inputs: &WatchInputs<'_>,
    plan: &ScanPlan,
    objects: &[&TrailObject],
    scans: &KeptScans,
    evaluator: &mut Evaluator<'_>,
) -> Result<()> {
    let bar = Bytes::new(inputs.global, objects.iter().map(|o| o.bytes).sum());
    let fingerprint = plan.fingerprint();
    let pool = Mutex::new(ContextPool::default());
    let failed = Mutex::new(None);
    scan_in_order(
        objects,
        |object| &object.name,
        |object, scanner| {
            let taken =
                kept(object, (plan, &fingerprint), scans, &pool).and_then(|kept| match kept {
                    Some(output) => Ok(output),
                    None => read_and_keep(object, (plan, &fingerprint), scanner, scans),
                });
            let output = taken.unwrap_or_else(|e| {
                failed
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(e);
                ScanOutput::unreadable()
            });
            bar.add(object.bytes.unwrap_or(0));
            output
        },
        (
            || Scanner::new(plan).standing_alone(),
            thread_count(inputs.args.threads),
        ),
        evaluator,
    );
    bar.clear();
    scans.flush()?;
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(e) => Err(e).context("scan results cannot be kept"),
        None => Ok(()),
    }
}

/// Result that is kept of this version of an object.
fn kept(
    object: &TrailObject,
    (plan, fingerprint): (&ScanPlan, &[u8; 32]),
    scans: &KeptScans,
    pool: &Mutex<ContextPool>,
) -> Result<Option<ScanOutput>> {
    let Some(bytes) = scans.get(&object.name, object.scan_version().as_deref(), fingerprint)?
    else {
        return Ok(None);
    };
    let mut pool = pool.lock().unwrap_or_else(PoisonError::into_inner);
    // A damaged result is made again.
    Ok(read_scan_result(&bytes, plan, &mut pool)
        .ok()
        .map(|(_, output)| output))
}

/// Reads an object and keeps the result. One that could not be opened is tried again next time.
pub(super) fn read_and_keep(
    object: &TrailObject,
    (plan, fingerprint): (&ScanPlan, &[u8; 32]),
    scanner: &mut Scanner<'_>,
    scans: &KeptScans,
) -> Result<ScanOutput> {
    let Ok(mut source) = object.open() else {
        return Ok(ScanOutput::unreadable());
    };
    let output = scanner.scan_part(&mut source, &object.about);
    if output.problems.contains_key(&ReadProblem::Unreadable) {
        return Ok(output);
    }
    let version = object.scan_version();
    scans.put(KeptScan {
        name: object.name.clone(),
        result: write_scan_result(&output, &object.name, version.as_deref(), plan),
        version,
        plan: *fingerprint,
    })?;
    Ok(output)
}

/// First-seen memory, after the objects that just left the lookback were learned.
pub(super) fn learned_memory(
    inputs: &WatchInputs<'_>,
    state: &StoreState,
    leaving: &[&TrailObject],
    known: &KnownObjects,
    scans: &KeptScans,
) -> Result<LearnedMemory> {
    let to_learn: Vec<&TrailObject> = leaving
        .iter()
        .copied()
        .filter(|o| !known.get(&o.name).is_some_and(|(_, learned)| *learned))
        .collect();
    let (memory, new) = match state.get(FIRST_SEEN)? {
        Some(bytes) => {
            let memory = FirstSeenMemory::from_bytes(&bytes)
                .map_err(anyhow::Error::msg)
                .context("the memory in the state cannot be read")?;
            (memory, false)
        }
        // `detect --learn` may have taught something before. A new one is kept at once, because
        // kept scan results depend on its secret.
        None => (remembered(inputs.storage.as_ref())?, true),
    };
    if to_learn.is_empty() {
        let kept = new.then(|| (FIRST_SEEN, memory.to_bytes()));
        return Ok(LearnedMemory { memory, kept });
    }
    let plan = scan_plan(inputs, memory)?;
    let mut learner = Evaluator::new(&plan);
    take_all(inputs, &plan, &to_learn, scans, &mut learner)?;
    let left = || leaving.iter().map(|o| o.name.as_str());
    scans.remove(left())?;
    let DetectionResult { memory, .. } = learner.finish(true, &|_| String::new());
    let kept = Some((FIRST_SEEN, memory.to_bytes()));
    Ok(LearnedMemory { memory, kept })
}
