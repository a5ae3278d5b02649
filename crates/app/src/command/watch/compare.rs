//! Comparing each two snapshots of an account that follow one another, and attributing the changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Result;
use bartizan_detect::DetectionResult;
use bartizan_detect::attribution::{AttributionIndex, BUCKET_S, CallMap};
use bartizan_evidence::LoggedSnapshot;
use bartizan_iam::{Actions, KnownAccounts};
use bartizan_incident::attribution::{
    AttributedChange, Attribution, Attributions, ChangeFindings, GrantedAccess, ShowCommands,
    explain, tell,
};
use bartizan_incident::{PersistentChange, standing};
use bartizan_inventory::diff::{Change, SnapshotDiff, SnapshotVersion, diff};
use bartizan_inventory::fact::FactKinds;
use bartizan_inventory::snapshot::{Snapshot, side_lines};
use bartizan_model::limits::DIFF_LINES_MAX;
use bartizan_model::{Actor, Evidence, Finding};
use bartizan_trail::EventId;
use jiff::Timestamp;

use super::health::{lost_permissions, permission_lost};
use super::inputs::WatchInputs;
use super::organizations::KeptOrganizations;
use crate::access::{self, StatePair};
use crate::render::{lines_of, shell, store_option};
use crate::store::Loaded;
use crate::watch_result::{AccessPath, ChangeSummary, CoverageReport, SnapshotSummary};

/// Result of comparing all pairs of snapshots.
#[derive(Default)]
pub(super) struct ComparedSnapshots {
    pub(super) findings: Vec<Finding>,
    pub(super) changes: Vec<ChangeSummary>,
    pub(super) standing: BTreeMap<String, PersistentChange>,
    pub(super) power: BTreeMap<String, String>,
    pub(super) gives: BTreeMap<String, Vec<GrantedAccess>>,
    /// Accounts with two snapshots, and when the latest was taken.
    pub(super) taken_s: BTreeMap<String, i64>,
    pub(super) paths: Vec<AccessPath>,
    pub(super) snapshot: Vec<SnapshotSummary>,
    /// By account and time.
    pub(super) pairs: Vec<ExplainedPair>,
    pub(super) coverage: CoverageReport,
}

/// Two snapshots of an account that follow one another, and who made each change between them.
#[derive(Clone)]
pub(super) struct ExplainedPair {
    pub(super) account: String,
    /// Ids of the snapshots.
    pub(super) before: u64,
    pub(super) after: u64,
    /// By kind, region and id of the fact.
    pub(super) changes: BTreeMap<(String, String, String), ExplainedFact>,
}

/// Attribution of a changed fact.
#[derive(Clone)]
pub(super) struct ExplainedFact {
    pub(super) matched: Attribution,
    /// Lasting key of who began it: ARN of a user, `instance i-0a1b`.
    pub(super) origin: Option<String>,
    /// Caller and records of the change, where it is a finding.
    pub(super) actor: Option<Actor>,
    pub(super) events: Vec<Evidence>,
}

/// Compared pairs of earlier runs of this process, by the ids of their snapshots. Snapshots never
/// change; what the trail says of the time around them may.
#[derive(Default)]
pub(super) struct ComparedPairs {
    pairs: BTreeMap<(u64, u64), PairOutcome>,
    /// Administrators by account, with the id of the snapshot.
    power: BTreeMap<String, (u64, BTreeMap<String, String>)>,
}

impl ComparedPairs {
    /// Administrators of the newest snapshot of an account, by ARN.
    fn power(
        &mut self,
        latest: &Loaded,
        newest: &LoggedSnapshot,
        organizations: &mut KeptOrganizations<'_>,
    ) -> Result<BTreeMap<String, String>> {
        let account = &newest.snapshot.account;
        let known = self.power.get(account);
        if let Some((_, power)) = known.filter(|(id, _)| *id == newest.index) {
            return Ok(power.clone());
        }
        let organizations = organizations.at(newest.index)?;
        let power = access::power(latest, &organizations, Actions::builtin())?;
        self.power
            .insert(account.clone(), (newest.index, power.clone()));
        Ok(power)
    }
}

