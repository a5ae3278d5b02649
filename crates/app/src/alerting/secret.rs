//! Secret of a sink: from the environment, a file or Secrets Manager. Never printed.

use std::fmt;
use std::path::PathBuf;
use std::sync::Mutex;

use anyhow::{Context, Result, ensure};
use bartizan_cloud::sink_calls::{SinkCall, sink_call};
use serde_json::{Map, json};

use super::aws::AwsAccess;
use super::config::SinkConfig;

/// Bytes of a secret.
const SECRET_BYTES_MAX: usize = 16 << 10;

/// Secret, read when it is first needed and again after the sink failed: it may have changed.
#[derive(Debug)]
pub(super) struct SecretSource {
    place: SecretPlace,
    cached: Mutex<Option<Secret>>,
}

#[derive(Debug)]
enum SecretPlace {
    Environment(String),
    File(PathBuf),
    Manager { arn: String, access: AwsAccess },
}

/// Text of a secret.
#[derive(Clone)]
pub(super) struct Secret(String);

impl Secret {
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl SecretSource {
    /// Source that a sink names, if any.
    pub(super) fn of(config: &SinkConfig) -> Option<Self> {
        let place = if let Some(name) = &config.secret_env {
            SecretPlace::Environment(name.clone())
        } else if let Some(path) = &config.secret_file {
            SecretPlace::File(path.clone())
        } else {
            SecretPlace::Manager {
                arn: config.secret_arn.clone()?,
                access: AwsAccess::of(config),
            }
        };
        Some(Self {
            place,
            cached: Mutex::new(None),
        })
    }

    pub(super) async fn get(&self) -> Result<Secret> {
        let cached = self.cached.lock().ok().and_then(|c| c.clone());
        if let Some(secret) = cached {
            return Ok(secret);
        }
        let text = match &self.place {
            SecretPlace::Environment(name) => std::env::var(name)
                .with_context(|| format!("the environment variable {name} is not set"))?,
            SecretPlace::File(path) => std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the secret in {}", path.display()))?,
            SecretPlace::Manager { arn, access } => from_manager(arn, access).await?,
        };
        let text = text.trim().to_owned();
        ensure!(!text.is_empty(), "the secret is empty");
        ensure!(text.len() <= SECRET_BYTES_MAX, "the secret is too long");
        let secret = Secret(text);
        if let Ok(mut cached) = self.cached.lock() {
            *cached = Some(secret.clone());
        }
        Ok(secret)
    }

    /// Reads it again when it is needed next.
    pub(super) fn forget(&self) {
        if let Ok(mut cached) = self.cached.lock() {
            *cached = None;
        }
    }
}

async fn from_manager(arn: &str, access: &AwsAccess) -> Result<String> {
    let live = access.live().await?;
    let region = arn.split(':').nth(3).filter(|r| !r.is_empty());
    let mut parameters = Map::new();
    parameters.insert("SecretId".to_owned(), json!(arn));
    let region = region.unwrap_or(access.region());
    let answer = sink_call(&live, SinkCall::GetSecretValue, region, &parameters)
        .await
        .map_err(|e| anyhow::anyhow!("cannot read the secret {arn}: {}", e.detail))?;
    let text = answer["SecretString"].as_str();
    Ok(text.context("the secret has no text")?.to_owned())
}
