//! Any trail: what is kept of it for the join can be followed back, and findings of it can be
//! joined.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use bartizan_detect::attribution::CallMap;
use bartizan_detect::{
    Evaluator, FirstSeenMemory, Networks, Rules, ScanPlan, Scanner, builtin_files,
};
use bartizan_incident::{BillInput, SensorInput, IncidentInput, incidents};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static PLAN: ScanPlan = ScanPlan {
        rules: Rules::load(&builtin_files()),
        networks: Networks::builtin(),
        memory: FirstSeenMemory::default(),
        tally: false,
        calls: Some(CallMap::builtin()),
    };
}

fuzz_target!(|bytes: &[u8]| {
    PLAN.with(|plan| {
        let mut scanner = Scanner::new(plan);
        let mut judge = Evaluator::new(plan);
        judge.take("trail", scanner.scan(&mut &*bytes));
        judge.take_rest(scanner.finish());
        let verdicts = judge.finish(false, &|_| String::new());
        let map = CallMap::builtin();
        let _ = incidents(&IncidentInput {
            findings: &verdicts.findings,
            map: &map,
            attribution: &verdicts.attribution,
            standing: &BTreeMap::new(),
            compared: &BTreeMap::new(),
            as_of_s: 0,
            gives: &BTreeMap::new(),
            work: &[],
            power: &BTreeMap::new(),
            accepted: &BTreeSet::new(),
            known: &[],
            bill: &BillInput::default(),
            sensors: &SensorInput::default(),
        });
        let _ = verdicts.attribution.gaps();
    });
});
