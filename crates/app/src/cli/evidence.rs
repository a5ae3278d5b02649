//! Arguments of the commands about snapshots and the evidence log.

use std::path::PathBuf;

use bartizan_model::Severity;
use bartizan_model::limits::CALLS_IN_FLIGHT;
use clap::{Args, Subcommand, ValueEnum};

use super::values::severity;

/// Read an account, or import answers that somebody saved, and append the snapshot to the evidence
/// log
///
/// Reads only; the calls are listed by `bartizan role`. What could not be read is kept as such: a
/// denied call is never a deletion. Ctrl-C leaves no half snapshot.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan snapshot --profile audit
  bartizan snapshot --role-arn arn:aws:iam::111122223333:role/bartizan-audit --external-id 7f3a
  bartizan snapshot --org bartizan-audit            every account of the organization
  bartizan snapshot --regions eu-west-1,us-east-1
  bartizan snapshot --from ./dump                   account/region/service-operation.json")]
pub(crate) struct SnapshotArgs {
    /// Profile of the AWS configuration
    #[arg(long)]
    pub(crate) profile: Option<String>,
    /// Role to assume; give it again for more accounts
    #[arg(long, value_name = "ARN")]
    pub(crate) role_arn: Vec<String>,
    /// External id for the roles
    #[arg(long, value_name = "ID")]
    pub(crate) external_id: Option<String>,
    /// List the organization's accounts and assume the role of this name in each
    #[arg(long, value_name = "ROLE", conflicts_with = "role_arn")]
    pub(crate) org: Option<String>,
    /// Regions to read [default: all that the account has enabled]
    #[arg(long, value_delimiter = ',', value_name = "REGION,…")]
    pub(crate) regions: Vec<String>,
    /// Import a folder of AWS CLI output or AWS Config items, or one such file
    #[arg(long, value_name = "PATH", conflicts_with_all = ["profile", "role_arn", "org"])]
    pub(crate) from: Option<PathBuf>,
    /// When the imported answers were given, RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", requires = "from")]
    pub(crate) time: Option<jiff::Timestamp>,
    /// Requests a second at most, for each account
    #[arg(long, value_name = "N")]
    pub(crate) max_rps: Option<f64>,
    /// Calls in flight at most
    #[arg(long, value_name = "N", default_value_t = CALLS_IN_FLIGHT)]
    pub(crate) in_flight: usize,
    /// Rows of your own for the call table (they may only read)
    #[arg(long, value_name = "FILE")]
    pub(crate) calls: Vec<PathBuf>,
    /// Exit 11 if anything could not be read
    #[arg(long)]
    pub(crate) require_complete: bool,
}

/// Two snapshots to compare.
#[derive(Debug, Args)]
pub(crate) struct SnapshotPairArgs {
    /// The earlier snapshot [default: the last but one of each account]
    #[arg(value_name = "BEFORE", requires = "after")]
    pub(crate) before: Option<String>,
    /// The later snapshot
    #[arg(value_name = "AFTER")]
    pub(crate) after: Option<String>,
}

/// Say what changed between two snapshots
///
/// Compares the last two snapshots of each account, unless two are named. A snapshot is an id (as
/// `snapshot` prints it), a `.facts` file, or a folder of AWS CLI output.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan diff
  bartizan diff 4 7
  bartizan diff before/ after/                      two folders of AWS CLI output
  bartizan diff --fact 'iam:userpolicy ci/deploy'   one fact, old and new whole
  bartizan diff --format json --fail-on high")]
pub(crate) struct DiffArgs {
    #[command(flatten)]
    pub(crate) snapshots: SnapshotPairArgs,
    /// Only this fact, with its whole documents
    #[arg(long, value_name = "KIND ID")]
    pub(crate) fact: Option<String>,
    /// Exit 10 if a change is this bad or worse
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    pub(crate) fail_on: Option<Severity>,
    /// Exit 11 if anything could not be read
    #[arg(long)]
    pub(crate) require_complete: bool,
}

/// Print a snapshot as flat lines, one fact a line, for `diff`, `grep` and `sort`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan flat > today.facts
  bartizan flat 4
  bartizan flat --talk          the lines of the 2013 talk")]
pub(crate) struct FlatArgs {
    /// Snapshot id, `.facts` file, or folder of AWS CLI output [default: the last snapshot of each
    /// account]
    pub(crate) snapshot: Option<String>,
    /// The format of the 2013 talk
    #[arg(long)]
    pub(crate) talk: bool,
}

