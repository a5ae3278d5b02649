//! Findings of AWS Cost Anomaly Detection
//! (<https://docs.aws.amazon.com/cost-management/latest/userguide/cad-eventbridge.html>).

use bartizan_model::{Severity, Stage};
use serde_json::Value;

use crate::fields::{clipped, list, number, text, time_s};
use crate::sensor_finding::{Draft, SensorKind};
use crate::stages::Purpose;

/// Least impact in the currency of the bill of each level; the service has none.
const LEVELS: [(f64, Severity); 2] = [(1000.0, Severity::High), (100.0, Severity::Medium)];

/// ATT&CK: Resource Hijacking.
const HIJACKING: &[&str] = &["T1496"];

pub(crate) fn read(value: &Value) -> Draft {
    let id = text(value, "anomalyId").unwrap_or_default();
    let mut draft = Draft::new(SensorKind::CostAnomaly, "Anomaly", &id);
    let impact = number(value, "impact.totalImpact").unwrap_or(0.0);
    let row = LEVELS.iter().find(|(least, _)| impact >= *least);
    draft.severity = row.map_or(Severity::Low, |(_, severity)| *severity);
    draft.purpose = Some(Purpose {
        stage: Stage::Steal,
        attack: HIJACKING,
    });
    let causes: Vec<String> = list(value, "rootCauses")
        .map(|cause| {
            let part = |name: &str| text(cause, name);
            let parts = ["service", "region", "usageType"].map(part);
            parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
        })
        .collect();
    draft.title = "AWS Cost Anomaly Detection found unusual spend".to_owned();
    draft.summary = clipped(&format!(
        "{impact:.2} more than expected: {}",
        match causes.as_slice() {
            [] => "no cause named".to_owned(),
            causes => causes.join("; "),
        }
    ));
    draft.account = list(value, "rootCauses")
        .find_map(|c| text(c, "linkedAccount"))
        .or_else(|| text(value, "accountId"));
    draft.region = list(value, "rootCauses").find_map(|c| text(c, "region"));
    draft.first_s = time_s(value, "anomalyStartDate");
    draft.last_s = time_s(value, "anomalyEndDate");
    draft.resources = causes;
    draft
}
