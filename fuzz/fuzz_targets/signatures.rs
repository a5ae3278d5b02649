//! Any text as the signatures of digests, and as public keys. What was read is written the same.
#![no_main]

use bartizan_trail::digest::{
    DigestKeys, DigestSignatures, TrailEvidence, TrailFileName, TrailListing, TrailVerdict,
    judge_digests,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let _ = DigestKeys::parse(&text);
    for line in text.lines() {
        let _ = TrailFileName::parse(line);
    }
    let signatures = DigestSignatures::parse(&text);
    let again = DigestSignatures::parse(&signatures.to_text());
    assert_eq!(again.to_text(), signatures.to_text());
    let listing = TrailListing::new(Vec::new());
    let evidence = TrailEvidence {
        signatures,
        ..TrailEvidence::default()
    };
    let report = judge_digests(&listing, &evidence, Vec::new()).finish(Vec::new());
    assert!(
        report
            .checks
            .iter()
            .all(|c| c.kind == TrailVerdict::Unchecked)
    );
});
