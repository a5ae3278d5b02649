//! Text of an account or a log in HTML.

use crate::render::clean;

/// Characters of one text that a page shows; who wants more has the command beside it.
const CHARACTERS_SHOWN: usize = 2000;

/// Characters of a text in a list.
const CHARACTERS_OF_LINE: usize = 300;

/// Text with its control and bidirectional characters made visible; maud escapes the rest. What is
/// longer than any name that AWS allows is cut, and the cut is counted.
pub(crate) fn text(text: &str) -> String {
    shown(text, CHARACTERS_SHOWN)
}

/// Text in a row of a list.
pub(crate) fn brief(text: &str) -> String {
    shown(text, CHARACTERS_OF_LINE)
}

fn shown(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => clean(text),
        Some((end, _)) => {
            let left_out = text.get(end..).unwrap_or_default().chars().count();
            format!(
                "{}… ({left_out} more characters)",
                clean(text.get(..end).unwrap_or_default())
            )
        }
    }
}
