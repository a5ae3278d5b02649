//! Number of objects in one call.

use bartizan_model::limits::DELETED_KEYS_MAX;
use bartizan_trail::json::JsonValue;
use bartizan_trail::{Event, Field};

/// Number of objects in a `DeleteObjects` call.
///
/// CloudTrail omits the keys (`"delete": ""`), so without a list the number is estimated by the
/// size of the request: `additionalEventData.bytesTransferredIn` divided by the length of
/// `<Object><Key>…</Key></Object>` with an average key. S3 accepts at most 1,000 keys per call (API
/// reference, DeleteObjects).
pub(super) fn objects(event: &Event<'_>) -> Option<u64> {
    if event.text(Field::EventName)? != "DeleteObjects" {
        return None;
    }
    let request = event.field(Field::RequestParameters);
    let delete = request.and_then(|r| r.get("delete").or_else(|| r.get("Delete")));
    let listed = delete.and_then(|d| {
        d.get("objects")
            .or_else(|| d.get("Objects"))
            .or_else(|| d.get("object"))
    });
    let listed = listed.map_or(0, |list| list.elements().count() as u64);
    if listed > 0 {
        return Some(listed);
    }
    let named = |r: &&JsonValue<'_>| {
        r.get("type")
            .and_then(JsonValue::text)
            .is_some_and(|t| t == "AWS::S3::Object")
            && r.get("ARN").is_some()
    };
    let resources = event
        .field(Field::Resources)
        .map(|list| list.elements().filter(|r| named(&r)).count() as u64);
    if let Some(named) = resources.filter(|n| *n > 0) {
        return Some(named);
    }
    let bytes: u64 = event
        .field(Field::AdditionalEventData)?
        .get("bytesTransferredIn")?
        .text()?
        .parse()
        .ok()?;
    Some((bytes / KEY_BYTES).clamp(1, DELETED_KEYS_MAX))
}

/// Bytes per key in the XML of a request: 36 for tags and 64 for the key.
const KEY_BYTES: u64 = 100;
