//! Mail: plain text and HTML.

use std::time::{Duration, UNIX_EPOCH};

use jiff::Timestamp;
use lettre::Message;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};

use crate::alert::Alert;
use crate::escape::plain;
use crate::wording::{Wording, wording};

/// Characters of a subject.
const SUBJECT_MAX: usize = 180;

/// Header with the idempotency key.
#[derive(Clone)]
struct BartizanKey(String);

impl Header for BartizanKey {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("X-Bartizan-Key")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}

/// Mail with the same bytes on every attempt: `Message-ID` is the idempotency key, and mails of one
/// subject are a thread. No text of a finding can add a header, a part or markup.
///
/// # Errors
/// If the mail cannot be built, with the reason.
pub fn message(alert: &Alert, from: &Mailbox, to: &[Mailbox]) -> Result<Message, String> {
    let words = wording(alert);
    let time_s = alert.time.parse::<Timestamp>().map(Timestamp::as_second);
    let date = UNIX_EPOCH + Duration::from_secs(time_s.unwrap_or(0).unsigned_abs());
    let id: String = alert
        .subject
        .chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .take(64)
        .collect();
    let thread = format!("<{id}.subject@bartizan.invalid>");
    let mut builder = Message::builder()
        .from(from.clone())
        .subject(plain(&format!("[Bartizan] {}", words.title), SUBJECT_MAX))
        .date(date)
        .message_id(Some(format!("<{}@bartizan.invalid>", alert.key)))
        .in_reply_to(thread.clone())
        .references(thread)
        .header(BartizanKey(alert.key.clone()));
    for mailbox in to {
        builder = builder.to(mailbox.clone());
    }
    let parts = MultiPart::alternative()
        .boundary(&alert.key)
        .singlepart(SinglePart::plain(text(&words)))
        .singlepart(SinglePart::html(html(&words)));
    builder
        .multipart(parts)
        .map_err(|e| format!("cannot build the mail: {e}"))
}

fn text(words: &Wording) -> String {
    format!("{}\n\n{}\n", words.title, words.lines().join("\n"))
}

fn html(words: &Wording) -> String {
    let mut out = format!(
        "<!DOCTYPE html><html><head><meta charset=\"utf-8\"></head>\
        <body style=\"font-family:sans-serif\"><h2>{}</h2><p><b>{}</b></p><table>",
        escape(&words.title),
        escape(&words.answer)
    );
    for (label, text) in &words.fields {
        out.push_str(&format!(
            "<tr><th align=\"left\" valign=\"top\">{}</th><td>{}</td></tr>",
            escape(label),
            escape(text)
        ));
    }
    out.push_str("</table>");
    if !words.moments.is_empty() {
        out.push_str("<ul>");
        for line in &words.moments {
            out.push_str(&format!("<li>{}</li>", escape(line)));
        }
        out.push_str("</ul>");
    }
    if !words.commands.is_empty() {
        out.push_str("<p>To do first, for you to run (Bartizan changes nothing):</p>");
        for (why, command) in &words.commands {
            out.push_str(&format!(
                "<p>{}</p><pre>{}</pre>",
                escape(why),
                escape(command)
            ));
        }
    }
    out.push_str(&format!(
        "<p>Show the evidence:</p><pre>{}</pre></body></html>",
        escape(&words.show)
    ));
    out
}

/// Text in HTML, also in attributes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
