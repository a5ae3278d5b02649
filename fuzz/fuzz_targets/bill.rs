//! Any file as a bill: CSV, Parquet, an answer of the AWS CLI or a manifest. Whatever is read of it
//! can be judged and summed.
#![no_main]

use bartizan_spend::{
    BillReader, JudgeOptions, Manifest, alarm_proposals, judge, plan, spend_summary,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let manifest = Manifest::parse("a/BILLING_PERIOD=2026-03/Manifest.json", bytes);
    let files = ["a/BILLING_PERIOD=2026-03/bill-1.csv".to_owned()];
    let _ = plan(&files, &manifest.into_iter().collect::<Vec<_>>());
    let mut reader = BillReader::default();
    reader.read("bill", &mut &*bytes);
    let ledger = reader.finish();
    let _ = judge(&ledger, &JudgeOptions::default());
    let _ = spend_summary(&ledger, i32::MAX);
    let _ = alarm_proposals(&ledger, i32::MAX);
});
