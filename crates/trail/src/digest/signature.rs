//! Signatures of digests: RSA PKCS#1 v1.5 with SHA-256 (CloudTrail user guide, "Custom
//! implementations of CloudTrail log file integrity validation").

use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use super::document::DigestDocument;
use super::member::{hex, unhex};

/// Text that is signed: end time, place, hash, and the signature of the digest before, a line each.
#[must_use]
pub fn signed_text(digest: &DigestDocument) -> String {
    format!(
        "{}\n{}/{}\n{}\n{}",
        digest.end_text,
        digest.bucket,
        digest.object,
        hex(&digest.sha256),
        digest.previous_signature()
    )
}

/// Whether the signature, in hex, is that of the digest by a key in DER (PKCS#1 `RSAPublicKey`).
#[must_use]
pub(super) fn verifies(key: &[u8], digest: &DigestDocument, signature: &str) -> bool {
    unhex(signature).is_some_and(|signature| {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
            .verify(signed_text(digest).as_bytes(), &signature)
            .is_ok()
    })
}
