//! `bartizan detect`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use anyhow::{Context, Result};
use bartizan_detect::work::{ActorWork, WorkIndex};
use bartizan_detect::{
    Evaluation, Evaluator, FirstSeenMemory, Networks, RuleFile, Rules, ScanOutput, ScanPlan,
    Scanner, builtin_files,
};
use bartizan_evidence::{Storage, StorageError};
use bartizan_model::encoding::decode_lossy;
use bartizan_model::limits::RESOURCES_MAX;
use bartizan_model::{Finding, Severity};
use bartizan_trail::{Field, TrailItem, TrailReader};

use serde::Serialize;

use super::Outcome;
use crate::cli::{DetectArgs, Format, Global};
use crate::files::read_text;
use crate::render::{self, Bytes, Out, shell};
use crate::store;
use crate::trail::{TrailObject, WantedObjects, objects};

pub(super) fn run(global: &Global, args: &DetectArgs) -> Result<Outcome> {
    if let (Some(since), Some(until)) = (args.since, args.until)
        && since > until
    {
        render::error(
            &anyhow::anyhow!(
                "--since {since} is later than --until {until}: no event can be in between"
            ),
            false,
        );
        return Ok(Outcome::WrongUsage);
    }
    let wanted = WantedObjects {
        paths: &args.paths,
        list: args.list.as_deref(),
        since: args.since,
        until: args.until,
        profile: args.profile.as_deref(),
    };
    let (objects, left_out) = objects(&wanted)?;
    if !args.event.is_empty() {
        return show_events(&objects, &args.event);
    }
    let storage = store::open(global)?;
    let plan = ScanPlan {
        rules: Rules::load(&rule_files(&args.rules, !args.no_builtin_rules)?),
        networks: networks(&args.geo, args.ip_ranges.as_deref())?,
        memory: remembered(storage.as_ref())?,
        tally: args.summary,
        calls: None,
    };
    let threads = args.threads.map_or_else(
        || std::thread::available_parallelism().map_or(1, Into::into),
        usize::from,
    );
    let mut judge = Evaluator::new(&plan);
    let total: Option<u64> = objects.iter().map(|o| o.bytes).sum();
    let bar = Bytes::new(global, total);
    read_all(
        &objects.iter().collect::<Vec<_>>(),
        &plan,
        threads,
        &bar,
        &mut judge,
    );
    bar.clear();

    let sources = sources(args);
    let mut verdicts = judge.finish(args.learn, &|id| {
        format!("bartizan detect {sources} --event {id}")
    });
    remember(global, args, storage.as_ref(), &verdicts)?;
    let actors = work_of(&mut verdicts.work, &verdicts.findings);
    print(global, args, &plan, &verdicts, &actors, left_out)?;
    let worst = verdicts.findings.iter().map(|f| f.severity).max();
    if args
        .fail_on
        .is_some_and(|limit| worst.is_some_and(|w| w >= limit))
    {
        return Ok(Outcome::Findings);
    }
    let outcome = match &verdicts.totals {
        totals
            if args.require_complete
                && (totals.is_incomplete() || !plan.rules.problems.is_empty()) =>
        {
            Outcome::Incomplete
        }
        totals if totals.judged_nothing() => Outcome::Bad,
        _ => Outcome::Done,
    };
    // The process ends now: taking all this apart would only hold it up.
    std::mem::forget((plan, verdicts));
    Ok(outcome)
}