/// Comparison of one pair.
struct PairOutcome {
    /// Content of the trail when the pair was compared.
    seen: TrailAround,
    changes: Vec<Change>,
    told: ChangeFindings,
    summaries: Vec<ChangeSummary>,
    explained: Option<ExplainedPair>,
    paths: Vec<AccessPath>,
    coverage: CoverageReport,
    /// Permissions that our role lost.
    lost: Option<Finding>,
}

/// How much the trail says of the time around two snapshots. Nothing is taken away while a process
/// runs, so equal counts mean equal content.
#[derive(Debug, PartialEq, Eq)]
struct TrailAround {
    mutations: usize,
    issued: usize,
    heard: usize,
    verified: Vec<(i64, i64)>,
}

/// Times of the credentials that the trail issued, in order.
struct IssuedTimes(Vec<i64>);

/// Seconds around two snapshots in which the trail may matter to the changes between them: twice
/// the longest chain of sessions that an identity provider may begin (12 hours each), and a day for
/// what is delivered late.
const AROUND_S: i64 = 48 * 3600;

impl TrailAround {
    fn of(
        attribution: &AttributionIndex,
        issued: &IssuedTimes,
        (from_s, to_s): (i64, i64),
    ) -> Self {
        let (from, to) = (from_s - AROUND_S, to_s + AROUND_S);
        let first = EventId::from(0);
        let heard = attribution.presence.values();
        let verified = attribution.verified.values().flatten();
        Self {
            mutations: attribution
                .mutations
                .range((from, first)..(to, first))
                .count(),
            issued: issued.0.partition_point(|t| *t < to) - issued.0.partition_point(|t| *t < from),
            heard: heard
                .map(|buckets| buckets.range(from / BUCKET_S..to / BUCKET_S).count())
                .sum(),
            verified: verified
                .filter(|(start, end)| *end >= from && *start <= to)
                .copied()
                .collect(),
        }
    }
}

impl IssuedTimes {
    fn of(attribution: &AttributionIndex) -> Self {
        // The record of the caller's own account replaces that of the role's account, so it counts
        // twice.
        let times = attribution.issued.values().flat_map(|i| {
            let own = i.who.actor.kind != "AWSAccount";
            std::iter::repeat_n(i.time_s, 1 + usize::from(own))
        });
        let mut times: Vec<i64> = times.collect();
        times.sort_unstable();
        Self(times)
    }
}

/// Compares each two snapshots of an account that follow one another.
pub(super) fn compare(
    inputs: &WatchInputs<'_>,
    map: &CallMap,
    verdicts: &DetectionResult,
    since: Timestamp,
    known: &mut ComparedPairs,
) -> Result<ComparedSnapshots> {
    let mut compared = ComparedSnapshots::default();
    let history = Arc::new(inputs.history.clone());
    let mut run = ComparisonRun {
        inputs,
        map,
        verdicts,
        issued: IssuedTimes::of(&verdicts.attribution),
        history: &history,
        neighbours: inputs.neighbours()?,
        organizations: KeptOrganizations::new(inputs.storage, &history),
    };
    let accounts: BTreeSet<&str> = history
        .iter()
        .map(|k| k.snapshot.account.as_str())
        .collect();
    for account in accounts {
        let own = history.iter().filter(|k| k.snapshot.account == account);
        let own: Vec<&LoggedSnapshot> = own.collect();
        run.account(&own, since, known, &mut compared)?;
    }
    compared
        .changes
        .sort_by(|a, b| (b.severity, &a.kind, &a.id).cmp(&(a.severity, &b.kind, &b.id)));
    Ok(compared)
}

/// Inputs that all comparisons of a run share.
struct ComparisonRun<'a> {
    inputs: &'a WatchInputs<'a>,
    map: &'a CallMap,
    verdicts: &'a DetectionResult,
    issued: IssuedTimes,
    history: &'a Arc<Vec<LoggedSnapshot>>,
    neighbours: KnownAccounts,
    organizations: KeptOrganizations<'a>,
}

