//! The command line as typed.

use std::path::PathBuf;

use bartizan_model::Severity;
use bartizan_model::limits::CALLS_IN_FLIGHT;
use clap::{Args, Parser, Subcommand, ValueEnum};

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
  bartizan snapshot --profile audit        read the account, sign what was found
  bartizan diff                            what changed since the snapshot before
  bartizan snapshot --from ./dump          the same from a folder of AWS CLI output
  bartizan detect ./AWSLogs                who tried what, from CloudTrail
  bartizan access escalate                 who can become administrator, and how
  bartizan verify evidence                 is the history what was signed
  bartizan role --external-id 7f3a         the read-only role that snapshot needs

Exit codes: 0 done, 1 could not do it, 2 wrong usage, 10 changes or findings at or above --fail-on,
11 coverage incomplete under --require-complete";

/// Where the store is when nobody says.
pub(crate) const DEFAULT_STORE: &str = "bartizan-store";

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Where the evidence is: a folder, or s3://bucket/prefix
    #[arg(long, global = true, value_name = "DIR", default_value = DEFAULT_STORE, env = "BARTIZAN_STORE")]
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
    /// When to colour: auto, always or never
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
    /// OCSF Detection Finding 1.5, one a line (detect)
    Ocsf,
    /// Comma separated, for a spreadsheet (detect)
    Csv,
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
    Report(ReportArgs),
    Accept(AcceptArgs),
    Diff(DiffArgs),
    Detect(DetectArgs),
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

/// Take a snapshot, say what changed and who did it, read the trail, and join it all into incidents
///
/// DIR has dumps of AWS CLI output in config/ (one a folder named by its time, 20260310T000000Z)
/// and CloudTrail in trail/. A configuration names accounts and trails to reach live. Everything
/// found is kept in the store; a second run over the same input changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan watch --once examples/heist --report heist.html
  bartizan watch --once                             with ./bartizan.toml
  bartizan watch --once --config prod.toml --format json
  bartizan watch --once ./evidence --fail-on high   exit 10 if there is such a finding")]
pub(crate) struct WatchArgs {
    /// Folder with config/ and trail/
    #[arg(value_name = "DIR", conflicts_with = "config")]
    pub(crate) dir: Option<PathBuf>,
    /// Do it once and end
    #[arg(long, required = true)]
    pub(crate) once: bool,
    /// What to watch [default: ./bartizan.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Write the report as well
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
    /// Threads that read the trail [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: Option<u16>,
    /// Exit 10 if a finding is this bad or worse
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    pub(crate) fail_on: Option<Severity>,
    /// Exit 11 if anything could not be read
    #[arg(long)]
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

/// Say why a finding is no cause for alarm; the reason is signed and kept
///
/// What is accepted is the grant as it is now, not its name: when it changes, the alarm is back.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan accept 3f2a91c0 --reason 'new vendor, ticket 4711' --until 2027-01-31
  bartizan accept --list")]
pub(crate) struct AcceptArgs {
    /// Id of the finding, or the beginning of it
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

/// Say what changed between two snapshots
///
/// Compares the last two snapshots of each account, unless told which. A snapshot is an id (as
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
    /// The earlier snapshot
    #[arg(value_name = "BEFORE", requires = "after")]
    pub(crate) before: Option<String>,
    /// The later snapshot
    #[arg(value_name = "AFTER")]
    pub(crate) after: Option<String>,
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

/// Read CloudTrail and say who tried to gain access, to stay, to take, or to blind the alarm
///
/// Reads files, folders, globs, s3://bucket/prefix and standard input (-), in any shape that
/// CloudTrail comes in, packed or not. What cannot be read is counted and told: silence about it
/// would be no all-clear. Beside human, json and ndjson, --format takes ocsf (OCSF Detection
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

/// Who can do what: ask, list, compare
#[derive(Debug, Subcommand)]
pub(crate) enum AccessCommand {
    Can(AccessCanArgs),
    WhoCan(AccessWhoCanArgs),
    Escalate(AccessEscalateArgs),
    Public(AccessPublicArgs),
    Diff(AccessDiffArgs),
    PolicyDiff(AccessPolicyDiffArgs),
    Eval(AccessEvalArgs),
}

/// Which actions there are.
#[derive(Debug, Args)]
pub(crate) struct ActionTable {
    /// Another table of actions, as cargo xtask iam-data writes it
    #[arg(long, value_name = "FILE")]
    pub(crate) iam_data: Option<PathBuf>,
}

/// What the questions are asked of.
#[derive(Debug, Args)]
pub(crate) struct On {
    /// A snapshot id, a .facts file, a folder of AWS CLI output, or the answer of
    /// get-account-authorization-details [default: the last snapshot of each account in the store]
    #[arg(long, value_name = "PATH|SNAPSHOT")]
    pub(crate) on: Option<String>,
    /// Exit 11 if something that has a say was not read
    #[arg(long)]
    pub(crate) require_complete: bool,
    #[command(flatten)]
    pub(crate) table: ActionTable,
}

/// May this principal do that: must, may (and on what it hangs), or no
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan access can alice s3:GetObject arn:aws:s3:::payroll/2026.csv
  bartizan access can role/build iam:PassRole arn:aws:iam::111122223333:role/admin --on ./dump

Exit codes: 0 must or may, 1 could not find out, 10 no")]
pub(crate) struct AccessCanArgs {
    /// Name, role/NAME, or ARN; an ARN of another account is asked as far as this account has a say
    pub(crate) principal: String,
    /// service:Action
    pub(crate) action: String,
    /// ARN, with `*` and `?` for many at once, or `*` for actions that are about no resource
    pub(crate) resource: String,
    #[command(flatten)]
    pub(crate) on: On,
}

/// Which principals may do that
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan access who-can kms:Decrypt arn:aws:kms:eu-west-1:111122223333:key/1234
  bartizan access who-can iam:CreateUser '*' --format ndjson")]
pub(crate) struct AccessWhoCanArgs {
    /// service:Action
    pub(crate) action: String,
    /// ARN, with `*` and `?` for many at once (all, some or none of them), or `*` for actions that
    /// are about no resource
    pub(crate) resource: String,
    #[command(flatten)]
    pub(crate) on: On,
}

/// Who may do everything, and who can get there, by which way
///
/// A and B hold everything as they are; C can grant it to itself; D can take the credentials of
/// somebody who has it; E can run code with a role that has it; F can become such a role; G can
/// remove the guard rail.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan access escalate
  bartizan access escalate alice --on ./dump
  aws iam get-account-authorization-details > gaad.json; bartizan access escalate --on gaad.json")]
pub(crate) struct AccessEscalateArgs {
    /// Only this one, with all its ways: name, role/NAME, or ARN
    pub(crate) principal: Option<String>,
    #[command(flatten)]
    pub(crate) on: On,
}

/// Who outside of the account can do what in it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan access public
  bartizan access public --on ./dump --friendly 444455556666 --vendors vendor_accounts.yaml")]
pub(crate) struct AccessPublicArgs {
    /// An account that is a friend; give it again for more
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) friendly: Vec<String>,
    /// A list of vendors' accounts (YAML: name, and accounts or id)
    #[arg(long, value_name = "FILE")]
    pub(crate) vendors: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) on: On,
}

