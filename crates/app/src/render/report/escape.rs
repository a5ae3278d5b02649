//! Text of an account or a log in HTML.

use crate::render::clean;

/// Text with its control and bidirectional characters made visible; maud escapes the rest.
pub(super) fn text(text: &str) -> String {
    clean(text)
}
