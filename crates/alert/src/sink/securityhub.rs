//! AWS Security Hub, `BatchImportFindings`: AWS Security Finding Format 2018-10-08
//! (<https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format-syntax.html>).

use bartizan_model::{Severity, Stage};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::alert::{Alert, AlertSubject};
use crate::escape::plain;
use crate::wording::wording;

/// Characters of a title.
const TITLE_MAX: usize = 256;
/// Characters of a description.
const DESCRIPTION_MAX: usize = 1024;
/// Characters of an id, of a resource and of a recommendation.
const ID_MAX: usize = 512;
/// Resources of a finding.
const RESOURCES_MAX: usize = 32;
/// Bytes of a finding.
const BYTES_MAX: usize = 240 << 10;

/// Parameters of `BatchImportFindings` with one finding, imported in account `account` and region
/// `region`. A later alert about the same subject updates it; its end archives it.
#[must_use]
pub fn parameters(alert: &Alert, account: &str, region: &str) -> Map<String, Value> {
    let mut finding = finding(alert, account, region);
    while finding.to_string().len() > BYTES_MAX {
        let resources = finding["Resources"].as_array_mut();
        if resources.is_none_or(|r| r.len() < 2 || r.pop().is_none()) {
            break;
        }
    }
    json!({"Findings": [finding]})
        .as_object()
        .cloned()
        .unwrap_or_default()
}

fn finding(alert: &Alert, account: &str, region: &str) -> Value {
    let words = wording(alert);
    let partition = match region {
        r if r.starts_with("us-gov-") => "aws-us-gov",
        r if r.starts_with("cn-") => "aws-cn",
        _ => "aws",
    };
    let (first, last, rule) = match &alert.about {
        AlertSubject::Finding { finding, .. } => (
            finding.first_time.clone(),
            finding.last_time.clone(),
            finding.rule.clone(),
        ),
        AlertSubject::Incident { incident, .. } => (
            Some(incident.first_time.clone()),
            Some(incident.last_time.clone()),
            "incident".to_owned(),
        ),
        AlertSubject::Digest(_) | AlertSubject::Test => (None, None, alert.kind.name().to_owned()),
    };
    // Security Hub takes RFC 3339 and nothing else.
    let valid = |time: Option<String>| time.filter(|t| t.parse::<Timestamp>().is_ok());
    let (first, last) = (valid(first), valid(last));
    let created = first.clone().unwrap_or_else(|| alert.time.clone());
    let mut details = Map::new();
    details.insert("bartizan/key".to_owned(), json!(alert.key));
    details.insert("bartizan/kind".to_owned(), json!(alert.kind.name()));
    let fields = words.fields.iter().take(20);
    details.extend(fields.map(|(l, t)| (format!("bartizan/{l}"), json!(plain(t, 1024)))));
    let mut finding = json!({
        "SchemaVersion": "2018-10-08",
        "Id": plain(&format!("bartizan/{}", alert.subject), ID_MAX),
        "ProductArn":
            format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default"),
        "ProductName": "Bartizan",
        "CompanyName": "Bartizan",
        "GeneratorId": plain(&format!("bartizan/{rule}"), ID_MAX),
        "AwsAccountId": account,
        "Types": types(alert),
        "CreatedAt": created,
        "UpdatedAt": alert.time,
        "Severity": {"Label": label(alert.severity), "Original": alert.severity.to_string()},
        "Title": nonempty(&plain(&words.title, TITLE_MAX)),
        "Description": nonempty(&plain(&words.answer, DESCRIPTION_MAX)),
        "Remediation": {"Recommendation": {"Text": plain(&words.show, ID_MAX)}},
        "ProductFields": details,
        "Resources": resources(alert, account, (partition, region)),
        "RecordState": if alert.kind.is_end() { "ARCHIVED" } else { "ACTIVE" },
        "Workflow": {"Status": if alert.kind.is_end() { "RESOLVED" } else { "NEW" }},
    });
    for (name, time) in [("FirstObservedAt", first), ("LastObservedAt", last)] {
        if let Some(time) = time {
            finding[name] = json!(time);
        }
    }
    finding
}

/// Types of the taxonomy, by stage.
fn types(alert: &Alert) -> Vec<&'static str> {
    let of = |stage: &Stage| match stage {
        Stage::Gain => "TTPs/Initial Access",
        Stage::Maintain => "TTPs/Persistence",
        Stage::Steal => "Effects/Data Exfiltration",
        Stage::Blind => "TTPs/Defense Evasion",
        Stage::Hygiene => "Software and Configuration Checks/AWS Security Best Practices",
    };
    let mut types: Vec<&str> = alert.stages.iter().map(of).collect();
    types.sort_unstable();
    types.dedup();
    if types.is_empty() {
        types.push("Unusual Behaviors");
    }
    types
}

/// Resources of the finding, or the account. Security Hub wants at least one.
fn resources(alert: &Alert, account: &str, (partition, region): (&str, &str)) -> Vec<Value> {
    let whole = |account: &str| {
        json!({
            "Type": "AwsAccount",
            "Id": format!("AWS::::Account:{account}"),
            "Partition": partition,
            "Region": region,
        })
    };
    let mut list: Vec<Value> = match &alert.about {
        AlertSubject::Finding { finding, .. } => finding
            .resources
            .iter()
            .filter(|r| !r.trim().is_empty())
            .take(RESOURCES_MAX)
            .map(|r| {
                json!({
                    "Type": "Other",
                    "Id": plain(r, ID_MAX),
                    "Partition": partition,
                    "Region": finding.region.as_deref().filter(|r| *r != "global")
                        .map_or_else(|| region.to_owned(), |r| plain(r, 32)),
                })
            })
            .collect(),
        _ => Vec::new(),
    };
    if list.is_empty() {
        let accounts = alert.accounts.iter().take(RESOURCES_MAX);
        list.extend(accounts.map(|a| whole(&plain(a, 64))));
    }
    if list.is_empty() {
        list.push(whole(account));
    }
    list
}

fn label(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "INFORMATIONAL",
        Severity::Low => "LOW",
        Severity::Medium => "MEDIUM",
        Severity::High => "HIGH",
        Severity::Critical => "CRITICAL",
    }
}

fn nonempty(text: &str) -> &str {
    if text.trim().is_empty() { "-" } else { text }
}
