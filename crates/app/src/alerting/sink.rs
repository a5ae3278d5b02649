//! A sink, ready to send.

use std::path::PathBuf;

use anyhow::{Context, Result};
use bartizan_alert::sink::{alertmanager, pagerduty, slack, teams, webhook};
use bartizan_alert::{Alert, AlertRoute};
use bartizan_cloud::sink_calls::SinkCall;

use super::aws::{self, AwsAccess, AwsPlace};
use super::config::{SinkConfig, SinkKind, routes};
use super::connect::Reach;
use super::http;
use super::local;
use super::outcome::SendOutcome;
use super::secret::{Secret, SecretSource};
use super::smtp::{self, MailServer};
use super::syslog::{self, SyslogReceiver};

/// Sink with its routing.
#[derive(Debug)]
pub(crate) struct Sink {
    pub(super) route: AlertRoute,
    /// Age from which an alert is not tried any more and is dead.
    pub(super) max_age_ms: i64,
    secret: Option<SecretSource>,
    target: SinkTarget,
}

#[derive(Debug)]
enum SinkTarget {
    Http {
        form: HttpForm,
        /// None: the secret is the URL.
        url: Option<String>,
        reach: Reach,
    },
    Aws {
        place: AwsPlace,
        access: AwsAccess,
    },
    Mail {
        server: MailServer,
        reach: Reach,
    },
    Syslog {
        receiver: SyslogReceiver,
        reach: Reach,
    },
    File(PathBuf),
    Command(Vec<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HttpForm {
    Webhook,
    Slack,
    Teams,
    PagerDuty,
    Alertmanager,
}

impl Sink {
    /// All sinks of a configuration, or the first that is wrong, by name.
    pub(crate) fn all(configs: &[SinkConfig]) -> Result<Vec<Self>> {
        let routes = routes(configs)?;
        let sinks = configs.iter().zip(routes);
        sinks
            .map(|(config, route)| {
                let (name, kind) = (config.name().to_owned(), config.kind.name());
                Self::new(config, route)
                    .with_context(|| format!("[[sink]] {name:?} ({kind}) cannot be used"))
            })
            .collect()
    }

    fn new(config: &SinkConfig, route: AlertRoute) -> Result<Self> {
        Ok(Self {
            route,
            max_age_ms: i64::from(config.max_age_hours()) * 3_600_000,
            secret: SecretSource::of(config),
            target: target(config)?,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.route.sink
    }

    /// One attempt; gives what went wrong.
    pub(crate) async fn try_once(&self, alert: &Alert, now_s: i64) -> Option<String> {
        match self.send(alert, now_s).await {
            SendOutcome::Delivered => None,
            SendOutcome::SinkFailed { why, .. } | SendOutcome::Refused { why } => Some(why),
        }
    }

    /// One attempt. `now_s` is the time of the signature.
    pub(super) async fn send(&self, alert: &Alert, now_s: i64) -> SendOutcome {
        let secret = match &self.secret {
            None => None,
            Some(source) => match source.get().await {
                Ok(secret) => Some(secret),
                Err(e) => return SendOutcome::failed(format!("{e:#}")),
            },
        };
        let outcome = self.send_with(alert, now_s, secret.as_ref()).await;
        if let (Some(source), SendOutcome::SinkFailed { .. }) = (&self.secret, &outcome) {
            source.forget();
        }
        outcome
    }

    async fn send_with(&self, alert: &Alert, now_s: i64, secret: Option<&Secret>) -> SendOutcome {
        match &self.target {
            SinkTarget::Http { form, url, reach } => {
                let message = match form {
                    HttpForm::Webhook => {
                        let parsed = secret.map(|s| webhook::WebhookSecret::parse(s.text()));
                        match parsed.transpose() {
                            Ok(key) => webhook::message(alert, key.as_ref(), now_s),
                            Err(e) => return SendOutcome::failed(e),
                        }
                    }
                    HttpForm::Slack => slack::message(alert),
                    HttpForm::Teams => teams::message(alert),
                    HttpForm::PagerDuty => {
                        pagerduty::message(alert, secret.map_or("", Secret::text))
                    }
                    // Open for as long as it takes to be told twice that it still is.
                    HttpForm::Alertmanager => {
                        alertmanager::message(alert, self.route.repeat_hours.max(1) * 2)
                    }
                };
                match url.as_deref().or(secret.map(Secret::text)) {
                    Some(url) => http::post(reach, url, message).await,
                    None => SendOutcome::failed("no url"),
                }
            }
            SinkTarget::Aws { place, access } => aws::send(access, place, alert).await,
            SinkTarget::Mail { server, reach } => smtp::send(reach, server, secret, alert).await,
            SinkTarget::Syslog { receiver, reach } => syslog::send(reach, receiver, alert).await,
            SinkTarget::File(path) => local::append(path, alert),
            SinkTarget::Command(program) => local::run(program, alert).await,
        }
    }
}

fn target(config: &SinkConfig) -> Result<SinkTarget> {
    let reach = || Reach::new(config.allow_private, config.ca_file.as_deref());
    let url = config.url.as_ref().map(|u| u.0.clone());
    let http_target = |form| -> Result<SinkTarget> {
        let url = match (form, url.clone()) {
            (HttpForm::PagerDuty, None) => Some(pagerduty::URL.to_owned()),
            (HttpForm::Alertmanager, Some(base)) => Some(format!(
                "{}{}",
                base.trim_end_matches('/'),
                alertmanager::PATH
            )),
            (_, url) => url,
        };
        match &url {
            Some(url) => drop(http::parse(url)?),
            None => {
                let secret = config.secret_env.is_some()
                    || config.secret_file.is_some()
                    || config.secret_arn.is_some();
                anyhow::ensure!(secret, "url is missing, or a secret that holds it");
            }
        }
        Ok(SinkTarget::Http {
            form,
            url,
            reach: reach()?,
        })
    };
    let aws_target = |place| SinkTarget::Aws {
        place,
        access: AwsAccess::of(config),
    };
    let url_text = url.clone().unwrap_or_default();
    Ok(match config.kind {
        SinkKind::Webhook => http_target(HttpForm::Webhook)?,
        SinkKind::Slack => http_target(HttpForm::Slack)?,
        SinkKind::Teams => http_target(HttpForm::Teams)?,
        SinkKind::PagerDuty => http_target(HttpForm::PagerDuty)?,
        SinkKind::Alertmanager => http_target(HttpForm::Alertmanager)?,
        SinkKind::Sns => aws_target(AwsPlace::Topic(
            config.topic_arn.clone().unwrap_or_default(),
        )),
        SinkKind::EventBridge => aws_target(AwsPlace::Bus(bus(config))),
        SinkKind::SecurityHub => aws_target(AwsPlace::SecurityHub),
        SinkKind::Smtp => SinkTarget::Mail {
            server: MailServer::new(
                &url_text,
                (config.from.as_deref().unwrap_or_default(), &config.to),
                config.user.clone(),
                config.ca_file.clone(),
            )?,
            reach: reach()?,
        },
        SinkKind::Syslog => SinkTarget::Syslog {
            receiver: SyslogReceiver::parse(&url_text)?,
            reach: reach()?,
        },
        SinkKind::File => SinkTarget::File(config.path.clone().unwrap_or_default()),
        SinkKind::Command => SinkTarget::Command(config.command.clone()),
    })
}

fn bus(config: &SinkConfig) -> String {
    config.bus.clone().unwrap_or_else(|| "default".to_owned())
}

/// Calls that the sinks make, each with its resource as an ARN.
pub(crate) fn sink_permissions(configs: &[SinkConfig]) -> Result<Vec<(SinkCall, String)>> {
    routes(configs)?;
    let mut wanted = Vec::new();
    for config in configs {
        let access = AwsAccess::of(config);
        let region = access.region();
        match config.kind {
            SinkKind::Sns => {
                let topic = config.topic_arn.clone().unwrap_or_default();
                wanted.push((SinkCall::Publish, topic));
            }
            SinkKind::EventBridge => {
                let bus = bus(config);
                let arn = if bus.starts_with("arn:") {
                    bus
                } else {
                    format!("arn:*:events:{region}:*:event-bus/{bus}")
                };
                wanted.push((SinkCall::PutEvents, arn));
            }
            // https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecurityhub.html
            SinkKind::SecurityHub => wanted.push((
                SinkCall::BatchImportFindings,
                format!("arn:*:securityhub:{region}:*:product/*/default"),
            )),
            _ => {}
        }
        if let Some(arn) = &config.secret_arn {
            wanted.push((SinkCall::GetSecretValue, arn.clone()));
        }
    }
    Ok(wanted)
}
