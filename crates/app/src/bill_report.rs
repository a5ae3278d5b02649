//! The bill in the result of a watch: files read, findings told before, pictures.

use std::collections::BTreeMap;

use bartizan_model::Severity;
use bartizan_spend::{ChartDay, MonthChart};
use serde::{Deserialize, Serialize};

/// Bill of a watch.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct BillReport {
    pub(crate) files: usize,
    /// Files of older deliveries, which were not read.
    pub(crate) superseded: usize,
    pub(crate) charges: u64,
    /// `2026-03-01`.
    pub(crate) first_day: Option<String>,
    pub(crate) last_day: Option<String>,
    /// Last day that is judged: charges of later days may still come.
    pub(crate) scored_through: Option<String>,
    /// Findings by id, and those that the bill no longer supports.
    pub(crate) news: Vec<BillNews>,
    pub(crate) charts: Vec<BillChart>,
    pub(crate) months: Vec<MonthChart>,
}

/// Whether a finding of the bill was told before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BillNews {
    pub(crate) finding: String,
    pub(crate) news: NewsKind,
    pub(crate) severity: Severity,
}

/// Novelty of a finding against the runs before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NewsKind {
    New,
    /// Told before as less bad.
    Escalated,
    Known,
    /// Told before; the charges were revised, or are no longer read. Said once.
    Gone,
}

/// Days of one finding.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BillChart {
    pub(crate) finding: String,
    pub(crate) currency: String,
    /// Extra cost until now, and of a day.
    pub(crate) so_far: f64,
    pub(crate) daily: f64,
    pub(crate) days: Vec<ChartDay>,
}

/// Findings that were told, with the worst severity that was told: kept between runs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ToldFindings {
    told: BTreeMap<String, ToldFinding>,
    /// Last day of the bill, and the last that was scored, in days since 1970.
    pub(crate) days: Option<(i32, i32)>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct ToldFinding {
    severity: Severity,
    gone: bool,
}

impl ToldFindings {
    /// Whether all days of the bill were scored that are old enough, the last of them `day`.
    pub(crate) fn is_scored(&self, day: i32) -> bool {
        self.days
            .is_none_or(|(last, scored)| last.min(day) <= scored)
    }

    /// Says what is new about the findings of a run, and remembers that it was told.
    pub(crate) fn tell(&mut self, findings: &[(&str, Severity)]) -> Vec<BillNews> {
        let mut news: Vec<BillNews> = findings
            .iter()
            .map(|(id, severity)| BillNews {
                finding: (*id).to_owned(),
                news: match self.told.get(*id) {
                    None => NewsKind::New,
                    Some(told) if *severity > told.severity => NewsKind::Escalated,
                    Some(_) => NewsKind::Known,
                },
                severity: *severity,
            })
            .collect();
        for (id, told) in &mut self.told {
            let is_gone = !findings.iter().any(|(f, _)| f == id);
            if is_gone && !told.gone {
                news.push(BillNews {
                    finding: id.clone(),
                    news: NewsKind::Gone,
                    severity: told.severity,
                });
            }
            told.gone = is_gone;
        }
        for (id, severity) in findings {
            let first = ToldFinding {
                severity: *severity,
                gone: false,
            };
            let told = self.told.entry((*id).to_owned()).or_insert(first);
            told.severity = told.severity.max(*severity);
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::{NewsKind, ToldFindings};
    use bartizan_model::Severity;

    #[test]
    fn a_finding_is_told_once_and_again_only_when_it_is_worse() {
        let mut told = ToldFindings::default();
        let mut tell = |findings: &[(&str, Severity)]| -> Vec<(String, NewsKind)> {
            let news = told.tell(findings);
            news.into_iter().map(|n| (n.finding, n.news)).collect()
        };
        let one = |news| vec![("a".to_owned(), news)];
        assert_eq!(tell(&[("a", Severity::Medium)]), one(NewsKind::New));
        assert_eq!(tell(&[("a", Severity::Medium)]), one(NewsKind::Known));
        assert_eq!(tell(&[("a", Severity::High)]), one(NewsKind::Escalated));
        assert_eq!(tell(&[]), one(NewsKind::Gone));
        assert_eq!(tell(&[]), []);
        // A revision that takes it back and brings it again tells nothing new.
        assert_eq!(tell(&[("a", Severity::Medium)]), one(NewsKind::Known));
        assert_eq!(tell(&[("a", Severity::High)]), one(NewsKind::Known));
    }
}
