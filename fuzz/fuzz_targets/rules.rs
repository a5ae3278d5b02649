//! Any rule file: it loads or is refused with a reason, and what loads can be run.
#![no_main]

use bartizan_detect::{Evaluator, FirstSeenMemory, Networks, RuleFile, Rules, ScanPlan, Scanner};
use libfuzzer_sys::fuzz_target;

const EVENT: &[u8] = br#"{"eventVersion":"1.08","eventTime":"2026-03-11T02:00:00Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","userIdentity":{"type":"Root"},"requestParameters":{"userName":"x","a":[{"b":1},{"b":"2"}]}}"#;

fuzz_target!(|text: &str| {
    let rules = Rules::load(&[RuleFile {
        name: "fuzz.yml".to_owned(),
        text: text.to_owned(),
        builtin: false,
    }]);
    let plan = ScanPlan {
        rules,
        networks: Networks::builtin(),
        memory: FirstSeenMemory::default(),
        tally: false,
        calls: None,
    };
    let mut scanner = Scanner::new(&plan);
    let mut judge = Evaluator::new(&plan);
    judge.take("event", scanner.scan(&mut &*EVENT));
    judge.take_rest(scanner.finish());
    judge.finish(false, &|_| String::new());
});
