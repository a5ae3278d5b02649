//! `bartizan watch --once`: snapshot, difference, trail, join, incidents, store.

mod config;
mod result;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use bartizan_detect::attribution::CallMap;
use bartizan_detect::work::ActorWork;
use bartizan_detect::{Evaluation, Evaluator, FirstSeenMemory, Rules, ScanPlan};
use bartizan_evidence::{Justification, LoggedSnapshot, Storage};
use bartizan_iam::{Actions, Neighbours};
use bartizan_incident::attribution::{
    Attribution, Attributions, ChangeFindings, GrantedAccess, ShowCommands, explain, name_origins,
    tell,
};
use bartizan_incident::{IncidentInput, MergedIncident, PersistentChange, incidents, standing};
use bartizan_inventory::diff::{Change, SnapshotVersion, diff};
use bartizan_inventory::fact::{FactKinds, Hash};
use bartizan_inventory::snapshot::{Collection, RecordedSnapshot, Snapshot, side_lines};
use bartizan_model::Finding;
use bartizan_model::Severity;
use bartizan_model::time_text;
use jiff::Timestamp;

pub(crate) use super::access::diff::AccessPath;
pub(crate) use result::{
    ChangeSummary, CoverageReport, EvidenceSummary, SnapshotSummary, WatchResult,
};

use self::config::{AccountSource, Config};
use super::detect::{networks, read_all, rule_files, work_of};
use super::{Outcome, access, snapshot, table};
use crate::cli::{self, Format, Global, WatchArgs};
use crate::render::{self, Bytes, Out, shell};
use crate::store::{self, Loaded, RunState, StoreState};
use crate::trail::{TrailObject, WantedObjects, objects};

/// Names under which a run is kept in the state.
const RESULT: &str = "result";
const INPUT: &str = "input";
const MEMORY: &str = "memory";

pub(super) fn run(global: &Global, args: &WatchArgs) -> Result<Outcome> {
    let config = Config::find(args.dir.as_deref(), args.config.as_deref())?;
    let mut state = StoreState::watch(&global.store)?;
    let storage: Arc<dyn Storage> = Arc::from(store::open(global)?);
    take_snapshots(global, &config, storage.as_ref())?;
    let history = history(storage.as_ref())?;
    let wanted = WantedObjects {
        paths: &config.trail.sources,
        list: None,
        since: None,
        until: None,
        profile: config.trail.profile.as_deref(),
    };
    let (all, _) = objects(&wanted)?;
    let accepted = accepted(storage.as_ref(), &config)?;
    let now = Timestamp::now();

    let input = fingerprint(&config, &history, &all, &accepted, now);
    let watched = match (state.get(INPUT)?, last(&state)?) {
        (Some(before), Some(watched)) if before == input.as_bytes() => WatchResult {
            new: false,
            ..watched
        },
        _ => {
            let work = WatchRun {
                global,
                args,
                config: &config,
                storage: &storage,
                history,
                objects: all,
                accepted,
                now,
            };
            let watched = work.run(&mut state, &input)?;
            write_outputs(&config, &watched)?;
            watched
        }
    };
    if let Some(file) = &args.report {
        super::report::write(&watched, file)?;
    }
    print(global, &watched)?;
    let worst = watched.findings.iter().map(|f| f.severity).max();
    if args
        .fail_on
        .is_some_and(|limit| worst.is_some_and(|w| w >= limit))
    {
        return Ok(Outcome::Findings);
    }
    let incomplete = !watched.coverage.holes.is_empty()
        || watched.snapshot.iter().any(|s| s.calls_read < s.calls);
    Ok(if args.require_complete && incomplete {
        Outcome::Incomplete
    } else {
        Outcome::Done
    })
}

/// What the last watch of a store found.
pub(crate) fn last(state: &StoreState) -> Result<Option<WatchResult>> {
    let Some(bytes) = state.get(RESULT)? else {
        return Ok(None);
    };
    Ok(Some(serde_json::from_slice(&bytes).context(
        "what the last watch kept cannot be read: watch again",
    )?))
}