/// Reads all objects with some threads, and judges them in their order.
pub(super) fn read_all(
    objects: &[&TrailObject],
    plan: &ScanPlan,
    threads: usize,
    bar: &Bytes,
    judge: &mut Evaluator<'_>,
) {
    if threads <= 1 || objects.len() <= 1 {
        let mut scanner = Scanner::new(plan);
        for object in objects {
            let spare = judge.take(&object.name, read(object, &mut scanner, bar));
            scanner.reuse(spare);
        }
        judge.take_rest(scanner.finish());
        std::mem::forget(scanner);
        return;
    }
    let (judge, queue, moved) = (
        Mutex::new(judge),
        Mutex::new(OutputQueue::default()),
        Condvar::new(),
    );
    let queued = || queue.lock().unwrap_or_else(PoisonError::into_inner);
    let claimed = AtomicUsize::new(0);
    let ahead_max = threads * 4;
    // Whoever finds the judge free lets it take all that is in turn; nobody waits for it.
    let settle = || {
        while queued().in_turn()
            && let Ok(mut judge) = judge.try_lock()
        {
            loop {
                let next = queued().pop();
                let Some((number, notes)) = next else { break };
                moved.notify_all();
                let spare = judge.take(&objects[number].name, notes);
                queued().spare.push(spare);
            }
        }
    };
    let work = || {
        let mut scanner = Scanner::new(plan);
        loop {
            let number = claimed.fetch_add(1, Ordering::Relaxed);
            let Some(object) = objects.get(number) else {
                break;
            };
            // Nobody runs far ahead: what waits is held in memory.
            drop(
                moved
                    .wait_while(queued(), |q| number >= q.next + ahead_max)
                    .unwrap_or_else(PoisonError::into_inner),
            );
            if let Some(spare) = queued().spare.pop() {
                scanner.reuse(spare);
            }
            let notes = read(object, &mut scanner, bar);
            queued().waiting.insert(number, notes);
            settle();
        }
        let rest = scanner.finish();
        // The process ends soon: taking its caches apart would only hold it up.
        std::mem::forget(scanner);
        judge
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take_rest(rest);
        // Somebody may have found the judge taken just now.
        settle();
    };
    std::thread::scope(|scope| {
        (0..threads.min(objects.len())).for_each(|_| {
            scope.spawn(work);
        });
    });
}

/// Notes that wait for those before them.
#[derive(Default)]
struct OutputQueue {
    next: usize,
    waiting: BTreeMap<usize, ScanOutput>,
    /// Empty ones, to be used again.
    spare: Vec<ScanOutput>,
}

impl OutputQueue {
    fn in_turn(&self) -> bool {
        self.waiting.contains_key(&self.next)
    }

    fn pop(&mut self) -> Option<(usize, ScanOutput)> {
        let notes = self.waiting.remove(&self.next)?;
        self.next += 1;
        Some((self.next - 1, notes))
    }
}

fn read(object: &TrailObject, scanner: &mut Scanner<'_>, bar: &Bytes) -> ScanOutput {
    let notes = match object.open() {
        Ok(mut source) => scanner.scan_part(&mut source, &object.about),
        Err(_) => ScanOutput::unreadable(),
    };
    bar.add(notes.bytes.stored);
    notes
}

/// Prints the records with these ids, as they stand in the log.
fn show_events(objects: &[TrailObject], ids: &[String]) -> Result<Outcome> {
    let mut out = Out::new();
    let (mut found, mut unread) = (0, 0);
    let mut reader = TrailReader::new();
    for object in objects {
        let Ok(mut source) = object.open() else {
            unread += 1;
            continue;
        };
        let mut records = Vec::new();
        reader.read(&mut source, &mut |item| {
            if let TrailItem::Event(event) = item
                && (event
                    .text(Field::EventId)
                    .is_some_and(|id| ids.iter().any(|i| *i == id))
                    || ids.contains(&event.id().to_string()))
            {
                records.push(event.record().compact().into_owned());
            }
        });
        for record in records {
            let value = serde_json::from_str(&record).unwrap_or(serde_json::Value::String(record));
            out.json(Format::Json, vec![value])?;
            found += 1;
        }
    }
    if found == 0 {
        let unread = if unread > 0 {
            format!(", of which {unread} could not be read")
        } else {
            String::new()
        };
        anyhow::bail!(
            "no record with that event id in {} objects{unread}",
            objects.len()
        );
    }
    Ok(Outcome::Done)
}

