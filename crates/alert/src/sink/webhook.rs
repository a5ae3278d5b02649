//! Webhook, signed by the Standard Webhooks specification
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::HttpMessage;
use super::payload::{json_line, payload};
use crate::alert::Alert;

/// Secret of a webhook: `whsec_` and base64, or any text.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Vec<u8>);

impl WebhookSecret {
    /// # Errors
    /// If what follows `whsec_` is no base64, or the secret is empty.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let bytes = match text.strip_prefix("whsec_") {
            Some(encoded) => STANDARD
                .decode(encoded)
                .map_err(|_| "the secret begins with whsec_ but no base64 follows".to_owned())?,
            None => text.as_bytes().to_vec(),
        };
        if bytes.is_empty() {
            return Err("the secret is empty".to_owned());
        }
        Ok(Self(bytes))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

/// Request at `time_s` (seconds since 1970). `webhook-id` is the idempotency key; without a secret
/// there is no signature.
#[must_use]
pub fn message(alert: &Alert, secret: Option<&WebhookSecret>, time_s: i64) -> HttpMessage {
    let body = json_line(&payload(alert));
    let mut headers = vec![
        ("content-type", "application/json".to_owned()),
        ("webhook-id", alert.key.clone()),
        ("webhook-timestamp", time_s.to_string()),
    ];
    if let Some(secret) = secret {
        headers.push((
            "webhook-signature",
            signature(secret, &alert.key, time_s, &body),
        ));
    }
    HttpMessage {
        headers,
        body: body.into_bytes(),
    }
}

/// `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.
fn signature(secret: &WebhookSecret, id: &str, time_s: i64, body: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&secret.0) else {
        return String::new();
    };
    mac.update(format!("{id}.{time_s}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}
