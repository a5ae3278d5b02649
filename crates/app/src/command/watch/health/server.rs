//! `/healthz` and `/metrics` on a loopback port.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HOST};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};

use super::metrics::metrics;
use crate::render::health_lines;
use crate::watch_health::{AlarmState, WatchHealth};

/// Connections at a time.
const CONNECTIONS_AT_ONCE: usize = 16;
/// Time for the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// Time for a whole connection.
const CONNECTION_TIME: Duration = Duration::from_secs(30);

/// Health that the loop writes, and the server and the heartbeat read.
#[derive(Debug, Clone, Default)]
pub(crate) struct HealthCell(Arc<Mutex<WatchHealth>>);

impl HealthCell {
    pub(crate) fn lock(&self) -> MutexGuard<'_, WatchHealth> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Server that ends when it is dropped.
pub(crate) struct HealthServer {
    pub(crate) address: SocketAddr,
    stop: Arc<Notify>,
}

impl HealthServer {
    /// Serves health at a loopback address, in a thread of its own. Port 0: any that is free.
    pub(crate) fn start(listen: SocketAddr, health: HealthCell) -> Result<Self> {
        if !listen.ip().is_loopback() {
            bail!(
                "watch.health = \"{listen}\" is no loopback address: health has no password; \
                use 127.0.0.1 and, for others, a proxy that has one"
            );
        }
        let socket = std::net::TcpListener::bind(listen)
            .with_context(|| format!("cannot listen at {listen} (watch.health)"))?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let stop = Arc::new(Notify::new());
        let ends = stop.clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name("health".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let Ok(listener) = TcpListener::from_std(socket) else {
                        return;
                    };
                    tokio::select! {
                        () = accept(listener, health) => {}
                        () = ends.notified() => {}
                    }
                });
                runtime.shutdown_background();
            })?;
        Ok(Self { address, stop })
    }
}

impl Drop for HealthServer {
    fn drop(&mut self) {
        self.stop.notify_one();
    }
}

async fn accept(listener: TcpListener, health: HealthCell) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_AT_ONCE));
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let health = health.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let answer = answer(&request, &health);
                async move { Ok::<_, Infallible>(answer) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIME)
                .max_buf_size(16 << 10)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            // Whoever hung up or was too slow gets no answer.
            let _ = tokio::time::timeout(CONNECTION_TIME, connection).await;
            drop(permit);
        });
    }
}

fn answer(request: &Request<Incoming>, health: &HealthCell) -> Response<Full<Bytes>> {
    let host = request.headers().get(HOST).and_then(|h| h.to_str().ok());
    if !is_own(host) {
        // A page of the web that made its name mean this machine.
        return text(
            StatusCode::MISDIRECTED_REQUEST,
            "not this host\n".to_owned(),
        );
    }
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n".to_owned());
    }
    let now_s = Timestamp::now().as_second();
    let health = health.lock().clone();
    match request.uri().path() {
        "/metrics" => text(StatusCode::OK, metrics(&health, now_s)),
        "/healthz" => {
            let status = match health.state(now_s) {
                AlarmState::Off => StatusCode::SERVICE_UNAVAILABLE,
                AlarmState::On | AlarmState::Partly => StatusCode::OK,
            };
            text(status, health_lines(&health, now_s).join("\n") + "\n")
        }
        _ => text(StatusCode::NOT_FOUND, "/healthz or /metrics\n".to_owned()),
    }
}

/// Whether `Host` names this machine, with any port.
fn is_own(host: Option<&str>) -> bool {
    let Some(host) = host else {
        return true;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    ["localhost", "127.0.0.1", "[::1]"].contains(&name)
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let plain = "text/plain; version=0.0.4; charset=utf-8";
    headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(plain));
    headers.insert(
        CACHE_CONTROL,
        hyper::header::HeaderValue::from_static("no-store"),
    );
    response
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn get(address: SocketAddr, path: &str, host: &str) -> (u16, String) {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let status = text.split(' ').nth(1).unwrap().parse().unwrap();
        let body = text.split_once("\r\n\r\n").unwrap().1.to_owned();
        (status, body)
    }

    #[test]
    fn health_is_503_when_the_loop_is_stuck_and_metrics_parse() {
        let cell = HealthCell::default();
        let server = HealthServer::start("127.0.0.1:0".parse().unwrap(), cell.clone()).unwrap();
        let at = server.address;
        let now_s = Timestamp::now().as_second();
        {
            let mut health = cell.lock();
            (health.ticked_s, health.tick_max_s) = (now_s, 60);
            health.heard(("111122223333", "eu\"\\\n{x=\"y\"}"), now_s - 7, Some(3600));
            health.counts.evaluated = 12;
        }
        assert_eq!(get(at, "/healthz", "localhost").0, 200);
        cell.lock().unkept_since_s = Some(now_s);
        let (status, body) = get(at, "/healthz", "127.0.0.1:9");
        assert_eq!(status, 503, "{body}");
        cell.lock().unkept_since_s = None;
        cell.lock().ticked_s = now_s - 61;
        assert_eq!(get(at, "/healthz", "[::1]:80").0, 503);
        assert_eq!(get(at, "/metrics", "evil.example").0, 421);
        assert_eq!(get(at, "/", "localhost").0, 404);
        let (status, body) = get(at, "/metrics", "localhost");
        assert_eq!(status, 200);
        assert!(
            body.contains("bartizan_events_evaluated_total 12\n"),
            "{body}"
        );
        assert!(body.contains(r#"region="eu\"\\\n{x=\"y\"}""#), "{body}");
        parsed_by_prometheus(&body);
        let public = HealthServer::start("0.0.0.0:0".parse().unwrap(), cell);
        assert!(public.is_err());
    }

    /// The parser of Prometheus' own client reads the same samples.
    fn parsed_by_prometheus(text: &str) {
        let Some(venv) = std::env::var_os("BARTIZAN_VENV") else {
            #[allow(clippy::print_stderr, reason = "a test says what it skips")]
            {
                eprintln!("skipped: BARTIZAN_VENV is not set; cargo xtask test sets it");
            }
            return;
        };
        let code = "import sys\n\
            from prometheus_client.parser import text_string_to_metric_families as parse\n\
            found = {s.name: (s.labels, s.value) for f in parse(sys.stdin.read()) \
            for s in f.samples}\n\
            assert found['bartizan_up'] == ({}, 0.0), found\n\
            age = found['bartizan_newest_event_age_seconds']\n\
            assert age[0]['region'] == 'eu\"\\\\\\n{x=\"y\"}', age\n\
            assert 7 <= age[1] < 60, age\n\
            assert len(found) >= 10, found\n";
        let mut child = std::process::Command::new(std::path::Path::new(&venv).join("bin/python"))
            .args(["-c", code])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        assert!(child.wait().unwrap().success(), "{text}");
    }
}
