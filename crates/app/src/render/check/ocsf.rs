//! A result as an OCSF Compliance Finding (class 2003, schema 1.5.0, profile cloud).

use bartizan_posture::CheckVerdict;
use serde_json::{Value, json};

use super::super::ocsf::{cloud_of, product, severity};
use super::row::{ResultRow, check_reasons, fix, source};
use crate::posture::result_id;

pub(super) fn finding(row: &ResultRow<'_>) -> Value {
    let (result, check) = (row.result, row.check);
    let (severity_id, severity) = severity(result.severity);
    let (status_id, status) = match result.verdict {
        CheckVerdict::Pass => (1, "Pass"),
        CheckVerdict::Unknown => (2, "Warning"),
        CheckVerdict::Fail => (3, "Fail"),
    };
    let (state_id, state, comment) = match row.accepted {
        Some(j) => (3, "Suppressed", Some(j.reason.as_str())),
        None => (1, "New", None),
    };
    let mut finding = json!({
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2003,
        "class_name": "Compliance Finding",
        "type_uid": 200_301,
        "type_name": "Compliance Finding: Create",
        "severity_id": severity_id,
        "severity": severity,
        "status_id": state_id,
        "status": state,
        "time": row.time_ms,
        "message": check.title,
        "metadata": product(),
        "finding_info": {
            "uid": result_id(result),
            "title": check.title,
            "desc": check_reasons(result).join("; "),
            "types": ["posture"],
        },
        "compliance": {
            "control": check.id,
            "standards": ["Bartizan"],
            "requirements": check.sources.iter().map(|s| source(*s)).collect::<Vec<_>>(),
            "status_id": status_id,
            "status": status,
            "status_detail": check_reasons(result).join("; "),
        },
        "remediation": {"desc": fix(row)},
        "cloud": cloud_of(Some(&result.account), Some(&result.region)),
        "resources": [{"uid": result.resource, "region": result.region}],
        "unmapped": {"verdict": result.verdict},
    });
    if let Some(comment) = comment {
        finding["comment"] = json!(comment);
    }
    finding
}
