//! Signing key of a log, in the text form of C2SP signed-note.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::SigningKey;
use signed_note::{Signer, StandardSigner};

use bartizan_inventory::fact::SecretKey;

/// Signing key. Its text leaves this type only through [`LogKey::secret_text`].
pub struct LogKey {
    text: String,
    signer: StandardSigner,
    public: String,
    secrets: SecretKey,
}

/// Error in parsing a signing key.
#[derive(Debug, thiserror::Error)]
#[error(
    "not a signing key: expected one line PRIVATE+KEY+<name>+<id>+<base64>, as bartizan or Go's \
    note package writes it"
)]
pub struct KeyError;

impl LogKey {
    /// Key from 32 random bytes. Its name, which is also the origin of the log, ends in a prefix of
    /// the public key.
    ///
    /// # Errors
    /// Never in practice.
    pub fn from_seed(seed: [u8; 32]) -> Result<Self, KeyError> {
        let public = SigningKey::from_bytes(&seed).verifying_key();
        let name = format!(
            "bartizan/{}",
            &bartizan_inventory::fact::Hash::of(public.as_bytes()).to_string()[..8]
        );
        let id = signed_note::key_id(&name, &[&[1], public.as_bytes().as_slice()].concat());
        let secret = BASE64_STANDARD.encode([&[1], seed.as_slice()].concat());
        Self::parse(&format!("PRIVATE+KEY+{name}+{id:08x}+{secret}"))
    }

    /// Parses the text of a key.
    ///
    /// # Errors
    /// If it is not a signing key.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let signer = StandardSigner::new(text).map_err(|_| KeyError)?;
        // The last of five fields: base64 may contain a plus.
        let secret = text
            .splitn(5, '+')
            .nth(4)
            .and_then(|b| BASE64_STANDARD.decode(b).ok())
            .ok_or(KeyError)?;
        let seed: [u8; 32] = secret
            .get(1..)
            .and_then(|s| s.try_into().ok())
            .ok_or(KeyError)?;
        let public = signed_note::new_ed25519_verifier_key(
            signer.name(),
            &SigningKey::from_bytes(&seed).verifying_key(),
        );
        Ok(Self {
            text: text.to_owned(),
            signer,
            public,
            secrets: SecretKey::derive(&seed),
        })
    }

    /// Secret text, to be written to a file with mode 0600 and nowhere else.
    #[must_use]
    pub fn secret_text(&self) -> &str {
        &self.text
    }

    /// Verifier key: `<name>+<id>+<base64>`.
    #[must_use]
    pub fn public(&self) -> &str {
        &self.public
    }

    /// Name of the key, also the origin of checkpoints.
    #[must_use]
    pub fn name(&self) -> &str {
        self.signer.name()
    }

    /// Key for redacting possible secrets in the facts of this log.
    #[must_use]
    pub fn secrets(&self) -> SecretKey {
        self.secrets.clone()
    }

    pub(super) fn signer(&self) -> &StandardSigner {
        &self.signer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_gives_a_key_that_is_read_back() {
        for n in 0..=255 {
            let key = LogKey::from_seed([n; 32]).unwrap();
            assert_eq!(
                LogKey::parse(key.secret_text()).unwrap().public(),
                key.public()
            );
        }
        assert!(LogKey::parse("PRIVATE+KEY+a").is_err());
    }
}
