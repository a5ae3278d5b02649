//! `bartizan.toml`: what to watch. A folder with `config/` and `trail/` needs none.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bartizan_cloud::ping::PingMethod;
use bartizan_spend::{FALSE_ALARMS, JudgeOptions};
use jiff::Timestamp;
use serde::Deserialize;

use crate::alerting::{SinkConfig, routes};
use crate::bill::BillSource;
use crate::rebuild::RebuildTable;

/// How many days of trail are read again each time, so that what comes late and what spans days is
/// seen whole.
const LOOKBACK_DAYS: u16 = 30;

/// Accounts, trails and outputs of a watch. Paths are relative to the file, or to the folder that
/// stands in its place.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Config {
    /// Accounts, live or from dumps.
    pub(super) account: Vec<AccountSource>,
    /// Where CloudTrail is.
    pub(super) trail: Trail,
    /// Detections.
    pub(super) rules: RuleSources,
    /// Accounts of friends: id and name.
    pub(super) friendly: BTreeMap<String, String>,
    /// Principals that may make credentials, e.g. `arn:aws:iam::*:role/terraform*`: ARNs or other
    /// lasting keys of origins, with wildcards.
    pub(super) approved: Vec<String>,
    /// A list of vendors' accounts, YAML.
    pub(super) vendors: Option<PathBuf>,
    /// Target ages of machines, images and code.
    pub(super) rebuild: RebuildTable,
    /// Databases of addresses.
    pub(super) networks: NetworkSources,
    /// Findings that are no cause for alarm.
    pub(super) accept: Vec<AcceptedFinding>,
    /// Where the bill is.
    pub(super) spend: Spend,
    /// Where findings of other systems are: GuardDuty, Security Hub, Suricata and others.
    pub(super) sensor: Vec<SensorSource>,
    /// Files to write.
    pub(super) output: Output,
    /// Clocks of a watch that goes on.
    pub(super) watch: WatchClocks,
    /// Where alerts go.
    pub(super) sink: Vec<SinkConfig>,
}

/// Intervals and health of a watch that goes on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WatchClocks {
    /// Minutes between full snapshots of accounts that are read live.
    pub(super) snapshot_minutes: u32,
    /// Hours between two readings of the bill.
    pub(super) bill_hours: u32,
    /// Minutes between two verifications of the trail by its digests.
    pub(super) integrity_minutes: u32,
    /// Loopback address of `/healthz` and `/metrics`, e.g. `127.0.0.1:9646`.
    pub(super) health: Option<SocketAddr>,
    /// URL that is called while the watch runs and keeps what comes.
    pub(super) heartbeat: Option<String>,
    pub(super) heartbeat_method: PingMethod,
    /// Seconds between two calls of it.
    pub(super) heartbeat_seconds: u32,
    /// Minutes between two canaries of a region; 0: none.
    pub(super) canary_minutes: u32,
    /// Regions of canaries; none: every region of the trail.
    pub(super) canary_regions: Vec<String>,
    /// Minutes that the record of a canary may take.
    pub(super) canary_delay_minutes: u32,
}

impl Default for WatchClocks {
    fn default() -> Self {
        Self {
            snapshot_minutes: 60,
            bill_hours: 6,
            integrity_minutes: 60,
            health: None,
            heartbeat: None,
            heartbeat_method: PingMethod::Get,
            heartbeat_seconds: 60,
            canary_minutes: 0,
            canary_regions: Vec::new(),
            canary_delay_minutes: 20,
        }
    }
}

/// Files with findings of other systems, recognized by their content.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SensorSource {
    /// Files, folders, globs, `s3://bucket/prefix`.
    pub(super) from: Vec<String>,
    /// Profile for S3.
    pub(super) profile: Option<String>,
    /// Account of findings that do not say theirs, as those of network sensors.
    pub(super) account: Option<String>,
    /// Region of such findings.
    pub(super) region: Option<String>,
}

