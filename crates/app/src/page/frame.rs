//! The frame of every page: head, navigation, and where the content goes.

use axum::http::StatusCode;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::access::{Role, Visitor};
use super::live::Seen;
use crate::render::html::{brief, text};
use crate::render::minute;

/// Page of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PagePlace {
    Now,
    Search,
    Account,
    Health,
    /// One incident, finding or record.
    Other,
}

const PLACES: [(PagePlace, &str, &str); 4] = [
    (PagePlace::Now, "/", "Now"),
    (PagePlace::Search, "/search", "Search"),
    (PagePlace::Account, "/account", "Account"),
    (PagePlace::Health, "/health", "Rules and health"),
];

/// What a page is framed in.
pub(super) struct Frame<'f> {
    pub(super) place: PagePlace,
    /// `Now`, `Incident 3f2a91c0`.
    pub(super) title: &'f str,
    /// Address of the same as JSON.
    pub(super) json: &'f str,
    pub(super) visitor: &'f Visitor,
    pub(super) seen: &'f Seen,
}

/// A whole page.
pub(super) fn page(frame: &Frame<'_>, content: &Markup) -> Response {
    let seen = frame.seen;
    let as_of = seen.watched.as_ref().map(|w| minute(&w.as_of));
    document(
        frame.title,
        &html! {
            a class="skip" href="#main" { "to the content" }
            header class="bar" {
                nav aria-label="pages" {
                    @for (place, address, name) in PLACES {
                        a href=(address) aria-current=[(place == frame.place).then_some("page")] {
                            (name)
                        }
                    }
                }
                form action="/search" method="get" role="search" class="find" {
                    input type="search" name="q" aria-label="search" maxlength="300"
                          placeholder="ARN, key, address, id, words";
                }
                form action="/logout" method="post" class="who" {
                    input type="hidden" name="form_token" value=(frame.visitor.form_token);
                    span { (brief(&frame.visitor.name)) ", " (role_word(frame.visitor.role)) }
                    button { "sign out" }
                }
            }
            main id="main" tabindex="-1" data-version=(seen.version) {
                @if let Some(problem) = &seen.problem {
                    p class="problem" {
                        "The store cannot be read; what stands here is older. " (text(problem))
                    }
                }
                (content)
            }
            footer {
                p class="dim" {
                    @if let Some(as_of) = as_of { "As of " (as_of) " UTC. " }
                    span id="live" role="status" { "Reload to see what is new." }
                    " " a href=(frame.json) { "The same as JSON" }
                    " · " a href="/openapi.json" { "HTTP API" }
                }
            }
        },
    )
    .into_response()
}

fn role_word(role: Role) -> &'static str {
    match role {
        Role::Reader => "reader",
        Role::Responder => "responder",
    }
}

/// A page without navigation: who is not signed in, or came to nothing.
pub(super) fn bare(status: StatusCode, title: &str, content: &Markup) -> Response {
    let body = html! { main id="main" class="bare" { h1 { (title) } (content) } };
    (status, document(title, &body)).into_response()
}

fn document(title: &str, body: &Markup) -> impl IntoResponse {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Bartizan: " (brief(title)) }
                link rel="stylesheet" href="/style.css";
                script src="/page.js" defer {}
            }
            body { (body) }
        }
    };
    (
        [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
        document.into_string(),
    )
}

/// A value as JSON.
pub(super) fn json(value: &impl serde::Serialize) -> Response {
    match serde_json::to_string_pretty(value) {
        Ok(text) => (
            [(header::CONTENT_TYPE, "application/json")],
            crate::render::visible_bidi(&text).into_owned(),
        )
            .into_response(),
        Err(e) => (StatusCode::INTERNAL_SERVER_ERROR, e.to_string()).into_response(),
    }
}
