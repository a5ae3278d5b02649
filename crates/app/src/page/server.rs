//! Addresses of the pages. Each has the same content beside it with `.json`.

use bartizan_model::limits::{REQUEST_BODY_BYTES_MAX, SEARCH_TEXT_MAX};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension, Form, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use bartizan_evidence::{EvidenceLog, LoggedSnapshot};
use maud::{Markup, html};
use serde::Serialize;
use tokio::time::timeout;

use super::access::{Role, Visitor, is_same};
use super::account::{AccountPage, chosen};
use super::acts::{Act, ActForm, act};
use super::compare::ComparePage;
use super::events::events;
use super::frame::{Frame, PagePlace, bare, json, page};
use super::guard::{guard, harden};
use super::health::{HealthPage, RulePage};
use super::incident::{IncidentPage, find};
use super::live::Seen;
use super::login;
use super::now::{Now, now};
use super::record::{FindingPage, RecordPage};
use super::search::search;
use super::shared::{PageServer, failed};
use crate::render::html::{SCRIPT, STYLE, text};

/// Time that a page waits for an analysis; then it comes by itself when it is there.
const ANALYSIS_WAIT: Duration = Duration::from_millis(150);
/// Description of the addresses for programs.
const OPENAPI: &str = include_str!("../../../../docs/openapi.json");

type Server = State<Arc<PageServer>>;
type Asked = Query<HashMap<String, String>>;

/// All addresses.
pub(super) fn router(server: Arc<PageServer>) -> Router {
    Router::new()
        .route("/", get(now_page))
        .route("/now.json", get(now_json))
        .route("/incident/{id}", get(incident_page))
        .route("/incident/{id}/{act}", post(incident_act))
        .route("/finding/{id}", get(finding_page))
        .route("/event/{id}", get(record_page))
        .route("/search", get(search_page))
        .route("/search.json", get(search_json))
        .route("/account", get(account_page))
        .route("/account.json", get(account_json))
        .route("/compare", get(compare_page))
        .route("/compare.json", get(compare_json))
        .route("/health", get(health_page))
        .route("/health.json", get(health_json))
        .route("/rule", get(rule_page))
        .route("/rule.json", get(rule_json))
        .route("/events", get(events))
        .route("/login", post(login::password))
        .route("/login/openid", get(login::openid))
        .route("/login/callback", get(login::callback))
        .route("/logout", post(login::logout))
        .route("/openapi.json", get(|| typed("application/json", OPENAPI)))
        .route(
            "/style.css",
            get(|| typed("text/css; charset=utf-8", STYLE)),
        )
        .route(
            "/page.js",
            get(|| typed("text/javascript; charset=utf-8", SCRIPT)),
        )
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
        .fallback(|| async { missing("There is no such page.") })
        .layer(from_fn_with_state(Arc::clone(&server), guard))
        .layer(from_fn_with_state(Arc::clone(&server), harden))
        .layer(DefaultBodyLimit::max(REQUEST_BODY_BYTES_MAX))
        .with_state(server)
}

async fn typed(kind: &'static str, content: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], content).into_response()
}

fn missing(what: &str) -> Response {
    bare(
        StatusCode::NOT_FOUND,
        "Not found",
        &html! { p { (text(what)) } a href="/" { "Now" } },
    )
}

/// Work that reads the store, off the thread that serves.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}

/// A page of content that was made.
fn shown(
    seen: &Seen,
    visitor: &Visitor,
    (place, title, json): (PagePlace, &str, &str),
    content: &Markup,
) -> Response {
    let frame = Frame {
        place,
        title,
        json,
        visitor,
        seen,
    };
    page(&frame, content)
}

/// What was made as JSON, or why it was not.
fn json_of(made: Result<Option<impl Serialize>>) -> Response {
    match made {
        Ok(Some(value)) => json(&value),
        Ok(None) => (StatusCode::NOT_FOUND, "not there").into_response(),
        Err(e) => (StatusCode::BAD_REQUEST, format!("{e:#}")).into_response(),
    }
}

/// The value of a field of the query.
fn field<'q>(asked: &'q HashMap<String, String>, name: &str) -> Option<&'q str> {
    asked.get(name).map(String::as_str)
}

/// The query as it goes to the address of the JSON.
fn query(fields: &[(&str, Option<&str>)]) -> String {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    let one = |(name, value): &(&str, Option<&str>)| {
        value.map(|v| format!("{name}={}", utf8_percent_encode(v, NON_ALPHANUMERIC)))
    };
    let all: Vec<String> = fields.iter().filter_map(one).collect();
    all.join("&")
}

async fn now_page(State(server): Server, Extension(visitor): Extension<Visitor>) -> Response {
    let seen = server.live.seen();
    shown(
        &seen,
        &visitor,
        (PagePlace::Now, "now", "/now.json"),
        &now(&seen),
    )
}

async fn now_json(State(server): Server) -> Response {
    json_of(Ok(Now::of(&server.live.seen())))
}

/// The last part of an address without `.json`, and whether that was there.
fn without_json(id: &str) -> (&str, bool) {
    match id.strip_suffix(".json") {
        Some(id) => (id, true),
        None => (id, false),
    }
}

