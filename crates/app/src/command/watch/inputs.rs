//! Inputs of a watch: the configuration, the log, the trail, and what was accepted.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::{Context, Result};
use bartizan_evidence::{EvidenceLog, Justification, LogError, LoggedSnapshot, Storage};
use bartizan_iam::KnownAccounts;
use bartizan_inventory::fact::Hash;
use bartizan_model::Finding;
use jiff::Timestamp;

use super::config::Config;
use super::sensors::listing;
use crate::access;
use crate::bill::BillParts;
use crate::cli::{Global, WatchArgs};
use crate::render::shell;
use crate::store;
use crate::store::{KeptScans, StoreState};
use crate::trail::{TrailObject, WantedObjects, objects, remembered_objects};

/// Seconds of a day.
const DAY_S: i64 = 86_400;

/// Everything that a run reads.
pub(super) struct WatchInputs<'a> {
    pub(super) global: &'a Global,
    pub(super) args: &'a WatchArgs,
    pub(super) config: &'a Config,
    pub(super) storage: &'a Arc<dyn Storage>,
    /// Entries of the evidence log when the history was read.
    pub(super) log_size: u64,
    pub(super) history: Vec<LoggedSnapshot>,
    pub(super) objects: Vec<TrailObject>,
    /// Where there is one.
    pub(super) bill: Option<BillParts>,
    pub(super) accepted: Vec<Justification>,
    pub(super) now: Timestamp,
}

impl WatchInputs<'_> {
    /// Time from which on everything is read again: the lookback before the newest object.
    pub(super) fn since(&self) -> Timestamp {
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
        // From the beginning of a day, so that the lookback of a process that watches for ever moves
        // once a day.
        let since = newest.as_second().saturating_sub(back.as_secs());
        Timestamp::from_second(since.div_euclid(DAY_S) * DAY_S).unwrap_or(Timestamp::MIN)
    }

    /// Accounts that are friends, and those of vendors.
    pub(super) fn neighbours(&self) -> Result<KnownAccounts> {
        let mut neighbours = KnownAccounts {
            friendly: self.config.friendly.clone(),
            ..KnownAccounts::default()
        };
        if let Some(file) = &self.config.vendors {
            neighbours.vendors = access::vendors(file)?;
        }
        Ok(neighbours)
    }

    /// Why a finding is no cause for alarm, where somebody accepted it.
    pub(super) fn acceptance(&self, finding: &Finding) -> Option<&Justification> {
        self.accepted.iter().find(|j| j.accepts(finding, self.now))
    }

    /// Command that prints an event: `bartizan detect trail/ --event ID`.
    pub(super) fn show_event(&self, id: &str) -> String {
        let sources: Vec<String> = self.config.trail.sources.iter().map(|s| shell(s)).collect();
        format!("bartizan detect {} --event {id}", sources.join(" "))
    }
}

/// Objects of the trail: those of the local sources and of the inbox, those that a queue named
/// before, and with `listed` those of prefixes of S3.
pub(super) fn trail_objects(
    global: &Global,
    config: &Config,
    state: &StoreState,
    scans: &KeptScans,
    listed: bool,
) -> Result<Vec<TrailObject>> {
    let sources = config.trail.sources.iter();
    let mut paths: Vec<String> = sources
        .filter(|s| listed || !s.starts_with("s3://"))
        .cloned()
        .collect();
    paths.extend(store::inbox(&global.store).map(|p| p.display().to_string()));
    let profile = config.trail.profile.as_deref();
    let wanted = WantedObjects {
        paths: &paths,
        list: None,
        since: None,
        until: None,
        profile,
    };
    let (mut all, _) = objects(&wanted)?;
    let versions = scans.versions()?;
    let there: HashSet<&str> = all.iter().map(|o| o.name.as_str()).collect();
    let known = state.objects()?;
    let known = known.into_iter().filter(|(name, (_, learned))| {
        !learned && name.starts_with("s3://") && !there.contains(name.as_str())
    });
    let known = known.map(|(name, (bytes, _))| {
        let version = versions.get(&name).cloned().flatten();
        (name, bytes, version)
    });
    let mut remembered = remembered_objects(known, profile)?;
    if !remembered.is_empty() {
        all.append(&mut remembered);
        all.sort_by_cached_key(|object| (object.delivered(), object.name.clone()));
    }
    Ok(all)
}

/// All snapshots of the log; none where there is no log yet.
pub(super) fn history(storage: &dyn Storage) -> Result<Vec<LoggedSnapshot>> {
    match EvidenceLog::open(storage) {
        Ok(log) => Ok(bartizan_evidence::snapshots(&log)?),
        Err(LogError::NoLog(_)) => Ok(Vec::new()),
        Err(e) => Err(e.into()),
    }
}

/// Everything that was accepted, in the log and in the configuration.
pub(super) fn accepted(storage: &dyn Storage, config: &Config) -> Result<Vec<Justification>> {
    let mut list: Vec<Justification> = match EvidenceLog::open(storage) {
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
            .map(crate::cli::time)
            .transpose()
            .map_err(anyhow::Error::msg)
            .with_context(|| format!("[[accept]] {}", accept.finding))?;
        list.push(Justification {
            finding: accept.finding.clone(),
            title: String::new(),
            grant: None,
            reason: accept.reason.clone(),
            by: None,
            until: until.map(|t| t.to_string()),
        });
    }
    Ok(list)
}

/// Hash of everything that a run depends on: where it is as before, there is nothing to do.
pub(super) fn fingerprint(
    config: &Config,
    history: &[LoggedSnapshot],
    (objects, bill): (&[TrailObject], Option<&BillParts>),
    accepted: &[Justification],
    now: Timestamp,
) -> String {
    let mut text = format!("{} {config:?}\n", store::TOOL);
    history
        .iter()
        .for_each(|k| text.push_str(&format!("{} {}\n", k.index, k.snapshot.facts.sha256)));
    objects
        .iter()
        .for_each(|o| text.push_str(&format!("{} {:?}\n", o.name, o.bytes)));
    // A bill is overwritten where it lies.
    for object in bill.iter().flat_map(|b| &b.objects) {
        let (name, bytes, version) = (&object.name, object.bytes, &object.version);
        text.push_str(&format!("{name} {bytes:?} {version:?}\n"));
    }
    for answer in bill
        .iter()
        .flat_map(|b| &b.answers)
        .flat_map(|a| &a.documents)
    {
        text.push_str(&format!("{}\n", Hash::of(&answer.text)));
    }
    text.push_str(&listing(&config.sensor));
    // More signatures or keys may verify what could not be verified before.
    for file in config.trail.keys.iter().chain(&config.trail.signatures) {
        text.push_str(&format!(
            "{:?}\n",
            std::fs::metadata(file).map(|m| m.len()).ok()
        ));
    }
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
