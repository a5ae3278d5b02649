//! The command line as typed.

mod access;
mod alerts;
mod detection;
mod evidence;
mod posture;
mod serve;
mod spend;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use access::{
    AccessCanArgs, AccessCommand, AccessDiffArgs, AccessEffectiveArgs, AccessEscalateArgs,
    AccessEvalArgs, AccessPolicyDiffArgs, AccessPublicArgs, AccessQuestionArgs, AccessReachArgs,
    AccessUnusedArgs, AccessWhoCanArgs, ActionTable, PolicySide,
};
pub(crate) use alerts::{
    AlertsCommand, AlertsListArgs, AlertsRedriveArgs, AlertsSilenceArgs, AlertsTestArgs,
};
pub(crate) use detection::{AcceptArgs, DetectArgs, ReportArgs, RulesCommand, WatchArgs};
pub(crate) use evidence::{
    DiffArgs, FlatArgs, RoleCheckArgs, RoleCommand, RoleForm, SnapshotArgs, VerifyCommand,
    VerifyTrailArgs,
};
pub(crate) use posture::{CheckArgs, CredentialSort, CredentialsArgs, Standard};
pub(crate) use serve::ServeArgs;
pub(crate) use spend::{LadderArgs, LadderForm, SpendArgs, SpendCommand};
pub(crate) use values::time;

/// Parses the command line, or ends the process with a message (exit code 2) or help (0).
pub(crate) fn parse() -> Cli {
    let cli = Cli::parse();
    cli.global.color.write_global();
    cli
}

/// A burglar alarm for AWS accounts.
///
/// Takes signed, write-once snapshots of an account's security configuration and says what changed
/// between them; reads CloudTrail and says who tried to get in, to stay, to take, or to blind the
/// alarm.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: Global,
}

const EXAMPLES: &str = "\
Examples:
  bartizan watch --once ./evidence         all of it: snapshots, trail, incidents
  bartizan report -o report.html           the same as one file to hand on
  bartizan serve                           the same, live, in a browser
  bartizan snapshot --profile audit        read the account, sign what was found
  bartizan diff                            what changed since the snapshot before
  bartizan snapshot --from ./dump          the same from a folder of AWS CLI output
  bartizan detect ./AWSLogs                who tried what, from CloudTrail
  bartizan spend ./bill                    what money leaves that never did before
  bartizan access escalate                 who can become administrator, and how
  bartizan check                           what is open now: credentials, buckets, ports, logs
  bartizan verify evidence                 is the history what was signed
  bartizan verify trail ./AWSLogs          are the logs what CloudTrail signed
  bartizan role --external-id 7f3a         the read-only role that snapshot needs

Exit codes: 0 done, 1 could not do it, 2 wrong usage, 10 changes or findings at or above --fail-on,
11 coverage incomplete under --require-complete";

/// Where the store is when nobody says.
pub(crate) const DEFAULT_STORE: &str = "bartizan-store";

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Where the evidence is: a folder, or s3://bucket/prefix
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = DEFAULT_STORE,
        env = "BARTIZAN_STORE"
    )]
    pub(crate) store: String,
    /// Key that signs the log [default: made on first use in the user's configuration folder]
    #[arg(long, global = true, value_name = "FILE", env = "BARTIZAN_KEY")]
    pub(crate) key: Option<PathBuf>,
    /// How to print: human, json (one value) or ndjson (one value a line)
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "human",
        hide_possible_values = true
    )]
    pub(crate) format: Format,
    /// When to color the output: auto, always or never
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN",
        hide_possible_values = true
    )]
    pub(crate) color: Color,
    /// Say nothing but the result
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say why, with every cause
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Human,
    /// One JSON value
    Json,
    /// One JSON value a line
    Ndjson,
    /// OCSF 1.5, one a line: Detection Finding (detect, spend), Compliance Finding (check)
    Ocsf,
    /// Comma separated, for a spreadsheet (detect, check, credentials, spend)
    Csv,
    /// AWS Security Finding Format, one a line (check)
    Asff,
    /// SARIF 2.1.0 (check)
    Sarif,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    fn write_global(self) {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::AlwaysAnsi,
            Self::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Snapshot(SnapshotArgs),
    /// List the snapshots of the store, with their ids
    Snapshots,
    Watch(WatchArgs),
    /// Is the alarm on, what does it not see, since when (exit 0 on, 11 blind somewhere, 1 off)
    Status,
    Report(ReportArgs),
    Serve(ServeArgs),
    Accept(AcceptArgs),
    #[command(subcommand)]
    Alerts(AlertsCommand),
    Diff(DiffArgs),
    Check(CheckArgs),
    Credentials(CredentialsArgs),
    Detect(DetectArgs),
    Spend(SpendArgs),
    #[command(subcommand)]
    Rules(RulesCommand),
    #[command(subcommand)]
    Access(AccessCommand),
    Flat(FlatArgs),
    #[command(subcommand)]
    Verify(VerifyCommand),
    Role(RoleCommand),
    Completions(CompletionsArgs),
}

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "Example: bartizan completions bash > /etc/bash_completion.d/bartizan")]
pub(crate) struct CompletionsArgs {
    /// Which shell
    pub(crate) shell: clap_complete::Shell,
}
