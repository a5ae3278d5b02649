//! Any file as a digest, and as a log that it may name. Nothing but what is signed is believed.
#![no_main]

use bartizan_trail::digest::{
    CheckReason, DigestDocument, LogReader, MemberReader, TrailEvidence, TrailListing,
    TrailVerdict, VerifiedFiles, judge_digests,
};
use libfuzzer_sys::fuzz_target;

/// A digest, by its name.
const KEY: &str = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/03/01/111122223333_CloudTrail-Digest_us-east-1_main_us-east-1_20260301T060000Z.json.gz";

fuzz_target!(|bytes: &[u8]| {
    let read = DigestDocument::read(&mut MemberReader::new(), &mut &*bytes);
    let _ = LogReader::new().read(&mut &*bytes);
    let _ = VerifiedFiles::from_bytes(bytes);
    let files = read
        .iter()
        .flat_map(|digest| digest.logs.iter().take(4).map(|log| log.object.clone()));
    let listing = TrailListing::new(
        files
            .chain([KEY.to_owned()])
            .map(|path| (path, Some(bytes.len() as u64))),
    );
    let evidence = TrailEvidence::default();
    let unread = listing.unread_digests(&evidence.verified);
    let digests = unread.into_iter().map(|n| (n, read.clone())).collect();
    let judged = judge_digests(&listing, &evidence, digests);
    assert!(
        judged.unread_logs().is_empty(),
        "a digest without a signature is believed"
    );
    let report = judged.finish(Vec::new());
    for check in report.checks {
        assert_ne!(check.kind, TrailVerdict::Valid, "{check:?}");
        assert_ne!(check.because, CheckReason::Signed);
    }
});