/// Takes the snapshots that are new. A dump that is in the log already is not taken again.
fn take_snapshots(global: &Global, config: &Config, storage: &dyn Storage) -> Result<()> {
    for source in &config.account {
        match &source.from {
            Some(folder) => import(global, source, folder, storage)?,
            None => {
                let mut keep = |brought: snapshot::CollectedSnapshot| -> Result<()> {
                    brought
                        .notes
                        .iter()
                        .for_each(|note| render::note(global, note));
                    brought.gaps.iter().for_each(|(account, reason)| {
                        render::note(
                            global,
                            &format!("account {}: {reason}", account.as_deref().unwrap_or("?")),
                        );
                    });
                    let recorded: Vec<RecordedSnapshot> = brought
                        .collections
                        .into_iter()
                        .map(Collection::record)
                        .collect();
                    store::append(global, storage, &recorded, &brought.gaps, Timestamp::now())
                        .map(drop)
                };
                snapshot::take(global, &live(source), &mut keep)?;
            }
        }
    }
    Ok(())
}

/// The arguments of `bartizan snapshot` that mean the same.
fn live(source: &AccountSource) -> cli::SnapshotArgs {
    cli::SnapshotArgs {
        profile: source.profile.clone(),
        role_arn: source.role_arn.iter().cloned().collect(),
        external_id: source.external_id.clone(),
        org: source.org.clone(),
        regions: source.regions.clone(),
        from: None,
        time: None,
        max_rps: None,
        in_flight: bartizan_model::limits::CALLS_IN_FLIGHT,
        calls: Vec::new(),
        require_complete: false,
    }
}

fn import(
    global: &Global,
    source: &AccountSource,
    folder: &Path,
    storage: &dyn Storage,
) -> Result<()> {
    let (model, table) = table(&[])?;
    for (dump, time) in dumps(folder)? {
        let (collections, notes) =
            snapshot::imported(&model, &table, &dump, time, &source.regions, || {
                store::kinds_to_keep(global)
            })
            .with_context(|| format!("could not import {}", dump.display()))?;
        notes
            .iter()
            .for_each(|note| render::note(global, &format!("{}: {note}", dump.display())));
        let known = history(storage)?;
        let recorded: Vec<RecordedSnapshot> =
            collections.into_iter().map(Collection::record).collect();
        let new: Vec<RecordedSnapshot> = recorded
            .into_iter()
            .filter(|r| {
                !known
                    .iter()
                    .any(|k| k.snapshot.facts.sha256 == Hash::of(r.text.as_bytes()).to_string())
            })
            .collect();
        if !new.is_empty() {
            store::append(global, storage, &new, &[], time)?;
        }
    }
    Ok(())
}

/// The dumps of a folder, oldest first: folders named by a time, or the folder itself.
fn dumps(folder: &Path) -> Result<Vec<(PathBuf, Timestamp)>> {
    let mut found = Vec::new();
    for entry in
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        let time = path
            .file_name()
            .and_then(|n| dump_time(&n.to_string_lossy()));
        found.extend(time.map(|time| (path, time)));
    }
    found.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    if found.is_empty() {
        // Without a name that tells, the newest file tells when the dump was made.
        let newest = newest(folder)?.unwrap_or(Timestamp::UNIX_EPOCH);
        found.push((folder.to_owned(), newest));
    }
    Ok(found)
}

fn newest(folder: &Path) -> Result<Option<Timestamp>> {
    let mut newest = None;
    for entry in
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let entry = entry?;
        let time = if entry.file_type()?.is_dir() {
            self::newest(&entry.path())?
        } else {
            entry
                .metadata()?
                .modified()
                .ok()
                .and_then(|t| Timestamp::try_from(t).ok())
        };
        newest = newest.max(time);
    }
    Ok(newest)
}

