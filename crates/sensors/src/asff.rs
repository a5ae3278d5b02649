//! Findings of Security Hub in its own format, ASFF
//! (<https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format-syntax.html>).

use bartizan_model::Severity;
use serde_json::Value;

use crate::fields::{at, count, list, number, outside, text, time_s};
use crate::sensor_finding::{Draft, SensorKind, SensorPrincipal};
use crate::stages::{ASFF, GUARDDUTY, purpose};

const LABELS: [(&str, Severity); 5] = [
    ("CRITICAL", Severity::Critical),
    ("HIGH", Severity::High),
    ("MEDIUM", Severity::Medium),
    ("LOW", Severity::Low),
    ("INFORMATIONAL", Severity::Info),
];

/// Least normalized severity of each level, of findings without a label.
const NORMALIZED: [(f64, Severity); 4] = [
    (90.0, Severity::Critical),
    (70.0, Severity::High),
    (40.0, Severity::Medium),
    (1.0, Severity::Low),
];

/// States in which nobody need look at a finding any more.
const CLOSED: [(&str, &str); 4] = [
    ("RecordState", "ARCHIVED"),
    ("Workflow.Status", "RESOLVED"),
    ("Workflow.Status", "SUPPRESSED"),
    ("Compliance.Status", "PASSED"),
];

pub(crate) fn read(value: &Value) -> Draft {
    let kind = list(value, "Types").find_map(Value::as_str).unwrap_or("");
    let id = text(value, "Id").unwrap_or_default();
    // GuardDuty's own words follow two levels of ASFF: `TTPs/Discovery/Recon:IAMUser-…`.
    let own = kind
        .splitn(3, '/')
        .nth(2)
        .filter(|_| id.contains(":guardduty:"));
    let mut draft = match own {
        Some(own) => Draft::new(SensorKind::Guardduty, own, &id),
        None => Draft::new(SensorKind::Securityhub, kind, &id),
    };
    draft.purpose = own
        .and_then(|own| purpose(GUARDDUTY, own))
        .or_else(|| purpose(ASFF, kind));
    let label = text(value, "Severity.Label");
    let level = number(value, "Severity.Normalized").unwrap_or(0.0);
    let row = LABELS.iter().find(|(l, _)| Some(*l) == label.as_deref());
    let least = || NORMALIZED.iter().find(|(least, _)| level >= *least);
    draft.severity = row
        .map(|r| r.1)
        .or_else(|| Some(least()?.1))
        .unwrap_or(Severity::Info);
    draft.title = text(value, "Title").unwrap_or_else(|| kind.to_owned());
    draft.summary = text(value, "Description").unwrap_or_default();
    draft.account = text(value, "AwsAccountId");
    draft.region =
        text(value, "Region").or_else(|| list(value, "Resources").find_map(|r| text(r, "Region")));
    let time = |names: [&str; 2]| names.iter().find_map(|name| time_s(value, name));
    draft.first_s = time(["FirstObservedAt", "CreatedAt"]);
    draft.last_s = time(["LastObservedAt", "UpdatedAt"]);
    draft.count = count(value, "ProductFields.count").unwrap_or(1);
    let closed = |(path, word): &(&str, &str)| text(value, path).as_deref() == Some(*word);
    if let Some((path, word)) = CLOSED.iter().find(|row| closed(row)) {
        draft.is_closed = true;
        draft
            .because
            .push(format!("{path} is {word} in Security Hub"));
    }
    draft
        .because
        .extend(text(value, "Remediation.Recommendation.Text"));
    resources(value, &mut draft);
    addresses(value, &mut draft);
    draft
}

fn resources(value: &Value, draft: &mut Draft) {
    for resource in list(value, "Resources") {
        let id = text(resource, "Id").unwrap_or_default();
        let of = |name: &str| text(at(resource, "Details"), name);
        match text(resource, "Type").as_deref() {
            Some("AwsEc2Instance") => {
                let instance = id.rsplit('/').next().unwrap_or(&id);
                draft.subject.instances.insert(instance.to_owned());
            }
            Some("AwsIamUser") => {
                draft.subject.principals.insert(id.clone());
            }
            Some("AwsIamRole") => {
                draft.subject.principals.insert(id.clone());
            }
            Some("AwsIamAccessKey") => {
                // `AWS::IAM::AccessKey:AKIA…`, and `…:null` where GuardDuty knows none.
                let key = id.rsplit(':').next().filter(|key| key.starts_with('A'));
                let key = key
                    .map(str::to_owned)
                    .or_else(|| of("AwsIamAccessKey.AccessKeyId"));
                draft.subject.access_keys.extend(key.clone());
                let name = of("AwsIamAccessKey.PrincipalName");
                if let Some(name) = name.or_else(|| of("AwsIamAccessKey.UserName")) {
                    let kind = of("AwsIamAccessKey.PrincipalType");
                    draft.principal = Some(SensorPrincipal {
                        kind: kind.unwrap_or_else(|| "IAMUser".to_owned()),
                        name,
                        access_key_id: key,
                        session: None,
                    });
                }
            }
            _ => {}
        }
        draft.resources.push(id);
    }
    draft.resources.retain(|id| !id.is_empty());
}

/// Names of fields with the address of the other side.
const REMOTE: [&str; 3] = [
    "Action.AwsApiCallAction.RemoteIpDetails.IpAddressV4",
    "Action.NetworkConnectionAction.RemoteIpDetails.IpAddressV4",
    "Network.SourceIpV4",
];

fn addresses(value: &Value, draft: &mut Draft) {
    let mut found: Vec<String> = REMOTE.iter().filter_map(|p| text(value, p)).collect();
    for probe in list(value, "Action.PortProbeAction.PortProbeDetails") {
        found.extend(text(probe, "RemoteIpDetails.IpAddressV4"));
    }
    for threat in list(value, "ThreatIntelIndicators") {
        let kind = text(threat, "Type").unwrap_or_default();
        found.extend(text(threat, "Value").filter(|_| kind.starts_with("IPV")));
    }
    // `action/awsApiCallAction/remoteIpDetails/ipAddressV4`, `…/0_/remoteIpDetails/ipAddressV4`.
    let product = at(value, "ProductFields").as_object();
    for (name, inner) in product.into_iter().flatten() {
        let is_remote = name
            .to_ascii_lowercase()
            .contains("remoteipdetails/ipaddressv");
        found.extend(inner.as_str().filter(|_| is_remote).map(str::to_owned));
    }
    let addresses = found.iter().filter_map(|a| outside(a));
    draft.subject.addresses.extend(addresses.take(64));
}
