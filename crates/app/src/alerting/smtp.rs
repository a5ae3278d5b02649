//! Mail over SMTP.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bartizan_alert::Alert;
use bartizan_alert::sink::smtp;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::connect::Reach;
use super::outcome::SendOutcome;
use super::secret::Secret;

/// Time of an exchange.
const EXCHANGE: Duration = Duration::from_secs(30);
/// Replies about our login, which are about no message (RFC 4954).
const LOGIN: [u16; 5] = [454, 530, 534, 535, 538];

/// Server, sender and receivers.
#[derive(Debug, Clone)]
pub(super) struct MailServer {
    host: String,
    port: u16,
    encryption: Encryption,
    user: Option<String>,
    ca_file: Option<PathBuf>,
    from: Mailbox,
    to: Vec<Mailbox>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encryption {
    /// `smtps://`, port 465.
    Tls,
    /// `smtp://`, port 587: STARTTLS, or no mail.
    StartTls,
    /// `smtp+plain://`, port 25.
    Plain,
}

impl MailServer {
    pub(super) fn new(
        url: &str,
        (from, to): (&str, &[String]),
        user: Option<String>,
        ca_file: Option<PathBuf>,
    ) -> Result<Self> {
        let form = "url must be smtps://HOST:PORT, smtp://HOST:PORT (STARTTLS) or \
            smtp+plain://HOST:PORT";
        let (encryption, rest, port) = match url.trim().split_once("://") {
            Some(("smtps", rest)) => (Encryption::Tls, rest, 465),
            Some(("smtp", rest)) => (Encryption::StartTls, rest, 587),
            Some(("smtp+plain", rest)) => (Encryption::Plain, rest, 25),
            _ => bail!("{form}"),
        };
        let authority: http::uri::Authority = rest
            .trim_end_matches('/')
            .parse()
            .map_err(|_| anyhow::anyhow!("{form}"))?;
        if authority.as_str().contains('@') {
            bail!("url must not hold a user: use user and a secret");
        }
        let mailbox = |text: &str| -> Result<Mailbox> {
            text.parse()
                .with_context(|| format!("{text:?} is not an address of mail"))
        };
        Ok(Self {
            host: authority.host().to_owned(),
            port: authority.port_u16().unwrap_or(port),
            encryption,
            user,
            ca_file,
            from: mailbox(from)?,
            to: to.iter().map(|t| mailbox(t)).collect::<Result<_>>()?,
        })
    }

    /// Transport to an address that was checked, by the name of the host.
    async fn transport(
        &self,
        reach: &Reach,
        secret: Option<&Secret>,
    ) -> Result<AsyncSmtpTransport<Tokio1Executor>> {
        let addresses = reach.addresses(&self.host, self.port).await?;
        let address = addresses.first().context("no address")?.ip().to_string();
        let tls = || -> Result<TlsParameters> {
            let mut builder = TlsParameters::builder(self.host.clone());
            if let Some(file) = &self.ca_file {
                let pem = std::fs::read(file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
                builder = builder
                    .certificate_store(CertificateStore::None)
                    .add_root_certificate(Certificate::from_pem(&pem)?);
            }
            Ok(builder.build_rustls()?)
        };
        let tls = match self.encryption {
            Encryption::Tls => Tls::Wrapper(tls()?),
            Encryption::StartTls => Tls::Required(tls()?),
            Encryption::Plain => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address)
            .port(self.port)
            .tls(tls)
            .timeout(Some(EXCHANGE));
        if let (Some(user), Some(secret)) = (&self.user, secret) {
            let credentials = Credentials::new(user.clone(), secret.text().to_owned());
            builder = builder.credentials(credentials);
        }
        Ok(builder.build())
    }
}

pub(super) async fn send(
    reach: &Reach,
    server: &MailServer,
    secret: Option<&Secret>,
    alert: &Alert,
) -> SendOutcome {
    let mail = match smtp::message(alert, &server.from, &server.to) {
        Ok(mail) => mail,
        Err(e) => return SendOutcome::refused(e),
    };
    let transport = match server.transport(reach, secret).await {
        Ok(transport) => transport,
        Err(e) => return SendOutcome::failed(format!("{e:#}")),
    };
    let sent = tokio::time::timeout(2 * EXCHANGE, transport.send(mail)).await;
    match sent {
        Ok(Ok(_)) => SendOutcome::Delivered,
        Ok(Err(e)) => {
            let about_login = e.status().is_some_and(|c| LOGIN.contains(&u16::from(c)));
            let is_permanent = e.is_permanent();
            let why = bartizan_alert::plain(&format!("{:#}", anyhow::Error::new(e)), 300);
            if is_permanent && !about_login {
                return SendOutcome::refused(why);
            }
            SendOutcome::failed(why)
        }
        Err(_) => SendOutcome::failed("no answer in time"),
    }
}
