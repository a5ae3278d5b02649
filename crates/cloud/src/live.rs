//! Live AWS as a source: credentials, accounts, regions.

use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use bartizan_inventory::snapshot::CallStatus;
use futures::future::{FutureExt, LocalBoxFuture};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::client::{Answer, CallError, Client};
use crate::collect::{Ask, CallSource};
use crate::endpoint::Endpoints;
use crate::model::Model;
use crate::template::at;

const NO_CREDENTIALS: &str = "no credentials found in the environment, the profile, a web \
identity, a container or an instance role: \
                              log in (aws sso login), set AWS_PROFILE, or give --profile";

/// Identity for AWS calls.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    /// Profile in the AWS configuration.
    pub profile: Option<String>,
    /// Role to assume with the profile's credentials.
    pub role_arn: Option<String>,
    /// External id for assuming the role.
    pub external_id: Option<String>,
}

/// Error in connecting to AWS.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The profile does not exist.
    #[error("profile {0:?} is not in ~/.aws/config{1}")]
    Profile(String, String),
    /// AWS cannot be reached over the network.
    #[error("{0}")]
    Network(String),
    /// There are no credentials, or they are invalid.
    #[error("{0}")]
    Identity(String),
}

/// Account, accessed with an identity.
#[derive(Debug)]
pub struct Live {
    client: Client,
    model: std::sync::Arc<Model>,
    /// Account id, 12 digits.
    pub account: String,
    /// ARN of the identity.
    pub arn: String,
}

impl Live {
    /// Finds credentials and asks AWS for their identity.
    ///
    /// # Errors
    /// [`ConnectError`], with a suggested fix.
    pub async fn connect(
        model: std::sync::Arc<Model>,
        identity: &Identity,
    ) -> Result<Self, ConnectError> {
        let config = load(identity).await?;
        let region = config
            .region()
            .map_or_else(|| "us-east-1".to_owned(), ToString::to_string);
        let mut provider = config
            .credentials_provider()
            .ok_or_else(|| ConnectError::Identity(NO_CREDENTIALS.to_owned()))?;
        if let Some(role) = &identity.role_arn {
            let mut builder = AssumeRoleProvider::builder(role)
                .session_name("bartizan")
                .region(Region::new(region.clone()))
                .configure(&config);
            if let Some(id) = &identity.external_id {
                builder = builder.external_id(id);
            }
            provider = SharedCredentialsProvider::new(builder.build().await);
        }
        let endpoints = Endpoints::of(
            &model,
            &region,
            config.endpoint_url().map(str::to_owned),
            std::env::vars(),
        );
        let client = Client::new(provider, endpoints);
        let who = client
            .call(&model, ("sts", "GetCallerIdentity"), &region, &Map::new())
            .await
            .map_err(|e| {
                if e.is_network() {
                    return ConnectError::Network(format!(
                        "AWS cannot be reached: {}: check the network, the proxy (HTTPS_PROXY) \
                        and \
                    AWS_ENDPOINT_URL",
                        e.detail
                    ));
                }
                let hint = match (&identity.role_arn, e.code.as_str()) {
                    (None, "") if e.status == CallStatus::Expired => {
                        // The provider's own text has one line per place that it searched.
                        return ConnectError::Identity(NO_CREDENTIALS.to_owned());
                    }
                    (Some(role), "") => format!(
                        ": could not become {role}; check its trust policy \
                and the external id"
                    ),
                    (_, "ExpiredToken" | "ExpiredTokenException") => ": log in again".to_owned(),
                    _ => String::new(),
                };
                ConnectError::Identity(format!("AWS does not know who we are: {}{hint}", e.detail))
            })?;
        let text = |name| {
            at(&who.value, name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Ok(Self {
            client,
            model,
            account: text("Account"),
            arn: text("Arn"),
        })
    }

    /// Enabled regions, and disabled ones.
    ///
    /// # Errors
    /// If AWS does not respond with them.
    pub async fn regions(&self) -> Result<(Vec<String>, Vec<String>), CallError> {
        let params = json!({ "AllRegions": true })
            .as_object()
            .cloned()
            .unwrap_or_default();
        let answer = self
            .client
            .call(
                &self.model,
                ("ec2", "DescribeRegions"),
                self.client.endpoints().home(),
                &params,
            )
            .await?;
        let (mut on, mut off) = (Vec::new(), Vec::new());
        for region in answer.value["Regions"].as_array().into_iter().flatten() {
            let name = region["RegionName"].as_str().unwrap_or_default().to_owned();
            if region["OptInStatus"] == "not-opted-in" {
                off.push(name)
            } else {
                on.push(name)
            }
        }
        on.sort();
        off.sort();
        Ok((on, off))
    }

    /// Active accounts of the organization, read from its management or a delegated account.
    ///
    /// # Errors
    /// If AWS does not respond with them.
    pub async fn organization_accounts(&self) -> Result<Vec<String>, CallError> {
        let (mut accounts, mut params) = (Vec::new(), Map::new());
        loop {
            let answer = self
                .client
                .call(
                    &self.model,
                    ("organizations", "ListAccounts"),
                    self.client.endpoints().home(),
                    &params,
                )
                .await?;
            for account in answer.value["Accounts"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|a| a["Status"] == "ACTIVE")
            {
                accounts.extend(account["Id"].as_str().map(str::to_owned));
            }
            match at(&answer.value, "NextToken") {
                Some(token) => drop(params.insert("NextToken".into(), token.clone())),
                None => break,
            }
        }
        accounts.sort();
        accounts.dedup();
        Ok(accounts)
    }

    /// Client that signs and sends.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Model of AWS's operations.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }
}

impl CallSource for Live {
    fn ask<'a>(&'a self, ask: &'a Ask<'a>) -> LocalBoxFuture<'a, Result<Answer, CallError>> {
        let names = (ask.service.name.as_str(), ask.call.operation.as_str());
        self.client
            .call(&self.model, names, &ask.region, &ask.params)
            .boxed_local()
    }

