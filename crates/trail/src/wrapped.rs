//! Envelopes: objects that are not records but may contain some.
//!
//! Lambda, Kinesis, Firehose, SQS, SNS and log shippers wrap records in their own objects: as an
//! object, as JSON text, or as Base64. The name around a record does not matter: a record is
//! recognized by its own fields.

use std::io::Read;

use base64::Engine;
use serde_json::{Map, Value};

use super::normal::is_record;
use super::shape::NonEvent;
use bartizan_model::limits::{RECORD_BYTES_MAX, WRAPPED_DEPTH_MAX};

/// Content of an envelope.
pub(super) enum WrappedContent {
    /// JSON with records, and whether there is a token for the next page.
    Contents(Vec<Vec<u8>>, bool),
    /// Known object without records.
    Apart(NonEvent),
    /// Unknown object.
    Nothing,
}

/// Searches for records in an object that is not a record.
pub(super) fn look(object: &[u8]) -> WrappedContent {
    let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(&String::from_utf8_lossy(object))
    else {
        return WrappedContent::Nothing;
    };
    let mut contents = athena(&fields);
    if contents.is_empty() {
        search(&fields, &mut contents, 0);
    }
    if !contents.is_empty() {
        let paged = fields
            .get("NextToken")
            .and_then(Value::as_str)
            .is_some_and(|token| !token.is_empty());
        return WrappedContent::Contents(contents, paged);
    }
    known(&fields).map_or(WrappedContent::Nothing, WrappedContent::Apart)
}

/// Rows of an Athena response, the first of which has the column names (Athena API reference,
/// GetQueryResults).
fn athena(fields: &Map<String, Value>) -> Vec<Vec<u8>> {
    let cells = |row: &Value| -> Vec<Value> {
        let cells = row["Data"].as_array().into_iter().flatten();
        cells
            .map(|cell| cell.get("VarCharValue").cloned().unwrap_or_default())
            .collect()
    };
    let rows = fields
        .get("ResultSet")
        .and_then(|set| set["Rows"].as_array());
    let mut rows = rows.into_iter().flatten().map(cells);
    let names: Vec<String> = rows
        .next()
        .unwrap_or_default()
        .iter()
        .filter_map(|n| n.as_str().map(str::to_owned))
        .collect();
    let records = rows.map(|row| names.iter().cloned().zip(row).collect::<Map<_, _>>());
    records
        .map(|record| Value::Object(record).to_string().into_bytes())
        .collect()
}

fn search(fields: &Map<String, Value>, contents: &mut Vec<Vec<u8>>, depth: usize) {
    for value in fields.values() {
        inside(value, contents, depth);
    }
}

fn inside(value: &Value, contents: &mut Vec<Vec<u8>>, depth: usize) {
    match value {
        Value::Object(inner) if is_record(inner) => contents.push(value.to_string().into_bytes()),
        Value::Object(inner) if depth < WRAPPED_DEPTH_MAX => search(inner, contents, depth + 1),
        Value::Array(list) if depth < WRAPPED_DEPTH_MAX => {
            list.iter().for_each(|v| inside(v, contents, depth + 1))
        }
        Value::String(text) => {
            if has_record(text.as_bytes()) && text.contains('{') {
                contents.push(text.clone().into_bytes());
            } else if let Some(unpacked) = unpacked(text) {
                contents.push(unpacked);
            }
        }
        _ => {}
    }
}

/// Whether a text may contain a record, i.e. contains the name of the field that every record has,
/// in some form.
fn has_record(text: &[u8]) -> bool {
    [&b"eventName"[..], b"eventname", b"event_name", b"EventName"]
        .iter()
        .any(|name| memchr::memmem::find(text, name).is_some())
}

/// JSON in Base64: `awslogs.data` of Lambda, `kinesis.data`, `data` of a Firehose transformation.
fn unpacked(text: &str) -> Option<Vec<u8>> {
    // Base64 of gzip, of `{"`, and of `[{`: other text is not worth decoding.
    if !["H4sI", "eyJ", "eyI", "W3si", "ewog"]
        .iter()
        .any(|start| text.starts_with(start))
        || text.len() < 16
    {
        return None;
    }
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(text.trim())
        .ok()?;
    let mut inner = Vec::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::MultiGzDecoder::new(bytes.as_slice())
            .take(16 * RECORD_BYTES_MAX as u64)
            .read_to_end(&mut inner)
            .ok()?;
    } else {
        inner = bytes;
    }
    // A CloudWatch Logs health check is recognized by its content.
    (has_record(&inner) || memchr::memmem::find(&inner, b"logEvents").is_some()).then_some(inner)
}

/// Known objects around trails that contain no records.
fn known(fields: &Map<String, Value>) -> Option<NonEvent> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    // CloudWatch Logs sends one to each new destination (CloudWatch Logs user guide, "Subscription
    // filters").
    if text("messageType") == "CONTROL_MESSAGE"
        || text("message").starts_with("CWL CONTROL MESSAGE")
    {
        return Some(NonEvent::ControlMessage);
    }
    let source = if fields.contains_key("eventSource") {
        text("eventSource")
    } else {
        text("EventSource")
    };
    (source.starts_with("aws:") || fields.contains_key("Sns")).then_some(NonEvent::Notification)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use serde_json::json;

    use super::*;

    #[test]
    fn records_are_found_in_whatever_is_around_them() {
        let record = json!({"eventName": "A", "eventSource": "s3.amazonaws.com", "x": 1});
        let text = record.to_string();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        let packed = base64::engine::general_purpose::STANDARD.encode(gzip.finish().unwrap());
        let plain = base64::engine::general_purpose::STANDARD.encode(&text);
        for wrapped in [
            json!({"awslogs": {"data": packed}}),
            json!({"recordId": "1", "data": plain}),
            json!({
                "kinesis": {"data": plain},
                "eventName": "aws:kinesis:record",
                "eventSource": "aws:kinesis",
            }),
            json!({"_source": {"aws": {"cloudtrail": record}}}),
            json!({"preview": false, "result": {"_raw": text}}),
            json!({"EventSource": "aws:sns", "Sns": {"Message": text}}),
        ] {
            let WrappedContent::Contents(contents, false) = look(wrapped.to_string().as_bytes())
            else {
                panic!("{wrapped}")
            };
            let found: Vec<Value> = contents
                .iter()
                .map(|c| serde_json::from_slice(c).unwrap())
                .collect();
            assert_eq!(found, std::slice::from_ref(&record), "{wrapped}");
        }
        let cell = |text: &str| json!({"VarCharValue": text});
        let rows = json!({
            "NextToken": "t",
            "ResultSet": {"Rows": [{"Data": [cell("eventname"), cell("eventsource")]}, {"Data": [cell("A"), cell("s3")]}]},
        });
        let WrappedContent::Contents(contents, true) = look(rows.to_string().as_bytes()) else {
            panic!()
        };
        assert_eq!(contents, [br#"{"eventname":"A","eventsource":"s3"}"#]);
        assert!(matches!(
            look(br#"{"a": "eyJhIjoxfQ==", "b": {"c": 1}}"#),
            WrappedContent::Nothing
        ));
        let control = json!({"id": "", "timestamp": 1, "message": "CWL CONTROL MESSAGE: Checking \
        health of destination Firehose."});
        assert!(matches!(
            look(control.to_string().as_bytes()),
            WrappedContent::Apart(NonEvent::ControlMessage)
        ));
    }
}