impl ComparisonRun<'_> {
    /// Compares the snapshots of one account, oldest first.
    fn account(
        &mut self,
        own: &[&LoggedSnapshot],
        since: Timestamp,
        known: &mut ComparedPairs,
        compared: &mut ComparedSnapshots,
    ) -> Result<()> {
        let Some(newest) = own.last() else {
            return Ok(());
        };
        let account = &newest.snapshot.account;
        let latest = Loaded::kept(self.inputs.storage, self.history, newest)?;
        compared.snapshot.push(SnapshotSummary {
            id: newest.index,
            account: account.clone(),
            taken: newest.snapshot.taken.1.clone(),
            facts: newest.snapshot.count,
            calls_read: newest.snapshot.coverage.0,
            calls: newest.snapshot.coverage.1,
        });
        if let (true, Ok(taken)) = (own.len() > 1, newest.snapshot.taken.1.parse::<Timestamp>()) {
            compared.taken_s.insert(account.clone(), taken.as_second());
        }
        let power = known.power(&latest, newest, &mut self.organizations)?;
        compared.power.extend(power);
        let last = parsed(&latest)?;
        for pair in own.windows(2) {
            let taken = |k: &LoggedSnapshot| k.snapshot.taken.1.parse::<Timestamp>();
            let (Ok(before), Ok(after)) = (taken(pair[0]), taken(pair[1])) else {
                continue;
            };
            if after < since {
                continue;
            }
            let times = (before.as_second(), after.as_second());
            let seen = TrailAround::of(&self.verdicts.attribution, &self.issued, times);
            let key = (pair[0].index, pair[1].index);
            let outcome = match known.pairs.remove(&key) {
                Some(outcome) if outcome.seen == seen => outcome,
                _ => self.pair(pair[0], pair[1], seen)?,
            };
            compared.add(&outcome, &last);
            known.pairs.insert(key, outcome);
        }
        Ok(())
    }

    fn pair(
        &mut self,
        before: &LoggedSnapshot,
        after: &LoggedSnapshot,
        seen: TrailAround,
    ) -> Result<PairOutcome> {
        let loaded = |kept| Loaded::kept(self.inputs.storage, self.history, kept);
        let (old, new) = (loaded(before)?, loaded(after)?);
        let bound = (
            self.organizations.at(before.index)?,
            self.organizations.at(after.index)?,
        );
        let states = StatePair {
            before: &old,
            after: &new,
            organizations: (&bound.0, &bound.1),
        };
        let neighbours = &self.neighbours;
        compare_pair(
            self.inputs,
            self.map,
            self.verdicts,
            &states,
            neighbours,
            seen,
        )
    }
}

impl ComparedSnapshots {
    /// Adds a pair. `last`: newest snapshot of the account.
    fn add(&mut self, pair: &PairOutcome, last: &Snapshot<'_>) {
        if !pair.changes.is_empty() {
            self.standing
                .extend(standing(&pair.changes, &pair.told, last));
        }
        self.changes.extend(pair.summaries.iter().cloned());
        self.pairs.extend(pair.explained.clone());
        self.paths.extend(pair.paths.iter().cloned());
        self.gives.extend(pair.told.gives.clone());
        self.findings.extend(pair.told.findings.iter().cloned());
        self.findings.extend(pair.lost.clone());
        let (sum, of_pair) = (&mut self.coverage, &pair.coverage);
        for (sum, n) in sum.folded.iter_mut().zip(of_pair.folded) {
            *sum += n;
        }
        sum.undone_folded += of_pair.undone_folded;
        sum.unknown.extend(of_pair.unknown.iter().cloned());
        for (word, n) in &of_pair.attributed {
            *sum.attributed.entry(word.clone()).or_default() += n;
        }
    }
}

