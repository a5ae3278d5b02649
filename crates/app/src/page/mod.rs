//! The page: what the alarm sees, live, in a browser.
//!
//! Everything that it shows is what `watch` left in the store, read again when it changes. It
//! changes nothing in an account; what people do about an incident goes into the evidence log.

mod access;
mod account;
mod acts;
mod analysis;
mod announce;
mod compare;
mod events;
mod fetch;
mod followup;
mod frame;
mod guard;
mod health;
mod incident;
mod listener;
mod live;
mod login;
mod now;
mod openid;
mod record;
mod search;
mod server;
mod shared;
mod sign_in;
mod tls;
mod users;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio_rustls::TlsAcceptor;

use self::access::{Access, Attempts};
use self::analysis::Analyses;
use self::live::LiveStore;
use self::shared::PageServer;
use crate::cli::Global;

pub(crate) use openid::OpenId;
pub(crate) use sign_in::SignIn;
pub(crate) use tls::acceptor;
pub(crate) use users::{UserFile, hash};

/// Where to listen, and for whom.
pub(crate) struct PageSettings {
    pub(crate) listen: SocketAddr,
    pub(crate) tls: Option<TlsAcceptor>,
    /// Names that browsers reach it by.
    pub(crate) hosts: Vec<String>,
    /// A proxy does TLS.
    pub(crate) is_behind_proxy: bool,
    pub(crate) sign_in: SignIn,
    /// Trail that records are looked up in.
    pub(crate) trail: Vec<String>,
}

/// Serves for ever.
pub(crate) fn serve(global: Global, settings: PageSettings) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .build()?;
    runtime.block_on(async {
        let listener = listener::bind(settings.listen)
            .await
            .with_context(|| format!("cannot listen on {}", settings.listen))?;
        let address = listener.local_addr()?;
        let hosts = match settings.hosts.is_empty() {
            true => own_names(&address),
            false => settings.hosts,
        };
        let is_secure = settings.tls.is_some() || settings.is_behind_proxy;
        let shared = Arc::new(PageServer {
            access: Access::new(hosts, is_secure),
            live: LiveStore::open(global),
            attempts: Attempts::default(),
            sign_in: settings.sign_in,
            analyses: Analyses::default(),
            trail: settings.trail,
        });
        match shared.sign_in {
            SignIn::Token => announce::announce(&shared.access),
            SignIn::File(_) | SignIn::OpenId(_) => announce::announce_address(&shared.access),
        }
        let following = Arc::clone(&shared);
        std::thread::spawn(move || following.live.follow());
        listener::listen(listener, settings.tls, server::router(shared)).await;
        Ok(())
    })
}

/// Names of an address of this machine.
fn own_names(address: &SocketAddr) -> Vec<String> {
    let port = address.port();
    vec![
        address.to_string(),
        format!("localhost:{port}"),
        format!("127.0.0.1:{port}"),
        format!("[::1]:{port}"),
    ]
}
