//! Arguments of `bartizan serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// Show what watch sees, live, in a browser
///
/// Prints its address with a token that works once; the token becomes a cookie. Without anything
/// else it listens on this machine only. Elsewhere it wants TLS and users. Nothing on the page
/// changes an AWS account.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan serve                                            http://127.0.0.1:8080
  bartizan serve --listen 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem \\
                 --host alarm.example.com --users users.txt
  bartizan serve --listen 10.0.0.5:8080 --behind-proxy alarm.example.com \\
                 --openid openid.toml
  bartizan serve --hash-password                            a line for the file of --users")]
pub(crate) struct ServeArgs {
    /// Address and port
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Certificate chain of the server, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Name that browsers reach it by; any other is refused. Give it again for more
    #[arg(long, value_name = "NAME[:PORT]")]
    pub(crate) host: Vec<String>,
    /// A proxy before it does TLS, and browsers reach that by these names
    #[arg(long, value_name = "NAME[:PORT]", num_args = 1.., conflicts_with = "tls_cert")]
    pub(crate) behind_proxy: Vec<String>,
    /// Users: lines of name, role (reader or responder) and argon2id hash
    #[arg(long, value_name = "FILE", conflicts_with = "openid")]
    pub(crate) users: Option<PathBuf>,
    /// Users of an OpenID Connect provider: issuer, client and groups, TOML
    #[arg(long, value_name = "FILE")]
    pub(crate) openid: Option<PathBuf>,
    /// Trail to look records up in: file, folder, glob or s3://bucket/prefix
    #[arg(long, value_name = "PATH")]
    pub(crate) trail: Vec<String>,
    /// Read a password from standard input, print its hash, and end
    #[arg(long)]
    pub(crate) hash_password: bool,
}
