//! Any text as a message of a queue, and as findings of other systems.
#![no_main]

use bartizan_sensors::{SensorPlace, SensorReader};
use bartizan_trail::notice::{Notice, notices};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let found = notices(&text);
    assert!(!found.is_empty());
    let mut reader = SensorReader::default();
    reader.add("file", bytes, &SensorPlace::default());
    for notice in &found {
        if let Notice::Finding(text) = notice {
            reader.add("queue", text.as_bytes(), &SensorPlace::default());
        }
    }
    let once = reader.finish();
    // What was kept is read again without loss.
    let kept = once.findings.clone();
    assert_eq!(SensorReader::resuming(kept).finish().findings, once.findings);
});
