//! Inputs of a watch: the configuration, the log, the trail, and what was accepted.

use std::sync::Arc;

use anyhow::{Context, Result};
use bartizan_evidence::{EvidenceLog, Justification, LogError, LoggedSnapshot, Storage};
use bartizan_iam::KnownAccounts;
use bartizan_inventory::fact::Hash;
use bartizan_model::Finding;
use jiff::Timestamp;

use super::config::Config;
use crate::access;
use crate::bill::BillParts;
use crate::cli::{Global, WatchArgs};
use crate::render::shell;
use crate::store;
use crate::trail::TrailObject;

/// Everything that a run reads.
pub(super) struct WatchInputs<'a> {
    pub(super) global: &'a Global,
    pub(super) args: &'a WatchArgs,
    pub(super) config: &'a Config,
    pub(super) storage: &'a Arc<dyn Storage>,
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
        newest.checked_sub(back).unwrap_or(Timestamp::MIN)
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
