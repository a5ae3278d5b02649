//! Verdicts as a check gives them.

use crate::missing::{Fault, GLOBAL, MissingFact};
use bartizan_model::Severity;

use crate::reading::List;
use crate::result::{CheckResult, CheckVerdict, Reason};

/// Collects the verdicts of one check for one account.
pub struct Verdicts<'c> {
    check: &'static str,
    /// Severity of a failure, where it is not of the resource.
    severity: Severity,
    account: &'c str,
    results: Vec<CheckResult>,
}

impl<'c> Verdicts<'c> {
    pub(crate) fn new(check: (&'static str, Severity), account: &'c str) -> Self {
        Self {
            check: check.0,
            severity: check.1,
            account,
            results: Vec::new(),
        }
    }

    /// Adds the verdict for a resource: it fails by any fault that is proved, passes if none is
    /// there, and else is unknown.
    pub fn judge(&mut self, resource: &str, region: &str, faults: impl IntoIterator<Item = Fault>) {
        self.judge_as(self.severity, resource, region, faults);
    }

    /// [`Verdicts::judge`], with a severity of this resource.
    pub fn judge_as(
        &mut self,
        severity: Severity,
        resource: &str,
        region: &str,
        faults: impl IntoIterator<Item = Fault>,
    ) {
        let (mut reasons, mut unread) = (Vec::new(), Vec::new());
        for fault in faults {
            match fault {
                Ok(Some(reason)) => reasons.push(Reason::Read(reason)),
                Ok(None) => {}
                Err(fact) => unread.push(Reason::Unread(fact)),
            }
        }
        let (verdict, because) = match (reasons.is_empty(), unread.is_empty()) {
            (false, _) => (CheckVerdict::Fail, reasons),
            (true, false) => (CheckVerdict::Unknown, unread),
            (true, true) => (CheckVerdict::Pass, Vec::new()),
        };
        self.push(severity, resource, region, verdict, because);
    }

    /// Adds the faults of things that bear the same name of a resource as one verdict.
    pub fn fail(&mut self, resource: &str, region: &str, reason: String) {
        self.judge(resource, region, [Ok(Some(reason))]);
    }

    /// Adds a pass.
    pub fn pass(&mut self, resource: &str, region: &str) {
        self.judge(resource, region, []);
    }

    /// Adds the one unknown line for the account, where a list that the check goes through was not
    /// read.
    pub fn list_read(&mut self, list: &List<'_, '_>) {
        self.unread(&list.unread);
    }

    /// Adds the unknown line of the account.
    pub fn unread(&mut self, unread: &[MissingFact]) {
        let Some(first) = unread.first() else {
            return;
        };
        let one_region = unread.iter().all(|u| u.region == first.region);
        let region = if one_region { &*first.region } else { GLOBAL };
        let because = unread.iter().cloned().map(Reason::Unread).collect();
        let (severity, account) = (self.severity, self.account.to_owned());
        self.push(severity, &account, region, CheckVerdict::Unknown, because);
    }

    fn push(
        &mut self,
        severity: Severity,
        resource: &str,
        region: &str,
        verdict: CheckVerdict,
        because: Vec<Reason>,
    ) {
        self.results.push(CheckResult {
            check: self.check,
            verdict,
            severity,
            resource: resource.to_owned(),
            account: self.account.to_owned(),
            region: region.to_owned(),
            because,
        });
    }

    /// Results in order, one for each resource: the worst verdict, with all reasons for it.
    pub(crate) fn finish(self) -> Vec<CheckResult> {
        let mut results = self.results;
        results.sort_by(|a, b| {
            (a.key(), a.verdict, std::cmp::Reverse(a.severity)).cmp(&(
                b.key(),
                b.verdict,
                std::cmp::Reverse(b.severity),
            ))
        });
        let mut merged: Vec<CheckResult> = Vec::new();
        for result in results {
            match merged.last_mut().filter(|last| last.key() == result.key()) {
                Some(last) if last.verdict == result.verdict => {
                    last.because.extend(result.because);
                }
                Some(_) => {}
                None => merged.push(result),
            }
        }
        for result in &mut merged {
            result.because.sort();
            result.because.dedup();
        }
        merged
    }
}

/// The verdict of faults: see [`Verdicts::judge`].
pub(crate) fn verdict(faults: &[Fault]) -> CheckVerdict {
    if faults.iter().any(|f| matches!(f, Ok(Some(_)))) {
        CheckVerdict::Fail
    } else if faults.iter().any(Result::is_err) {
        CheckVerdict::Unknown
    } else {
        CheckVerdict::Pass
    }
}
