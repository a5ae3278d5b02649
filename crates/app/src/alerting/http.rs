//! One POST over one connection: no redirects, no proxy, no cookies.

use std::time::Duration;

use anyhow::{Context, Result};
use bartizan_alert::sink::HttpMessage;
use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::connect::Reach;
use super::outcome::SendOutcome;

/// Time from connection to the end of the answer.
const EXCHANGE: Duration = Duration::from_secs(20);
/// Bytes of an answer that are read; more are of no interest.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Characters of an answer in an error.
const SHOWN: usize = 160;

/// Status, wish to be left alone, and the beginning of the body.
struct HttpAnswer {
    status: StatusCode,
    retry_after_s: Option<u64>,
    body: Vec<u8>,
}

/// Host, port and whether it is TLS of a URL such as `https://hooks.example.org/x`.
pub(super) fn parse(url: &str) -> Result<(Uri, String, u16, bool)> {
    // The URL may be a secret: no error repeats it.
    let uri: Uri = url
        .trim()
        .parse()
        .map_err(|_| anyhow::anyhow!("url is not a URL"))?;
    let tls = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => anyhow::bail!("url must begin with https:// or http://"),
    };
    let host = uri.host().context("url has no host")?.to_owned();
    anyhow::ensure!(
        uri.authority().is_none_or(|a| !a.as_str().contains('@')),
        "url must not hold a user: use a secret"
    );
    let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
    Ok((uri, host, port, tls))
}

pub(super) async fn post(reach: &Reach, url: &str, message: HttpMessage) -> SendOutcome {
    let exchange = tokio::time::timeout(EXCHANGE, exchange(reach, url, message));
    match exchange.await {
        Ok(Ok(answer)) => judged(&answer),
        Ok(Err(e)) => SendOutcome::failed(format!("{e:#}")),
        Err(_) => SendOutcome::failed(format!("no answer within {} s", EXCHANGE.as_secs())),
    }
}

async fn exchange(reach: &Reach, url: &str, message: HttpMessage) -> Result<HttpAnswer> {
    let (uri, host, port, tls) = parse(url)?;
    let path = uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
    let authority = uri.authority().map_or(host.as_str(), |a| a.as_str());
    let mut request = Request::post(path)
        .header("host", authority)
        .header(
            "user-agent",
            concat!("bartizan/", env!("CARGO_PKG_VERSION")),
        )
        .header("connection", "close");
    for (name, value) in &message.headers {
        request = request.header(*name, value);
    }
    let request = request
        .body(Full::new(Bytes::from(message.body)))
        .context("cannot build the request")?;
    let stream = reach.connect(&host, port).await?;
    if tls {
        over(reach.encrypt(stream, &host).await?, request).await
    } else {
        over(stream, request).await
    }
}

async fn over<S>(stream: S, request: Request<Full<Bytes>>) -> Result<HttpAnswer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .context("no HTTP")?;
    // The connection ends when its sender is gone.
    let talk = async move {
        let response = sender.send_request(request).await.context("no answer")?;
        answer(response).await
    };
    let (talk, _) = futures::future::join(talk, connection).await;
    talk
}

async fn answer(response: http::Response<Incoming>) -> Result<HttpAnswer> {
    let (parts, mut body) = response.into_parts();
    let retry_after = parts.headers.get("retry-after");
    let mut answer = HttpAnswer {
        status: parts.status,
        // The date form is rare; without seconds the sink's own waits hold.
        retry_after_s: retry_after.and_then(|v| v.to_str().ok()?.trim().parse().ok()),
        body: Vec::new(),
    };
    while let Some(frame) = body.frame().await {
        // Half an answer may come of a receiver that died while it took the message.
        let frame = frame.context("the answer broke off")?;
        if let Ok(data) = frame.into_data() {
            answer.body.extend_from_slice(&data);
        }
        if answer.body.len() >= ANSWER_BYTES_MAX {
            break;
        }
    }
    Ok(answer)
}

/// Faults of the receiver, its address or our secret hold for all messages; other
/// refusals are about this one.
fn judged(answer: &HttpAnswer) -> SendOutcome {
    let status = answer.status;
    if status.is_success() {
        return SendOutcome::Delivered;
    }
    let text = String::from_utf8_lossy(&answer.body);
    let why = format!(
        "HTTP {}: {}",
        status.as_u16(),
        bartizan_alert::plain(&text, SHOWN)
    );
    let of_sink = status.is_server_error()
        || status.is_redirection()
        || matches!(
            status.as_u16(),
            401 | 403 | 404 | 405 | 407 | 408 | 410 | 421 | 425 | 429
        );
    if of_sink {
        SendOutcome::SinkFailed {
            why,
            retry_after_s: answer.retry_after_s,
        }
    } else {
        SendOutcome::Refused { why }
    }
}
