//! How many objects one call is about.

use bartizan_trail::json::JsonValue;
use bartizan_trail::{Event, Field};

/// How many objects a `DeleteObjects` names.
///
/// CloudTrail leaves the keys out of its record (`"delete": ""`), so where no list is there the
/// size of the request says about how many there were: `additionalEventData.bytesTransferredIn`
/// over what `<Object><Key>…</Key></Object>` with a key of middle length takes. S3 takes at most
/// 1,000 keys in one call (API reference, DeleteObjects).
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
    Some((bytes / KEY_BYTES).clamp(1, KEYS_MAX))
}

/// Bytes of one key in the XML of a request: 36 of tags and a key of 64.
const KEY_BYTES: u64 = 100;
const KEYS_MAX: u64 = 1000;
