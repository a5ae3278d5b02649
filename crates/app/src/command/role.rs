//! `bartizan role`.

use std::sync::Arc;

use anyhow::{Context, Result};
use bartizan_cloud::live::{Identity, Live};
use bartizan_cloud::queue::{arn_of, queue_reader_policy};
use bartizan_cloud::role;
use bartizan_cloud::sink_calls::sinks_policy;
use serde_json::json;

use super::watch::configured_sinks;
use crate::alerting::sink_permissions;
use crate::cli::{Format, Global, RoleCheckArgs, RoleCommand, RoleForm};
use crate::import::{call_table, runtime};
use crate::outcome::Outcome;
use crate::render::Out;

pub(super) fn run(global: &Global, args: &RoleCommand) -> Result<Outcome> {
    match &args.check {
        Some(RoleCheckArgs::Check {
            profile,
            role,
            calls,
        }) => check(global, profile.clone(), role.as_deref(), calls),
        None => print(args),
    }
}

fn print(args: &RoleCommand) -> Result<Outcome> {
    let mut out = Out::new();
    if let Some(bucket) = &args.bucket {
        let (bucket, prefix) = bucket
            .trim_start_matches("s3://")
            .split_once('/')
            .unwrap_or((bucket.trim_start_matches("s3://"), ""));
        let policy = role::bucket_policy(bucket, prefix.trim_matches('/'), &args.principal);
        out.raw(&format!("{}\n", serde_json::to_string_pretty(&policy)?))?;
        return Ok(Outcome::Done);
    }
    if let Some(file) = &args.sinks {
        let wanted = sink_permissions(&configured_sinks(Some(file))?)?;
        let policy = sinks_policy(&wanted);
        out.raw(&format!("{}\n", serde_json::to_string_pretty(&policy)?))?;
        return Ok(Outcome::Done);
    }
    let (model, table) = call_table(&args.calls)?;
    let mut policies = role::policies(&table);
    if !args.queues.is_empty() {
        let arn = |queue: &String| {
            arn_of(&model, queue).with_context(|| {
                format!(
                    "{queue} is neither the ARN nor the URL of a queue, such as \
                    https://sqs.eu-west-1.amazonaws.com/111122223333/bartizan"
                )
            })
        };
        let arns: Vec<String> = args.queues.iter().map(arn).collect::<Result<_>>()?;
        policies.push(queue_reader_policy(&arns));
    }
    let trust = role::trust_policy(&args.principal, args.external_id.as_deref());
    let text = match args.form {
        RoleForm::Json => {
            serde_json::to_string_pretty(&json!({ "trust_policy": trust, "policies": policies }))?
        }
        RoleForm::Terraform => role::terraform(&policies, &trust).trim_end().to_owned(),
        RoleForm::Cloudformation => {
            serde_json::to_string_pretty(&role::cloudformation(&policies, &trust))?
        }
    };
    out.raw(&format!("{text}\n"))?;
    Ok(Outcome::Done)
}

fn check(
    global: &Global,
    profile: Option<String>,
    name: Option<&str>,
    calls: &[std::path::PathBuf],
) -> Result<Outcome> {
    let (model, table) = call_table(calls)?;
    let identity = Identity {
        profile,
        ..Identity::default()
    };
    let check = runtime()?.block_on(async {
        let live = Live::connect(Arc::clone(&model), &identity)
            .await
            .context("could not reach AWS")?;
        role::check(&live, &table, name)
            .await
            .map_err(|e| anyhow::anyhow!("could not read the role: {}", e.detail))
    })?;
    let good = check.missing.is_empty()
        && check.reads_data.is_empty()
        && check.writes.is_empty()
        && check.unknown.is_empty();
    let mut out = Out::new();
    if global.format != Format::Human {
        out.json(global.format, vec![serde_json::to_value(&check)?])?;
        return Ok(if good { Outcome::Done } else { Outcome::Bad });
    }
    out.line(&format!(
        "role {}: {}",
        check.role,
        if good {
            "has what it needs, and neither reads data nor writes"
        } else {
            "needs mending"
        }
    ))?;
    for (word, list, why) in [
        (
            "missing",
            &check.missing,
            "these calls will be holes in coverage",
        ),
        (
            "reads data",
            &check.reads_data,
            "an audit role must not: whoever steals it steals the data",
        ),
        (
            "writes",
            &check.writes,
            "an audit role must not: whoever steals it owns the account",
        ),
        (
            "unknown",
            &check.unknown,
            "these policies could not be read",
        ),
    ] {
        if !list.is_empty() {
            out.line(&format!("  {word:<10} {} · {why}", list.len()))?;
            for item in list {
                out.line(&format!("    {item}"))?;
            }
        }
    }
    Ok(if good { Outcome::Done } else { Outcome::Bad })
}
