//! `[[sink]]` of bartizan.toml.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use bartizan_alert::{AlertRoute, QuietHours, StormLimit};
use bartizan_model::{Severity, Stage};
use serde::Deserialize;

/// Severity from which a sink gets alerts, unless it names another.
const MIN_SEVERITY: Severity = Severity::Medium;
/// Hours after which an open incident is told again.
const REPEAT_HOURS: u16 = 4;
/// Hours after which an alert that could not be sent is dead.
const MAX_AGE_HOURS: u16 = 72;
/// Alerts in [`STORM_MINUTES`], beyond which they are folded into a digest.
const STORM_ALERTS: u16 = 30;
const STORM_MINUTES: u16 = 10;

/// One sink. Which keys it needs and takes depends on its type.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SinkConfig {
    #[serde(rename = "type")]
    pub(crate) kind: SinkKind,
    /// Name in messages and for `bartizan alerts` [default: the type].
    pub(crate) name: Option<String>,
    pub(crate) url: Option<SinkUrl>,
    /// Environment variable with the secret.
    pub(crate) secret_env: Option<String>,
    pub(crate) secret_file: Option<PathBuf>,
    /// Secret of Secrets Manager.
    pub(crate) secret_arn: Option<String>,
    pub(crate) min_severity: Option<Severity>,
    /// Whether a loopback, link-local or private address is meant.
    #[serde(default)]
    pub(crate) allow_private: bool,
    #[serde(default)]
    pub(crate) stages: Vec<Stage>,
    #[serde(default)]
    pub(crate) accounts: Vec<String>,
    #[serde(default)]
    pub(crate) rules: Vec<String>,
    pub(crate) repeat_hours: Option<u16>,
    /// UTC, e.g. `22:00-07:00`.
    pub(crate) quiet_hours: Option<String>,
    pub(crate) max_age_hours: Option<u16>,
    pub(crate) storm_alerts: Option<u16>,
    pub(crate) storm_minutes: Option<u16>,
    /// Certificates (PEM) to trust in place of the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// Mail: sender, receivers, user of the server.
    pub(crate) from: Option<String>,
    #[serde(default)]
    pub(crate) to: Vec<String>,
    pub(crate) user: Option<String>,
    pub(crate) topic_arn: Option<String>,
    /// Name or ARN of an event bus.
    pub(crate) bus: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) profile: Option<String>,
    pub(crate) role_arn: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) path: Option<PathBuf>,
    /// Program and arguments.
    #[serde(default)]
    pub(crate) command: Vec<String>,
}

/// Type of a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SinkKind {
    Webhook,
    Slack,
    Teams,
    PagerDuty,
    Sns,
    EventBridge,
    SecurityHub,
    Smtp,
    Syslog,
    Alertmanager,
    File,
    Command,
}

/// URL, which may be a secret itself: only its host is ever printed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct SinkUrl(pub(crate) String);

impl fmt::Debug for SinkUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SinkUrl(…)")
    }
}

/// Keys that a type needs, and further ones that it takes, beside those of every sink.
type Keys = (&'static [&'static str], &'static [&'static str]);

const SECRET: [&str; 3] = ["secret_env", "secret_file", "secret_arn"];

impl SinkKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::PagerDuty => "pagerduty",
            Self::Sns => "sns",
            Self::EventBridge => "eventbridge",
            Self::SecurityHub => "securityhub",
            Self::Smtp => "smtp",
            Self::Syslog => "syslog",
            Self::Alertmanager => "alertmanager",
            Self::File => "file",
            Self::Command => "command",
        }
    }

    /// `secret` stands for any of the three keys of a secret.
    fn keys(self) -> Keys {
        const AWS: &[&str] = &["region", "profile", "role_arn", "external_id"];
        match self {
            Self::Webhook => (&["url"], &["secret", "allow_private", "ca_file"]),
            Self::Slack | Self::Teams => (&[], &["url", "secret", "allow_private", "ca_file"]),
            Self::PagerDuty => (&["secret"], &["url", "allow_private", "ca_file"]),
            Self::Alertmanager => (&["url"], &["allow_private", "ca_file"]),
            Self::Syslog => (&["url"], &["allow_private", "ca_file"]),
            Self::Smtp => (
                &["url", "from", "to"],
                &["user", "secret", "allow_private", "ca_file"],
            ),
            Self::Sns => (
                &["topic_arn"],
                &["region", "profile", "role_arn", "external_id"],
            ),
            Self::EventBridge => (
                &[],
                &["bus", "region", "profile", "role_arn", "external_id"],
            ),
            Self::SecurityHub => (&[], AWS),
            Self::File => (&["path"], &[]),
            Self::Command => (&["command"], &[]),
        }
    }
}