/// `20260310T000000Z`, or RFC 3339.
fn dump_time(name: &str) -> Option<Timestamp> {
    if let Ok(time) = name.parse() {
        return Some(time);
    }
    let (date, time) = name.strip_suffix('Z')?.split_once('T')?;
    let plain = date.len() == 8
        && time.len() == 6
        && (date.to_owned() + time).bytes().all(|b| b.is_ascii_digit());
    if !plain {
        return None;
    }
    format!(
        "{}-{}-{}T{}:{}:{}Z",
        &date[..4],
        &date[4..6],
        &date[6..],
        &time[..2],
        &time[2..4],
        &time[4..]
    )
    .parse()
    .ok()
}

fn history(storage: &dyn Storage) -> Result<Vec<LoggedSnapshot>> {
    match bartizan_evidence::EvidenceLog::open(storage) {
        Ok(log) => Ok(bartizan_evidence::snapshots(&log)?),
        Err(bartizan_evidence::LogError::NoLog(_)) => Ok(Vec::new()),
        Err(e) => Err(e.into()),
    }
}

/// Everything that was accepted, in the log and in the configuration.
fn accepted(storage: &dyn Storage, config: &Config) -> Result<Vec<Justification>> {
    let mut list: Vec<Justification> = match bartizan_evidence::EvidenceLog::open(storage) {
        Ok(log) => bartizan_evidence::justifications(&log)?
            .into_iter()
            .map(|(_, _, j)| j)
            .collect(),
        Err(_) => Vec::new(),
    };
    for accept in &config.accept {
        let until = accept
            .until
            .as_deref()
            .map(super::accept::until)
            .transpose()
            .with_context(|| format!("[[accept]] {}", accept.finding))?;
        list.push(Justification {
            finding: accept.finding.clone(),
            title: String::new(),
            grant: None,
            reason: accept.reason.clone(),
            until: until.map(|t| t.to_string()),
        });
    }
    Ok(list)
}

/// What a run depends on: where nothing of it moved, there is nothing to do.
fn fingerprint(
    config: &Config,
    history: &[LoggedSnapshot],
    objects: &[TrailObject],
    accepted: &[Justification],
    now: Timestamp,
) -> String {
    let mut text = format!("{} {config:?}\n", super::TOOL);
    history
        .iter()
        .for_each(|k| text.push_str(&format!("{} {}\n", k.index, k.snapshot.facts.sha256)));
    objects
        .iter()
        .for_each(|o| text.push_str(&format!("{} {:?}\n", o.name, o.bytes)));
    let holds = |j: &&Justification| {
        j.until
            .as_ref()
            .is_none_or(|u| u.parse::<Timestamp>().is_ok_and(|u| u >= now))
    };
    accepted
        .iter()
        .filter(holds)
        .for_each(|j| text.push_str(&format!("{j:?}\n")));
    Hash::of(text.as_bytes()).to_string()
}

struct WatchRun<'a> {
    global: &'a Global,
    args: &'a WatchArgs,
    config: &'a Config,
    storage: &'a Arc<dyn Storage>,
    history: Vec<LoggedSnapshot>,
    objects: Vec<TrailObject>,
    accepted: Vec<Justification>,
    now: Timestamp,
}

/// What the pairs of snapshots came to.
#[derive(Default)]
struct ComparedSnapshots {
    findings: Vec<Finding>,
    changes: Vec<ChangeSummary>,
    standing: BTreeMap<String, PersistentChange>,
    power: BTreeMap<String, String>,
    gives: BTreeMap<String, Vec<GrantedAccess>>,
    /// Accounts with two snapshots, and when the latest was taken.
    taken_s: BTreeMap<String, i64>,
    paths: Vec<access::diff::AccessPath>,
    snapshot: Vec<SnapshotSummary>,
    coverage: CoverageReport,
}

