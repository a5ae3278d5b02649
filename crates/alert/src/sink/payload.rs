//! JSON document of an alert, for machines: webhook, file, command, EventBridge.

use serde_json::{Value, json};

use crate::alert::{Alert, AlertSubject};
use crate::escape::{cut_bytes, is_hidden};
use crate::wording::wording;

/// Bytes of one text.
const TEXT_BYTES_MAX: usize = 4096;
/// Elements of one list.
const LIST_MAX: usize = 200;
/// Bytes of a document, within which EventBridge (256 KB an entry) and SQS (256 KB) take it.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 200 << 10;

/// Document: `{"type": "incident-opened", "timestamp": …, "key": …, "data": {…}}`. Texts are JSON
/// strings in which hidden characters are escaped; `data.title` and `data.text` are for people.
#[must_use]
pub fn payload(alert: &Alert) -> Value {
    let words = wording(alert);
    let mut data = json!({
        "severity": alert.severity,
        "stages": alert.stages,
        "accounts": alert.accounts,
        "rules": alert.rules,
        "subject": alert.subject,
        "findings": alert.findings,
        "title": words.title,
        "text": words.lines().join("\n"),
        "show": words.show,
    });
    let about = match &alert.about {
        AlertSubject::Finding { finding, ended } => {
            json!({"finding": finding, "ended": ended})
        }
        AlertSubject::Incident { incident, ended } => {
            json!({"incident": incident, "ended": ended})
        }
        AlertSubject::Digest(digest) => json!({"digest": digest}),
        AlertSubject::Test => json!({}),
    };
    if let (Some(data), Value::Object(about)) = (data.as_object_mut(), about.clone()) {
        data.extend(about.into_iter().filter(|(_, v)| !v.is_null()));
    }
    bound(&mut data);
    let document = |data: &Value| {
        json!({
            "type": alert.kind.name(),
            "timestamp": alert.time,
            "key": alert.key,
            "data": data,
        })
    };
    let whole = document(&data);
    if whole.to_string().len() <= PAYLOAD_BYTES_MAX {
        return whole;
    }
    // The particulars are in the store: `show` says how to see them.
    if let (Some(data), Value::Object(about)) = (data.as_object_mut(), about) {
        about.keys().for_each(|key| drop(data.shift_remove(key)));
        data.insert("cut".to_owned(), json!(true));
    }
    document(&data)
}

/// Text of a document: JSON on one line, hidden characters as `\u` escapes, which mean the same.
#[must_use]
pub fn json_line(value: &Value) -> String {
    let text = value.to_string();
    let mut out = String::with_capacity(text.len());
    let mut units = [0; 2];
    for c in text.chars() {
        if is_hidden(c) {
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Cuts long texts and lists.
fn bound(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > TEXT_BYTES_MAX => {
            let cut = cut_bytes(text, TEXT_BYTES_MAX).to_owned();
            *text = cut + "…";
        }
        Value::Array(list) => {
            list.truncate(LIST_MAX);
            list.iter_mut().for_each(bound);
        }
        Value::Object(fields) => fields.values_mut().for_each(bound),
        _ => {}
    }
}
