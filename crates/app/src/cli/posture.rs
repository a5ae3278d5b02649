//! Arguments of `bartizan check`.

use std::path::PathBuf;

use bartizan_model::Severity;
use clap::{Args, ValueEnum};

use super::access::ActionTable;
use super::values::severity;

/// Judge what is open now: credentials, public and shared resources, ports, logging, billing alarms
///
/// Each check says fail, pass or unknown for each resource. What was not read never passes.
#[derive(Debug, Default, Args)]
#[command(after_help = "\
Examples:
  bartizan check                                  the last snapshot of each account in the store
  bartizan check --on ./dump --check PUB-01       one check, of a folder of AWS CLI output
  bartizan check --severity high --fail-on high   for a pipeline
  bartizan check --new                            what fails now and did not in the snapshot before
  bartizan check --compliance cis-3.0             the results by requirement
  bartizan check --explain NET-01                 why, how it is judged, how to mend it
  bartizan check --format sarif > posture.sarif

Exit codes: 0 judged, 1 could not judge, 10 a check at or above --fail-on fails, 11 something is
unknown under --require-complete")]
pub(crate) struct CheckArgs {
    /// A snapshot id, a .facts file, or a folder of AWS CLI output [default: the last snapshot of
    /// each account in the store]
    #[arg(long, value_name = "PATH|SNAPSHOT")]
    pub(crate) on: Option<String>,
    /// Only this check; give it again for more
    #[arg(long = "check", value_name = "ID")]
    pub(crate) checks: Vec<String>,
    /// Not this check; give it again for more
    #[arg(long, value_name = "ID")]
    pub(crate) skip: Vec<String>,
    /// Only results of this severity or worse
    #[arg(long, value_parser = severity, value_name = "SEVERITY")]
    pub(crate) severity: Option<Severity>,
    /// Exit 10 if a check of this severity or worse fails
    #[arg(long, value_parser = severity, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<Severity>,
    /// Only what fails now and did not in the snapshot before
    #[arg(long)]
    pub(crate) new: bool,
    /// Show the results by the requirements of a standard
    #[arg(long, value_enum, value_name = "STANDARD")]
    pub(crate) compliance: Option<Standard>,
    /// List the checks
    #[arg(long, conflicts_with_all = ["explain", "on"])]
    pub(crate) list: bool,
    /// Explain a check
    #[arg(long, value_name = "ID", conflicts_with = "on")]
    pub(crate) explain: Option<String>,
    /// An account that is a friend; give it again for more
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) friendly: Vec<String>,
    /// A list of vendors' accounts (YAML: name, and accounts or id)
    #[arg(long, value_name = "FILE")]
    pub(crate) vendors: Option<PathBuf>,
    /// Exit 11 if a verdict is unknown
    #[arg(long)]
    pub(crate) require_complete: bool,
    #[command(flatten)]
    pub(crate) table: ActionTable,
}

/// A set of requirements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Standard {
    /// CIS AWS Foundations Benchmark 3.0
    #[value(name = "cis-3.0")]
    Cis3,
    /// AWS Foundational Security Best Practices
    Fsbp,
    /// The talk, with the lines of Trusted Advisor
    Talk,
}

/// List everything that opens the account: passwords, keys, certificates, providers, assignments
///
/// Whose it is, how old, when it was last used, and what its holder can become.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan credentials
  bartizan credentials --unused 90 --sort used
  bartizan credentials --of alice --on ./dump
  bartizan credentials --format csv > credentials.csv")]
pub(crate) struct CredentialsArgs {
    /// A snapshot id, a .facts file, or a folder of AWS CLI output [default: the last snapshot of
    /// each account in the store]
    #[arg(long, value_name = "PATH|SNAPSHOT")]
    pub(crate) on: Option<String>,
    /// Only what was not used for so many days, or was made so long ago and never used
    #[arg(long, value_name = "DAYS")]
    pub(crate) unused: Option<i64>,
    /// Only those whose owner's ARN holds this text
    #[arg(long, value_name = "TEXT")]
    pub(crate) of: Option<String>,
    /// Order of the table
    #[arg(long, value_enum, default_value = "kind")]
    pub(crate) sort: CredentialSort,
    /// Exit 11 if part of the credentials was not read
    #[arg(long)]
    pub(crate) require_complete: bool,
    #[command(flatten)]
    pub(crate) table: ActionTable,
}

/// Order of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CredentialSort {
    /// By kind
    Kind,
    /// By owner
    Owner,
    /// The oldest first
    Age,
    /// The longest unused first
    Used,
}