impl WatchRun<'_> {
    fn run(self, state: &mut StoreState, input: &str) -> Result<WatchResult> {
        let since = self.since();
        let known = state.objects()?;
        let old = |o: &TrailObject| o.delivered().is_some_and(|time| time < since);
        let (leaving, reading): (Vec<&TrailObject>, Vec<&TrailObject>) =
            self.objects.iter().partition(|o| old(o));
        let memory = self.memory(state, &leaving, &known)?;
        let learned = memory.as_ref().map(FirstSeenMemory::to_bytes);
        let memory = memory.unwrap_or_default();
        let map = CallMap::builtin();
        let plan = self.plan(memory)?;
        let mut verdicts = self.read(&plan, &reading, false);
        let mut compared = self.compare(&map, &verdicts, since)?;
        compared.findings.append(&mut verdicts.findings);
        self.mark_accepted(&mut compared);
        compared.findings.sort_by(|a, b| {
            (b.severity, &a.first_time, &a.id).cmp(&(a.severity, &b.first_time, &b.id))
        });
        compared.findings.dedup_by(|a, b| a.id == b.id);
        let accepted: BTreeSet<String> = compared
            .findings
            .iter()
            .filter(|f| self.is_accepted(f))
            .map(|f| f.id.clone())
            .collect();
        compared.coverage.accepted = accepted.len();
        let actors = work_of(&mut verdicts.work, &compared.findings);
        let known_incidents = state.incidents()?;
        let (found, merges) = incidents(&IncidentInput {
            findings: &compared.findings,
            map: &map,
            attribution: &verdicts.attribution,
            standing: &compared.standing,
            compared: &compared.taken_s,
            as_of_s: verdicts
                .totals
                .last_s
                .into_iter()
                .chain(compared.taken_s.values().copied())
                .max()
                .unwrap_or(0),
            gives: &compared.gives,
            work: &actors,
            power: &compared.power,
            accepted: &accepted,
            known: &known_incidents,
        });
        name_origins(&verdicts.attribution, &mut compared.findings);
        let read: Vec<(String, Option<u64>, bool)> = self
            .objects
            .iter()
            .map(|o| (o.name.clone(), o.bytes, old(o)))
            .filter(|(name, bytes, l)| known.get(name) != Some(&(*bytes, *l)))
            .collect();
        let watched = self.told(compared, found, (&merges, actors), &verdicts)?;
        let mut kept = vec![
            (RESULT, serde_json::to_vec(&watched)?),
            (INPUT, input.as_bytes().to_vec()),
        ];
        kept.extend(learned.map(|bytes| (MEMORY, bytes)));
        state.keep(RunState {
            findings: &watched.findings,
            since: &since.to_string(),
            incidents: &watched.incidents,
            merges: &merges,
            objects: &read,
            kept,
        })?;
        Ok(watched)
    }

    /// From when on everything is looked at again: so long before the newest thing there is.
    fn since(&self) -> Timestamp {
        if self.config.trail.lookback_days == 0 {
            return Timestamp::UNIX_EPOCH;
        }
        let snapshots = || {
            self.history
                .iter()
                .filter_map(|k| k.snapshot.taken.1.parse::<Timestamp>().ok())
                .max()
        };
        let newest = self
            .objects
            .iter()
            .filter_map(TrailObject::delivered)
            .max()
            .or_else(snapshots)
            .unwrap_or(self.now);
        let back =
            jiff::SignedDuration::from_hours(24 * i64::from(self.config.trail.lookback_days));
        newest.checked_sub(back).unwrap_or(Timestamp::MIN)
    }

    fn plan(&self, memory: FirstSeenMemory) -> Result<ScanPlan> {
        Ok(ScanPlan {
            rules: Rules::load(&rule_files(
                &self.config.rules.paths,
                self.config.rules.builtin,
            )?),
            networks: networks(
                &self.config.networks.geo,
                self.config.networks.ip_ranges.as_deref(),
            )?,
            memory,
            tally: false,
            calls: Some(CallMap::builtin()),
        })
    }

    fn read(&self, plan: &ScanPlan, objects: &[&TrailObject], learn: bool) -> Evaluation {
        let threads = self.args.threads.map_or_else(
            || std::thread::available_parallelism().map_or(1, Into::into),
            usize::from,
        );
        let mut judge = Evaluator::new(plan);
        let bar = Bytes::new(self.global, objects.iter().map(|o| o.bytes).sum());
        read_all(objects, plan, threads, &bar, &mut judge);
        bar.clear();
        let sources: Vec<String> = self.config.trail.sources.iter().map(|s| shell(s)).collect();
        judge.finish(learn, &|id| {
            format!("bartizan detect {} --event {id}", sources.join(" "))
        })
    }

    /// What is remembered of objects that are older than what is looked at again; those that just
    /// became so are learned.
    fn memory(
        &self,
        state: &StoreState,
        leaving: &[&TrailObject],
        known: &BTreeMap<String, (Option<u64>, bool)>,
    ) -> Result<Option<FirstSeenMemory>> {
        let kept = state.get(MEMORY)?;
        let to_learn: Vec<&TrailObject> = leaving
            .iter()
            .copied()
            .filter(|o| !known.get(&o.name).is_some_and(|(_, learned)| *learned))
            .collect();
        let memory = match kept {
            Some(bytes) => Some(
                FirstSeenMemory::from_bytes(&bytes)
                    .map_err(anyhow::Error::msg)
                    .context("the memory in the state cannot be read")?,
            ),
            // `detect --learn` may have taught something before.
            None => self
                .storage
                .read("detect/first-seen")
                .ok()
                .map(|_| super::detect::remembered(self.storage.as_ref()))
                .transpose()?,
        };
        if to_learn.is_empty() {
            return Ok(memory);
        }
        let memory = match memory {
            Some(memory) => memory,
            None => super::detect::remembered(self.storage.as_ref())?,
        };
        let plan = ScanPlan {
            calls: None,
            ..self.plan(memory)?
        };
        Ok(Some(self.read(&plan, &to_learn, true).memory))
    }

    /// Compares each two snapshots of an account that follow one another.
    fn compare(
        &self,
        map: &CallMap,
        verdicts: &Evaluation,
        since: Timestamp,
    ) -> Result<ComparedSnapshots> {
        let mut compared = ComparedSnapshots::default();
        let history = Arc::new(self.history.clone());
        let accounts: BTreeSet<&str> = self
            .history
            .iter()
            .map(|k| k.snapshot.account.as_str())
            .collect();
        let neighbours = self.neighbours()?;
        for account in accounts {
            let own: Vec<&LoggedSnapshot> = self
                .history
                .iter()
                .filter(|k| k.snapshot.account == account)
                .collect();
            let Some(newest) = own.last() else { continue };
            let latest = Loaded::kept(self.storage, &history, newest)?;
            compared.snapshot.push(SnapshotSummary {
                id: newest.index,
                account: account.to_owned(),
                taken: newest.snapshot.taken.1.clone(),
                facts: newest.snapshot.count,
                calls_read: newest.snapshot.coverage.0,
                calls: newest.snapshot.coverage.1,
            });
            if let (true, Ok(taken)) = (own.len() > 1, newest.snapshot.taken.1.parse::<Timestamp>())
            {
                compared
                    .taken_s
                    .insert(account.to_owned(), taken.as_second());
            }
            compared
                .power
                .extend(access::diff::power(&latest, Actions::builtin())?);
            for pair in own.windows(2) {
                let recent = pair[1]
                    .snapshot
                    .taken
                    .1
                    .parse::<Timestamp>()
                    .is_ok_and(|t| t >= since);
                if recent {
                    let (before, after) = (
                        Loaded::kept(self.storage, &history, pair[0])?,
                        Loaded::kept(self.storage, &history, pair[1])?,
                    );
                    self.pair(
                        map,
                        verdicts,
                        (&before, &after, &latest),
                        &neighbours,
                        &mut compared,
                    )?;
                }
            }
        }
        compared.changes.sort_by(|a, b| {
            (severity(&b.severity), &a.kind, &a.id).cmp(&(severity(&a.severity), &b.kind, &b.id))
        });
        Ok(compared)
    }

    fn neighbours(&self) -> Result<Neighbours> {
        let mut neighbours = Neighbours {
            friendly: self.config.friendly.clone(),
            ..Neighbours::default()
        };
        if let Some(file) = &self.config.vendors {
            neighbours.vendors = access::public::vendors(file)?;
        }
        Ok(neighbours)
    }

    fn pair(
        &self,
        map: &CallMap,
        verdicts: &Evaluation,
        (before, after, latest): (&Loaded, &Loaded, &Loaded),
        neighbours: &Neighbours,
        compared: &mut ComparedSnapshots,
    ) -> Result<()> {
        let (old, new, last) = (parsed(before)?, parsed(after)?, parsed(latest)?);
        let kinds = FactKinds::builtin();
        let versions = (
            SnapshotVersion {
                snapshot: &old,
                side: side_lines(&before.side).collect(),
                documents: &before.documents,
            },
            SnapshotVersion {
                snapshot: &new,
                side: side_lines(&after.side).collect(),
                documents: &after.documents,
            },
        );
        let difference = diff(&kinds, &versions.0, &versions.1);
        let explained = explain(
            map,
            &kinds,
            &difference.changes,
            (&versions.0, &versions.1),
            &verdicts.attribution,
        );
        let grants = difference.changes.iter().any(|c| access::wanted(&c.kind));
        let consequences = if grants {
            let changed =
                access::diff::reached(before, after, Actions::builtin(), neighbours.clone())?;
            compared.paths.extend(changed.paths());
            changed.consequences()
        } else {
            Vec::new()
        };
        let sources: Vec<String> = self.config.trail.sources.iter().map(|s| shell(s)).collect();
        let show = |c: &Change| {
            let store = if self.global.store == "bartizan-store" {
                String::new()
            } else {
                format!(" --store {}", shell(&self.global.store))
            };
            format!(
                "bartizan diff {} {}{store} --fact {}",
                before.name,
                after.name,
                shell(&format!("{} {}", c.kind, c.id))
            )
        };
        let show_event = |id: &str| format!("bartizan detect {} --event {id}", sources.join(" "));
        let told = tell(
            &difference.changes,
            &explained,
            &verdicts.attribution,
            &consequences,
            &ShowCommands {
                change: &show,
                event: &show_event,
            },
        );
        compared
            .standing
            .extend(standing(&difference.changes, &told, &last));
        compared
            .changes
            .extend(changes_told(&difference.changes, &explained, &told));
        let coverage = &mut compared.coverage;
        let folded = &difference.folded;
        for (sum, n) in coverage.folded.iter_mut().zip([
            folded.volatile,
            folded.derived,
            folded.vendor,
            folded.cosmetic,
        ]) {
            *sum += n;
        }
        coverage.undone_folded += told.folded;
        if folded.not_comparable > 0 {
            let n = folded.not_comparable;
            coverage.unknown.push(format!(
                "{n} facts hold values that another key hid before: whether those \
                changed cannot be told"
            ));
        }
        coverage.unknown.extend(difference.unknown.iter().map(|u| {
            let ids: Vec<&str> = u.ids.iter().take(3).map(String::as_str).collect();
            let more = if u.ids.len() > 3 { ", …" } else { "" };
            format!(
                "{} {} in {}: {}, {}: {}{more}",
                u.ids.len(),
                u.kind,
                u.region,
                u.unseen_in,
                u.reason,
                ids.join(", ")
            )
        }));
        for one in &explained.changes {
            *coverage
                .attributed
                .entry(matched_word(one.matched).to_owned())
                .or_default() += 1;
        }
        compared.gives.extend(told.gives);
        compared.findings.extend(told.findings);
        Ok(())
    }

    fn is_accepted(&self, finding: &Finding) -> bool {
        self.accepted.iter().any(|j| j.accepts(finding, self.now))
    }

    /// What was accepted is no alarm, and stays to be seen.
    fn mark_accepted(&self, compared: &mut ComparedSnapshots) {
        for finding in &mut compared.findings {
            if let Some(j) = self.accepted.iter().find(|j| j.accepts(finding, self.now)) {
                let until = j
                    .until
                    .as_ref()
                    .map(|u| format!(" until {u}"))
                    .unwrap_or_default();
                finding.because.insert(
                    0,
                    format!("accepted{until}: {}; it was {}", j.reason, finding.severity),
                );
                finding.severity = Severity::Info;
            }
        }
    }

    fn told(
        &self,
        compared: ComparedSnapshots,
        found: Vec<bartizan_incident::Incident>,
        (merges, actors): (&[MergedIncident], Vec<ActorWork>),
        verdicts: &Evaluation,
    ) -> Result<WatchResult> {
        let totals = &verdicts.totals;
        let mut coverage = compared.coverage;
        if verdicts.work.dropped + verdicts.work.acts_dropped > 0 {
            let (events, acts) = (verdicts.work.dropped, verdicts.work.acts_dropped);
            coverage.holes.push(format!(
                "{events} events and {acts} things made that what actors did has no room for"
            ));
        }
        coverage.events = totals.events;
        coverage.objects = totals.objects;
        (coverage.first_event, coverage.last_event) =
            (totals.first_s.map(time_text), totals.last_s.map(time_text));
        coverage.holes = render::holes(totals);
        if verdicts.attribution.dropped > 0 {
            coverage.holes.push(format!(
                "{} calls, credentials or addresses that the join had no room for",
                verdicts.attribution.dropped
            ));
        }
        if self.history.is_empty() {
            coverage
                .holes
                .push("no snapshot: what changed is not known".to_owned());
        }
        let accounts: BTreeSet<&str> = self
            .history
            .iter()
            .map(|k| k.snapshot.account.as_str())
            .collect();
        for account in accounts {
            if self
                .history
                .iter()
                .filter(|k| k.snapshot.account == account)
                .count()
                == 1
            {
                coverage.holes.push(format!(
                    "account {account} has one snapshot only: what changed is not known yet"
                ));
            }
        }
        if self.objects.is_empty() {
            coverage
                .holes
                .push("no trail: who did it is not known".to_owned());
        }
        if let Some(bill) = Config::bill(self.args.dir.as_deref()) {
            coverage.holes.push(format!(
                "{}: the bill is not read by this version",
                bill.display()
            ));
        }
        let newest = self
            .history
            .iter()
            .map(|k| k.snapshot.taken.1.clone())
            .chain(coverage.last_event.clone())
            .max();
        let evidence = match bartizan_evidence::EvidenceLog::open(self.storage.as_ref()) {
            Ok(log) => EvidenceSummary {
                store: self.storage.place(),
                log_size: log.size(),
                head: String::from_utf8_lossy(log.head())
                    .lines()
                    .nth(2)
                    .unwrap_or_default()
                    .to_owned(),
                key: log.public().to_owned(),
            },
            Err(_) => EvidenceSummary {
                store: self.storage.place(),
                ..EvidenceSummary::default()
            },
        };
        Ok(WatchResult {
            new: true,
            as_of: newest.unwrap_or_default(),
            snapshot: compared.snapshot,
            changes: compared.changes,
            findings: compared.findings,
            incidents: found,
            actors,
            merged: merges
                .iter()
                .map(|m| (m.from.clone(), m.into.clone()))
                .collect(),
            paths: compared.paths,
            coverage,
            evidence,
        })
    }
}

