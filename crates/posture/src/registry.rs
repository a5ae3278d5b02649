//! All checks, and the judgement of an account by them.

use crate::check::Check;
use crate::checks::credential::{
    cred_01, cred_02, cred_03, cred_04, cred_05, cred_06, cred_07, cred_08,
};
use crate::checks::drift::{drift_01, org_01, reg_01, role_01};
use crate::checks::logging::{bill_01, log_01, log_02, log_03, log_04, log_05, worm_01};
use crate::checks::network::{age_01, net_01, net_02, net_03, net_04};
use crate::checks::password::{iamuse_01, pwd_01};
use crate::checks::policy::{pol_01, pol_02, pol_03, pol_04, pol_05, pol_06};
use crate::checks::public::{
    pub_01, pub_02, pub_03, pub_04, pub_05, pub_06, pub_07, pub_08, pub_09,
};
use crate::checks::root::{root_01, root_02, root_03, root_04};
use crate::checks::sharing::xacc_01;
use crate::checks::trust::{trust_01, trust_02, trust_03, trust_04, trust_05};
use crate::result::CheckResult;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

/// Every check, in the order in which they are shown.
pub const CHECKS: &[Check] = &[
    root_01::CHECK,
    root_02::CHECK,
    root_03::CHECK,
    root_04::CHECK,
    pwd_01::CHECK,
    iamuse_01::CHECK,
    cred_01::CHECK,
    cred_02::CHECK,
    cred_03::CHECK,
    cred_04::CHECK,
    cred_05::CHECK,
    cred_06::CHECK,
    cred_07::CHECK,
    cred_08::CHECK,
    pol_01::CHECK,
    pol_02::CHECK,
    pol_03::CHECK,
    pol_04::CHECK,
    pol_05::CHECK,
    pol_06::CHECK,
    trust_01::CHECK,
    trust_02::CHECK,
    trust_03::CHECK,
    trust_04::CHECK,
    trust_05::CHECK,
    pub_01::CHECK,
    pub_02::CHECK,
    pub_03::CHECK,
    pub_04::CHECK,
    pub_05::CHECK,
    pub_06::CHECK,
    pub_07::CHECK,
    pub_08::CHECK,
    pub_09::CHECK,
    xacc_01::CHECK,
    net_01::CHECK,
    net_02::CHECK,
    net_03::CHECK,
    net_04::CHECK,
    log_01::CHECK,
    log_02::CHECK,
    log_03::CHECK,
    log_04::CHECK,
    log_05::CHECK,
    worm_01::CHECK,
    role_01::CHECK,
    bill_01::CHECK,
    age_01::CHECK,
    reg_01::CHECK,
    org_01::CHECK,
    drift_01::CHECK,
];

/// A check by its id, in any case: `root-01`.
#[must_use]
pub fn check(id: &str) -> Option<&'static Check> {
    CHECKS.iter().find(|c| c.id.eq_ignore_ascii_case(id))
}

/// Results of checks for an account: one for each resource, by check, region and resource.
#[must_use]
pub fn judge<'c>(
    view: &AccountView<'_>,
    checks: impl IntoIterator<Item = &'c Check>,
) -> Vec<CheckResult> {
    let mut results = Vec::new();
    for check in checks {
        let mut verdicts = Verdicts::new((check.id, check.severity), view.id);
        (check.judge)(view, &mut verdicts);
        results.extend(verdicts.finish());
    }
    results
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_every_check_says_what_it_needs() {
        assert_eq!(CHECKS.len(), 51);
        for (n, check) in CHECKS.iter().enumerate() {
            assert!(
                CHECKS[n + 1..].iter().all(|c| c.id != check.id),
                "{}",
                check.id
            );
            assert!(
                !check.needs.is_empty() || check.id == "DRIFT-01",
                "{}",
                check.id
            );
            for text in [check.title, check.why, check.judged, check.fix] {
                assert!(!text.is_empty() && !text.contains("TODO"), "{}", check.id);
            }
        }
    }
}
