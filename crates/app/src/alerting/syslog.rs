//! Syslog over TCP or TLS.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use bartizan_alert::Alert;
use bartizan_alert::sink::syslog;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::connect::Reach;
use super::outcome::SendOutcome;

/// Time to write a message.
const WRITE: Duration = Duration::from_secs(15);
/// Time in which a receiver that has read the message closes its side.
const CLOSE: Duration = Duration::from_secs(5);

/// Receiver, e.g. of `tls://logs.example.org:6514`.
#[derive(Debug, Clone)]
pub(super) struct SyslogReceiver {
    host: String,
    port: u16,
    tls: bool,
}

impl SyslogReceiver {
    /// From `tls://host:port` or `tcp://host:port`.
    pub(super) fn parse(url: &str) -> Result<Self> {
        let (tls, rest, port) = match url.trim().split_once("://") {
            Some(("tls", rest)) => (true, rest, 6514),
            Some(("tcp", rest)) => (false, rest, 601),
            _ => bail!("url must be tls://HOST:PORT or tcp://HOST:PORT"),
        };
        let authority: http::uri::Authority = rest
            .trim_end_matches('/')
            .parse()
            .map_err(|_| anyhow::anyhow!("url must be tls://HOST:PORT or tcp://HOST:PORT"))?;
        Ok(Self {
            host: authority.host().to_owned(),
            port: authority.port_u16().unwrap_or(port),
            tls,
        })
    }
}

pub(super) async fn send(reach: &Reach, receiver: &SyslogReceiver, alert: &Alert) -> SendOutcome {
    let sent = async {
        let frame = syslog::frame(alert, &host_name());
        let stream = reach.connect(&receiver.host, receiver.port).await?;
        if receiver.tls {
            write(reach.encrypt(stream, &receiver.host).await?, &frame).await
        } else {
            write(stream, &frame).await
        }
    };
    match sent.await {
        Ok(()) => SendOutcome::Delivered,
        Err(e) => SendOutcome::failed(format!("{e:#}")),
    }
}

/// Syslog has no receipts. The message is written, our side is closed, and the receiver's close is
/// awaited: one that was reset, or died, fails.
async fn write<S>(mut stream: S, frame: &[u8]) -> Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let written = async {
        stream.write_all(frame).await?;
        stream.flush().await?;
        stream.shutdown().await
    };
    tokio::time::timeout(WRITE, written)
        .await
        .map_err(|_| anyhow::anyhow!("the receiver does not read"))?
        .context("cannot write")?;
    let mut rest = [0; 64];
    let closed = async {
        loop {
            match stream.read(&mut rest).await {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                // Many receivers close TLS without saying so.
                Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(e) => return Err(e),
            }
        }
    };
    match tokio::time::timeout(CLOSE, closed).await {
        Ok(closed) => closed.context("the receiver broke off"),
        // It keeps its side open, and has acknowledged all bytes or will.
        Err(_) => Ok(()),
    }
}

/// Name of this host.
fn host_name() -> String {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|file| std::fs::read_to_string(file).ok())
        .map(|name| name.trim().to_owned())
        .or_else(|| std::env::var("HOSTNAME").ok())
        .unwrap_or_default()
}
