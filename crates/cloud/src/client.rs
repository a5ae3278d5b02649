//! One attempt at an API call: signed, bounded, and with its outcome classified.
//!
//! The SDK's orchestrator is not used, because each attempt must take a token from our own bucket,
//! and a response must be bounded while it is read; the orchestrator does both internally. So its
//! parts are used directly: `aws-config` finds credentials, `aws-sigv4` signs,
//! `aws-smithy-http-client` speaks HTTP.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Connector, proxy::ProxyConfig};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bartizan_inventory::snapshot::CallStatus;
use bartizan_model::limits::{ANSWER_BYTES_MAX, ATTEMPT_SECONDS_MAX, ERROR_TEXT_MAX};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use crate::decode::{decode, parse_xml};
use crate::endpoint::Endpoints;
use crate::model::Model;
use crate::request::build;

/// Time before their expiry at which credentials are renewed, so that they do not expire in flight.
const EXPIRY_MARGIN: Duration = Duration::from_secs(120);

/// User agent of all requests, e.g. `bartizan/0.1.0`.
pub const USER_AGENT: &str = concat!("bartizan/", env!("CARGO_PKG_VERSION"));

/// Client with one identity.
pub struct Client {
    connector: Connector,
    provider: SharedCredentialsProvider,
    cached: Mutex<Option<Credentials>>,
    endpoints: Endpoints,
}

/// Status, headers and body of a response.
pub type Reply = (StatusCode, HeaderMap, Bytes);

/// Response, with names that the model does not know.
#[derive(Debug)]
pub struct Answer {
    /// JSON as the AWS CLI prints it.
    pub value: Value,
    /// Field names.
    pub new_fields: BTreeSet<String>,
    /// Reason why the response is incomplete, if it is.
    pub incomplete: Option<String>,
}

/// Failure of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// Coverage status if no later attempt succeeds.
    pub status: CallStatus,
    /// AWS error code, if any.
    pub code: String,
    /// Description for coverage.
    pub detail: String,
    pub retry: Retry,
    /// Applies to the call for all items.
    pub whole: bool,
    /// AWS was not reached.
    pub network: bool,
}

/// Retry behavior after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    No,
    /// At a lower rate.
    Slower,
    /// Without changes: network or service failed temporarily.
    Again,
    /// With new credentials.
    Refreshed,
}

impl Client {
    /// Client with credentials from `provider`.
    #[must_use]
    pub fn new(provider: SharedCredentialsProvider, endpoints: Endpoints) -> Self {
        Self {
            connector: connector(),
            provider,
            cached: Mutex::new(None),
            endpoints,
        }
    }

