//! Sinks that are AWS calls.

use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use bartizan_alert::Alert;
use bartizan_alert::sink::{eventbridge, securityhub, sns};
use bartizan_cloud::client::{CallError, Retry};
use bartizan_cloud::live::{Identity, Live};
use bartizan_cloud::model::Model;
use bartizan_cloud::sink_calls::{SinkCall, sink_call};
use bartizan_inventory::snapshot::CallStatus;
use serde_json::Value;

use super::config::SinkConfig;
use super::outcome::SendOutcome;

/// Identity and region of a sink; connected when first needed.
#[derive(Debug)]
pub(super) struct AwsAccess {
    identity: Identity,
    region: String,
    live: Mutex<Option<Arc<Live>>>,
}

/// Place of a sink in AWS.
#[derive(Debug, Clone)]
pub(super) enum AwsPlace {
    Topic(String),
    Bus(String),
    SecurityHub,
}

impl AwsAccess {
    pub(super) fn of(config: &SinkConfig) -> Self {
        let of_arn = |arn: &Option<String>| {
            let region = arn.as_deref().and_then(|a| a.split(':').nth(3));
            region.filter(|r| !r.is_empty()).map(str::to_owned)
        };
        let environment = || {
            ["AWS_REGION", "AWS_DEFAULT_REGION"]
                .iter()
                .find_map(|name| std::env::var(name).ok())
        };
        let region = config
            .region
            .clone()
            .or_else(|| of_arn(&config.topic_arn))
            .or_else(|| of_arn(&config.bus))
            .or_else(environment)
            .unwrap_or_else(|| "us-east-1".to_owned());
        Self {
            identity: Identity {
                profile: config.profile.clone(),
                role_arn: config.role_arn.clone(),
                external_id: config.external_id.clone(),
            },
            region,
            live: Mutex::new(None),
        }
    }

    pub(super) fn region(&self) -> &str {
        &self.region
    }

    /// Client with its identity.
    pub(super) async fn live(&self) -> Result<Arc<Live>> {
        let cached = self.live.lock().ok().and_then(|l| l.clone());
        if let Some(live) = cached {
            return Ok(live);
        }
        let model = Arc::new(Model::builtin());
        let live = Live::connect(model, &self.identity)
            .await
            .context("could not reach AWS")?;
        let live = Arc::new(live);
        if let Ok(mut cached) = self.live.lock() {
            *cached = Some(Arc::clone(&live));
        }
        Ok(live)
    }
}

pub(super) async fn send(access: &AwsAccess, place: &AwsPlace, alert: &Alert) -> SendOutcome {
    let live = match access.live().await {
        Ok(live) => live,
        Err(e) => return SendOutcome::failed(format!("{e:#}")),
    };
    let (call, parameters) = match place {
        AwsPlace::Topic(arn) => (SinkCall::Publish, sns::parameters(alert, arn)),
        AwsPlace::Bus(bus) => (SinkCall::PutEvents, eventbridge::parameters(alert, bus)),
        AwsPlace::SecurityHub => (
            SinkCall::BatchImportFindings,
            securityhub::parameters(alert, &live.account, &access.region),
        ),
    };
    match sink_call(&live, call, &access.region, &parameters).await {
        Ok(answer) => of_answer(call, &answer),
        Err(e) => of_error(&e),
    }
}

/// Entries can fail in an answer that succeeds.
fn of_answer(call: SinkCall, answer: &Value) -> SendOutcome {
    let (count, list) = match call {
        SinkCall::PutEvents => ("FailedEntryCount", "Entries"),
        SinkCall::BatchImportFindings => ("FailedCount", "FailedFindings"),
        SinkCall::Publish | SinkCall::GetSecretValue => return SendOutcome::Delivered,
    };
    if answer[count].as_u64().unwrap_or(0) == 0 {
        return SendOutcome::Delivered;
    }
    let first = &answer[list][0];
    let text = |name: &str| first[name].as_str().unwrap_or_default().to_owned();
    let why = format!("{}: {}", text("ErrorCode"), text("ErrorMessage"));
    // https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
    let passing = [
        "InternalFailure",
        "InternalException",
        "ThrottlingException",
        "InternalError",
    ];
    if passing.contains(&text("ErrorCode").as_str()) {
        SendOutcome::failed(why)
    } else {
        SendOutcome::refused(why)
    }
}

fn of_error(error: &CallError) -> SendOutcome {
    let of_sink = error.is_network()
        || error.retry != Retry::No
        || matches!(
            error.status,
            CallStatus::Denied | CallStatus::Expired | CallStatus::Throttled
        )
        // A topic or bus that is not there is a mistake of the sink, not of the message.
        || error.code.contains("NotFound");
    if of_sink {
        SendOutcome::failed(error.detail.clone())
    } else {
        SendOutcome::refused(error.detail.clone())
    }
}
