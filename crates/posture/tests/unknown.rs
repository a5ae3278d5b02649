//! What was not read is unknown, never a pass.

use std::collections::BTreeMap;

use bartizan_posture::{CHECKS, CheckVerdict};

use crate::world::good;

/// Kinds that another kind stands in for: the verdict is sound without them.
const STAND_INS: [(&str, &str); 12] = [
    // The summary counts root's credentials, and the report names them.
    ("ROOT-02", "iam:credentialreport"),
    // The report says who has a password and MFA.
    ("CRED-01", "iam:loginprofile"),
    ("CRED-01", "iam:mfadevice"),
    ("CRED-03", "iam:loginprofile"),
    // An Identity Center instance is enough.
    ("IAMUSE-01", "iam:group"),
    ("IAMUSE-01", "iam:role"),
    ("IAMUSE-01", "iam:grouppolicy"),
    ("IAMUSE-01", "iam:rolepolicy"),
    ("IAMUSE-01", "iam:managedpolicy"),
    // Other steps of the ladder are enough.
    ("BILL-01", "budgets:budget"),
    ("BILL-01", "budgets:notification"),
    ("BILL-01", "ce:anomalymonitor"),
];

#[test]
fn a_denied_call_makes_its_checks_unknown() {
    for check in CHECKS {
        let whole = good().results(check.id, None, None);
        let passed: BTreeMap<_, _> = whole
            .iter()
            .filter(|r| r.verdict == CheckVerdict::Pass)
            .map(|r| (r.resource.clone(), r.region.clone()))
            .collect();
        for kind in check.needs {
            if STAND_INS.contains(&(check.id, kind)) {
                continue;
            }
            let results = good().denied(kind).results(check.id, None, None);
            let unknown = results.iter().any(|r| r.verdict == CheckVerdict::Unknown);
            assert!(
                unknown || passed.is_empty(),
                "{} without {kind}: {results:?}",
                check.id
            );
            let account = &good().denied(kind);
            for result in account.results(check.id, None, None) {
                assert_ne!(
                    result.verdict,
                    CheckVerdict::Fail,
                    "{} without {kind}: {result:?}",
                    check.id
                );
            }
        }
    }
}

#[test]
fn a_list_that_was_not_read_is_one_unknown_line_of_the_account() {
    let results = good().denied("s3:bucket").results("PUB-01", None, None);
    let lines: Vec<_> = results
        .iter()
        .map(|r| (r.resource.as_str(), r.verdict))
        .collect();
    assert_eq!(lines, [("111122223333", CheckVerdict::Unknown)]);
}

#[test]
fn the_same_snapshot_gives_the_same_results() {
    let ids: Vec<&str> = CHECKS.iter().map(|c| c.id).collect();
    let (one, two) = (
        good().judged(None, None, &ids),
        good().judged(None, None, &ids),
    );
    assert_eq!(format!("{one:?}"), format!("{two:?}"));
    assert!(one.len() > CHECKS.len());
}