/// One account, or several of an organization.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AccountSource {
    /// A folder of dumps of AWS CLI output.
    pub(super) from: Option<PathBuf>,
    /// Profile of the AWS configuration.
    pub(super) profile: Option<String>,
    /// Role to assume.
    pub(super) role_arn: Option<String>,
    /// External id for it.
    pub(super) external_id: Option<String>,
    /// Role to assume in each account of the organization.
    pub(super) org: Option<String>,
    /// Regions to read; none: all that are enabled.
    pub(super) regions: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Trail {
    /// Files, folders, globs, `s3://bucket/prefix`.
    pub(super) sources: Vec<String>,
    /// Queues of SQS whose messages name objects, hold single events or findings of other systems.
    pub(super) queues: Vec<String>,
    /// Profile for S3.
    pub(super) profile: Option<String>,
    /// Public keys of digests, as `aws cloudtrail list-public-keys` prints them. Without them AWS is
    /// asked, for a trail in S3.
    pub(super) keys: Option<PathBuf>,
    /// Signatures of digests on a disk.
    pub(super) signatures: Option<PathBuf>,
    /// Days of trail that are read again each time, back from the newest object; 0: all of it.
    pub(super) lookback_days: u16,
}

impl Default for Trail {
    fn default() -> Self {
        Self {
            sources: Vec::new(),
            queues: Vec::new(),
            profile: None,
            keys: None,
            signatures: None,
            lookback_days: LOOKBACK_DAYS,
        }
    }
}

/// The bill. Parameters mean what the arguments of `bartizan spend` do.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Spend {
    /// Files, folders, globs, `s3://bucket/prefix`.
    pub(super) sources: Vec<String>,
    /// Profile for S3 and live calls.
    pub(super) profile: Option<String>,
    /// Whether AWS is asked: CloudWatch's estimate of the month.
    pub(super) live: bool,
    /// Requests of Cost Explorer in one run at most, at 0.01 USD each.
    pub(super) cost_explorer_requests: u32,
    /// Regions and services whose launch was announced.
    pub(super) announced: Vec<String>,
    /// Hours after its end from which a day is scored.
    pub(super) scored_after_hours: u16,
    pub(super) learning_days: u16,
    pub(super) early_days: u16,
    /// False alarms an account and month.
    pub(super) false_alarms: f64,
}

impl Default for Spend {
    fn default() -> Self {
        let options = JudgeOptions::default();
        let small = |n: i64| u16::try_from(n).unwrap_or_default();
        Self {
            sources: Vec::new(),
            profile: None,
            live: false,
            cost_explorer_requests: 0,
            announced: Vec::new(),
            scored_after_hours: small(options.scored_hours),
            learning_days: small(options.learning_days.into()),
            early_days: small(options.early_days.into()),
            false_alarms: FALSE_ALARMS,
        }
    }
}

impl Spend {
    /// Where it is; none where nobody named one.
    pub(super) fn source(&self) -> Option<BillSource<'_>> {
        (self.live || !self.sources.is_empty()).then_some(BillSource {
            paths: &self.sources,
            profile: self.profile.as_deref(),
            live: self.live,
            cost_explorer: self.cost_explorer_requests,
        })
    }

    pub(super) fn options(&self, now: Timestamp) -> JudgeOptions {
        JudgeOptions {
            as_of_s: now.as_second(),
            scored_hours: i64::from(self.scored_after_hours),
            learning_days: i32::from(self.learning_days),
            early_days: i32::from(self.early_days),
            announced: self.announced.clone(),
            ..JudgeOptions::default()
        }
        .with_false_alarms(self.false_alarms)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RuleSources {
    /// Sigma files and folders.
    pub(super) paths: Vec<PathBuf>,
    /// Whether our own run too.
    pub(super) builtin: bool,
}

impl Default for RuleSources {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            builtin: true,
        }
    }
}

#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NetworkSources {
    /// Databases in MaxMind's format.
    pub(super) geo: Vec<PathBuf>,
    /// `ip-ranges.json` of AWS.
    pub(super) ip_ranges: Option<PathBuf>,
}

/// A finding that is no cause for alarm, said in the configuration instead of with `bartizan
/// accept`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AcceptedFinding {
    /// Its whole id, which stands for the grant as it is.
    pub(super) finding: String,
    /// Why.
    pub(super) reason: String,
    /// Until when.
    pub(super) until: Option<String>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Output {
    /// HTML report.
    pub(super) report: Option<PathBuf>,
    /// Findings, one JSON object a line.
    pub(super) findings: Option<PathBuf>,
}

