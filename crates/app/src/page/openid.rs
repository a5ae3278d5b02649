//! Users of an OpenID Connect provider: authorization code flow with PKCE (RFC 7636), ID tokens
//! verified as OpenID Connect Core 1.0, 3.1.3.7 asks, groups to roles.

use bartizan_model::limits::SIGN_INS_MAX;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bartizan_inventory::fact::Hash;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;

use super::access::{Role, is_same, random};
use super::fetch::{Sent, fetch, is_this_machine};
use crate::files::read_text;

const FLOW_TIME: Duration = Duration::from_secs(600);
/// Seconds by which clocks may differ.
const LEEWAY_S: u64 = 30;
/// Signatures that are believed: none that a shared secret makes, and never none.
const ALGORITHMS: [Algorithm; 7] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Settings of the provider:
///
/// ```toml
/// issuer = "https://login.example.com"
/// client_id = "bartizan"
/// client_secret_file = "/etc/bartizan/openid-secret"
/// groups_claim = "groups"
/// readers = ["security-readers"]
/// responders = ["security-responders"]
/// ```
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenIdSettings {
    issuer: String,
    client_id: String,
    client_secret_file: Option<String>,
    #[serde(default = "groups")]
    groups_claim: String,
    #[serde(default = "scope")]
    scope: String,
    #[serde(default)]
    readers: Vec<String>,
    #[serde(default)]
    responders: Vec<String>,
}

fn groups() -> String {
    "groups".to_owned()
}

fn scope() -> String {
    "openid profile groups".to_owned()
}

/// A provider, and the sign-ins that were begun.
pub(crate) struct OpenId {
    settings: OpenIdSettings,
    secret: Option<String>,
    flows: Mutex<HashMap<String, Flow>>,
}

/// A sign-in that was begun.
struct Flow {
    nonce: String,
    verifier: String,
    /// Hash of the cookie of the browser that began it.
    browser: Hash,
    until: Instant,
}

/// Addresses of the provider.
#[derive(Debug, Deserialize)]
struct Discovery {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

/// Somebody whom the provider vouches for.
pub(super) struct KnownUser {
    pub(super) name: String,
    pub(super) role: Role,
}

impl OpenId {
    /// Reads the settings.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let settings: OpenIdSettings =
            toml::from_str(&read_text(path)?).with_context(|| path.display().to_string())?;
        let plain = settings.issuer.strip_prefix("http://");
        let host = plain.map(|rest| rest.split(['/', ':']).next().unwrap_or(""));
        ensure!(
            settings.issuer.starts_with("https://") || host.is_some_and(is_this_machine),
            "{}: issuer must be https://",
            path.display()
        );
        ensure!(
            !settings.readers.is_empty() || !settings.responders.is_empty(),
            "{}: name groups as readers or responders, or nobody may look",
            path.display()
        );
        let secret = settings.client_secret_file.as_ref();
        let secret = secret.map(|file| read_text(Path::new(file))).transpose()?;
        Ok(Self {
            settings,
            secret: secret.map(|s| s.trim().to_owned()),
            flows: Mutex::default(),
        })
    }

    async fn discover(&self) -> Result<Discovery> {
        let base = self.settings.issuer.trim_end_matches('/');
        let address = format!("{base}/.well-known/openid-configuration");
        let plain = Sent {
            form: None,
            authorization: None,
        };
        let found: Discovery = serde_json::from_slice(&fetch(&address, plain).await?)?;
        ensure!(
            found.issuer == self.settings.issuer,
            "the provider calls itself {}, not {}",
            found.issuer,
            self.settings.issuer
        );
        Ok(found)
    }