    /// Hosts of the services.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// One attempt at a call.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call(
        &self,
        model: &Model,
        (service, operation): (&str, &str),
        region: &str,
        params: &Map<String, Value>,
    ) -> Result<Answer, CallError> {
        let (service_model, row) = model.operation(service, operation).ok_or_else(|| {
            CallError::new(
                CallStatus::Failed,
                "",
                format!("this build does not know {service} {operation}"),
            )
        })?;
        let account = params.get("AccountId").and_then(Value::as_str);
        let (base, signing_region) =
            self.endpoints
                .resolve(model, service, service_model, region, account);
        let request = build(&base, service_model, (operation, row), params)
            .map_err(|e| CallError::new(CallStatus::Failed, "", e.to_string()))?;
        let credentials = self.credentials().await?;
        let (status, headers, body) = self
            .send_as(
                &credentials,
                request,
                &service_model.signing,
                &signing_region,
            )
            .await?;
        if !status.is_success() {
            let error = classify(status, &headers, &body);
            if error.retry == Retry::Refreshed {
                self.forget(&credentials).await;
            }
            return Err(error);
        }
        let mut new_fields = BTreeSet::new();
        match decode(service_model, row, &body, &mut new_fields) {
            Ok(value) => Ok(Answer {
                value,
                new_fields,
                incomplete: None,
            }),
            Err(e) => Err(CallError {
                retry: Retry::Again,
                ..CallError::new(CallStatus::Failed, "", e.to_string())
            }),
        }
    }

    /// Signs and sends one request, and reads the response up to the bound.
    ///
    /// # Errors
    /// If there are no credentials, no connection, a timeout, or too large a response.
    pub async fn send(
        &self,
        request: Request<Vec<u8>>,
        signing_name: &str,
        region: &str,
    ) -> Result<Reply, CallError> {
        let credentials = self.credentials().await?;
        self.send_as(&credentials, request, signing_name, region)
            .await
    }

    async fn send_as(
        &self,
        credentials: &Credentials,
        request: Request<Vec<u8>>,
        signing_name: &str,
        region: &str,
    ) -> Result<Reply, CallError> {
        let request = signed(credentials, request, signing_name, region)?;
        exchange(&self.connector, request).await
    }

    /// Error of an answer to [`Client::send`] that is no success. Expired credentials are dropped.
    pub async fn refused(&self, (status, headers, body): &Reply) -> CallError {
        let error = classify(*status, headers, body);
        if error.retry == Retry::Refreshed {
            *self.cached.lock().await = None;
        }
        error
    }

    /// Drops expired credentials, so that the next call gets new ones from the provider. When
    /// several calls in flight fail together, only the first one still finds its own credentials in
    /// use.
    async fn forget(&self, expired: &Credentials) {
        let mut cached = self.cached.lock().await;
        let same = |c: &Credentials| {
            (c.access_key_id(), c.session_token())
                == (expired.access_key_id(), expired.session_token())
        };
        if cached.as_ref().is_some_and(same) {
            *cached = None;
        }
    }

    /// Current credentials.
    ///
    /// # Errors
    /// If the provider has none.
    pub async fn credentials(&self) -> Result<Credentials, CallError> {
        let mut cached = self.cached.lock().await;
        let fresh = |c: &Credentials| {
            c.expiry()
                .is_none_or(|e| e > SystemTime::now() + EXPIRY_MARGIN)
        };
        if let Some(credentials) = cached.as_ref().filter(|c| fresh(c)) {
            return Ok(credentials.clone());
        }
        let credentials = self.provider.provide_credentials().await;
        let credentials = credentials.map_err(|e| {
            let (text, network) = (chain(&e), is_unreached(&e));
            CallError {
                network,
                ..CallError::new(CallStatus::Expired, "", format!("no credentials: {text}"))
            }
        })?;
        *cached = Some(credentials.clone());
        Ok(credentials)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl CallError {
    /// Permanent error.
    #[must_use]
    pub fn new(status: CallStatus, code: &str, detail: impl Into<String>) -> Self {
        let detail: String = detail.into();
        let detail = detail.chars().take(ERROR_TEXT_MAX).collect();
        Self {
            status,
            code: code.to_owned(),
            detail,
            retry: Retry::No,
            whole: false,
            network: false,
        }
    }

    /// Whether no response from AWS arrived: DNS failure, no connection, timeout.
    #[must_use]
    pub fn is_network(&self) -> bool {
        self.network
    }
}

/// Connector of all requests: rustls, and the proxy of the environment.
pub(crate) fn connector() -> Connector {
    Connector::builder()
        .connector_settings(
            HttpConnectorSettings::builder()
                .connect_timeout(Duration::from_secs(10))
                .build(),
        )
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .proxy_config(ProxyConfig::from_env())
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .build()
}

/// Sends a request, and reads the response up to the bound, in bounded time.
pub(crate) async fn exchange(
    connector: &Connector,
    request: Request<SdkBody>,
) -> Result<Reply, CallError> {
    let request = request.try_into().map_err(|e| {
        CallError::new(
            CallStatus::Failed,
            "",
            format!("cannot build the request: {e}"),
        )
    })?;
    let exchange = async {
        let response = connector
            .call(request)
            .await
            .map_err(|e| unreached(format!("no connection: {}", chain(&e))))?;
        let response = response
            .try_into_http1x()
            .map_err(|e| again(e.to_string()))?;
        let (parts, body) = response.into_parts();
        Ok::<_, CallError>((parts.status, parts.headers, read_bounded(body).await?))
    };
    let limit = Duration::from_secs(ATTEMPT_SECONDS_MAX);
    tokio::time::timeout(limit, exchange)
        .await
        .unwrap_or_else(|_| {
            Err(unreached(format!(
                "no answer within {ATTEMPT_SECONDS_MAX} s"
            )))
        })
}

fn signed(
    credentials: &Credentials,
    mut request: Request<Vec<u8>>,
    name: &str,
    region: &str,
) -> Result<Request<SdkBody>, CallError> {
    let error = |e: &dyn std::fmt::Display| {
        CallError::new(CallStatus::Failed, "", format!("cannot sign: {e}"))
    };
    let identity = credentials.clone().into();
    let mut settings = SigningSettings::default();
    if name == "s3" {
        // S3 signs the path as it is, encoded once, and requires the hash of the body in a header.
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    // A canary has a user agent of its own.
    let agent = http::HeaderValue::from_static(USER_AGENT);
    request
        .headers_mut()
        .entry(http::header::USER_AGENT)
        .or_insert(agent);
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(name)
        .time(SystemTime::now())
        .settings(settings);
    let params = params.build().map_err(|e| error(&e))?.into();
    let headers = request
        .headers()
        .iter()
        .filter_map(|(k, v)| Some((k.as_str(), v.to_str().ok()?)));
    let uri = request.uri().to_string();
    let signable = SignableRequest::new(
        request.method().as_str(),
        uri,
        headers,
        SignableBody::Bytes(request.body()),
    )
    .map_err(|e| error(&e))?;
    let (instructions, _) = sign(signable, &params).map_err(|e| error(&e))?.into_parts();
    instructions.apply_to_request_http1x(&mut request);
    Ok(request.map(SdkBody::from))
}

async fn read_bounded(mut body: SdkBody) -> Result<Bytes, CallError> {
    let mut out = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| again(format!("the answer broke off: {e}")))?;
        if let Ok(data) = frame.into_data() {
            if out.len() + data.len() > ANSWER_BYTES_MAX {
                return Err(CallError::new(
                    CallStatus::Failed,
                    "",
                    format!("the answer is larger than {} MB", ANSWER_BYTES_MAX >> 20),
                ));
            }
            out.extend_from_slice(&data);
        }
    }
    Ok(out.into())
}

