//! Slack incoming webhook, Block Kit
//! (<https://docs.slack.dev/reference/block-kit/blocks>: header 150, section 3,000 characters, 50
//! blocks).

use bartizan_model::Severity;
use serde_json::{Value, json};

use super::HttpMessage;
use crate::alert::{Alert, AlertKind};
use crate::escape::plain;
use crate::wording::{Wording, wording};

/// Characters of a header.
const HEADER_MAX: usize = 150;
/// Characters of a section.
const SECTION_MAX: usize = 2_900;
/// Commands in a message.
const COMMANDS_SHOWN: usize = 4;

/// Request. No text of a finding is read as markup: `&`, `<` and `>` are entities, so that
/// `<!channel>` and `<https://…|…>` are letters; findings stand in plain-text and preformatted
/// elements.
#[must_use]
pub fn message(alert: &Alert) -> HttpMessage {
    let words = wording(alert);
    let header = format!("{} {}", mark(alert), words.title);
    let mut blocks = vec![
        json!({"type": "header", "text": text(&plain(header.trim(), HEADER_MAX))}),
        json!({"type": "section", "text": text(&plain(&words.answer, SECTION_MAX))}),
    ];
    let details = details(&words);
    if !details.is_empty() {
        blocks.push(preformatted(&details));
    }
    for (why, command) in words.commands.iter().take(COMMANDS_SHOWN) {
        blocks.push(json!({"type": "section", "text": text(&plain(why, SECTION_MAX))}));
        blocks.push(preformatted(command));
    }
    blocks.push(preformatted(&words.show));
    blocks.push(json!({
        "type": "context",
        "elements": [text(&format!("bartizan {} {}", alert.kind, alert.key))],
    }));
    HttpMessage::json(&json!({
        // Shown in notifications; mrkdwn, so escaped.
        "text": escape(&words.title),
        "mrkdwn": false,
        "blocks": blocks,
        "unfurl_links": false,
        "unfurl_media": false,
    }))
}

fn details(words: &Wording) -> String {
    let fields = words.fields.iter().map(|(l, t)| format!("{l:<9} {t}"));
    let moments = words.moments.iter().cloned();
    fields.chain(moments).collect::<Vec<_>>().join("\n")
}

/// Severity as a word in capitals, so that it is seen in a list of channels.
fn mark(alert: &Alert) -> &'static str {
    match (alert.kind, alert.severity) {
        (AlertKind::Test | AlertKind::FindingEnded | AlertKind::IncidentEnded, _) => "",
        (_, Severity::Critical) => "CRITICAL",
        (_, Severity::High) => "HIGH",
        _ => "",
    }
}

/// Text without markup and without `:emoji:`.
fn text(text: &str) -> Value {
    json!({"type": "plain_text", "text": nonempty(text), "emoji": false})
}

/// Rich text keeps what it is given: nothing in it is parsed.
fn preformatted(text: &str) -> Value {
    let cut: String = text.chars().take(SECTION_MAX).collect();
    json!({
        "type": "rich_text",
        "elements": [{
            "type": "rich_text_preformatted",
            "elements": [{"type": "text", "text": nonempty(&cut)}],
        }],
    })
}

/// Slack refuses empty texts.
fn nonempty(text: &str) -> &str {
    if text.trim().is_empty() { "-" } else { text }
}

/// Entities of mrkdwn (<https://docs.slack.dev/messaging/formatting-message-text#escaping>).
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
