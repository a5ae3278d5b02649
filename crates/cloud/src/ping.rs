//! A request without a signature to a URL of the user: a heartbeat.

use bartizan_inventory::snapshot::CallStatus;
use http::{HeaderValue, Method, Request};

use crate::client::{CallError, USER_AGENT, connector, exchange};

/// Method of a heartbeat.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PingMethod {
    #[default]
    Get,
    Post,
}

/// Calls a URL and wants a success. No redirect is followed.
///
/// # Errors
/// If there is no connection or no success.
pub async fn ping(url: &str, method: PingMethod) -> Result<(), CallError> {
    let failed = |detail: String| CallError::new(CallStatus::Failed, "", detail);
    let mut request = Request::new(Vec::new());
    *request.method_mut() = match method {
        PingMethod::Get => Method::GET,
        PingMethod::Post => Method::POST,
    };
    *request.uri_mut() = url.parse().map_err(|_| failed("no URL".to_owned()))?;
    let agent = HeaderValue::from_static(USER_AGENT);
    request
        .headers_mut()
        .insert(http::header::USER_AGENT, agent);
    let (status, ..) = exchange(&connector(), request.map(Into::into)).await?;
    match status.is_success() {
        true => Ok(()),
        false => Err(failed(format!("HTTP {}", status.as_u16()))),
    }
}
