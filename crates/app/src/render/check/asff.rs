//! A result in the AWS Security Finding Format (version 2018-10-08).
//!
//! Source: Security Hub user guide, "Required top-level ASFF attributes".

use bartizan_model::Severity;
use bartizan_posture::CheckVerdict;
use serde_json::{Value, json};

use super::row::{ResultRow, check_reasons, fix, source, time};
use crate::posture::result_id;

/// Length of a title and of a description, in characters (ASFF syntax).
const TITLE_MAX: usize = 256;
const DESCRIPTION_MAX: usize = 1024;
const REMEDIATION_MAX: usize = 512;

/// Region of a finding about what is the same everywhere.
const HOME_REGION: &str = "us-east-1";

pub(super) fn finding(row: &ResultRow<'_>) -> Value {
    let (result, check) = (row.result, row.check);
    let region = match result.region.as_str() {
        "global" => HOME_REGION,
        region => region,
    };
    let account = &result.account;
    let at = time(row.time_ms);
    let label = match (result.verdict, result.severity) {
        (CheckVerdict::Pass, _) | (_, Severity::Info) => "INFORMATIONAL",
        (_, Severity::Low) => "LOW",
        (_, Severity::Medium) => "MEDIUM",
        (_, Severity::High) => "HIGH",
        (_, Severity::Critical) => "CRITICAL",
    };
    let status = match result.verdict {
        CheckVerdict::Fail => "FAILED",
        CheckVerdict::Unknown => "NOT_AVAILABLE",
        CheckVerdict::Pass => "PASSED",
    };
    let reasons = check_reasons(result);
    let description = if reasons.is_empty() {
        check.judged.to_owned()
    } else {
        reasons.join("; ")
    };
    let related: Vec<String> = check.sources.iter().map(|s| source(*s)).collect();
    let workflow = if row.accepted.is_some() {
        "SUPPRESSED"
    } else {
        "NEW"
    };
    let mut finding = json!({
        "SchemaVersion": "2018-10-08",
        "Id": format!("bartizan/{}", result_id(result)),
        "ProductArn": format!("arn:aws:securityhub:{region}:{account}:product/{account}/default"),
        "ProductName": "Bartizan",
        "CompanyName": "Bartizan",
        "GeneratorId": format!("bartizan/{}", check.id),
        "AwsAccountId": account,
        "Region": region,
        "Types": ["Software and Configuration Checks/AWS Security Best Practices"],
        "CreatedAt": at,
        "UpdatedAt": at,
        "Severity": {"Label": label, "Original": result.severity.to_string()},
        "Title": cut(check.title, TITLE_MAX),
        "Description": cut(&description, DESCRIPTION_MAX),
        "Remediation": {"Recommendation": {"Text": cut(&fix(row), REMEDIATION_MAX)}},
        "Resources": [{
            "Type": kind(&result.resource),
            "Id": cut(&result.resource, REMEDIATION_MAX),
            "Partition": "aws",
            "Region": region,
        }],
        "Compliance": {"Status": status, "RelatedRequirements": related},
        "Workflow": {"Status": workflow},
        "RecordState": "ACTIVE",
    });
    if let Some(j) = row.accepted {
        finding["Note"] = json!({
            "Text": cut(&j.reason, REMEDIATION_MAX),
            "UpdatedBy": "bartizan accept",
            "UpdatedAt": at,
        });
    }
    finding
}

/// Types of resources by how their ARNs go on, e.g. `arn:aws:s3:::site` is an `AwsS3Bucket`.
const KINDS: [(&str, &str, &str); 12] = [
    ("iam", "user/", "AwsIamUser"),
    ("iam", "role/", "AwsIamRole"),
    ("iam", "group/", "AwsIamGroup"),
    ("s3", "", "AwsS3Bucket"),
    ("sqs", "", "AwsSqsQueue"),
    ("sns", "", "AwsSnsTopic"),
    ("kms", "key/", "AwsKmsKey"),
    ("ec2", "instance/", "AwsEc2Instance"),
    ("ec2", "security-group/", "AwsEc2SecurityGroup"),
    ("ec2", "network-acl/", "AwsEc2NetworkAcl"),
    ("lambda", "function:", "AwsLambdaFunction"),
    ("cloudtrail", "trail/", "AwsCloudTrailTrail"),
];

fn kind(resource: &str) -> &'static str {
    let parts: Vec<&str> = resource.splitn(6, ':').collect();
    let [_, _, service, _, _, rest] = parts.as_slice() else {
        return "AwsAccount";
    };
    let fits = |(s, begins, _): &&(&str, &str, &str)| s == service && rest.starts_with(begins);
    KINDS.iter().find(fits).map_or("Other", |(.., kind)| kind)
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
