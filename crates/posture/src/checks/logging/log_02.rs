//! LOG-02: a trail has no validation, no key, or leaves out management events.

use bartizan_model::Severity;
use serde_json::Value;

use crate::check::{Check, Source};
use crate::missing::Fault;
use crate::reading::FactView;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "LOG-02",
    title: "A trail has no log file validation, no KMS key, or no management events",
    severity: Severity::High,
    why: "Without validation a log can be edited unseen; without management events it says nothing of who changed what.",
    judged: "LogFileValidationEnabled, KmsKeyId, and selectors that record reading and writing management events.",
    fix: "aws cloudtrail update-trail --region {region} --name {resource} --enable-log-file-validation --kms-key-id KEY",
    sources: &[
        Source::Fsbp("CloudTrail.4"),
        Source::Fsbp("CloudTrail.2"),
        Source::Cis("3.2"),
        Source::Cis("3.5"),
    ],
    needs: &["cloudtrail:trail", "cloudtrail:eventselectors"],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let trails = view.list("cloudtrail:trail");
    verdicts.list_read(&trails);
    for trail in trails.facts {
        let has_key = trail.text("/KmsKeyId").is_some_and(|k| !k.is_empty());
        let off = |is_on: bool, what: &str| -> Fault { Ok((!is_on).then(|| what.to_owned())) };
        verdicts.judge(
            &trail.id,
            trail.region,
            [
                off(
                    trail.is("/LogFileValidationEnabled"),
                    "log file validation is off",
                ),
                off(has_key, "logs are not encrypted with a KMS key"),
                selectors_fault(view, trail),
            ],
        );
    }
}

fn selectors_fault(view: &AccountView<'_>, trail: &FactView<'_>) -> Fault {
    let selectors = view.fact("cloudtrail:eventselectors", trail.region, &trail.id)?;
    let Some(selectors) = selectors else {
        return Err(view.missing("cloudtrail:eventselectors", &trail.id, "its selectors"));
    };
    let records = selectors.list("/EventSelectors").iter().any(is_basic)
        || selectors
            .list("/AdvancedEventSelectors")
            .iter()
            .any(is_advanced);
    Ok((!records).then(|| "no selector records all management events".to_owned()))
}

fn is_basic(selector: &Value) -> bool {
    selector["IncludeManagementEvents"] == true
        && selector["ReadWriteType"]
            .as_str()
            .is_none_or(|t| t == "All")
}

/// An advanced selector of management events without another condition.
fn is_advanced(selector: &Value) -> bool {
    let fields = selector["FieldSelectors"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let is_management = |f: &Value| {
        let values = f["Equals"].as_array().map_or(&[][..], Vec::as_slice);
        f["Field"] == "eventCategory" && values.iter().any(|v| v == "Management")
    };
    fields.iter().any(is_management) && fields.iter().all(|f| f["Field"] == "eventCategory")
}
