//! Findings in OCSF: Security Hub's own (class 2004) and those of other products
//! (<https://schema.ocsf.io/1.5.0/classes/detection_finding>).

use bartizan_model::Severity;
use serde_json::Value;

use crate::fields::{at, count, list, outside, text, time_s};
use crate::sensor_finding::{Draft, SensorKind, SensorPrincipal};
use crate::stages::{ASFF, GUARDDUTY, purpose};

/// Classes of findings, with the beginning of the ASFF type that stands for them where their own
/// type says nothing.
const CLASSES: [(u64, &str); 7] = [
    (2001, "TTPs"),
    (2002, "Software and Configuration Checks"),
    (2003, "Software and Configuration Checks"),
    (2004, "TTPs"),
    (2005, "TTPs"),
    (2006, "Effects/Data Exposure"),
    (2007, "Software and Configuration Checks"),
];

/// `severity_id`; others (0 unknown, 99 other) are for the record.
const SEVERITIES: [(u64, Severity); 6] = [
    (1, Severity::Info),
    (2, Severity::Low),
    (3, Severity::Medium),
    (4, Severity::High),
    (5, Severity::Critical),
    (6, Severity::Critical),
];

/// `status_id` of findings that are suppressed, resolved, archived or deleted.
const CLOSED: [u64; 4] = [3, 4, 5, 6];

pub(crate) fn read(value: &Value) -> Draft {
    let info = at(value, "finding_info");
    let types = list(info, "types").filter_map(Value::as_str);
    let kind = types.last().unwrap_or_default().to_owned();
    let class = count(value, "class_uid").unwrap_or(0);
    let id = text(info, "uid").unwrap_or_default();
    let own = purpose(GUARDDUTY, &kind);
    let mut draft = match own {
        Some(_) => Draft::new(SensorKind::Guardduty, &kind, &id),
        None if kind.is_empty() => {
            Draft::new(SensorKind::Securityhub, &format!("class-{class}"), &id)
        }
        None => Draft::new(SensorKind::Securityhub, &kind, &id),
    };
    let of_class = CLASSES.iter().find(|(uid, _)| *uid == class);
    draft.purpose = own
        .or_else(|| purpose(ASFF, &kind))
        .or_else(|| purpose(ASFF, of_class?.1));
    let severity = count(value, "severity_id");
    let row = SEVERITIES.iter().find(|(id, _)| Some(*id) == severity);
    draft.severity = row.map_or(Severity::Info, |(_, severity)| *severity);
    draft.title = text(info, "title").unwrap_or(kind);
    draft.summary = text(info, "desc").unwrap_or_default();
    draft.account = text(value, "cloud.account.uid");
    draft.region = text(value, "cloud.region");
    let time = |paths: &[&str]| paths.iter().find_map(|path| time_s(value, path));
    draft.first_s = time(&[
        "finding_info.first_seen_time",
        "finding_info.first_seen_time_dt",
        "start_time",
        "finding_info.created_time",
        "finding_info.created_time_dt",
        "time",
    ]);
    draft.last_s = time(&[
        "finding_info.last_seen_time",
        "finding_info.last_seen_time_dt",
        "end_time",
        "time",
        "time_dt",
    ]);
    draft.count = count(value, "count").unwrap_or(1);
    draft.is_closed = count(value, "status_id").is_some_and(|s| CLOSED.contains(&s));
    if draft.is_closed {
        draft.because.push("closed in Security Hub".to_owned());
    }
    draft.because.extend(text(value, "remediation.desc"));
    for resource in list(value, "resources") {
        take_resource(resource, &mut draft);
    }
    for evidence in list(value, "evidences") {
        take_evidence(evidence, &mut draft);
    }
    draft
}

fn take_resource(resource: &Value, draft: &mut Draft) {
    let Some(uid) = text(resource, "uid") else {
        return;
    };
    let last = uid.rsplit(['/', ':']).next().unwrap_or(&uid);
    if last.starts_with("i-") {
        draft.subject.instances.insert(last.to_owned());
    } else if uid.contains(":user/") || uid.contains(":role/") {
        draft.subject.principals.insert(uid.clone());
    } else if ["AKIA", "ASIA"].iter().any(|p| last.starts_with(p)) && last.len() == 20 {
        draft.subject.access_keys.insert(last.to_owned());
    }
    draft.resources.push(uid);
}

fn take_evidence(evidence: &Value, draft: &mut Draft) {
    for side in ["src_endpoint.ip", "dst_endpoint.ip"] {
        let address = text(evidence, side).and_then(|ip| outside(&ip));
        draft.subject.addresses.extend(address);
    }
    let user = at(evidence, "actor.user");
    let key = text(user, "credential_uid");
    draft.subject.access_keys.extend(key.clone());
    if let (None, Some(name)) = (&draft.principal, text(user, "name")) {
        draft.principal = Some(SensorPrincipal {
            kind: text(user, "type").unwrap_or_default(),
            name,
            access_key_id: key,
            session: text(evidence, "actor.session.uid"),
        });
    }
}