impl Config {
    /// Configuration of a folder, of a file, or of `./bartizan.toml`.
    pub(super) fn find(dir: Option<&Path>, file: Option<&Path>) -> Result<Self> {
        if let Some(dir) = dir {
            let own = dir.join("bartizan.toml");
            if !own.is_file() {
                return Self::of_folder(dir);
            }
            let mut config = Self::read(&own)?;
            if config.spend.sources.is_empty() {
                config.spend.sources.extend(bill_of(dir));
            }
            return Ok(config);
        }
        let here = Path::new("bartizan.toml");
        match file {
            Some(file) => Self::read(file),
            None if here.is_file() => Self::read(here),
            None => {
                bail!(
                    "nothing to watch: name a folder with config/ and trail/, or write \
                    ./bartizan.toml (bartizan watch --help)"
                )
            }
        }
    }

    fn read(file: &Path) -> Result<Self> {
        let name = file.display();
        let text = crate::files::read_text(file)?;
        let mut config: Self = toml::from_str(&text).map_err(|e| {
            let line = e.span().map_or(1, |span| {
                1 + text[..span.start.min(text.len())].matches('\n').count()
            });
            anyhow::anyhow!("{name}, line {line}: {}", e.message().replace('\n', ", "))
        })?;
        let base = file.parent().unwrap_or(Path::new(""));
        let place = |path: &mut PathBuf| *path = base.join(&*path);
        config
            .account
            .iter_mut()
            .filter_map(|a| a.from.as_mut())
            .for_each(place);
        config.rules.paths.iter_mut().for_each(place);
        config.vendors.iter_mut().for_each(place);
        config.sink.iter_mut().for_each(|sink| sink.place(base));
        routes(&config.sink).with_context(|| name.to_string())?;
        config
            .networks
            .geo
            .iter_mut()
            .chain(&mut config.networks.ip_ranges)
            .for_each(place);
        config
            .output
            .report
            .iter_mut()
            .chain(&mut config.output.findings)
            .chain(&mut config.trail.keys)
            .chain(&mut config.trail.signatures)
            .for_each(place);
        let local = config
            .trail
            .sources
            .iter_mut()
            .chain(&mut config.spend.sources)
            .chain(config.sensor.iter_mut().flat_map(|s| &mut s.from))
            .filter(|s| !s.starts_with("s3://"));
        local.for_each(|source| *source = base.join(&*source).display().to_string());
        if config.is_empty() {
            bail!(
                "{name} names neither an [[account]] nor trail.sources nor spend.sources: there is \
                nothing to watch"
            );
        }
        if let Some(one) = config.account.iter().find(|a| {
            a.from.is_some() && (a.profile.is_some() || a.role_arn.is_some() || a.org.is_some())
        }) {
            bail!(
                "{name}: an account is read live or from {}, not both",
                one.from.as_deref().unwrap_or(base).display()
            );
        }
        Ok(config)
    }

    /// Configuration of a folder without a file: `config/` has dumps, `trail/` CloudTrail,
    /// `digest-key.json` the public keys of its digests, `digest-signatures.txt` their signatures.
    /// `bill/` the bill.
    fn of_folder(dir: &Path) -> Result<Self> {
        std::fs::metadata(dir).with_context(|| format!("cannot read {}", dir.display()))?;
        let at = |name: &str| Some(dir.join(name)).filter(|p| p.exists());
        let mut config = Self::default();
        // A folder of logs is an investigation: all of it counts.
        config.trail.lookback_days = 0;
        config
            .account
            .extend(at("config").map(|from| AccountSource {
                from: Some(from),
                ..AccountSource::default()
            }));
        config
            .trail
            .sources
            .extend(at("trail").map(|p| p.display().to_string()));
        config.trail.keys = at("digest-key.json");
        config.trail.signatures = at("digest-signatures.txt");
        config.spend.sources.extend(bill_of(dir));
        if config.is_empty() {
            bail!(
                "{} has neither config/ (dumps of AWS CLI output) nor trail/ (CloudTrail) nor \
                bill/",
                dir.display()
            );
        }
        Ok(config)
    }

    fn is_empty(&self) -> bool {
        self.account.is_empty()
            && self.trail.sources.is_empty()
            && self.trail.queues.is_empty()
            && self.spend.source().is_none()
    }
}

/// `bill/` of a folder.
fn bill_of(dir: &Path) -> Option<String> {
    let bill = dir.join("bill");
    bill.exists().then(|| bill.display().to_string())
}
