//! Users of a file: a line each with name, role and argon2id hash.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use argon2::password_hash::{PasswordHash, SaltString};
use argon2::{Argon2, PasswordHasher, PasswordVerifier};

use super::access::Role;
use crate::files::read_text;

/// Users of a file.
pub(crate) struct UserFile {
    users: Vec<User>,
    /// Of no password: who is not there takes as long to refuse as who is.
    nobody: String,
}

struct User {
    name: String,
    role: Role,
    hash: String,
}

impl UserFile {
    /// Reads a file of lines such as `alice responder $argon2id$v=19$…`; `#` begins a comment.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = read_text(path)?;
        let mut users: Vec<User> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let at = || format!("{} line {}", path.display(), number + 1);
            let mut fields = line.split_whitespace();
            let (Some(name), Some(role), Some(hash), None) =
                (fields.next(), fields.next(), fields.next(), fields.next())
            else {
                bail!("{}: expected a name, a role and a hash", at());
            };
            let role = match role {
                "reader" => Role::Reader,
                "responder" => Role::Responder,
                _ => bail!("{}: a role is reader or responder", at()),
            };
            let parsed = PasswordHash::new(hash)
                .ok()
                .filter(|h| h.algorithm == argon2::ARGON2ID_IDENT);
            ensure!(
                parsed.is_some(),
                "{}: no argon2id hash; bartizan serve --hash-password makes one",
                at()
            );
            ensure!(
                users.iter().all(|u| u.name != name),
                "{}: {name} is there twice",
                at()
            );
            users.push(User {
                name: name.to_owned(),
                role,
                hash: hash.to_owned(),
            });
        }
        ensure!(!users.is_empty(), "{} has no user", path.display());
        Ok(Self {
            users,
            nobody: hash(&super::access::random()?)?,
        })
    }

    /// The role of a user with this password.
    pub(super) fn sign_in(&self, name: &str, password: &str) -> Option<Role> {
        let user = self.users.iter().find(|u| u.name == name);
        let stored = user.map_or(&self.nobody, |u| &u.hash);
        let hash = PasswordHash::new(stored).ok()?;
        let is_it = Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok();
        user.filter(|_| is_it).map(|u| u.role)
    }
}

/// The argon2id hash of a password, with a salt of its own.
pub(crate) fn hash(password: &str) -> Result<String> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).context("the system gives no randomness")?;
    let salt = SaltString::encode_b64(&salt).map_err(|e| anyhow::anyhow!("{e}"))?;
    let hash = Argon2::default()
        .hash_password(password.as_bytes(), &salt)
        .map_err(|e| anyhow::anyhow!("{e}"))?;
    Ok(hash.to_string())
}