fn compare_pair(
    inputs: &WatchInputs<'_>,
    map: &CallMap,
    verdicts: &DetectionResult,
    states: &StatePair<'_>,
    neighbours: &KnownAccounts,
    seen: TrailAround,
) -> Result<PairOutcome> {
    let (before, after) = (states.before, states.after);
    let (old, new) = (parsed(before)?, parsed(after)?);
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
    let (mut paths, mut consequences) = (Vec::new(), Vec::new());
    if grants || states.is_otherwise_bound() {
        let changed = access::reached(states, Actions::builtin(), neighbours.clone())?;
        paths = changed.paths();
        consequences = changed.consequences();
    }
    let show = |c: &Change| {
        let store = store_option(inputs.global);
        format!(
            "bartizan diff {} {}{store} --fact {}",
            before.name,
            after.name,
            shell(&format!("{} {}", c.kind, c.id))
        )
    };
    let told = tell(
        &difference.changes,
        &explained,
        &verdicts.attribution,
        &consequences,
        &ShowCommands {
            change: &show,
            event: &|id| inputs.show_event(id),
        },
    );
    let lost = lost_permissions(&old.header.coverage, &new.header.coverage);
    let ends_s = |s: &Snapshot<'_>| s.header.time_ms.1.div_euclid(1000);
    let lost = permission_lost(&new.header.account, &lost, (ends_s(&old), ends_s(&new)));
    let facts = explained_facts(&difference.changes, &explained, &told);
    let ids = before.id.zip(after.id);
    let mut coverage = CoverageReport::default();
    count(&mut coverage, &difference, &explained, told.folded);
    Ok(PairOutcome {
        seen,
        summaries: change_summaries(&difference.changes, &explained, &told),
        explained: ids.map(|(before, after)| ExplainedPair {
            account: new.header.account.clone(),
            before,
            after,
            changes: facts,
        }),
        changes: difference.changes,
        told,
        paths,
        coverage,
        lost,
    })
}

/// Who changed each fact, with the caller and the records that its finding names.
fn explained_facts(
    changes: &[Change],
    explained: &Attributions,
    told: &ChangeFindings,
) -> BTreeMap<(String, String, String), ExplainedFact> {
    let findings: BTreeMap<usize, &Finding> = told
        .findings
        .iter()
        .filter_map(|f| told.changes.get(&f.id).map(|n| (*n, f)))
        .collect();
    let fact = |one: &AttributedChange| {
        let change = &changes[one.change];
        let finding = findings.get(&one.change);
        let evidence = finding.map_or(&[][..], |f| f.evidence.as_slice());
        let events = evidence
            .iter()
            .filter(|e| matches!(e, Evidence::Event { .. }));
        let fact = ExplainedFact {
            matched: one.matched,
            origin: one.origin.as_ref().map(|o| o.key.clone()),
            actor: finding.and_then(|f| f.actor.clone()),
            events: events.cloned().collect(),
        };
        let key = (
            change.kind.clone(),
            change.region.clone(),
            change.id.clone(),
        );
        (key, fact)
    };
    explained.changes.iter().map(fact).collect()
}

/// Adds the counts of one comparison to the coverage.
fn count(
    coverage: &mut CoverageReport,
    difference: &SnapshotDiff,
    explained: &Attributions,
    undone_folded: usize,
) {
    let folded = &difference.folded;
    for (sum, n) in coverage.folded.iter_mut().zip([
        folded.volatile,
        folded.derived,
        folded.vendor,
        folded.cosmetic,
    ]) {
        *sum += n;
    }
    coverage.undone_folded += undone_folded;
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
}

fn parsed(loaded: &Loaded) -> Result<Snapshot<'_>> {
    Snapshot::parse(&loaded.text).map_err(|e| anyhow::anyhow!("{}: {e}", loaded.name))
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

/// Changes that have a finding, with who made them.
fn change_summaries(
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
            Evidence::Event { id, time, call, .. } => {
                Some((id.clone(), time.clone(), call.clone()))
            }
            _ => None,
        });
        list.push(ChangeSummary {
            sign: change.verdict.sign(),
            severity: finding.severity,
            kind: change.kind.clone(),
            title: change.title.clone(),
            account: change.account.clone(),
            region: change.region.clone(),
            id: change.id.clone(),
            resource_arn: FactKinds::shared().arn(
                &change.kind,
                &change.account,
                &change.region,
                &change.id,
            ),
            lines: lines_of(change, false)
                .into_iter()
                .take(DIFF_LINES_MAX)
                .collect(),
            access: change.access.as_ref().map(|a| a.verdict.word().to_owned()),
            access_verdict: change.access.as_ref().map(|a| a.verdict),
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
