//! A posture check: its metadata and its judgement.

use bartizan_model::Severity;

use crate::verdicts::Verdicts;
use crate::view::AccountView;

/// One check, e.g. `ROOT-01`: is the root user protected by MFA?
///
/// ```
/// let check = bartizan_posture::check("ROOT-01").unwrap();
/// assert_eq!(check.title, "The root user has no MFA");
/// assert!(check.needs.contains(&"iam:accountsummary"));
/// ```
pub struct Check {
    /// `ROOT-01`.
    pub id: &'static str,
    /// The fault, as a sentence without a full stop.
    pub title: &'static str,
    /// Severity of a failure; a result may be milder.
    pub severity: Severity,
    /// What an intruder does with it.
    pub why: &'static str,
    /// What fails and what passes.
    pub judged: &'static str,
    /// A command that mends it. `{resource}`, `{name}`, `{account}` and `{region}` are filled in.
    pub fix: &'static str,
    /// Where it comes from.
    pub sources: &'static [Source],
    /// Kinds of facts without which a verdict is unknown.
    pub needs: &'static [&'static str],
    /// The judgement.
    pub judge: fn(&AccountView<'_>, &mut Verdicts<'_>),
}

/// Source of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// "Intrusion Detection in the Cloud", AWS re:Invent 2013.
    Talk,
    /// Id of a Trusted Advisor check, e.g. `7DAFEmoDos`.
    TrustedAdvisor(&'static str),
    /// Requirement of CIS AWS Foundations 3.0, e.g. `1.5`.
    Cis(&'static str),
    /// Control of AWS Foundational Security Best Practices, e.g. `IAM.9`.
    Fsbp(&'static str),
}

/// A set of requirements that results can be told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compliance {
    /// CIS AWS Foundations Benchmark 3.0.
    Cis3,
    /// AWS Foundational Security Best Practices.
    Fsbp,
    /// The talk, with the lines of Trusted Advisor.
    Talk,
}

impl Compliance {
    /// Requirements of a check within this set, e.g. `["1.5", "1.6"]`.
    #[must_use]
    pub fn requirements(self, check: &Check) -> Vec<&'static str> {
        let of = |source: &Source| match (self, *source) {
            (Self::Cis3, Source::Cis(number)) => Some(number),
            (Self::Fsbp, Source::Fsbp(control)) => Some(control),
            (Self::Talk, Source::Talk) => Some("talk"),
            _ => None,
        };
        check.sources.iter().filter_map(of).collect()
    }
}
