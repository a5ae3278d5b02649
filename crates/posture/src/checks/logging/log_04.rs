//! LOG-04: GuardDuty, Config, Security Hub or Access Analyzer is off in a region.

use bartizan_model::Severity;

use crate::check::{Check, Source};
use crate::missing::Fault;
use crate::reading::FactView;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "LOG-04",
    title: "GuardDuty, Config, Security Hub or Access Analyzer is off in a region",
    severity: Severity::Medium,
    why: "An intruder works where nobody looks, and switches on a region for it.",
    judged: "In each region that is on: a detector that is enabled, a recorder that records, the hub, an active analyzer of external access.",
    fix: "aws guardduty create-detector --region {region} --enable",
    sources: &[
        Source::Fsbp("GuardDuty.1"),
        Source::Fsbp("Config.1"),
        Source::Fsbp("IAM.28"),
        Source::Cis("3.3"),
        Source::Cis("1.20"),
        Source::Cis("4.16"),
    ],
    needs: &[
        "guardduty:detector",
        "config:recorderstatus",
        "securityhub:hub",
        "accessanalyzer:analyzer",
    ],
    judge,
};

/// A sensor of AWS: name in the resource, kind of fact, and when it is on.
struct Sensor {
    name: &'static str,
    kind: &'static str,
    off: &'static str,
    is_on: fn(&FactView<'_>) -> bool,
}

const SENSORS: [Sensor; 4] = [
    Sensor {
        name: "guardduty",
        kind: "guardduty:detector",
        off: "no detector is enabled",
        is_on: |detector| detector.text("/Status") == Some("ENABLED"),
    },
    Sensor {
        name: "config",
        kind: "config:recorderstatus",
        off: "no recorder records",
        is_on: |recorder| recorder.is("/recording"),
    },
    Sensor {
        name: "securityhub",
        kind: "securityhub:hub",
        off: "the hub is off",
        is_on: |_| true,
    },
    Sensor {
        name: "accessanalyzer",
        kind: "accessanalyzer:analyzer",
        off: "no active analyzer of external access",
        is_on: |analyzer| {
            let is_external = matches!(analyzer.text("/type"), Some("ACCOUNT" | "ORGANIZATION"));
            is_external && analyzer.volatile("status").is_none_or(|s| s == "ACTIVE")
        },
    },
];

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    for sensor in &SENSORS {
        let resource = format!("{}/{}", view.id, sensor.name);
        let regions = view.regions_of(sensor.kind);
        if regions.is_empty() {
            verdicts.list_read(&view.list(sensor.kind));
        }
        for region in regions {
            let fault: Fault = view.all(sensor.kind, region).map(|facts| {
                let is_on = facts.iter().any(|f| (sensor.is_on)(f));
                (!is_on).then(|| sensor.off.to_owned())
            });
            verdicts.judge(&resource, region, [fault]);
        }
    }
}
