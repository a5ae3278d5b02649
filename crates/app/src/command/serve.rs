//! `bartizan serve`.

use std::io::Read;

use anyhow::{Context, Result, bail, ensure};
use bartizan_model::limits::PASSWORD_BYTES_MAX;

use crate::cli::{Global, ServeArgs};
use crate::outcome::Outcome;
use crate::page::{OpenId, PageSettings, SignIn, UserFile, acceptor, hash, serve};
use crate::render::Out;

/// Characters of a password that is worth a hash.
const PASSWORD_CHARACTERS_MIN: usize = 12;

pub(super) fn run(global: &Global, args: &ServeArgs) -> Result<Outcome> {
    if args.hash_password {
        return hash_password();
    }
    ensure!(
        !global.store.starts_with("s3://"),
        "the page needs a folder as --store: the state of watch is a SQLite file"
    );
    let sign_in = match (&args.users, &args.openid) {
        (Some(file), _) => SignIn::File(UserFile::read(file)?),
        (_, Some(file)) => SignIn::OpenId(OpenId::read(file)?),
        _ => SignIn::Token,
    };
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(certificate), Some(key)) => Some(acceptor(certificate, key)?),
        _ => None,
    };
    let is_behind_proxy = !args.behind_proxy.is_empty();
    let is_here = args.listen.ip().is_loopback();
    if !is_here && tls.is_none() && !is_behind_proxy {
        bail!(
            "{} is reached from elsewhere: give --tls-cert and --tls-key, or --behind-proxy with \
            the names that a proxy with TLS is reached by",
            args.listen
        );
    }
    let reached = !is_here || is_behind_proxy;
    if reached && matches!(sign_in, SignIn::Token) {
        bail!("whoever comes from elsewhere signs in: give --users or --openid");
    }
    let hosts = [args.host.clone(), args.behind_proxy.clone()].concat();
    if !is_here && hosts.is_empty() {
        bail!("give --host with the name that browsers reach it by: any other is refused");
    }
    let settings = PageSettings {
        listen: args.listen,
        tls,
        hosts,
        is_behind_proxy,
        sign_in,
        trail: args.trail.clone(),
    };
    serve(global.clone(), settings)?;
    Ok(Outcome::Done)
}

/// Reads a password from standard input and prints its hash.
fn hash_password() -> Result<Outcome> {
    let mut password = String::new();
    std::io::stdin()
        .take(PASSWORD_BYTES_MAX as u64 + 2)
        .read_to_string(&mut password)
        .context("cannot read the password")?;
    let password = password.trim_end_matches(['\r', '\n']);
    ensure!(
        password.chars().count() >= PASSWORD_CHARACTERS_MIN,
        "a password of fewer than {PASSWORD_CHARACTERS_MIN} characters is guessed"
    );
    ensure!(
        password.len() <= PASSWORD_BYTES_MAX,
        "the password is too long"
    );
    let mut out = Out::new();
    out.line(&hash(password)?)?;
    out.flush()?;
    Ok(Outcome::Done)
}
