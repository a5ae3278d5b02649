//! Findings of other systems: files of `[[sensor]]`, read again when they change, and what came by
//! queues, kept in the state.

use std::cell::Cell;
use std::io::Read;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bartizan_incident::SensorInput;
use bartizan_model::Finding;
use bartizan_model::limits::SENSOR_FILE_BYTES_MAX;
use bartizan_sensors::{SensorFinding, SensorPlace, SensorReader, SensorReport};
use jiff::Timestamp;

use super::config::{Config, SensorSource};
use crate::render::sensor_holes;
use crate::store::StoreState;
use crate::trail::{TrailObject, WantedObjects, objects};

/// Name under which the state keeps findings of other systems that came by queues.
pub(super) const SENSORS: &str = "sensors";

/// Time between two looks at the files of a watch that goes on.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Findings of other systems in files. Read again when a file changes.
#[derive(Default)]
pub(super) struct SensorFiles {
    sources: Vec<SensorSource>,
    /// Names, sizes and times of the files that were read.
    listing: String,
    looked: Cell<Option<Instant>>,
    report: SensorReport,
}

/// Findings of other systems as one judgement sees them.
pub(super) struct WatchedSensors {
    found: Vec<SensorFinding>,
    pub(super) holes: Vec<String>,
}

impl SensorFiles {
    /// Whether a file changed since it was read. Looks at most every ten seconds.
    pub(super) fn is_due(&self) -> bool {
        let looked = self.looked.get();
        if self.sources.is_empty() || looked.is_some_and(|t| t.elapsed() < LOOK_EVERY) {
            return false;
        }
        self.looked.set(Some(Instant::now()));
        listing(&self.sources) != self.listing
    }

    /// Findings of the files, and of the queues as far as the state has them.
    pub(super) fn watched(
        &mut self,
        config: &Config,
        state: &StoreState,
        since: Timestamp,
    ) -> Result<WatchedSensors> {
        let listed = listing(&config.sensor);
        if self.listing != listed {
            self.report = read(&config.sensor)?;
            self.listing = listed;
        }
        self.sources.clone_from(&config.sensor);
        let mut found = self.report.findings.clone();
        found.extend(kept(state)?);
        found.sort_by(|a, b| {
            let key = |f: &SensorFinding| (f.finding.id.clone(), f.finding.last_time.clone());
            key(b).cmp(&key(a))
        });
        found.dedup_by(|a, b| a.finding.id == b.finding.id);
        let since = since.to_string();
        let is_old = |f: &Finding| f.last_time.as_ref().is_some_and(|t| *t < since);
        found.retain(|f| !is_old(&f.finding));
        Ok(WatchedSensors {
            found,
            holes: sensor_holes(&self.report),
        })
    }
}

impl WatchedSensors {
    pub(super) fn findings(&self) -> impl Iterator<Item = Finding> {
        self.found.iter().map(|f| f.finding.clone())
    }

    pub(super) fn input(&self) -> SensorInput<'_> {
        let subjects = self.found.iter();
        let subjects = subjects.map(|f| (f.finding.id.as_str(), &f.subject));
        SensorInput {
            subjects: subjects.collect(),
        }
    }
}

/// Entry of the state with findings that came by a queue added to those that are kept. What was
/// last seen before `since` is let go.
pub(super) fn keep_messages<'m>(
    state: &StoreState,
    messages: impl Iterator<Item = (&'m str, &'m str)>,
    since: Timestamp,
) -> Result<((&'static str, Vec<u8>), SensorReport)> {
    let mut reader = SensorReader::resuming(kept(state)?);
    for (queue, body) in messages {
        reader.add(queue, body.as_bytes(), &SensorPlace::default());
    }
    let report = reader.finish();
    let since = since.to_string();
    let young = |f: &&SensorFinding| f.finding.last_time.as_ref().is_none_or(|t| *t >= since);
    let findings: Vec<&SensorFinding> = report.findings.iter().filter(young).collect();
    Ok(((SENSORS, serde_json::to_vec(&findings)?), report))
}

fn kept(state: &StoreState) -> Result<Vec<SensorFinding>> {
    let Some(bytes) = state.get(SENSORS)? else {
        return Ok(Vec::new());
    };
    serde_json::from_slice(&bytes)
        .context("the findings of other systems in the state cannot be read")
}

/// Text that changes when a file is added, grows or is written again.
pub(super) fn listing(sources: &[SensorSource]) -> String {
    let mut text = String::new();
    for source in sources {
        match files(source) {
            Ok(files) => files.iter().for_each(|f| {
                text.push_str(&format!("{} {:?} {:?}\n", f.name, f.bytes, f.version));
            }),
            Err(e) => text.push_str(&format!("{e:#}\n")),
        }
        text.push_str(&format!("{:?} {:?}\n", source.account, source.region));
    }
    text
}

fn files(source: &SensorSource) -> Result<Vec<TrailObject>> {
    let wanted = WantedObjects {
        paths: &source.from,
        list: None,
        since: None,
        until: None,
        profile: source.profile.as_deref(),
    };
    Ok(objects(&wanted)?.0)
}

fn read(sources: &[SensorSource]) -> Result<SensorReport> {
    let mut reader = SensorReader::default();
    for source in sources {
        let place = SensorPlace {
            account: source.account.clone(),
            region: source.region.clone(),
        };
        for file in files(source).context("[[sensor]]")? {
            let mut bytes = Vec::new();
            let opened = file.open().map(|f| f.take(SENSOR_FILE_BYTES_MAX + 1));
            let done = opened.and_then(|mut f| f.read_to_end(&mut bytes));
            match done {
                Err(_) => reader.unread(&file.name),
                Ok(n) if n as u64 > SENSOR_FILE_BYTES_MAX => {
                    reader.too_large(&file.name);
                    // The last line is cut.
                    let end = bytes.iter().rposition(|b| *b == b'\n').unwrap_or(0);
                    reader.add(&file.name, &bytes[..end], &place);
                }
                Ok(_) => reader.add(&file.name, &bytes, &place),
            }
        }
    }
    Ok(reader.finish())
}
