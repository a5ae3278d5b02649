//! A finding as an OCSF Detection Finding (class 2004, schema 1.5.0, profile cloud).

use bartizan_detect::Rules;
use bartizan_model::{Confidence, Evidence, Finding, Severity};
use serde_json::{Value, json};

/// One finding.
pub(crate) fn ocsf(finding: &Finding, rules: &Rules) -> Value {
    let (severity_id, severity) = severity(finding.severity);
    let (confidence_id, confidence) = confidence(finding.confidence);
    let (first, last) = (
        millis(finding.first_time.as_deref()),
        millis(finding.last_time.as_deref()),
    );
    let rule = rules.rules.iter().find(|r| r.id == finding.rule);
    let mut info = json!({
        "uid": finding.id,
        "title": finding.title,
        "desc": finding.summary,
        "analytic": {
            "uid": finding.rule,
            "name": rule.map_or(finding.title.as_str(), |r| r.title.as_str()),
            "type_id": 1,
            "type": "Rule",
        },
        "attacks": finding.attack.iter().map(|t| json!({
            "technique": {"uid": t},
        })).collect::<Vec<_>>(),
        "types": [finding.stage],
    });
    if let (Some(first), Some(last)) = (first, last) {
        (info["first_seen_time"], info["last_seen_time"]) = (json!(first), json!(last));
    }
    let mut value = json!({
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2004,
        "class_name": "Detection Finding",
        "type_uid": 200_401,
        "type_name": "Detection Finding: Create",
        "severity_id": severity_id,
        "severity": severity,
        "confidence_id": confidence_id,
        "confidence": confidence,
        "status_id": 1,
        "status": "New",
        "time": last.unwrap_or(0),
        "count": finding.count,
        "message": finding.summary,
        "metadata": product(),
        "finding_info": info,
        "cloud": cloud_of(finding.account.as_deref(), finding.region.as_deref()),
        "resources": finding.resources.iter().map(|r| json!({"uid": r})).collect::<Vec<_>>(),
        "evidences": evidences(finding),
        "unmapped": {
            "refused": finding.refused,
            "calls": finding.calls,
            "counterparty": finding.counterparty,
            "stage": finding.stage,
            "verdict": finding.verdict,
            "because": finding.because,
            "show": finding.show,
        },
    });
    if let Some(advice) = rule.map(|r| r.advice.as_str()).filter(|a| !a.is_empty()) {
        value["remediation"] = json!({"desc": advice});
    }
    value
}

/// Schema version and name of this program.
pub(super) fn product() -> Value {
    json!({
        "version": "1.5.0",
        "profiles": ["cloud"],
        "product": {
            "name": "Bartizan",
            "vendor_name": "Bartizan",
            "version": env!("CARGO_PKG_VERSION"),
        },
    })
}

/// `severity_id` and its caption.
pub(super) fn severity(severity: Severity) -> (u8, &'static str) {
    match severity {
        Severity::Info => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

/// `confidence_id` and its caption.
fn confidence(confidence: Confidence) -> (u8, &'static str) {
    match confidence {
        Confidence::Low => (1, "Low"),
        Confidence::Medium => (2, "Medium"),
        Confidence::High => (3, "High"),
    }
}

/// Account and region.
pub(super) fn cloud_of(account: Option<&str>, region: Option<&str>) -> Value {
    let mut cloud = json!({"provider": "AWS"});
    if let Some(account) = account {
        cloud["account"] = json!({"uid": account, "type": "AWS Account", "type_id": 10});
    }
    if let Some(region) = region {
        cloud["region"] = json!(region);
    }
    cloud
}

/// User, source and program behind a finding, as far as they are known.
fn caller_of(finding: &Finding) -> [(&'static str, Value); 3] {
    let mut actor = json!({});
    let mut endpoint = json!({});
    let mut request = json!({});
    if let Some(who) = &finding.actor {
        let mut user = json!({"name": who.name, "uid": who.key, "type": who.kind, "type_id": 99});
        if let Some(key) = &who.access_key_id {
            user["credential_uid"] = json!(key);
        }
        if let Some(account) = &who.account {
            user["account"] = json!({"uid": account, "type": "AWS Account", "type_id": 10});
        }
        actor["user"] = user;
        match who.source_ip.as_deref() {
            Some(ip) if ip.parse::<std::net::IpAddr>().is_ok() => endpoint["ip"] = json!(ip),
            Some(service) => endpoint["svc_name"] = json!(service),
            None => {}
        }
        if let Some(agent) = &who.user_agent {
            request["user_agent"] = json!(agent);
        }
    }
    [
        ("actor", actor),
        ("src_endpoint", endpoint),
        ("http_request", request),
    ]
}

fn evidences(finding: &Finding) -> Vec<Value> {
    let caller = caller_of(finding);
    let one = |evidence: &Evidence| match evidence {
        Evidence::Event {
            id,
            time,
            call,
            error,
        } => {
            let (service, name) = call.split_once(':').unwrap_or(("", call));
            let mut api =
                json!({"operation": name, "service": {"name": service}, "request": {"uid": id}});
            if let Some(error) = error {
                api["response"] = json!({"error": error});
            }
            let mut value = json!({"api": api, "data": {"event_id": id, "time": time}});
            for (field, part) in &caller {
                if part.as_object().is_some_and(|p| !p.is_empty()) {
                    value[*field] = part.clone();
                }
            }
            value
        }
        Evidence::Change {
            fact,
            id,
            region,
            before_sha256,
            after_sha256,
        } => {
            json!({
                "data": {
                    "fact": fact,
                    "id": id,
                    "region": region,
                    "before_sha256": before_sha256,
                    "after_sha256": after_sha256,
                },
            })
        }
        Evidence::Check {
            check,
            resource,
            region,
            sha256,
        } => {
            json!({
                "data": {
                    "check": check,
                    "resource": resource,
                    "region": region,
                    "sha256": sha256,
                },
            })
        }
        Evidence::Cost {
            file,
            day,
            charge,
            amount,
            expected,
        } => {
            json!({
                "data": {
                    "file": file,
                    "day": day,
                    "charge": charge,
                    "amount": amount,
                    "expected": expected,
                },
            })
        }
        Evidence::Report {
            system,
            id,
            kind_of,
            time,
        } => json!({"data": {"system": system, "id": id, "type": kind_of, "time": time}}),
        Evidence::Coverage { place, what } => json!({"data": {"place": place, "missing": what}}),
    };
    finding.evidence.iter().map(one).collect()
}

/// Milliseconds since 1970.
fn millis(time: Option<&str>) -> Option<i64> {
    time?
        .parse::<jiff::Timestamp>()
        .ok()
        .map(|t| t.as_millisecond())
}