/// Our own rules, and the files under `paths`.
pub(super) fn rule_files(paths: &[PathBuf], builtin: bool) -> Result<Vec<RuleFile>> {
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

pub(super) fn networks(geo: &[PathBuf], ip_ranges: Option<&Path>) -> Result<Networks> {
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

/// Where the first-seen memory lies in the store.
const MEMORY: &str = "detect/first-seen";

pub(super) fn remembered(storage: &dyn Storage) -> Result<FirstSeenMemory> {
    match storage.read(MEMORY) {
        Ok(bytes) => FirstSeenMemory::from_bytes(&bytes).map_err(anyhow::Error::msg).with_context(|| {
            format!(
                "the first-seen memory {MEMORY} in {} is damaged: move it aside to look at, and \
                begin anew with --learn",
                storage.place()
            )
        }),
        Err(StorageError::Missing(_)) => {
            let mut secret = [0; 16];
            getrandom::fill(&mut secret).map_err(|e| anyhow::anyhow!("no random numbers from the \
            system: {e}"))?;
            Ok(FirstSeenMemory::new(secret))
        }
        Err(e) => Err(e).context("cannot read the first-seen memory"),
    }
}

/// Keeps the memory where there is a store, or where one was asked for; never makes one beside
/// somebody's logs unasked.
fn remember(
    global: &Global,
    args: &DetectArgs,
    storage: &dyn Storage,
    verdicts: &Evaluation,
) -> Result<()> {
    let asked = args.learn || global.store != "bartizan-store";
    if !asked && !Path::new(&global.store).exists() {
        return Ok(());
    }
    if let Err(e) = store::replace(global, storage, MEMORY, &verdicts.memory.to_bytes()) {
        if args.learn {
            return Err(e).context("cannot write the first-seen memory");
        }
        render::note(
            global,
            &format!("what was seen could not be remembered: {e}"),
        );
    }
    Ok(())
}

/// The sources as typed, for a command that reads them again.
fn sources(args: &DetectArgs) -> String {
    let mut words: Vec<String> = args.paths.iter().map(|p| shell(p)).collect();
    if let Some(list) = &args.list {
        words.extend(["--list".to_owned(), shell(list)]);
    }
    words.join(" ")
}

/// The activity of every actor with a finding above info.
pub(super) fn work_of(work: &mut WorkIndex, findings: &[Finding]) -> Vec<ActorWork> {
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

/// Those of them who are told of without being asked for.
fn told(actors: &[ActorWork], findings: &[Finding]) -> Vec<ActorWork> {
    let worst = |key: &str| {
        findings
            .iter()
            .filter(|f| f.actor.as_ref().is_some_and(|a| a.key == key))
            .map(|f| f.severity)
            .max()
            .unwrap_or_default()
    };
    actors
        .iter()
        .filter(|w| render::is_told(worst(&w.key)))
        .cloned()
        .collect()
}

/// What is printed as JSON.
#[derive(Serialize)]
struct DetectDocument<'v> {
    #[serde(flatten)]
    totals: serde_json::Value,
    findings: &'v [Finding],
    actors: &'v [ActorWork],
}

fn print(
    global: &Global,
    args: &DetectArgs,
    plan: &ScanPlan,
    verdicts: &Evaluation,
    actors: &[ActorWork],
    left_out: usize,
) -> Result<()> {
    let mut out = Out::new();
    match global.format {
        Format::Human if args.learn => {
            let text = format!(
                "learned from {} events: {} keys remembered",
                verdicts.totals.events,
                verdicts.memory.len()
            );
            out.line(&text)?;
        }
        Format::Human if args.summary => render::summary(&mut out, verdicts)?,
        Format::Human => {
            render::timeline(&mut out, verdicts, &sources(args), left_out, args.all)?;
            render::work(&mut out, &told(actors, &verdicts.findings))?;
            out.flush()?;
        }
        Format::Json => {
            out.document(&DetectDocument {
                totals: render::totals_json(verdicts, left_out),
                findings: &verdicts.findings,
                actors,
            })?;
        }
        Format::Ndjson => {
            let findings = verdicts
                .findings
                .iter()
                .map(serde_json::to_value)
                .collect::<Result<Vec<_>, _>>()?;
            out.json(Format::Ndjson, findings)?;
        }
        Format::Ocsf => out.json(
            Format::Ndjson,
            verdicts
                .findings
                .iter()
                .map(|f| render::ocsf(f, &plan.rules))
                .collect(),
        )?,
        Format::Csv => render::csv(&mut out, &verdicts.findings)?,
    }
    if !matches!(global.format, Format::Human | Format::Json) {
        let high = verdicts
            .findings
            .iter()
            .filter(|f| f.severity >= Severity::High)
            .count();
        render::talk(
            global,
            &format!(
                "{} events · {} findings, {high} high or critical",
                verdicts.totals.events,
                verdicts.findings.len()
            ),
        );
    }
    Ok(())
}
