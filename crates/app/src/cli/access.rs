//! Arguments of `bartizan access`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::evidence::SnapshotPairArgs;
use super::values::time;

/// Access of principals: ask, list, compare
#[derive(Debug, Subcommand)]
pub(crate) enum AccessCommand {
    Can(AccessCanArgs),
    WhoCan(AccessWhoCanArgs),
    Effective(AccessEffectiveArgs),
    Reach(AccessReachArgs),
    Unused(AccessUnusedArgs),
    Escalate(AccessEscalateArgs),
    Public(AccessPublicArgs),
    Diff(AccessDiffArgs),
    PolicyDiff(AccessPolicyDiffArgs),
    Eval(AccessEvalArgs),
}

/// Table of the actions of AWS.
#[derive(Debug, Default, Args)]
pub(crate) struct ActionTable {
    /// Another table of actions, as cargo xtask iam-data writes it
    #[arg(long, value_name = "FILE")]
    pub(crate) iam_data: Option<PathBuf>,
}

/// Account that the questions are about.
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

/// Action and resource that a question is about.
#[derive(Debug, Args)]
pub(crate) struct AccessQuestionArgs {
    /// service:Action, with `*` and `?` for many at once: `s3:Get*`, `s3:*`, `*`
    pub(crate) action: String,
    /// ARN, with `*` and `?` for many at once; `*` for all resources, and for actions that are about
    /// none
    pub(crate) resource: String,
    /// Condition key of the request, such as aws:SourceIp=203.0.113.9; KEY= for a key that it does not
    /// have; give it again for more keys, and for more values of one
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) context: Vec<String>,
    /// VPC endpoint that the request comes through, vpce-…: its policy must allow it as well
    #[arg(long, value_name = "ID")]
    pub(crate) from_vpce: Option<String>,
}

/// One question, with the reason: must, may (and what it depends on), or no
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan access can alice s3:GetObject arn:aws:s3:::payroll/2026.csv
  bartizan access can role/build iam:PassRole arn:aws:iam::111122223333:role/admin --on ./dump
  bartizan access can alice 's3:*' 'arn:aws:s3:::payroll/*'
  bartizan access can alice ec2:StopInstances '*' --context aws:MultiFactorAuthPresent=true
  bartizan access can service:lambda.amazonaws.com sts:AssumeRole arn:aws:iam::111122223333:role/fn
  bartizan access can repo:acme/infra:ref:refs/heads/main@token.actions.githubusercontent.com \\
      sts:AssumeRoleWithWebIdentity arn:aws:iam::111122223333:role/deploy

Exit codes: 0 must or may, 1 could not find out, 10 no")]
pub(crate) struct AccessCanArgs {
    /// Name, role/NAME, or ARN; service:HOST for a service of AWS, SUBJECT@PROVIDER for a token of an
    /// identity provider, anonymous for a request without a signature. An ARN of another account is
    /// asked as far as this account has a say
    pub(crate) principal: String,
    #[command(flatten)]
    pub(crate) asked: AccessQuestionArgs,
    /// Session of a role by its name, which is in aws:userid and in the ARN that policies may name
    #[arg(long, value_name = "NAME")]
    pub(crate) as_session: Option<String>,
    /// Policy that the session was begun with: it must allow it as well; give it again for more
    #[arg(long, value_name = "FILE")]
    pub(crate) session_policy: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) on: On,
}

/// Principals that may do one action on one resource
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan access who-can kms:Decrypt arn:aws:kms:eu-west-1:111122223333:key/1234
  bartizan access who-can iam:CreateUser '*' --format ndjson
  bartizan access who-can 's3:Put*' 'arn:aws:s3:::payroll/*' --from-vpce vpce-1a2b3c4d")]
pub(crate) struct AccessWhoCanArgs {
    #[command(flatten)]
    pub(crate) asked: AccessQuestionArgs,
    #[command(flatten)]
    pub(crate) on: On,
}

/// Everything that a user or role may do, as one policy for what it must and one for what it may
///
/// Identity policies, boundary, service and resource control policies, and policies of the
/// account's resources, folded into documents that can be evaluated alone. Conditions that are known
/// from what was read are worked out. Resources of other accounts must let it in as well: see reach.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan access effective alice
  bartizan access effective role/build --on ./dump --format json | jq .must > build.json
  bartizan access policy-diff before.json build.json")]
pub(crate) struct AccessEffectiveArgs {
    /// Name, role/NAME, or ARN
    pub(crate) principal: String,
    #[command(flatten)]
    pub(crate) on: On,
}

/// Everything that a user or role can read, change and become, in all accounts that were read
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan access reach alice
  bartizan access reach role/build --on ./dumps --format ndjson")]
pub(crate) struct AccessReachArgs {
    /// Name, role/NAME, or ARN
    pub(crate) principal: String,
    #[command(flatten)]
    pub(crate) on: On,
}

/// Permissions that a user or role has and did not use, and a smaller policy to put in place
///
/// Compares what it may do with its calls in a trail. Actions that a trail of management events does
/// not show (data events, iam:PassRole) are kept, and so are all actions of a service of which a
/// call could not be matched to an action.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan access unused alice --trail ./AWSLogs
  bartizan access unused role/build --trail s3://logs/AWSLogs/111122223333 --since 2026-06-01
  aws iam get-service-last-accessed-details --job-id JOB > last.json
  bartizan access unused alice --last-accessed last.json --format json | jq .policy

Exit codes: 0 all is used, 1 could not find out, 10 something is not used")]
pub(crate) struct AccessUnusedArgs {
    /// Name, role/NAME, or ARN
    pub(crate) principal: String,
    /// Trail with its calls: file, folder, glob, s3://bucket/prefix, or -
    #[arg(long, value_name = "PATH", required_unless_present = "last_accessed")]
    pub(crate) trail: Vec<String>,
    /// Only calls from this time on (date or RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time, requires = "trail")]
    pub(crate) since: Option<jiff::Timestamp>,
    /// Answer of iam get-service-last-accessed-details
    #[arg(long, value_name = "FILE")]
    pub(crate) last_accessed: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) on: On,
}

/// Administrators, and the paths by which others become one
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

/// Access from outside of the account
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

/// Access gained and lost between two snapshots: permissions, paths to administrator, external
/// access
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan access diff
  bartizan access diff 4 7 --format json
  bartizan access diff before/ after/

Exit codes: 0 nobody gained anything, 10 somebody did or may have")]
pub(crate) struct AccessDiffArgs {
    #[command(flatten)]
    pub(crate) snapshots: SnapshotPairArgs,
    #[command(flatten)]
    pub(crate) table: ActionTable,
}

/// Permissions that one policy gives and another does not, each with a request that shows it
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
