//! The first line: the address, with a token for one browser.

use super::access::Access;
use crate::render::Out;

/// Prints the address with a new token.
pub(super) fn announce(access: &Access) {
    let Ok(token) = access.new_token() else {
        return;
    };
    said(&format!("{}/?token={token}", access.address()));
}

/// Prints the address alone, where people sign in.
pub(super) fn announce_address(access: &Access) {
    said(&access.address());
}

fn said(line: &str) {
    let mut out = Out::new();
    let _ = out.line(line);
    let _ = out.flush();
}
