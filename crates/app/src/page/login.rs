//! Signing in: by the printed token, by name and password, or by a provider.

use bartizan_model::limits::PASSWORD_BYTES_MAX;
use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Extension, Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::access::{Role, Visitor, cookie, is_same};
use super::acts::ActForm;
use super::frame::bare;
use super::listener::Peer;
use super::shared::{PageServer, failed};
use super::sign_in::SignIn;
use crate::render::html::text;

/// Cookie of a browser that began a sign-in. Lax, for the provider sends the browser back.
const FLOW_COOKIE: &str = "bartizan-sign-in";

/// Why a token opens nothing.
const USED_TOKEN: &str = "This address was used already, or is not of this start.";

/// Name and password.
#[derive(Deserialize)]
pub(super) struct LoginForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
}

/// What somebody sees who is not signed in.
pub(super) fn not_signed_in(sign_in: &SignIn, problem: Option<&str>) -> Response {
    let form = match sign_in {
        SignIn::Token => html! {
            p {
                "The address that bartizan serve prints has a token that opens this page once. \
                For another browser, take the address that it printed last."
            }
        },
        SignIn::File(_) => password_form(),
        SignIn::OpenId(_) => html! {
            p { a href="/login/openid" { "Sign in" } }
        },
    };
    let said = html! {
        @if let Some(problem) = problem { p class="problem" role="alert" { (text(problem)) } }
        (form)
    };
    bare(StatusCode::UNAUTHORIZED, "Not signed in", &said)
}

fn password_form() -> Markup {
    html! {
        form method="post" action="/login" class="fields" {
            label { "Name " input name="name" autocomplete="username" required maxlength="200"; }
            label {
                "Password "
                input type="password" name="password" autocomplete="current-password" required
                      maxlength=(PASSWORD_BYTES_MAX);
            }
            button { "Sign in" }
        }
    }
}

fn too_many() -> Response {
    (
        StatusCode::TOO_MANY_REQUESTS,
        "too many attempts: wait a minute",
    )
        .into_response()
}

/// The token of the printed address becomes a cookie; whoever sits at the terminal gets another.
pub(super) fn token_used(server: &PageServer, token: &str, Peer(peer): Peer) -> Response {
    if !server.attempts.may(&peer.ip().to_string()) {
        return too_many();
    }
    if !matches!(server.sign_in, SignIn::Token) || !server.access.take_token(token) {
        return not_signed_in(&server.sign_in, Some(USED_TOKEN));
    }
    match server.access.sign_in("owner", Role::Responder) {
        Ok(cookie) => {
            super::announce::announce(&server.access);
            ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
        }
        Err(e) => failed(&e),
    }
}

/// Name and password of a user of the file.
pub(super) async fn password(
    State(server): State<Arc<PageServer>>,
    Extension(Peer(peer)): Extension<Peer>,
    Form(form): Form<LoginForm>,
) -> Response {
    let address = peer.ip().to_string();
    if !server.attempts.may(&address) || !server.attempts.may(&format!("user {}", form.name)) {
        return too_many();
    }
    if form.password.len() > PASSWORD_BYTES_MAX {
        return not_signed_in(&server.sign_in, Some("Name or password is wrong."));
    }
    let checked = tokio::task::spawn_blocking({
        let server = Arc::clone(&server);
        move || match &server.sign_in {
            SignIn::File(users) => users
                .sign_in(&form.name, &form.password)
                .map(|role| (form.name, role)),
            SignIn::Token | SignIn::OpenId(_) => None,
        }
    });
    match checked.await {
        Ok(Some((name, role))) => signed_in(&server, &name, role),
        Ok(None) => not_signed_in(&server.sign_in, Some("Name or password is wrong.")),
        Err(e) => failed(&e.into()),
    }
}

/// A page that leads on by itself: a redirect from another site would not bring the new cookie.
fn signed_in(server: &PageServer, name: &str, role: Role) -> Response {
    let cookie = match server.access.sign_in(name, role) {
        Ok(cookie) => cookie,
        Err(e) => return failed(&e),
    };
    let page = bare(
        StatusCode::OK,
        "Signed in",
        &html! {
            meta http-equiv="refresh" content="0;url=/";
            p { a href="/" { "Now" } }
        },
    );
    ([(header::SET_COOKIE, cookie)], page).into_response()
}

fn callback_address(server: &PageServer) -> String {
    format!("{}/login/callback", server.access.address())
}

/// Sends the browser to the provider.
pub(super) async fn openid(
    State(server): State<Arc<PageServer>>,
    Extension(Peer(peer)): Extension<Peer>,
) -> Response {
    let SignIn::OpenId(openid) = &server.sign_in else {
        return (StatusCode::NOT_FOUND, "no provider").into_response();
    };
    if !server.attempts.may(&peer.ip().to_string()) {
        return too_many();
    }
    match openid.begin(&callback_address(&server)).await {
        Ok((address, browser)) => {
            let secure = if server.access.is_secure() {
                "; Secure"
            } else {
                ""
            };
            let cookie = format!(
                "{FLOW_COOKIE}={browser}; Path=/login; HttpOnly; SameSite=Lax; Max-Age=600{secure}"
            );
            ([(header::SET_COOKIE, cookie)], Redirect::to(&address)).into_response()
        }
        Err(e) => not_signed_in(&server.sign_in, Some(&format!("{e:#}"))),
    }
}

/// The browser comes back from the provider.
pub(super) async fn callback(
    State(server): State<Arc<PageServer>>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    Query(given): Query<HashMap<String, String>>,
) -> Response {
    let SignIn::OpenId(openid) = &server.sign_in else {
        return (StatusCode::NOT_FOUND, "no provider").into_response();
    };
    if !server.attempts.may(&peer.ip().to_string()) {
        return too_many();
    }
    let field = |name: &str| given.get(name).map(String::as_str);
    let (Some(code), Some(state)) = (field("code"), field("state")) else {
        let why = field("error_description")
            .or(field("error"))
            .unwrap_or("no code");
        return not_signed_in(
            &server.sign_in,
            Some(&format!("The provider refused: {why}")),
        );
    };
    let browser = cookie(&headers, FLOW_COOKIE).unwrap_or_default();
    match openid
        .end(code, state, &browser, &callback_address(&server))
        .await
    {
        Ok(user) => signed_in(&server, &user.name, user.role),
        Err(e) => not_signed_in(&server.sign_in, Some(&format!("{e:#}"))),
    }
}

/// Ends the session.
pub(super) async fn logout(
    State(server): State<Arc<PageServer>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    Form(form): Form<ActForm>,
) -> Response {
    if !is_same(&form.form_token, &visitor.form_token) {
        return (StatusCode::FORBIDDEN, "the form is not of this session").into_response();
    }
    server.access.sign_out(&headers);
    bare(
        StatusCode::OK,
        "Signed out",
        &html! { a href="/" { "Sign in" } },
    )
}