    fn now_ms(&self) -> i64 {
        Timestamp::now().as_millisecond()
    }

    fn left(&self) -> Vec<(usize, usize, String, Map<String, Value>)> {
        Vec::new()
    }

    fn paced(&self) -> bool {
        true
    }

    fn pages(&self) -> bool {
        true
    }
}

/// Configuration from all of `aws-config`'s sources: environment, profiles, SSO, web identity, ECS,
/// IMDS.
pub(crate) async fn load(identity: &Identity) -> Result<SdkConfig, ConnectError> {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
    if let Some(profile) = &identity.profile {
        known_profile(profile)?;
        loader = loader.profile_name(profile);
    }
    Ok(loader.load().await)
}

/// Checks that the profile exists, so that a misspelled name is not reported as missing
/// credentials.
fn known_profile(name: &str) -> Result<(), ConnectError> {
    let home = std::env::var("HOME").unwrap_or_default();
    let path = |variable: &str, file: &str| {
        std::env::var(variable).unwrap_or_else(|_| format!("{home}/.aws/{file}"))
    };
    let files = [
        path("AWS_CONFIG_FILE", "config"),
        path("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
    ];
    let text: String = files
        .iter()
        .filter_map(|f| std::fs::read_to_string(f).ok())
        .collect::<Vec<_>>()
        .join("\n");
    let sections = text
        .lines()
        .filter_map(|l| l.trim().strip_prefix('[')?.strip_suffix(']'));
    let names: Vec<&str> = sections
        .map(|s| s.strip_prefix("profile ").unwrap_or(s).trim())
        .collect();
    if names.contains(&name) {
        return Ok(());
    }
    let near = names
        .iter()
        .min_by_key(|n| distance(n, name))
        .filter(|n| distance(n, name) <= 2);
    let hint = near.map_or(String::new(), |n| format!(" (did you mean {n:?}?)"));
    Err(ConnectError::Profile(name.to_owned(), hint))
}

/// Edit distance of two short words: `s3:GetObjct` is one from `s3:GetObject`.
#[must_use]
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let best = (row[j] + 1)
                .min(row[j + 1] + 1)
                .min(corner + usize::from(x != *y));
            corner = std::mem::replace(&mut row[j + 1], best);
        }
    }
    row[b.len()]
}
