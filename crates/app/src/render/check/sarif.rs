//! Results as one SARIF 2.1.0 log (OASIS, sarif-schema-2.1.0).

use bartizan_model::Severity;
use bartizan_posture::{CHECKS, CheckVerdict};
use serde_json::{Value, json};

use super::row::{CheckList, ResultRow, check_reasons, fix, source};
use crate::posture::result_id;

pub(super) fn log(list: &CheckList<'_>) -> Value {
    let rules: Vec<Value> = CHECKS
        .iter()
        .map(|check| {
            json!({
                "id": check.id,
                "shortDescription": {"text": check.title},
                "fullDescription": {"text": check.why},
                "help": {"text": format!("{} Fix: {}", check.judged, check.fix)},
                "defaultConfiguration": {"level": level(check.severity)},
                "properties": {
                    "tags": check.sources.iter().map(|s| source(*s)).collect::<Vec<_>>(),
                    "security-severity": score(check.severity),
                },
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "Bartizan",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "results": list.rows().map(|row| result(&row)).collect::<Vec<_>>(),
        }],
    })
}

fn result(row: &ResultRow<'_>) -> Value {
    let (kind, level) = match row.result.verdict {
        CheckVerdict::Fail => ("fail", level(row.result.severity)),
        CheckVerdict::Unknown => ("open", "none"),
        CheckVerdict::Pass => ("pass", "none"),
    };
    let reasons = check_reasons(row.result);
    let text = if reasons.is_empty() {
        format!("{}: {}", row.result.verdict, row.check.judged)
    } else {
        format!("{}: {}", row.check.title, reasons.join("; "))
    };
    let mut value = json!({
        "ruleId": row.check.id,
        "ruleIndex": CHECKS.iter().position(|c| c.id == row.check.id),
        "kind": kind,
        "level": level,
        "message": {"text": text},
        "locations": [{
            "logicalLocations": [{
                "fullyQualifiedName": row.result.resource,
                "kind": "resource",
            }],
        }],
        "partialFingerprints": {"bartizan/1": result_id(row.result)},
        "properties": {
            "account": row.result.account,
            "region": row.result.region,
            "fix": fix(row),
        },
    });
    if let Some(j) = row.accepted {
        let reason = &j.reason;
        value["suppressions"] =
            json!([{"kind": "external", "status": "accepted", "justification": reason}]);
    }
    value
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// Score that code scanning sorts by, 0.0 to 10.0.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.5",
        Severity::Info => "0.0",
    }
}