/// Check the evidence, or what keeps it
#[derive(Debug, Subcommand)]
pub(crate) enum VerifyCommand {
    /// Walk all of the log, its snapshots and its documents
    ///
    /// Compares with the signed head that this machine remembers, and with every --head. Needs no
    /// network for a folder.
    Evidence {
        /// Verifier key to hold the log against, as a text or a file [default: the log's own]
        #[arg(long, value_name = "KEY")]
        public_key: Option<String>,
        /// A signed head that was kept elsewhere
        #[arg(long, value_name = "FILE")]
        head: Vec<PathBuf>,
    },
    /// Prove that one fact stood in one snapshot; the proof is checkable without the store
    Fact {
        /// Kind, such as iam:role
        kind: String,
        /// Id, as `flat` prints it
        id: String,
        /// Snapshot id [default: the last]
        #[arg(long, value_name = "SNAPSHOT")]
        on: Option<u64>,
    },
    /// Check a proof that `verify fact` printed
    Proof {
        /// The file, or - for standard input
        file: PathBuf,
        /// Verifier key to trust
        #[arg(long, value_name = "KEY")]
        public_key: String,
    },
    Trail(VerifyTrailArgs),
    /// Try to break the write-once bucket of --store, with the writer's own credentials
    ///
    /// Writes one canary object and then tries to overwrite, delete and unlock it, and to unlock
    /// the bucket. Every attempt must be refused. Run it against a bucket that may hold a canary
    /// for as long as its retention lasts.
    Bucket {
        /// Profile of the AWS configuration
        #[arg(long)]
        profile: Option<String>,
    },
}

/// Check CloudTrail's logs against the digests that CloudTrail signed
///
/// Reads a folder, or a bucket with the signatures in its metadata, and says of each digest and log
/// whether it is valid, tampered with, missing or extra, and which time no digest covers. With a
/// store it remembers the newest digest of every trail, so that a later run finds what was deleted
/// at the end, and does not read again what was verified.
///
/// Exit code 10 if something is tampered with, missing or extra, or if a gap is not explained by a
/// recorded call; else 11 if something could not be checked; else 0.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan verify trail s3://audit-logs --store evidence
  bartizan verify trail ./AWSLogs --keys keys.json --signatures signatures.txt
  bartizan verify trail examples/heist/trail --keys examples/heist/digest-key.json \\
    --signatures examples/heist/digest-signatures.txt
  aws cloudtrail list-public-keys --region eu-west-1 --start-time 2026-01-01 > keys.json")]
pub(crate) struct VerifyTrailArgs {
    /// Folder or s3://bucket/prefix with AWSLogs/ in it
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<String>,
    /// Public keys, as aws cloudtrail list-public-keys prints them [default: ask AWS]
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
    /// Signatures of digests on a disk: lines of HEX KEY [default: those of the store]
    #[arg(long, value_name = "FILE")]
    pub(crate) signatures: Option<PathBuf>,
    /// Profile of the AWS configuration
    #[arg(long)]
    pub(crate) profile: Option<String>,
    /// Read everything again, also what an earlier run verified
    #[arg(long)]
    pub(crate) all: bool,
    /// Threads that inflate and hash [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: Option<u16>,
}

/// Print the audit role that the call table needs, or check a live one
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  bartizan role --principal 111122223333 --external-id 7f3a --as terraform > role.tf
  bartizan role --bucket my-evidence --principal arn:aws:iam::111122223333:role/collector
  bartizan role --sinks bartizan.toml               what its [[sink]]s write to, and no more
  bartizan role check --profile audit"
)]
pub(crate) struct RoleCommand {
    #[command(subcommand)]
    pub(crate) check: Option<RoleCheckArgs>,
    /// Who may become the role: an account id or a principal's ARN
    #[arg(long, value_name = "PRINCIPAL", default_value = "COLLECTOR_ACCOUNT_ID")]
    pub(crate) principal: String,
    /// External id that it must give
    #[arg(long, value_name = "ID")]
    pub(crate) external_id: Option<String>,
    /// In which form
    #[arg(long = "as", value_enum, default_value = "json", value_name = "FORM")]
    pub(crate) form: RoleForm,
    /// Print the policy of the evidence bucket in the second account instead (bucket or
    /// bucket/prefix)
    #[arg(long, value_name = "BUCKET")]
    pub(crate) bucket: Option<String>,
    /// Also allow receiving from these queues, by URL or ARN: `watch` deletes what it has read
    #[arg(long, value_name = "QUEUE")]
    pub(crate) queues: Vec<String>,
    /// Print the policy that the sinks of a configuration need in addition: they write
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..=1,
        default_missing_value = "bartizan.toml",
        conflicts_with = "bucket"
    )]
    pub(crate) sinks: Option<PathBuf>,
    /// Rows of your own for the call table
    #[arg(long, value_name = "FILE")]
    pub(crate) calls: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RoleForm {
    Json,
    Terraform,
    Cloudformation,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RoleCheckArgs {
    /// Compare a live role with what the call table needs; warn if it reads data or writes
    Check {
        /// Profile of the AWS configuration
        #[arg(long)]
        profile: Option<String>,
        /// The role [default: the one we are]
        #[arg(long)]
        role: Option<String>,
        /// Rows of your own for the call table
        #[arg(long, value_name = "FILE")]
        calls: Vec<PathBuf>,
    },
}
