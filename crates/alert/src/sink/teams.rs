//! Microsoft Teams: workflow webhook with an Adaptive Card 1.4
//! (<https://learn.microsoft.com/adaptive-cards/>). A message has at most 28 KB.

use serde_json::{Value, json};

use super::HttpMessage;
use crate::alert::Alert;
use crate::wording::{Wording, wording};

/// Bytes of a message.
const BYTES_MAX: usize = 27 << 10;

/// Request. Text blocks read a part of Markdown, so its characters are escaped.
#[must_use]
pub fn message(alert: &Alert) -> HttpMessage {
    let mut words = wording(alert);
    loop {
        let body = card(alert, &words).to_string();
        if body.len() <= BYTES_MAX || words.moments.is_empty() && words.commands.is_empty() {
            return HttpMessage {
                headers: vec![("content-type", "application/json".to_owned())],
                body: body.into_bytes(),
            };
        }
        if words.moments.pop().is_none() {
            words.commands.pop();
        }
    }
}

fn card(alert: &Alert, words: &Wording) -> Value {
    let fact = |(label, text): &(&str, String)| json!({"title": label, "value": escape(text)});
    let mut body = vec![
        block(&words.title, &json!({"size": "Large", "weight": "Bolder"})),
        block(&words.answer, &json!({"weight": "Bolder"})),
        json!({"type": "FactSet", "facts": words.fields.iter().map(fact).collect::<Vec<_>>()}),
    ];
    let lines = words
        .moments
        .iter()
        .map(|m| block(m, &json!({"spacing": "None"})));
    body.extend(lines);
    for (why, command) in &words.commands {
        body.push(block(why, &json!({})));
        body.push(block(command, &json!({"fontType": "Monospace"})));
    }
    body.push(block(&words.show, &json!({"fontType": "Monospace"})));
    let key = format!("bartizan {} {}", alert.kind, alert.key);
    body.push(block(&key, &json!({"isSubtle": true, "size": "Small"})));
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": {"width": "Full"},
                "body": body,
            },
        }],
    })
}

fn block(text: &str, style: &Value) -> Value {
    let mut block = json!({"type": "TextBlock", "text": escape(text), "wrap": true});
    if let (Some(block), Some(style)) = (block.as_object_mut(), style.as_object()) {
        block.extend(style.iter().map(|(k, v)| (k.clone(), v.clone())));
    }
    block
}

/// Markdown and `<at>` mentions as letters. A list is not begun by a `-` or a digit either.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '*' | '_' | '[' | ']' | '(' | ')' | '`' | '#' | '!' | '|' | '~' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '-' | '+' if out.is_empty() => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
