//! Requests to the OpenID Connect provider: HTTPS, or plain HTTP to this machine.

use bartizan_model::limits::PROVIDER_ANSWER_BYTES_MAX;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use axum::http::{Method, Request, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Time of a request.
const FETCH_TIME: Duration = Duration::from_secs(10);

/// What is sent, and with which right.
pub(super) struct Sent<'s> {
    /// A form; none for a plain question.
    pub(super) form: Option<String>,
    /// Value of the header `Authorization`.
    pub(super) authorization: Option<&'s str>,
}

/// Asks an address. Gives the body of a good answer.
pub(super) async fn fetch(address: &str, sent: Sent<'_>) -> Result<Bytes> {
    let asked = timeout(FETCH_TIME, asked(address, sent)).await;
    asked
        .context("the provider is too slow")?
        .with_context(|| format!("{address} could not be asked"))
}

async fn asked(address: &str, sent: Sent<'_>) -> Result<Bytes> {
    let uri: Uri = address.parse().context("no address")?;
    let host = uri.host().context("no host in the address")?.to_owned();
    let is_https = uri.scheme_str() == Some("https");
    ensure!(is_https || is_this_machine(&host), "only HTTPS is asked");
    let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
    let bare = host.trim_matches(['[', ']']);
    let stream = TcpStream::connect((bare, port)).await?;
    let request = request(&uri, &host, sent)?;
    if !is_https {
        return exchange(stream, request).await;
    }
    let connector = TlsConnector::from(Arc::new(client_config()?));
    let name = ServerName::try_from(bare.to_owned())?;
    exchange(connector.connect(name, stream).await?, request).await
}

/// Whether a host is this machine, where nobody listens in.
pub(super) fn is_this_machine(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "[::1]" | "localhost")
}

fn client_config() -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in rustls_native_certs::load_native_certs().certs {
        let _ = roots.add(certificate);
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

fn request(uri: &Uri, host: &str, sent: Sent<'_>) -> Result<Request<Full<Bytes>>> {
    let path = uri.path_and_query().map_or("/", |p| p.as_str());
    let host = uri
        .port()
        .map_or_else(|| host.to_owned(), |p| format!("{host}:{p}"));
    let mut request = Request::builder()
        .uri(path)
        .header(header::HOST, host)
        .header(header::ACCEPT, "application/json");
    if let Some(right) = sent.authorization {
        request = request.header(header::AUTHORIZATION, right);
    }
    Ok(match sent.form {
        Some(form) => request
            .method(Method::POST)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::from(form))?,
        None => request.body(Full::default())?,
    })
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Bytes>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let running = tokio::spawn(connection);
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), PROVIDER_ANSWER_BYTES_MAX)
        .collect()
        .await
        .map_err(|e| anyhow::anyhow!("{e}"))?
        .to_bytes();
    running.abort();
    if !status.is_success() {
        bail!("answered {status}");
    }
    Ok(body)
}