async fn incident_page(
    State(server): Server,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Query(asked): Asked,
) -> Response {
    let seen = server.live.seen();
    let (id, is_json) = without_json(&id);
    let Some(incident) = IncidentPage::of(&seen, id) else {
        return missing("There is no such incident in what the last watch left.");
    };
    if is_json {
        return json(&incident);
    }
    let second = |name: &str| field(&asked, name).and_then(|t| t.parse::<i64>().ok());
    // Seconds since 1970, until the year 3000; what is no such time draws all of it.
    let is_time = |s: &i64| (0..32_503_680_000).contains(s);
    let window = second("from")
        .filter(is_time)
        .zip(second("to").filter(is_time));
    let content = incident.markup(&seen, &visitor, window.filter(|(from, to)| from < to));
    let address = format!("{}.json", incident.address());
    shown(
        &seen,
        &visitor,
        (PagePlace::Other, &incident.title(), &address),
        &content,
    )
}

async fn incident_act(
    State(server): Server,
    Extension(visitor): Extension<Visitor>,
    Path((id, name)): Path<(String, String)>,
    Form(form): Form<ActForm>,
) -> Response {
    if !is_same(&form.form_token, &visitor.form_token) {
        return (StatusCode::FORBIDDEN, "the form is not of this session").into_response();
    }
    if visitor.role != Role::Responder {
        return (StatusCode::FORBIDDEN, "readers change nothing").into_response();
    }
    let Some(wanted) = Act::named(&name) else {
        return missing("There is no such act.");
    };
    let seen = server.live.seen();
    let Some(incident) = seen.watched.as_ref().and_then(|w| find(w, &id)).cloned() else {
        return missing("There is no such incident in what the last watch left.");
    };
    let to = format!("/incident/{}#h-followup", incident.id);
    let now = jiff::Timestamp::now();
    let acted =
        off_thread(move || act(&server.live, &incident, wanted, &form, &visitor, now)).await;
    match acted {
        Ok(()) => Redirect::to(&to).into_response(),
        Err(e) => bare(
            StatusCode::BAD_REQUEST,
            "Nothing was changed",
            &html! { p { (text(&format!("{e:#}"))) } a href=(to) { "back to the incident" } },
        ),
    }
}

async fn finding_page(
    State(server): Server,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let (id, is_json) = without_json(&id);
    let (seen, name) = (server.live.seen(), id.to_owned());
    let found = off_thread({
        let seen = Arc::clone(&seen);
        move || FindingPage::of(&server.live, &seen, &name)
    });
    match found.await {
        found if is_json => json_of(found),
        Ok(Some(found)) => {
            let address = format!("/finding/{id}.json");
            shown(
                &seen,
                &visitor,
                (PagePlace::Other, "finding", &address),
                &found.markup(&seen),
            )
        }
        Ok(None) => missing("There is no such finding in the store."),
        Err(e) => failed(&e),
    }
}

