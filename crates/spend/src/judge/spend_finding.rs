//! Finding of the bill with its amounts and its last days.

use bartizan_model::Finding;
use serde::{Deserialize, Serialize};

use super::kinds::SpendRule;

/// Finding with its amounts, and the days that a picture of it shows.
#[derive(Clone, Debug, Serialize)]
pub struct SpendFinding {
    #[serde(flatten)]
    pub finding: Finding,
    #[serde(skip)]
    pub subject: SpendSubject,
    /// Extra cost until now.
    pub so_far: f64,
    /// Extra cost of a day.
    pub daily: f64,
    pub currency: String,
    /// Day whose score made it known, in days since 1970.
    #[serde(skip)]
    pub known_day: i32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chart: Vec<ChartDay>,
}

/// Rule and place of a finding, for those who join it with calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendSubject {
    pub rule: SpendRule,
    /// Product codes, e.g. `AmazonEC2`; several sensors can fall silent together.
    pub services: Vec<String>,
}

/// Day of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChartDay {
    /// Days since 1970.
    pub day: i32,
    pub value: f64,
    pub expected: f64,
}

impl SpendFinding {
    /// Finding that comes from elsewhere.
    pub(super) fn outside(finding: Finding, subject: SpendSubject, so_far: f64) -> Self {
        let (daily, currency, chart) = (0.0, "USD".to_owned(), Vec::new());
        Self {
            finding,
            subject,
            so_far,
            daily,
            currency,
            known_day: 0,
            chart,
        }
    }
}

impl SpendSubject {
    pub(super) fn new(rule: SpendRule, service: Option<&str>) -> Self {
        let services = service.map(str::to_owned).into_iter().collect();
        Self { rule, services }
    }
}