fn parsed(loaded: &Loaded) -> Result<Snapshot<'_>> {
    Snapshot::parse(&loaded.text).map_err(|e| anyhow::anyhow!("{}: {e}", loaded.name))
}

fn severity(word: &str) -> Severity {
    serde_json::from_value(word.into()).unwrap_or_default()
}

fn matched_word(matched: Attribution) -> &'static str {
    match matched {
        Attribution::Exact => "exact",
        Attribution::Likely => "likely",
        Attribution::Mismatch => "mismatch",
        Attribution::WithoutCall => "without-call",
        Attribution::Unknown => "unknown",
        Attribution::TooEarly => "too-early",
        Attribution::NoCallExpected => "no-call-expected",
    }
}

fn changes_told(
    changes: &[Change],
    explanations: &Attributions,
    told: &ChangeFindings,
) -> Vec<ChangeSummary> {
    let findings: BTreeMap<usize, &Finding> = told
        .findings
        .iter()
        .filter_map(|f| told.changes.get(&f.id).map(|n| (*n, f)))
        .collect();
    let mut list = Vec::new();
    for explained in &explanations.changes {
        let change = &changes[explained.change];
        let Some(finding) = findings.get(&explained.change) else {
            continue;
        };
        let call = finding.evidence.iter().find_map(|e| match e {
            bartizan_model::Evidence::Event { id, time, call, .. } => {
                Some((id.clone(), time.clone(), call.clone()))
            }
            _ => None,
        });
        list.push(ChangeSummary {
            sign: change.verdict.sign(),
            severity: finding.severity.to_string(),
            kind: change.kind.clone(),
            title: change.title.clone(),
            account: change.account.clone(),
            region: change.region.clone(),
            id: change.id.clone(),
            lines: render::lines_of(change, false)
                .into_iter()
                .take(bartizan_model::limits::DIFF_LINES_MAX)
                .collect(),
            access: change.access.as_ref().map(|a| a.verdict.word().to_owned()),
            gained: change
                .access
                .as_ref()
                .map(|a| a.gained.clone())
                .unwrap_or_default(),
            lost: change
                .access
                .as_ref()
                .map(|a| a.lost.clone())
                .unwrap_or_default(),
            attributed: matched_word(explained.matched).to_owned(),
            by: finding
                .actor
                .as_ref()
                .map(|a| a.origin.clone())
                .unwrap_or_default(),
            call: call.as_ref().map(|c| c.2.clone()),
            event: call.as_ref().map(|c| c.0.clone()),
            time: call.map(|c| c.1),
            because: finding.because.clone(),
            finding: finding.id.clone(),
            show: finding.show.clone(),
        });
    }
    list
}

