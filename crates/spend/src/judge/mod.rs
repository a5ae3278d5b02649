//! Judges a bill: what is not normal, and how bad that is.

mod baseline;
mod episode;
mod estate;
mod options;
mod rise;
mod silence;

pub use options::JudgeOptions;

use crate::ledger::Ledger;
use bartizan_model::Severity;

/// Outline of a finding, for benchmarks.
#[derive(Clone, Debug)]
pub struct Outline {
    pub rule: &'static str,
    pub account: Option<String>,
    pub services: Vec<String>,
    pub region: Option<String>,
    /// Days since 1970.
    pub start: i32,
    pub known: i32,
    pub severity: Severity,
    pub text: String,
}

#[doc(hidden)]
pub fn outlines(ledger: &Ledger, options: &JudgeOptions) -> Vec<Outline> {
    let Some(estate) = estate::Estate::of(ledger, options) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for e in episode::episodes(&estate, options) {
        found.push(Outline {
            rule: "rise",
            account: e.place.account.clone(),
            services: e.place.service.clone().into_iter().collect(),
            region: e.place.region.clone(),
            start: estate.day(e.start),
            known: estate.day(e.known),
            severity: e.severity,
            text: format!(
                "{:?} {:?} excess {:.2} daily {:.2} normal {:.2} days {} {:?}",
                e.novelty,
                e.harmless,
                e.excess(),
                e.daily(),
                e.normal_day,
                e.days.len(),
                e.families.iter().take(2).collect::<Vec<_>>(),
            ),
        });
    }
    for s in silence::silences(&estate, options) {
        found.push(Outline {
            rule: "silence",
            account: s.account.clone(),
            services: s.sensors.iter().map(|s| s.service.clone()).collect(),
            region: s.sensors.first().and_then(|s| s.region.clone()),
            start: estate.day(s.start),
            known: estate.day(s.known),
            severity: Severity::High,
            text: format!("{:?} days {}", s.sensors, s.days),
        });
    }
    found
}