/// Who gained and lost what between two snapshots: access, ways to everything, ways in from outside
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan access diff
  bartizan access diff 4 7 --format json
  bartizan access diff before/ after/

Exit codes: 0 nobody gained anything, 10 somebody did or may have")]
pub(crate) struct AccessDiffArgs {
    /// The earlier snapshot [default: the last but one of each account]
    #[arg(value_name = "BEFORE", requires = "after")]
    pub(crate) before: Option<String>,
    /// The later snapshot
    #[arg(value_name = "AFTER")]
    pub(crate) after: Option<String>,
    #[command(flatten)]
    pub(crate) table: ActionTable,
}

/// What a policy allows that another does not, each with a request that shows it
///
/// A `must` has a witness: a request that one policy denies and the other allows, checked by a
/// second evaluator. A `may` could neither be shown nor ruled out.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan access policy-diff old.json new.json
  bartizan access policy-diff bucket-before.json bucket-after.json --format json
  bartizan access policy-diff --as scp scp-before.json scp-after.json

Exit codes: 0 the new policy grants nothing new, 10 it does or may")]
pub(crate) struct AccessPolicyDiffArgs {
    /// The policy before
    pub(crate) old: PathBuf,
    /// The policy after
    pub(crate) new: PathBuf,
    /// Where the policies stand [default: resource where they name principals, identity where they
    /// do not]
    #[arg(long = "as", value_enum, value_name = "KIND")]
    pub(crate) side: Option<PolicySide>,
    #[command(flatten)]
    pub(crate) table: ActionTable,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PolicySide {
    /// Of a user, group or role; boundaries and session policies too
    Identity,
    /// Of a resource; trust policies too
    Resource,
    /// Service control policy
    Scp,
    /// Resource control policy
    Rcp,
}

/// Decide requests with their policies, one a line
///
/// A line is `{"name", "request": {"action", "resource", "principal", "context"},
/// "identity_policies", "resource_policy", "permission_boundaries", "session_policies",
/// "scp_levels", "rcp_levels", "endpoint_policies", "block_public_access"}`; all but the request
/// may be absent, which then does not limit. docs/formats.md has the whole shape. The answer is
/// `{"name", "decision", "because"}`, where the decision is allowed, explicitly-denied,
/// implicitly-denied, or unknown.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan access eval cases.ndjson
  jq -c '.[]' cases.json | bartizan access eval - | jq -r .decision

Exit codes: 0 all decided, 1 a line could not be read")]
pub(crate) struct AccessEvalArgs {
    /// One case a line; `-` is standard input
    #[arg(value_name = "CASES")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) table: ActionTable,
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

/// Print the audit role that the call table needs, or check a live one
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  bartizan role --principal 111122223333 --external-id 7f3a --as terraform > role.tf
  bartizan role --bucket my-evidence --principal arn:aws:iam::111122223333:role/collector
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

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "Example: bartizan completions bash > /etc/bash_completion.d/bartizan")]
pub(crate) struct CompletionsArgs {
    /// Which shell
    pub(crate) shell: clap_complete::Shell,
}

fn severity(text: &str) -> Result<Severity, String> {
    let all = [
        Severity::Info,
        Severity::Low,
        Severity::Medium,
        Severity::High,
        Severity::Critical,
    ];
    all.into_iter()
        .find(|s| s.to_string() == text)
        .ok_or_else(|| "expected info, low, medium, high or critical".to_owned())
}

/// A date is its midnight in UTC.
pub(crate) fn time(text: &str) -> Result<jiff::Timestamp, String> {
    let date = || {
        text.parse::<jiff::civil::Date>()
            .and_then(|d| d.to_zoned(jiff::tz::TimeZone::UTC))
            .map(|z| z.timestamp())
    };
    text.parse()
        .or_else(|_| date())
        .map_err(|_| "expected a date (2026-03-10) or a time (2026-03-10T02:00:00Z)".to_owned())
}