impl SinkConfig {
    /// Name in messages.
    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.kind.name())
    }

    /// Places relative paths below a folder.
    pub(crate) fn place(&mut self, base: &Path) {
        for path in [&mut self.secret_file, &mut self.ca_file, &mut self.path] {
            path.iter_mut().for_each(|p| *p = base.join(&*p));
        }
    }

    /// Keys that are set and depend on the type.
    fn set_keys(&self) -> Vec<&'static str> {
        let keys = [
            ("url", self.url.is_some()),
            ("secret_env", self.secret_env.is_some()),
            ("secret_file", self.secret_file.is_some()),
            ("secret_arn", self.secret_arn.is_some()),
            ("allow_private", self.allow_private),
            ("ca_file", self.ca_file.is_some()),
            ("from", self.from.is_some()),
            ("to", !self.to.is_empty()),
            ("user", self.user.is_some()),
            ("topic_arn", self.topic_arn.is_some()),
            ("bus", self.bus.is_some()),
            ("region", self.region.is_some()),
            ("profile", self.profile.is_some()),
            ("role_arn", self.role_arn.is_some()),
            ("external_id", self.external_id.is_some()),
            ("path", self.path.is_some()),
            ("command", !self.command.is_empty()),
        ];
        keys.iter()
            .filter(|(_, is_set)| *is_set)
            .map(|(k, _)| *k)
            .collect()
    }

    /// Whether its keys are those of its type.
    pub(super) fn check(&self) -> Result<()> {
        let set = self.set_keys();
        let (needed, taken) = self.kind.keys();
        let secrets = set.iter().filter(|k| SECRET.contains(k)).count();
        ensure!(
            secrets <= 1,
            "give one of secret_env, secret_file and secret_arn"
        );
        for key in &set {
            // A file that always says `allow_private = false` is no mistake.
            let general = if SECRET.contains(key) { "secret" } else { key };
            if !needed.contains(&general) && !taken.contains(&general) {
                bail!("{key} is not a key of this type");
            }
        }
        for key in needed {
            let there = match *key {
                "secret" => secrets == 1,
                key => set.contains(&key),
            };
            match *key {
                _ if there => {}
                "secret" => bail!("a secret is missing: secret_env, secret_file or secret_arn"),
                key => bail!("{key} is missing"),
            }
        }
        Ok(())
    }

    /// Routing of this sink.
    pub(super) fn route(&self) -> Result<AlertRoute> {
        let quiet_hours = self.quiet_hours.as_deref().map(QuietHours::parse);
        Ok(AlertRoute {
            sink: self.name().to_owned(),
            min_severity: self.min_severity.unwrap_or(MIN_SEVERITY),
            stages: self.stages.clone(),
            accounts: self.accounts.clone(),
            rules: self.rules.clone(),
            repeat_hours: self.repeat_hours.unwrap_or(REPEAT_HOURS),
            quiet_hours: quiet_hours.transpose().map_err(anyhow::Error::msg)?,
            storm: StormLimit {
                alerts: self.storm_alerts.unwrap_or(STORM_ALERTS).into(),
                minutes: self.storm_minutes.unwrap_or(STORM_MINUTES).max(1),
            },
            keeps_open: matches!(
                self.kind,
                SinkKind::PagerDuty | SinkKind::Alertmanager | SinkKind::SecurityHub
            ),
        })
    }

    pub(super) fn max_age_hours(&self) -> u16 {
        self.max_age_hours.unwrap_or(MAX_AGE_HOURS)
    }
}

/// Routing table of all sinks, or the first sink that is wrong, by name.
pub(crate) fn routes(sinks: &[SinkConfig]) -> Result<Vec<AlertRoute>> {
    let mut routes: Vec<AlertRoute> = Vec::new();
    for sink in sinks {
        let route = sink.check().and_then(|()| sink.route());
        let route = route.map_err(|e| {
            anyhow::anyhow!("[[sink]] {:?} ({}): {e}", sink.name(), sink.kind.name())
        })?;
        ensure!(
            routes.iter().all(|r| r.sink != route.sink),
            "two sinks are called {:?}: give one of them a name",
            route.sink
        );
        routes.push(route);
    }
    Ok(routes)
}
