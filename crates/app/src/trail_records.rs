//! Records of a trail by their event ids.

use anyhow::Result;
use bartizan_trail::{Field, TrailItem, TrailReader};
use serde_json::Value;

use crate::trail::TrailObject;

/// Hands each record with one of these ids, as it stands in the log, to a function that says
/// whether to go on. Gives the number of objects that could not be read.
pub(crate) fn each_record(
    objects: &[TrailObject],
    ids: &[String],
    take: &mut dyn FnMut(Value) -> Result<bool>,
) -> Result<usize> {
    let mut unread = 0;
    let mut reader = TrailReader::new();
    for object in objects {
        let Ok(mut source) = object.open() else {
            unread += 1;
            continue;
        };
        let mut records = Vec::new();
        reader.read(&mut source, &mut |item| {
            if let TrailItem::Event(event) = item
                && (event
                    .text(Field::EventId)
                    .is_some_and(|id| ids.iter().any(|i| *i == id))
                    || ids.contains(&event.id().to_string()))
            {
                records.push(event.record().compact().into_owned());
            }
        });
        for record in records {
            let value = serde_json::from_str(&record).unwrap_or(Value::String(record));
            if !take(value)? {
                return Ok(unread);
            }
        }
    }
    Ok(unread)
}
