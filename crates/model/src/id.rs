//! Ids of findings and incidents.

use sha2::Digest;

/// Finding id: 16 hexadecimal digits derived from rule, entity, outcome and window.
#[must_use]
pub fn finding_id(rule: &str, entity: &str, attempt: bool, window: i64) -> String {
    let hash = sha2::Sha256::digest(format!("{rule}\u{1f}{entity}\u{1f}{attempt}\u{1f}{window}"));
    hash[..8].iter().map(|b| format!("{b:02x}")).collect()
}
