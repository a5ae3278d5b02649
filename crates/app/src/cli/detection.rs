//! Arguments of the commands about trails, findings and incidents.

use std::path::PathBuf;

use bartizan_model::Severity;
use clap::{Args, Subcommand};

use super::values::{severity, time};

/// Take a snapshot, say what changed and who did it, read the trail, and join it all into incidents
///
/// DIR has dumps of AWS CLI output in config/ (one a folder named by its time, 20260310T000000Z)
/// and CloudTrail in trail/. A configuration names accounts and trails to reach live. Everything
/// found is kept in the store; a second run over the same input changes nothing. Without --once it
/// goes on until a signal ends it: new files, objects and messages are taken as they come.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan watch --once examples/heist --report heist.html
  bartizan watch                                    for ever, with ./bartizan.toml
  bartizan watch --once                             with ./bartizan.toml
  bartizan watch --once --config prod.toml --format json
  bartizan watch --once ./evidence --fail-on high   exit 10 if there is such a finding")]
pub(crate) struct WatchArgs {
    /// Folder with config/ and trail/
    #[arg(value_name = "DIR", conflicts_with = "config")]
    pub(crate) dir: Option<PathBuf>,
    /// Do it once and end, instead of going on until a signal ends it
    #[arg(long)]
    pub(crate) once: bool,
    /// Configuration file [default: ./bartizan.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Write the report as well
    #[arg(long, value_name = "FILE.html", requires = "once")]
    pub(crate) report: Option<PathBuf>,
    /// Threads that read the trail [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: Option<u16>,
    /// Exit 10 if a finding is this bad or worse
    #[arg(long, value_name = "SEVERITY", value_parser = severity, requires = "once")]
    pub(crate) fail_on: Option<Severity>,
    /// Exit 11 if anything could not be read
    #[arg(long, requires = "once")]
    pub(crate) require_complete: bool,
}

/// Write what the last watch found as one HTML file, to read without network and to hand on
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan watch --once examples/heist
  bartizan report -o heist.html")]
pub(crate) struct ReportArgs {
    /// The file to write, or - for standard output
    #[arg(short, long, value_name = "FILE.html")]
    pub(crate) output: PathBuf,
}

/// Say why a finding or a failing check is no cause for alarm; the reason is signed and kept
///
/// Accepts the grant as it is now, not its name: when it changes, the alarm is back.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan accept 3f2a91c0 --reason 'new vendor, ticket 4711' --until 2027-01-31
  bartizan accept --list")]
pub(crate) struct AcceptArgs {
    /// Id of a finding, an incident or a result of bartizan check, or the beginning of it
    #[arg(value_name = "FINDING", required_unless_present = "list")]
    pub(crate) finding: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT", required_unless_present = "list")]
    pub(crate) reason: Option<String>,
    /// Until when (date or RFC 3339) [default: until the grant changes]
    #[arg(long, value_name = "DATE", value_parser = time)]
    pub(crate) until: Option<jiff::Timestamp>,
    /// List what was accepted
    #[arg(long, conflicts_with_all = ["finding", "reason", "until"])]
    pub(crate) list: bool,
}

/// Read CloudTrail and say who tried to gain access, to stay, to take, or to blind the alarm
///
/// Reads files, folders, globs, s3://bucket/prefix and standard input (-), in any shape that
/// CloudTrail comes in, packed or not. What cannot be read is counted and reported: silence about
/// it would be no all-clear. Beside human, json and ndjson, --format takes ocsf (OCSF Detection
/// Finding, one a line) and csv (for a spreadsheet).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan detect ./AWSLogs
  bartizan detect s3://my-trail/AWSLogs/111122223333 --since 2026-03-10
  zcat *.gz | bartizan detect -
  aws s3 ls … | awk … | bartizan detect --list -          objects named on standard input
  bartizan detect ./AWSLogs --rules ./sigma/rules/cloud/aws --geo GeoLite2-City.mmdb
  bartizan detect ./last-month --learn                    only remember what is usual
  bartizan detect ./AWSLogs --event 7c1e0f6a-…            the record behind a finding
  bartizan detect ./AWSLogs --format ocsf --fail-on high")]
pub(crate) struct DetectArgs {
    /// File, folder, glob, s3://bucket/prefix, or - for standard input
    #[arg(value_name = "PATH", required_unless_present = "list")]
    pub(crate) paths: Vec<String>,
    /// Read the names of files and s3:// objects from FILE, one a line (- is standard input)
    #[arg(long, value_name = "FILE")]
    pub(crate) list: Option<String>,
    /// Only events since then (date or RFC 3339); objects that were delivered earlier, by their
    /// names, are not read
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<jiff::Timestamp>,
    /// Only events until then; objects that were delivered more than an hour later, by their names,
    /// are not read
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<jiff::Timestamp>,
    /// Sigma rules of your own, a file or a folder; give it again for more
    #[arg(long, value_name = "PATH")]
    pub(crate) rules: Vec<PathBuf>,
    /// Leave our own rules out
    #[arg(long)]
    pub(crate) no_builtin_rules: bool,
    /// Only remember what is usual, without any finding
    #[arg(long)]
    pub(crate) learn: bool,
    /// Database of places in MaxMind's format (country, city, ASN); give it again for more
    #[arg(long, value_name = "FILE")]
    pub(crate) geo: Vec<PathBuf>,
    /// ip-ranges.json of AWS, newer than the one built in
    #[arg(long, value_name = "FILE")]
    pub(crate) ip_ranges: Option<PathBuf>,
    /// Show low findings too, which are otherwise only counted
    #[arg(long)]
    pub(crate) all: bool,
    /// Counts by actor, source, region, error and stage, in place of the timeline
    #[arg(long)]
    pub(crate) summary: bool,
    /// Print the records with these event ids, in place of findings
    #[arg(long, value_name = "ID", conflicts_with_all = ["summary", "learn"])]
    pub(crate) event: Vec<String>,
    /// Threads [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: Option<u16>,
    /// Profile of the AWS configuration, for s3://
    #[arg(long)]
    pub(crate) profile: Option<String>,
    /// Exit 10 if a finding is this bad or worse
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    pub(crate) fail_on: Option<Severity>,
    /// Exit 11 if anything could not be read
    #[arg(long)]
    pub(crate) require_complete: bool,
}

/// List, check and try detection rules
#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// List the rules that detect would run
    List {
        /// Rules of your own beside ours
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Leave our own rules out
        #[arg(long)]
        no_builtin_rules: bool,
    },
    /// Say what is wrong with rule files; exit 1 if anything is
    Lint {
        /// Files and folders [default: our own rules]
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Run rules over the fixtures beside them (NAME.json beside NAME.yml); exit 1 if any does not
    /// hold
    Test {
        /// Files and folders [default: our own rules]
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
}
