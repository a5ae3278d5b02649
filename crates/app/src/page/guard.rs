//! What every request goes through first: host, origin, token, cookie; and what every answer has.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use tokio::time::timeout;

use super::access::Refusal;
use super::listener::Peer;
use super::login::{not_signed_in, token_used};
use super::shared::PageServer;

/// Time of a request from its head to its answer.
const REQUEST_TIME: Duration = Duration::from_secs(30);
/// Addresses that everybody may ask: nothing of an account is in them.
const OPEN: [&str; 7] = [
    "/style.css",
    "/page.js",
    "/favicon.ico",
    "/openapi.json",
    "/login",
    "/login/openid",
    "/login/callback",
];

/// Headers of every answer, and its time.
pub(super) async fn harden(
    State(server): State<Arc<PageServer>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match timeout(REQUEST_TIME, next.run(request)).await {
        Ok(response) => response,
        Err(_) => (StatusCode::REQUEST_TIMEOUT, "too slow").into_response(),
    };
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    set(
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
        img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    // With none at all, browsers send the forms of this page as of no origin.
    set(header::REFERRER_POLICY, "same-origin");
    set(header::CACHE_CONTROL, "no-store");
    set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    let none = "camera=(), geolocation=(), microphone=()";
    set(HeaderName::from_static("permissions-policy"), none);
    if server.access.is_secure() {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

/// Lets in who may, and says who it is.
pub(super) async fn guard(
    State(server): State<Arc<PageServer>>,
    Extension(peer): Extension<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    match server.access.check(request.headers(), changes) {
        Ok(()) => {}
        Err(Refusal::Host) => {
            return (StatusCode::MISDIRECTED_REQUEST, "not a name of this page").into_response();
        }
        Err(Refusal::Origin) => {
            return (StatusCode::FORBIDDEN, "sent by another site").into_response();
        }
    }
    let path = request.uri().path();
    if OPEN.contains(&path) {
        return next.run(request).await;
    }
    let token = (path == "/" && !changes)
        .then(|| token_of(&request))
        .flatten();
    if let Some(visitor) = server.access.visitor(request.headers()) {
        if token.is_some() {
            return Redirect::to("/").into_response();
        }
        request.extensions_mut().insert(visitor);
        return next.run(request).await;
    }
    match token {
        Some(token) => token_used(&server, &token, peer),
        None => not_signed_in(&server.sign_in, None),
    }
}

fn token_of(request: &Request) -> Option<String> {
    let pairs = request.uri().query()?.split('&');
    let mut tokens = pairs.filter_map(|pair| pair.strip_prefix("token="));
    tokens.next().map(str::to_owned)
}