fn again(detail: String) -> CallError {
    CallError {
        retry: Retry::Again,
        ..CallError::new(CallStatus::Failed, "", detail)
    }
}

/// Whether credentials are missing because of a network failure.
fn is_unreached(error: &dyn std::error::Error) -> bool {
    let mut source = error.source();
    while let Some(inner) = source {
        if inner.is::<ConnectorError>() {
            return true;
        }
        source = inner.source();
    }
    false
}

fn unreached(detail: String) -> CallError {
    CallError {
        network: true,
        ..again(detail)
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

/// Error for an error response. Codes: the "Common errors" pages of AWS's API references.
fn classify(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> CallError {
    let (code, message) = code_and_message(headers, body);
    let detail = match (code.is_empty(), message.is_empty()) {
        (true, _) => format!("HTTP {} without an AWS error", status.as_u16()),
        (false, true) => code.clone(),
        (false, false) => format!("{code}: {message}"),
    };
    let error = |word, retry| CallError {
        retry,
        ..CallError::new(word, &code, detail.clone())
    };
    let is = |words: &[&str]| words.iter().any(|w| code.contains(w));
    if is(&[
        "Throttl",
        "TooManyRequests",
        "RequestLimitExceeded",
        "SlowDown",
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
    ]) || status == 429
    {
        error(CallStatus::Throttled, Retry::Slower)
    } else if is(&["ExpiredToken", "RequestExpired", "TokenRefreshRequired"]) {
        error(CallStatus::Expired, Retry::Refreshed)
    } else if is(&["OptInRequired", "RegionDisabled"]) {
        error(CallStatus::RegionOff, Retry::No)
    } else if is(&[
        "UnknownOperation",
        "InvalidAction",
        "UnsupportedOperation",
        "NotImplemented",
        "UnsupportedCommand",
        "SubscriptionRequired",
        "UnsupportedAPIEndpoint",
    ]) {
        error(CallStatus::Unsupported, Retry::No)
    } else if is(&[
        "AccessDenied",
        "Unauthorized",
        "Forbidden",
        "AuthFailure",
        "NotAuthorized",
        "AuthorizationError",
        "InvalidClientTokenId",
        "UnrecognizedClient",
        "SignatureDoesNotMatch",
        "InvalidAccessKeyId",
    ]) || status == StatusCode::FORBIDDEN
    {
        error(CallStatus::Denied, Retry::No)
    } else if code.is_empty() && matches!(status.as_u16(), 404 | 405 | 501) {
        // The response is from a proxy rather than AWS, so a 404 does not mean that the resource is
        // absent.
        error(CallStatus::Failed, Retry::No)
    } else if status.is_server_error() {
        error(CallStatus::Failed, Retry::Again)
    } else {
        error(CallStatus::Failed, Retry::No)
    }
}

fn code_and_message(headers: &HeaderMap, body: &[u8]) -> (String, String) {
    let clean = |code: &str| {
        code.rsplit('#')
            .next()
            .unwrap_or(code)
            .split(':')
            .next()
            .unwrap_or(code)
            .trim()
            .to_owned()
    };
    if let Ok(Value::Object(map)) = serde_json::from_slice::<Value>(body) {
        let text = |keys: &[&str]| {
            keys.iter()
                .find_map(|k| map.get(*k)?.as_str())
                .unwrap_or("")
                .to_owned()
        };
        let header = headers
            .get("x-amzn-errortype")
            .and_then(|v| v.to_str().ok())
            .map(str::to_owned);
        return (
            clean(&header.unwrap_or_else(|| text(&["__type", "code", "Code"]))),
            text(&["message", "Message", "errorMessage"]),
        );
    }
    match parse_xml(body) {
        Ok(root) if root.name != "html" => {
            let text = |name| root.find(name).unwrap_or("").trim().to_owned();
            (clean(&text("Code")), text("Message"))
        }
        _ => (String::new(), String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(status: u16, body: &str) -> (CallStatus, Retry, String) {
        let e = classify(
            StatusCode::from_u16(status).unwrap(),
            &HeaderMap::new(),
            body.as_bytes(),
        );
        (e.status, e.retry, e.code)
    }

    #[test]
    fn errors_are_told_apart() {
        let xml = |code: &str| {
            format!(
                "<ErrorResponse><Error><Code>{code}</Code><Message>m</Message></Error></ErrorResponse>"
            )
        };
        assert_eq!(
            class(400, &xml("Throttling")),
            (CallStatus::Throttled, Retry::Slower, "Throttling".into())
        );
        assert_eq!(class(503, &xml("SlowDown")).1, Retry::Slower);
        assert_eq!(
            class(403, &xml("AccessDenied")),
            (CallStatus::Denied, Retry::No, "AccessDenied".into())
        );
        assert_eq!(class(400, &xml("ExpiredToken")).1, Retry::Refreshed);
        assert_eq!(
            class(
                400,
                r#"{"__type":"com.amazon.coral#AccessDeniedException","message":"no"}"#
            )
            .0,
            CallStatus::Denied
        );
        assert_eq!(class(404, "<html>nope</html>").0, CallStatus::Failed);
        assert_eq!(
            class(500, "<html>oops</html>"),
            (CallStatus::Failed, Retry::Again, String::new())
        );
        assert_eq!(
            class(404, &xml("NoSuchBucketPolicy")),
            (CallStatus::Failed, Retry::No, "NoSuchBucketPolicy".into())
        );
        assert_eq!(class(500, "").1, Retry::Again);
    }
}
