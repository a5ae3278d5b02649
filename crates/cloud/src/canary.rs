//! Canary: `sts:GetCallerIdentity` at a region's own endpoint, with a nonce in the user agent. It
//! needs no permission, changes nothing, and is recorded by the trail of that region
//! (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>).

use bartizan_inventory::snapshot::CallStatus;
use http::HeaderValue;
use serde_json::Map;

use crate::client::{CallError, USER_AGENT};
use crate::live::Live;
use crate::request::build;

/// Makes the call of a canary in a region, e.g. with the user agent `bartizan/0.1.0 canary/5f3a…`.
///
/// # Errors
/// See [`CallError`].
pub async fn send_canary(live: &Live, region: &str, nonce: &str) -> Result<(), CallError> {
    let failed = |detail: String| CallError::new(CallStatus::Failed, "", detail);
    let (service, operation) = live
        .model()
        .operation("sts", "GetCallerIdentity")
        .ok_or_else(|| failed("this build does not know STS".to_owned()))?;
    let endpoints = live.client().endpoints();
    let (base, signing_region) = endpoints.resolve(live.model(), "sts", service, region, None);
    let names = ("GetCallerIdentity", operation);
    let mut request =
        build(&base, service, names, &Map::new()).map_err(|e| failed(e.to_string()))?;
    let agent = HeaderValue::from_str(&format!("{USER_AGENT} canary/{nonce}"))
        .map_err(|e| failed(e.to_string()))?;
    request
        .headers_mut()
        .insert(http::header::USER_AGENT, agent);
    let reply = live
        .client()
        .send(request, &service.signing, &signing_region)
        .await?;
    match reply.0.is_success() {
        true => Ok(()),
        false => Err(live.client().refused(&reply).await),
    }
}
