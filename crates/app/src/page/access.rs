//! Who may look, and who may act: hosts, tokens, cookies, roles, origins, and tokens against
//! cross-site requests.
//!
//! A token, a session and a cross-site token are 32 random bytes each; only their hashes are kept,
//! and hashes are what is compared.

use bartizan_model::limits::{PAGE_SESSIONS_MAX, SIGN_IN_ADDRESSES_MAX, SIGN_IN_ATTEMPTS_MAX};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use axum::http::{HeaderMap, header};
use bartizan_inventory::fact::Hash;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A working day; then people sign in again.
const SESSION_TIME: Duration = Duration::from_secs(12 * 3600);

/// Right of a visitor.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Looks and changes nothing.
    Reader,
    /// Acknowledges, assigns, notes, accepts and silences.
    Responder,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    /// In the evidence log: `alice`, `owner of this session`.
    pub(crate) name: String,
    pub(crate) role: Role,
    /// Goes into every form.
    pub(crate) form_token: String,
}

struct Session {
    visitor: Visitor,
    until: Instant,
}

/// Where the page is reached, and who is signed in.
pub(crate) struct Access {
    /// `127.0.0.1:8080`, in lower case.
    hosts: Vec<String>,
    /// `http` or `https`, as browsers see it.
    scheme: &'static str,
    token: Mutex<Option<Hash>>,
    sessions: Mutex<HashMap<String, Session>>,
}

/// Why a request is refused before anything looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Not a name that this page is reached by: somebody's own name may point here.
    Host,
    /// Sent by another site.
    Origin,
}

impl Access {
    pub(crate) fn new(hosts: Vec<String>, is_secure: bool) -> Self {
        Self {
            hosts: hosts.into_iter().map(|h| h.to_ascii_lowercase()).collect(),
            scheme: if is_secure { "https" } else { "http" },
            token: Mutex::new(None),
            sessions: Mutex::new(HashMap::new()),
        }
    }

    /// `http://127.0.0.1:8080`, by the first name.
    pub(crate) fn address(&self) -> String {
        let host = self.hosts.first().map_or("", String::as_str);
        format!("{}://{host}", self.scheme)
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.scheme == "https"
    }

    /// A new token for one sign-in; the one before is void.
    pub(crate) fn new_token(&self) -> Result<String> {
        let token = random()?;
        *lock(&self.token) = Some(Hash::of(token.as_bytes()));
        Ok(token)
    }

    /// Takes the token: it works once.
    pub(crate) fn take_token(&self, given: &str) -> bool {
        let mut token = lock(&self.token);
        let is_it = *token == Some(Hash::of(given.as_bytes()));
        if is_it {
            *token = None;
        }
        is_it
    }

    /// Opens a session. Gives the `Set-Cookie` header.
    pub(crate) fn sign_in(&self, name: &str, role: Role) -> Result<String> {
        let (cookie, form_token) = (random()?, random()?);
        let visitor = Visitor {
            name: name.to_owned(),
            role,
            form_token,
        };
        let mut sessions = lock(&self.sessions);
        let now = Instant::now();
        sessions.retain(|_, s| s.until > now);
        if sessions.len() >= PAGE_SESSIONS_MAX {
            let oldest = sessions.iter().min_by_key(|(_, s)| s.until);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                sessions.remove(&key);
            }
        }
        let until = now + SESSION_TIME;
        sessions.insert(
            Hash::of(cookie.as_bytes()).to_string(),
            Session { visitor, until },
        );
        Ok(format!(
            "{}={cookie}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}",
            self.cookie_name(),
            SESSION_TIME.as_secs(),
            if self.is_secure() { "; Secure" } else { "" }
        ))
    }

    /// Ends the session of a request.
    pub(crate) fn sign_out(&self, headers: &HeaderMap) {
        if let Some(cookie) = cookie(headers, self.cookie_name()) {
            lock(&self.sessions).remove(&Hash::of(cookie.as_bytes()).to_string());
        }
    }

    /// The visitor of a request, by its cookie.
    pub(crate) fn visitor(&self, headers: &HeaderMap) -> Option<Visitor> {
        let cookie = cookie(headers, self.cookie_name())?;
        let sessions = lock(&self.sessions);
        let session = sessions.get(&Hash::of(cookie.as_bytes()).to_string())?;
        (session.until > Instant::now()).then(|| session.visitor.clone())
    }

    /// A name that only a server with TLS, and only this host, can set.
    fn cookie_name(&self) -> &'static str {
        match self.is_secure() {
            true => "__Host-bartizan",
            false => "bartizan",
        }
    }

    /// Refuses names that are not ours, and what other sites sent. What changes something must say
    /// where it comes from.
    pub(crate) fn check(&self, headers: &HeaderMap, changes: bool) -> Result<(), Refusal> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next().and_then(|h| h.to_str().ok()).unwrap_or("");
        let host = host.to_ascii_lowercase();
        if hosts.next().is_some() || !self.hosts.contains(&host) {
            return Err(Refusal::Host);
        }
        let text = |name: &str| headers.get(name).map(|v| v.to_str().unwrap_or("?"));
        let own = format!("{}://{host}", self.scheme);
        match text("origin") {
            Some(origin) if origin != own => return Err(Refusal::Origin),
            None if changes => return Err(Refusal::Origin),
            _ => {}
        }
        let site = text("sec-fetch-site");
        let is_foreign = matches!(site, Some(s) if s != "same-origin" && s != "none");
        // A link elsewhere may lead here: it brings no cookie and shows nothing.
        let is_link = !changes && text("sec-fetch-mode") == Some("navigate");
        match is_foreign && !is_link {
            true => Err(Refusal::Origin),
            false => Ok(()),
        }
    }
}

/// 32 random bytes as text.
pub(crate) fn random() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("the system gives no randomness")?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Whether two secrets are one, by their hashes: how long it takes says nothing about them.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    Hash::of(one.as_bytes()) == Hash::of(other.as_bytes())
}

/// A cookie of a request; none where it is sent twice.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let pairs = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'));
    let mut own = pairs.filter_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='));
    let first = own.next()?.to_owned();
    own.next().is_none().then_some(first)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts attempts of an address: ten in a minute.
#[derive(Default)]
pub(crate) struct Attempts(Mutex<HashMap<String, (Instant, u32)>>);

const ATTEMPTS_TIME: Duration = Duration::from_secs(60);

impl Attempts {
    /// Whether the address may try once more.
    pub(crate) fn may(&self, address: &str) -> bool {
        let now = Instant::now();
        let mut all = lock(&self.0);
        all.retain(|_, (since, _)| now.duration_since(*since) < ATTEMPTS_TIME);
        let key = match all.len() < SIGN_IN_ADDRESSES_MAX || all.contains_key(address) {
            true => address,
            false => "",
        };
        let (_, count) = all.entry(key.to_owned()).or_insert((now, 0));
        *count += 1;
        *count <= SIGN_IN_ATTEMPTS_MAX
    }
}
