//! Reading: encodings, envelopes, pages, odd records, archives, duplicates, times; and what is said where nothing could be
//! judged.

use std::collections::BTreeSet;

use serde_json::Value;

use super::input;
use crate::common::Home;

/// RFC 8259, 8.1: parsers may ignore a byte order mark; PowerShell 5 writes UTF-16 when it redirects.
#[test]
fn files_are_read_in_the_encodings_of_windows() {
    let home = Home::new();
    let file = |name: &str| input(&format!("21-byte-order-marks/{name}"));
    for name in ["gaad.json", "gaad-wide.json"] {
        let text = home.must(0, &["access", "escalate", "--on", &file(name)]);
        assert!(text.contains("ann"), "{name}: {text}");
    }
    for name in ["dump", "one-marked"] {
        let text = home.must(0, &["access", "public", "--on", &file(name)]);
        assert!(text.contains("444455556666") && text.contains("arn:aws:s3:::b"), "{name}: {text}");
    }
    assert_eq!(home.json(&["access", "eval", &file("cases.ndjson")])[0]["decision"], "allowed");
    home.must(0, &["access", "policy-diff", &file("plain.json"), &file("marked.json")]);
    let lint = home.must(0, &["rules", "lint", &file("rule.yml")]);
    assert!(lint.contains("0 problems"), "{lint}");
    let found = home.json(&["detect", &file("utf16.json")]);
    assert_eq!(found["problems"], serde_json::json!([]), "{found}");
    assert!(found["events"].as_u64().unwrap() > 0);
}
