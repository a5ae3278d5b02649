//! Findings of GuardDuty, as EventBridge, S3 exports and the AWS CLI write them
//! (<https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_finding-format.html>).

use bartizan_model::Severity;
use serde_json::Value;

use crate::fields::{at, below, count, list, number, outside, text, time_s};
use crate::sensor_finding::{Draft, SensorKind, SensorPrincipal};
use crate::stages::{GUARDDUTY, purpose};

/// Least value of each level
/// (<https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings-severity.html>).
const LEVELS: [(f64, Severity); 4] = [
    (9.0, Severity::Critical),
    (7.0, Severity::High),
    (4.0, Severity::Medium),
    (1.0, Severity::Low),
];

pub(crate) fn read(value: &Value) -> Draft {
    let kind = text(value, "type").unwrap_or_default();
    let id = text(value, "arn").or_else(|| text(value, "id"));
    let mut draft = Draft::new(SensorKind::Guardduty, &kind, &id.unwrap_or_default());
    let level = number(value, "severity").unwrap_or(0.0);
    let row = LEVELS.iter().find(|(least, _)| level >= *least);
    draft.severity = row.map_or(Severity::Info, |(_, severity)| *severity);
    draft.purpose = purpose(GUARDDUTY, &kind);
    draft.title = text(value, "title").unwrap_or(kind);
    draft.summary = text(value, "description").unwrap_or_default();
    draft.account = text(value, "accountId");
    draft.region = text(value, "region");
    let time = |names: [&str; 2]| names.iter().find_map(|name| time_s(value, name));
    draft.first_s = time(["service.eventFirstSeen", "createdAt"]);
    draft.last_s = time(["service.eventLastSeen", "updatedAt"]);
    draft.count = count(value, "service.count").unwrap_or(1);
    draft.is_closed = at(value, "service.archived").as_bool().unwrap_or(false);
    if draft.is_closed {
        draft.because.push("archived in GuardDuty".to_owned());
    }
    who(value, &mut draft);
    touched(value, &mut draft);
    sequence(value, &mut draft);
    draft
}

fn who(value: &Value, draft: &mut Draft) {
    let key = at(value, "resource.accessKeyDetails");
    // Without a session or key `userName` is "GuardDuty…" in sample findings only.
    if let Some(name) = text(key, "userName") {
        let principal_id = text(key, "principalId");
        let session = principal_id.and_then(|p| Some(p.split_once(':')?.1.to_owned()));
        draft.principal = Some(SensorPrincipal {
            kind: text(key, "userType").unwrap_or_default(),
            name,
            access_key_id: text(key, "accessKeyId"),
            session,
        });
    }
    draft.subject.access_keys.extend(text(key, "accessKeyId"));
    let mut found = Vec::new();
    let action = at(value, "service.action");
    remote(action, &mut found, 0);
    let addresses = found.into_iter().filter_map(outside);
    draft.subject.addresses.extend(addresses);
    draft.user_agent = text(action, "awsApiCallAction.userAgent");
}

/// Addresses below `remoteIpDetails`, wherever the kind of the action has it. Never the local ones.
fn remote<'a>(value: &'a Value, found: &mut Vec<&'a str>, depth: usize) {
    if depth > 8 {
        return;
    }
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                if name.eq_ignore_ascii_case("remoteIpDetails") {
                    below(inner, &["ipAddressV4", "ipAddressV6"], found, depth + 1);
                } else {
                    remote(inner, found, depth + 1);
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|v| remote(v, found, depth + 1)),
        _ => {}
    }
}

/// Resources and instances.
fn touched(value: &Value, draft: &mut Draft) {
    let resource = at(value, "resource");
    if let Some(instance) = text(resource, "instanceDetails.instanceId") {
        draft.resources.push(instance.clone());
        draft.subject.instances.insert(instance);
    }
    for bucket in list(resource, "s3BucketDetails") {
        draft
            .resources
            .extend(text(bucket, "arn").or_else(|| text(bucket, "name")));
    }
    for path in [
        "eksClusterDetails.arn",
        "ecsClusterDetails.arn",
        "lambdaDetails.functionArn",
        "rdsDbInstanceDetails.dbInstanceArn",
        "containerDetails.id",
    ] {
        draft.resources.extend(text(resource, path));
    }
}

/// Actors, addresses and resources of an attack sequence.
fn sequence(value: &Value, draft: &mut Draft) {
    let sequence = at(value, "service.detection.sequence");
    for endpoint in list(sequence, "endpoints") {
        let address = text(endpoint, "ip").and_then(|ip| outside(&ip));
        draft.subject.addresses.extend(address);
    }
    for actor in list(sequence, "actors") {
        let key = text(actor, "user.credentialUid");
        draft
            .subject
            .access_keys
            .extend(key.clone().filter(|k| k.starts_with('A')));
        if let (None, Some(name)) = (&draft.principal, text(actor, "user.name")) {
            draft.principal = Some(SensorPrincipal {
                kind: text(actor, "user.type").unwrap_or_default(),
                name,
                access_key_id: key,
                session: text(actor, "session.uid"),
            });
        }
    }
    for resource in list(sequence, "resources") {
        let Some(uid) = text(resource, "uid") else {
            continue;
        };
        let instance = uid.rsplit('/').next().unwrap_or(&uid);
        if instance.starts_with("i-") {
            draft.subject.instances.insert(instance.to_owned());
        }
        draft.resources.push(uid);
    }
}
