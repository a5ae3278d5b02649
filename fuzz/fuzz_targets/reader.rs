//! Any object, packed or not, held against all of our rules: no panic, no run without end, and findings that print.
#![no_main]

use std::sync::LazyLock;

use bartizan_core::detect::{Judge, Memory, Networks, Plan, Rules, Scanner, builtin_files};
use libfuzzer_sys::fuzz_target;

static PLAN: LazyLock<Plan> = LazyLock::new(|| Plan {
    rules: Rules::load(&builtin_files()),
    networks: Networks::builtin(),
    memory: Memory::default(),
    tally: true,
    calls: None,
});

fuzz_target!(|bytes: &[u8]| {
    let mut scanner = Scanner::new(&PLAN);
    let mut judge = Judge::new(&PLAN);
    judge.take("fuzz", scanner.scan(&mut &*bytes));
    judge.take_rest(scanner.finish());
    for finding in judge.finish(false, &|_| String::new()).findings {
        assert!(!finding.id.is_empty() && !finding.summary.is_empty());
    }
});
