//! Connections of sinks: a name is resolved once, its addresses are checked, and the connection
//! goes to an address that was checked.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bartizan_alert::is_private;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Time for one connection.
const CONNECT: Duration = Duration::from_secs(10);

/// Addresses of the metadata and credential services of AWS: no alert is ever meant for them.
const METADATA: [&str; 4] = [
    "169.254.169.254",
    "169.254.170.2",
    "fd00:ec2::254",
    "fd00:ec2::23",
];

/// Authorities that a sink trusts, and addresses that it may reach.
#[derive(Clone)]
pub(super) struct Reach {
    pub(super) allow_private: bool,
    tls: Arc<ClientConfig>,
}

impl std::fmt::Debug for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reach").finish_non_exhaustive()
    }
}

impl Reach {
    /// With the certificates of the system, or those of a file in their place.
    pub(super) fn new(allow_private: bool, ca_file: Option<&Path>) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        match ca_file {
            Some(file) => {
                let name = || format!("cannot read the certificates in {}", file.display());
                for certificate in CertificateDer::pem_file_iter(file).with_context(name)? {
                    roots
                        .add(certificate.with_context(name)?)
                        .with_context(name)?;
                }
            }
            None => {
                let found = rustls_native_certs::load_native_certs();
                roots.add_parsable_certificates(found.certs);
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            allow_private,
            tls: Arc::new(tls),
        })
    }

    /// Addresses of a host that may be reached.
    pub(super) async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let found: Vec<SocketAddr> = match bare.parse::<IpAddr>() {
            Ok(ip) => vec![SocketAddr::new(ip, port)],
            Err(_) => tokio::time::timeout(CONNECT, tokio::net::lookup_host((bare, port)))
                .await
                .map_err(|_| anyhow::anyhow!("{host} was not resolved in time"))?
                .with_context(|| format!("cannot resolve {host}"))?
                .collect(),
        };
        let is_metadata = |a: &SocketAddr| {
            let ip = a.ip().to_canonical();
            METADATA.iter().any(|m| m.parse() == Ok(ip))
        };
        let allowed: Vec<SocketAddr> = found
            .iter()
            .filter(|a| !is_metadata(a) && (self.allow_private || !is_private(a.ip())))
            .copied()
            .collect();
        match (allowed.is_empty(), found.first()) {
            (false, _) => Ok(allowed),
            (true, Some(first)) if is_metadata(first) => {
                bail!(
                    "{host} is {}, which holds credentials of this machine",
                    first.ip()
                )
            }
            (true, Some(first)) => bail!(
                "{host} is {}, a loopback, link-local or private address: set allow_private = \
                true if it is meant",
                first.ip()
            ),
            (true, None) => bail!("{host} has no address"),
        }
    }

    /// Connection to the first address that answers.
    pub(super) async fn connect(&self, host: &str, port: u16) -> Result<TcpStream> {
        let mut last = None;
        for address in self.addresses(host, port).await? {
            match tokio::time::timeout(CONNECT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(e)) => last = Some(e.to_string()),
                Err(_) => last = Some("no answer in time".to_owned()),
            }
        }
        bail!(
            "cannot connect to {host}:{port}: {}",
            last.unwrap_or_default()
        )
    }

    /// TLS over a connection, for the name of the host.
    pub(super) async fn encrypt(
        &self,
        stream: TcpStream,
        host: &str,
    ) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static> {
        let bare = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let name = ServerName::try_from(bare).with_context(|| format!("{host} is no host"))?;
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        tokio::time::timeout(CONNECT, connector.connect(name, stream))
            .await
            .map_err(|_| anyhow::anyhow!("no TLS with {host} in time"))?
            .with_context(|| format!("no TLS with {host}"))
    }
}