async fn record_page(
    State(server): Server,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Response {
    let (id, is_json) = without_json(&id);
    let (seen, name, trail) = (server.live.seen(), id.to_owned(), server.trail.clone());
    match off_thread(move || RecordPage::of(&trail, &name)).await {
        found if is_json => json_of(found.map(Some)),
        Ok(found) => {
            let address = format!("/event/{id}.json");
            shown(
                &seen,
                &visitor,
                (PagePlace::Other, "record", &address),
                &found.markup(),
            )
        }
        Err(e) => failed(&e),
    }
}

/// The question of a search, cut where nobody types so much.
fn question(asked: &HashMap<String, String>) -> String {
    field(asked, "q")
        .unwrap_or_default()
        .chars()
        .take(SEARCH_TEXT_MAX)
        .collect()
}

async fn search_page(
    State(server): Server,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Asked,
) -> Response {
    let (seen, wanted) = (server.live.seen(), question(&asked));
    let address = format!("/search.json?{}", query(&[("q", Some(&wanted))]));
    let found = off_thread({
        let seen = Arc::clone(&seen);
        move || search(&server.live, &seen, &wanted)
    });
    match found.await {
        Ok(found) => shown(
            &seen,
            &visitor,
            (PagePlace::Search, "search", &address),
            &found.markup(),
        ),
        Err(e) => failed(&e),
    }
}

async fn search_json(State(server): Server, Query(asked): Asked) -> Response {
    let (seen, wanted) = (server.live.seen(), question(&asked));
    json_of(off_thread(move || search(&server.live, &seen, &wanted).map(Some)).await)
}

/// Snapshots of the log.
fn history(server: &PageServer) -> Result<Vec<LoggedSnapshot>> {
    let storage = crate::store::open(server.live.global())?;
    let log = match EvidenceLog::open(storage.as_ref()) {
        Ok(log) => log,
        Err(bartizan_evidence::LogError::NoLog(_)) => return Ok(Vec::new()),
        Err(e) => return Err(e.into()),
    };
    Ok(bartizan_evidence::snapshots(&log)?)
}

/// The history, and the account and snapshot that are asked for. Its analysis is made meanwhile.
async fn account_asked(
    server: &Arc<PageServer>,
    asked: &HashMap<String, String>,
) -> Result<Option<(Vec<LoggedSnapshot>, (String, u64))>> {
    let shared = Arc::clone(server);
    let history = off_thread(move || history(&shared)).await?;
    let snapshot = field(asked, "snapshot").map(|s| s.parse::<u64>().unwrap_or(u64::MAX));
    let Some(wanted) = chosen(&history, field(asked, "account"), snapshot) else {
        return Ok(None);
    };
    if server.analyses.of(wanted.1).is_none() {
        let (shared, id) = (Arc::clone(server), wanted.1);
        let made = tokio::task::spawn_blocking(move || shared.analyses.make(&shared.live, id));
        let _ = timeout(ANALYSIS_WAIT, made).await;
    }
    Ok(Some((history, wanted)))
}

async fn account_page(
    State(server): Server,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Asked,
) -> Response {
    match account_asked(&server, &asked).await {
        Ok(Some((history, wanted))) => {
            let (seen, analysis) = (server.live.seen(), server.analyses.of(wanted.1));
            let address = format!("/account.json?snapshot={}", wanted.1);
            let page = AccountPage::of(&seen, &history, wanted, analysis.as_ref());
            let content = page.markup(&seen);
            shown(
                &seen,
                &visitor,
                (PagePlace::Account, "account", &address),
                &content,
            )
        }
        Ok(None) => missing("There is no such snapshot in the store."),
        Err(e) => failed(&e),
    }
}

async fn account_json(State(server): Server, Query(asked): Asked) -> Response {
    match account_asked(&server, &asked).await {
        Ok(Some((history, wanted))) => {
            let (seen, analysis) = (server.live.seen(), server.analyses.of(wanted.1));
            json(&AccountPage::of(&seen, &history, wanted, analysis.as_ref()))
        }
        Ok(None) => (StatusCode::NOT_FOUND, "no such snapshot").into_response(),
        Err(e) => failed(&e),
    }
}

/// Two snapshots of the query, compared.
async fn compared(
    server: &Arc<PageServer>,
    asked: &HashMap<String, String>,
) -> Result<ComparePage> {
    let id = |name: &str| field(asked, name).and_then(|t| t.parse::<u64>().ok());
    let two = id("before").zip(id("after"));
    let (before, after) = two.ok_or_else(|| anyhow::anyhow!("choose two snapshots"))?;
    let server = Arc::clone(server);
    off_thread(move || ComparePage::of(server.live.global(), before, after)).await
}

async fn compare_page(
    State(server): Server,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Asked,
) -> Response {
    let pair = [
        ("before", field(&asked, "before")),
        ("after", field(&asked, "after")),
    ];
    let address = format!("/compare.json?{}", query(&pair));
    match compared(&server, &asked).await {
        Ok(page) => {
            let seen = server.live.seen();
            shown(
                &seen,
                &visitor,
                (PagePlace::Account, "compare", &address),
                &page.markup(),
            )
        }
        Err(e) => bare(
            StatusCode::BAD_REQUEST,
            "Not compared",
            &html! { p { (text(&format!("{e:#}"))) } a href="/account" { "choose two" } },
        ),
    }
}

async fn compare_json(State(server): Server, Query(asked): Asked) -> Response {
    json_of(compared(&server, &asked).await.map(Some))
}

async fn health_page(State(server): Server, Extension(visitor): Extension<Visitor>) -> Response {
    let seen = server.live.seen();
    let made = off_thread({
        let (server, seen) = (Arc::clone(&server), Arc::clone(&seen));
        move || {
            let now = jiff::Timestamp::now();
            Ok(HealthPage::of(&server.live, &seen, now)?.markup())
        }
    });
    match made.await {
        Ok(content) => shown(
            &seen,
            &visitor,
            (PagePlace::Health, "rules and health", "/health.json"),
            &content,
        ),
        Err(e) => failed(&e),
    }
}

async fn health_json(State(server): Server) -> Response {
    let made = off_thread(move || {
        let (seen, now) = (server.live.seen(), jiff::Timestamp::now());
        Ok(json(&HealthPage::of(&server.live, &seen, now)?))
    });
    made.await.unwrap_or_else(|e| failed(&e))
}

async fn rule_page(
    State(server): Server,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Asked,
) -> Response {
    let (seen, id) = (
        server.live.seen(),
        field(&asked, "id").unwrap_or_default().to_owned(),
    );
    let address = format!("/rule.json?{}", query(&[("id", Some(&id))]));
    match off_thread(move || RulePage::of(&server.live, &id)).await {
        Ok(page) => shown(
            &seen,
            &visitor,
            (PagePlace::Health, "rule", &address),
            &page.markup(),
        ),
        Err(e) => failed(&e),
    }
}

async fn rule_json(State(server): Server, Query(asked): Asked) -> Response {
    let id = field(&asked, "id").unwrap_or_default().to_owned();
    json_of(off_thread(move || RulePage::of(&server.live, &id).map(Some)).await)
}
