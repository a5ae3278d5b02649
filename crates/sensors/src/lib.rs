//! Findings of other systems as findings of ours: GuardDuty, Security Hub, Macie, Inspector, Access
//! Analyzer, Cost Anomaly Detection, Suricata and Zeek. Bytes in, findings and problems out.

mod access_analyzer;
mod asff;
mod cost_anomaly;
mod fields;
mod guardduty;
mod inspector;
mod macie;
mod ocsf;
mod report;
mod sensor_finding;
mod sensor_reader;
mod stages;
mod suricata;
mod zeek;

pub use report::{SensorProblem, SensorProblemKind, SensorReport};
pub use sensor_finding::{SensorFinding, SensorKind, SensorSubject};
pub use sensor_reader::{SensorPlace, SensorReader};