fn write_outputs(config: &Config, watched: &WatchResult) -> Result<()> {
    if let Some(file) = &config.output.findings {
        let lines: Vec<String> = watched
            .findings
            .iter()
            .map(serde_json::to_string)
            .collect::<Result<_, _>>()?;
        let text: String = lines.iter().map(|l| format!("{l}\n")).collect();
        std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    if let Some(file) = &config.output.report {
        super::report::write(watched, file)?;
    }
    Ok(())
}

fn print(global: &Global, watched: &WatchResult) -> Result<()> {
    let mut out = Out::new();
    match global.format {
        Format::Human => render::watched(&mut out, watched, &global.store)?,
        Format::Ndjson => {
            let rows = watched
                .incidents
                .iter()
                .map(|i| serde_json::json!({"incident": i}));
            let rows = rows.chain(
                watched
                    .actors
                    .iter()
                    .map(|a| serde_json::json!({"actor": a})),
            );
            let rows = rows.chain(
                watched
                    .findings
                    .iter()
                    .map(|f| serde_json::json!({"finding": f})),
            );
            let mut rows: Vec<serde_json::Value> = rows.collect();
            rows.push(serde_json::json!({
                "coverage": watched.coverage,
                "snapshot": watched.snapshot,
                "evidence": watched.evidence,
            }));
            out.json(Format::Ndjson, rows)?;
        }
        _ => out.json(Format::Json, vec![serde_json::to_value(watched)?])?,
    }
    out.flush()
}
