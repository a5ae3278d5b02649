//! Signing keys, and the heads that this machine remembers. Neither lies in the store: who can
//! write there must not be able to sign, nor to make us forget.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use bartizan_evidence::{EvidenceLog, LogKey};

use crate::cli::Global;

/// The key that `--key` names, the key of this log, or, for a new log, a new key.
pub(super) fn key(global: &Global, public: Option<&str>) -> Result<LogKey> {
    if let Some(path) = &global.key {
        if path.exists() || public.is_some() {
            let text = fs::read_to_string(path)
                .with_context(|| format!("cannot read the key {}", path.display()))?;
            return LogKey::parse(&text).with_context(|| path.display().to_string());
        }
        return make(path.clone());
    }
    let folder = config_folder()?;
    match public {
        Some(public) => {
            let path = folder.join(file_name(public));
            let text = fs::read_to_string(&path).with_context(|| {
                format!(
                    "this log is signed by {}, whose key is not on this machine ({}): give it \
                    with --key, or begin a new --store",
                    name(public),
                    path.display()
                )
            })?;
            LogKey::parse(&text).with_context(|| path.display().to_string())
        }
        None => {
            let key = LogKey::from_seed(random()?)?;
            write(&folder.join(file_name(key.public())), &key)?;
            Ok(key)
        }
    }
}

fn make(path: PathBuf) -> Result<LogKey> {
    let key = LogKey::from_seed(random()?)?;
    write(&path, &key)?;
    Ok(key)
}

fn random() -> Result<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).context("the system gives no randomness")?;
    Ok(seed)
}

fn write(path: &std::path::Path, key: &LogKey) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options
        .open(path)
        .with_context(|| format!("cannot write the key {}", path.display()))?;
    file.write_all(format!("{}\n", key.secret_text()).as_bytes())?;
    file.sync_all()?;
    Ok(())
}

/// Refuses to continue a log that is behind the head that this machine remembers.
pub(super) fn check_head(log: &EvidenceLog<'_>) -> Result<()> {
    if let Some(remembered) = rolled_back(log) {
        bail!(
            "the log has {} entries, and this machine saw it with {remembered}: it was rolled \
            back; run bartizan verify evidence before anything else",
            log.size(),
        );
    }
    Ok(())
}

/// Number of entries that this machine remembers, if the log has fewer.
pub(super) fn rolled_back(log: &EvidenceLog<'_>) -> Option<u64> {
    let head = remembered(log.public())?;
    let size = String::from_utf8_lossy(&head)
        .lines()
        .nth(1)
        .and_then(|l| l.parse::<u64>().ok())
        .unwrap_or(0);
    (size > log.size()).then_some(size)
}

/// The head of this log that was seen last.
pub(crate) fn remembered(public: &str) -> Option<Vec<u8>> {
    fs::read(state_folder()?.join(file_name(public))).ok()
}

/// Remembers a head. A machine without a home remembers nothing, and `verify` says so.
pub(crate) fn remember(public: &str, head: &[u8]) {
    let Some(folder) = state_folder() else { return };
    let path = folder.join(file_name(public));
    let beside = path.with_extension(std::process::id().to_string());
    let _ = fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&beside, head))
        .and_then(|()| fs::rename(&beside, &path));
}

fn config_folder() -> Result<PathBuf> {
    folder("XDG_CONFIG_HOME", ".config")
        .map(|f| f.join("keys"))
        .context("no home folder to keep the signing key in: give one with --key")
}

fn state_folder() -> Option<PathBuf> {
    folder("XDG_STATE_HOME", ".local/state").map(|f| f.join("heads"))
}

fn folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    set(variable)
        .or_else(|| set("HOME").map(|home| home.join(below_home)))
        .map(|base| base.join("bartizan"))
}

fn name(public: &str) -> &str {
    public.split('+').next().unwrap_or(public)
}

/// The name of a log as a file name.
fn file_name(public: &str) -> String {
    name(public)
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect()
}
