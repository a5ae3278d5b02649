//! Any object, packed or not, held against all of our rules: no panic, no run without end, and
//! findings that print.
#![no_main]

use std::sync::LazyLock;

use bartizan_detect::{
    Evaluator, FirstSeenMemory, Networks, Rules, ScanPlan, Scanner, builtin_files,
};
use libfuzzer_sys::fuzz_target;

static PLAN: LazyLock<ScanPlan> = LazyLock::new(|| ScanPlan {
    rules: Rules::load(&builtin_files()),
    networks: Networks::builtin(),
    memory: FirstSeenMemory::default(),
    tally: true,
    calls: None,
});

fuzz_target!(|bytes: &[u8]| {
    // The third time, everything that repeats is known; what is found is what those find who know
    // nothing.
    let mut knowing = Some(Scanner::new(&PLAN));
    let mut found = [Evaluator::new(&PLAN), Evaluator::new(&PLAN)].map(|mut judge| {
        let mut knowing = knowing.take();
        for object in ["1", "2", "3"] {
            let mut fresh = Scanner::new(&PLAN);
            judge.take(
                object,
                knowing.as_mut().unwrap_or(&mut fresh).scan(&mut &*bytes),
            );
            judge.take_rest(fresh.finish());
        }
        if let Some(mut knowing) = knowing {
            judge.take_rest(knowing.finish());
        }
        let verdicts = judge.finish(false, &|_| String::new());
        for finding in &verdicts.findings {
            assert!(!finding.id.is_empty() && !finding.summary.is_empty());
        }
        format!(
            "{:?} {:?} {:?}",
            verdicts.findings, verdicts.totals, verdicts.tally
        )
    });
    let plain = std::mem::take(&mut found[1]);
    assert_eq!(found[0], plain);
});
