//! Arguments of `bartizan alerts`.

use std::path::PathBuf;

use bartizan_model::Stage;
use clap::{Args, Subcommand, ValueEnum};

use super::values::time;

/// List alerts, test a sink, silence alerts, send again what was given up
#[derive(Debug, Subcommand)]
pub(crate) enum AlertsCommand {
    List(AlertsListArgs),
    Test(AlertsTestArgs),
    Silence(AlertsSilenceArgs),
    Redrive(AlertsRedriveArgs),
}

/// Show what waits for each sink, and the latest alerts
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan alerts list
  bartizan alerts list --state dead --sink oncall
  bartizan alerts list --format ndjson --limit 1000")]
pub(crate) struct AlertsListArgs {
    /// Only this sink
    #[arg(long, value_name = "NAME")]
    pub(crate) sink: Option<String>,
    /// Only these
    #[arg(long, value_enum)]
    pub(crate) state: Option<AlertState>,
    /// Only what was folded into this digest
    #[arg(long, value_name = "KEY")]
    pub(crate) digest: Option<String>,
    /// Alerts at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: u32,
}

/// State of an alert for a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AlertState {
    Waiting,
    Sent,
    Dead,
    Silenced,
    Folded,
}

impl AlertState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Dead => "dead",
            Self::Silenced => "silenced",
            Self::Folded => "folded",
        }
    }
}

/// Send a test message to a sink now, and say whether it arrived
///
/// Exit code 1 if it did not.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan alerts test oncall
  bartizan alerts test slack --config /etc/bartizan/bartizan.toml")]
pub(crate) struct AlertsTestArgs {
    /// Name of the sink, or its type where it has no name
    #[arg(value_name = "SINK")]
    pub(crate) sink: String,
    /// Configuration file [default: ./bartizan.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Send no alerts of one kind for a while; signed into the evidence log
///
/// All matchers that are given must match all of an alert. Silenced alerts are kept and listed, and
/// findings stay what they are.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan alerts silence --rule iam-create-user --account 111122223333 \\
    --until 2026-03-12T06:00:00Z --reason 'migration, ticket 4711'
  bartizan alerts silence --subject 5d0c0f6e91a2b3c4 --until 2026-03-12 --reason 'we are on it'
  bartizan alerts silence --end 17 --reason 'migration is done'
  bartizan alerts silence --list")]
pub(crate) struct AlertsSilenceArgs {
    /// Id of an incident or finding
    #[arg(long, value_name = "ID")]
    pub(crate) subject: Option<String>,
    /// Rule, as in findings
    #[arg(long, value_name = "RULE")]
    pub(crate) rule: Option<String>,
    /// Account id
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
    /// gain, maintain, steal, blind or hygiene
    #[arg(long, value_name = "STAGE")]
    pub(crate) stage: Option<Stage>,
    /// Why
    #[arg(long, value_name = "TEXT", required_unless_present = "list")]
    pub(crate) reason: Option<String>,
    /// When it ends
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<jiff::Timestamp>,
    /// Who says so
    #[arg(
        long,
        value_name = "NAME",
        env = "USER",
        hide_env_values = true,
        default_value = "unknown"
    )]
    pub(crate) author: String,
    /// End the silence in this entry of the log now
    #[arg(
        long,
        value_name = "ENTRY",
        conflicts_with_all = ["subject", "rule", "account", "stage", "until"]
    )]
    pub(crate) end: Option<u64>,
    /// List silences
    #[arg(
        long,
        conflicts_with_all = ["subject", "rule", "account", "stage", "until", "end", "reason"]
    )]
    pub(crate) list: bool,
}

/// Send again what was given up
///
/// A running watch sends it; else this command does.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan alerts redrive
  bartizan alerts redrive --sink oncall
  bartizan alerts redrive ba_5d0c0f6e91a2b3c4d5e6f708")]
pub(crate) struct AlertsRedriveArgs {
    /// Only the alert with this key
    #[arg(value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Only this sink
    #[arg(long, value_name = "NAME")]
    pub(crate) sink: Option<String>,
    /// Configuration file [default: ./bartizan.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}
