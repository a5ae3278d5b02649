//! Reads scan results from any bytes. The checksum is put right, so that the rows are reached.

#![no_main]

use std::sync::LazyLock;

use bartizan_detect::attribution::CallMap;
use bartizan_detect::{
    ContextPool, Evaluator, FirstSeenMemory, Networks, Rules, ScanPlan, Scanner, builtin_files,
    read_scan_result, write_scan_result,
};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

static PLAN: LazyLock<ScanPlan> = LazyLock::new(|| ScanPlan {
    rules: Rules::load(&builtin_files()),
    networks: Networks::builtin(),
    memory: FirstSeenMemory::new([1; 16]),
    tally: false,
    calls: Some(CallMap::builtin()),
});

fuzz_target!(|bytes: &[u8]| {
    // A trail becomes a result, which must be read as it was written.
    let output = Scanner::new(&PLAN).standing_alone().scan(&mut &*bytes);
    let own = write_scan_result(&output, "o", None, &PLAN);
    let mut pool = ContextPool::default();
    let (_, again) = read_scan_result(&own, &PLAN, &mut pool).expect("as written");
    assert_eq!(write_scan_result(&again, "o", None, &PLAN), own);
    // Bytes as a result, as they are and with a checksum that fits.
    let _ = read_scan_result(bytes, &PLAN, &mut pool);
    let mut sealed = bytes.to_vec();
    sealed.extend_from_slice(&Sha256::digest(bytes));
    if let Ok((header, output)) = read_scan_result(&sealed, &PLAN, &mut pool) {
        let mut evaluator = Evaluator::new(&PLAN);
        evaluator.take(&header.object, output);
        let _ = evaluator.finish(false, &|_| String::new());
    }
});
