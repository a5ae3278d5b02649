//! Texts of a record that many fields are derived from.

use bartizan_model::limits::LOG_TEXT_BYTES_MAX;
use bartizan_trail::{Event, Field};

/// `service:Call` of a record.
pub(crate) fn api(event: &Event<'_>) -> String {
    let source = event.text(Field::EventSource).unwrap_or_default();
    let service = source.split(".amazonaws.com").next().unwrap_or(&source);
    cut(&format!(
        "{service}:{}",
        event.text(Field::EventName).unwrap_or_default()
    ))
}

/// A text of at most [`LOG_TEXT_BYTES_MAX`] bytes.
pub(crate) fn cut(text: &str) -> String {
    if text.len() <= LOG_TEXT_BYTES_MAX {
        return text.to_owned();
    }
    let mut end = LOG_TEXT_BYTES_MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}
