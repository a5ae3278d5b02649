//! Arguments of the commands about the bill.

use bartizan_model::Severity;
use clap::{Args, Subcommand, ValueEnum};

use bartizan_spend::FALSE_ALARMS;

use super::values::{false_alarms, severity, time};

/// Read the bill and say what is not normal: new regions, rises, drips, sensors no longer billed
///
/// Reads files, folders, globs, s3://bucket/prefix and standard input (-): cost and usage reports,
/// data exports (CUR 2.0, FOCUS), detailed billing reports, and answers of the AWS CLI
/// (cloudwatch get-metric-data, ce get-cost-and-usage, ce get-anomalies). Where there is a
/// manifest, it says which files count. What cannot be read is counted and named.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Examples:
  bartizan spend ./bill
  bartizan spend s3://my-billing/export --summary
  aws ce get-cost-and-usage … | bartizan spend -
  bartizan spend --live --cost-explorer 10         at most 0.10 USD
  bartizan spend ./bill --announced eu-north-1     a launch that is known
  bartizan spend ./bill --format ocsf --fail-on high
  bartizan spend ladder ./bill --form terraform    alarms that AWS rings itself"
)]
pub(crate) struct SpendArgs {
    #[command(subcommand)]
    pub(crate) command: Option<SpendCommand>,
    /// File, folder, glob, s3://bucket/prefix, or - for standard input
    #[arg(value_name = "PATH", required_unless_present = "live")]
    pub(crate) paths: Vec<String>,
    /// Ask AWS: CloudWatch's estimate of the month, and where exports of the bill lie
    #[arg(long)]
    pub(crate) live: bool,
    /// Ask Cost Explorer too, with this many requests at most, at 0.01 USD each
    #[arg(long, value_name = "REQUESTS", default_value = "0", requires = "live",
          value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub(crate) cost_explorer: u32,
    /// Sums by service, region and account, in place of findings
    #[arg(long)]
    pub(crate) summary: bool,
    /// Show low findings too, which are otherwise only counted
    #[arg(long)]
    pub(crate) all: bool,
    /// When the bill is looked at (date or RFC 3339) [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) as_of: Option<jiff::Timestamp>,
    /// Hours after its end from which a day is scored
    #[arg(long, value_name = "HOURS", default_value = "24",
          value_parser = clap::value_parser!(u16).range(0..=240))]
    pub(crate) scored_after: u16,
    /// Days of history before anything is called new
    #[arg(long, value_name = "DAYS", default_value = "7",
          value_parser = clap::value_parser!(u16).range(1..=365))]
    pub(crate) learning_days: u16,
    /// Days by which a step of the month's ladder must be early: 1 alarms most months, 2 one in 20
    #[arg(long, value_name = "DAYS", default_value = "2",
          value_parser = clap::value_parser!(u16).range(1..=27))]
    pub(crate) early_days: u16,
    /// False alarms an account and month, medium and worse, over everything that is judged: fewer
    /// make all thresholds higher
    #[arg(long, value_name = "NUMBER", default_value_t = FALSE_ALARMS, value_parser = false_alarms)]
    pub(crate) false_alarms: f64,
    /// Region or service whose launch was announced; give it again for more
    #[arg(long, value_name = "NAME")]
    pub(crate) announced: Vec<String>,
    /// Profile of the AWS configuration, for s3:// and --live
    #[arg(long)]
    pub(crate) profile: Option<String>,
    /// Exit 10 if a finding is this bad or worse
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    pub(crate) fail_on: Option<Severity>,
    /// Exit 11 if anything could not be read
    #[arg(long)]
    pub(crate) require_complete: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SpendCommand {
    Ladder(LadderArgs),
}

/// Propose alarms on AWS's own estimate of the month, from past months; nothing is created
///
/// Ten alarms cost nothing: steps of the total, and the largest services and accounts. They are in
/// us-east-1, where AWS keeps the estimate, and tell an SNS topic.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan spend ladder ./bill
  bartizan spend ladder ./bill --check               which of them exist
  bartizan spend ladder ./bill --topic arn:aws:sns:us-east-1:111122223333:bill --form cli")]
pub(crate) struct LadderArgs {
    /// File, folder, glob, s3://bucket/prefix, or - for standard input
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<String>,
    /// Topic that the alarms tell
    #[arg(
        long,
        value_name = "ARN",
        default_value = "arn:aws:sns:us-east-1:111122223333:billing"
    )]
    pub(crate) topic: String,
    /// Compare with the alarms, budgets and anomaly monitors of the last snapshot
    #[arg(long)]
    pub(crate) check: bool,
    /// A snapshot id, a .facts file or a folder of AWS CLI output, in place of the last snapshot
    #[arg(long, value_name = "PATH|SNAPSHOT", requires = "check")]
    pub(crate) on: Option<String>,
    /// As what they are printed: cli, terraform or cloudformation
    #[arg(long, value_enum, default_value = "cli", hide_possible_values = true)]
    pub(crate) form: LadderForm,
    /// Profile of the AWS configuration, for s3://
    #[arg(long)]
    pub(crate) profile: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LadderForm {
    Cli,
    Terraform,
    Cloudformation,
}