    /// Begins a sign-in: where the browser goes, and the cookie that binds it to this browser.
    pub(super) async fn begin(&self, back: &str) -> Result<(String, String)> {
        let discovery = self.discover().await?;
        let (state, nonce, verifier, browser) = (random()?, random()?, random()?, random()?);
        let challenge = URL_SAFE_NO_PAD.encode(Hash::of(verifier.as_bytes()).0);
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &self.settings.client_id),
            ("redirect_uri", back),
            ("scope", &self.settings.scope),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let flow = Flow {
            nonce,
            verifier,
            browser: Hash::of(browser.as_bytes()),
            until: Instant::now() + FLOW_TIME,
        };
        self.keep(&state, flow);
        let separator = match discovery.authorization_endpoint.contains('?') {
            true => '&',
            false => '?',
        };
        let address = format!("{}{separator}{query}", discovery.authorization_endpoint);
        Ok((address, browser))
    }

    fn keep(&self, state: &str, flow: Flow) {
        let mut flows = self.flows.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        flows.retain(|_, f| f.until > now);
        if flows.len() >= SIGN_INS_MAX {
            let oldest = flows
                .iter()
                .min_by_key(|(_, f)| f.until)
                .map(|(k, _)| k.clone());
            oldest.and_then(|o| flows.remove(&o));
        }
        flows.insert(Hash::of(state.as_bytes()).to_string(), flow);
    }

    /// Ends a sign-in: state and browser must be those of its begin; it works once.
    pub(super) async fn end(
        &self,
        code: &str,
        state: &str,
        browser: &str,
        back: &str,
    ) -> Result<KnownUser> {
        let flow = {
            let mut flows = self.flows.lock().unwrap_or_else(PoisonError::into_inner);
            flows.remove(&Hash::of(state.as_bytes()).to_string())
        };
        let flow = flow.context("this sign-in was not begun here, or took too long")?;
        ensure!(
            flow.until > Instant::now() && flow.browser == Hash::of(browser.as_bytes()),
            "this sign-in was not begun in this browser, or took too long"
        );
        let discovery = self.discover().await?;
        let tokens = self.tokens(&discovery, code, &flow.verifier, back).await?;
        let plain = Sent {
            form: None,
            authorization: None,
        };
        let keys: JwkSet = serde_json::from_slice(&fetch(&discovery.jwks_uri, plain).await?)?;
        let claims = verified(&tokens.id_token, &keys, &self.settings, &flow.nonce)?;
        let mut groups = names(claims.get(&self.settings.groups_claim));
        if let (true, Some(address), Some(token)) = (
            groups.is_empty(),
            &discovery.userinfo_endpoint,
            &tokens.access_token,
        ) {
            let right = format!("Bearer {token}");
            let sent = Sent {
                form: None,
                authorization: Some(&right),
            };
            let info: Value = serde_json::from_slice(&fetch(address, sent).await?)?;
            ensure!(
                info.get("sub") == claims.get("sub"),
                "userinfo is of somebody else"
            );
            groups = names(info.get(&self.settings.groups_claim));
        }
        self.known(&claims, &groups)
    }

    fn known(&self, claims: &Value, groups: &[String]) -> Result<KnownUser> {
        let is_in = |list: &[String]| groups.iter().any(|g| list.contains(g));
        let role = match (
            is_in(&self.settings.responders),
            is_in(&self.settings.readers),
        ) {
            (true, _) => Role::Responder,
            (_, true) => Role::Reader,
            _ => bail!("none of your groups may look at this page"),
        };
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let subject = text("sub").context("the token has no subject")?;
        let name = match text("preferred_username").or(text("email")) {
            Some(name) => format!("{name} ({subject})"),
            None => subject.to_owned(),
        };
        Ok(KnownUser { name, role })
    }

    async fn tokens(
        &self,
        discovery: &Discovery,
        code: &str,
        verifier: &str,
        back: &str,
    ) -> Result<Tokens> {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", back),
            ("code_verifier", verifier),
        ];
        let basic = self.secret.as_ref().map(|secret| {
            let pair = format!("{}:{}", encoded(&self.settings.client_id), encoded(secret));
            format!("Basic {}", STANDARD.encode(pair))
        });
        if basic.is_none() {
            fields.push(("client_id", &self.settings.client_id));
        }
        let sent = Sent {
            form: Some(form(&fields)),
            authorization: basic.as_deref(),
        };
        Ok(serde_json::from_slice(
            &fetch(&discovery.token_endpoint, sent).await?,
        )?)
    }
}

/// Claims of an ID token that one of the keys signed, for us, of this sign-in, and not expired.
fn verified(token: &str, keys: &JwkSet, settings: &OpenIdSettings, nonce: &str) -> Result<Value> {
    let header = decode_header(token).context("the ID token cannot be read")?;
    ensure!(
        ALGORITHMS.contains(&header.alg),
        "the ID token is not signed with a key of the provider"
    );
    let is_it = |key: &&Jwk| match (&header.kid, &key.common.key_id) {
        (Some(wanted), Some(id)) => wanted == id,
        (Some(_), None) => false,
        (None, _) => true,
    };
    let key = keys.keys.iter().find(is_it);
    let key = key.context("the ID token is signed with a key that the provider does not have")?;
    let mut validation = Validation::new(header.alg);
    validation.leeway = LEEWAY_S;
    validation.validate_nbf = true;
    validation.set_issuer(&[&settings.issuer]);
    validation.set_audience(&[&settings.client_id]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let claims = decode::<Value>(token, &DecodingKey::from_jwk(key)?, &validation)
        .context("the ID token is not valid")?
        .claims;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    ensure!(
        text("nonce").is_some_and(|n| is_same(n, nonce)),
        "the ID token is of another sign-in"
    );
    let many = claims
        .get("aud")
        .and_then(Value::as_array)
        .is_some_and(|a| a.len() > 1);
    ensure!(
        !many || text("azp") == Some(&settings.client_id),
        "the ID token was given to somebody else"
    );
    Ok(claims)
}

/// Names of a claim that is a list, or one.
fn names(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(|v| v.as_str().map(str::to_owned))
            .collect(),
        Some(Value::String(one)) => vec![one.clone()],
        _ => Vec::new(),
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn form(fields: &[(&str, &str)]) -> String {
    let one = |(name, value): &(&str, &str)| format!("{name}={}", encoded(value));
    fields.iter().map(one).collect::<Vec<_>>().join("&")
}
